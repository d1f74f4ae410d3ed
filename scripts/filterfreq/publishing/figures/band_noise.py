"""Accuracy on test images of *{dataset}* with Gaussian noise of some frequencies alone, against the bandwidth.

The noise has what a filter leaves of white noise: the low pass a square of frequencies round 0, the high pass one round
the highest frequency, or, as the complement of a low pass, all outside of its square. The bandwidth is the square's
side, and 0 is no noise; the norm is the L2 norm of each channel of the noise. Lines are means over seeds, bands reach
from the lowest to the highest seed. Of CIFAR-10 thin grey lines are what Yin et al. (NeurIPS 2019, Figure 5) publish of
WideResNet-28-10.
"""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from filterfreq.publishing.bands import BAND_LABELS, BANDWIDTH_LABEL
from filterfreq.publishing.panels import images_of_panels, panel_grids, seeds_note, shorten_title, tick_measured
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.style import add_legend, draw_lines, use_style, variant_styles

PRODUCT = Product(title="Noise of some frequencies", needs=["band_noise"], takes=["labels", "style_numbers"])

# Figure 5 at bandwidths 0 (no noise), 3, 7, ... 31, CIFAR-10's test images; read off its vector paths to about 0.002.
_PUBLISHED_DATASET, _PUBLISHED_NORM = "cifar10", 8
_PUBLISHED_BANDWIDTHS = (0, *range(3, 32, 4))
_PUBLISHED = {
    "low": {
        "natural": (0.95, 0.739, 0.284, 0.175, 0.132, 0.112, 0.113, 0.126, 0.127),
        "Gaussian noise": (0.924, 0.471, 0.257, 0.199, 0.194, 0.203, 0.224, 0.276, 0.356),
        "adversarial training": (0.872, 0.398, 0.305, 0.27, 0.268, 0.267, 0.268, 0.262, 0.256),
    },
    "corner": {
        "natural": (0.95, 0.1, 0.104, 0.112, 0.14, 0.145, 0.132, 0.123, 0.122),
        "Gaussian noise": (0.924, 0.873, 0.876, 0.838, 0.714, 0.504, 0.362, 0.328, 0.36),
        "adversarial training": (0.872, 0.451, 0.368, 0.293, 0.247, 0.226, 0.218, 0.232, 0.253),
    },
}
_PUBLISHED_DASHES = {"natural": "-", "Gaussian noise": "--", "adversarial training": ":"}


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str], style_numbers: Mapping[str, int] | None = None) -> Figure:
    """Draw accuracy against the bandwidth, one panel for each filter.

    Yin et al. (NeurIPS 2019), Figure 5.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of such noise.
    """
    frame = select(results, labels, ["band_noise"])
    frame = frame[frame["metric"] == "accuracy"]
    # Of a complement the smallest bandwidth has the most noise, so that none at all does not belong to its line.
    frame = frame[(frame["band"] != "complement") | (frame["bandwidth"].astype(float) > 0)]
    styles = variant_styles(present_variants(frame, labels), style_numbers)
    kinds = [kind for kind in BAND_LABELS if (frame["band"] == kind).any()]
    panels = [(kind, norm) for kind in kinds for norm in sorted(frame.loc[frame["band"] == kind, "l2_norm"].unique())]
    models = list(frame["model"].cat.categories)
    figure, grids = panel_grids(models, [len(panels)])
    shown = {panel: frame[(frame["band"] == panel[0]) & (frame["l2_norm"] == panel[1])] for panel in panels}
    endings, note = images_of_panels({panel: rows["n"] for panel, rows in shown.items()})
    published = _PUBLISHED if frame["dataset"].iloc[0] == _PUBLISHED_DATASET else {}
    drawn: dict[str, Line2D] = {}
    for model, grid in zip(models, grids, strict=True):
        for panel, axes in zip(panels, grid, strict=True):
            rows = shown[panel][shown[panel]["model"] == model]
            draw_lines(axes, rows, "bandwidth", "value", styles, markers=True)
            kind, norm = panel
            for name, values in published.get(kind, {}).items() if norm == _PUBLISHED_NORM else ():
                style = {"color": "0.55", "linewidth": 0.9, "linestyle": _PUBLISHED_DASHES[name], "zorder": 1}
                label = f"published: {name}"
                (drawn[name],) = axes.plot(_PUBLISHED_BANDWIDTHS, values, label=label, **style)
            title = shorten_title(f"{BAND_LABELS[kind]}, norm {norm:g}", axes) + endings[panel]
            axes.set_title(title if model == models[0] else "")
            tick_measured(axes, frame["bandwidth"].astype(float))
            axes.set_xlabel(shorten_title(BANDWIDTH_LABEL, axes) if model == models[-1] else "")
    add_legend(figure, styles, extra=list(drawn.values()), note=seeds_note(frame) + note)
    return figure
