"""What a variant may change in training. Imports no torch.

One more intervention is one more entry here, a module in `training/interventions` and the schema of its key in
`schemas/interventions`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from filterfreq.frequencies.bands import disc_has_all, highest_radius
from filterfreq.models.surgery.registry import TRAINED_WITH
from filterfreq.runtime.errors import InputError
from filterfreq.training.attack_checks import check_attack_entry

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
        check: of the variant's key in the config, the variant, and height and width of the images in pixels where these
            are known, it raises `InputError` where the settings mean nothing; None where the schema says it all.
        conflict: of its settings and those of a training, why they do not go together, as the rest of a sentence, or
            None where they do.
        chooses_images: whether it says no more than which images are seen, which changes no work of a batch.
        reads_file: whether its function takes a file as second argument, which the table `INTERVENTION_FILES` of
            rules/train.smk names.
    """

    module: str
    strengths: Mapping[str, Any] = _NOTHING
    excludes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    check: Callable[[str, Mapping[str, Any], int | None], None] | None = None
    conflict: Callable[[Any, Mapping[str, Any]], str | None] | None = None
    chooses_images: bool = False
    reads_file: bool = False


NO_ACCUMULATION = "accumulate works neither with free adversarial training nor with adahessian: set it to 1"
"""The rest of a sentence; neither takes a step from the sum of several batches' gradients."""


def _check_jensen_shannon(where: str, variant: Mapping[str, Any], _size: int | None) -> None:
    if not variant["augmentation_policy"].startswith("augmix"):
        raise InputError(
            f"{where}.jensen_shannon: belongs to AugMix, set augmentation_policy to augmix or leave it out"
        )


def _check_labels(where: str, variant: Mapping[str, Any], _size: int | None) -> None:
    labels = variant["labels"]
    if isinstance(labels, Mapping) and labels["noise"] == "symmetric" and "flips" in labels:
        raise InputError(f"{where}.labels.flips: symmetric noise flips no classes: take asymmetric, or leave flips out")


def _check_adversarial_training(where: str, variant: Mapping[str, Any], size: int | None) -> None:
    check_attack_entry(f"{where}.adversarial_training", variant["adversarial_training"], size)


def _check_penalty(where: str, variant: Mapping[str, Any], _size: int | None) -> None:
    kind = variant["penalty"]["kind"]
    given = [key for key in ("padding", "counted") if key in variant["penalty"]]
    if kind != "orthogonal" and given:
        raise InputError(
            f"{where}.penalty.{given[0]}: belongs to the kind orthogonal, take that or leave {given[0]} out"
        )
    if kind == "orthogonal" and variant["penalty"]["layers"] != "all":
        raise InputError(
            f"{where}.penalty.layers: the kind orthogonal says by counted which layers count: write all here"
        )
    if kind not in ("smooth", "orthogonal") and "decomposition" not in variant:
        raise InputError(
            f"{where}.penalty.kind: {kind!r} is of DCT coefficients and needs decomposition beside penalty: write "
            "that, take the kind smooth, or leave penalty out"
        )


def _free_training_conflict(attack: Mapping[str, Any], training: Mapping[str, Any]) -> str | None:
    if attack["attack"] != "free":
        return None
    if training.get("accumulate", 1) > 1:
        return NO_ACCUMULATION
    if training["optimizer"] == "adahessian":
        return "adahessian does not work with free adversarial training: take another optimizer"
    return None


def _check_component(where: str, variant: Mapping[str, Any], size: int | None) -> None:
    settings = variant["component"]
    kind, radius = settings["pass"], settings["radius"]
    if size is not None and disc_has_all(size, radius, settings.get("mask", "strict")):
        left = {"low": "all of each image", "high": "nothing of any image"}[kind]
        raise InputError(
            f"{where}.component.radius: {radius:g} leaves {left}, as images of {size} pixels end at "
            f"{highest_radius(size):.1f} cycles per image: lower it"
        )


_ADD_FREQUENCIES = ("gaussian_noise", "gaussian_noise_up_to", "noise_with_spectrum_of", "adversarial_training")
"""They add other frequencies than those of a component, and clip what is below 0."""

INTERVENTIONS: dict[str, Entry] = {
    "data": Entry(f"{_MODULES}.data", chooses_images=True),
    "validation": Entry(f"{_MODULES}.validation", chooses_images=True),
    "labels": Entry(f"{_MODULES}.labels", strengths={"rate": 0.5}, check=_check_labels),
    "augmentation_policy": Entry(f"{_MODULES}.augmentation_policy"),
    "gaussian_noise": Entry(f"{_MODULES}.gaussian_noise", excludes=("component",)),
    "gaussian_noise_up_to": Entry(f"{_MODULES}.gaussian_noise_up_to", excludes=("component",)),
    "noise_with_spectrum_of": Entry(f"{_MODULES}.noise_with_spectrum_of", excludes=("component",), reads_file=True),
    "component": Entry(
        f"{_MODULES}.component",
        strengths={"pass": "low", "radius": 1, "mask": "strict"},
        excludes=_ADD_FREQUENCIES,
        check=_check_component,
    ),
    "mixup": Entry(f"{_MODULES}.mixup", excludes=("jensen_shannon", "adversarial_training")),
    "jensen_shannon": Entry(
        f"{_MODULES}.jensen_shannon",
        excludes=("mixup", "adversarial_training"),
        check=_check_jensen_shannon,
        needs=("augmentation_policy",),
    ),
    "adversarial_training": Entry(
        f"{_MODULES}.adversarial_training",
        strengths={"epsilon": "1/255"},
        excludes=("mixup", "jensen_shannon", "component"),
        check=_check_adversarial_training,
        conflict=_free_training_conflict,
    ),
    "label_smoothing": Entry(f"{_MODULES}.label_smoothing", excludes=("loss",)),
    "loss": Entry(f"{_MODULES}.loss", excludes=("label_smoothing",)),
    "penalty": Entry(f"{_MODULES}.penalty", strengths={"strength": 0.01}, check=_check_penalty),
}
"""By the key of a variant; where several change the same thing, they do so in this order."""


CHOOSING_IMAGES: tuple[str, ...] = tuple(key for key, entry in INTERVENTIONS.items() if entry.chooses_images)
"""The keys of a variant that change no work of a batch."""


def strengths_of(key: str) -> Mapping[str, Any]:
    """Return the `strengths` of an intervention's key, the same of a change of the model, none of other keys."""
    return INTERVENTIONS[key].strengths if key in INTERVENTIONS else TRAINED_WITH.get(key, _NOTHING)


def check_interventions(where: str, variant: Mapping[str, Any], size: int | None = None) -> None:
    """Refuse interventions whose settings mean nothing, or that cannot stand beside each other.

    Args:
        where: the variant's key in the config, which the sentence begins with.
        variant: a variant whose form is that of the schema.
        size: height and width of the images that it is trained on, in pixels, where they are known.

    Raises:
        InputError: it has some.
    """
    for key, entry in INTERVENTIONS.items():
        if key not in variant:
            continue
        missing = next((other for other in entry.needs if other not in variant), None)
        if missing is not None:
            raise InputError(f"{where}: {key} needs {missing} beside it: write that, or leave {key} out")
        if entry.check is not None:
            entry.check(where, variant, size)
        other = next((other for other in entry.excludes if other in variant), None)
        if other is not None:
            raise InputError(f"{where}: {key} and {other} cannot be combined, leave one out")


def training_conflict(variant: Mapping[str, Any], training: Mapping[str, Any]) -> str | None:
    """Return why a variant's interventions do not go with the settings of a training; None where they do.

    Args:
        variant: the variant.
        training: the settings, as the spec of its run has them.

    Returns:
        The rest of a sentence.
    """
    pairs = [(entry.conflict, variant[key]) for key, entry in INTERVENTIONS.items() if key in variant]
    found = (conflict(value, training) for conflict, value in pairs if conflict is not None)
    return next((said for said in found if said is not None), None)


def intervention_modules(variant: Mapping[str, Any]) -> list[str]:
    """Return the modules of a variant's own interventions, such as "filterfreq.training.interventions.penalty"."""
    return [entry.module for key, entry in INTERVENTIONS.items() if key in variant]
