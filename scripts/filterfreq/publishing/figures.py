"""The figures of robustness, shape bias, learned filters and training, from tidy results.

Every function takes what `filterfreq.evaluation.results.read_results` returns, of one data set, and the variants to
show (names and display labels, in order). Where there are several models, each has its own row or column of panels.
Lines and markers are means over seeds; bands and bars reach from the lowest to the highest seed.
"""

import textwrap

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, MultipleLocator

from filterfreq.errors import InputError
from filterfreq.publishing.selection import (
    attack_label,
    attacks,
    corruption_label,
    family_grid,
    in_order,
    present_variants,
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
    new_figure,
    styled,
    variant_styles,
)

_NORMS = {"linf": r"$\ell_\infty$", "l2": r"$\ell_2$"}
_PASSES = {"low": "low frequencies kept", "high": "high frequencies kept"}
_HEAT = "mako_r"
# Of the heat maps, in inches. Shares are written where two digits and a margin fit into a cell.
_LARGEST_CELL, _WRITTEN_CELL = 0.17, 0.15
_WIDEST_HEAT_MAPS = 2.1
_TALLEST_HEAT_MAPS = 6.0  # of all models together
_PANELS_WIDTH = 3.8  # what labels and the colour bar leave of the text's width


@styled
def accuracy_against_epsilon(results: pd.DataFrame, variants: dict[str, str]) -> Figure:
    """Draw accuracy against the size of the perturbation, one panel per attack and norm, one row per model.

    Every line begins at the clean accuracy. AutoAttack, usually measured at few sizes, is drawn as hollow markers into
    the last panel of its norm, where the strongest attack with that norm is, or into a panel of its own.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of an attack.
    """
    select(results, variants, ["adversarial", "autoattack"])
    frame = select(results, variants, ["clean", "adversarial", "autoattack"])
    frame = frame[frame["metric"] == "accuracy"]
    styles = variant_styles(present_variants(frame, variants))
    adversarial = attacks(frame[frame["suite"] == "adversarial"])
    host = {norm: (attack, norm) for attack, norm in adversarial}
    auto = attacks(frame[frame["suite"] == "autoattack"])
    panels = adversarial + [(attack, norm) for attack, norm in auto if norm not in host]
    guests = [(attack, norm) for attack, norm in auto if norm in host]

    models = list(frame["model"].cat.categories)
    width = COLUMN_WIDTH if len(panels) == 1 else TEXT_WIDTH
    figure = new_figure(width, 0.3 + 1.7 * len(models))
    grid = figure.subplots(len(models), len(panels), sharey=True, sharex="col", squeeze=False)
    for model, row in zip(models, grid, strict=True):
        of_model = frame[frame["model"] == model]
        for (attack, norm), axes in zip(panels, row, strict=True):
            draw_lines(axes, _attack_curve(of_model, attack, norm), "epsilon", "value", styles, markers=True)
            for guest, guest_norm in guests:
                if host[guest_norm] == (attack, norm):
                    _hollow_markers(axes, _attack_curve(of_model, guest, norm, clean=False), styles)
            axes.set_title(f"{attack_label(attack)}, {_NORMS.get(norm, norm)}" if model == models[0] else "")
            unit = "/255" if norm == "linf" else f"{_NORMS.get(norm, norm)} norm"
            axes.set_xlabel(rf"perturbation $\varepsilon$ ({unit})" if model == models[-1] else "")
            axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        row[0].set_ylabel(f"{model}\naccuracy (%)" if len(models) > 1 else "accuracy (%)")
        row[0].set_ylim(-0.03, 1.04)
        row[0].yaxis.set_major_formatter(PERCENT)
    extra = [
        Line2D([], [], color="0.4", marker="o", markerfacecolor="white", linestyle="none", label=attack_label(name))
        for name in dict.fromkeys(guest for guest, _ in guests)
    ]
    add_legend(figure, styles, extra=extra)
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
    add_legend(figure, styles)
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
    add_legend(figure, styles)
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
        axes.set_yticks(range(len(categories)), [name.replace("_", " ") for name in categories])
        axes.set_yticks(np.arange(len(categories) - 1) + 0.5, minor=True)
        axes.grid(visible=False, axis="y")
        axes.grid(axis="y", which="minor", color="0.75", linestyle="dotted")
        if len(models) > 1:
            axes.set_title(model)
    add_legend(figure, styles)
    return figure


@styled
def dct_energy(results: pd.DataFrame, variants: dict[str, str]) -> Figure:
    """Draw the high-frequency share of the filters' energy against depth, and the share of every DCT coefficient.

    A coefficient (k, l) of an N x N filter is high-frequency where max(k, l) > (N - 1) / 2: the penalty `highest`
    acts on these. Heat maps show the first, the middle and the last layer of every variant.

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
    place = 2 + int(frame["horizontal"].max())  # cells from one heat map to the next
    cell = min(_LARGEST_CELL, _WIDEST_HEAT_MAPS / (3 * place), _TALLEST_HEAT_MAPS / (place * len(styles) * len(models)))
    height, width = cell * place * len(styles), 3 * cell * place
    figure = new_figure(TEXT_WIDTH, 0.2 + (1.2 + height) * len(models))
    figure.get_layout_engine().set(w_pad=0.08)
    grid = figure.subplots(len(models), 2, width_ratios=(_PANELS_WIDTH - width, width), squeeze=False)
    for model, (curve, heat) in zip(models, grid, strict=True):
        draw_lines(curve, shares[shares["model"] == model], "depth", "value", styles, markers=True)
        curve.set(xlabel="depth (0: first, 1: last layer)", ylabel="high-frequency energy (%)")
        curve.yaxis.set_major_formatter(PERCENT)
        curve.set_box_aspect(min(1.5, height / (_PANELS_WIDTH - width)))
        curve.set_anchor("N")
        curve.set_title(model if len(models) > 1 else "")
        _heat_maps(heat, frame[frame["model"] == model], styles, written=cell > _WRITTEN_CELL)
    add_legend(figure, styles)
    figure.draw_without_rendering()  # squares move when they are first drawn; the second layout counts with that
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
    add_legend(figure, styles, markers=False)
    return figure


def _attack_curve(frame: pd.DataFrame, attack: str, norm: str, clean: bool = True) -> pd.DataFrame:
    """Return the accuracies under one attack with `epsilon` in the panel's unit, and the clean ones as epsilon 0."""
    rows = frame[(frame["attack"] == attack) & (frame["norm"] == norm)]
    rows = rows.assign(epsilon=rows["epsilon_value"].astype(float) * (255 if norm == "linf" else 1))
    if not clean:
        return rows
    runs = ["variant", "seed"]
    start = frame[frame["suite"] == "clean"].merge(rows[runs].drop_duplicates(), on=runs).assign(epsilon=0.0)
    return pd.concat([start, rows], ignore_index=True).astype({"variant": rows["variant"].dtype})


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


def _parts(figure: Figure, models: list[str]) -> list[tuple[str, SubFigure]]:
    """Return a part of the figure for every model, titled where there are several."""
    parts = figure.subfigures(len(models), 1, squeeze=False)[:, 0]
    if len(models) > 1:
        for model, part in zip(models, parts, strict=True):
            part.suptitle(model)
    return list(zip(models, parts, strict=True))


def _complement(values: np.ndarray) -> np.ndarray:
    return 1 - values


def _heat_maps(axes: Axes, frame: pd.DataFrame, styles: dict[str, VariantStyle], written: bool) -> None:
    """Draw the mean share of every coefficient: rows are the variants, columns the first, middle and last layer.

    All are one heat map with empty cells between them. Smaller filters fill the upper left of their place.
    """
    layers = frame.drop_duplicates("index").set_index("index")["layer"].sort_index()
    places = {len(layers) // 2: "middle", len(layers) - 1: "last", 0: "first"}  # in a small network some coincide
    titles = {layers.index[place]: f"{places[place]}: {layers.iloc[place]}" for place in sorted(places)}
    side = 1 + int(frame["horizontal"].max())
    lefts = {index: column * (side + 1) for column, index in enumerate(titles)}
    tops = {name: row * (side + 1) for row, name in enumerate(styles)}
    shares = np.full((len(tops) * (side + 1) - 1, len(lefts) * (side + 1) - 1), np.nan)
    shown = frame[frame["index"].isin(titles)]
    means = shown.groupby(["index", "variant", "vertical", "horizontal"], observed=True)["value"].mean()
    for (index, name, vertical, horizontal), share in means.items():
        shares[tops[name] + vertical, lefts[index] + horizontal] = share
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
    for index, left in lefts.items():
        axes.annotate(titles[index], (left + side / 2, 0), (0, 3), ha="left", va="bottom", rotation=30, **offset)
    for name, top in tops.items():
        label = textwrap.fill(styles[name].label, 18)
        axes.annotate(label, (0, top + side / 2), (-27, 0), ha="right", va="center", size=7, **offset)
