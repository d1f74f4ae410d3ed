"""The attack of the suite `regions`, with what its settings are unless given. Imports no torch."""

from collections.abc import Mapping
from typing import Any


def regions_attack(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attack whose examples the suite looks at, as `filterfreq.training.attacks.attack_images` takes it.

    It starts at the image: a random start would mix a random way into that to the adversarial example.

    Args:
        settings: as the schema of the suite describes them.
    """
    return {
        "attack": "pgd",
        "norm": settings["norm"],
        "steps": settings.get("steps", 50),
        "random_start": False,
    }
