"""What figures of GANs share: their results by method and learning rate, see `filterfreq.study.gans.gan_methods`."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from filterfreq.evaluation.reading import read_results
from filterfreq.gans.registry import GANS
from filterfreq.runtime.errors import InputError


def read_gan(files: Iterable[str | Path]) -> pd.DataFrame:
    """Read the aggregated results of one GAN.

    Raises:
        InputError: see `filterfreq.evaluation.reading.read_results`.
    """
    return read_results(files, suite="sngan", known=GANS)


def rows_by_method(results: pd.DataFrame, methods: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Return the rows of some variants with what is compared: `variant` is the method, beside `learning_rate`.

    Args:
        results: what `read_gan` returns.
        methods: of each variant `method` and `learning_rate`, in order.

    Raises:
        InputError: there is no row of these variants.
    """
    frame = results[results["variant"].isin(list(methods))]
    if frame.empty:
        raise InputError(f"there are no results of the variants {', '.join(methods)}: train the GAN")
    rates = frame["variant"].map({variant: entry["learning_rate"] for variant, entry in methods.items()})
    named = frame["variant"].map({variant: entry["method"] for variant, entry in methods.items()})
    return frame.assign(variant=named, learning_rate=rates.astype(float))


def method_labels(methods: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the methods in order, each as its own label."""
    return {entry["method"]: entry["method"] for entry in methods.values()}
