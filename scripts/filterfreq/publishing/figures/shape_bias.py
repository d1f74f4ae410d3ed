"""Shape bias by class, in the style of Geirhos et al. (2019).

Markers are each variant's mean over seeds, with bars from the lowest to the highest seed. Vertical lines are its shape
bias over all images.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from filterfreq.publishing.class_names import class_label
from filterfreq.publishing.panels import seeds_note
from filterfreq.publishing.phrases import images_phrase
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.style import (
    COLUMN_WIDTH,
    SEED_RANGE,
    TEXT_WIDTH,
    add_legend,
    new_figure,
    use_style,
    variant_styles,
    wrap_text,
)

PRODUCT = Product(title="Shape bias", needs=["cue_conflict"], takes=["labels", "style_numbers"])


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str], style_numbers: Mapping[str, int] | None = None) -> Figure:
    """Draw the shape bias of every category, as Geirhos et al. (ICLR 2019), figure 4, do.

    Markers stand at the fraction of shape decisions among the decisions for shape or texture, from shape on the left to
    texture on the right; a vertical line marks each variant's shape bias over all images.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of cue conflict.
    """
    frame = select(results, labels, ["cue_conflict"])
    images = images_phrase(frame.loc[frame["metric"] == "accuracy", "n"])  # a shape bias counts decisions for a cue
    frame = frame[frame["metric"] == "shape_bias"]
    styles = variant_styles(present_variants(frame, labels), style_numbers)
    categories = [name for name in frame["category"].unique() if name != "overall"]
    models = list(frame["model"].cat.categories)
    width = COLUMN_WIDTH if len(models) == 1 else TEXT_WIDTH
    row_height = max(0.2, 0.055 * len(styles))
    figure = new_figure(width, 0.8 + row_height * len(categories))
    grid = figure.subplots(1, len(models), sharey=True, squeeze=False)[0]
    for model, axes in zip(models, grid, strict=True):
        model_rows = frame[frame["model"] == model]
        overall = model_rows[model_rows["category"] == "overall"].groupby("variant", observed=True)["value"].mean()
        for name, value in overall.items():
            axes.axvline(value, color=styles[name].colour, linestyle=(0, styles[name].dashes), zorder=1)
        sns.pointplot(
            model_rows[model_rows["category"] != "overall"],
            x="value",
            y="category",
            order=categories,
            hue="variant",
            hue_order=list(styles),
            palette={name: style.colour for name, style in styles.items()},
            markers=[style.marker for style in styles.values()],
            markersize=3.5,
            markeredgecolor="white",
            markeredgewidth=0.4,
            linestyles="none",
            err_kws={"linewidth": 0.8},
            errorbar=SEED_RANGE,
            dodge=0.6 if len(styles) > 1 else False,
            orient="y",
            legend=False,
            ax=axes,
        )
        axes.set(xlim=(1.02, -0.02), xlabel="fraction of 'shape' decisions")
        axes.set_ylabel("shape category" if axes is grid[0] else "")
        axes.xaxis.set_label_position("top")
        axes.xaxis.tick_top()
        texture = axes.secondary_xaxis("bottom", functions=(_complement, _complement))
        texture.set_xlabel("fraction of 'texture' decisions")
        axes.set_yticks(range(len(categories)), [wrap_text(class_label(name), 20, 2) for name in categories])
        axes.set_yticks(np.arange(len(categories) - 1) + 0.5, minor=True)
        axes.grid(visible=False, axis="y")
        axes.grid(axis="y", which="minor", color="0.75", linestyle="dotted")
        if len(models) > 1:
            axes.set_title(model)
    note = "; ".join(filter(None, (seeds_note(frame, "markers", "bars"), images, "lines: all categories")))
    add_legend(figure, styles, note=note)
    return figure


def _complement(values: np.ndarray) -> np.ndarray:
    return 1 - values
