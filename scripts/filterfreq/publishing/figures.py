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
_HEAT = "mako_r"
_ANNOTATED_CELL = 0.18  # inches: two digits of the smallest font and a margin
_UPRIGHT_LABELS = 5


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
    styles = variant_styles(present_variants(frame, variants))
    adversarial = attacks(frame[frame["suite"] == "adversarial"])
    host = {norm: (attack, norm) for attack, norm in adversarial}
    auto = attacks(frame[frame["suite"] == "autoattack"])
    panels = adversarial + [(attack, norm) for attack, norm in auto if norm not in host]
    guests = [(attack, norm) for attack, norm in auto if norm in host]

    models = list(frame["model"].cat.categories)
    width = COLUMN_WIDTH if len(panels) == 1 else TEXT_WIDTH
    figure = new_figure(width, 0.5 + 1.7 * len(models))
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
    styles = variant_styles(present_variants(frame, variants))
    families, columns = family_grid(frame["corruption"].unique())
    models = list(frame["model"].cat.categories)
    figure = new_figure(TEXT_WIDTH, 0.4 + (0.3 + 1.0 * len(families)) * len(models))
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
    figure = new_figure(width, 1.2 + row_height * len(categories))
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
    acts on these. Heat maps show the first, the middle and the last layer.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of filters.
    """
    frame = select(results, variants, ["filters"])
    styles = variant_styles(present_variants(frame, variants))
    frequency = frame[["horizontal", "vertical"]].astype("int64").max(axis="columns")
    largest = frequency.groupby([frame["model"], frame["index"]], observed=True).transform("max")
    keys = ["model", "variant", "seed", "depth"]
    shares = frame[frequency > largest / 2].groupby(keys, observed=True)["value"].sum().reset_index()
    models = list(frame["model"].cat.categories)
    cell = _cell_side(frame, styles)
    heat_height = 3 * cell * (2 + int(frame["horizontal"].max()))
    figure = new_figure(TEXT_WIDTH, 0.4 + (2.5 + heat_height) * len(models))
    for model, part in _parts(figure, models):
        curve, heat = part.subplots(2, 1, height_ratios=(1.5, heat_height))
        draw_lines(curve, shares[shares["model"] == model], "depth", "value", styles, markers=True)
        curve.set(xlabel="depth (0: first layer, 1: last layer)", ylabel="high-frequency\nenergy (%)")
        curve.yaxis.set_major_formatter(PERCENT)
        _heat_maps(heat, frame[frame["model"] == model], styles, annotated=cell > _ANNOTATED_CELL)
    add_legend(figure, styles)
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
    figure = new_figure(TEXT_WIDTH, 0.4 + 1.6 * len(models))
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


def _cell_side(frame: pd.DataFrame, styles: dict[str, VariantStyle]) -> float:
    """Return the side, in inches, of a coefficient's cell when the heat maps of all variants share the text's width."""
    side = 1 + int(frame["horizontal"].max())
    return min(0.25, (TEXT_WIDTH - 1.8) / ((side + 1) * len(styles)))


def _heat_maps(axes: Axes, frame: pd.DataFrame, styles: dict[str, VariantStyle], annotated: bool) -> None:
    """Draw the mean share of every coefficient: rows are the first, middle and last layer, columns the variants.

    All are one heat map with empty cells between them. Smaller filters fill the upper left of their place.
    """
    layers = frame.drop_duplicates("index").set_index("index")["layer"].sort_index()
    places = {"first": 0, "middle": len(layers) // 2, "last": len(layers) - 1}
    rows = {layers.index[place]: f"{name}:\n{layers.iloc[place]}" for name, place in reversed(places.items())}
    side = 1 + int(frame["horizontal"].max())
    shown = frame[frame["index"].isin(rows)]
    shares = np.full((len(rows) * (side + 1) - 1, len(styles) * (side + 1) - 1), np.nan)
    starts = {index: row * (side + 1) for row, index in enumerate(sorted(rows))}
    lefts = {name: column * (side + 1) for column, name in enumerate(styles)}
    means = shown.groupby(["index", "variant", "vertical", "horizontal"], observed=True)["value"].mean()
    for (index, name, vertical, horizontal), share in means.items():
        shares[starts[index] + vertical, lefts[name] + horizontal] = share
    sns.heatmap(
        100 * shares,
        ax=axes,
        annot=annotated,
        fmt=".0f",
        annot_kws={"size": 7},
        cmap=_HEAT,
        vmin=0,
        square=True,
        cbar_kws={"label": "share of the\nlayer's energy (%)", "pad": 0.02},
    )
    axes.grid(visible=False)
    frequencies = range(side)
    axes.set_xticks(
        [left + k + 0.5 for left in lefts.values() for k in frequencies], list(frequencies) * len(lefts), rotation=0
    )
    axes.set_yticks(
        [start + k + 0.5 for start in starts.values() for k in frequencies], list(frequencies) * len(starts), rotation=0
    )
    axes.set(xlabel="horizontal frequency", ylabel="vertical frequency")
    crowded = len(styles) > _UPRIGHT_LABELS
    for name, left in lefts.items():
        label = styles[name].label if crowded else textwrap.fill(styles[name].label, 12)
        slanted = {"rotation": 30, "ha": "left"} if crowded else {"ha": "center"}
        axes.annotate(label, (left + side / 2, 0), (0, 3), textcoords="offset points", va="bottom", **slanted)
    for index, start in starts.items():
        axes.annotate(rows[index], (0, start + side / 2), (-28, 0), textcoords="offset points", ha="right", va="center")
