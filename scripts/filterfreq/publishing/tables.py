"""The tables, from tidy results. Imports no matplotlib.

Every builder takes what `filterfreq.evaluation.results.read_results` returns, of one data set, and the variants to
show (names and display labels, in order); `paper_table` takes results of several. What was not evaluated gives no
column; a missing combination, an empty cell.
"""

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from filterfreq.analysis.claims import FEWEST_PAIRS
from filterfreq.analysis.intervals import mean_difference
from filterfreq.evaluation.corruptions import COMMON, EXTRA
from filterfreq.publishing.measures import (
    PUBLISHED,
    RUN,
    Column,
    attacked,
    beside_clean,
    by_corruption,
    calibration_errors,
    clean_accuracy,
    column,
    corruption_means,
    epsilons_phrase,
    main_columns,
    shape_biases,
    with_published,
)
from filterfreq.publishing.selection import (
    FAMILIES,
    attack_label,
    attacks,
    comparison_label,
    corruption_label,
    images_phrase,
    in_order,
    norm_label,
    penalty_order,
    present_variants,
    select,
)
from filterfreq.publishing.table import Direction, Table, TextTable, best_of, headings, images_sentence
from filterfreq.runtime.errors import InputError

_SIGNS = {
    "higher": "> {}",
    "lower": "< -{}",
    "not lower": "> -{}",
    "not higher": "< {}",
    "equal": "within ±{}",
}
_ACCURACY = ["clean", "adversarial", "autoattack"]


def main_table(
    results: pd.DataFrame,
    variants: dict[str, str],
    baseline: str,
    epsilons: Mapping[str, str] | None = None,
    published: Mapping[str, Mapping[str, Any]] | None = None,
) -> Table:
    """Compare the variants on everything measured, one column per kind of robustness.

    Each attack and norm is shown at one epsilon, so that the table stays readable; `adversarial_table` has them all.

    Args:
        results: tidy results of one data set.
        variants: names and display labels, in order.
        baseline: the variant whose corruption error is 1.
        epsilons: for each norm the epsilon shown, see `filterfreq.publishing.measures.at_epsilon`.
        published: by variant, what `filterfreq.study.study.Study.published_accuracies` returns.

    Returns:
        Columns: clean accuracy; accuracy under each attack; mean accuracy over the 15 common corruptions, and mCE
        relative to the baseline of the same model and seed; shape bias; what is published beside them.

    Raises:
        InputError: results that cannot stand beside each other (see `select`).
    """
    frame = select(results, variants)
    columns = with_published(main_columns(frame, baseline, epsilons), frame, published or {})
    phrases = [_dataset(frame), epsilons_phrase(frame, epsilons), *_meanings(columns, variants, baseline)]
    return _table(columns, present_variants(frame, variants), f"Accuracy on {'; '.join(filter(None, phrases))}.")


def paper_table(
    results: pd.DataFrame,
    variants: dict[str, str],
    baseline: str,
    epsilons: Mapping[str, Mapping[str, str]] | None = None,
    published: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None,
) -> Table:
    """Compare all models and variants on all data sets of an experiment, in the measures of `main_table`.

    Data sets whose attacks are shown at other epsilons have columns of their own.

    Args:
        results: tidy results of any number of data sets.
        variants: names and display labels, in order.
        baseline: the variant whose corruption error is 1.
        epsilons: of each data set, as in `main_table`.
        published: likewise.

    Raises:
        InputError: results that cannot stand beside each other (see `select`).
    """
    datasets = list(results["dataset"].unique())
    frames = {name: select(results[results["dataset"] == name], variants) for name in datasets}
    epsilons, published = epsilons or {}, published or {}
    parts: dict[tuple[str, str], dict[str, Column]] = {}
    for name, frame in frames.items():
        columns = main_columns(frame, baseline, epsilons.get(name))
        for found in with_published(columns, frame, published.get(name, {})):
            parts.setdefault((found.measure, found.setting), {})[name] = found
    # Columns of one measure stand together, also where data sets have others of them.
    measures = list(dict.fromkeys(measure for measure, _ in parts))
    keys = sorted(parts, key=lambda key: measures.index(key[0]))
    columns = [
        Column(
            *key,
            pd.concat({name: found.numbers for name, found in parts[key].items()}, names=["dataset"]),
            pd.concat({name: found.images for name, found in parts[key].items()}, names=["dataset"]),
        )
        for key in keys
    ]
    models = results["model"].unique()
    present = set().union(*(frame["variant"].cat.categories for frame in frames.values()))
    labels = {name: label for name, label in variants.items() if name in present}
    said: dict[str, list[str]] = {}
    for name, frame in frames.items():
        if phrase := epsilons_phrase(frame, epsilons.get(name)):
            said.setdefault(phrase, []).append(name)
    of_datasets = [phrase if len(said) == 1 else f"{', '.join(names)}, {phrase}" for phrase, names in said.items()]
    phrases = [f"{', '.join(datasets)} ({', '.join(models)})", *of_datasets, *_meanings(columns, variants, baseline)]
    return _table(
        columns, labels, f"Accuracy on {'; '.join(phrases)}.", order=list(itertools.product(datasets, models, labels))
    )


def differences_table(
    results: pd.DataFrame, variants: dict[str, str], baseline: str, epsilons: Mapping[str, str] | None = None
) -> TextTable:
    """Show what each variant changes against the baseline, in the measures of `main_table`.

    Runs are paired by seed. A cell holds the mean difference, Student's 95 % interval of it (see `mean_difference`) and
    the number of pairs.

    Args:
        results: tidy results of one data set.
        variants: names and display labels, in order.
        baseline: the variant that the others are compared with.
        epsilons: as in `main_table`.

    Returns:
        One row per model and variant but the baseline, one column per measure; its numbers have one row per cell.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or no pair of runs to compare.
    """
    frame = select(results, variants)
    shown = present_variants(frame, variants)
    # The baseline's mCE is 1 by definition: the difference says nothing that the column does not.
    columns = [found for found in main_columns(frame, baseline, epsilons) if found.setting != "mCE"]
    images = {(found.measure, found.setting): found.images for found in columns}
    numbers = []
    for measure, setting, values, counts in columns:
        by_variant = values.unstack("variant")  # noqa: PD010
        if baseline not in by_variant:
            continue
        for variant in shown:
            if variant == baseline or variant not in by_variant:
                continue
            differences = (by_variant[variant] - by_variant[baseline]).dropna()
            for model, of_model in differences.groupby(level="model", sort=False, observed=True):
                shown_images = counts.xs((model, variant), level=["model", "variant"]).max()
                estimate = mean_difference([of_model.to_numpy()], shown_images)
                cell = (estimate.mean, *estimate.interval(), len(of_model), shown_images)
                numbers.append((model, variant, measure, setting, *cell))
    if not numbers:
        raise InputError(
            f"there is no run of {baseline} with the model and seed of another variant: nothing can be compared"
        )
    names = ["model", "variant", "measure", "setting", "difference", "ci_low", "ci_high", "pairs", "images"]
    tidy = pd.DataFrame(numbers, columns=names).astype({"images": "Int64"})
    text = tidy.assign(
        column=[" ".join(headings(images)[key]).strip() for key in zip(tidy["measure"], tidy["setting"], strict=True)],
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
    phrases = [_dataset(frame), epsilons_phrase(frame, epsilons), *_meanings(columns, variants, baseline)]
    caption = (
        f"Differences to {shown[baseline]} on {'; '.join(filter(None, phrases))}. {images_sentence(images)} Percentage "
        "points, mean over pairs of runs with one seed [Student's 95 % interval, of each cell by itself] (pairs)."
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
    """Show the accuracy on the attacked images, under every attack at every epsilon and without it.

    Variants are columns.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of an attack.
    """
    select(results, variants, ["adversarial", "autoattack"])
    frame = select(results, variants, _ACCURACY)
    blocks = [
        attacked(frame, attack, norm, f"{attack_label(attack)} {norm_label(norm)}") for attack, norm in attacks(frame)
    ]
    return _table(
        beside_clean(frame, blocks),
        present_variants(frame, variants),
        f"Accuracy on {_dataset(frame)} under adversarial attacks, by norm and size of the perturbation; clean, or at "
        "0: on the same images without attack.",
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
    measured = by_corruption(frame)
    images = frame[frame["metric"] == "accuracy"].groupby(RUN, observed=True)["n"].max()
    columns = [
        Column(family, corruption_label(corruption), measured[corruption].mean(axis="columns", skipna=False), images)
        for family, corruptions in FAMILIES.items()
        for corruption in corruptions
        if corruption in measured.columns.unique("corruption")
    ]
    with_clean = select(results, variants, ["corruption", "clean"])
    means = [found._replace(measure="common") for found in corruption_means(with_clean, baseline)]
    columns += means
    relative = any(found.setting == "relative mCE" for found in means)
    return _table(
        columns,
        present_variants(frame, variants),
        f"Accuracy on corrupted {_dataset(frame)}, mean over severities. The means are over the {len(COMMON)} common "
        f"corruptions, without {', '.join(corruption_label(name) for name in EXTRA)}; "
        f"mCE: corruption error relative to {variants.get(baseline, baseline)}"
        + ("; relative mCE: the same of what corruptions add to the error on the same images." if relative else "."),
        across=True,
    )


def shape_bias_table(results: pd.DataFrame, variants: dict[str, str]) -> Table:
    """Show the shape bias overall and per category, and how often each cue was named; variants are columns.

    Where it was measured, also how far each variant errs on the same images as an observer.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of cue conflict.
    """
    frame = select(results, variants, ["cue_conflict"])
    columns = sorted(shape_biases(frame), key=lambda found: found.setting != "overall")
    answers = frame[frame["metric"] == "accuracy"]
    columns += [column("answers", cue, of_cue) for cue, of_cue in answers.groupby("cue")]
    consistencies = frame[frame["metric"] == "error_consistency"].groupby("observer")
    columns += [column("error consistency", observer, rows) for observer, rows in consistencies]
    meaning = " Error consistency: Cohen's kappa of right and wrong answers with an observer's, times 100."
    return _table(
        columns,
        present_variants(frame, variants),
        f"Shape bias of models of {_dataset(frame)} on cue-conflict images: shape answers among those that name the "
        "shape or the texture. Answers: the share of all images whose shape, or texture, was named."
        + (meaning if len(consistencies) else ""),
        across=True,
    )


def out_of_distribution_table(results: pd.DataFrame, variants: dict[str, str], baseline: str) -> Table:
    """Show clean accuracy, that on every out-of-distribution set, mCE, and shape bias.

    Args:
        results: tidy results of one data set.
        variants: names and display labels, in order.
        baseline: the variant whose corruption error is 1.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of out-of-distribution sets.
    """
    select(results, variants, ["out_of_distribution"])
    frame = select(results, variants)
    clean = [*clean_accuracy(frame)]
    columns = [*clean]
    rows = frame[(frame["suite"] == "out_of_distribution") & (frame["metric"] == "accuracy")]
    columns += [column("out of distribution", name, of_set) for name, of_set in rows.groupby("set", sort=False)]
    columns += [
        found._replace(measure="mCE", setting="")
        for found in corruption_means(frame, baseline)
        if found.setting == "mCE"
    ]
    columns += [found._replace(setting="") for found in shape_biases(frame) if found.setting == "overall"]
    phrases = [
        f"Accuracy of models of {_dataset(frame)}, {'on its test images and ' if clean else ''}out of distribution",
        *_meanings(columns, variants, baseline),
    ]
    return _table(columns, present_variants(frame, variants), f"{'; '.join(phrases)}.")


def transfer_table(results: pd.DataFrame, variants: dict[str, str]) -> Table:
    """Show the accuracy under attacks made on another model, beside the same attacks made on the model itself.

    Variants are columns. On the model that the attacks are transferred from both are the same attack.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of transferred attacks.
    """
    select(results, variants, ["transfer"])
    frame = select(results, variants, ["clean", "adversarial", "transfer"])
    transferred = frame[frame["suite"] == "transfer"]
    white_box = frame[frame["suite"] == "adversarial"]
    pairs = transferred[transferred["metric"] == "accuracy"][["attack", "norm"]].drop_duplicates()
    blocks = [
        attacked(rows, attack, norm, f"{attack_label(attack)} {norm_label(norm)}, {kind}")
        for attack, norm in pairs.itertuples(index=False, name=None)
        for kind, rows in (("transferred", transferred), ("white box", white_box))
    ]
    columns = beside_clean(frame, filter(None, blocks))
    sources = " and ".join(variants.get(name, name) for name in transferred["source"].dropna().unique())
    caption = f"Accuracy on {_dataset(frame)} under attacks made on {sources} (transferred)"
    if any(found.measure.endswith("white box") for found in columns):
        caption += " and on each model itself (white box)"
    return _table(
        columns,
        present_variants(frame, variants),
        f"{caption}; clean, or at 0: on the same images without attack.",
        across=True,
    )


def calibration_table(results: pd.DataFrame, variants: dict[str, str]) -> Table:
    """Show the expected calibration error on clean images and at every severity of corruption; variants are columns.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of calibration.
    """
    frame = calibration_errors(select(results, variants, ["clean", "corruption"]))
    columns = []
    for severity, at_severity in frame.groupby("severity"):
        by_run = at_severity.groupby(RUN, observed=True)
        place = ("calibration error", "clean") if severity == 0 else ("calibration error, corrupted", str(severity))
        columns.append(Column(*place, by_run["value"].mean(), by_run["n"].max()))
    return _table(
        columns,
        present_variants(frame, variants),
        f"Expected calibration error on {_dataset(frame)}, 15 bins: by severity as the mean over the common "
        "corruptions, and on the same images before them.",
        across=True,
    )


def penalty_table(
    results: pd.DataFrame,
    variants: dict[str, str],
    penalties: Mapping[str, Mapping],
    baseline: str,
    along: str = "strength",
    epsilons: Mapping[str, str] | None = None,
) -> TextTable:
    """Show the measures of `main_table` by the settings of the penalty, variants without a penalty first.

    Args:
        results: tidy results of one data set.
        variants: names and display labels, in order.
        penalties: of every variant with a penalty its kind, strength, depth and `beside`, as
            `filterfreq.study.study.Study.penalties` returns them.
        baseline: the variant whose corruption error is 1.
        along: the setting that changes from row to row: kind, strength or depth.
        epsilons: as in `main_table`.

    Returns:
        One row per model and variant; its numbers have one row for each of these and measure.

    Raises:
        InputError: results that cannot stand beside each other (see `select`).
    """
    frame = select(results, variants)
    columns = main_columns(frame, baseline, epsilons)
    table = _table(columns, present_variants(frame, variants), "")
    order = [name for name in variants if name not in penalties] + penalty_order(penalties, along)
    rows = [row for row in itertools.product(frame["model"].cat.categories, order) if row in table.mean.index]
    settings = pd.DataFrame(
        [
            {"model": model, "variant": variant}
            | {key: str(penalties.get(variant, {}).get(key, "–")) for key in ("kind", "depth", "strength")}
            for model, variant in rows
        ]
    )
    text = table.text().loc[rows]
    text.columns = [" ".join(table.headings[key]).strip() for key in text]
    beside = [penalties.get(variant, {}).get("beside", variants[variant]) for _, variant in rows]
    named = settings.rename(columns={"kind": "penalty", "strength": "λ"}).assign(variant=beside)
    cells = pd.concat([named, text.reset_index(drop=True)], axis="columns")
    if len(cells["model"].unique()) == 1:
        cells = cells.drop(columns="model")
    numbers = settings.merge(table.tidy(), on=["model", "variant"])
    phrases = [_dataset(frame), epsilons_phrase(frame, epsilons), *_meanings(columns, variants, baseline)]
    caption = (
        f"Settings of the frequency penalty on {'; '.join(filter(None, phrases))}. Depth 1: all layers, 2: about the "
        f"first half, 3: the first third; λ: the penalty's weight. {table.sizes} {table.unit}."
    )
    return TextTable(numbers, cells, caption, right=text.shape[1])


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
            "with all": "–" if np.isnan(row["p"]) else "holds" if row["together"] else "does not hold",
            "effect": _effect(row),
            "95 % interval": _interval(row),
            "n": images_phrase([row["fewest_images"], row["most_images"]]).removeprefix("n = ") or "–",
            "pairs": str(row["pairs"]),
        }
        for row in scores.to_dict("records")
    ]
    # What stayed undecided was tested too.
    tested = int((scores["p"].notna() | (scores["verdict"] == "undecided")).sum())
    several = (
        " (in brackets the least and the largest of a model)"
        if (scores["lowest_model"] < scores["highest_model"]).any()
        else ""
    )
    models = list(dict.fromkeys(name for names in scores["models"] if names for name in names.split(", ")))
    at_once = (
        f"; with all: whether it holds when all {tested} claims that have them are tested at once (Holm's method, 5 %)"
        if tested
        else ""
    )
    of_models = f" ({', '.join(models)})" if models else ""
    caption = (
        f"The papers' claims on {dataset}{of_models}. Effects are differences of the two variants in percentage "
        f"points, the mean over pairs of runs of one model and seed, each model weighing the same{several}, with "
        "Student's 95 % interval of that mean over these models; claimed is the smallest effect of interest; n: images "
        "that a value stands on (of energy: filters of a layer). A verdict is the claim's own, at 5 %, and takes "
        f"{FEWEST_PAIRS} pairs of each model{at_once}."
    )
    return TextTable(scores, pd.DataFrame(rows), caption, right=4)


def _meanings(columns: list[Column], variants: dict[str, str], baseline: str) -> list[str]:
    """What the columns mean that do not say so themselves."""
    meanings = {
        "corruptions": "corruptions: mean over the common ones at all severities",
        "mCE": f"mCE: mean corruption error relative to {variants.get(baseline, baseline)}",
        "shape bias": "shape bias: on cue-conflict images",
    }
    shown = {part for found in columns for part in (found.measure, found.setting)}
    said = [meaning for name, meaning in meanings.items() if name in shown]
    if any(found.setting.endswith(PUBLISHED) for found in columns):
        said.append("published: by RobustBench, of all test images (ImageNet: 5,000), the lowest accuracy under attack")
    return said


def _effect(row: dict) -> str:
    if np.isnan(row["effect"]):
        return "–"
    ends = [f"{100 * row[end]:+.1f}" for end in ("lowest_model", "highest_model")]
    return f"{100 * row['effect']:+.1f}" + (f" ({' to '.join(ends)})" if ends[0] != ends[1] else "")


def _interval(row: dict) -> str:
    return "–" if np.isnan(row["ci_low"]) else f"[{100 * row['ci_low']:+.1f}, {100 * row['ci_high']:+.1f}]"


def _difference(mean: float, low: float, high: float, pairs: int) -> str:
    interval = "" if np.isnan(low) else f" [{100 * low:+.1f}, {100 * high:+.1f}]"
    return f"{100 * mean:+.1f}{interval} ({pairs})"


def _table(
    columns: list[Column],
    labels: dict[str, str],
    caption: str,
    *,
    across: bool = False,
    order: list[tuple[str, ...]] | None = None,
) -> Table:
    """Take means over seeds."""
    if not columns:
        raise InputError("the results hold nothing that this table shows: run the evaluations first")
    keys = [(found.measure, found.setting) for found in columns]
    stacked = {"axis": "columns", "keys": keys, "names": ["measure", "setting"]}
    per_seed = pd.concat([found.numbers for found in columns], **stacked)
    names = [name for name in per_seed.index.names if name != "seed"]
    images = pd.concat([found.images for found in columns], **stacked).groupby(level=names, observed=True).max()
    statistics = per_seed.groupby(level=names, observed=True).agg(["mean", "std", "count"])
    statistics.index = pd.MultiIndex.from_tuples(statistics.index, names=names)
    if order is not None:
        statistics = statistics.loc[[row for row in order if row in statistics.index]]
    mean, std, seeds = (statistics.xs(name, axis="columns", level=-1) for name in ("mean", "std", "count"))
    images.index = pd.MultiIndex.from_tuples(images.index, names=names)
    directions = {key: _direction(*key) for key in keys}
    marked = {
        key: best_of(per_seed[key], found.images, directions[key]) for key, found in zip(keys, columns, strict=True)
    }
    best = pd.DataFrame(marked, columns=mean.columns).reindex(mean.index)
    return Table(mean, std, seeds, best, images.loc[mean.index], directions, labels, caption, across)


def _direction(measure: str, setting: str) -> Direction:
    if "mCE" in f"{measure} {setting}" or measure.startswith("calibration error"):
        return "lower"
    if measure in ("answers", "error consistency") or setting.endswith(PUBLISHED):
        return "none"
    return "higher"


def _dataset(frame: pd.DataFrame) -> str:
    models = ", ".join(frame["model"].cat.categories)
    return f"{frame['dataset'].iloc[0]} ({models})"
