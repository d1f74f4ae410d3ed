"""Accuracy on test images of *{dataset}* with one Fourier basis vector added, against its norm in each channel.

On the left the one vector that makes most images wrong is added to all of them, on the right each image gets one that
makes it wrong, where there is such a vector. Lines are means over seeds, bands reach from the lowest to the highest
seed. Below, the first test image with one vector at each norm, to all channels with one sign: the vectors are those
that make most images wrong for the first variant's first seed (of the first model), and other networks have others.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from filterfreq.publishing.example_images import ResultsWithImages, read_with_images, show_with_basis_vectors
from filterfreq.publishing.numbers import number_text
from filterfreq.publishing.panels import scale_accuracies, seeds_and_images_note, tick_measured
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.style import TEXT_WIDTH, add_legend, draw_lines, new_figure, use_style, variant_styles

PRODUCT = Product(
    title="Basis vectors as attack",
    needs=["fourier_attack"],
    takes=["labels", "style_numbers"],
    reads="results_with_images",
)

_ATTACKS = {"universal_error": "one vector for all images", "fooled": "one vector for each image"}
# In inches.
_PANEL_HEIGHT = 1.75
_EXAMPLES_HEIGHT = 0.95


read = read_with_images


@use_style
def draw(shown: ResultsWithImages, labels: dict[str, str], style_numbers: Mapping[str, int] | None = None) -> Figure:
    """Draw accuracy under both forms of the attack against the norm, one row per model, and an image under the attack.

    Yin et al. (NeurIPS 2019), Figure 7 (c, d).

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of this attack.
    """
    frame = select(shown.results, labels, ["fourier_attack"])
    frame = frame.assign(accuracy=1 - frame["value"])
    styles = variant_styles(present_variants(frame, labels), style_numbers)
    models = list(frame["model"].cat.categories)
    heights = [*[_PANEL_HEIGHT] * len(models), _EXAMPLES_HEIGHT]
    figure = new_figure(TEXT_WIDTH, sum(heights) + 0.3)
    cells = figure.add_gridspec(len(heights), len(_ATTACKS), height_ratios=heights)
    for row, model in enumerate(models):
        for column, (metric, title) in enumerate(_ATTACKS.items()):
            axes = figure.add_subplot(cells[row, column])
            rows = frame[(frame["model"] == model) & (frame["metric"] == metric)]
            draw_lines(axes, rows, "l2_norm", "accuracy", styles, markers=True)
            scale_accuracies(axes)
            axes.set_title(title if row == 0 else "")
            tick_measured(axes, frame["l2_norm"].astype(float))
            axes.set_xlabel("L₂ norm of the vector in each channel" if model == models[-1] else "")
            axes.tick_params(labelleft=column == 0)
            axes.set_ylabel("" if column else f"{model}\naccuracy (%)" if len(models) > 1 else "accuracy (%)")
    _show_examples(figure.add_subplot(cells[-1, :]), shown.images[0], frame, next(iter(styles)))
    add_legend(figure, styles, note=seeds_and_images_note(frame))
    return figure


def _show_examples(axes: Axes, image: np.ndarray, frame: pd.DataFrame, variant: str) -> None:
    """Show an image, and the same with the vector for all images of a variant's first model and seed, at each norm."""
    rows = frame[(frame["metric"] == "universal_error") & (frame["variant"] == variant)]
    rows = rows[(rows["model"] == rows["model"].iloc[0]) & (rows["seed"] == rows["seed"].min())].sort_values("l2_norm")
    changes = [(float(norm), int(u), int(v)) for norm, u, v in rows[["l2_norm", "u", "v"]].itertuples(index=False)]
    # Of each pair the frequency is the second, whose first is mostly above 0.
    texts = [f"norm {norm:g}\n{number_text(-u, 'g')}, {number_text(-v, 'g')}" for norm, u, v in changes]
    show_with_basis_vectors(axes, image, [(0.0, 0, 0), *changes], ["image", *texts])
    axes.set_xlabel("with the vector of this vertical and horizontal frequency (cycles per image)", labelpad=20)
