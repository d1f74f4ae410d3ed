"""What the config's entries of attacks must be beyond what their schema says. Imports no torch."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from filterfreq.runtime.errors import InputError, run_check
from filterfreq.training.epsilon import check_bounds

_KEYS_OF_ALL_ATTACKS = {"attack", "norm", "epsilon", "epsilons", "images"}
_KEYS_OF_ATTACKS = {
    "fgsm": {"random_start"},
    "pgd": {"random_start", "steps", "relative_step_size"},
    "free": {"replays", "free_protocol"},
}


def check_attack_entry(where: str, attack: Mapping[str, Any], size: int | None = None) -> None:
    """Refuse keys that mean nothing to an attack, and an epsilon that bounds nothing.

    Args:
        where: its key in the config.
        attack: an entry of `adversarial`, `transfer` or `autoattack`, `perturbations`, or a variant's
            `adversarial_training`.
        size: height and width of the images, in pixels, where they are known.

    Raises:
        InputError: it has one of these; the sentence names the key.
    """
    kind = attack.get("attack")
    for key in attack:
        if kind is not None and key not in _KEYS_OF_ALL_ATTACKS | _KEYS_OF_ATTACKS[kind]:
            raise InputError(f"{where}.{key}: means nothing to the attack {kind}, leave it out")
    bounded = partial(check_bounds, norm=attack["norm"], size=size)
    if "epsilon" in attack:
        run_check(bounded, attack["epsilon"], f"{where}.epsilon")
    for number, epsilon in enumerate(attack.get("epsilons", [])):
        run_check(bounded, epsilon, f"{where}.epsilons.{number}")
