"""Shape bias from answers to cue-conflict images. Imports no torch."""

from dataclasses import dataclass

import pandas as pd

from filterfreq.runtime.errors import InputError

_COLUMNS = ("response", "shape", "texture")


@dataclass(frozen=True)
class ShapeBias:
    """Answers by shape and by texture.

    Attributes:
        counts: one row per shape category, columns `shape` and `texture`: the number of answers that named the image's
            shape, and that named its texture.
    """

    counts: pd.DataFrame

    @property
    def overall(self) -> float:
        """The shape bias over all images, in [0, 1]; NaN where no answer named either cue."""
        total = self.counts.sum()
        answered = total["shape"] + total["texture"]
        return float(total["shape"] / answered) if answered else float("nan")

    @property
    def per_category(self) -> pd.Series:
        """The shape bias of each shape category, in [0, 1]; NaN where no answer named either cue."""
        return (self.counts["shape"] / self.counts.sum(axis="columns")).rename("shape_bias")


def shape_bias(responses: pd.DataFrame) -> ShapeBias:
    """Count which cue the answers to cue-conflict images name.

    Shape bias = shape answers / (shape answers + texture answers): answers that name neither cue do not count. Images
    whose shape and texture are of the same category say nothing about either and are left out.

    Geirhos et al., ImageNet-trained CNNs are biased towards texture, ICLR 2019.

    Args:
        responses: one row per image, columns `response`, `shape` and `texture`: categories of one kind (names or
            indices); a missing response counts as neither.

    Returns:
        The counts per shape category, in sorted order, and the biases that follow from them.

    Raises:
        InputError: a column is missing.
    """
    missing = [column for column in _COLUMNS if column not in responses]
    if missing:
        raise InputError(
            f"the responses to cue-conflict images lack the columns {', '.join(missing)}: give {', '.join(_COLUMNS)}"
        )
    conflicting = responses[responses["shape"] != responses["texture"]]
    named = pd.DataFrame({cue: conflicting["response"] == conflicting[cue] for cue in ("shape", "texture")})
    return ShapeBias(named.astype("int64").groupby(conflicting["shape"]).sum())
