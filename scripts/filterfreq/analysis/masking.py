"""Signs that a model's gradients mislead the attacks which follow them, so that their accuracy is no robustness.

Athalye, Carlini, Wagner, Obfuscated Gradients Give a False Sense of Security, ICML 2018, section 3.1; Carlini et al.,
On Evaluating Adversarial Robustness, arXiv 1902.06705. Imports no torch.
"""

from collections.abc import Mapping

from filterfreq.training.epsilon import parse_epsilon

MEASURED_UNTIL = "64/255"
"""The epsilon, in the maximum norm, by which the accuracy of any classifier of images should have fallen to 0."""

SIGNS: Mapping[str, str] = {
    "above_square": "Square leaves less than gradients",
    "never_zero": f"accuracy is not 0 at {MEASURED_UNTIL}",
    "single_step": "a single step leaves less than many",
    "noise": "random noise leaves less than gradients",
    "transfer": "transferred attacks leave less than gradients",
}
"""The signs, with what they say of accuracies; the last is of defended models alone."""

_OTHERS = {
    "above_square": ("square", "square_eot"),
    "single_step": ("fgsm",),
    "noise": ("noise",),
    "transfer": ("transfer",),
}


def masking_signs(accuracies: Mapping[str, Mapping[str, float]], norm: str) -> dict[str, dict[str, bool | None]]:
    """Return whether each sign holds for one model, at each epsilon.

    Accuracies are compared with that under the worst of the attacks along gradients that take many steps. One image
    less is enough: the check had rather warn once too often. Attacks that break other images, and as many, are no sign.

    Args:
        accuracies: by epsilon, as "8/255", the accuracy under each attack as the suite `adaptive` names it.
        norm: of these epsilons, "linf" or "l2".

    Returns:
        By epsilon, then by the names of `SIGNS`: whether it holds; None where it was not measured. `never_zero` is that
        of the largest epsilon, and the same at all; it is of the maximum norm alone.
    """
    never_zero = _is_never_zero(accuracies, norm)
    found = {}
    for epsilon, values in accuracies.items():
        along = values.get("adaptive")
        found[epsilon] = {"never_zero": never_zero}
        for sign, names in _OTHERS.items():
            others = [values[name] for name in names if name in values]
            found[epsilon][sign] = None if along is None or not others else min(others) < along
        found[epsilon] = {sign: found[epsilon][sign] for sign in SIGNS}
    return found


def _is_never_zero(accuracies: Mapping[str, Mapping[str, float]], norm: str) -> bool | None:
    largest = max(accuracies, key=parse_epsilon)
    if (
        norm != "linf"
        or parse_epsilon(largest) < parse_epsilon(MEASURED_UNTIL)
        or "adaptive" not in accuracies[largest]
    ):
        return None
    return accuracies[largest]["adaptive"] > 0
