"""Tidy results: one CSV per evaluation, one row per measured number. Imports no torch.

A fraction lies in [0, 1] and has a 95 % Wilson interval; `n` is the number of images (for filters: of filters) that the
value stands on. `parameter` holds `key=value` pairs joined by `;`, the same keys in all rows of a suite and metric:
those that `filterfreq.evaluation.registry` has, and perhaps more.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from filterfreq.evaluation.registry import SUITES, Measurement, parameter_types, value_ranges
from filterfreq.runtime.csv_files import read_csv
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import reading, replacing_with_checksum, verify_checksum
from filterfreq.runtime.text import is_one_line
from filterfreq.training.epsilon import parse_epsilon

RUN_COLUMNS: tuple[str, ...] = ("dataset", "model", "variant", "seed")
COLUMNS: tuple[str, ...] = (*RUN_COLUMNS, "suite", "metric", "parameter", "value", "n", "ci_low", "ci_high")
_NUMBERS = ("seed", "value", "n", "ci_low", "ci_high")
_LARGEST_FLOAT = 2**53  # up to which floats are exact


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


def read_results(
    paths: Iterable[str | Path],
    runs: Iterable[Sequence[str | int]] | None = None,
    suite: str | None = None,
    known: Mapping[str, Measurement] = SUITES,
) -> pd.DataFrame:
    """Read and check result files, and spread `parameter` into columns.

    Args:
        paths: CSV files of `write_results` or `write_table`, at least one.
        runs: for each file the one run that all its rows must be of: dataset, model, variant, seed.
        suite: the one suite that all rows must be of.
        known: what makes such results, by the name that the column `suite` has.

    Returns:
        All rows, with `COLUMNS` and one column per key of `parameter` that occurs: Int64 or float where the types of
        `known` say so, else strings; `epsilon_value` is epsilon as a float.

    Raises:
        InputError: no path, or a file that is missing, empty, has other columns, holds impossible values, one
            measurement twice, or rows of another run or suite, or was changed since it was written.
    """
    paths = [Path(path) for path in paths]
    expected = [None] * len(paths) if runs is None else runs
    tables = [_read_one(path, run, suite, known) for path, run in zip(paths, expected, strict=True)]
    if not tables:
        raise InputError("no result files to read: run at least one evaluation")
    table = pd.concat(tables, ignore_index=True)
    # Few parameters occur many times each, so each is taken apart once.
    distinct = table["parameter"].unique()
    types = tuple(parameter_types(known).items())
    pairs = pd.DataFrame([_parse_parameter(parameter, types) for parameter in distinct], index=distinct)
    for name in pairs.columns.intersection([key for key, kind in types if kind is int]):
        pairs[name] = pairs[name].astype("Int64")
    return pd.concat([table, pairs.loc[table["parameter"]].reset_index(drop=True)], axis="columns")


@cache
def _parse_parameter(parameter: str, types: tuple[tuple[str, type], ...]) -> dict[str, str | int | float]:
    """Take `key=value;key=value` apart; `types` are those of the keys whose values are numbers.

    Raises:
        ValueError: it is something else, a key stands twice or is the name of a column, or a number is none.
        InputError: its epsilon is no number.
    """
    named = [pair.split("=") for pair in parameter.split(";")]
    pairs: dict[str, str | int | float] = dict(named)
    if len(pairs) < len(named) or not all(map(str.isidentifier, pairs)) or pairs.keys() & {*COLUMNS, "epsilon_value"}:
        raise ValueError(parameter)
    for name, kind in types:
        if name not in pairs:
            continue
        if kind is int and not re.fullmatch("[0-9]{1,9}", pairs[name]):
            raise ValueError(parameter)
        pairs[name] = kind(pairs[name])
        if not 0 <= pairs[name] < math.inf:
            raise ValueError(parameter)
    if "epsilon" in pairs:
        pairs["epsilon_value"] = parse_epsilon(pairs["epsilon"])
    return pairs


def _read_one(
    path: Path, run: Sequence[str | int] | None, suite: str | None, known: Mapping[str, Measurement]
) -> pd.DataFrame:
    remedy = "delete it and run its evaluation again"
    numbers = {column: [""] for column in _NUMBERS}
    table = read_csv(path, remedy, [column for column in COLUMNS if column not in _NUMBERS], na_values=numbers)
    if list(table) != list(COLUMNS):
        raise InputError(f"{path} has other columns than {', '.join(COLUMNS)}: {remedy}")
    with reading(path, remedy):
        problem = _problem(table, run, suite, known)
    if problem:
        raise InputError(f"{path} {problem}: {remedy}")
    verify_checksum(path)
    table = table.astype({"seed": "int64", "n": "int64", "value": float, "ci_low": float, "ci_high": float})
    # A table would show -0.0 as it is.
    return table.assign(value=table["value"] + 0.0)


def _problem(
    table: pd.DataFrame, run: Sequence[str | int] | None, suite: str | None, known: Mapping[str, Measurement]
) -> str | None:
    """Say what is wrong with the values of a file and in which line, if anything is."""
    numbers = table[list(_NUMBERS)].apply(_parse_numbers)
    value, n, low, high = (numbers[column] for column in ("value", "n", "ci_low", "ci_high"))
    ranges, types = value_ranges(known), tuple(parameter_types(known).items())
    texts = table[[column for column in COLUMNS if column not in _NUMBERS]]
    checks = {
        "text where a number belongs": (numbers.isna() & table[list(_NUMBERS)].notna()).any(axis="columns"),
        f"an n that is not a whole number from 0 to {_LARGEST_FLOAT}": ~_is_whole(n, _LARGEST_FLOAT),
        "a seed that is not a whole number from 0 to 2^63 - 1": ~_is_whole(numbers["seed"], 2**63 - 1),
        "a value that is not finite": ~(np.isfinite(value) | (value.isna() & (n == 0))),
        "a value of nothing": value.notna() & (n == 0),
        **{
            _range_fault(*limits): _leaves_range(table["metric"], value, limits, ranges)
            for limits in set(ranges.values())
        },
        "a value outside its confidence interval": (low.isna() != high.isna())
        | (low.notna() & ~((low <= value) & (value <= high))),
        "a confidence interval that leaves [0, 1]": (low < 0) | (high > 1),
        "text of more than a line": ~texts.map(is_one_line).all(axis="columns"),
        "one measurement twice": table.duplicated([*RUN_COLUMNS, "suite", "metric", "parameter"]),
    }
    for problem, rows in checks.items():
        if rows.any():
            return f"holds {problem} in line {_line(rows)}"
    for row in table.drop_duplicates(["suite", "metric", "parameter"]).to_dict("records"):
        try:
            pairs = _parse_parameter(row["parameter"], types)
        except (ValueError, InputError):
            said = "is not key=value pairs joined by ';'"
        else:
            measurement = known.get(row["suite"])
            metric = measurement and measurement.metrics.get(row["metric"])
            missing = [key for key in metric.keys if key not in pairs] if metric else []
            said = f"lacks {' and '.join(missing)}" if missing else ""
        if said:
            line = _line(table["parameter"] == row["parameter"])
            return f"holds the parameter {row['parameter']!r}, which {said}, in line {line}"
    if suite is not None and (others := table["suite"] != suite).any():
        found = table.loc[others.idxmax(), "suite"]
        return f"holds results of the suite {found}, where {suite} is expected, in line {_line(others)}"
    if run is not None:
        others = (table[list(RUN_COLUMNS)].astype(str) != [str(key) for key in run]).any(axis="columns")
        if others.any():
            found = "/".join(str(key) for key in table.loc[others.idxmax(), list(RUN_COLUMNS)])
            return f"holds results of {found}, another run, in line {_line(others)}"
    return None


def _range_fault(lowest: float, highest: float) -> str:
    return f"a {'fraction' if (lowest, highest) == (0, 1) else 'value'} outside [{lowest:g}, {highest:g}]"


def _leaves_range(
    metrics: pd.Series, values: pd.Series, limits: tuple[float, float], ranges: Mapping[str, tuple[float, float]]
) -> pd.Series:
    """Which values are of a metric with these limits and do not keep them."""
    limited = [metric for metric, its_limits in ranges.items() if its_limits == limits]
    return metrics.isin(limited) & ~(values.between(*limits) | values.isna())


def _parse_numbers(column: pd.Series) -> pd.Series:
    # Where every row says True, pandas takes that for a number.
    return pd.to_numeric(column.astype(str) if column.dtype == bool else column, errors="coerce")


def _is_whole(numbers: pd.Series, largest: int) -> pd.Series:
    largest = min(largest, _LARGEST_FLOAT) if numbers.dtype.kind == "f" else largest
    return (numbers >= 0) & (numbers <= largest) & (numbers % 1 == 0)


def _line(rows: pd.Series) -> int:
    """The line of the first of some rows in their file, below the header."""
    return int(rows.to_numpy().argmax()) + 2
