"""Accuracy on *{dataset}* against the radius r of post-averaging, a line for each number K of directions.

Panels: images without attack; under the worst of the attacks that are made on the undefended model, of those along
gradients through the average, and of all, image by image; and under Square. Radius 0 is the undefended model; of
transferred attacks it is shown only of a variant with the radius 0. Rows are the sizes of attacks. Lines are means over
seeds, bands reach from the lowest to the highest seed; of one seed they are 95 % Wilson intervals. Lines across are
variants that are not averaged over a radius. Hollow markers are accuracies under attacks along gradients where a sign
of gradient masking holds for any seed: they are no measure of robustness.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from filterfreq.publishing.averages import UNITS, averaging_series, averaging_unit
from filterfreq.publishing.masking_rows import signs_of_run
from filterfreq.publishing.norms import norm_label
from filterfreq.publishing.panels import images_of_panels, scale_accuracies, seeds_note, shorten_title, tick_measured
from filterfreq.publishing.phrases import is_one_seed
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import RUN, present_variants, select
from filterfreq.publishing.style import (
    TEXT_WIDTH,
    VariantStyle,
    add_legend,
    draw_levels,
    new_figure,
    use_style,
    variant_styles,
)
from filterfreq.runtime.errors import InputError
from filterfreq.training.epsilon import parse_epsilon

PRODUCT = Product(
    title="Accuracy against the radius of post-averaging",
    needs=["adaptive"],
    takes=["labels", "averages", "style_numbers"],
    when="radius_swept",
)

_CLEAN = "clean"
_PANELS = {
    _CLEAN: "without attack",
    "transfer": "worst transferred",
    "adaptive": "worst along gradients",
    "square": "Square",
    "worst": "worst of all",
}
_PANEL_HEIGHT = 1.65  # inches
_MARKER, _LARGEST_MARKER = 4.0, 6.0  # points; of lines upon each other the first one's is seen below the last one's


@use_style
def draw(
    results: pd.DataFrame,
    labels: dict[str, str],
    averages: Mapping[str, Mapping[str, Any]],
    style_numbers: Mapping[str, int] | None = None,
) -> Figure:
    """Draw accuracy against the radius, panels beside each other; models and epsilons below each other.

    Args:
        results: tidy results of one data set.
        labels: display labels of the variants by name, in order.
        averages: of every variant with an average its settings, `from` and `beside`, as
            `filterfreq.study.study.Study.averages` returns them.
        style_numbers: of the variants in the study; lines have the first ones that no line across has.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of a radius above 0.
    """
    frame = select(results, labels, ["adaptive"])
    present = present_variants(frame, labels)
    averages = {name: settings for name, settings in averages.items() if name in labels}
    points = _line_points(averages, present)
    if points.empty:
        raise InputError("there are no results of a variant with post_averaging and a radius: run its evaluations")
    undefended = {settings["from"] for settings in averages.values()}
    undefended |= {name for name, settings in averages.items() if settings.get("radius") == 0}
    references = {
        name: label for name, label in present.items() if name not in undefended and name not in {*points["variant"]}
    }
    styles = _line_styles(references, points, style_numbers or {name: number for number, name in enumerate(labels)})

    shown = _panel_rows(frame)
    models = list(frame["model"].cat.categories)
    rows = [(model, *where) for model in models for where in _attacked_at(shown, model)]
    panels = {name: title for name, title in _PANELS.items() if name in {*shown["panel"]}}
    figure = new_figure(TEXT_WIDTH, 0.3 + _PANEL_HEIGHT * len(rows))
    grid = figure.subplots(len(rows), len(panels), sharex=True, sharey=True, squeeze=False)
    one_seed = is_one_seed(frame.groupby(["model", "variant"], observed=True)["seed"].nunique())
    suffixes, images_note = images_of_panels({name: shown.loc[shown["panel"] == name, "n"] for name in panels})
    for number, ((model, norm, epsilon), cells) in enumerate(zip(rows, grid, strict=True)):
        where = (shown["norm"] == norm) & (shown["epsilon"] == epsilon) | (shown["panel"] == _CLEAN)
        of_row = shown[where & (shown["model"] == model)].astype({"variant": str})
        for (name, title), axes in zip(panels.items(), cells, strict=True):
            values = of_row[of_row["panel"] == name]
            _draw_references(axes, values, {key: styles[key] for key in references}, points["radius"].max())
            _draw_lines(axes, values, points, styles, one_seed)
            axes.set_xlabel("radius r" if number == len(rows) - 1 else "")
            axes.set_title(shorten_title(title, axes) + suffixes[name] if number == 0 else "")
            tick_measured(axes, points["radius"])
        scale_accuracies(cells[0])
        size = f"{norm_label(norm)} {epsilon}"
        cells[0].set_ylabel("\n".join([*([model] if len(models) > 1 else []), size, "accuracy (%)"]))
    bands = "bands: 95 % Wilson intervals of 1 seed" if one_seed else seeds_note(frame)
    add_legend(figure, styles, extra=_hollow_entry(shown), note=f"{_unit_note(averages)}; {bands}{images_note}")
    return figure


def _unit_note(averages: Mapping[str, Mapping[str, Any]]) -> str:
    units = {averaging_unit(settings) for settings in averages.values()}
    return f"r {UNITS[units.pop()] if len(units) == 1 else 'in the unit of each line'}"


def _line_points(averages: Mapping[str, Mapping[str, Any]], present: Mapping[str, str]) -> pd.DataFrame:
    """Return the variant at each radius of each line, with columns line, radius and variant, by radius.

    At 0 it is a variant with the radius 0, the line's own if there is one; else what the line's variants are made from.
    """
    series = averaging_series({name: settings for name, settings in averages.items() if name in present})
    points = []
    for line in dict.fromkeys(series.values()):
        names = [name for name, label in series.items() if label == line]
        first = averages[names[0]]
        without = [
            name
            for name, settings in averages.items()
            if name in present and settings.get("radius") == 0 and settings["beside"] == first["beside"]
        ]
        without.sort(key=lambda name: averages[name]["count"] != first["count"])
        zero = next(iter([*without, *(name for name in [first["from"]] if name in present)]), None)
        points += [(line, 0.0, zero)] if zero else []
        points += [(line, float(averages[name]["radius"]), name) for name in names]
    return pd.DataFrame(points, columns=["line", "radius", "variant"]).sort_values("radius", kind="stable")


def _line_styles(
    references: dict[str, str], points: pd.DataFrame, numbers: Mapping[str, int]
) -> dict[str, VariantStyle]:
    """Return the styles of the lines, by their names, then of the lines across, by variant."""
    # In the order of K, which by radius they may not be.
    lines = list(points[points["radius"] > 0]["line"].unique())
    taken = {numbers[name] for name in references}
    free = [number for number in range(len(lines) + len(taken)) if number not in taken]
    given = {**{name: numbers[name] for name in references}, **dict(zip(lines, free, strict=False))}
    return variant_styles({line: line for line in lines} | references, given)


def _panel_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Return what panels show, with `panel`, and `is_masked` where a sign of gradient masking holds."""
    attacked = frame[frame["metric"] == "accuracy"]
    held = {
        (*run, *where)
        for run, rows in attacked.groupby(RUN, observed=True)
        for where, signs in signs_of_run(rows).items()
        if any(signs.values())
    }
    clean = frame[frame["metric"] == "clean_accuracy"].assign(panel=_CLEAN)
    attacked = attacked[attacked["attack"].isin([*_PANELS])]
    shown = pd.concat([clean, attacked.assign(panel=attacked["attack"])], ignore_index=True)
    keys = zip(*(shown[name] for name in (*RUN, "norm", "epsilon", "panel")), strict=True)
    return shown.assign(is_masked=[panel == "adaptive" and (*key,) in held for *key, panel in keys])


def _attacked_at(shown: pd.DataFrame, model: str) -> list[tuple[str, str]]:
    """Return the norms and epsilons that a model was attacked with, from small to large."""
    attacked = shown[(shown["model"] == model) & (shown["panel"] != _CLEAN)]
    found = set(zip(attacked["norm"], attacked["epsilon"], strict=True))
    return sorted(found, key=lambda where: (where[0], parse_epsilon(where[1])))


def _draw_lines(
    axes: Axes, values: pd.DataFrame, points: pd.DataFrame, styles: Mapping[str, VariantStyle], one_seed: bool
) -> None:
    """Draw the lines of one panel, from its rows of one model."""
    lines = [name for name in styles if name in {*points["line"]}]
    for line, size in zip(lines, np.linspace(_LARGEST_MARKER, _MARKER, len(lines)), strict=True):
        style, stops = styles[line], points[points["line"] == line]
        shown = values[["variant", "value", "ci_low", "ci_high", "is_masked"]]  # another suite has a radius too
        by_radius = stops.merge(shown, on="variant").groupby("radius")
        means = by_radius["value"].mean()
        low, high = (by_radius[name].agg(how) for name, how in _band_columns(one_seed))
        axes.fill_between(
            means.index, low.astype(float), high.astype(float), color=style.colour, alpha=0.2, linewidth=0
        )
        axes.plot(means.index, means, color=style.colour, linestyle=(0, style.dashes), label=style.label)
        _draw_markers(axes, means, by_radius["is_masked"].any(), style, size)


def _band_columns(one_seed: bool) -> list[tuple[str, str]]:
    return [("ci_low", "min"), ("ci_high", "max")] if one_seed else [("value", "min"), ("value", "max")]


def _draw_references(axes: Axes, values: pd.DataFrame, styles: Mapping[str, VariantStyle], right: float) -> None:
    """Draw lines across, each with a marker at the largest radius."""
    draw_levels(axes, values, styles)
    for name, style in styles.items():
        rows = values[values["variant"] == name]
        if len(rows):
            mean = pd.Series([rows["value"].mean()], index=[right])
            _draw_markers(axes, mean, pd.Series([rows["is_masked"].any()], index=[right]), style, _MARKER)


def _draw_markers(axes: Axes, means: pd.Series, is_masked: pd.Series, style: VariantStyle, size: float) -> None:
    """Draw markers, hollow ones where a sign of gradient masking holds."""
    for masked, face, edge in ((False, style.colour, "white"), (True, "white", style.colour)):
        some = means[is_masked == masked]
        look = {"marker": style.marker, "markersize": size, "markerfacecolor": face, "markeredgecolor": edge}
        axes.plot(some.index, some, linestyle="none", zorder=3, **look)


def _hollow_entry(shown: pd.DataFrame) -> list[Line2D]:
    """Return what the legend says of hollow markers, where there are some."""
    label = "hollow: sign of gradient masking"
    look = {"color": "0.4", "marker": "o", "markerfacecolor": "white", "linestyle": "none"}
    return [Line2D([], [], label=label, **look)] if shown["is_masked"].any() else []
