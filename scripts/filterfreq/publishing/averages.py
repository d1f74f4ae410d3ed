"""Averages round the image: what the settings of a study's variants have in common, in words. Imports no matplotlib."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from filterfreq.frequencies.averaging import SHELLS

UNITS: Mapping[str, str] = {"normalised": "in units of normalised images", "pixels": "in units of images in [0, 1]"}
"""What a radius is measured in, by the setting `unit`."""
# What settings are where nothing is given, by schemas/surgery/post_averaging.yaml.
_DEFAULTS = {"unit": "normalised", "vote": "softmax"}
# How what lines differ in is said.
_FORMS = {
    "beside": "{}",
    "directions": "{} directions",
    "count": "K = {}",
    "unit": "unit: {}",
    "vote": "vote: {}",
    "second": "second average: {}",
}


class RandomAverage(NamedTuple):
    """An average along random directions.

    Attributes:
        count: K, how many directions.
        lengths: of the points along each, ascending.
    """

    count: int
    lengths: tuple[float, ...]


def averaging_unit(settings: Mapping[str, Any]) -> str:
    """Return the unit of an average's lengths, a key of `UNITS`."""
    return settings.get("unit", _DEFAULTS["unit"])


def random_averages(averages: Mapping[str, Mapping[str, Any]]) -> list[RandomAverage]:
    """Return the averages along random directions, each once, second ones too; those that average nothing left out.

    Args:
        averages: by variant, as `filterfreq.study.study.Study.averages` returns them.
    """
    every = [one for settings in averages.values() for one in (settings, settings.get("second")) if one]
    found = [
        RandomAverage(one["count"], _lengths(one))
        for one in every
        if one["directions"] == "random" and one["count"] > 0 and one.get("radius") != 0
    ]
    return list(dict.fromkeys(found))


def averaging_series(averages: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Name what averages differ in beside their radius: those of one name make one line. K is always said.

    Args:
        averages: see `random_averages`; those without a radius above 0 are left out.

    Returns:
        By variant, by K from few to many.
    """
    swept = {name: settings for name, settings in averages.items() if settings.get("radius", 0) > 0}
    said = {name: {key: _setting_text(settings, key) for key in _FORMS} for name, settings in swept.items()}
    varying = [key for key in _FORMS if key == "count" or len({texts[key] for texts in said.values()}) > 1]
    return {
        name: ", ".join(filter(None, (said[name][key] for key in varying)))
        for name in sorted(swept, key=lambda name: swept[name]["count"])
    }


def _lengths(settings: Mapping[str, Any]) -> tuple[float, ...]:
    given = settings.get("lengths")
    return tuple(sorted(given) if given else (share * settings["radius"] for share in SHELLS))


def _setting_text(settings: Mapping[str, Any], key: str) -> str:
    """How a line's name says a setting; nothing where there is none."""
    value = settings.get(key, _DEFAULTS.get(key))
    if isinstance(value, Mapping):
        value = ", ".join(f"{name} {value[name]}" for name in sorted(value))
    return "" if value is None else _FORMS[key].format(value)
