"""The one list of changes of a model, and how a new one is decomposed; imports no torch before it is done.

A variant that has `from` is another run's model, changed without training by what its other keys name. One more change
is one more entry here, a module in `models/surgery` and the schema of its key in `schemas/surgery`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from filterfreq.models.classifier import Classifier

SURGERY: dict[str, str] = {
    "low_pass_kernels": "filterfreq.models.surgery.low_pass_kernels:low_pass_kernels",
    "front_end": "filterfreq.models.surgery.front_end:add_front_end",
    "smooth_kernels": "filterfreq.models.surgery.smooth_kernels:smooth_kernels",
    "normalisation": "filterfreq.models.surgery.normalisation:set_normalisation",
    "dropout": "filterfreq.models.surgery.dropout:add_dropout",
    # These two make another classifier of the model with all that it is by then.
    "post_averaging": "filterfreq.models.surgery.post_averaging:post_averaging",
    "randomised_smoothing": "filterfreq.models.surgery.randomised_smoothing:randomised_smoothing",
}
"""For each key of a variant "module:function", in the order in which several are applied.

A function is called as `function(classifier, **settings)` with the settings of its key, or as `function(classifier,
setting)` where these are no mapping. It changes the classifier, or
makes another of it, and returns it: a `Classifier` whose `backbone` holds all its tensors. Its layers may depend on the
settings and on the layers before, but on no weight: a reader makes the layers anew and then fills them.

Entries keep their order: the result of several depends on it, and what is finished would not be made anew.
"""

TRAINED_WITH: Mapping[str, Mapping[str, Any]] = {
    "front_end": {"band": "low", "bandwidth": 1},
    "normalisation": {},
    "dropout": {},
}
"""The keys of `SURGERY` that a variant may have without `from`: its models are trained so changed.

Each has settings to time the work with: another band takes as long.
"""

TRAINED_ONLY = ("normalisation", "dropout")
"""Those of them that a variant with `from` may not have, because they mean nothing to a finished model."""

_DECOMPOSITION = "filterfreq.models.surgery.decomposition"


def apply_decomposition(model: nn.Module, decomposition: str | None) -> nn.Module:
    """Return a model as it is trained: decomposed, or where it is not to be, as it is.

    Args:
        model: a new one; it is changed in place.
        decomposition: "weight", "signal" or None, see `filterfreq.models.surgery.decomposition.decompose`.

    Raises:
        InputError: the model cannot be decomposed.
    """
    if decomposition is None:
        return model
    return importlib.import_module(_DECOMPOSITION).decompose(model, decomposition)


def apply_surgery(classifier: Classifier, settings: Mapping[str, Any]) -> Classifier:
    """Return a classifier with changes of `SURGERY` applied, in its order.

    Args:
        classifier: the source's, or a new one, on the CPU; it may be changed in place.
        settings: those of each change by its key; other keys mean nothing.

    Raises:
        InputError: a change is not possible on this model.
    """
    for key, entry in SURGERY.items():
        if key in settings:
            module, function = entry.split(":")
            change, value = getattr(importlib.import_module(module), function), settings[key]
            classifier = change(classifier, **value) if isinstance(value, Mapping) else change(classifier, value)
    return classifier


def composed_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a classifier, as its record has them, when its composed layers are plain ones.

    DCT layers are then convolutions, and so are those whose weights are normalised; a `ConvNorm` stays one.
    """
    normalisation = settings.get("normalisation")
    is_composed = isinstance(normalisation, Mapping) and normalisation["method"] != "convnorm"
    kept = {key: value for key, value in settings.items() if key != "normalisation" or not is_composed}
    return {**kept, "decomposition": None}


def surgery_modules(settings: Mapping[str, Any]) -> list[str]:
    """Return the modules of a variant's changes, and of its decomposition where it has one.

    Args:
        settings: the variant's, by key.

    Returns:
        Names such as "filterfreq.models.surgery.low_pass_kernels".
    """
    modules = [entry.partition(":")[0] for key, entry in SURGERY.items() if key in settings]
    return [*modules, _DECOMPOSITION] if "decomposition" in settings else modules
