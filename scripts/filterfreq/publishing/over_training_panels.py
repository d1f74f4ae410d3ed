"""What the figure over training shows of each suite: panels, each of one measure of snapshots."""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from filterfreq.evaluation.registry import SUITES
from filterfreq.publishing.attacks import attack_label
from filterfreq.publishing.norms import norm_label
from filterfreq.publishing.selection import RUN

_COLUMNS = 4  # of panels
# Where a suite has other measures than its accuracy, or else its first metric.
_METRICS = {
    "cue_conflict": ("shape_bias",),
    "fourier_attack": ("fooled",),
    "response_frequency": ("frequency_error",),
    "filtered_response": ("low_frequency_error", "high_frequency_error"),
    "filter_quality": ("variance_entropy", "sparsity", "orthogonality"),
}
# Parameters over which the mean is taken; each value of the others has its panel, but for the split.
_AVERAGED = (
    *("corruption", "severity", "origin", "u", "v", "horizontal", "vertical"),
    *("layer", "index", "depth", "conv_depth", "conv_depth_norm", "batch_norm"),
)
_TITLES = {"filters": "energy share of the highest frequencies", "corruption": "mean over corruptions"}


class Panel(NamedTuple):
    """One panel.

    Attributes:
        title: what it shows.
        metric: the metric.
        frame: a row for each run, epoch and split: columns model, variant, seed, epoch, split, value, n.
    """

    title: str
    metric: str
    frame: pd.DataFrame


def panel_rows(results: pd.DataFrame) -> list[list[Panel]]:
    """Return rows of panels: first the suites that have one panel, then each other one's.

    Args:
        results: of snapshots, with a column for every parameter, see `filterfreq.publishing.selection.select`.
    """
    alone: list[Panel] = []
    others: list[list[Panel]] = []
    for suite in [name for name in SUITES if (results["suite"] == name).any()]:
        metrics = SUITES[suite].metrics
        for metric in _METRICS.get(suite, ("accuracy" if "accuracy" in metrics else next(iter(metrics)),)):
            frame = _chosen_rows(results, suite, metric)
            rows = [] if frame.empty else _panels(suite, metric, frame)
            if sum(map(len, rows)) == 1:
                alone += rows[0]
            else:
                others += rows
    return _split_rows(alone) + [part for row in others for part in _split_rows(row)]


def _chosen_rows(results: pd.DataFrame, suite: str, metric: str) -> pd.DataFrame:
    """Return the rows of a metric that are shown: of shape biases that of all classes, of energies the highest."""
    frame = results[(results["suite"] == suite) & (results["metric"] == metric)]
    if metric == "shape_bias":
        return frame[frame["category"] == "overall"]
    if metric == "energy_share":
        highest = frame.groupby([*RUN, "layer"], observed=True)[["horizontal", "vertical"]].transform("max")
        return frame[(frame[["horizontal", "vertical"]] == highest).all(axis="columns")]
    return frame


def _panels(suite: str, metric: str, frame: pd.DataFrame) -> list[list[Panel]]:
    """Return the panels of a metric: a row for all parameters that vary but the last, a panel for each value of it."""
    known = SUITES[suite].metrics[metric]
    # The low pass first, whatever the order of settings.
    frame = frame.sort_values("pass", key=lambda passes: passes == "high", kind="stable")
    keys = [
        key
        for key in (*known.keys, *known.optional)
        if key not in (*_AVERAGED, "split", "category") and frame[key].notna().any()
    ]
    # What an attack is, is always said.
    attack = [key for key in keys if key in ("attack", "norm") and "epsilon" in keys]
    varying = [key for key in keys if len(frame[key].unique()) > 1]
    if not varying:
        said = [_phrase(key, frame[key].iloc[0]) for key in keys if "epsilon" in keys]
        title = ", ".join(said) or _TITLES.get(suite, suite.replace("_", " "))
        return [[Panel(title, metric, _mean_of_runs(frame))]]
    *first, last = dict.fromkeys([*attack, *varying])
    rows = []
    for values in frame[first].drop_duplicates().itertuples(index=False) if first else [()]:
        shown = frame[(frame[first] == list(values)).all(axis="columns")] if first else frame
        words = [_phrase(key, value) for key, value in zip(first, values, strict=True)]
        rows.append(
            [
                Panel(", ".join([*words, _phrase(last, value)]), metric, _mean_of_runs(shown[shown[last] == value]))
                for value in _sorted_values(shown[last])
            ]
        )
    return rows


def _mean_of_runs(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.assign(split=splits_of(frame))
    groups = frame.groupby([*RUN, "epoch", "split"], observed=True, as_index=False)
    return groups.agg(value=("value", "mean"), n=("n", "max"))


def splits_of(frame: pd.DataFrame) -> pd.Series:
    """Return the split that each row's images are of, "test" where nothing is said."""
    return frame["split"].where(frame["split"].notna(), other="test").astype(str)


def _sorted_values(values: pd.Series) -> list:
    """Return the distinct values: numbers from the least on, text as it occurs."""
    distinct = values.dropna().unique()
    return sorted(distinct) if pd.api.types.is_numeric_dtype(values) else list(distinct)


def _split_rows(panels: Sequence[Panel]) -> list[list[Panel]]:
    """Return panels in rows of few."""
    return [list(panels[first : first + _COLUMNS]) for first in range(0, len(panels), _COLUMNS)]


def _phrase(key: str, value: object) -> str:
    """Say the value of a parameter: "low pass", "radius 4", "PGD-10"."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    if key in ("pass", "band"):
        return f"{text} pass"
    said = {"attack": attack_label, "norm": norm_label, "epsilon": lambda epsilon: f"ε = {epsilon}"}
    return said[key](text) if key in said else f"{key.replace('_', ' ')} {text}"
