"""The counted coefficients of filters, as figures and tables show them: read, pooled over models, compared."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from filterfreq.analysis.filter_coefficients import BASIS_COLUMNS, COUNT_COLUMNS, ENTRY_COLUMNS, MEAN_COLUMNS
from filterfreq.analysis.filter_statistics import DEPTH_BINS, HISTOGRAM_BINS, POSITIONS, Basis, shift
from filterfreq.analysis.pairs import Pairs
from filterfreq.evaluation.columns import RUN_COLUMNS
from filterfreq.publishing.filter_frames import shown_batch_norm
from filterfreq.runtime.csv_files import read_csv
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import verify_checksum

RunKey = tuple[str, str, str, int]
_REMEDY = "delete it and run the rule pool_filters again"


class Coefficients(NamedTuple):
    """The coefficients of the clean filters of several models in one basis.

    Attributes:
        counts: by run (data set, model, variant, seed), by depth bin: 9 x 70.
        basis: the principal components of all of them.
        low: the lower end of the range of the 70 bins.
        high: its upper end.
        batch_norm: how batch norm is treated.
    """

    counts: dict[RunKey, dict[str, np.ndarray]]
    basis: Basis
    low: float
    high: float
    batch_norm: str

    def pool(self, runs: Iterable[RunKey], depth_bins: Sequence[str] = DEPTH_BINS) -> np.ndarray:
        """Add up the counts of runs over depth bins, each run as often as it is named: 9 x 70."""
        total = np.zeros((POSITIONS, HISTOGRAM_BINS))
        for run in runs:
            for name in depth_bins:
                total += self.counts[run].get(name, 0)
        return total

    def shift(self, one: Iterable[RunKey], other: Iterable[RunKey], depth_bins: Sequence[str] = DEPTH_BINS) -> float:
        """Return the weighted shift between two groups of runs, see `filterfreq.analysis.filter_statistics.shift`."""
        groups = self.pool(one, depth_bins), self.pool(other, depth_bins)
        return shift(*groups, self.low, self.high, self.basis.ratios).weighted


def read_coefficients(files: Any) -> Coefficients:
    """Read what the rule `pool_filters` wrote: the function `read` of products that show it.

    Args:
        files: those of `reads="filter_coefficients"`, by name.

    Raises:
        InputError: a file is missing or damaged, or was changed since it was written.
    """
    texts = ["dataset", "model", "variant", "batch_norm", "depth_bin"]
    counts = _read(files.counts, COUNT_COLUMNS, texts)
    components = _read(files.basis, BASIS_COLUMNS, ["batch_norm"])
    batch_norm = shown_batch_norm(components["batch_norm"].unique())
    rows = components[components["batch_norm"] == batch_norm]
    basis = Basis(
        rows[list(MEAN_COLUMNS)].iloc[0].to_numpy(dtype=float),
        rows[list(ENTRY_COLUMNS)].to_numpy(dtype=float),
        rows["explained_variance"].to_numpy(dtype=float),
        rows["explained_variance_ratio"].to_numpy(dtype=float),
    )
    of_runs: dict[RunKey, dict[str, np.ndarray]] = {}
    shown = counts[counts["batch_norm"] == batch_norm]
    for (*run, name), found in shown.groupby([*RUN_COLUMNS, "depth_bin"], sort=False):
        table = np.zeros((POSITIONS, HISTOGRAM_BINS))
        table[found["component"], found["bin"]] = found["count"]
        of_runs.setdefault(tuple(run), {})[name] = table
    return Coefficients(of_runs, basis, float(rows["low"].iloc[0]), float(rows["high"].iloc[0]), batch_norm)


class Groups(NamedTuple):
    """Two groups of runs on one data set, to be compared.

    Attributes:
        dataset: their data set.
        name: what the first group is: a variant, or `PAIRED` of the treatments of pairs.
        treatments: the runs of the first, as often as they count.
        controls: those of the second.
    """

    dataset: str
    name: str
    treatments: list[RunKey]
    controls: list[RunKey]

    @property
    def each_once(self) -> "Groups":
        """The same groups, each run once."""
        return self._replace(treatments=[*dict.fromkeys(self.treatments)], controls=[*dict.fromkeys(self.controls)])


def compared_groups(
    runs: Iterable[RunKey], labels: Mapping[str, str], baseline: str, pairs: Pairs, controls: str, paired: str
) -> list[Groups]:
    """Return the groups whose filters are compared on each data set.

    Args:
        runs: those whose filters were counted.
        labels: display labels of the variants by name, in order.
        baseline: where there are no pairs, the variant that each other one is compared with.
        pairs: the pairs that the config names; then all treatments on a data set are compared with all controls.
        controls: "each_pair", so that a control of k pairs counts k times, or "once".
        paired: the name of the treatments of pairs.

    Raises:
        InputError: there is nothing to compare.
    """
    runs = list(runs)
    groups = []
    for dataset in dict.fromkeys(run[0] for run in runs):
        if pairs:
            of_dataset = [pair for pair in pairs if pair["control"]["dataset"] == dataset]
            sides = [[tuple(pair[side][key] for key in RUN_COLUMNS) for pair in of_dataset] for side in
                     ("treatment", "control")]  # fmt: skip
            found = [Groups(dataset, paired, *sides)]
            groups += [one.each_once if controls == "once" else one for one in found if of_dataset]
        else:
            by_variant = {name: [run for run in runs if run[0] == dataset and run[2] == name] for name in labels}
            groups += [
                Groups(dataset, name, members, by_variant[baseline])
                for name, members in by_variant.items()
                if name != baseline and members and by_variant.get(baseline)
            ]
    if not groups:
        raise InputError("there are no two runs to compare: name pairs in the experiment, or measure its baseline too")
    return groups


def _read(path: str, columns: Sequence[str], texts: Sequence[str]) -> pd.DataFrame:
    table = read_csv(path, _REMEDY, texts)
    if list(table) != list(columns):
        raise InputError(f"{path} has other columns than {', '.join(columns)}: {_REMEDY}")
    verify_checksum(path)
    return table
