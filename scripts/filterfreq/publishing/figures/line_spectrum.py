"""Power of the true class's logit and probability along random lines through test images of *{dataset}*, by frequency.

Power is the mean over lines and images at one frequency, of samples in Hann's window with their mean taken away; all
frequencies together have the variance along a line. Lines are the same for all models that divide images by the same
std, and a model that draws has the same draws all along. The logits of a model that averages probabilities are their
logarithms: by the probability it can be compared with others. Curves are means over seeds, bands reach from the lowest
to the highest seed.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from filterfreq.publishing.numbers import power_of_ten_text
from filterfreq.publishing.panels import seeds_and_images_note
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.style import TEXT_WIDTH, add_legend, draw_lines, new_figure, use_style, variant_styles

PRODUCT = Product(title="Spectra along lines", needs=["line_spectrum"], takes=["labels", "style_numbers"])

_OUTPUTS = ("logit", "probability")
_UNITS = {"normalised": "cycles per unit of normalised images", "pixels": "cycles per unit of images in [0, 1]"}
_NUMBER = FuncFormatter(lambda value, _: f"{value:g}")
_POWER_OF_TEN = FuncFormatter(lambda value, _: power_of_ten_text(value))


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str], style_numbers: Mapping[str, int] | None = None) -> Figure:
    """Draw power against frequency, both on logarithmic scales, one row for each model and one column for each output.

    Power of 0, which a function has that is the same all along, is left out.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none along lines.
    """
    frame = select(results, labels, ["line_spectrum"])
    frame = frame[frame["metric"] == "line_power"]
    frame = frame.assign(value=frame["value"].replace(0, np.nan))
    styles = variant_styles(present_variants(frame, labels), style_numbers)
    models = list(frame["model"].cat.categories)
    figure = new_figure(TEXT_WIDTH, 0.4 + 2.1 * len(models))
    grid = figure.subplots(len(models), len(_OUTPUTS), sharex=True, sharey="col", squeeze=False)
    for model, row in zip(models, grid, strict=True):
        for output, axes in zip(_OUTPUTS, row, strict=True):
            shown = frame[(frame["model"] == model) & (frame["output"] == output)]
            draw_lines(axes, shown, "frequency", "value", styles, markers=False)
    # After all lines: on a logarithmic axis, which the models share, seaborn's means would be geometric.
    for model, row in zip(models, grid, strict=True):
        for output, axes in zip(_OUTPUTS, row, strict=True):
            axes.set(xscale="log", yscale="log", ylabel="")
            # Frequencies have one or two powers of ten, power has many.
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=12))
            axes.yaxis.set_major_locator(LogLocator(numticks=6))
            for axis, form in ((axes.xaxis, _NUMBER), (axes.yaxis, _POWER_OF_TEN)):
                axis.set_major_formatter(form)
                axis.set_minor_locator(NullLocator())
            axes.set_title(f"{output} of the true class" if model == models[0] else "")
            axes.set_xlabel(_UNITS[frame["unit"].iloc[0]] if model == models[-1] else "")
        row[0].set_ylabel(f"{model}\npower" if len(models) > 1 else "power")
    add_legend(figure, styles, markers=False, note=seeds_and_images_note(frame))
    return figure
