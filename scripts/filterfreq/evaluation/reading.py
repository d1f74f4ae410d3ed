"""Results read again: each file checked, and `parameter` spread into columns. Imports no torch.

Apart from `filterfreq.evaluation.results`, so that one more check makes tables and figures again but no evaluation.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from filterfreq.evaluation.columns import COLUMNS, RUN_COLUMNS
from filterfreq.evaluation.registry import SUITES, Measurement, parameter_types, signed_parameters, value_ranges
from filterfreq.runtime.csv_files import read_csv
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import reading, verify_checksum
from filterfreq.runtime.text import is_one_line
from filterfreq.training.epsilon import parse_epsilon

_NUMBERS = ("seed", "value", "n", "ci_low", "ci_high")
_LARGEST_FLOAT = 2**53  # up to which floats are exact


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
    return spread_parameters(pd.concat(tables, ignore_index=True), known)


def spread_parameters(table: pd.DataFrame, known: Mapping[str, Measurement] = SUITES) -> pd.DataFrame:
    """Return results with a column for each key of their `parameter`, as `read_results` does.

    Args:
        table: rows with at least the column `parameter`, numbered from 0.
        known: what makes such results, by the name that the column `suite` has.

    Raises:
        ValueError, InputError: a parameter is none.
    """
    # Few parameters occur many times each, so each is taken apart once.
    distinct = table["parameter"].unique()
    types, signed = tuple(parameter_types(known).items()), signed_parameters(known)
    pairs = pd.DataFrame([_parse_parameter(parameter, types, signed) for parameter in distinct], index=distinct)
    for name in pairs.columns.intersection([key for key, kind in types if kind is int]):
        pairs[name] = pairs[name].astype("Int64")
    return pd.concat([table, pairs.loc[table["parameter"]].reset_index(drop=True)], axis="columns")


@cache
def _parse_parameter(
    parameter: str, types: tuple[tuple[str, type], ...], signed: frozenset[str]
) -> dict[str, str | int | float]:
    """Take `key=value;key=value` apart; `types` are of keys whose values are numbers, at least 0 but of `signed`.

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
        if kind is int and not re.fullmatch("-?[0-9]{1,9}", pairs[name]):
            raise ValueError(parameter)
        pairs[name] = kind(pairs[name])
        if not math.isfinite(pairs[name]) or (pairs[name] < 0 and name not in signed):
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
    ranges, types, signed = value_ranges(known), tuple(parameter_types(known).items()), signed_parameters(known)
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
            pairs = _parse_parameter(row["parameter"], types, signed)
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
