"""Tables of means over seeds, made of measures of every run. Imports no matplotlib."""

from collections.abc import Iterable

import pandas as pd

from filterfreq.analysis.intervals import mean_difference
from filterfreq.publishing.direction import Direction
from filterfreq.publishing.measures import CORRUPTION_ERROR, CORRUPTION_MEAN, SHAPE_BIAS, Column
from filterfreq.publishing.numbers import percent_text
from filterfreq.publishing.table import Table
from filterfreq.runtime.errors import InputError


def means_table(
    columns: Iterable[Column],
    labels: dict[str, str],
    caption: str,
    *,
    across: bool = False,
    order: list[tuple[str, ...]] | None = None,
) -> Table:
    """Take means over seeds.

    Args:
        columns: the measures, at least one.
        labels: display labels of the variants by name, in order.
        caption: what the table shows, in sentences.
        across: whether the variants are columns when shown, rather than rows.
        order: the rows in the order shown; as they come, unless given.

    Raises:
        InputError: there is no column.
    """
    columns = list(columns)
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
    directions = {(found.measure, found.setting): found.direction for found in columns}
    marked = {
        key: best_of(per_seed[key], found.images, found.direction) for key, found in zip(keys, columns, strict=True)
    }
    best = pd.DataFrame(marked, columns=mean.columns).reindex(mean.index)
    return Table(mean, std, seeds, best, images.loc[mean.index], directions, labels, caption, across)


def best_of(values: pd.Series, images: pd.Series, direction: Direction) -> pd.Series:
    """Mark in one column the best mean of every model, and all that the results cannot tell from it.

    Two variants are told apart where Student's 95 % interval of their differences, paired by seed, leaves zero out (see
    `mean_difference`; each comparison by itself). Where no two seeds are common there is no interval: what is shown as
    the same number is marked too.

    Args:
        values: fractions, by the names of a row (`variant` among them) and `seed`.
        images: on how many images each of them stands, NaN where it is not known.
        direction: which values are better.

    Returns:
        A truth value for every row; a value that stands alone has nothing to be better than, and is not marked.
    """
    by_seed = values.unstack("seed")  # noqa: PD010
    marked = pd.Series(False, index=by_seed.index)
    outer = [name for name in by_seed.index.names if name != "variant"]
    for _, model_values in by_seed.groupby(level=outer, sort=False, observed=True) if direction != "none" else ():
        means = model_values.mean(axis="columns").dropna()
        if len(means) > 1:
            best = means.idxmin() if direction == "lower" else means.idxmax()
            for row in means.index:
                marked[row] = not _are_told_apart(by_seed.loc[best], by_seed.loc[row], images.min())
    return marked


def column_meanings(columns: list[Column], variants: dict[str, str], baseline: str) -> list[str]:
    """What the columns mean that do not say so themselves."""
    meanings = {
        CORRUPTION_MEAN: "corruptions: mean over the common ones at all severities",
        CORRUPTION_ERROR: f"mCE: mean corruption error relative to {variants.get(baseline, baseline)}",
        SHAPE_BIAS: "shape bias: on cue-conflict images",
    }
    shown = {found.measured_key for found in columns}
    said = [meaning for key, meaning in meanings.items() if key in shown]
    models = {
        model for found in columns if found.is_published for model in found.numbers.index.get_level_values("model")
    }
    if models:
        said.append("published: by RobustBench, of all test images (ImageNet: 5,000), the lowest accuracy under attack")
    if any(model.startswith("timm_") for model in models):
        said.append("published of timm's models: by Gavrikov and Keuper (CVPR workshops 2022), of all test images")
    return said


def dataset_phrase(frame: pd.DataFrame) -> str:
    """Name the data set and the models of results: "cifar10 (resnet_20)"."""
    models = ", ".join(frame["model"].cat.categories)
    return f"{frame['dataset'].iloc[0]} ({models})"


def _are_told_apart(one: pd.Series, other: pd.Series, images: float) -> bool:
    """Whether the values of two variants by seed differ by more than chance, or, without pairs, as they are shown."""
    differences = (one - other).dropna().to_numpy()
    if len(differences) < 2:
        return percent_text(one.mean()) != percent_text(other.mean())
    low, high = mean_difference([differences], images).interval()
    return low > 0 or high < 0
