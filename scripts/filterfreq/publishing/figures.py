"""The figures of robustness, shape bias, learned filters and training, from tidy results.

Every function takes what `filterfreq.evaluation.results.read_results` returns, of one data set, and the variants to
show (names and display labels, in order). Where there are several models, each has its own row or column of panels.
Lines and markers are means over seeds; bands and bars reach from the lowest to the highest seed, which the legend says
with the number of seeds and, where no panel has others, of images.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, MultipleLocator

from filterfreq.publishing.measures import calibration_errors, clean_beside, main_columns
from filterfreq.publishing.selection import (
    attack_label,
    attacks,
    corruption_label,
    family_grid,
    images_phrase,
    in_order,
    penalty_series,
    present_variants,
    seeds_phrase,
    select,
)
from filterfreq.publishing.style import (
    COLUMN_WIDTH,
    PERCENT,
    SEED_RANGE,
    TEXT_WIDTH,
    VariantStyle,
    add_legend,
    draw_lines,
    literal,
    new_figure,
    styled,
    variant_styles,
    wrapped,
)
from filterfreq.runtime.errors import InputError

_NORMS = {"linf": r"$\ell_\infty$", "l2": r"$\ell_2$"}
_PASSES = {"low": "low frequencies kept", "high": "high frequencies kept"}
_PANELS_IN_A_ROW = 4
_SETTINGS = {
    "kind": "kind of penalty",
    "strength": r"strength $\lambda$",
    "depth": "depth (1: all layers, 3: first third)",
}
_HEAT = "mako_r"
# Of the heat maps, in inches. Shares are written where two digits and a margin fit into a cell.
_LARGEST_CELL, _WRITTEN_CELL = 0.17, 0.15
_WIDEST_HEAT_MAPS = 2.1
_TALLEST_HEAT_MAPS = 6.0  # of all models together
_CURVES_ABOVE = 2.2  # height of curves that stand above heat maps
_VARIANTS_BESIDE, _MODELS_WITH_HEAT_MAPS = 4, 3
_PANELS_WIDTH = 3.8  # what labels and the colour bar leave of the text's width


@styled
def accuracy_against_epsilon(results: pd.DataFrame, variants: dict[str, str]) -> Figure:
    """Draw accuracy against the size of the perturbation, a panel for each attack and norm; models below each other.

    Every line begins at the clean accuracy on the attacked images, whose number is in the titles where panels differ in
    it. AutoAttack, usually measured at few sizes, is drawn as hollow markers into the last panel of its norm, where the
    strongest attack with that norm is, or where that is of other images into a panel of its own; so is one of its
    attacks that was measured without it.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of an attack.
    """
    select(results, variants, ["adversarial", "autoattack"])
    frame = select(results, variants, ["clean", "adversarial", "autoattack"])
    styles = variant_styles(present_variants(frame, variants))
    pairs = attacks(frame)
    images = {pair: images_phrase(_of_attack(frame, *pair)["n"]) for pair in pairs}
    suffixes, of_all = _images_of_panels(images)
    auto = attacks(frame[frame["suite"] == "autoattack"])
    # AutoAttack itself, or else the last of its attacks.
    guests = {norm: (attack, norm) for attack, norm in sorted(auto, key=lambda pair: pair[0] == "autoattack")}
    host = {norm: (attack, norm) for attack, norm in pairs if (attack, norm) != guests.get(norm)}
    guests = {norm: pair for norm, pair in guests.items() if norm in host and images[pair] == images[host[norm]]}
    norms = list(dict.fromkeys(norm for _, norm in pairs))
    panels = sorted((pair for pair in pairs if pair not in guests.values()), key=lambda pair: norms.index(pair[1]))

    models = list(frame["model"].cat.categories)
    figure, grids = _panel_grids(models, len(panels))
    for model, cells in zip(models, grids, strict=True):
        of_model = frame[frame["model"] == model]
        for (attack, norm), axes in zip(panels, cells, strict=True):
            draw_lines(axes, _attack_curve(of_model, attack, norm), "epsilon", "value", styles, markers=True)
            if norm in guests and host[norm] == (attack, norm):
                _hollow_markers(axes, _attack_curve(of_model, *guests[norm], clean=False), styles)
            title = f"{literal(attack_label(attack))}, {_norm(norm)}{suffixes[attack, norm]}"
            axes.set_title(title if model == models[0] else "", parse_math=True)
            axes.set_xlabel(_epsilon_label(norm), parse_math=True)
            axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    extra = [
        Line2D([], [], color="0.4", marker="o", markerfacecolor="white", linestyle="none", label=attack_label(name))
        for name in dict.fromkeys(guest for guest, _ in guests.values())
    ]
    add_legend(figure, styles, extra=extra, note=_seeds_note(frame) + of_all)
    return figure


@styled
def corruptions(results: pd.DataFrame, variants: dict[str, str]) -> Figure:
    """Draw accuracy against severity, one panel per corruption: a row per family, extra corruptions in the last column.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of corruptions.
    """
    frame = select(results, variants, ["corruption"])
    frame = frame[frame["metric"] == "accuracy"]
    styles = variant_styles(present_variants(frame, variants))
    families, columns = family_grid(frame["corruption"].unique())
    models = list(frame["model"].cat.categories)
    figure = new_figure(TEXT_WIDTH, 0.2 + (0.3 + 1.0 * len(families)) * len(models))
    for model, part in _parts(figure, models):
        of_model = frame[frame["model"] == model]
        grid = part.subplots(len(families), columns, sharex=True, sharey=True, squeeze=False)
        for (family, places), row in zip(families.items(), grid, strict=True):
            for place, axes in enumerate(row):
                if place not in places:
                    axes.set_axis_off()
                    continue
                its_rows = of_model[of_model["corruption"] == places[place]].astype({"severity": "float64"})
                draw_lines(axes, its_rows, "severity", "value", styles, markers=True)
                axes.set_title(corruption_label(places[place]), pad=3)
                axes.set_xlabel("")
            row[0].set_ylabel(family)
            row[0].yaxis.set_major_formatter(PERCENT)
        grid[0, 0].xaxis.set_major_locator(MultipleLocator(1))
        part.supxlabel("severity")
        part.supylabel("accuracy (%)")
    add_legend(figure, styles, note=_note(frame))
    return figure


@styled
def frequency_filtered(results: pd.DataFrame, variants: dict[str, str]) -> Figure:
    """Draw accuracy on low-passed and high-passed images against the radius, one panel each, one row per model.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of filtered images.
    """
    frame = select(results, variants, ["frequency_filtered"])
    styles = variant_styles(present_variants(frame, variants))
    panels = {kind: title for kind, title in _PASSES.items() if (frame["pass"] == kind).any()}
    models = list(frame["model"].cat.categories)
    figure = new_figure(COLUMN_WIDTH * len(panels), 0.3 + 1.7 * len(models))
    grid = figure.subplots(len(models), len(panels), sharey=True, sharex="col", squeeze=False)
    for model, row in zip(models, grid, strict=True):
        for kind, axes in zip(panels, row, strict=True):
            shown = frame[(frame["model"] == model) & (frame["pass"] == kind)]
            draw_lines(axes, shown, "radius", "value", styles, markers=True)
            axes.set_title(panels[kind] if model == models[0] else "")
            axes.set_xlabel("radius (cycles per image)" if model == models[-1] else "")
            axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        row[0].set_ylabel(f"{model}\naccuracy (%)" if len(models) > 1 else "accuracy (%)")
        row[0].set_ylim(-0.03, 1.04)
        row[0].yaxis.set_major_formatter(PERCENT)
    add_legend(figure, styles, note=_note(frame))
    return figure


@styled
def shape_bias(results: pd.DataFrame, variants: dict[str, str]) -> Figure:
    """Draw the shape bias of every category, as Geirhos et al. (ICLR 2019), figure 4, do.

    Markers stand at the fraction of shape decisions among the decisions for shape or texture, from shape on the left to
    texture on the right; a vertical line marks each variant's shape bias over all images.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of cue conflict.
    """
    frame = select(results, variants, ["cue_conflict"])
    images = images_phrase(frame.loc[frame["metric"] == "accuracy", "n"])  # a shape bias counts decisions for a cue
    frame = frame[frame["metric"] == "shape_bias"]
    styles = variant_styles(present_variants(frame, variants))
    categories = [name for name in frame["category"].unique() if name != "overall"]
    models = list(frame["model"].cat.categories)
    width = COLUMN_WIDTH if len(models) == 1 else TEXT_WIDTH
    row_height = max(0.2, 0.055 * len(styles))
    figure = new_figure(width, 0.8 + row_height * len(categories))
    grid = figure.subplots(1, len(models), sharey=True, squeeze=False)[0]
    for model, axes in zip(models, grid, strict=True):
        of_model = frame[frame["model"] == model]
        overall = of_model[of_model["category"] == "overall"].groupby("variant", observed=True)["value"].mean()
        for name, value in overall.items():
            axes.axvline(value, color=styles[name].colour, linestyle=(0, styles[name].dashes), zorder=1)
        sns.pointplot(
            of_model[of_model["category"] != "overall"],
            x="value",
            y="category",
            order=categories,
            hue="variant",
            hue_order=list(styles),
            palette={name: style.colour for name, style in styles.items()},
            markers=[style.marker for style in styles.values()],
            markersize=3.5,
            markeredgecolor="white",
            markeredgewidth=0.4,
            linestyles="none",
            err_kws={"linewidth": 0.8},
            errorbar=SEED_RANGE,
            dodge=0.6 if len(styles) > 1 else False,
            orient="y",
            legend=False,
            ax=axes,
        )
        axes.set(xlim=(1.02, -0.02), xlabel="fraction of 'shape' decisions")
        axes.set_ylabel("shape category" if axes is grid[0] else "")
        axes.xaxis.set_label_position("top")
        axes.xaxis.tick_top()
        texture = axes.secondary_xaxis("bottom", functions=(_complement, _complement))
        texture.set_xlabel("fraction of 'texture' decisions")
        axes.set_yticks(range(len(categories)), [wrapped(name.replace("_", " "), 20, 2) for name in categories])
        axes.set_yticks(np.arange(len(categories) - 1) + 0.5, minor=True)
        axes.grid(visible=False, axis="y")
        axes.grid(axis="y", which="minor", color="0.75", linestyle="dotted")
        if len(models) > 1:
            axes.set_title(model)
    note = "; ".join(filter(None, (_seeds_note(frame, "markers", "bars"), images)))
    add_legend(figure, styles, note=note)
    return figure


@styled
def dct_energy(results: pd.DataFrame, variants: dict[str, str]) -> Figure:
    """Draw the high-frequency share of the filters' energy against depth, and the share of every DCT coefficient.

    A coefficient (k, l) of an N x N filter is high-frequency where max(k, l) > (N - 1) / 2: the penalty `highest`
    acts on these. Heat maps show the first, the middle and the last layer of every variant, beside the curves or, of
    more than four variants, below; of more than three models there are curves alone.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of filters.
    """
    frame = select(results, variants, ["filters"])
    styles = variant_styles(present_variants(frame, variants))
    frequency = frame[["horizontal", "vertical"]].astype("int64").max(axis="columns")
    largest = frequency.groupby([frame["model"], frame["variant"], frame["index"]], observed=True).transform("max")
    keys = ["model", "variant", "seed", "depth"]
    shares = frame[frequency > largest / 2].groupby(keys, observed=True)["value"].sum().reset_index()
    models = list(frame["model"].cat.categories)
    if len(models) > _MODELS_WITH_HEAT_MAPS:
        figure = _energy_curves(shares, models, styles)
        add_legend(figure, styles, note=_seeds_note(frame))
        return figure
    # A model's own variants: of downloaded models each has others.
    own = {
        model: {name: style for name, style in styles.items() if name in set(rows["variant"])}
        for model, rows in frame.groupby("model", observed=True)
    }
    below = max(map(len, own.values())) > _VARIANTS_BESIDE
    place = 2 + int(frequency.max())  # cells from one heat map to the next
    maps = sum(map(len, own.values()))
    cell = min(_LARGEST_CELL, _WIDEST_HEAT_MAPS / (3 * place), _TALLEST_HEAT_MAPS / (place * maps))
    heights = [cell * place * len(own[model]) for model in models]
    width = 3 * cell * place
    above = _CURVES_ABOVE if below else 0
    figure = new_figure(TEXT_WIDTH, 0.2 + (1.2 + above) * len(models) + sum(heights))
    figure.get_layout_engine().set(w_pad=0.08)
    shape = {"width_ratios": (_PANELS_WIDTH - width, width), "height_ratios": [height + 1 for height in heights]}
    if below:
        shape = {"height_ratios": [ratio for height in heights for ratio in (above, height + 1)]}
    grid = figure.subplots(len(models) * (1 + below), 2 - below, squeeze=False, **shape).reshape(len(models), 2)
    for model, height, (curve, heat) in zip(models, heights, grid, strict=True):
        _draw_energy(curve, shares[shares["model"] == model], styles)
        if not below:
            curve.set_box_aspect(min(1.5, height / (_PANELS_WIDTH - width)))
            curve.set_anchor("N")
        curve.set_title(model if len(models) > 1 else "")
        _heat_maps(heat, frame[frame["model"] == model], own[model], written=cell > _WRITTEN_CELL)
    add_legend(figure, styles, note=_seeds_note(frame))
    figure.draw_without_rendering()  # squares move when they are first drawn; the second layout counts with that
    return figure


@styled
def transfer(results: pd.DataFrame, variants: dict[str, str]) -> Figure:
    """Draw accuracy against epsilon under attacks made on another model, beside those made on the model itself.

    One row per model; each attack and norm has a panel for the attacks on the model itself, where they were measured,
    and one for those transferred.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of transferred attacks.
    """
    select(results, variants, ["transfer"])
    frame = select(results, variants, ["clean", "adversarial", "transfer"])
    styles = variant_styles(present_variants(frame, variants))
    transferred = frame[(frame["suite"] == "transfer") & (frame["metric"] == "accuracy")]
    source = ", ".join(variants.get(name, name) for name in transferred["source"].unique())
    panels = [
        (attack, norm, suite, title)
        for attack, norm in transferred[["attack", "norm"]].drop_duplicates().itertuples(index=False, name=None)
        for suite, title in (("adversarial", "made on the model itself"), ("transfer", f"made on {source}"))
        if ((frame["suite"] == suite) & (frame["attack"] == attack) & (frame["norm"] == norm)).any()
    ]
    suffixes, of_all = _images_of_panels(
        {
            (attack, norm, suite): images_phrase(_of_attack(frame[frame["suite"] == suite], attack, norm)["n"])
            for attack, norm, suite, _ in panels
        }
    )
    models = list(frame["model"].cat.categories)
    figure, grids = _panel_grids(models, len(panels))
    for model, cells in zip(models, grids, strict=True):
        of_model = frame[frame["model"] == model]
        for axes, (attack, norm, suite, title) in zip(cells, panels, strict=True):
            shown = of_model[of_model["suite"].isin(["clean", suite])]
            draw_lines(axes, _attack_curve(shown, attack, norm), "epsilon", "value", styles, markers=True)
            attacked = f"{literal(attack_label(attack))}, {_norm(norm)}{suffixes[attack, norm, suite]}"
            heading = f"{attacked},\n{literal(wrapped(title, 40, 2))}"
            axes.set_title(heading if model == models[0] else "", parse_math=True)
            axes.set_xlabel(_epsilon_label(norm), parse_math=True)
            axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    add_legend(figure, styles, note=_seeds_note(frame) + of_all)
    return figure


@styled
def calibration(results: pd.DataFrame, variants: dict[str, str]) -> Figure:
    """Draw the expected calibration error against the severity of the common corruptions, 0 being clean images.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of calibration.
    """
    errors = calibration_errors(select(results, variants, ["clean", "corruption"]))
    frame = errors.groupby(["model", "variant", "seed", "severity"], observed=True)["value"].mean().reset_index()
    styles = variant_styles(present_variants(frame, variants))
    models = list(frame["model"].cat.categories)
    columns = min(len(models), 3)
    rows = -(-len(models) // columns)
    figure = new_figure(COLUMN_WIDTH if columns == 1 else TEXT_WIDTH, 0.3 + 1.9 * rows)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for model, axes in zip(models, grid.ravel(), strict=False):
        draw_lines(axes, frame[frame["model"] == model], "severity", "value", styles, markers=True)
        axes.set_title(model if len(models) > 1 else "")
        axes.set(xlabel="severity (0: clean)", ylabel="")
        axes.xaxis.set_major_locator(MultipleLocator(1))
        axes.xaxis.set_tick_params(labelbottom=True)
    for axes in grid.ravel()[len(models) :]:
        axes.set_axis_off()
    for row in grid:
        row[0].set_ylabel("calibration error (%)")
        row[0].set_ylim(bottom=0)
        row[0].yaxis.set_major_formatter(PERCENT)
    add_legend(figure, styles, note=_note(errors))
    return figure


@styled
def penalties(
    results: pd.DataFrame,
    variants: dict[str, str],
    settings: Mapping[str, Mapping],
    along: str | None = None,
    epsilons: Mapping[str, str] | None = None,
) -> Figure:
    """Draw accuracy against a setting of the penalty: clean, under one attack of each norm, and on corrupted images.

    Each attack is the last one of its norm that the suite `adversarial` has, at the epsilon of `main_table`. Variants
    without a penalty are horizontal lines; those with one are a line for each combination of the other settings.

    Args:
        results: tidy results of one data set.
        variants: names and display labels, in order.
        settings: of every variant with a penalty its kind, strength, depth and `beside`, as
            `filterfreq.study.study.Study.penalties` returns them.
        along: kind; or strength, or depth where there is one strength only, unless given.
        epsilons: for each norm the epsilon shown, see `filterfreq.publishing.measures.at_epsilon`.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of a variant with a penalty.
    """
    frame = select(results, variants)
    present = present_variants(frame, variants)
    settings = {name: penalty for name, penalty in settings.items() if name in present}
    if not settings:
        raise InputError("there are no results of a variant with a penalty: run its evaluations")
    if along is None:
        along = "strength" if len({penalty["strength"] for penalty in settings.values()}) > 1 else "depth"
    series = penalty_series(settings, along)
    values = list(dict.fromkeys(settings[name][along] for name in settings))
    values = values if along == "kind" else sorted(values)
    references = {name: label for name, label in present.items() if name not in settings}
    styles = variant_styles(references | {name: name for name in series.values()})

    panels, of_all = _penalty_panels(frame, epsilons)
    models = list(frame["model"].cat.categories)
    figure = new_figure(TEXT_WIDTH, 0.3 + (2.1 if along == "kind" else 1.8) * len(models))
    grid = figure.subplots(len(models), len(panels), sharex=True, squeeze=False)
    for model, row in zip(models, grid, strict=True):
        for (title, measured), axes in zip(panels.items(), row, strict=True):
            shown = measured[measured["model"] == model].astype({"variant": str})
            for name in references:
                of_reference = shown.loc[shown["variant"] == name, "value"]
                if len(of_reference):
                    colour, dashes = styles[name].colour, (0, styles[name].dashes)
                    axes.axhspan(of_reference.min(), of_reference.max(), color=colour, alpha=0.12, linewidth=0)
                    axes.axhline(of_reference.mean(), color=colour, linestyle=dashes)
            swept = shown[shown["variant"].isin(series)]
            swept = swept.assign(
                place=[values.index(settings[name][along]) for name in swept["variant"]],
                variant=swept["variant"].map(series),
            )
            drawn = {name: style for name, style in styles.items() if name in set(swept["variant"])}
            if along == "kind":
                _markers_with_ranges(axes, swept, drawn)
            else:
                draw_lines(axes, swept, "place", "value", drawn, markers=True)
            axes.set_title(title if model == models[0] else "", parse_math=True)
            axes.set_xlabel(_SETTINGS[along] if model == models[-1] else "", parse_math=True)
            axes.set_ylabel("")
            axes.set_xlim(-0.4, len(values) - 0.6)
            axes.set_xticks(range(len(values)), [str(value) for value in values])
            if along == "kind":
                axes.set_xticks(range(len(values)), values, rotation=40, ha="right", rotation_mode="anchor")
            axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
            axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.3g}")
        row[0].set_ylabel(f"{model}\naccuracy (%)" if len(models) > 1 else "accuracy (%)")
    lines = {name: style._replace(marker="") if name in references else style for name, style in styles.items()}
    points = [
        Line2D([], [], color=style.colour, marker=style.marker, linestyle="none", label=style.label)
        for style in (styles[name] for name in dict.fromkeys(series.values()) if along == "kind")
    ]
    shown = {name: lines[name] for name in (references if along == "kind" else lines)}
    drawn = ("lines and markers", "bands and bars") if along == "kind" else ("lines", "bands")
    add_legend(figure, shown, extra=points, note=_seeds_note(frame, *drawn) + of_all)
    return figure


@styled
def training_curves(histories: pd.DataFrame, variants: dict[str, str]) -> Figure:
    """Draw loss, penalty and accuracies against the epoch, one row per model.

    Args:
        histories: columns model, variant, seed, epoch (from 1), loss, penalty, train_accuracy, test_accuracy.
        variants: names and display labels, in order.

    Raises:
        InputError: a column is missing, or no variant has a history.
    """
    panels = {
        "loss": "cross entropy",
        "penalty": "frequency penalty",
        "train_accuracy": "training accuracy (%)",
        "test_accuracy": "test accuracy (%)",
    }
    missing = [name for name in ("model", "variant", "seed", "epoch", *panels) if name not in histories]
    if missing:
        raise InputError(f"the training histories lack the columns {', '.join(missing)}: train again")
    frame = histories[histories["variant"].isin(list(variants))]
    if frame.empty:
        raise InputError(f"there are no training histories of the variants {', '.join(variants)}: train them")
    frame = in_order(frame, variants)
    styles = variant_styles(present_variants(frame, variants))
    if not frame["penalty"].any():
        del panels["penalty"]
    models = list(frame["model"].cat.categories)
    figure = new_figure(TEXT_WIDTH, 0.2 + 1.6 * len(models))
    grid = figure.subplots(len(models), len(panels), sharex=True, squeeze=False)
    for model, row in zip(models, grid, strict=True):
        of_model = frame[frame["model"] == model]
        for (column, title), axes in zip(panels.items(), row, strict=True):
            shown = of_model[of_model["penalty"] > 0] if column == "penalty" else of_model
            draw_lines(axes, shown, "epoch", column, styles, markers=False)
            axes.set_title(title if model == models[0] else "")
            axes.set(xlabel="epoch" if model == models[-1] else "", ylabel="")
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
            if column.endswith("accuracy"):
                axes.yaxis.set_major_formatter(PERCENT)
        if len(models) > 1:
            row[0].set_ylabel(model)
    add_legend(figure, styles, markers=False, note=_seeds_note(frame))
    return figure


def _seeds_note(frame: pd.DataFrame, lines: str = "lines", bands: str = "bands") -> str:
    """Say what lines and bands are, and of how many seeds."""
    seeds = seeds_phrase(frame.groupby(["model", "variant"], observed=True)["seed"].nunique())
    return seeds if seeds == "1 seed" else f"{lines}: mean, {bands}: lowest to highest of {seeds}"


def _note(frame: pd.DataFrame) -> str:
    """Say the same, and on how many images each value stands."""
    return f"{_seeds_note(frame)}; {images_phrase(frame['n'])}"


def _images_of_panels(images: Mapping[Any, str]) -> tuple[dict[Any, str], str]:
    """Say of panels of different images in each title on how many it stands; of others, once in the legend."""
    if len(set(images.values())) > 1:
        return {panel: f",\n{phrase}" for panel, phrase in images.items()}, ""
    return dict.fromkeys(images, ""), "".join(f"; {phrase}" for phrase in set(images.values()))


def _penalty_panels(frame: pd.DataFrame, epsilons: Mapping[str, str] | None) -> tuple[dict[str, pd.DataFrame], str]:
    """Return the values of every panel by title, as of a formula, with columns model, variant, seed and value.

    And what the legend says of their images.
    """
    last = {norm: attack_label(attack) for attack, norm in attacks(frame[frame["suite"] == "adversarial"])}
    titles = {("clean", ""): "clean", ("corruptions", "mean"): "common corruptions"}
    panels, images = {}, {}
    for measure, setting, numbers, counts in main_columns(frame, "", epsilons):
        norm = setting.partition(" ")[0].lower()
        if (measure, setting) in titles:
            title = titles[measure, setting]
        elif last.get(norm) == measure:
            title = f"{literal(measure)}, {_norm(norm)} {literal(setting.partition(' ')[2])}"
        else:
            continue
        panels[title] = numbers.rename("value").reset_index()
        images[title] = images_phrase(counts)
    suffixes, of_all = _images_of_panels(images)
    return {title + suffixes[title]: rows for title, rows in panels.items()}, of_all


def _markers_with_ranges(axes: Axes, frame: pd.DataFrame, styles: dict[str, VariantStyle]) -> None:
    """Draw means over seeds as markers beside each other, with bars from the lowest to the highest seed."""
    for number, (name, style) in enumerate(styles.items()):
        by_place = frame[frame["variant"] == name].groupby("place")["value"].agg(["mean", "min", "max"])
        offset = 0.5 * ((number + 0.5) / len(styles) - 0.5)
        axes.errorbar(
            by_place.index + offset,
            by_place["mean"],
            yerr=[by_place["mean"] - by_place["min"], by_place["max"] - by_place["mean"]],
            color=style.colour,
            marker=style.marker,
            linestyle="none",
            elinewidth=1,
        )


def _norm(norm: str) -> str:
    """Return a norm as a formula, or as it is called where it is none of ours."""
    return _NORMS.get(norm, literal(norm))


def _epsilon_label(norm: str) -> str:
    unit = "/255" if norm == "linf" else f"{_norm(norm)} norm"
    return rf"perturbation $\varepsilon$ ({unit})"


def _of_attack(frame: pd.DataFrame, attack: str, norm: str) -> pd.DataFrame:
    return frame[(frame["attack"] == attack) & (frame["norm"] == norm)]


def _attack_curve(frame: pd.DataFrame, attack: str, norm: str, clean: bool = True) -> pd.DataFrame:
    """Return the accuracies under one attack with `epsilon` in the panel's unit; as epsilon 0 those without attack."""
    rows = _of_attack(frame, attack, norm)
    rows = rows.assign(epsilon=rows["epsilon_value"].astype(float) * (255 if norm == "linf" else 1))
    return pd.concat([clean_beside(frame, rows).assign(epsilon=0.0), rows], ignore_index=True) if clean else rows


def _hollow_markers(axes: Axes, rows: pd.DataFrame, styles: dict[str, VariantStyle]) -> None:
    means = rows.groupby(["variant", "epsilon"], observed=True)["value"].mean()
    for name, values in means.groupby(level="variant", observed=True):
        axes.plot(
            values.index.get_level_values("epsilon"),
            values,
            linestyle="none",
            marker=styles[name].marker,
            markersize=5,
            markerfacecolor="white",
            markeredgecolor=styles[name].colour,
            label=name,
            zorder=4,
        )


def _panel_grids(models: list[str], panels: int) -> tuple[Figure, list[list[Axes]]]:
    """Return a figure with so many panels of accuracies for each model, at most four in a row, and the panels."""
    rows = -(-panels // _PANELS_IN_A_ROW)
    columns = -(-panels // rows)
    figure = new_figure(COLUMN_WIDTH if columns == 1 else TEXT_WIDTH, 0.3 + 1.75 * rows * len(models))
    grid = figure.subplots(len(models) * rows, columns, sharey=True, squeeze=False)
    grids = [grid[place * rows : (place + 1) * rows].ravel() for place in range(len(models))]
    for model, cells in zip(models, grids, strict=True):
        for axes in cells[panels:]:
            axes.set_axis_off()
        for axes in cells[::columns]:
            axes.set_ylabel(f"{model}\naccuracy (%)" if len(models) > 1 else "accuracy (%)")
            axes.set_ylim(-0.03, 1.04)
            axes.yaxis.set_major_formatter(PERCENT)
    return figure, [list(cells[:panels]) for cells in grids]


def _parts(figure: Figure, models: list[str]) -> list[tuple[str, SubFigure]]:
    """Return a part of the figure for every model, titled where there are several."""
    parts = figure.subfigures(len(models), 1, squeeze=False)[:, 0]
    if len(models) > 1:
        for model, part in zip(models, parts, strict=True):
            part.suptitle(model)
    return list(zip(models, parts, strict=True))


def _draw_energy(axes: Axes, shares: pd.DataFrame, styles: dict[str, VariantStyle]) -> None:
    draw_lines(axes, shares, "depth", "value", styles, markers=True)
    axes.set(xlabel="depth (0: first, 1: last layer)", ylabel="high-frequency energy (%)")
    axes.yaxis.set_major_formatter(PERCENT)


def _energy_curves(shares: pd.DataFrame, models: list[str], styles: dict[str, VariantStyle]) -> Figure:
    """Draw the high-frequency shares of many models, three in a row on common axes."""
    columns = 3
    rows = -(-len(models) // columns)
    figure = new_figure(TEXT_WIDTH, 0.3 + 1.8 * rows)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for model, axes in zip(models, grid.ravel(), strict=False):
        _draw_energy(axes, shares[shares["model"] == model], styles)
        axes.set_title(model)
        axes.set_ylabel(axes.get_ylabel() if axes in grid[:, 0] else "")
        axes.xaxis.set_tick_params(labelbottom=True)
    for axes in grid.ravel()[len(models) :]:
        axes.set_axis_off()
    return figure


def _complement(values: np.ndarray) -> np.ndarray:
    return 1 - values


def _shown_layers(frame: pd.DataFrame) -> dict[str, dict[str, tuple[int, str]]]:
    """Return the index and the name of the first, the middle and the last layer of every variant."""
    shown = {}
    for name, rows in frame.groupby("variant", observed=True):
        layers = rows.drop_duplicates("index").sort_values("index")
        pairs = list(layers[["index", "layer"]].itertuples(index=False, name=None))
        places = {len(pairs) // 2: "middle", len(pairs) - 1: "last", 0: "first"}  # in a small network some coincide
        shown[name] = {places[place]: pairs[place] for place in sorted(places)}
    return shown


def _heat_maps(axes: Axes, frame: pd.DataFrame, styles: dict[str, VariantStyle], written: bool) -> None:
    """Draw the mean share of every coefficient: rows are the variants, columns the first, middle and last layer.

    All are one heat map with empty cells between them. Smaller filters fill the upper left of their place. Layers are
    named where all variants have the same.
    """
    shown = _shown_layers(frame)
    columns = [place for place in ("first", "middle", "last") if any(place in layers for layers in shown.values())]
    side = 1 + int(frame[["horizontal", "vertical"]].to_numpy().max())
    lefts = {place: column * (side + 1) for column, place in enumerate(columns)}
    tops = {name: row * (side + 1) for row, name in enumerate(styles)}
    shares = np.full((len(tops) * (side + 1) - 1, len(lefts) * (side + 1) - 1), np.nan)
    lefts_of = {(name, index): lefts[place] for name in shown for place, (index, _) in shown[name].items()}
    means = frame.groupby(["index", "variant", "vertical", "horizontal"], observed=True)["value"].mean()
    for (index, name, vertical, horizontal), share in means.items():
        if (name, index) in lefts_of:
            shares[tops[name] + vertical, lefts_of[name, index] + horizontal] = share
    sns.heatmap(
        100 * shares,
        ax=axes,
        annot=written,
        fmt=".0f",
        annot_kws={"size": 7},
        cmap=_HEAT,
        vmin=0,
        square=True,
        cbar_kws={"label": "share of the\nlayer's energy (%)", "pad": 0.02},
    )
    axes.grid(visible=False)
    frequencies = list(range(side)) if written else [0, side - 1]
    axes.set_xticks(
        [left + k + 0.5 for left in lefts.values() for k in frequencies], frequencies * len(lefts), rotation=0
    )
    axes.set_yticks([top + k + 0.5 for top in tops.values() for k in frequencies], frequencies * len(tops), rotation=0)
    axes.set(xlabel="horizontal frequency", ylabel="vertical frequency")
    offset = {"textcoords": "offset points"}
    for place, left in lefts.items():
        names = {layers[place][1] for layers in shown.values() if place in layers}
        title = f"{place}: {names.pop()}" if len(names) == 1 else place
        axes.annotate(title, (left + side / 2, 0), (0, 3), ha="left", va="bottom", rotation=30, **offset)
    for name, top in tops.items():
        label = wrapped(styles[name].label, 18, 4)
        axes.annotate(label, (0, top + side / 2), (-27, 0), ha="right", va="center", size=7, **offset)
