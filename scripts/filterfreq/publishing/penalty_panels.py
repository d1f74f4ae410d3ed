"""The figure of one setting of the penalty, which two figures draw: of strength or layers, and of kind."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from filterfreq.publishing.attacks import attack_label, attack_pairs
from filterfreq.publishing.measures import ATTACK, CLEAN, CORRUPTION_MEAN, main_columns
from filterfreq.publishing.norms import norm_label
from filterfreq.publishing.panels import images_of_panels, scale_accuracies, seeds_note
from filterfreq.publishing.penalty_settings import penalty_series, sort_values
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.style import (
    TEXT_WIDTH,
    VariantStyle,
    add_legend,
    draw_levels,
    draw_lines,
    new_figure,
    use_style,
    variant_styles,
)
from filterfreq.runtime.errors import InputError

_SETTINGS = {
    "kind": "kind of penalty",
    "strength": "strength λ",
    "layers": "layers of the penalty",
}


@use_style
def draw_penalties(
    results: pd.DataFrame,
    labels: dict[str, str],
    penalties: Mapping[str, Mapping],
    along: str | None = None,
    epsilons: Mapping[str, str] | None = None,
    style_numbers: Mapping[str, int] | None = None,
) -> Figure:
    """Draw accuracy against a setting of the penalty: clean, under one attack of each norm, and on corrupted images.

    Each attack is the last one of its norm that the suite `adversarial` has, at the epsilon of `table_main`. Variants
    without a penalty are horizontal lines; those with one are a line for each combination of the other settings.

    Args:
        results: tidy results of one data set.
        labels: display labels of the variants by name, in order.
        penalties: of every variant with a penalty its kind, strength, layers and `beside`, as
            `filterfreq.study.study.Study.penalties` returns them.
        along: kind; or strength, or layers where there is one strength only, unless given.
        epsilons: for each norm the epsilon shown, see `filterfreq.publishing.measures.attacks_at_epsilon`.
        style_numbers: of the variants in the study, see `variant_styles`; a line has that of its first variant.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of a variant with a penalty.
    """
    frame = select(results, labels)
    present = present_variants(frame, labels)
    penalties = {name: penalty for name, penalty in penalties.items() if name in present}
    if not penalties:
        raise InputError("there are no results of a variant with a penalty: run its evaluations")
    if along is None:
        along = "strength" if len({penalty["strength"] for penalty in penalties.values()}) > 1 else "layers"
    series = penalty_series(penalties, along)
    values = sort_values(along, (penalty[along] for penalty in penalties.values()))
    references = {name: label for name, label in present.items() if name not in penalties}
    # A line's key has a space, which no variant's name has: a line and a variant without a penalty may look alike.
    line_labels = {f"line {number}": label for number, label in enumerate(dict.fromkeys(series.values()))}
    line_keys = {label: key for key, label in line_labels.items()}
    numbers = dict(style_numbers or {name: number for number, name in enumerate(labels)})
    for name in reversed(penalties):
        numbers[line_keys[series[name]]] = numbers[name]
    styles = variant_styles(references | line_labels, numbers)

    panels, images_note = _penalty_panels(frame, epsilons)
    models = list(frame["model"].cat.categories)
    figure = new_figure(TEXT_WIDTH, 0.3 + (2.7 if along == "kind" else 2.4) * len(models))
    grid = figure.subplots(len(models), len(panels), sharex=True, sharey=True, squeeze=False)
    for model, row in zip(models, grid, strict=True):
        for (title, measured), axes in zip(panels, row, strict=True):
            shown = measured[measured["model"] == model].astype({"variant": str})
            draw_levels(axes, shown, {name: styles[name] for name in references})
            swept = shown[shown["variant"].isin(series)]
            swept = swept.assign(
                position=[values.index(penalties[name][along]) for name in swept["variant"]],
                variant=swept["variant"].map(series).map(line_keys),
            )
            drawn = {name: style for name, style in styles.items() if name in set(swept["variant"])}
            if along == "kind":
                _markers_with_ranges(axes, swept, drawn)
            else:
                draw_lines(axes, swept, "position", "value", drawn, markers=True)
            axes.set_title(title if model == models[0] else "")
            axes.set_xlabel(_SETTINGS[along] if model == models[-1] else "")
            axes.set_ylabel("")
            axes.set_xlim(-0.4, len(values) - 0.6)
            axes.set_xticks(range(len(values)), [str(value) for value in values])
            if along == "kind":
                axes.set_xticks(range(len(values)), values, rotation=40, ha="right", rotation_mode="anchor")
        scale_accuracies(row[0])
        row[0].set_ylabel(f"{model}\naccuracy (%)" if len(models) > 1 else "accuracy (%)")
    lines = {name: style._replace(marker="") if name in references else style for name, style in styles.items()}
    points = [
        Line2D([], [], color=style.colour, marker=style.marker, linestyle="none", label=style.label)
        for style in (styles[key] for key in line_labels if along == "kind")
    ]
    shown = {name: lines[name] for name in (references if along == "kind" else lines)}
    drawn = ("lines and markers", "bands and bars") if along == "kind" else ("lines", "bands")
    add_legend(figure, shown, extra=points, note=seeds_note(frame, *drawn) + images_note)
    return figure


def _penalty_panels(
    frame: pd.DataFrame, epsilons: Mapping[str, str] | None
) -> tuple[list[tuple[str, pd.DataFrame]], str]:
    """Return each panel's title, and its values with columns model, variant, seed and value.

    And what the legend says of their images.
    """
    last = {norm: attack for attack, norm in attack_pairs(frame[frame["suite"] == "adversarial"])}
    titles = {CLEAN: "clean", CORRUPTION_MEAN: "common corruptions"}
    panels = {}
    for found in main_columns(frame, "", epsilons):
        if found.key[0] == ATTACK:
            _, attack, norm, epsilon = found.key
            if last.get(norm) != attack:
                continue
            title = f"{attack_label(attack)}, {norm_label(norm)} {epsilon}"
            titles[found.key] = title
        if found.key in titles:
            panels[found.key] = found
    suffixes, images_note = images_of_panels({key: found.images for key, found in panels.items()})
    shown = [
        (titles[key] + suffixes[key], found.numbers.rename("value").reset_index()) for key, found in panels.items()
    ]
    return shown, images_note


def _markers_with_ranges(axes: Axes, frame: pd.DataFrame, styles: dict[str, VariantStyle]) -> None:
    """Draw means over seeds as markers beside each other, with bars from the lowest to the highest seed."""
    for number, (name, style) in enumerate(styles.items()):
        by_position = frame[frame["variant"] == name].groupby("position")["value"].agg(["mean", "min", "max"])
        offset = 0.5 * ((number + 0.5) / len(styles) - 0.5)
        axes.errorbar(
            by_position.index + offset,
            by_position["mean"],
            yerr=[by_position["mean"] - by_position["min"], by_position["max"] - by_position["mean"]],
            color=style.colour,
            marker=style.marker,
            linestyle="none",
            elinewidth=1,
        )
