"""The histograms of coefficients of several models, against golden shifts and plain numpy."""

import json
import threading
from collections.abc import Iterable

import numpy as np
import pandas as pd
import pytest
from oracles.filter_rows import CHECKPOINT, GOLDEN, RUN, checkpoint_weights, rows_of_layer, scaled_filters

from filterfreq.analysis.filter_coefficients import (
    BASIS_COLUMNS,
    COUNT_COLUMNS,
    coefficient_range,
    count_models,
    full_bases,
)
from filterfreq.analysis.filter_statistics import Basis, shift
from filterfreq.evaluation.filters.filter_layer import FilterLayer
from filterfreq.runtime.errors import InputError

needs_golden = pytest.mark.skipif(
    not (GOLDEN.exists() and CHECKPOINT.exists()), reason="needs the golden values and checkpoints in ../shared"
)
NET = ("cifar10", "net", "plain", 0)
OTHER = ("cifar10", "net", "other", 0)


def layers_of(weights: list[np.ndarray]) -> list[FilterLayer]:
    last = max(len(weights) - 1, 1)
    return [
        FilterLayer(f"conv{number}", number, number, number / last, weight) for number, weight in enumerate(weights)
    ]


def results_of(weights: list[np.ndarray], run: tuple = NET) -> pd.DataFrame:
    named = dict(zip(RUN, run, strict=True))
    rows = [row for number, weight in enumerate(weights) for row in rows_of_layer(weight, number, len(weights), named)]
    return pd.DataFrame(rows).assign(suite="filter_quality")


def opener(weights: list[np.ndarray]) -> object:
    """What yields the layers of a model, the same for each way of treating batch norm."""
    return lambda batch_norms: [(batch_norm, layers_of(weights)) for batch_norm in batch_norms]


def silent(line: str) -> None:
    pass


def dense(counts: pd.DataFrame, bins: list[str]) -> np.ndarray:
    rows = counts[counts["depth_bin"].isin(bins)]
    found = np.zeros((9, 70))
    np.add.at(found, (rows["component"], rows["bin"]), rows["count"])
    return found


@needs_golden
def test_counts_of_a_checkpoint_have_the_golden_range_and_shifts():
    golden, weights = json.loads(GOLDEN.read_text()), checkpoint_weights()
    bases = full_bases(results_of(weights), [NET])
    counts, basis = count_models({NET: opener(weights)}, bases, silent)
    assert list(counts) == list(COUNT_COLUMNS)
    assert list(basis) == list(BASIS_COLUMNS)
    low, high = basis["low"].iloc[0], basis["high"].iloc[0]
    assert [low, high] == pytest.approx(golden["drift"]["range"], abs=1e-9)
    assert basis["explained_variance_ratio"].to_numpy() == pytest.approx(
        np.array(golden["pca"]["explained_variance_ratio"]), abs=1e-9
    )
    tenths = [f"({number / 10:.1f}, {(number + 1) / 10:.1f}]" for number in range(10)]
    deep = dense(counts, tenths[5:])
    for name, bins in (("shallow", tenths[:5]), ("first", ["0"])):
        expected = golden["drift"][f"{name}_vs_deep"]
        group = dense(counts, bins)
        assert [group[0].sum(), deep[0].sum()] == expected["n"]
        found = shift(group, deep, low, high, basis["explained_variance_ratio"].to_numpy())
        assert found.weighted == pytest.approx(expected["weighted"], abs=1e-9)


@pytest.fixture
def two_models() -> dict[tuple, list[np.ndarray]]:
    """Models of several layers, of which one has a sparse filter whose coefficients are the farthest of all."""
    generator = np.random.default_rng(0)
    plain, other = ([generator.normal(size=(8, 6, 3, 3)) for _ in range(3)] for _ in range(2))
    other[1][0, 0] = 1e-4
    return {NET: plain, OTHER: other}


def test_the_range_is_of_sparse_filters_too_and_counts_are_of_clean_ones(two_models):
    results = pd.concat([results_of(weights, run) for run, weights in two_models.items()])
    bases = full_bases(results, two_models)
    opened = []

    def noting_opener(run: tuple) -> object:
        return lambda batch_norms: opened.append(run) or opener(two_models[run])(batch_norms)

    counts, basis = count_models({run: noting_opener(run) for run in two_models}, bases, silent)
    assert opened == [NET, OTHER] * 2
    entries, mean = basis[[f"entry_{i}" for i in range(9)]].to_numpy(), basis[[f"mean_{i}" for i in range(9)]].iloc[0]
    every = {run: [scaled_filters(weight) for weight in weights] for run, weights in two_models.items()}
    coefficients = np.concatenate([(scaled - mean.to_numpy()) @ entries.T for run in every for scaled, _ in every[run]])
    assert basis["low"].iloc[0] == pytest.approx(coefficients.min())
    assert basis["high"].iloc[0] == pytest.approx(coefficients.max())
    # All nine numbers of the sparse one are the same, so that none goes farther along the mean filter.
    assert coefficients.max() == pytest.approx(max((np.ones(9) - mean) @ row for row in entries))
    assert counts["count"].sum() == 9 * (2 * 3 * 48 - 1)
    bins = np.linspace(basis["low"].iloc[0], basis["high"].iloc[0], 71)
    for run, depth_bin, layer in ((NET, "0", 0), (OTHER, "(0.4, 0.5]", 1), (OTHER, "(0.9, 1.0]", 2)):
        rows = counts[(counts["variant"] == run[2]) & (counts["depth_bin"] == depth_bin)]
        scaled, clean = every[run][layer]
        for component in range(9):
            expected = np.histogram(((scaled[clean] - mean.to_numpy()) @ entries.T)[:, component], bins)[0]
            assert np.array_equal(dense(rows, [depth_bin])[component], expected)


def test_the_range_does_not_depend_on_the_other_pass_or_the_number_of_filters():
    weights = np.random.default_rng(1).normal(size=(300, 60, 3, 3)).astype(np.float32)
    basis = Basis(np.zeros(9), np.eye(9), np.ones(9), np.full(9, 1 / 9))
    assert coefficient_range(layers_of([weights]), basis) == (-1, 1)


def test_a_basis_is_of_the_runs_that_are_asked_for(two_models):
    results = pd.concat([results_of(weights, run) for run, weights in two_models.items()])
    both, one = full_bases(results, two_models), full_bases(results, [NET])
    alone = np.concatenate([scaled[clean] for scaled, clean in map(scaled_filters, two_models[NET])])
    assert one["separate"].mean == pytest.approx(alone.mean(axis=0))
    assert both["separate"].mean != pytest.approx(alone.mean(axis=0))


def test_each_way_of_treating_batch_norm_has_its_own_basis_range_and_counts(two_models):
    ways = {"folded": two_models[NET], "separate": two_models[OTHER]}
    frames = {way: results_of(weights).assign(batch_norm=way) for way, weights in ways.items()}
    alone = {
        way: count_models({NET: opener(ways[way])}, full_bases(frame, [NET]), silent) for way, frame in frames.items()
    }
    model = {NET: lambda batch_norms: ((batch_norm, layers_of(ways[batch_norm])) for batch_norm in batch_norms)}
    together = count_models(model, full_bases(pd.concat(frames.values()), [NET]), silent)
    for tables in zip(together, *alone.values(), strict=True):
        pd.testing.assert_frame_equal(tables[0], pd.concat(tables[1:], ignore_index=True))


def test_bases_are_of_the_wanted_ways_of_treating_batch_norm_alone(two_models):
    results = pd.concat([results_of(two_models[NET]).assign(batch_norm=way) for way in ("separate", "folded")])
    assert set(full_bases(results, [NET])) == {"separate", "folded"}
    assert list(full_bases(results, [NET], ["folded"])) == ["folded"]
    with pytest.raises(InputError, match="filter_quality"):
        full_bases(results[results["batch_norm"] == "separate"], [NET], ["folded"])


def test_models_are_read_side_by_side_and_counted_in_their_order(two_models):
    """The first model waits until the second one is read, too."""
    bases = full_bases(pd.concat([results_of(weights, run) for run, weights in two_models.items()]), two_models)
    both_read, lines = threading.Barrier(2, timeout=30), []

    def waiting_opener(run: tuple) -> object:
        def read_layers(batch_norms: Iterable[str]) -> object:
            both_read.wait()
            return opener(two_models[run])(batch_norms)

        return read_layers

    together = count_models({run: waiting_opener(run) for run in two_models}, bases, lines.append, threads=2)
    alone = count_models({run: opener(weights) for run, weights in two_models.items()}, bases, silent)
    for tables in zip(together, alone, strict=True):
        pd.testing.assert_frame_equal(*tables)
    assert [line.split()[1] for line in lines] == ["1/2", "2/2"] * 2


def test_a_way_that_not_all_runs_have_is_left_out_and_none_in_common_is_refused(two_models):
    separate = [results_of(weights, run) for run, weights in two_models.items()]
    folded = separate[0].assign(batch_norm="folded")
    assert list(full_bases(pd.concat([*separate, folded]), two_models)) == ["separate"]
    with pytest.raises(InputError, match="the same batch_norm on all its data sets"):
        full_bases(pd.concat([folded, separate[1]]), two_models)
