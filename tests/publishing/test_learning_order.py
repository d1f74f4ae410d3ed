"""The table of when frequencies are learned."""

import numpy as np
import pandas as pd
import pytest

from filterfreq.publishing.tables.learning_order import first_learned, tabulate


def results_of(first: dict[int, list[float]], variant: str = "plain") -> pd.DataFrame:
    """Amplitudes of frequencies 5, 10 and 15 that are learned after given iterations, of each seed."""
    rows = [
        {"seed": seed, "frequency": k, "iteration": iteration, "value": 0.95 if iteration >= learned else 0.9}
        for seed, of_seed in first.items()
        for k, learned in zip((5, 10, 15), of_seed, strict=True)
        for iteration in (300, 100, 200)
    ]
    return pd.DataFrame(rows).assign(model="net", variant=variant, metric="normalised_amplitude")


def test_a_frequency_is_learned_where_it_is_above_the_level_for_the_first_time():
    first = first_learned(results_of({3: [100, 200, 900], 1: [300, 100, 100]}))
    assert first.index.tolist() == [1, 3]
    assert first.to_numpy().tolist() == [[300, 100, 100], [100, 200, np.inf]]
    assert np.isinf(first_learned(results_of({0: [900] * 3}))).all(axis=None)


@pytest.mark.parametrize(
    ("of_seed", "said"), [([100, 200, 300], "supported"), ([300, 200, 100], "contradicted"), ([100] * 3, "undecided")]
)
def test_the_order_is_judged_over_seeds(of_seed, said):
    table = tabulate(results_of(dict.fromkeys(range(12), of_seed)), {"plain": "plain"})
    (row,) = table.cells.to_dict("records")
    assert row["low first"] == said
    assert row["seeds"] == "12"


def test_a_row_has_means_over_seeds_and_a_dash_where_one_has_not_learned():
    results = pd.concat([results_of({0: [100, 200, 300], 1: [300, 200, 900]}), results_of({0: [100] * 3}, "other")])
    table = tabulate(results, {"other": "another one", "plain": "plain"})
    assert table.cells["variant"].tolist() == ["another one", "plain"]
    row = table.cells.iloc[1]
    assert [row[f"k = {k}"] for k in (5, 10, 15)] == ["200", "200", "–"]
    # Of seed 0 all three pairs are in order; of seed 1 that of 5 and 10 is not.
    assert row["tau"].startswith("0.67 [")
    assert row["low first"] == "too few seeds"
    numbers = table.tidy().query("variant == 'plain' and seed == 1")
    assert numbers["tau"].tolist() == pytest.approx([1 / 3] * 3)
    assert numbers["first_iteration"].isna().tolist() == [False, False, True]
