"""The share of seeds of GAN {gan} whose training diverged, at each learning rate.

A training has diverged where a loss, gradient or weight is not finite, or where the mean of the last fifth of the
recorded hinge losses of the discriminator is below 0.05 or above 4. The criterion is this project's.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from filterfreq.publishing.gan_panels import method_labels, read_gan, rows_by_method
from filterfreq.publishing.panels import grid_shape
from filterfreq.publishing.phrases import seeds_phrase
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import (
    COLUMN_WIDTH,
    PERCENT,
    TEXT_WIDTH,
    add_legend,
    new_figure,
    use_style,
    variant_styles,
)

PRODUCT = Product(title="Divergence of GANs", needs=["sngan"], takes=["gan_methods"], reads="gans", over="gan", note="")

_SPREAD = 0.3  # of the methods, in the distance between learning rates: many share the same value
_PANELS_IN_A_ROW = 2

read = read_gan


@use_style
def draw(results: pd.DataFrame, gan_methods: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Draw a line for each method over the learning rates, a panel for each network.

    Args:
        results: what `read` returns.
        gan_methods: see `filterfreq.publishing.gan_panels.rows_by_method`.

    Raises:
        InputError: there is no row of these variants.
    """
    frame = rows_by_method(results, gan_methods)
    frame = frame[frame["metric"] == "diverged"]
    styles = variant_styles(method_labels(gan_methods))
    rates, models = sorted(set(frame["learning_rate"])), list(dict.fromkeys(frame["model"]))
    rows, columns = grid_shape(len(models), _PANELS_IN_A_ROW)
    figure = new_figure(COLUMN_WIDTH if columns == 1 else TEXT_WIDTH, 0.3 + 1.8 * rows)
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    for model, axes in zip(models, grid, strict=False):
        shown = frame[frame["model"] == model].groupby(["variant", "learning_rate"])["value"].mean()
        for number, (method, style) in enumerate(styles.items()):
            aside = _SPREAD * ((number + 0.5) / len(styles) - 0.5)
            places = [place for place, rate in enumerate(rates) if (method, rate) in shown.index]
            axes.plot(
                [place + aside for place in places],
                [shown[method, rates[place]] for place in places],
                color=style.colour,
                linestyle=(0, style.dashes),
                marker=style.marker,
                markeredgecolor="white",
                clip_on=False,
                zorder=3,
            )
        axes.set_xticks(range(len(rates)), [f"{rate:g}" for rate in rates])
        axes.grid(visible=False, axis="x")
        axes.set(
            xlabel="learning rate", xlim=(-0.5, len(rates) - 0.5), ylim=(0, 1), title=model if len(models) > 1 else ""
        )
        axes.yaxis.set_major_formatter(PERCENT)
    for axes in grid[len(models) :]:
        axes.set_axis_off()
    grid[0].set_ylabel("diverged (% of seeds)")
    counts = frame.groupby(["model", "variant", "learning_rate"])["seed"].nunique()
    add_legend(figure, styles, note=seeds_phrase(counts))
    return figure
