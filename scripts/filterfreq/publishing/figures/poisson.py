"""Poisson's equation by a network first and Jacobi's method after (Xu et al., arXiv 1901.06523, Figure 4).

Above: the spectrum of the solution, in cycles over the grid, with the frequencies that are followed as squares, and the
relative error of each of them in the network and in Jacobi's method, shown from 0.1 to 1. Below: the largest error over
all points against time, of the network alone and of Jacobi's method from several iterations of it on. The unit of time
is one iteration of the network; a panel for each number of sweeps that take as long. Means over seeds.
"""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from filterfreq.evaluation.reading import read_results
from filterfreq.fits.registry import FITS
from filterfreq.publishing.phrases import seeds_phrase
from filterfreq.publishing.registry import Product
from filterfreq.publishing.response_panels import ERROR_TICKS, PLAIN, draw_errors, draw_spectrum
from filterfreq.publishing.style import (
    TEXT_WIDTH,
    VariantStyle,
    add_legend,
    new_figure,
    use_style,
    variant_styles,
    wrap_text,
)
from filterfreq.runtime.errors import InputError

PRODUCT = Product(title="Poisson's equation", needs=["poisson"], takes=["labels"], reads="fits", over="fit", note="")

_ABOVE, _BELOW = 1.6, 1.9  # inches
_TITLE_WIDTH, _TITLE_LINES = 100, 2


def read(files: Iterable[str | Path]) -> pd.DataFrame:
    """Read the aggregated results of one fit.

    Raises:
        InputError: see `filterfreq.evaluation.reading.read_results`.
    """
    return read_results(files, suite="poisson", known=FITS)


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw two rows of panels for each network and variant.

    Args:
        results: what `read` returns.
        labels: of the variants, in order.

    Raises:
        InputError: there are no errors of these variants.
    """
    shown = results[results["variant"].isin(list(labels))]
    if shown[shown["metric"] == "largest_error"].empty:
        raise InputError(f"there are no errors of the variants {', '.join(labels)}: run the fit")
    networks = list(shown["model"].unique())
    cells = shown.groupby(["model", "variant"])
    order = [(network, variant) for network in networks for variant in labels if (network, variant) in cells.groups]
    units = sorted(shown["sweeps_per_iteration"].dropna().unique())
    switches = sorted(shown["switch"].dropna().unique())
    styles = variant_styles(
        {"network": "network alone", **{str(switch): f"Jacobi from iteration {switch}" for switch in switches}}
    )
    figure = new_figure(TEXT_WIDTH, 0.2 + (_ABOVE + _BELOW) * len(order))
    parts = figure.subfigures(2 * len(order), 1, squeeze=False, height_ratios=[_ABOVE, _BELOW] * len(order))[:, 0]
    for pair, above, below in zip(order, parts[::2], parts[1::2], strict=True):
        of_one = cells.get_group(pair)
        first = above.subplots(1, 3, width_ratios=[2, 3, 3])
        _draw_above(first, of_one, switches[0])
        if len(order) > 1:
            above.suptitle(wrap_text(f"{labels[pair[1]]}, {pair[0]}", _TITLE_WIDTH, _TITLE_LINES))
        second = below.subplots(1, len(units), squeeze=False, sharey=True)[0]
        for axes, unit in zip(second, units, strict=True):
            _draw_errors_against_time(axes, of_one, unit, styles)
        second[0].set_ylabel("largest error")
    add_legend(figure, styles, markers=False, note=f"{seeds_phrase(cells['seed'].nunique())}")
    return figure


def _draw_above(panels: Iterable[Axes], results: pd.DataFrame, switch: int) -> None:
    """Draw the spectrum, and the errors of the network and of Jacobi's method from one iteration of it on."""
    left, middle, right = panels
    of_network = results[results["metric"] == "relative_error"]
    of_jacobi = results[
        (results["metric"] == "jacobi_relative_error") & (results["switch"] == switch) & (results["sweeps"] > 0)
    ]
    spectrum = results[results["metric"] == "target_magnitude"].groupby("frequency")["value"].first()
    draw_spectrum(left, spectrum, set(of_network["frequency"]))
    for axes, errors, steps, title in (
        (middle, of_network, "iteration", "network"),
        (right, of_jacobi, "sweeps", "Jacobi" if switch == 0 else f"Jacobi from iteration {switch}"),
    ):
        means = errors.pivot_table(index="frequency", columns=steps, values="value", aggfunc="mean")
        image = draw_errors(axes, means, steps)
        axes.set_title(title)
    right.figure.colorbar(image, ax=[middle, right], label="relative error", extend="both", ticks=ERROR_TICKS)


def _draw_errors_against_time(axes: Axes, results: pd.DataFrame, unit: int, styles: dict[str, VariantStyle]) -> None:
    """Draw the largest error of the network alone, and of each switch to Jacobi's method."""
    errors = results[results["metric"] == "largest_error"]
    for solver, style in styles.items():
        ours = errors["solver"].eq(solver) & (errors["sweeps_per_iteration"].eq(unit) | (solver == "network"))
        means = errors[ours].groupby("time")["value"].mean()
        axes.plot(means.index.to_numpy(float), means, color=style.colour, linestyle=(0, style.dashes))
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(PLAIN)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_title(f"{unit:,} sweeps an iteration")
    axes.set_xlabel("time (iterations of the network)")
    network = errors.loc[errors["solver"] == "network", "time"]
    axes.set_xlim(0, network.max())
