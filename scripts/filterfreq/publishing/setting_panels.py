"""Accuracy on clean images against a setting of the training data, a line for each method."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from filterfreq.publishing.panels import (
    grid_shape,
    scale_accuracies,
    seeds_and_images_note,
    shorten_title,
    tick_measured,
)
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.style import (
    COLUMN_WIDTH,
    TEXT_WIDTH,
    add_legend,
    draw_lines,
    new_figure,
    use_style,
    variant_styles,
)
from filterfreq.runtime.errors import InputError

_MOST_COLUMNS = 3


@use_style
def draw_setting(
    results: pd.DataFrame,
    labels: Mapping[str, str],
    points: Mapping[str, Mapping[str, Any]],
    own: float,
    axis: str,
    style_numbers: Mapping[str, int] | None = None,
    log: bool = False,
) -> Figure:
    """Draw accuracy against a fraction, in per cent; models below each other, kinds beside each other.

    Args:
        results: tidy results of one data set.
        labels: display labels of the variants by name, in order.
        points: of every variant with the setting its `value`, the `kind` of panel that it is in, and `beside`, which
            names its line: that of the variant without the setting which has this label, if there is one.
        own: the value of a variant without the setting, which is in all panels.
        axis: what the axis along is called.
        style_numbers: of the variants in the study, see `variant_styles`; a line has that of its first variant.
        log: whether the axis along is logarithmic, with a tick at each value.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of a variant with the setting.
    """
    frame = select(results, labels, ["clean"])
    frame = frame[frame["metric"] == "accuracy"]
    present = present_variants(frame, labels)
    points = {name: point for name, point in points.items() if name in present}
    if not points:
        raise InputError(f"there are no results of a variant with {axis}: run its evaluations")
    lines = {name: points[name]["beside"] if name in points else label for name, label in present.items()}
    # A line's key has a space, which no variant's name has.
    keys = {label: f"line {number}" for number, label in enumerate(dict.fromkeys(lines.values()))}
    numbers = dict(style_numbers or {name: number for number, name in enumerate(labels)})
    first = {keys[lines[name]]: numbers[name] for name in reversed(present)}
    styles = variant_styles({key: label for label, key in keys.items()}, first)

    kinds = list(dict.fromkeys(point["kind"] for point in points.values()))
    models = list(frame["model"].cat.categories)
    rows, columns = grid_shape(len(kinds), _MOST_COLUMNS)
    figure = new_figure(COLUMN_WIDTH if columns == 1 else TEXT_WIDTH, 0.3 + 2.1 * rows * len(models))
    grid = figure.subplots(rows * len(models), columns, sharex=True, sharey=True, squeeze=False)
    for number, model in enumerate(models):
        cells = grid[number * rows : (number + 1) * rows].ravel()
        for kind, axes in zip(kinds, cells, strict=False):
            inside = [name for name in present if name not in points or points[name]["kind"] == kind]
            shown = frame[(frame["model"] == model) & frame["variant"].isin(inside)].astype({"variant": str})
            shown = shown.assign(
                setting=[100 * (points[name]["value"] if name in points else own) for name in shown["variant"]],
                variant=[keys[lines[name]] for name in shown["variant"]],
            )
            drawn = {key: style for key, style in styles.items() if key in set(shown["variant"])}
            draw_lines(axes, shown, "setting", "value", drawn, markers=True)
            if log:
                values = sorted(set(shown["setting"]))
                axes.set_xscale("log")
                axes.set_xticks(values, [f"{value:g}" for value in values])
                axes.minorticks_off()
            else:
                tick_measured(axes, shown["setting"])
            axes.set_title(shorten_title(kind, axes) if model == models[0] else "")
            axes.set(xlabel=f"{axis} (%)" if model == models[-1] else "", ylabel="")
        for axes in cells[len(kinds) :]:
            axes.set_axis_off()
        for axes in cells[::columns]:
            scale_accuracies(axes)
            axes.set_ylabel(f"{model}\naccuracy (%)" if len(models) > 1 else "accuracy (%)")
    add_legend(figure, styles, note=seeds_and_images_note(frame))
    return figure
