"""How well networks learn two classes along a curve, by their frequency k and its petals L (Rahaman et al., Figure 9).

Each cell has the training accuracy at the end, and in brackets what a constant scores, the share of the larger class,
in percent. Means over seeds (ICML 2019).
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from filterfreq.publishing.fit_panels import COLOURS, means_note
from filterfreq.publishing.fit_rows import read_fit, rows_of_variants
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import PERCENT, SMALL_FONT, TEXT_WIDTH, new_figure, use_style

PRODUCT = Product(
    title="Classes along a curve", needs=["manifold"], takes=["labels"], reads="fits", over="fit", note=""
)

_CELL_HEIGHT, _LEAST_HEIGHT = 0.32, 2.2  # inches
_LIGHT_FROM = 0.72  # accuracies whose cells are dark

read = read_fit


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw a heat map of the last accuracy over frequency and petals, for each network.

    Args:
        results: what `read` returns.
        labels: of the variants, in order; those that differ in more than frequency and petals are averaged.

    Raises:
        InputError: there are no accuracies of these variants.
    """
    rows = rows_of_variants(results, "accuracy", labels, "accuracies")
    frame = pd.concat(rows.values())
    frame = frame[frame["iteration"] == frame.groupby("variant")["iteration"].transform("max")]
    shares = pd.concat(rows_of_variants(results, "majority_share", labels, "shares").values())
    networks = list(frame["model"].unique())
    height = frame["petals"].nunique()
    figure = new_figure(TEXT_WIDTH, len(networks) * max(_LEAST_HEIGHT, 0.6 + _CELL_HEIGHT * height))
    grid = figure.subplots(len(networks), 1, squeeze=False)
    for network, axes in zip(networks, grid.ravel(), strict=True):
        accuracy, share = (_cells(of[of["model"] == network]) for of in (frame, shares))
        image = axes.imshow(accuracy, vmin=0.5, vmax=1, cmap=COLOURS, origin="lower", aspect="auto")
        _write_cells(axes, accuracy, share)
        axes.set_title(network if len(networks) > 1 else "")
    seeds = {("", ""): frame.drop_duplicates("seed")}
    figure.colorbar(image, ax=list(grid.ravel()), label=f"training accuracy (%){means_note(seeds)}", format=PERCENT)
    return figure


def _cells(rows: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds, a row for each number of petals and a column for each frequency."""
    return rows.pivot_table(index="petals", columns="frequency", values="value", aggfunc="mean")


def _write_cells(axes: Axes, accuracy: pd.DataFrame, share: pd.DataFrame) -> None:
    axes.grid(visible=False)
    axes.set_xticks(range(len(accuracy.columns)), [str(frequency) for frequency in accuracy.columns])
    axes.set_yticks(range(len(accuracy.index)), [str(petals) for petals in accuracy.index])
    axes.set(xlabel="frequency k (cycles on the curve)", ylabel="petals L of the curve")
    for row, petals in enumerate(accuracy.index):
        for column, frequency in enumerate(accuracy.columns):
            value = accuracy.loc[petals, frequency]
            text = f"{100 * value:.0f} ({100 * share.loc[petals, frequency]:.0f})"
            colour = "white" if value > _LIGHT_FROM else "0.1"
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=SMALL_FONT)
