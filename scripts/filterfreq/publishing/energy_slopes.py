"""How far accuracy under a corruption changes with the energy that it has at high frequencies.

Yin, Gontijo Lopes, Shlens, Cubuk, Gilmer, A Fourier Perspective on Model Robustness in Computer Vision, NeurIPS 2019,
section 4.1 and Figure 6.
"""

from typing import NamedTuple

import pandas as pd

from filterfreq.analysis.slopes import FEWEST_POINTS, Line, fit_line
from filterfreq.publishing.measures import corruption_accuracies
from filterfreq.publishing.selection import RUN, present_variants, select
from filterfreq.runtime.errors import InputError


class EnergySlopes(NamedTuple):
    """The accuracies of each model and variant under corruptions, beside a baseline's.

    Attributes:
        energies: of each corruption, the high-frequency energy, in [0, 1].
        accuracies: a row for each model and variant, a column for each corruption: the mean over severities and seeds.
        changes: of the variants but the baseline, the same less the baseline's, over the seeds that both have.
        lines: of these, the line through the changes against the energies; none where fewer than three energies are
            known, or they are all the same.
        counts: of these, the number of seeds.
        variants: the variants that are shown, with their labels, in order.
    """

    energies: pd.Series
    accuracies: pd.DataFrame
    changes: pd.DataFrame
    lines: dict[tuple[str, str], Line]
    counts: pd.Series
    variants: dict[str, str]


def image_rows(results: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return what the suite spectra measured of images alone, which are of no variant.

    Raises:
        InputError: there is nothing.
    """
    rows = results[(results["suite"] == "spectra") & (results["metric"] == metric) & (results["variant"] == "")]
    if rows.empty:
        raise InputError(f"the results of the suite spectra hold no {metric}: run the rule measure_images again")
    return rows


def energy_slopes(results: pd.DataFrame, labels: dict[str, str], baseline: str) -> EnergySlopes:
    """Compare the variants with the baseline under the corruptions whose high-frequency energy is known.

    Args:
        results: tidy results of one data set.
        labels: display labels of the variants by name, in order.
        baseline: the variant that the others are compared with, paired by seed.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or no pair of runs to compare.
    """
    rows = image_rows(results, "high_frequency_energy")
    energies = rows.set_index("corruption")["value"].dropna()
    frame = select(results, labels, ["corruption"])
    by_corruption = corruption_accuracies(frame).T.groupby(level="corruption").mean().T
    energies = energies[[name for name in energies.index if name in by_corruption]]
    of_runs = by_corruption[list(energies.index)].dropna()
    baselines = of_runs.xs(baseline, level="variant") if baseline in of_runs.index.unique("variant") else of_runs[:0]
    others = of_runs.drop(baseline, level="variant", errors="ignore")
    pairs = pd.MultiIndex.from_arrays([others.index.get_level_values(name) for name in ("model", "seed")])
    paired = others[pairs.isin(baselines.index)] if len(baselines) else others[:0]
    if paired.empty:
        raise InputError(
            f"there is no run of {baseline} with the model and seed of another variant: nothing can be compared"
        )
    partners = baselines.loc[[(model, seed) for model, _, seed in paired.index]].set_axis(paired.index)
    groups = {"level": RUN[:2], "observed": True}
    changes = (paired - partners).groupby(**groups).mean()
    is_line = len(energies) >= FEWEST_POINTS and energies.min() < energies.max()
    lines = {run: fit_line(energies.to_numpy(), row.to_numpy()) for run, row in (changes.iterrows() if is_line else ())}
    accuracies = of_runs.groupby(**groups).mean()
    return EnergySlopes(
        energies, accuracies, changes, lines, paired.groupby(**groups).size(), present_variants(frame, labels)
    )
