"""How figures of filters show depth, and the groups of models that they pool."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from filterfreq.analysis.filter_statistics import DEPTH_BINS
from filterfreq.analysis.pairs import Pairs
from filterfreq.evaluation.columns import RUN_COLUMNS
from filterfreq.publishing.style import VariantStyle, variant_styles

FULL = "full"
"""The group of all models."""
DEPTH_TICKS: tuple[str, ...] = ("first", *(name[1:-1].split(", ")[1].removesuffix(".0") for name in DEPTH_BINS[1:]))
"""What axes call the bins of depth: the first layer, and where each tenth ends."""
DEPTH_LABEL = "depth: the first layer, then tenths of the layers (where each ends)"
SIDE_COLOURS: dict[str, str] = {"control": "0.35", "treatment": "#D1325B"}
"""The colours of all controls and of all treatments, of different lightness."""


def filter_groups(
    rows: pd.DataFrame, labels: dict[str, str], style_numbers: Mapping[str, int] | None, pairs: Pairs
) -> dict[str, tuple[VariantStyle, np.ndarray]]:
    """Return the groups of models that filters are pooled over: all, then both sides of pairs or each variant.

    Args:
        rows: has the columns of a run.
        labels: display labels of the variants by name, in order.
        style_numbers: the number of each variant's style.
        pairs: the pairs that the config names; with any, models without a pair are in no group.

    Returns:
        By name, how a group looks, and which rows are of it, each once.
    """
    keys = pd.MultiIndex.from_frame(rows[list(RUN_COLUMNS)])
    if pairs:
        sides = {
            side: keys.isin([tuple(pair[side][key] for key in RUN_COLUMNS) for pair in pairs])
            for side in ("treatment", "control")
        }
        looks = variant_styles({"control": "controls", "treatment": "treatments", FULL: "full"})
        return {
            FULL: (looks[FULL], sides["treatment"] | sides["control"]),
            **{side: (looks[side]._replace(colour=SIDE_COLOURS[side]), sides[side]) for side in sides},
        }
    present = {name: label for name, label in labels.items() if name in set(rows["variant"])}
    looks = variant_styles(present, style_numbers)
    full = VariantStyle("full", "0.6", "p", (1, 1))
    groups = {name: (look, (rows["variant"] == name).to_numpy()) for name, look in looks.items()}
    return {FULL: (full, np.ones(len(rows), dtype=bool)), **groups}
