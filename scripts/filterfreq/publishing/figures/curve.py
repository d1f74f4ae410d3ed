"""Which frequencies of a curve a network learns first (Xu et al., arXiv 1901.06523, Figure 1).

Left the spectrum of the target, in cycles over the grid, with the frequencies that are followed as squares; right the
relative error of each of them against the iteration: the difference of the transforms of network and target, complex
unless said otherwise, as a share of the target's. Errors are shown from 0.1 to 1, and what is beyond as these; means
over seeds, each with a network of its own.
"""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from filterfreq.evaluation.reading import read_results
from filterfreq.fits.registry import FITS
from filterfreq.publishing.phrases import is_one_seed, seeds_phrase
from filterfreq.publishing.registry import Product
from filterfreq.publishing.response_panels import ERROR_TICKS, draw_errors, draw_spectrum
from filterfreq.publishing.style import TEXT_WIDTH, new_figure, use_style, wrap_text
from filterfreq.runtime.errors import InputError

PRODUCT = Product(title="Curves of sines", needs=["curve"], takes=["labels"], reads="fits", over="fit", note="")

_ROW_HEIGHT = 1.5  # inches
_TITLE_WIDTH, _TITLE_LINES = 34, 3


def read(files: Iterable[str | Path]) -> pd.DataFrame:
    """Read the aggregated results of one fit.

    Raises:
        InputError: see `filterfreq.evaluation.reading.read_results`.
    """
    return read_results(files, suite="curve", known=FITS)


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw a row of two panels for each network and variant.

    Args:
        results: what `read` returns.
        labels: of the variants, in order.

    Raises:
        InputError: there are no errors of these variants.
    """
    shown = results[results["variant"].isin(list(labels))]
    errors = shown[shown["metric"] == "relative_error"]
    if errors.empty:
        raise InputError(f"there are no relative errors of the variants {', '.join(labels)}: run the fit")
    spectra = shown[shown["metric"] == "target_magnitude"]
    networks = list(errors["model"].unique())
    panels = errors.groupby(["model", "variant"])
    order = [(network, variant) for network in networks for variant in labels if (network, variant) in panels.groups]
    figure = new_figure(TEXT_WIDTH, 0.3 + _ROW_HEIGHT * len(order))
    grid = figure.subplots(len(order), 2, squeeze=False, width_ratios=[2, 3])
    for (network, variant), (left, right) in zip(order, grid, strict=True):
        cells = panels.get_group((network, variant))
        means = cells.pivot_table(index="frequency", columns="iteration", values="value", aggfunc="mean")
        of_one = spectra[(spectra["model"] == network) & (spectra["variant"] == variant)]
        draw_spectrum(left, of_one.groupby("frequency")["value"].first(), list(means.index))
        image = draw_errors(right, means, "iteration")
        title = labels[variant] if len(networks) == 1 else f"{labels[variant]}, {network}"
        left.set_title(wrap_text(title, _TITLE_WIDTH, _TITLE_LINES), loc="left")
        if left is not grid[-1, 0]:
            left.set_xlabel("")
            right.set_xlabel("")
    seeds = panels["seed"].nunique()
    label = "relative error" + ("" if is_one_seed(seeds) else f", mean of {seeds_phrase(seeds)}")
    figure.colorbar(image, ax=grid, label=label, aspect=15 * len(order), extend="both", ticks=ERROR_TICKS)
    return figure
