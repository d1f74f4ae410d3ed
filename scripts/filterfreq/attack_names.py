"""What attacks are called in the results, by what the config says of them. Imports no torch."""

from collections.abc import Mapping
from typing import Any


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
