"""What a network has learned of a sum of sinusoids, over the target (Rahaman et al., ICML 2019, Figure 2).

After some iterations of the repeat that has the lowest seed.
"""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from filterfreq.publishing.fit_panels import panel_title
from filterfreq.publishing.fit_rows import read_fit, rows_of_variants
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import TEXT_WIDTH, add_legend, new_figure, use_style, wrap_text

PRODUCT = Product(title="Learned functions", needs=["sinusoids"], takes=["labels"], reads="fits", over="fit", note="")

_TARGET, _LEARNED = "0.6", "#b2182b"
_ROW_HEIGHT = 1.25  # inches
_LABEL_WIDTH, _LABEL_LINES = 18, 3

read = read_fit


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw functions over z, a row for each network and variant, a column for each iteration.

    Args:
        results: what `read` returns.
        labels: of the variants, in order.

    Raises:
        InputError: there are no functions of these variants.
    """
    rows = rows_of_variants(results, "learned", labels, "functions")
    targets = rows_of_variants(results, "target", labels, "functions")
    columns = max(frame["iteration"].nunique() for frame in rows.values())
    figure = new_figure(TEXT_WIDTH, 0.4 + _ROW_HEIGHT * len(rows))
    grid = figure.subplots(len(rows), columns, sharey="row", squeeze=False)
    for (key, frame), cells in zip(rows.items(), grid, strict=True):
        first = frame[frame["seed"] == frame["seed"].min()]
        target = targets[key]
        target = target[target["seed"] == frame["seed"].min()]
        iterations = sorted(first["iteration"].unique())
        for axes in cells[len(iterations) :]:
            axes.set_axis_off()
        for iteration, axes in zip(iterations, cells, strict=False):
            for values, colour, width in ((target, _TARGET, 1.4), (first, _LEARNED, 0.8)):
                values = values[values["iteration"] == iteration].sort_values("point")
                axes.plot(values["point"] / len(values), values["value"], color=colour, linewidth=width)
            axes.set_title(f"iteration {iteration:,}")
            axes.set_xlim(0, 1)
            axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
            axes.set_xlabel("z" if axes in grid[-1] else "")
        label = wrap_text(panel_title(key, rows, labels), _LABEL_WIDTH, _LABEL_LINES)
        cells[0].set_ylabel(label if len(rows) > 1 else "f(z)")
    lines = {"target": (_TARGET, 1.4), "learned": (_LEARNED, 0.8)}
    entries = [Line2D([], [], color=colour, lw=width, label=name) for name, (colour, width) in lines.items()]
    add_legend(figure, {}, extra=entries)
    return figure
