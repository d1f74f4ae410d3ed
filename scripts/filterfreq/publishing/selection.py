"""What tables and figures share: choosing results, means over seeds, and the names of things."""

from collections.abc import Iterable, Mapping

import pandas as pd

from filterfreq.evaluation.corruptions import COMMON, CORRUPTIONS, EXTRA
from filterfreq.evaluation.registry import PARAMETERS
from filterfreq.evaluation.results import RUN_COLUMNS
from filterfreq.runtime.errors import InputError

FAMILIES: dict[str, list[str]] = {
    family: [name for name, its_family in CORRUPTIONS.items() if its_family == family]
    for family in dict.fromkeys(CORRUPTIONS.values())
}
"""The 19 corruptions by family, in the field's order; each family's last is an extra one."""

_ATTACKS = {"autoattack": "AutoAttack", "square": "Square"}
_STARTS = {"image": "from the image", "random": "from a random point"}
_SPELLINGS = {"jpeg": "JPEG", "gaussian": "Gaussian"}


def select(results: pd.DataFrame, variants: dict[str, str], suites: Iterable[str] = ()) -> pd.DataFrame:
    """Choose the results of some variants (and suites), and check that they can stand beside each other.

    Args:
        results: what `read_results` returns, of one data set.
        variants: variant names and their display labels, in order.
        suites: the suites wanted; none means all.

    Returns:
        The rows chosen, with a column for every parameter of a suite (missing ones empty); `model` and `variant` are
        ordered categories: models as they occur, variants as asked for, both without those that have no row.

    Raises:
        InputError: several data sets, two variants with one label, one measurement given twice, or nothing to choose.
    """
    datasets = results["dataset"].unique()
    if len(datasets) > 1:
        raise InputError(
            f"results of several data sets ({', '.join(datasets)}) cannot share a table: give one at a time"
        )
    labels = list(variants.values())
    repeated = sorted({label for label in labels if labels.count(label) > 1})
    if repeated:
        raise InputError(f"several variants are labelled {repeated[0]!r}: give each a label of its own")
    identity = [*RUN_COLUMNS, "suite", "metric", "parameter"]
    twice = results[results.duplicated(identity)]
    if not twice.empty:
        what = ", ".join(f"{column} {twice.iloc[0][column]}" for column in identity)
        raise InputError(f"the results hold {what} more than once: give every result file once")
    chosen = results[results["variant"].isin(list(variants))]
    if chosen.empty:
        raise InputError(f"there are no results of the variants {', '.join(variants)}: run their evaluations")
    if suites:
        chosen = chosen[chosen["suite"].isin(list(suites))]
        if chosen.empty:
            raise InputError(f"there are no results of the suite {' or '.join(suites)}: run this evaluation")
    columns = dict.fromkeys([*results.columns, *PARAMETERS])
    chosen = chosen.reindex(columns=list(columns))
    return order_variants(chosen, variants)


def order_variants(frame: pd.DataFrame, variants: dict[str, str]) -> pd.DataFrame:
    """Return a copy whose `model` and `variant` are ordered categories: as they occur, and as asked for."""
    present = set(frame["variant"])
    order = {"model": frame["model"].unique(), "variant": [name for name in variants if name in present]}
    return frame.assign(**{name: pd.Categorical(frame[name], values, ordered=True) for name, values in order.items()})


def present_variants(frame: pd.DataFrame, variants: dict[str, str]) -> dict[str, str]:
    """Return the variants that have a row, with their labels, in order."""
    return {name: variants[name] for name in frame["variant"].cat.categories}


def attack_label(attack: str) -> str:
    """Return an attack's name as the literature writes it: "pgd-10" is PGD-10, "apgd-ce+square" APGD-CE + Square.

    A start that is not the usual one is said: "pgd-10-from-image" is PGD-10 from the image.
    """
    name, _, start = attack.partition("-from-")
    words = _STARTS.get(start)
    label = " + ".join(_ATTACKS.get(part, part.upper()) for part in (name if words else attack).split("+"))
    return f"{label} {words}" if words else label


def norm_label(norm: str) -> str:
    """Return a norm's name for plain text: "linf" is Linf."""
    return norm.capitalize()


def corruption_label(corruption: str) -> str:
    """Return a corruption's name for readers: "jpeg_compression" is JPEG compression."""
    return " ".join(_SPELLINGS.get(word, word) for word in corruption.split("_"))


def comparison_label(claim: Mapping, labels: dict[str, str]) -> str:
    """Return which variants a claim compares, by label where they have one: "WD + penalty against plain"."""
    treatment, control = (labels.get(claim[side], claim[side]) for side in ("treatment", "control"))
    return f"{treatment} against {control}"


def family_grid(corruptions: Iterable[str]) -> tuple[dict[str, dict[int, str]], int]:
    """Arrange corruptions in rows by family, the extra ones in the last column.

    Returns:
        For every family that occurs its corruptions by column, and the number of columns.
    """
    chosen = set(corruptions)
    common = {
        family: [name for name in names if name in chosen and name in COMMON] for family, names in FAMILIES.items()
    }
    extra = {family: [name for name in names if name in chosen and name in EXTRA] for family, names in FAMILIES.items()}
    last = max(map(len, common.values()))
    grid = {family: dict(enumerate(common[family])) | dict(enumerate(extra[family], last)) for family in FAMILIES}
    return {family: row for family, row in grid.items() if row}, last + max(map(len, extra.values()))


def attacks(frame: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the pairs of attack and norm that occur, AutoAttack's last, else as they occur."""
    adversarial = frame[frame["suite"].isin(["adversarial", "autoattack"]) & (frame["metric"] == "accuracy")]
    pairs = adversarial[["suite", "attack", "norm"]].drop_duplicates().sort_values("suite", kind="stable")
    return list(pairs[["attack", "norm"]].drop_duplicates().itertuples(index=False, name=None))


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


def seeds_phrase(counts: Iterable[int]) -> str:
    """Say over how many seeds a mean was taken: "3 seeds", "1 seed", "1 to 3 seeds", or "0 seeds" of no mean."""
    numbers = sorted({int(count) for count in counts if count > 0})
    if len(numbers) > 1:
        return f"{numbers[0]} to {numbers[-1]} seeds"
    return "1 seed" if numbers == [1] else f"{max(numbers, default=0)} seeds"


def images_phrase(counts: Iterable[float]) -> str:
    """Say on how many images something stands: "n = 1,000", "n = 120 to 1,000", or nothing where it is not known."""
    numbers = sorted({int(count) for count in counts if count > 0})
    return f"n = {' to '.join(f'{number:,}' for number in dict.fromkeys((numbers[0], numbers[-1])))}" if numbers else ""
