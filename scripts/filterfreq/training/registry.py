"""What a variant may change in training. Imports no torch.

One more intervention is one more entry here, a module in `training/interventions` and the schema of its key in
`schemas/interventions`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

_MODULES = "filterfreq.training.interventions"
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Entry(NamedTuple):
    """What is known of an intervention without running it.

    Attributes:
        module: where its function `intervention` is, which takes the key's value and returns a
            `filterfreq.training.intervention.Intervention`.
        strengths: the settings that say how strongly something is done, not how much work it is, each with a value to
            time the work with.
        excludes: keys of a variant that cannot stand beside it.
        needs: keys of a variant that must.
    """

    module: str
    strengths: Mapping[str, Any] = _NOTHING
    excludes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


INTERVENTIONS: dict[str, Entry] = {
    "augmentation_policy": Entry(f"{_MODULES}.augmentation_policy"),
    "gaussian_noise": Entry(f"{_MODULES}.gaussian_noise"),
    "mixup": Entry(f"{_MODULES}.mixup", excludes=("jensen_shannon", "adversarial_training")),
    "jensen_shannon": Entry(
        f"{_MODULES}.jensen_shannon",
        excludes=("mixup", "adversarial_training"),
        needs=("augmentation_policy",),
    ),
    "adversarial_training": Entry(
        f"{_MODULES}.adversarial_training",
        strengths={"epsilon": "1/255"},
        excludes=("mixup", "jensen_shannon"),
    ),
    "label_smoothing": Entry(f"{_MODULES}.label_smoothing"),
    "penalty": Entry(f"{_MODULES}.penalty", strengths={"strength": 0.01}, needs=("decomposition",)),
}
"""By the key of a variant; where several change the same thing, they do so in this order."""


def strengths_of(key: str) -> Mapping[str, Any]:
    """Return the `strengths` of a variant's key; none of a key that is no intervention."""
    return INTERVENTIONS[key].strengths if key in INTERVENTIONS else _NOTHING


def intervention_modules(variant: Mapping[str, Any]) -> list[str]:
    """Return the modules of a variant's own interventions, such as "filterfreq.training.interventions.penalty"."""
    return [entry.module for key, entry in INTERVENTIONS.items() if key in variant]
