"""Results of the suite `filter_quality` as tables and figures show them, and which runs they compare. No matplotlib."""

from collections.abc import Collection, Iterable

import pandas as pd

from filterfreq.analysis.pairs import Pairs, run_key
from filterfreq.evaluation.columns import RUN_COLUMNS
from filterfreq.evaluation.registry import BATCH_NORMS
from filterfreq.publishing.phrases import counting_phrase, pairs_phrase
from filterfreq.publishing.selection import RUN, select
from filterfreq.runtime.errors import InputError

PAIRED = "pairs"
"""What the differences of named pairs are grouped as."""
FILTER_METRICS: dict[str, str] = {
    "sparsity": "sparsity (%)",
    "variance_entropy": "variance entropy",
    "orthogonality": "orthogonality",
}
"""What figures and tables call the metrics of `filterfreq.analysis.filter_statistics` that they show."""

_BATCH_NORM = {"separate": "weights as they are", "folded": "batch norm folded into the weights"}


def filter_frame(results: pd.DataFrame, labels: dict[str, str], preferred: str = BATCH_NORMS[0]) -> pd.DataFrame:
    """Choose the results of some variants, with one way of treating batch norm.

    Args:
        results: tidy results of one data set.
        labels: display labels of the variants by name, in order.
        preferred: the way that is chosen where it was measured, else another one: as they are, unless published values
            of another way stand beside them.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of the suite.
    """
    frame = select(results, labels, ["filter_quality"])
    return frame[frame["batch_norm"] == shown_batch_norm(frame["batch_norm"].unique(), preferred)]


def filter_frames(results: pd.DataFrame, labels: dict[str, str]) -> dict[str, pd.DataFrame]:
    """Return what `filter_frame` does for each data set."""
    return {name: filter_frame(rows, labels) for name, rows in results.groupby("dataset", sort=False)}


def shown_batch_norm(found: Collection[str], preferred: str = BATCH_NORMS[0]) -> str:
    """Return the way of treating batch norm that is shown, of those that are found."""
    return next(name for name in (preferred, *BATCH_NORMS) if name in found)


def batch_norm_phrase(frame: pd.DataFrame) -> str:
    """Say how results treat batch norm."""
    return batch_norm_words(frame["batch_norm"].iloc[0])


def batch_norm_words(name: str) -> str:
    """Say what a way of treating batch norm is."""
    return _BATCH_NORM[name]


def compared_runs(runs: pd.DataFrame, pairs: Pairs, baseline: str | None = None) -> pd.DataFrame:
    """Return the pairs of runs that differences are taken over.

    Args:
        runs: has the columns `RUN`, of one data set.
        pairs: the pairs that the config names, of any data set; those that have no row in `runs` are left out.
        baseline: where there are no pairs, the variant whose runs are the controls of the runs of the others with the
            same model and seed; without it there is nothing to compare then.

    Returns:
        The columns `treatment` and `control`, each a tuple (model, variant, seed), and `group`: what the treatments of
        a pair are shown as, a variant, or `PAIRED` where the config names pairs.
    """
    known = set(runs[RUN].itertuples(index=False, name=None))
    if pairs:
        found = [(run_key(pair["treatment"]), run_key(pair["control"])) for pair in pairs]
        rows = [(*pair, PAIRED) for pair in found if set(pair) <= known]
    else:
        ordered = dict.fromkeys(runs[RUN].itertuples(index=False, name=None))
        rows = [
            (run, control, run[1])
            for run in ordered
            if run[1] != baseline and (control := (run[0], baseline, run[2])) in known
        ]
    return pd.DataFrame(rows, columns=["treatment", "control", "group"])


def values_of_runs(table: pd.DataFrame, compared: pd.DataFrame, side: str, metric: str, controls: str) -> pd.DataFrame:
    """Return a metric of the runs on one side of pairs, as often as they count.

    Args:
        table: a row for each run and depth bin, with a column of that metric.
        compared: what `compared_runs` returns.
        side: "treatment" or "control".
        metric: the column.
        controls: "each_pair", so that a control of k pairs counts k times, or "once".

    Returns:
        The columns `depth_bin` and `value`.
    """
    runs = compared[side] if controls == "each_pair" else compared[side].drop_duplicates()
    by_run = table.set_index(RUN)[["depth_bin", metric]].rename(columns={metric: "value"})
    return pd.concat([by_run.xs(run) for run in runs], ignore_index=True)


def comparison_phrase(compared: pd.DataFrame, controls: str) -> str:
    """Say how many pairs there are, and how often their controls count."""
    return f"{pairs_phrase(len(compared), compared['control'].nunique())}, {counting_phrase(controls)}"


def named_shares(shares: pd.DataFrame) -> pd.DataFrame:
    """Return the shares of the energy of filters at DC and at the highest frequencies.

    Args:
        shares: what `filterfreq.analysis.filter_statistics.dct_share_table` returns.

    Returns:
        A row for each run, `depth_bin` and name in `frequencies`: "DC" is the frequency 0, "highest" the sum over the
        coefficients whose larger frequency is 2. The columns `raw` and `scaled` are the two weightings.
    """
    frequency = shares[["vertical", "horizontal"]].astype("int64").max(axis="columns")
    named = shares.assign(frequencies=frequency.map({0: "DC", 2: "highest"})).dropna(subset="frequencies")
    keys = [*RUN, "depth_bin", "frequencies"]
    return named.groupby(keys, observed=True, sort=False)[["raw", "scaled"]].sum(min_count=1).reset_index()


def differences_of_pairs(
    table: pd.DataFrame, compared: pd.DataFrame, keys: list[str], controls: str = "each_pair"
) -> pd.DataFrame:
    """Return the values of treatments less those of their controls.

    Args:
        table: a row for each run and combination of keys, with further columns of numbers.
        compared: what `compared_runs` returns.
        keys: the columns that tell the rows of a run apart.
        controls: "each_pair", so that each pair is a difference; or "once", so that the mean over the pairs of a
            control is one.

    Returns:
        The columns `group`, `seed` (the number of the difference), the keys, and the columns of numbers.

    Raises:
        InputError: there is no pair.
    """
    if compared.empty:
        raise InputError("there are no two runs to compare: name pairs in the experiment, or measure its baseline too")
    values = [name for name in table if table[name].dtype.kind == "f"]
    runs = {run: rows.set_index(keys)[values] for run, rows in table.groupby(RUN, observed=True)}
    tables = []
    for number, pair in enumerate(compared.itertuples(index=False)):
        difference = (runs[pair.treatment] - runs[pair.control]).reset_index()
        seed = str(pair.control) if controls == "once" else number
        tables.append(difference.assign(group=pair.group, seed=seed))
    every = pd.concat(tables, ignore_index=True)
    return every.groupby(["group", "seed", *keys], observed=True, sort=False)[values].mean().reset_index()


def run_table(runs: Iterable[tuple]) -> pd.DataFrame:
    """Return runs as rows with the columns of a run."""
    return pd.DataFrame(list(runs), columns=list(RUN_COLUMNS))
