"""What the settings of the suite `adaptive` are unless given. Imports no torch."""

from collections.abc import Mapping
from typing import Any

from filterfreq.training.epsilon import parse_epsilon

ATTACKS: tuple[str, ...] = ("fgsm", "pgd", "apgd", "square", "square_eot", "transfer", "noise")
TRANSFERRED: tuple[str, ...] = ("fgsm", "pgd", "deepfool", "carlini_wagner")
AUTO = "auto"
_SCHEDULE = (1, 5, 10, 20)
_DEFAULTS: Mapping[str, Any] = {
    "attacks": ATTACKS,
    "losses": ("ce", "margin"),
    "steps": 50,
    "restarts": 2,
    "eot": AUTO,
    "draws": 10,
    "transferred": TRANSFERRED,
}
# Those of Square are the settings that broke post-averaging (repository max-andr/square-attack); of `square_eot` those
# that the maintainers of AutoAttack advise for classifiers with draws.
_DEFAULTS_OF_ATTACKS: Mapping[str, Mapping[str, Any]] = {
    "square": {"queries": 20_000, "p": 0.3},
    "square_eot": {"queries": 1000, "p": 0.3, "draws": 20},
    "noise": {"tries": 100},
    "deepfool": {"steps": 50},
    "carlini_wagner": {"searches": 5, "steps": 1000},
}


def complete_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with all that they leave out."""
    attacks = {name: {**values, **settings.get(name, {})} for name, values in _DEFAULTS_OF_ATTACKS.items()}
    return {**_DEFAULTS, **settings, **attacks}


def applicable(settings: Mapping[str, Any], is_stochastic: bool, has_source: bool) -> dict[str, Any]:
    """Return the complete settings of what one model is attacked with.

    A classifier without draws has nothing to average over, and one that is not derived nothing to transfer from.

    Args:
        settings: as the schema describes them.
        is_stochastic: whether the classifier draws anew at every call.
        has_source: whether it is derived from an undefended one.
    """
    complete = complete_settings(settings)
    left_out = {name for name, is_there in (("square_eot", is_stochastic), ("transfer", has_source)) if not is_there}
    complete["attacks"] = [attack for attack in complete["attacks"] if attack not in left_out]
    return complete if is_stochastic else {**complete, "eot": [1]}


def eot_draws(eot: str | list[int]) -> list[int]:
    """Return over how many draws gradients are averaged, one number after the other; of `auto` at most so many."""
    return list(_SCHEDULE) if eot == AUTO else sorted(eot)


def stops_at(eot: str | list[int], draws: int, before: int, after: int) -> bool:
    """Whether more draws are not tried: on `auto` from the second number on, once the accuracy falls no more.

    Args:
        eot: the setting.
        draws: over how many the gradients were averaged last.
        before: images that were left before that.
        after: images that are left.
    """
    return eot == AUTO and draws > _SCHEDULE[0] and after == before


def many_step_name(attack: str, steps: int, loss: str) -> str:
    """Return what results call PGD or APGD with a loss: "pgd-50-margin", "apgd-50-dlr"."""
    # The margin of the package's APGD is the difference of logits ratio.
    return f"{attack}-{steps}-{'dlr' if (attack, loss) == ('apgd', 'margin') else loss}"


def transferred_name(attack: str, steps: int) -> str:
    """Return what results call an attack on the undefended model: "transfer-fgsm", "transfer-pgd-50"."""
    return f"transfer-pgd-{steps}" if attack == "pgd" else f"transfer-{attack}"


def measured_values(settings: Mapping[str, Any]) -> dict[str, list]:
    """Return the values that the parameters of the results may have, by key."""
    complete = complete_settings(settings)
    names = []
    for attack in complete["attacks"]:
        if attack in ("pgd", "apgd"):
            names += [many_step_name(attack, complete["steps"], loss) for loss in complete["losses"]]
        elif attack == "transfer":
            names += [
                *(transferred_name(of_source, complete["steps"]) for of_source in complete["transferred"]),
                attack,
            ]
        else:
            names.append(attack)
    epsilons = complete["epsilons"]
    return {
        "attack": [*names, "adaptive", "worst"],
        "norm": [complete["norm"]],
        "epsilon": epsilons,
        "epsilon_value": [parse_epsilon(epsilon) for epsilon in epsilons],
        "judged": ["after"],
        "draws": [complete["draws"]],
        "eot": eot_draws(complete["eot"]),
    }
