"""One style for every figure: sizes, fonts, colours, legends and files.

Text in figures is shown as it is, whoever wrote it: none of it is a formula.
"""

import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, ParamSpec, TypeVar

import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.style import context
from matplotlib.ticker import FuncFormatter

from filterfreq.publishing.numbers import percent_text
from filterfreq.publishing.style_numbers import COLOURS
from filterfreq.runtime.files import replacing

COLUMN_WIDTH = 3.35
"""Width of one column of a two-column page, in inches."""
TEXT_WIDTH = 6.9
"""Width of the whole page's text, in inches."""

# Black and hues near those of Paul Tol's "muted" scheme (SRON technical note EPS/TN/09-002), darkened until each has a
# contrast of 3 to white, as WCAG 2.1 asks of lines. Under full protanopia, deuteranopia and tritanopia no two of the
# ten come closer than CIEDE2000 11; the first five stay 12 apart in lightness alone (L*).
_COLOURS = [
    *("#000000", "#D1325B", "#322287", "#2094FB", "#04602B"),
    *("#882255", "#259381", "#797101", "#AA4399", "#BA8811"),
]
GOOD, BAD, NEUTRAL = _COLOURS[4], _COLOURS[1], _COLOURS[9]
"""Colours of verdicts, which figures that have no variants show."""
_MARKERS = ["o", "s", "^", "D", "v", "P", "X", "<", ">", "*"]
_DASHES: list[tuple[float, ...]] = [
    (),
    (4, 1.5),
    (1, 1),
    (5, 1.5, 1, 1.5),
    (7, 2),
    (3, 1, 1, 1, 1, 1),
    (2, 2),
    (6, 1, 2, 1),
    (1, 2.5),
    (4, 1, 4, 3),
]

_P = ParamSpec("_P")
_R = TypeVar("_R")

_FONT = 8
SMALL_FONT = 7
"""Points; nothing is smaller."""
_FIXED_SPACE = "\N{NO-BREAK SPACE}"  # where no line is broken
_JOINED = re.compile(r" [=≤] |(?<= )\+ |(?<=:) | (?=\d)")  # "λ = 0.1", "+ penalty", "layers: all", "bandwidth 31"
_LABEL_WIDTH, _LABEL_LINES = 60, 3  # of a variant's label in the legend
_NOTE_WIDTH = 18  # characters an inch of what is said above the legend

_TICKS = {"major.size": 3, "major.width": 0.6, "major.pad": 2, "color": "0.4", "labelcolor": "0.15"}

STYLE = {
    **sns.axes_style("whitegrid"),
    **sns.plotting_context("paper"),
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib: the same picture on every machine
    "font.size": _FONT,
    "axes.titlesize": _FONT,
    "axes.labelsize": _FONT,
    "figure.titlesize": _FONT,
    "figure.labelsize": _FONT,
    "xtick.labelsize": SMALL_FONT,
    "ytick.labelsize": SMALL_FONT,
    "legend.fontsize": SMALL_FONT,
    "legend.title_fontsize": SMALL_FONT,
    "legend.frameon": False,
    "text.parse_math": False,
    "axes.linewidth": 0.6,
    "axes.edgecolor": "0.4",
    "grid.linewidth": 0.5,
    "grid.color": "0.88",
    "lines.linewidth": 1.1,
    "lines.markersize": 4,
    "lines.markeredgewidth": 0.6,
    **{f"{axis}tick.{setting}": value for axis in "xy" for setting, value in _TICKS.items()},
    "figure.dpi": 100,
    "savefig.dpi": 300,
    "pdf.fonttype": 42,  # TrueType outlines: journals refuse Type 3 fonts
}
"""Where every figure departs from matplotlib's defaults: seaborn's `whitegrid` for paper, no text under 7 points."""

SEED_RANGE = ("pi", 100)
"""Seaborn's name for the interval from the lowest to the highest seed."""
PERCENT = FuncFormatter(lambda value, _: percent_text(value, ".6g"))
"""Shows fractions as percent, with as many decimals as they have: rounded, two ticks could read alike."""


def use_style(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Make a function draw in the common style, whatever matplotlib's settings are, and leave them as they were."""
    return context(["default", STYLE])(function)


class VariantStyle(NamedTuple):
    """How one variant looks in every figure: up to ten, any of colour, marker and dashes tells it apart."""

    label: str
    colour: str
    marker: str
    dashes: tuple[float, ...]


def wrap_text(text: str, width: int, lines: int) -> str:
    """Break text into at most so many lines of at most so many characters; three dots stand for what is left out.

    A line does not begin with what belongs to the word before, as the value in "λ = 0.1". Text whose lines are short
    enough stays as it is.
    """
    if all(len(line) <= width for line in text.split("\n")):
        return text
    words = _JOINED.sub(lambda found: found[0].replace(" ", _FIXED_SPACE), text).split(" ")
    fitting = " ".join(word if len(word) <= width else word.replace(_FIXED_SPACE, " ") for word in words)
    return "\n".join(textwrap.wrap(fitting, width, max_lines=lines, placeholder="…")).replace(_FIXED_SPACE, " ")


def variant_styles(variants: dict[str, str], numbers: Mapping[str, int] | None = None) -> dict[str, VariantStyle]:
    """Give each variant its colour, marker and line style.

    Args:
        variants: variant names and their display labels, in order.
        numbers: the number of each one's style, see `filterfreq.publishing.style_numbers`; that in the order, unless
            given.

    Returns:
        One style per variant, in the same order. After ten the colours come again, with other markers and dashes.
    """
    styles = {}
    for index, (name, label) in enumerate(variants.items()):
        turn, colour = divmod(index if numbers is None else numbers[name], COLOURS)
        other = (colour + turn) % len(_MARKERS)
        styles[name] = VariantStyle(label, _COLOURS[colour], _MARKERS[other], _DASHES[other])
    return styles


def draw_lines(
    axes: Axes, frame: pd.DataFrame, x: str, y: str, styles: dict[str, VariantStyle], *, markers: bool
) -> None:
    """Draw one line per variant: the mean over seeds, in a band from the lowest to the highest seed.

    Args:
        axes: where to draw.
        frame: one row per variant, seed and x.
        x: the column along the axis.
        y: the column of values.
        styles: the variants.
        markers: whether to mark every x.
    """
    sns.lineplot(
        frame,
        x=x,
        y=y,
        hue="variant",
        hue_order=list(styles),
        palette={name: style.colour for name, style in styles.items()},
        style="variant",
        style_order=list(styles),
        dashes={name: style.dashes or "" for name, style in styles.items()},
        markers={name: style.marker for name, style in styles.items()} if markers else False,
        errorbar=SEED_RANGE,
        err_kws={"linewidth": 0},
        legend=False,
        ax=axes,
    )


def draw_levels(axes: Axes, frame: pd.DataFrame, styles: Mapping[str, VariantStyle]) -> None:
    """Draw variants across a panel: the mean of each one's values, in a band from the lowest to the highest.

    Args:
        axes: where to draw.
        frame: a row for each variant and seed, with columns variant and value.
        styles: the variants; those without a row are left out.
    """
    for name, style in styles.items():
        values = frame.loc[frame["variant"] == name, "value"]
        if len(values):
            axes.axhspan(values.min(), values.max(), color=style.colour, alpha=0.12, linewidth=0)
            axes.axhline(values.mean(), color=style.colour, linestyle=(0, style.dashes))


def new_figure(width: float, height: float, *, images: bool = False) -> Figure:
    """Return an empty figure of that many inches, laid out so that nothing overlaps, and images stand close."""
    figure = Figure(figsize=(width, height), layout="compressed" if images else "constrained")
    FigureCanvasAgg(figure)
    return figure


@use_style
def add_legend(
    figure: Figure,
    styles: dict[str, VariantStyle],
    markers: bool = True,
    extra: Sequence[Artist] = (),
    note: str = "",
) -> None:
    """Put the legend of the variants under the figure, in as few rows as its width allows; the figure grows by it.

    Args:
        figure: the figure.
        styles: the variants drawn.
        markers: whether the figure draws markers on its lines.
        extra: further legend entries, after the variants.
        note: a line above the entries, that says what is drawn; without entries alone.
    """
    handles: list[Artist] = [
        Line2D(
            [],
            [],
            color=style.colour,
            linestyle=(0, style.dashes),
            marker=style.marker if markers else None,
            markeredgecolor="white",
            label=wrap_text(style.label, _LABEL_WIDTH, _LABEL_LINES),
        )
        for style in styles.values()
    ]
    handles += extra
    for rows in range(1, max(len(handles), 1) + 1):
        columns = max(-(-len(handles) // rows), 1)
        legend = figure.legend(
            handles=handles,
            loc="outside lower center",
            ncols=columns,
            handlelength=3,
            columnspacing=1.5,
            title=wrap_text(note, int(_NOTE_WIDTH * figure.get_figwidth()), _LABEL_LINES) or None,
        )
        size = legend.get_window_extent(figure.canvas.get_renderer())
        if size.width <= figure.bbox.width or columns == 1:
            break
        legend.remove()
    legend.get_title().set_multialignment("center")
    figure.set_figheight(figure.get_figheight() + size.height / figure.dpi)


@use_style
def save(figure: Figure, png: str | Path, pdf: str | Path) -> None:
    """Write a figure as PNG (300 dots per inch) and PDF, each whole or not at all; equal figures give equal bytes.

    Raises:
        InputError: the disk is full.
    """
    with replacing(png) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})
    figure.set_layout_engine("none")  # as laid out for the PNG: doing it again takes half of the time
    with replacing(pdf) as temporary:
        figure.savefig(temporary, format="pdf", metadata={"CreationDate": None})
