"""How steadily the generator and the discriminator of GAN {gan} train, a line for each method.

Hinge loss of the discriminator, and the generator's loss, which is less the mean score of its images; L2 norms of both
gradients; the largest singular value among the layers of the discriminator, each as its reshaped matrix, which of a
convolution is not the norm of the operator; and, where it was measured, the largest exact norm of the operators. Lines
are means over seeds, bands reach from the lowest to the highest seed. A line ends where a training had no finite
numbers any more.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from filterfreq.publishing.gan_panels import method_labels, read_gan, rows_by_method
from filterfreq.publishing.panels import seeds_note
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import TEXT_WIDTH, add_legend, draw_lines, new_figure, use_style, variant_styles

PRODUCT = Product(title="Training of GANs", needs=["sngan"], takes=["gan_methods"], reads="gans", over="gan", note="")

_TITLES = {
    "discriminator_loss": "discriminator's\nloss",
    "generator_loss": "generator's\nloss",
    "discriminator_gradient_norm": "discriminator's\ngradient norm",
    "generator_gradient_norm": "generator's\ngradient norm",
    "reshaped_spectral_norm": "largest norm of a\nreshaped matrix",
    "spectral_norm": "largest exact\nspectral norm",
}
_LARGEST_LOSS = 50.0  # on a linear axis
_MOST_TICKS = 6  # of a loss that diverged over many powers of ten
# Axes that are logarithmic for large numbers of either sign are linear up to these.
_LINEAR_LOSS, _LINEAR_NORM = 10.0, 0.1
# Formulas, as matplotlib writes powers of ten, are not drawn in this project's figures.
_PLAIN = FuncFormatter(lambda value, _: f"{value:g}")
_RUN = ["model", "variant", "learning_rate", "seed", "iteration"]

read = read_gan


@use_style
def draw(results: pd.DataFrame, gan_methods: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Draw losses, gradient norms and spectral norms against the iteration, a row for each network and learning rate.

    Args:
        results: what `read` returns.
        gan_methods: see `filterfreq.publishing.gan_panels.rows_by_method`.

    Raises:
        InputError: there is no row of these variants.
    """
    frame = rows_by_method(results, gan_methods)
    titles = {metric: title for metric, title in _TITLES.items() if (frame["metric"] == metric).any()}
    frame = frame[frame["metric"].isin(list(titles))]
    styles = variant_styles(method_labels(gan_methods))
    rows = list(frame[["model", "learning_rate"]].drop_duplicates().sort_values(["model", "learning_rate"]).to_numpy())
    several = len(set(frame["model"])) > 1
    figure = new_figure(TEXT_WIDTH, 0.3 + 1.5 * len(rows))
    grid = figure.subplots(len(rows), len(titles), sharex=True, squeeze=False)
    for number, ((model, rate), cells) in enumerate(zip(rows, grid, strict=True)):
        shown = frame[(frame["model"] == model) & (frame["learning_rate"] == rate)]
        for (metric, title), axes in zip(titles.items(), cells, strict=True):
            values = shown[shown["metric"] == metric]
            values = values.groupby(_RUN, observed=True, as_index=False)["value"].max()
            axes.set_title(title if number == 0 else "")
            if values.empty:
                # No training at this learning rate came as far as to be measured so.
                axes.set_axis_off()
                continue
            draw_lines(axes, values, "iteration", "value", styles, markers=False)
            if metric.endswith("_gradient_norm"):
                # It is exactly 0 where the discriminator tells all images of a batch apart with a margin.
                axes.set_yscale("symlog", linthresh=_LINEAR_NORM)
                axes.set_ylim(bottom=0)
            elif metric.endswith("spectral_norm"):
                axes.set_yscale("log")
                axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            elif values["value"].abs().max() > _LARGEST_LOSS:
                axes.set_yscale("symlog", linthresh=_LINEAR_LOSS)
            if axes.get_yscale() == "symlog":
                axes.yaxis.get_major_locator().set_params(numticks=_MOST_TICKS)
            axes.yaxis.set_minor_locator(NullLocator())
            axes.yaxis.set_major_formatter(_PLAIN)
            axes.set(xlabel="iteration" if number == len(rows) - 1 else "", ylabel="")
            axes.xaxis.set_major_locator(MaxNLocator(2, integer=True))
        cells[0].set_ylabel(f"{model}\nlearning rate {rate:g}" if several else f"learning rate {rate:g}")
    add_legend(figure, styles, markers=False, note=seeds_note(frame))
    return figure
