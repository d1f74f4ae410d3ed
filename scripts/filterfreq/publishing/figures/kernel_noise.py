"""What a network has learned of noisy labels, in the eigenvectors of a Gaussian kernel (Rahaman et al., Figures 5, 13).

Left the modulus of the coefficients at some iterations, averaged in bins of eigenvectors by falling eigenvalue, with
those of the labels without noise and with it. Right the losses against both: the one without noise, on the same images,
is the validation loss, marked where it is lowest. Dotted lines are the iterations shown on the left. Means over seeds;
bands reach from the lowest to the highest seed.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from filterfreq.evaluation.reading import read_results
from filterfreq.fits.registry import FITS
from filterfreq.publishing.loss_panels import draw_losses, mark_lowest
from filterfreq.publishing.panels import seeds_note
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import TEXT_WIDTH, VariantStyle, add_legend, new_figure, use_style, wrap_text
from filterfreq.runtime.errors import InputError

PRODUCT = Product(
    title="Noise of known spectrum on labels",
    needs=["kernel_noise"],
    takes=["labels"],
    reads="fits",
    over="fit",
    note="",
)

_LOSSES = {"pure": "validation_loss", "noisy": "train_loss"}
"""What each loss is against. Both are drawn alike, as one entry of the legend."""
_TARGETS = {
    "validation_loss": VariantStyle("labels without noise, and loss against them (validation)", "black", "o", (4, 1.5)),
    "train_loss": VariantStyle("labels with noise, and loss against them (training)", "#D1325B", "s", (1, 1)),
}
_COLOURS = "mako_r"  # from light to dark as the training goes on, in grey too
_LIGHTEST, _DARKEST = 0.2, 0.8
_ROW_HEIGHT = 1.9  # inches
_TITLE_WIDTH, _TITLE_LINES = 45, 2


def read(files: Iterable[str | Path]) -> pd.DataFrame:
    """Read the aggregated results of one fit.

    Raises:
        InputError: see `filterfreq.evaluation.reading.read_results`.
    """
    return read_results(files, suite="kernel_noise", known=FITS)


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw coefficients and losses, a row for each network and variant.

    Args:
        results: what `read` returns.
        labels: of the variants, in order.

    Raises:
        InputError: there are no coefficients of these variants.
    """
    frame = results[results["variant"].isin(list(labels))]
    learned = frame[frame["metric"] == "coefficient"]
    if learned.empty:
        raise InputError(f"there are no coefficients of the variants {', '.join(labels)}: run the fit")
    iterations = sorted(set(learned["iteration"]))
    shades = sns.color_palette(_COLOURS, as_cmap=True)(np.linspace(_LIGHTEST, _DARKEST, len(iterations)))
    colours = dict(zip(iterations, map(tuple, shades), strict=True))
    pairs = set(zip(frame["model"], frame["variant"], strict=True))
    networks = list(frame["model"].unique())
    shown = [(network, name) for network in networks for name in labels if (network, name) in pairs]
    figure = new_figure(TEXT_WIDTH, 0.3 + _ROW_HEIGHT * len(shown))
    grid = figure.subplots(len(shown), 2, squeeze=False, width_ratios=(1.4, 1))
    for (network, name), (left, right) in zip(shown, grid, strict=True):
        rows = frame[(frame["model"] == network) & (frame["variant"] == name)]
        title = labels[name] if len(networks) == 1 else f"{network}, {labels[name]}"
        left.set_title(wrap_text(title, _TITLE_WIDTH, _TITLE_LINES))
        _draw_spectra(left, rows, colours)
        # A line for each loss, where other figures have one for each variant.
        values = rows[rows["metric"].isin(list(_TARGETS))].assign(variant=lambda table: table["metric"])
        draw_losses(right, values, _TARGETS)
        mark_lowest(right, values, {"validation_loss": _TARGETS["validation_loss"]})
        for iteration in set(rows["iteration"].dropna()) & colours.keys():
            if iteration:
                right.axvline(iteration, color="0.6", linestyle=":", linewidth=0.7, zorder=0)
        right.set_ylabel("mean squared error")
    grid[-1, 0].set_xlabel("eigenvector, by falling eigenvalue")
    grid[-1, 1].set_xlabel("iteration")
    lines = [Line2D([], [], color=colour, label=f"iteration {number}") for number, colour in colours.items()]
    add_legend(figure, _TARGETS, markers=False, extra=lines, note=seeds_note(frame))
    return figure


def _draw_spectra(axes: Axes, frame: pd.DataFrame, colours: dict[int, tuple[float, ...]]) -> None:
    """Draw the coefficients of the network at each iteration, and of both targets."""
    means = frame.groupby(["metric", "iteration", "first"], dropna=True)["value"].mean()
    for iteration, colour in colours.items():
        if ("coefficient", iteration) in means.index.droplevel("first"):
            line = means.loc["coefficient", iteration]
            axes.plot(line.index.to_numpy(float), line.to_numpy(), color=colour)
    targets = frame[frame["metric"] == "target_coefficient"]
    for target, loss in _LOSSES.items():
        style = _TARGETS[loss]
        line = targets[targets["target"] == target].groupby("first")["value"].mean()
        axes.plot(line.index.to_numpy(float), line.to_numpy(), color=style.colour, linestyle=(0, style.dashes))
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_ylabel("mean |coefficient|")
