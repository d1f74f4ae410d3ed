"""How the coefficients of the 3x3 filters of experiment *{experiment}* are distributed, for each principal component.

Of filters divided by their largest weight, without the sparse ones, in the common basis of the experiment's models.
Curves are densities: kernel estimates (Silverman's width, but never less than a bin) of the histograms of 70 bins. The
densities of one component are drawn to one scale, in all panels. Where the experiment names pairs, a curve pools all
treatments, or all controls, of a data set, each model once; else all models of a variant.
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from filterfreq.analysis.filter_statistics import HISTOGRAM_BINS, POSITIONS
from filterfreq.analysis.pairs import Pairs
from filterfreq.publishing.filter_coefficients import Coefficients, read_coefficients
from filterfreq.publishing.filter_frames import batch_norm_words, run_table
from filterfreq.publishing.filter_styles import FULL, filter_groups
from filterfreq.publishing.phrases import range_phrase
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import TEXT_WIDTH, VariantStyle, add_legend, new_figure, use_style

PRODUCT = Product(
    title="Coefficients of filters",
    needs=["filter_quality"],
    takes=["labels", "style_numbers", "pairs"],
    reads="filter_coefficients",
    over="experiment",
)

_PANELS_IN_A_ROW = 3
_PANEL = 3.6  # inches of height
_OVERLAP = 1.25  # of the height of the highest density, in distances of two components
_POINTS = 400

read = read_coefficients


@use_style
def draw(
    found: Coefficients, labels: dict[str, str], style_numbers: Mapping[str, int] | None = None, pairs: Pairs = ()
) -> Figure:
    """Draw the densities of every component below each other, a panel for each data set.

    Args:
        found: what `read` returns.
        labels: display labels of the variants by name, in order.
        style_numbers: the number of each variant's style.
        pairs: the pairs that the config names.
    """
    runs = run_table(found.counts)
    groups = filter_groups(runs, labels, style_numbers, pairs)
    del groups[FULL]
    grid = np.linspace(found.low, found.high, _POINTS)
    curves: dict[str, dict[str, np.ndarray]] = {}
    sizes = []
    for dataset in runs["dataset"].unique():
        for name, (_, chosen) in groups.items():
            members = runs[chosen & (runs["dataset"] == dataset)].itertuples(index=False, name=None)
            counts = found.pool(members)
            if counts.any():
                sizes.append(counts[0].sum())
                curves.setdefault(dataset, {})[name] = _densities(counts, found, grid)
    highest = np.max([densities.max(axis=1) for shown in curves.values() for densities in shown.values()], axis=0)
    columns = min(len(curves), _PANELS_IN_A_ROW)
    rows = -(-len(curves) // columns)
    figure = new_figure(TEXT_WIDTH, _PANEL * rows)
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for axes, (dataset, shown) in zip(panels, curves.items(), strict=False):
        _draw_ridges(axes, grid, shown, {name: look for name, (look, _) in groups.items()}, highest)
        axes.set_title(dataset if len(curves) > 1 else "")
        axes.set_xlabel("coefficient")
    for axes in panels[len(curves) :]:
        axes.set_axis_off()
    panels[0].set_yticks(
        range(POSITIONS), [f"c{index}, {100 * ratio:.1f} %" for index, ratio in enumerate(found.basis.ratios)]
    )
    panels[0].set_ylabel("component, explained variance")
    panels[0].invert_yaxis()
    note = f"{range_phrase(sizes)} filters in a curve; {batch_norm_words(found.batch_norm)}"
    present = {name for shown in curves.values() for name in shown}
    styles = {name: look for name, (look, _) in groups.items() if name in present}
    add_legend(figure, styles, markers=False, note=note)
    return figure


def _densities(counts: np.ndarray, found: Coefficients, grid: np.ndarray) -> np.ndarray:
    """Return the kernel estimate of the density of each component: 9 x points."""
    width = (found.high - found.low) / HISTOGRAM_BINS
    centres = found.low + width * (np.arange(HISTOGRAM_BINS) + 0.5)
    probabilities = counts / counts.sum(axis=1, keepdims=True)
    mean = probabilities @ centres
    deviation = np.sqrt((probabilities * (centres - mean[:, None]) ** 2).sum(axis=1))
    # Silverman, Density Estimation for Statistics and Data Analysis, 1986: of one dimension (3 n / 4)^(-1/5).
    spreads = np.maximum((0.75 * counts.sum(axis=1)) ** -0.2 * deviation, width)
    distances = (grid[None, :, None] - centres) / spreads[:, None, None]
    kernels = np.exp(-0.5 * distances**2) / (np.sqrt(2 * np.pi) * spreads[:, None, None])
    return np.einsum("cpb,cb->cp", kernels, probabilities)


def _draw_ridges(
    axes: Axes,
    grid: np.ndarray,
    shown: Mapping[str, np.ndarray],
    styles: Mapping[str, VariantStyle],
    highest: np.ndarray,
) -> None:
    """Draw the densities of all groups in one panel; the first component is on top."""
    for name, densities in shown.items():
        style = styles[name]
        for index, density in enumerate(densities):
            line = index - _OVERLAP * density / highest[index]
            axes.fill_between(grid, line, index, color=style.colour, alpha=0.12, linewidth=0, zorder=2 + index)
            axes.plot(grid, line, color=style.colour, linestyle=(0, style.dashes), zorder=2 + index)
    axes.grid(visible=False, axis="y")
    axes.set_xlim(grid[0], grid[-1])
