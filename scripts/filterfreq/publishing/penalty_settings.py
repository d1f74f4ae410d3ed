"""The order and the names of variants by the settings of their penalty."""

from collections.abc import Mapping


def penalty_order(penalties: Mapping[str, Mapping], along: str) -> list[str]:
    """Order variants by their penalty, `along` the fastest; kinds and what is beside the penalty as they occur.

    Args:
        penalties: as `filterfreq.study.study.Study.penalties` returns them.
        along: kind, strength or layers.
    """
    keys = [key for key in ("beside", "kind", "layers", "strength") if key != along] + [along]
    seen = {key: list(dict.fromkeys(penalty[key] for penalty in penalties.values())) for key in ("beside", "kind")}
    return sorted(
        penalties,
        key=lambda name: [
            seen[key].index(penalties[name][key]) if key in seen else penalties[name][key] for key in keys
        ],
    )


def penalty_series(penalties: Mapping[str, Mapping], along: str) -> dict[str, str]:
    """Name what the variants with a penalty differ in beside the setting `along`: those of one name make one line."""
    forms = {"beside": "{}", "kind": "{}", "layers": "layers: {}", "strength": "λ = {}"}
    varying = [key for key in forms if key != along and len({penalty[key] for penalty in penalties.values()}) > 1]
    return {
        name: ", ".join(forms[key].format(penalties[name][key]) for key in varying) or "with penalty"
        for name in penalty_order(penalties, along)
    }
