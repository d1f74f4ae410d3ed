"""Tidy results as they are made: one CSV per evaluation, one row per measured number. Imports no torch.

A fraction lies in [0, 1] and has a 95 % Wilson interval; `n` is the number of images (for filters: of filters) that the
value stands on. `parameter` holds `key=value` pairs joined by `;`, the same keys in all rows of a suite and metric:
those that its entry in a registry has, which may leave out the optional ones, and `epoch` over training.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pandas as pd

from filterfreq.evaluation.columns import COLUMNS, RUN_COLUMNS
from filterfreq.runtime.errors import InputError, unknown_name
from filterfreq.runtime.files import replacing_with_checksum


def format_parameter(**pairs: object) -> str:
    """Join keys and values as the column `parameter` holds them: `attack=fgsm;norm=linf;epsilon=2/255`.

    Raises:
        ValueError: a value contains one of the separators "=" and ";".
    """
    for key, value in pairs.items():
        if "=" in str(value) or ";" in str(value):
            raise ValueError(f"{key} {value!r} contains '=' or ';', which separate the pairs of a parameter")
    return ";".join(f"{key}={value}" for key, value in pairs.items())


def wilson_interval(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval of a binomial proportion.

    Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 22, 1927. Unlike the normal
    approximation it stays within [0, 1] and keeps its width where the proportion is 0 or 1.

    Args:
        successes: from 0 to n.
        n: number of trials, at least 1.
        confidence: coverage, in (0, 1).

    Returns:
        The lower and the upper end.

    Raises:
        ValueError: n is less than 1, or `successes` is not between 0 and n.
    """
    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"{successes} successes of {n} trials have no interval")
    z2 = NormalDist().inv_cdf((1 + confidence) / 2) ** 2
    p = successes / n
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (p * (1 - p) + z2 / (4 * n)) / n) / (1 + z2 / n)
    # Rounding must not push an end past the proportion itself, which it reaches at 0 and at 1.
    return max(0.0, min(centre - half, p)), min(1.0, max(centre + half, p))


def fraction(metric: str, parameter: str, successes: int, n: int) -> dict[str, Any]:
    """Return the row of a fraction with its 95 % Wilson interval; of nothing (n = 0) the value is NaN."""
    successes, n = int(successes), int(n)
    value, low, high = (successes / n, *wilson_interval(successes, n)) if n else (math.nan,) * 3
    return {"metric": metric, "parameter": parameter, "value": value, "n": n, "ci_low": low, "ci_high": high}


def quantity(metric: str, parameter: str, value: float, n: int) -> dict[str, Any]:
    """Return the row of a number that is no count out of n, so that it has no binomial interval."""
    return {
        "metric": metric,
        "parameter": parameter,
        "value": float(value),
        "n": int(n),
        "ci_low": math.nan,
        "ci_high": math.nan,
    }


def prepend_parameter(rows: Iterable[Mapping[str, Any]], **pairs: object) -> list[dict[str, Any]]:
    """Return rows whose `parameter` begins with further pairs.

    Args:
        rows: what `fraction` and `quantity` return.
        pairs: keys and values, as `format_parameter` takes them.
    """
    first = format_parameter(**pairs)
    return [{**row, "parameter": ";".join(filter(None, [first, row["parameter"]]))} for row in rows]


def check_rows(rows: Sequence[Mapping[str, Any]], run: str, metrics: Mapping[str, Any]) -> None:
    """Check that what a suite or a fit returned is what its entry in a registry says, before it is written.

    Args:
        rows: what it returned, which should be what `fraction` and `quantity` return.
        run: the reference to the function that made them, for the sentence.
        metrics: the `filterfreq.evaluation.registry.Metric` of each name.

    Raises:
        InputError: it returned no rows, one measurement twice, a metric that the entry lacks, or a row without a key
            that the entry has.
    """
    if not isinstance(rows, list | tuple) or not rows:
        raise InputError(f"{run} returned {'no rows' if rows == [] else repr(rows)}: make it return a list of rows")
    seen = set()
    for row in rows:
        metric, parameter = row["metric"], row["parameter"]
        if metric not in metrics:
            raise InputError(f"{run} returned an {unknown_name('metric', metric, metrics)}; its entry has these alone")
        keys = [pair.partition("=")[0] for pair in parameter.split(";")]
        missing = [key for key in metrics[metric].keys if key not in keys]
        if missing:
            raise InputError(
                f"{run} returned {metric} with the parameter {parameter!r}, which lacks {' and '.join(missing)}: "
                "give what its entry names"
            )
        if (metric, parameter) in seen:
            raise InputError(f"{run} returned {metric} with the parameter {parameter!r} twice: return it once")
        seen.add((metric, parameter))


def write_results(path: str | Path, run: Mapping[str, Any], suite: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write one evaluation of one run as CSV, whole or not at all.

    Args:
        path: the CSV file.
        run: dataset, model, variant, seed.
        suite: the name of the evaluation.
        rows: what `fraction` and `quantity` return.
    """
    keys = {column: run[column] for column in RUN_COLUMNS}
    table = pd.DataFrame([{**keys, "suite": suite, **row} for row in rows], columns=list(COLUMNS))
    write_table(path, table)


def write_table(path: str | Path, table: pd.DataFrame) -> None:
    """Write results as CSV, whole or not at all, and their SHA-256 beside it, as `sha256sum --check` reads it."""
    with replacing_with_checksum(path) as temporary:
        table.to_csv(temporary, index=False)
