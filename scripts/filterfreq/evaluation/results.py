"""Tidy results: one CSV per evaluation, one row per measured number. Imports no torch.

A fraction lies in [0, 1] and has a 95 % Wilson interval; `n` is the number of images (for filters: of filters) that the
value stands on. `parameter` holds `key=value` pairs joined by `;`, the same keys in all rows of a suite and metric:

| suite | metric | keys of parameter |
|---|---|---|
| clean | accuracy, expected_calibration_error | split |
| adversarial, autoattack | accuracy | attack, norm, epsilon |
| transfer | accuracy | attack, norm, epsilon, source |
| corruption | accuracy, expected_calibration_error | corruption, severity, origin |
| frequency_filtered | accuracy | pass, radius |
| out_of_distribution | accuracy, expected_calibration_error | set |
| cue_conflict | shape_bias | category |
| cue_conflict | accuracy | cue |
| cue_conflict | error_consistency (of ImageNet's models, in [-1, 1]) | observer |
| filters | energy_share | layer, index, depth, horizontal, vertical |
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from filterfreq.epsilon import parse_epsilon
from filterfreq.errors import InputError
from filterfreq.files import replacing, sha256

RUN_COLUMNS: tuple[str, ...] = ("dataset", "model", "variant", "seed")
COLUMNS: tuple[str, ...] = (*RUN_COLUMNS, "suite", "metric", "parameter", "value", "n", "ci_low", "ci_high")
FRACTIONS: tuple[str, ...] = ("accuracy", "shape_bias", "energy_share", "expected_calibration_error")
"""The metrics whose values lie in [0, 1]."""

_NUMBERS = ("seed", "value", "n", "ci_low", "ci_high")
_INTEGER_PARAMETERS = ("severity", "index", "horizontal", "vertical")
_FLOAT_PARAMETERS = ("depth", "radius")


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
    path = Path(path)
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False)
        # Before the table itself: the checksum of a table that never appeared does no harm.
        with replacing(checksum_file(path)) as checksum:
            checksum.write_text(f"{sha256(temporary)}  {path.name}\n", encoding="utf-8")


def checksum_file(path: Path) -> Path:
    """Return where the SHA-256 of a file of results lies."""
    return path.with_name(f"{path.name}.sha256")


def read_results(paths: Iterable[str | Path], runs: Iterable[Sequence[str | int]] | None = None) -> pd.DataFrame:
    """Read and check result files, and spread `parameter` into columns.

    Args:
        paths: CSV files of `write_results` or `write_table`, at least one.
        runs: for each file the one run that all its rows must be of: dataset, model, variant, seed.

    Returns:
        All rows, with `COLUMNS` and one column per key of `parameter` that occurs: strings, but severity, index,
        horizontal and vertical as Int64, depth and radius as float; `epsilon_value` is epsilon as a float.

    Raises:
        InputError: no path, or a file that is missing, empty, lacks columns, holds values out of range or rows of
            another run, or was changed since it was written.
    """
    paths = [Path(path) for path in paths]
    expected = [None] * len(paths) if runs is None else runs
    tables = [_read_one(path, run) for path, run in zip(paths, expected, strict=True)]
    if not tables:
        raise InputError("no result files to read: run at least one evaluation")
    table = pd.concat(tables, ignore_index=True)
    # Few parameters occur many times each, so each is taken apart once.
    distinct = table["parameter"].unique()
    pairs = pd.DataFrame([_parse_parameter(parameter) for parameter in distinct], index=distinct)
    for name in pairs.columns.intersection(_INTEGER_PARAMETERS):
        pairs[name] = pairs[name].astype("Int64")
    return pd.concat([table, pairs.loc[table["parameter"]].reset_index(drop=True)], axis="columns")


@cache
def _parse_parameter(parameter: str) -> dict[str, str | int | float]:
    """Take `key=value;key=value` apart.

    Raises:
        ValueError: it is something else, or a number is none.
        InputError: its epsilon is no number.
    """
    pairs: dict[str, str | int | float] = dict(pair.split("=") for pair in parameter.split(";"))
    for name in pairs.keys() & set(_INTEGER_PARAMETERS):
        pairs[name] = int(pairs[name])
    for name in pairs.keys() & set(_FLOAT_PARAMETERS):
        pairs[name] = float(pairs[name])
    if "epsilon" in pairs:
        pairs["epsilon_value"] = parse_epsilon(pairs["epsilon"])
    return pairs


def _read_one(path: Path, run: Sequence[str | int] | None) -> pd.DataFrame:
    text = {column: str for column in COLUMNS if column not in _NUMBERS}
    try:
        # Names are kept as they are written: a variant may be called "null".
        table = pd.read_csv(
            path,
            dtype=text,
            keep_default_na=False,
            na_values={column: [""] for column in _NUMBERS},
        )
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing: run the evaluation that makes it") from error
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is empty or no CSV file: delete it and run its evaluation again") from error
    missing = [column for column in COLUMNS if column not in table]
    if missing:
        raise InputError(f"{path} lacks the columns {', '.join(missing)}: delete it and run its evaluation again")
    if table.empty:
        raise InputError(f"{path} is empty, it has no rows: delete it and run its evaluation again")
    problem = _problem(table, run)
    if problem:
        raise InputError(f"{path} {problem}: delete it and run its evaluation again")
    checksum = checksum_file(path)
    if checksum.is_file() and checksum.read_text(encoding="utf-8").split()[:1] != [sha256(path)]:
        raise InputError(
            f"{path} was changed since it was written, its SHA-256 is not the one in {checksum}: delete it and run "
            f"again (or delete {checksum.name}, to have the change published)"
        )
    return table[list(COLUMNS)].astype(
        {"seed": "int64", "n": "int64", "value": float, "ci_low": float, "ci_high": float}
    )


def _problem(table: pd.DataFrame, run: Sequence[str | int] | None) -> str | None:
    """Say what is wrong with the values of a file and in which line, if anything is."""
    numbers = table[list(_NUMBERS)].apply(pd.to_numeric, errors="coerce")
    whole = numbers[["seed", "n"]]
    value, low, high = numbers["value"], numbers["ci_low"], numbers["ci_high"]
    checks = {
        "text where a number belongs": (numbers.isna() & table[list(_NUMBERS)].notna()).any(axis="columns"),
        "a seed or an n that is not a whole number from 0 up": (whole.isna() | (whole < 0) | (whole % 1 != 0)).any(
            axis="columns"
        ),
        "a value that is not finite": ~(np.isfinite(value) | (value.isna() & (numbers["n"] == 0))),
        "a fraction outside [0, 1]": table["metric"].isin(FRACTIONS) & ~(value.between(0, 1) | value.isna()),
        "a value outside its confidence interval": (low.isna() != high.isna())
        | (low.notna() & ~((low <= value) & (value <= high))),
    }
    for problem, rows in checks.items():
        if rows.any():
            return f"holds {problem} in line {_line(rows)}"
    for parameter in table["parameter"].unique():
        try:
            _parse_parameter(parameter)
        except (ValueError, InputError):
            line = _line(table["parameter"] == parameter)
            return f"holds the parameter {parameter!r}, which is not key=value pairs joined by ';', in line {line}"
    if run is not None:
        others = (table[list(RUN_COLUMNS)].astype(str) != [str(key) for key in run]).any(axis="columns")
        if others.any():
            found = "/".join(str(key) for key in table.loc[others.idxmax(), list(RUN_COLUMNS)])
            return f"holds results of {found}, another run, in line {_line(others)}"
    return None


def _line(rows: pd.Series) -> int:
    """The line of the first of some rows in their file, below the header."""
    return int(rows.to_numpy().argmax()) + 2
