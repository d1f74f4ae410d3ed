"""What averaging round an image of *{dataset}* leaves of each frequency w: the transfer function G, against r|w|.

Left G, in the middle on a logarithmic axis, right Monte Carlo less the closed form. Of a ball it is Gamma(n/2 + 1)
2^(n/2) J(r|w|) / (r|w|)^(n/2), J the Bessel function of order n/2, n the values of an image and r the radius (Lin, K.
A., Jiang 2019, 3.1). In place of 2^(n/2) the paper, as others quote it, has 1/pi^(n/2), with which G would not be 1 at
0. What post-averaging builds is no ball: K random directions at three lengths, unless others are said, and the image
itself, whose share 1 / (6K + 1) no frequency loses. Against r|w| every radius r has the same lines. Points are means
over 100,000 draws of a point in the ball, or of a direction; bars are one standard error.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from filterfreq.frequencies.averaging import SHELLS, ball_transfer, shells_transfer
from filterfreq.frequencies.averaging_draws import DrawnTransfer, draw_ball_transfer, draw_shells_transfer
from filterfreq.publishing.averages import random_averages
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import TEXT_WIDTH, add_legend, new_figure, use_style
from filterfreq.runtime.errors import InputError

PRODUCT = Product(
    title="Transfer function of post-averaging",
    takes=["averages", "dimension"],
    reads="nothing",
    when="averaged_at_random",
)

DRAWS, SEED = 100_000, 0
_POINTS, _DRAWN_POINTS = 400, 9  # of a line, and of its Monte Carlo
_REACH = 3.0  # standard deviations of the Gaussian that the smallest shell's transfer function is near
_LOWEST = 1e-3  # of the logarithmic axis
_MARKERS = "osD^vPX<>*"
_DASHES = [(), (5, 1.5), (1, 1), (5, 1.5, 1, 1.5), (7, 2)]


class _Average(NamedTuple):
    """A line: the ball, or shells of these shares of the radius and of K directions."""

    label: str
    shares: tuple[float, ...]
    count: int

    def transfer(self, frequency: np.ndarray, dimension: int) -> np.ndarray:
        """Return the closed form at frequencies times the radius."""
        if not self.shares:
            return ball_transfer(frequency, 1, dimension)
        return shells_transfer(frequency, self.shares, self.count, dimension)

    def drawn(self, frequency: np.ndarray, dimension: int, generator: np.random.Generator) -> DrawnTransfer:
        """Return the same by Monte Carlo."""
        if not self.shares:
            return draw_ball_transfer(frequency, 1, dimension, DRAWS, generator)
        return draw_shells_transfer(frequency, self.shares, self.count, dimension, DRAWS, generator)


@use_style
def draw(averages: Mapping[str, Mapping[str, Any]], dimension: int) -> Figure:
    """Draw the transfer functions of the ball and of the shells of each K, with points by Monte Carlo.

    Args:
        averages: of every variant with one its settings, as `filterfreq.study.study.Study.averages` returns them.
        dimension: n, of the images.

    Raises:
        InputError: no average is along random directions.
    """
    lines = [_Average("ball", (), 0), *_shells(averages)]
    if len(lines) == 1:
        raise InputError("no variant has post_averaging of random directions: add one to the experiment")
    reach = _REACH * np.sqrt(dimension) / min(min(line.shares) for line in lines[1:])
    figure = new_figure(TEXT_WIDTH, 2.2)
    linear, logarithmic, difference = figure.subplots(1, 3)
    handles = []
    for number, (line, colour) in enumerate(zip(lines, _colours(len(lines)), strict=True)):
        dashes = (0, _DASHES[number % len(_DASHES)])
        marker = _MARKERS[number % len(_MARKERS)]
        frequency = np.linspace(0, reach, _POINTS)
        transfer = line.transfer(frequency, dimension)
        # Points of lines stand beside each other, where none hides another.
        points = reach * (np.arange(_DRAWN_POINTS) + number / len(lines)) / _DRAWN_POINTS
        found = line.drawn(points, dimension, np.random.default_rng([SEED, number]))
        shown = {"color": colour, "marker": marker, "markersize": 3.2, "linestyle": "none", "elinewidth": 0.8}
        for axes in (linear, logarithmic):
            axes.plot(frequency, transfer, color=colour, linestyle=dashes)
            # What Monte Carlo cannot tell from 0 has no place on a logarithmic axis.
            seen = (found.mean > 3 * found.standard_error) | (axes is linear)
            axes.errorbar(points[seen], found.mean[seen], yerr=found.standard_error[seen], **shown)
        away = found.mean - line.transfer(points, dimension)
        difference.errorbar(points, 1000 * away, yerr=1000 * found.standard_error, **shown)
        handles.append(Line2D([], [], color=colour, linestyle=dashes, marker=marker, markersize=3.2, label=line.label))
    linear.set(title="transfer function", ylabel="G")
    linear.set_ylim(min(-0.04, linear.get_ylim()[0]), 1.04)
    logarithmic.set(title="the same, logarithmic", yscale="log", ylim=(_LOWEST, 1.3))
    logarithmic.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    difference.set(title="Monte Carlo less closed form", ylabel="difference (thousandths)")
    difference.axhline(0, color="0.4", linewidth=0.8, zorder=1)
    for axes in (linear, logarithmic, difference):
        axes.set(xlabel="r|w|", xlim=(-0.02 * reach, reach))
    add_legend(figure, {}, extra=handles, note=_note(averages, dimension))
    return figure


def _shells(averages: Mapping[str, Mapping[str, Any]]) -> list[_Average]:
    """The averages along random directions that differ against r|w|, by K."""
    found = {}
    for average in sorted(random_averages(averages)):
        shares = tuple(round(length / average.lengths[-1], 6) for length in average.lengths)
        usual = tuple(round(share, 6) for share in SHELLS)
        label = f"shells, K = {average.count}"
        if shares != usual:
            label += f", l = {', '.join(f'{length:g}' for length in average.lengths)}"
        found.setdefault((average.count, shares), _Average(label, SHELLS if shares == usual else shares, average.count))
    return [*found.values()]


def _colours(count: int) -> list:
    """Black for the ball, then from dark to light: they differ in grey too."""
    return ["#000000", *sns.color_palette("mako", count + 1)[1:count]]


def _note(averages: Mapping[str, Mapping[str, Any]], dimension: int) -> str:
    radii = sorted({average.lengths[-1] for average in random_averages(averages)})
    said = f"r = {', '.join(f'{radius:g}' for radius in radii)}"
    return f"n = {dimension:,}; {said}; lines: closed forms, points: Monte Carlo, bars: one standard error"
