"""Exact spectral norms of the layers of models on *{dataset}*, by their order, before and after normalisation.

Convolutions are circular, on the size of image that each has and k - 1 pixels more at stride 1: an upper bound of the
layer with zeros around the image and its stride. The last layer is the linear one. A network whose layers are not
normalised is the same on both sides. Lines are means over seeds, bands reach from the lowest to the highest seed.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from filterfreq.publishing.filter_frames import batch_norm_phrase
from filterfreq.publishing.panels import seeds_note
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants
from filterfreq.publishing.spectral_norm_frames import STAGES, boundary_of, spectral_norm_frame
from filterfreq.publishing.style import TEXT_WIDTH, add_legend, draw_lines, new_figure, use_style, variant_styles

PRODUCT = Product(title="Spectral norms by layer", needs=["spectral_norm"], takes=["labels", "style_numbers"])

_NUMBER = FuncFormatter(lambda value, _: f"{value:g}")


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str], style_numbers: Mapping[str, int] | None = None) -> Figure:
    """Draw the norm against the layer's number, on a logarithmic scale, one row for each model.

    A norm of 0 is left out.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of the suite.
    """
    frame = spectral_norm_frame(results, labels)
    norms = frame[frame["metric"] == "spectral_norm"]
    norms = norms.assign(value=norms["value"].replace(0, np.nan), number=norms["index"] + 1)
    styles = variant_styles(present_variants(frame, labels), style_numbers)
    models = list(frame["model"].cat.categories)
    figure = new_figure(TEXT_WIDTH, 0.4 + 2.1 * len(models))
    grid = figure.subplots(len(models), len(STAGES), sharex="row", sharey="row", squeeze=False)
    for model, row in zip(models, grid, strict=True):
        for (weight, title), axes in zip(STAGES.items(), row, strict=True):
            shown = norms[(norms["model"] == model) & (norms["weight"] == weight)]
            draw_lines(axes, shown, "number", "value", styles, markers=True)
            axes.set(ylabel="", xlabel="layer" if model == models[-1] else "")
            axes.set_title(title if model == models[0] else "")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        row[0].set_ylabel(f"{model}\nspectral norm" if len(models) > 1 else "spectral norm")
    # After all lines: on a logarithmic axis, which the panels share, seaborn's means would be geometric.
    for axes in grid.flat:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=12))
        axes.yaxis.set_major_formatter(_NUMBER)
        axes.yaxis.set_minor_locator(NullLocator())
    note = f"{seeds_note(frame)}; {boundary_of(frame)} boundary; {batch_norm_phrase(frame)}"
    add_legend(figure, styles, markers=True, note=note)
    return figure
