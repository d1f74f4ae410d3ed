import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from filterfreq.evaluation.filters.filter_layer import FilterLayer
from filterfreq.evaluation.filters.metrics import measure_layer
from filterfreq.evaluation.filters.rows import filter_rows
from filterfreq.evaluation.reading import read_results
from filterfreq.evaluation.registry import SUITES
from filterfreq.evaluation.results import check_rows, write_results
from filterfreq.runtime.errors import InputError

RUN = {"dataset": "d", "model": "m", "variant": "v", "seed": 0}
SCRIPTS = Path(__file__).parents[3] / "scripts"
METRICS = SUITES["filter_quality"].metrics


def layer(weights: np.ndarray, index: int = 0) -> FilterLayer:
    return FilterLayer(f"stage.{index}", index, 2 * index, index / 2, weights)


@pytest.fixture
def layers() -> list[FilterLayer]:
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal((4, 3, 3, 3)), rng.standard_normal((5, 4, 3, 3)).astype(np.float32)]
    weights[1][0, :2] *= 1e-3
    return [layer(weight, index) for index, weight in enumerate(weights)]


@pytest.mark.parametrize("batch_norm", ["separate", "folded"])
def test_rows_survive_the_result_file_with_all_that_is_measured(layers, batch_norm, tmp_path):
    rows = filter_rows(iter(layers), batch_norm)
    check_rows(rows, "it", METRICS)
    write_results(tmp_path / "filter_quality.csv", RUN, "filter_quality", rows)
    table = read_results([tmp_path / "filter_quality.csv"])
    assert set(table["metric"]) == set(METRICS)
    assert set(table["batch_norm"]) == {batch_norm}
    for given in layers:
        found = table[table["layer"] == given.name].set_index("metric")
        assert set(found["index"]) == {given.index}
        assert set(found["conv_depth"]) == {given.conv_depth}
        assert set(found["conv_depth_norm"]) == {given.conv_depth_norm}
        expected = measure_layer(given)
        alone = [name for name in METRICS if not name.startswith(("dct_", "filter_"))]
        assert found.loc[alone, "value"].tolist() == [getattr(expected, name) for name in alone]
        assert found.loc["variance_entropy", "n"] == expected.num_clean
        assert found.loc["sparsity", "n"] == expected.num_filters
        for name in ("dct_share_raw", "dct_share_scaled"):
            shares = found.loc[name].set_index(["vertical", "horizontal"])["value"]
            assert len(shares) == 9
            assert all(shares[position] == value for position, value in np.ndenumerate(getattr(expected, name)))
        sums = found.loc["filter_sum"].set_index("i")["value"]
        assert sums.sort_index().tolist() == expected.scaled.sum.tolist()
        moments = found.loc["filter_second_moment"].set_index(["i", "j"])["value"]
        assert len(moments) == 45
        assert all(moments[i, j] == expected.scaled.second_moment[i, j] for i in range(9) for j in range(i, 9))


def test_layers_weigh_in_claims_as_in_the_published_means(layers):
    """By their filters, those that are not sparse, or their output channels."""
    expected = {"sparsity": [12, 20], "variance_entropy": [12, 18], "orthogonality": [4, 5]}
    rows = filter_rows(layers, "separate")
    assert {name: [row["n"] for row in rows if row["metric"] == name] for name in expected} == expected


def test_what_is_not_defined_has_no_row(layers):
    dead = layer(np.zeros((1, 2, 3, 3)), 2)
    rows = filter_rows([*layers, dead], "separate")
    of_dead = {row["metric"]: row["value"] for row in rows if "layer=stage.2" in row["parameter"]}
    assert of_dead == {
        **{"num_filters": 2, "num_sparse": 2, "num_clean": 0, "in_channels": 2, "out_channels": 1},
        **{"layer_norm": 0, "root_mean_square": 0, "sparsity": 1, "sparsity_strict": 0},
    }
    assert not any(np.isnan(row["value"]) for row in rows)


def test_a_model_of_one_filter_is_refused(layers):
    one = layer(np.ones((1, 1, 3, 3)))
    with pytest.raises(InputError, match=r"^the model has one 3 x 3 filter, .*: leave"):
        filter_rows([one], "separate")
    assert filter_rows([one, layers[1]], "separate")


def test_a_model_of_zeros_is_refused():
    with pytest.raises(InputError, match=r"^all 3 x 3 filters of the model are zero: take"):
        filter_rows([layer(np.zeros((2, 2, 3, 3))), layer(np.zeros((4, 2, 3, 3)), 1)], "separate")


def test_a_model_with_weights_that_are_not_finite_is_refused(layers):
    layers[1].weights[0, 0, 0, 0] = np.nan
    with pytest.raises(InputError, match=r"^the weights of layer stage.1 are not finite: take"):
        filter_rows(layers, "separate")


def test_filters_of_a_file_are_measured_without_torch():
    code = "import sys, filterfreq.evaluation.filters.rows; print('torch' in sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, check=True, capture_output=True, text=True)
    assert loaded.stdout.strip() == "False"
