"""What networks that learned classes along a curve say of the plane round it (Rahaman et al., ICML 2019, Figure 7).

The shade is the class, contours are of the absolute value of the logit, and points are the samples. A column for each
of the first two seeds.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from filterfreq.fits.curves import flower
from filterfreq.fits.registry import SURFACE_EXTENT
from filterfreq.publishing.fit_panels import panel_title
from filterfreq.publishing.fit_rows import read_fit, rows_of_variants
from filterfreq.publishing.numbers import percent_text
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import TEXT_WIDTH, new_figure, use_style, wrap_text

PRODUCT = Product(
    title="Decision surfaces", needs=["manifold_surfaces"], takes=["labels"], reads="fits", over="fit", note=""
)

_MOST_SEEDS = 2
_CONTOURS = 15
_SHADES = ListedColormap(["#dbe7f3", "#f6dcd0"])
_POINTS = ("#2166ac", "#b2182b")
_ROW_HEIGHT = 3.3  # inches

read = read_fit


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw a decision surface for each network and variant (rows) and each of the first seeds (columns).

    Args:
        results: what `read` returns.
        labels: of the variants, in order.

    Raises:
        InputError: there are no surfaces of these variants.
    """
    rows = rows_of_variants(results, "logit", labels, "surfaces")
    positives = rows_of_variants(results, "positive", labels, "classes")
    accuracies = rows_of_variants(results, "accuracy", labels, "accuracies")
    seeds = sorted(set(results["seed"]))[:_MOST_SEEDS]
    figure = new_figure(TEXT_WIDTH, _ROW_HEIGHT * len(rows))
    grid = figure.subplots(len(rows), len(seeds), squeeze=False)
    for (key, surfaces), cells in zip(rows.items(), grid, strict=True):
        petals = int(accuracies[key]["petals"].iloc[0])
        for seed, axes in zip(seeds, cells, strict=True):
            surface, positive, accuracy = (
                frame[frame["seed"] == seed] for frame in (surfaces, positives[key], accuracies[key])
            )
            _draw_surface(axes, surface.pivot_table(index="row", columns="column", values="value").to_numpy())
            points = flower(petals, len(positive))
            colours = np.array(_POINTS)[positive.sort_values("point")["value"].to_numpy(int)]
            axes.scatter(*points.T, s=2, c=colours, linewidths=0)
            final = accuracy.loc[accuracy["iteration"].idxmax(), "value"]
            axes.set_title(f"seed {seed}, {percent_text(final, '.3g')} % on the curve")
        label = wrap_text(panel_title(key, rows, labels), 40, 2)
        cells[0].set_ylabel(label if len(rows) > 1 else "")
    return figure


def _draw_surface(axes: Axes, logits: np.ndarray) -> None:
    """Draw the class and the absolute logit at each point of the square, from below."""
    extent = (-SURFACE_EXTENT, SURFACE_EXTENT) * 2
    axis = np.linspace(-SURFACE_EXTENT, SURFACE_EXTENT, len(logits))
    axes.imshow(logits > 0, origin="lower", extent=extent, cmap=_SHADES, vmin=0, vmax=1, interpolation="nearest")
    axes.contour(axis, axis, np.abs(logits), levels=_CONTOURS, colors="0.35", linewidths=0.3)
    axes.grid(visible=False)
    axes.set_xticks([-1, 0, 1])
    axes.set_yticks([-1, 0, 1])
