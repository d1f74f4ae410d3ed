"""What attacks are called in the results and need, by what the config says of them. Imports no torch."""

from collections.abc import Mapping, Sequence
from typing import Any

AUTOATTACKS: tuple[str, ...] = ("apgd-ce", "apgd-dlr", "apgd-t", "fab", "fab-t", "square")
"""The attacks that a subset of AutoAttack may name; its standard version runs apgd-ce, apgd-t, fab-t and square."""

# The difference of logits is divided by one that involves the third largest logit, of the targeted loss the fourth.
_FEWEST_CLASSES = {"apgd-dlr": 3, "apgd-t": 4}


def starts_at_random(attack: Mapping[str, Any]) -> bool:
    """Whether an attack starts at a random point of the ball, not at the image: PGD does unless it says otherwise."""
    return attack.get("random_start", attack["attack"] == "pgd")


def attack_name(attack: Mapping[str, Any]) -> str:
    """Return the name of an attack: "fgsm", or "pgd-10" with its steps; with another start than usual, that too.

    Args:
        attack: `attack` ("fgsm" or "pgd"), for PGD `steps`, and optionally `random_start`; or, of AutoAttack, nothing
            of these and perhaps `attacks`, a list of those of its attacks that are run.

    Returns:
        As in "pgd-10-from-image" or "fgsm-from-random"; "autoattack", or as in "apgd-ce+square".
    """
    if "attack" not in attack:
        return "+".join(attack.get("attacks") or ["autoattack"])
    random = starts_at_random(attack)
    if attack["attack"] == "fgsm":
        return "fgsm-from-random" if random else "fgsm"
    return f"pgd-{attack['steps']}" + ("" if random else "-from-image")


def fewest_classes(attacks: Sequence[str] | None) -> int:
    """Return how many classes AutoAttack, or a subset of its attacks, needs at least.

    Args:
        attacks: some of `AUTOATTACKS`; None for the standard version.
    """
    return max(_FEWEST_CLASSES.get(attack, 2) for attack in attacks or ("apgd-t",))


def why_too_few_classes(entries: Sequence[Mapping[str, Any]], classes: int, dataset: str) -> str | None:
    """Return why AutoAttack, or the subsets of it that are asked for, cannot attack models of so many classes.

    Args:
        entries: the settings of the suite `autoattack`.
        classes: how many there are.
        dataset: their data set, for the sentence.

    Returns:
        The rest of a sentence, with what to write instead; None where it can.
    """
    fewest = max((fewest_classes(entry.get("attacks")) for entry in entries), default=0)
    if classes >= fewest:
        return None
    possible = [attack for attack in AUTOATTACKS if fewest_classes([attack]) <= classes]
    where = f"evaluation.datasets.{dataset}"
    entries_instead = f"attacks: [{', '.join(possible)}], or some of these, in each entry of {where}.autoattack, or "
    return (
        f"its attacks need at least {fewest} classes, and there {'is' if classes == 1 else 'are'} {classes}: write "
        f"{entries_instead if possible else ''}autoattack: false in {where}"
    )
