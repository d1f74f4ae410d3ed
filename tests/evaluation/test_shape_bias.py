import math

import pandas as pd
import pytest

from filterfreq.evaluation.shape_bias import shape_bias
from filterfreq.runtime.errors import InputError


def responses(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["response", "shape", "texture"])


def test_shape_bias_by_hand():
    result = shape_bias(
        responses(
            ("cat", "cat", "dog"),
            ("cat", "cat", "clock"),
            ("dog", "cat", "dog"),
            ("oven", "cat", "dog"),  # neither cue
            ("cat", "dog", "cat"),
            (None, "dog", "cat"),  # no answer
            ("bear", "bear", "bear"),  # the cues agree
            ("car", "clock", "cat"),  # nothing but answers to neither cue
        )
    )
    assert result.overall == 2 / 4
    assert result.per_category["cat"] == 2 / 3
    assert result.per_category["dog"] == 0
    assert math.isnan(result.per_category["clock"])
    assert list(result.per_category.index) == ["cat", "clock", "dog"]
    assert result.counts.loc["cat"].to_dict() == {"shape": 2, "texture": 1}
    assert isinstance(result.overall, float)


def test_class_indices_serve_as_categories():
    result = shape_bias(responses((0, 0, 1), (1, 0, 1), (1, 1, 0), (2, 2, 2)))
    assert result.overall == 2 / 3
    assert result.per_category.to_dict() == {0: 0.5, 1: 1.0}


@pytest.mark.parametrize("rows", [[], [("oven", "cat", "dog")], [("cat", "cat", "cat")]])
def test_no_answer_by_either_cue_has_no_bias(rows):
    assert math.isnan(shape_bias(responses(*rows)).overall)


def test_a_missing_column_is_named():
    with pytest.raises(InputError, match="texture"):
        shape_bias(responses(("cat", "cat", "dog")).drop(columns="texture"))
