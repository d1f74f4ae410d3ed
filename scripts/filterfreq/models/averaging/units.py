"""Of how many units of linear layers an average can take its directions; imports no torch, so that planning can ask."""

from collections.abc import Sequence

from filterfreq.runtime.errors import InputError

ACROSS_UNITS = ("approx", "exact")
"""The directions that lead across the hyperplanes of units, see `filterfreq.models.averaging.directions`."""


def check_units(directions: str, count: int, units: Sequence[int]) -> None:
    """Refuse directions across more units than there are.

    Args:
        directions: of an average; those that are drawn need no units.
        count: how many directions.
        units: how many units each linear layer of the model has for an image.

    Raises:
        InputError: there are fewer, or no linear layer at all; the sentence does not say where the average stands.
    """
    if directions not in ACROSS_UNITS:
        return
    if not units:
        raise InputError(
            f"the model has no linear layer, across whose units the directions {directions} lead: write "
            "directions: random, or derive from another model"
        )
    if count > sum(units):
        raise InputError(
            f"{count} directions {directions} lead across {count} units of linear layers, and the model has "
            f"{sum(units)}: write a count of at most {sum(units)}, or directions: random"
        )


def shares_of_layers(count: int, units: Sequence[int]) -> list[int]:
    """Share directions among layers: as evenly as their units allow, the first ones having those that remain.

    Args:
        count: how many directions, not more than there are units.
        units: how many units each layer has.

    Returns:
        How many directions each layer gives; they add up to `count`.
    """
    shares = [0] * len(units)
    for _ in range(count):
        open_layers = (layer for layer, share in enumerate(shares) if share < units[layer])
        shares[min(open_layers, key=shares.__getitem__)] += 1
    return shares
