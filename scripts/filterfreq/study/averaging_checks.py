"""What settings of averaging classifiers must be beyond their schema, in one sentence where they are not.

All functions raise `InputError`; `where` is the key of the variant that the sentence begins with.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from filterfreq.models.averaging.units import check_units
from filterfreq.runtime.errors import InputError, naming

DEFENCES = ("post_averaging", "randomised_smoothing")
"""The changes of a model after which it answers with an average round the image."""


def check_averaging(where: str, variant: Mapping[str, Any]) -> None:
    """Refuse averages over nothing, whose lengths are given twice or not at all, and an average of an average."""
    if all(key in variant for key in DEFENCES):
        raise InputError(f"{where}: {' and '.join(DEFENCES)} would be a defence of a defence: leave one out")
    if "post_averaging" in variant:
        settings, place = variant["post_averaging"], f"{where}.post_averaging"
        _check_one_of(place, settings, ("radius", "lengths"))
        if settings["count"] == 0 and settings.get("radius") != 0:
            raise InputError(
                f"{place}.count: 0 directions have no points to average over: give at least 1, or radius: 0 for the "
                "model without averaging"
            )
        if "second" in settings:
            _check_one_of(f"{place}.second", settings["second"], ("radius", "lengths"))
            if settings.get("radius") == 0:
                raise InputError(
                    f"{place}.second: beside radius: 0, which leaves the model as it is, there is no second average: "
                    "leave it out, or give a radius above 0"
                )
    if "randomised_smoothing" in variant:
        _check_one_of(f"{where}.randomised_smoothing", variant["randomised_smoothing"], ("sigma", "radius"))


def check_defended_source(
    where: str, variant: Mapping[str, Any], source: str, variants: Mapping[str, Mapping[str, Any]]
) -> None:
    """Refuse a defence of a defence: an averaged model of an averaged one.

    Args:
        where: see this module.
        variant: a variant with `from`.
        source: what it is made from.
        variants: all of the config, by name.
    """
    defence = next((key for key in DEFENCES if key in variants.get(source, {})), None)
    own = next((key for key in DEFENCES if key in variant), None)
    if defence and own:
        raise InputError(
            f"{where}.from: {source!r} has {defence} itself, and {own} of it would be a defence of a defence: name "
            f"what {source!r} is made from"
        )


def check_units_of_averages(where: str, variant: Mapping[str, Any], units: Sequence[int]) -> None:
    """Refuse averages along more directions than the model has units for.

    Args:
        where: what the sentence begins with.
        variant: any.
        units: see `check_units`.
    """
    settings = variant.get("post_averaging", {})
    if settings.get("radius") == 0:
        return
    for place, average in (("post_averaging", settings), ("post_averaging.second", settings.get("second"))):
        if average:
            with naming(f"{where}: {place}"):
                check_units(average["directions"], average["count"], units)


def _check_one_of(where: str, settings: Mapping[str, Any], keys: tuple[str, str]) -> None:
    if sum(key in settings for key in keys) != 1:
        raise InputError(f"{where}: give either {keys[0]} or {keys[1]}, how far from the image the points are")
