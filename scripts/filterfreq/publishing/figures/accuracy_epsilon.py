"""Accuracy against the radius of the attack.

Lines are means over seeds, bands reach from the lowest to the highest seed. Epsilon 0 is the accuracy on the same
images without attack. Hollow markers are means too, with bars from the lowest to the highest seed; they stand beside
their epsilon so that none hides another.
"""

from collections.abc import Mapping
from itertools import groupby

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation

from filterfreq.publishing.attack_panels import attack_curve, epsilon_label, rows_of_attack
from filterfreq.publishing.attacks import attack_label, attack_pairs
from filterfreq.publishing.norms import norm_label
from filterfreq.publishing.panels import images_of_panels, panel_grids, seeds_note, shorten_title, tick_measured
from filterfreq.publishing.phrases import images_range
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.style import VariantStyle, add_legend, draw_lines, use_style, variant_styles

PRODUCT = Product(
    title="Accuracy against epsilon",
    needs=["adversarial"],
    adds=["clean", "autoattack"],
    takes=["labels", "style_numbers"],
)

_ASIDE, _FARTHEST_ASIDE = 7 / 72, 48 / 72  # inches between hollow markers, and from the first to the last


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str], style_numbers: Mapping[str, int] | None = None) -> Figure:
    """Draw accuracy against the size of the perturbation, a panel for each attack and norm; models below each other.

    Every line begins at the clean accuracy on the attacked images, whose number is in the titles where panels differ in
    it. AutoAttack at one size is drawn as hollow markers into the last panel of its norm, where the strongest attack
    with that norm is; at several sizes, or where that panel is of other images, it has a panel of its own. So has one
    of its attacks that was measured without it.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of an attack.
    """
    select(results, labels, ["adversarial", "autoattack"])
    frame = select(results, labels, ["clean", "adversarial", "autoattack"])
    styles = variant_styles(present_variants(frame, labels), style_numbers)
    pairs = attack_pairs(frame)
    images = {pair: rows_of_attack(frame, *pair)["n"] for pair in pairs}
    ranges = {pair: images_range(counts) for pair, counts in images.items()}
    suffixes, images_note = images_of_panels(images)
    auto = attack_pairs(frame[frame["suite"] == "autoattack"])
    # AutoAttack itself, or else the last of its attacks.
    guests = {norm: (attack, norm) for attack, norm in sorted(auto, key=lambda pair: pair[0] == "autoattack")}
    host = {norm: (attack, norm) for attack, norm in pairs if (attack, norm) != guests.get(norm)}
    guests = {
        norm: pair
        for norm, pair in guests.items()
        if norm in host and ranges[pair] == ranges[host[norm]] and _has_one_size(frame, *pair)
    }
    norms = list(dict.fromkeys(norm for _, norm in pairs))
    panels = sorted((pair for pair in pairs if pair not in guests.values()), key=lambda pair: norms.index(pair[1]))

    models = list(frame["model"].cat.categories)
    figure, grids = panel_grids(models, [len(list(group)) for _, group in groupby(panels, key=lambda pair: pair[1])])
    for model, cells in zip(models, grids, strict=True):
        model_rows = frame[frame["model"] == model]
        for (attack, norm), axes in zip(panels, cells, strict=True):
            curve = attack_curve(model_rows, attack, norm)
            draw_lines(axes, curve, "epsilon", "value", styles, markers=True)
            if norm in guests and host[norm] == (attack, norm):
                _hollow_markers(axes, attack_curve(model_rows, *guests[norm], clean=False), styles)
            title = shorten_title(f"{attack_label(attack)}, {norm_label(norm)}", axes) + suffixes[attack, norm]
            axes.set_title(title if model == models[0] else "")
            axes.set_xlabel(epsilon_label(norm))
            tick_measured(axes, curve["epsilon"])
    extra = [
        Line2D([], [], color="0.4", marker="o", markerfacecolor="white", linestyle="none", label=attack_label(name))
        for name in dict.fromkeys(guest for guest, _ in guests.values())
    ]
    drawn = ("lines and markers", "bands and bars") if guests else ("lines", "bands")
    # One alone stands at its epsilon.
    beside = "; hollow markers beside their epsilon" if guests and len(styles) > 1 else ""
    add_legend(figure, styles, extra=extra, note=seeds_note(frame, *drawn) + beside + images_note)
    return figure


def _has_one_size(frame: pd.DataFrame, attack: str, norm: str) -> bool:
    return len(rows_of_attack(frame, attack, norm)["epsilon"].unique()) == 1


def _hollow_markers(axes: Axes, rows: pd.DataFrame, styles: dict[str, VariantStyle]) -> None:
    shown = [name for name in styles if name in set(rows["variant"])]
    step = min(_ASIDE, _FARTHEST_ASIDE / len(shown))
    # At the epsilon itself are the markers of the lines: several hollow ones leave it free.
    half = len(shown) // 2
    steps = [*range(-half, 0), *range(1, len(shown) - half + 1)] if half else [0]
    for steps_aside, name in zip(steps, shown, strict=True):
        by_epsilon = rows[rows["variant"] == name].groupby("epsilon")["value"].agg(["mean", "min", "max"])
        aside = ScaledTranslation(step * steps_aside, 0, axes.figure.dpi_scale_trans)
        axes.errorbar(
            by_epsilon.index,
            by_epsilon["mean"],
            yerr=[by_epsilon["mean"] - by_epsilon["min"], by_epsilon["max"] - by_epsilon["mean"]],
            linestyle="none",
            marker=styles[name].marker,
            markersize=4.5,
            markerfacecolor="white",
            color=styles[name].colour,
            elinewidth=0.8,
            label=name,
            zorder=4,
            transform=axes.transData + aside,
        )
