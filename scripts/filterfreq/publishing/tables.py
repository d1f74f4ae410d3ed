"""The tables, from tidy results. Imports no matplotlib.

Every builder takes what `filterfreq.evaluation.results.read_results` returns, of one data set, and the variants to
show (names and display labels, in order). What was not evaluated gives no column; a missing combination, an empty cell.
"""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd

from filterfreq.analysis.intervals import bootstrap_interval
from filterfreq.errors import InputError
from filterfreq.evaluation.corruptions import COMMON, EXTRA, mean_corruption_error, relative_mean_corruption_error
from filterfreq.publishing.selection import (
    FAMILIES,
    attack_label,
    attacks,
    comparison_label,
    corruption_label,
    in_order,
    norm_label,
    present_variants,
    select,
)
from filterfreq.publishing.table import Direction, Table, TextTable

_SIGNS = {
    "higher": "> {}",
    "lower": "< -{}",
    "not lower": "> -{}",
    "not higher": "< {}",
    "equal": "within ±{}",
}
_RUN = ["model", "variant", "seed"]
_ACCURACY = ["clean", "adversarial", "autoattack"]


def main_table(results: pd.DataFrame, variants: dict[str, str], baseline: str) -> Table:
    """Compare the variants on everything measured, one column per kind of robustness.

    Each attack and norm is shown at one epsilon, so that the table stays readable: the middle one of those measured
    (the smaller middle one of an even number); `adversarial_table` has them all.

    Args:
        results: tidy results of one data set.
        variants: names and display labels, in order.
        baseline: the variant whose corruption error is 1.

    Returns:
        Columns: clean accuracy; accuracy under each attack; mean accuracy over the 15 common corruptions, and mCE
        relative to the baseline of the same model and seed; shape bias.

    Raises:
        InputError: results that cannot stand beside each other (see `select`).
    """
    frame = select(results, variants)
    columns = _main_columns(frame, baseline)
    caption = f"Accuracy on {_dataset(frame)}{_meanings(columns, variants, baseline)}."
    return _table(columns, present_variants(frame, variants), caption)


def differences_table(results: pd.DataFrame, variants: dict[str, str], baseline: str) -> TextTable:
    """Show what each variant changes against the baseline, in the measures of `main_table`.

    Runs are paired by model and seed. A cell holds the mean difference, its 95 % bootstrap interval (see
    `bootstrap_interval`) and the number of pairs.

    Args:
        results: tidy results of one data set.
        variants: names and display labels, in order.
        baseline: the variant that the others are compared with.

    Returns:
        One row per model and variant but the baseline, one column per measure; its numbers have one row per cell.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or no pair of runs to compare.
    """
    frame = select(results, variants)
    shown = present_variants(frame, variants)
    # The baseline's mCE is 1 by definition: the difference says nothing that the column does not.
    columns = [column for column in _main_columns(frame, baseline) if column[1] != "mCE"]
    numbers = []
    for measure, setting, values in columns:
        by_variant = values.unstack("variant")  # noqa: PD010
        if baseline not in by_variant:
            continue
        for variant in shown:
            if variant == baseline or variant not in by_variant:
                continue
            differences = (by_variant[variant] - by_variant[baseline]).dropna()
            for model, of_model in differences.groupby(level="model", sort=False, observed=True):
                low, high = bootstrap_interval(of_model.to_numpy())
                numbers.append((model, variant, measure, setting, of_model.mean(), low, high, len(of_model)))
    if not numbers:
        raise InputError(
            f"there is no run of {baseline} with the model and seed of another variant: nothing can be compared"
        )
    names = ["model", "variant", "measure", "setting", "difference", "ci_low", "ci_high", "pairs"]
    tidy = pd.DataFrame(numbers, columns=names)
    text = tidy.assign(
        column=[
            f"{measure} {setting}".strip() for measure, setting in zip(tidy["measure"], tidy["setting"], strict=True)
        ],
        model=pd.Categorical(tidy["model"], frame["model"].cat.categories, ordered=True),
        variant=pd.Categorical(tidy["variant"].map(shown), [*shown.values()], ordered=True),
        cell=[
            _difference(*cell) for cell in tidy[["difference", "ci_low", "ci_high", "pairs"]].itertuples(index=False)
        ],
    )
    cells = text.set_index(["model", "variant", "column"])["cell"].unstack("column")  # noqa: PD010
    cells = cells[text["column"].unique()].fillna("–").reset_index()
    if len(cells["model"].unique()) == 1:
        cells = cells.drop(columns="model")
    cells.columns.name = None
    caption = (
        f"Differences to {shown[baseline]} on {_dataset(frame)}{_meanings(columns, variants, baseline)}. Percentage "
        "points, mean over pairs of runs with one seed [95 % bootstrap interval] (pairs)."
    )
    return TextTable(tidy, cells.astype(str), caption, right=text["column"].nunique())


def cost_table(records: Iterable[Mapping], variants: dict[str, str], dataset: str) -> TextTable:
    """Show what training each variant cost: parameters, seconds per epoch, peak memory.

    Args:
        records: the `run.json` of every run.
        variants: names and display labels, in order.
        dataset: the data set, for the caption.

    Returns:
        One row per model, variant and device, means over seeds; memory is that of the process on a CPU, that of the
        tensors on a GPU.

    Raises:
        InputError: there is no record of the variants.
    """
    rows = [
        {
            "model": record["run"]["model"],
            "variant": record["run"]["variant"],
            "device": record["provenance"]["device"],
            "parameters": record["metrics"]["parameters"],
            "seconds_per_epoch": record["provenance"]["seconds"] / record["training"]["epochs"],
            "peak_memory_mb": record["provenance"]["peak_memory_mb"],
        }
        for record in records
        if record["run"]["variant"] in variants
    ]
    if not rows:
        raise InputError(f"there are no runs of the variants {', '.join(variants)}: train them first")
    frame = in_order(pd.DataFrame(rows), variants)
    groups = frame.groupby(["model", "variant", "device"], observed=True)
    numbers = groups.mean().assign(seeds=groups.size()).reset_index()
    cells = pd.DataFrame(
        {
            "model": numbers["model"],
            "variant": numbers["variant"].map(variants),
            "device": numbers["device"],
            "parameters": numbers["parameters"].map("{:,.0f}".format),
            "seconds per epoch": numbers["seconds_per_epoch"].map("{:,.2f}".format),
            "peak memory (MiB)": numbers["peak_memory_mb"].map("{:,.0f}".format),
            "seeds": numbers["seeds"],
        }
    )
    caption = (
        f"What training on {dataset} cost, mean over seeds. An evaluation costs the same for all variants of a model, "
        "whose filters are composed once."
    )
    return TextTable(numbers, cells.astype(str), caption, right=4)


def adversarial_table(results: pd.DataFrame, variants: dict[str, str]) -> Table:
    """Show the accuracy without attack and under every attack at every epsilon; variants are columns.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of an attack.
    """
    select(results, variants, ["adversarial", "autoattack"])
    frame = select(results, variants, _ACCURACY)
    columns = [*_clean(frame)]
    for attack, norm in attacks(frame):
        measure = f"{attack_label(attack)} {norm_label(norm)}"
        columns += [(measure, epsilon, values) for epsilon, values in _attacked(frame, attack, norm)]
    return _table(
        columns,
        present_variants(frame, variants),
        f"Accuracy on {_dataset(frame)} under adversarial attacks, by norm and size of the perturbation.",
        across=True,
    )


def corruption_table(results: pd.DataFrame, variants: dict[str, str], baseline: str) -> Table:
    """Show the accuracy under each corruption, mean over severities, and the means; variants are columns.

    Args:
        results: tidy results of one data set.
        variants: names and display labels, in order.
        baseline: the variant whose corruption error is 1.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of corruptions.
    """
    frame = select(results, variants, ["corruption"])
    measured = _by_corruption(frame)
    columns = [
        (family, corruption_label(corruption), measured[corruption].mean(axis="columns", skipna=False))
        for family, corruptions in FAMILIES.items()
        for corruption in corruptions
        if corruption in measured.columns.unique("corruption")
    ]
    with_clean = select(results, variants, ["corruption", "clean"])
    means = list(_corruption_means(with_clean, baseline))
    columns += [("common", *column) for column in means]
    relative = "relative mCE" in dict(means)
    return _table(
        columns,
        present_variants(frame, variants),
        f"Accuracy on corrupted {_dataset(frame)}, mean over severities. The means are over the {len(COMMON)} common "
        f"corruptions, without {', '.join(corruption_label(name) for name in EXTRA)}; "
        f"mCE: corruption error relative to {variants.get(baseline, baseline)}"
        + ("; relative mCE: the same of what corruptions add to the clean error." if relative else "."),
        across=True,
    )


def shape_bias_table(results: pd.DataFrame, variants: dict[str, str]) -> Table:
    """Show the shape bias overall and per category, and how often each cue was named; variants are columns.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of cue conflict.
    """
    frame = select(results, variants, ["cue_conflict"])
    biases = dict(_shape_biases(frame))
    order = sorted(biases, key=lambda category: category != "overall")
    columns = [("shape bias", category, biases[category]) for category in order]
    answers = frame[frame["metric"] == "accuracy"]
    columns += [("answers", cue, _values(of_cue)) for cue, of_cue in answers.groupby("cue")]
    return _table(
        columns,
        present_variants(frame, variants),
        f"Shape bias on cue-conflict images of {_dataset(frame)}: shape answers among those that name the shape or the "
        "texture. Answers: the share of all images whose shape, or texture, was named.",
        across=True,
    )


def scorecard_table(scores: pd.DataFrame, labels: dict[str, str], dataset: str) -> TextTable:
    """Return the claims with effects, intervals and verdicts.

    Args:
        scores: what `filterfreq.analysis.claims.score` returns.
        labels: display labels of the variants; others keep their names.
        dataset: the data set, for the caption.
    """
    rows = [
        {
            "claim": row["statement"],
            "comparison": comparison_label(row, labels),
            "claimed": _SIGNS[row["direction"]].format(f"{100 * row['smallest_effect']:g}"),
            "verdict": row["verdict"],
            "effect": "–" if np.isnan(row["effect"]) else f"{100 * row['effect']:+.1f}",
            "95 % interval": _interval(row),
            "pairs": str(row["pairs"]),
        }
        for row in scores.to_dict("records")
    ]
    caption = (
        f"The papers' claims on {dataset}. Effects are differences of the two variants in percentage points, mean over "
        "pairs of runs of one model and seed, with Student's 95 % interval; claimed is the smallest effect of interest."
    )
    return TextTable(scores, pd.DataFrame(rows), caption, right=3)


def _main_columns(frame: pd.DataFrame, baseline: str) -> list[tuple[str, str, pd.Series]]:
    columns = [*_clean(frame)]
    for attack, norm in attacks(frame):
        at_epsilon = list(_attacked(frame, attack, norm))
        epsilon, values = at_epsilon[(len(at_epsilon) - 1) // 2]
        columns.append((attack_label(attack), f"{norm_label(norm)} {epsilon}", values))
    means = _corruption_means(frame, baseline)
    columns += [("corruptions", name, values) for name, values in means if name != "relative mCE"]
    columns += [("shape bias", "", values) for category, values in _shape_biases(frame) if category == "overall"]
    return columns


def _meanings(columns: list[tuple[str, str, pd.Series]], variants: dict[str, str], baseline: str) -> str:
    """What the columns mean that do not say so themselves, to go on a caption's sentence."""
    meanings = {
        "corruptions": "corruptions: mean over the common ones at all severities",
        "mCE": f"mCE: mean corruption error relative to {variants.get(baseline, baseline)}",
        "shape bias": "shape bias: on cue-conflict images",
    }
    shown = {part for measure, setting, _ in columns for part in (measure, setting)}
    return "".join(f"; {meaning}" for name, meaning in meanings.items() if name in shown)


def _interval(row: dict) -> str:
    return "–" if np.isnan(row["ci_low"]) else f"[{100 * row['ci_low']:+.1f}, {100 * row['ci_high']:+.1f}]"


def _difference(mean: float, low: float, high: float, pairs: int) -> str:
    interval = "" if np.isnan(low) else f" [{100 * low:+.1f}, {100 * high:+.1f}]"
    return f"{100 * mean:+.1f}{interval} ({pairs})"


def _table(
    columns: list[tuple[str, str, pd.Series]], labels: dict[str, str], caption: str, *, across: bool = False
) -> Table:
    """Take means over seeds. Each column is (measure, setting, values by model, variant and seed)."""
    if not columns:
        raise InputError("the results hold nothing that this table shows: run the evaluations first")
    keys = [(measure, setting) for measure, setting, _ in columns]
    per_seed = pd.concat([values for *_, values in columns], axis="columns", keys=keys, names=["measure", "setting"])
    statistics = per_seed.groupby(level=["model", "variant"], observed=True).agg(["mean", "std", "count"])
    statistics.index = pd.MultiIndex.from_tuples(statistics.index, names=["model", "variant"])
    mean, std, seeds = (statistics.xs(name, axis="columns", level=-1) for name in ("mean", "std", "count"))
    return Table(mean, std, seeds, {key: _direction(*key) for key in keys}, labels, caption, across)


def _direction(measure: str, setting: str) -> Direction:
    if setting in ("mCE", "relative mCE"):
        return "lower"
    return "none" if measure == "answers" else "higher"


def _dataset(frame: pd.DataFrame) -> str:
    models = ", ".join(frame["model"].cat.categories)
    return f"{frame['dataset'].iloc[0]} ({models})"


def _values(rows: pd.DataFrame) -> pd.Series:
    return rows.set_index(_RUN)["value"]


def _clean(frame: pd.DataFrame) -> Iterator[tuple[str, str, pd.Series]]:
    rows = frame[(frame["suite"] == "clean") & (frame["metric"] == "accuracy")]
    if not rows.empty:
        yield "clean", "", _values(rows)


def _attacked(frame: pd.DataFrame, attack: str, norm: str) -> Iterator[tuple[str, pd.Series]]:
    """Yield every epsilon of an attack, from small to large, with the accuracies at it."""
    rows = frame[(frame["attack"] == attack) & (frame["norm"] == norm)]
    for _, at_epsilon in rows.groupby("epsilon_value"):
        yield at_epsilon["epsilon"].iloc[0], _values(at_epsilon)


def _by_corruption(frame: pd.DataFrame) -> pd.DataFrame:
    """Return accuracies with one row per run and columns (corruption, severity), NaN where one is missing."""
    rows = frame[(frame["suite"] == "corruption") & (frame["metric"] == "accuracy")]
    return rows.set_index([*_RUN, "corruption", "severity"])["value"].unstack(["corruption", "severity"])  # noqa: PD010


def _corruption_means(frame: pd.DataFrame, baseline: str) -> Iterator[tuple[str, pd.Series]]:
    """Yield the mean accuracy over the common corruptions, and mCE where all of them and the baseline were measured.

    Relative mCE also needs the clean accuracies of both.

    A run that lacks a corruption or a severity which another run has would not be comparable: it gets no mean.
    """
    measured = _by_corruption(frame)
    common = measured.loc[:, measured.columns.isin(COMMON, level="corruption")].dropna()
    if common.empty:
        return
    yield "mean", common.mean(axis="columns")
    if not set(COMMON) <= set(common.columns.unique("corruption")):
        return
    accuracies = {run: values.unstack("severity") for run, values in common.iterrows()}  # noqa: PD010
    clean = {run: value for _, _, values in _clean(frame) for run, value in values.items()}
    errors: dict[str, dict] = {"mCE": {}, "relative mCE": {}}
    for run, accuracy in accuracies.items():
        model, _, seed = run
        reference = (model, baseline, seed)
        if reference not in accuracies:
            continue
        errors["mCE"][run] = mean_corruption_error(accuracy, accuracies[reference])
        if run in clean and reference in clean:
            errors["relative mCE"][run] = relative_mean_corruption_error(
                accuracy, clean[run], accuracies[reference], clean[reference]
            )
    for name, values in errors.items():
        if values:
            # A baseline without any error has no relative error.
            yield name, pd.Series(values).rename_axis(_RUN).replace(np.inf, np.nan)


def _shape_biases(frame: pd.DataFrame) -> Iterator[tuple[str, pd.Series]]:
    rows = frame[(frame["suite"] == "cue_conflict") & (frame["metric"] == "shape_bias")]
    for category, its_rows in rows.groupby("category", sort=False):
        yield category, _values(its_rows)
