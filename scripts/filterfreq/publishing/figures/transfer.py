"""Accuracy against the radius of attacks, made on the model itself and on another model.

Lines are means over seeds, bands reach from the lowest to the highest seed. Epsilon 0 is the accuracy on the same
images without attack.
"""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from filterfreq.publishing.attack_panels import attack_curve, epsilon_label, rows_of_attack
from filterfreq.publishing.attacks import attack_label
from filterfreq.publishing.norms import norm_label
from filterfreq.publishing.panels import images_of_panels, panel_grids, seeds_note, shorten_title, tick_measured
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.style import add_legend, draw_lines, use_style, variant_styles

PRODUCT = Product(
    title="Transferred attacks", needs=["transfer"], adds=["clean", "adversarial"], takes=["labels", "style_numbers"]
)


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str], style_numbers: Mapping[str, int] | None = None) -> Figure:
    """Draw accuracy against epsilon under attacks made on another model, beside those made on the model itself.

    One row per model; each attack and norm has a panel for the attacks on the model itself, where they were measured,
    and one for those transferred.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of transferred attacks.
    """
    select(results, labels, ["transfer"])
    frame = select(results, labels, ["clean", "adversarial", "transfer"])
    styles = variant_styles(present_variants(frame, labels), style_numbers)
    transferred = frame[(frame["suite"] == "transfer") & (frame["metric"] == "accuracy")]
    source = ", ".join(labels.get(name, name) for name in transferred["source"].unique())
    panels = [
        (attack, norm, suite, title)
        for attack, norm in transferred[["attack", "norm"]].drop_duplicates().itertuples(index=False, name=None)
        for suite, title in (("adversarial", "made on the model itself"), ("transfer", f"made on {source}"))
        if ((frame["suite"] == suite) & (frame["attack"] == attack) & (frame["norm"] == norm)).any()
    ]
    suffixes, images_note = images_of_panels(
        {
            (attack, norm, suite): rows_of_attack(frame[frame["suite"] == suite], attack, norm)["n"]
            for attack, norm, suite, _ in panels
        }
    )
    models = list(frame["model"].cat.categories)
    figure, grids = panel_grids(models, [len(panels)])
    for model, cells in zip(models, grids, strict=True):
        model_rows = frame[frame["model"] == model]
        for axes, (attack, norm, suite, title) in zip(cells, panels, strict=True):
            shown = model_rows[model_rows["suite"].isin(["clean", suite])]
            curve = attack_curve(shown, attack, norm)
            draw_lines(axes, curve, "epsilon", "value", styles, markers=True)
            attacked = (
                shorten_title(f"{attack_label(attack)}, {norm_label(norm)}", axes) + suffixes[attack, norm, suite]
            )
            heading = f"{attacked},\n{shorten_title(title, axes)}"
            axes.set_title(heading if model == models[0] else "")
            axes.set_xlabel(epsilon_label(norm))
            tick_measured(axes, curve["epsilon"])
    add_legend(figure, styles, note=seeds_note(frame) + images_note)
    return figure
