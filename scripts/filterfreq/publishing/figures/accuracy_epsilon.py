"""Accuracy against the radius of the attack.

Lines are means over seeds, bands reach from the lowest to the highest seed. Epsilon 0 is the accuracy on the same
images without attack. AutoAttack's markers are means.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from filterfreq.publishing.attack_panels import attack_curve, epsilon_label, norm_formula, rows_of_attack
from filterfreq.publishing.attacks import attack_label, attack_pairs
from filterfreq.publishing.panels import images_of_panels, panel_grids, seeds_note
from filterfreq.publishing.phrases import images_range
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.style import VariantStyle, add_legend, draw_lines, escape_dollars, use_style, variant_styles

PRODUCT = Product(
    title="Accuracy against epsilon",
    needs=["adversarial"],
    adds=["clean", "autoattack"],
    takes=["labels"],
)


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw accuracy against the size of the perturbation, a panel for each attack and norm; models below each other.

    Every line begins at the clean accuracy on the attacked images, whose number is in the titles where panels differ in
    it. AutoAttack, usually measured at few sizes, is drawn as hollow markers into the last panel of its norm, where the
    strongest attack with that norm is, or where that is of other images into a panel of its own; so is one of its
    attacks that was measured without it.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of an attack.
    """
    select(results, labels, ["adversarial", "autoattack"])
    frame = select(results, labels, ["clean", "adversarial", "autoattack"])
    styles = variant_styles(present_variants(frame, labels))
    pairs = attack_pairs(frame)
    images = {pair: rows_of_attack(frame, *pair)["n"] for pair in pairs}
    ranges = {pair: images_range(counts) for pair, counts in images.items()}
    suffixes, images_note = images_of_panels(images)
    auto = attack_pairs(frame[frame["suite"] == "autoattack"])
    # AutoAttack itself, or else the last of its attacks.
    guests = {norm: (attack, norm) for attack, norm in sorted(auto, key=lambda pair: pair[0] == "autoattack")}
    host = {norm: (attack, norm) for attack, norm in pairs if (attack, norm) != guests.get(norm)}
    guests = {norm: pair for norm, pair in guests.items() if norm in host and ranges[pair] == ranges[host[norm]]}
    norms = list(dict.fromkeys(norm for _, norm in pairs))
    panels = sorted((pair for pair in pairs if pair not in guests.values()), key=lambda pair: norms.index(pair[1]))

    models = list(frame["model"].cat.categories)
    figure, grids = panel_grids(models, len(panels))
    for model, cells in zip(models, grids, strict=True):
        model_rows = frame[frame["model"] == model]
        for (attack, norm), axes in zip(panels, cells, strict=True):
            draw_lines(axes, attack_curve(model_rows, attack, norm), "epsilon", "value", styles, markers=True)
            if norm in guests and host[norm] == (attack, norm):
                _hollow_markers(axes, attack_curve(model_rows, *guests[norm], clean=False), styles)
            title = f"{escape_dollars(attack_label(attack))}, {norm_formula(norm)}{suffixes[attack, norm]}"
            axes.set_title(title if model == models[0] else "", parse_math=True)
            axes.set_xlabel(epsilon_label(norm), parse_math=True)
            axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    extra = [
        Line2D([], [], color="0.4", marker="o", markerfacecolor="white", linestyle="none", label=attack_label(name))
        for name in dict.fromkeys(guest for guest, _ in guests.values())
    ]
    add_legend(figure, styles, extra=extra, note=seeds_note(frame) + images_note)
    return figure


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
