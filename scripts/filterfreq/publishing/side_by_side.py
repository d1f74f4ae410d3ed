"""Every measure of a model in one row: how right, how robust, how it uses frequencies, what its filters are.

What is measured stands here once, in the terms of claims; tables and figures choose from it.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from filterfreq.analysis.claim_measures import HIGHEST, SHOWN_BATCH_NORM, measured_rows, run_values
from filterfreq.analysis.intervals import mean_difference
from filterfreq.publishing.attacks import attack_label
from filterfreq.publishing.direction import Direction
from filterfreq.publishing.map_bands import band_errors
from filterfreq.publishing.measures import (
    CLEAN,
    CORRUPTION_MEAN,
    SHAPE_BIAS,
    attacks_at_epsilon,
    clean_accuracy,
    corruption_means,
    shape_biases,
)
from filterfreq.publishing.norms import norm_label
from filterfreq.publishing.selection import RUN

ROBUSTNESS, FREQUENCIES = "robustness", "frequencies"
"""The groups of measures: how right a model is, whatever is done to its images, and how it uses frequencies."""
GROUPS = (ROBUSTNESS, FREQUENCIES)


class Measure(NamedTuple):
    """One number for every run.

    Attributes:
        name: its heading.
        group: one of `GROUPS`.
        direction: which values are better; none where neither is.
        numbers: by `RUN`; of shares in [0, 1].
        images: on how many images a share stands at least; NaN of what is no share of images.
        is_share: whether it is shown in percent.
    """

    name: str
    group: str
    direction: Direction
    numbers: pd.Series
    images: float
    is_share: bool = True


class Difference(NamedTuple):
    """What a variant changes against the baseline, in one measure.

    Attributes:
        mean: the mean over pairs of runs with one seed.
        low: the lower end of Student's 95 % interval; NaN of one pair.
        high: its upper end.
        pairs: how many there are.
        spread: the standard deviation of the measure over all runs that are shown, its unit of comparison.
    """

    mean: float
    low: float
    high: float
    pairs: int
    spread: float

    @property
    def standardised(self) -> float:
        """The mean over the spread; 0 of a measure that is the same of all runs, or of one run alone."""
        return self.mean / self.spread if self.spread > 0 else 0.0

    def verdict(self, direction: Direction) -> str:
        """Return "better" or "worse", of a measure without better values "higher" or "lower", or "undecided"."""
        if not (self.low > 0 or self.high < 0):
            return "undecided"
        if direction == "none":
            return "higher" if self.low > 0 else "lower"
        return "better" if (self.low > 0) == (direction == "higher") else "worse"


class _Entry(NamedTuple):
    """A measure in the terms of claims (`schemas/claims.schema.yaml`)."""

    name: str
    group: str
    direction: Direction
    measure: Mapping[str, Any]
    is_share: bool = True


_ENTRIES = (
    _Entry("calibration error", ROBUSTNESS, "lower", {"suite": "clean", "metric": "expected_calibration_error"}),
    _Entry("shifted sets", ROBUSTNESS, "higher", {"suite": "out_of_distribution", "metric": "accuracy"}),
    _Entry(
        "low-band noise",
        ROBUSTNESS,
        "higher",
        {"suite": "band_noise", "metric": "accuracy", "where": [{"band": "low"}]},
    ),
    _Entry(
        "high-band noise",
        ROBUSTNESS,
        "higher",
        {"suite": "band_noise", "metric": "accuracy", "where": [{"band": "corner"}]},
    ),
    _Entry(
        "low components",
        FREQUENCIES,
        "none",
        {"suite": "frequency_filtered", "metric": "accuracy", "where": [{"pass": "low"}]},
    ),
    _Entry(
        "high components",
        FREQUENCIES,
        "none",
        {"suite": "frequency_filtered", "metric": "accuracy", "where": [{"pass": "high"}]},
    ),
    _Entry(
        "DCT energy, highest",
        FREQUENCIES,
        "none",
        {
            "suite": "filters",
            "metric": "energy_share",
            "where": [{"horizontal": HIGHEST}, {"vertical": HIGHEST}],
            "sum_over": ["horizontal", "vertical"],
        },
    ),
    _Entry(
        "sparsity",
        FREQUENCIES,
        "none",
        {"suite": "filter_quality", "metric": "sparsity", "where": [{"batch_norm": SHOWN_BATCH_NORM}]},
    ),
    _Entry(
        "variance entropy",
        FREQUENCIES,
        "none",
        {"suite": "filter_quality", "metric": "variance_entropy", "where": [{"batch_norm": SHOWN_BATCH_NORM}]},
        is_share=False,
    ),
    _Entry(
        "spectral norm",
        FREQUENCIES,
        "none",
        {
            "suite": "spectral_norm",
            "metric": "spectral_norm",
            "where": [{"boundary": "circular", "weight": "normalised", "batch_norm": "separate"}],
        },
        is_share=False,
    ),
)


def side_by_side_measures(
    frame: pd.DataFrame, baseline: str, epsilons: Mapping[str, str] | None = None
) -> list[Measure]:
    """Return what was measured, of each run one number.

    Where several rows belong to a measure (shifted sets, radii, layers), it is their mean.

    Args:
        frame: what `filterfreq.publishing.selection.select` returns.
        baseline: the variant whose corruption error is 1.
        epsilons: for each norm the epsilon that attacks are shown at, see
            `filterfreq.publishing.measures.attacks_at_epsilon`.

    Returns:
        Measures of robustness, then of frequencies; those alone that some run has.
    """
    columns = {found.key: found for found in clean_accuracy(frame)}
    columns |= {found.key: found for found in (*corruption_means(frame, baseline), *shape_biases(frame))}
    robust = {"clean": CLEAN, "corruptions": CORRUPTION_MEAN, "shape bias": SHAPE_BIAS}
    found = []
    for name, key in robust.items():
        if key in columns:
            column = columns[key]
            found.append(Measure(name, ROBUSTNESS, column.direction, column.numbers, float(column.images.min())))
        if name == "clean":
            found += [
                Measure(
                    f"{attack_label(attack)} {norm_label(norm)} {rows['epsilon'].iloc[0]}",
                    ROBUSTNESS,
                    "higher",
                    rows.set_index(RUN)["value"],
                    float(rows["n"].min()),
                )
                for attack, norm, rows in attacks_at_epsilon(frame[frame["suite"] != "adaptive"], epsilons)
            ]
    found += [
        Measure(f"error, {column.setting}", FREQUENCIES, column.direction, column.numbers, float(column.images.min()))
        for column in band_errors(frame)
    ]
    for entry in _ENTRIES:
        rows = measured_rows(frame, entry.measure)
        if not rows.empty:
            values, _parameters = run_values(rows, entry.measure)
            images = float(rows["n"].min()) if rows["metric"].isin(("accuracy",)).all() else np.nan
            found.append(Measure(entry.name, entry.group, entry.direction, values, images, entry.is_share))
    return sorted(found, key=lambda measure: GROUPS.index(measure.group))


def difference_to_baseline(measure: Measure, model: str, variant: str, baseline: str) -> Difference | None:
    """Return what a variant of a model changes in a measure; None where no seed has both."""
    if model not in measure.numbers.index.get_level_values("model"):
        return None
    by_variant = measure.numbers.xs(model, level="model").unstack("variant")  # noqa: PD010
    if variant not in by_variant or baseline not in by_variant:
        return None
    differences = (by_variant[variant] - by_variant[baseline]).dropna()
    if differences.empty:
        return None
    estimate = mean_difference([differences.to_numpy()], measure.images)
    spread = float(measure.numbers.xs(model, level="model").std())
    return Difference(estimate.mean, *estimate.interval(), len(differences), spread)
