"""The one list of changes of a finished model; imports no torch before `apply_surgery`.

A variant that has `from` is another run's model, changed without training by what its other keys name. One more change
is one more entry here, a module in `models/surgery` and the schema of its key in `schemas/surgery`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from filterfreq.models.classifier import Classifier


class Change(NamedTuple):
    """What is known of a change without making it.

    Attributes:
        function: "module:function", called as `function(classifier, **settings)` with the settings of its key. It
            changes the classifier, or makes another of it, and returns it: a `Classifier` whose `backbone` holds all
            its tensors. Its layers may depend on the settings and on the layers before, but on no weight: a reader
            makes the layers anew and then fills them.
        sweeps: the settings that a sweep may vary, each with the words for its value in a label.
    """

    function: str
    sweeps: Mapping[str, str] = MappingProxyType({})


SURGERY: dict[str, Change] = {
    "low_pass_kernels": Change(
        "filterfreq.models.surgery.low_pass_kernels:low_pass_kernels", sweeps={"below": "DCT below {}"}
    ),
}
"""By the key of a variant; where it has several, they are made in this order.

Entries keep their order: the result of several depends on it, and what is finished would not be made anew.
"""


def apply_surgery(classifier: Classifier, settings: Mapping[str, Any]) -> Classifier:
    """Return a classifier with changes of `SURGERY` applied, in its order.

    Args:
        classifier: the source's, on the CPU; it may be changed in place.
        settings: those of each change by its key; other keys mean nothing.

    Raises:
        InputError: a change is not possible on this model.
    """
    for key, change in SURGERY.items():
        if key in settings:
            module, function = change.function.split(":")
            classifier = getattr(importlib.import_module(module), function)(classifier, **settings[key])
    return classifier


def surgery_modules(settings: Mapping[str, Any]) -> list[str]:
    """Return the modules of the changes that have settings, such as "filterfreq.models.surgery.low_pass_kernels"."""
    return [change.function.partition(":")[0] for key, change in SURGERY.items() if key in settings]
