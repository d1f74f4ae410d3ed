"""The order and the names of variants by the settings of their penalty."""

from collections.abc import Iterable, Mapping
from typing import Any

_LAYERS = ("all", "half", "third", "first")  # from many to one


def sort_values(setting: str, values: Iterable[Any]) -> list[Any]:
    """Order the values of layers or of strength, each once; kinds and what is beside the penalty stay as they occur."""
    values = dict.fromkeys(values)
    match setting:
        case "layers":
            return sorted(values, key=_LAYERS.index)
        case "strength":
            return sorted(values)
        case _:
            return list(values)


def penalty_order(penalties: Mapping[str, Mapping], along: str) -> list[str]:
    """Order variants by their penalty, `along` the fastest; kinds and what is beside the penalty as they occur.

    Args:
        penalties: as `filterfreq.study.study.Study.penalties` returns them.
        along: kind, strength or layers.
    """
    keys = [key for key in ("beside", "kind", "layers", "strength") if key != along] + [along]
    values = {key: sort_values(key, (penalty[key] for penalty in penalties.values())) for key in keys}
    return sorted(penalties, key=lambda name: [values[key].index(penalties[name][key]) for key in keys])


def penalty_series(penalties: Mapping[str, Mapping], along: str) -> dict[str, str]:
    """Name what the variants with a penalty differ in beside the setting `along`: those of one name make one line."""
    forms = {"beside": "{}", "kind": "{}", "layers": "layers: {}", "strength": "λ = {}"}
    varying = [key for key in forms if key != along and len({penalty[key] for penalty in penalties.values()}) > 1]
    return {
        name: ", ".join(forms[key].format(penalties[name][key]) for key in varying) or "with penalty"
        for name in penalty_order(penalties, along)
    }
