"""The linear regions of a small random ReLU network with two inputs (Lin, K. A., Jiang 2019, Figure 1).

Lines are where a unit of one of the three hidden layers has the pre-activation 0. Those of the first layer are
straight; those of the second bend at lines of the first, and those of the third at both. Between them the network is
linear. Dots are the crossings of the segment from A to B with lines, which are counted exactly along it, those of a
unit that is crossed there and back too; of one that is crossed once the activation sign differs at A and B. Weights,
biases and the widths, eight units a layer, are ours: the paper's are not known. No model of experiment *{experiment}*
is shown.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from filterfreq.analysis.linear_regions import pre_activations, random_relu_net, segment_crossings
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import COLUMN_WIDTH, add_legend, new_figure, use_style

PRODUCT = Product(
    title="Linear regions", takes=["data_seed"], reads="nothing", over="experiment", when="averaged_at_random"
)

WIDTHS = (8, 8, 8)
START, END = (-0.4, 0.95), (0.35, -0.1)
_REACH = 2.0  # of both inputs, to either side of 0
_POINTS = 801  # of the grid, along each input
# Black, blue and red as in the paper, with widths and dashes that tell them apart in grey too.
_LINES = (
    ("#000000", 1.2, (0, ())),
    ("#2094FB", 1.0, (0, (5, 1.5))),
    ("#D1325B", 1.0, (0, (1, 1))),
)


@use_style
def draw(data_seed: int = 0) -> Figure:
    """Draw the zero sets of all pre-activations, and a segment with the number of those that it crosses.

    Args:
        data_seed: of the network, which is the study's own.
    """
    net = random_relu_net(2, WIDTHS, data_seed)
    figure = new_figure(COLUMN_WIDTH, COLUMN_WIDTH)
    axes = figure.subplots()
    side = np.linspace(-_REACH, _REACH, _POINTS)
    grid = np.stack(np.meshgrid(side, side), axis=-1)
    for layer, (colour, width, dashes) in zip(pre_activations(net, grid.reshape(-1, 2)), _LINES, strict=True):
        line = {"colors": colour, "linewidths": width, "linestyles": [dashes]}
        for unit in layer.T:
            if unit.min() < 0 < unit.max():
                axes.contour(side, side, unit.reshape(_POINTS, _POINTS), levels=[0], **line)
    crossings = segment_crossings(net, START, END)
    _draw_segment(axes, np.concatenate(crossings))
    axes.set(aspect="equal", xlabel="first input", ylabel="second input")
    axes.grid(visible=False)
    axes.set_xticks(np.arange(-_REACH, _REACH + 1))
    axes.set_yticks(np.arange(-_REACH, _REACH + 1))
    counts = [len(found) for found in crossings]
    handles = [
        Line2D([], [], color=colour, linewidth=width, linestyle=dashes, label=f"layer {number}")
        for number, (colour, width, dashes) in enumerate(_LINES, 1)
    ]
    note = (
        f"A to B crosses {sum(counts)} lines: {', '.join(map(str, counts[:-1]))} and {counts[-1]} of layers 1, 2 and 3"
    )
    add_legend(figure, {}, extra=handles, note=note)
    return figure


def _draw_segment(axes: Axes, shares: np.ndarray) -> None:
    """Draw the segment over white, so that it stands out, with a dot at each crossing."""
    start, end = np.asarray(START), np.asarray(END)
    way = np.stack([start, end])
    axes.plot(*way.T, color="white", linewidth=4.5, zorder=3)
    axes.plot(*way.T, color="black", linewidth=2.5, zorder=4)
    crossings = start + shares[:, None] * (end - start)
    dots = {"markersize": 3.2, "markerfacecolor": "white", "markeredgecolor": "black"}
    axes.plot(*crossings.T, linestyle="none", marker="o", zorder=5, **dots)
    for name, point, sign in (("A", start, -1), ("B", end, 1)):
        place = point + sign * 0.13 * (end - start) / np.linalg.norm(end - start)
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
        axes.text(*place, name, ha="center", va="center", weight="bold", bbox=box, zorder=6)
