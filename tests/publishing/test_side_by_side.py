import numpy as np
import pandas as pd
import pytest
from scipy import stats

from filterfreq.publishing.figures.frequencies_and_robustness import draw as draw_frequencies
from filterfreq.publishing.figures.frequencies_and_robustness import rank_correlation
from filterfreq.publishing.figures.side_by_side import draw
from filterfreq.publishing.selection import select
from filterfreq.publishing.side_by_side import Difference, side_by_side_measures
from filterfreq.publishing.tables.side_by_side import tabulate
from filterfreq.runtime.errors import InputError

VARIANTS = {"plain": "plain", "robust": "robust training", "blurred": "low pass"}
CLEAN = {"plain": (0.90, 0.91, 0.92), "robust": (0.70, 0.72, 0.71), "blurred": (0.91, 0.91, 0.91)}
HIGH = {"plain": 0.5, "robust": 0.2, "blurred": 0.1}


@pytest.fixture
def results(results_of, row):
    rows = []
    for variant, values in CLEAN.items():
        for seed, value in enumerate(values):
            run = ("net", variant, seed)
            rows += [row.clean(*run, value), row.attacked(*run, "fgsm", "linf", "8/255", 1 - value)]
            for radius, share in ((4, 1.0), (8, 0.5)):
                where = {"pass": "high", "radius": radius}
                rows.append((*run, "frequency_filtered", "accuracy", where, share * HIGH[variant] + 0.01 * seed))
            energies = {(0, 0): 0.6, (1, 0): 0.1, (2, 1): 0.1, (2, 2): 0.2}
            rows += [
                (
                    *(*run, "filters", "energy_share"),
                    {"layer": "conv1", "index": 0, "depth": 0.0, "horizontal": across, "vertical": down},
                    share,
                )
                for (across, down), share in energies.items()
            ]
    return results_of(rows)


def test_a_row_holds_mean_interval_and_verdict(results):
    table = tabulate(results, VARIANTS, "plain")
    numbers = table.tidy().set_index(["variant", "measure"])
    found = numbers.loc["robust", "clean"]
    differences = np.subtract(CLEAN["robust"], CLEAN["plain"])
    # The paired t-test of scipy.
    test = stats.ttest_1samp(differences, 0).confidence_interval()
    assert found["difference"] == pytest.approx(differences.mean())
    assert (found["ci_low"], found["ci_high"]) == pytest.approx((test.low, test.high))
    assert found["standardised"] == pytest.approx(differences.mean() / np.std(sum(CLEAN.values(), ()), ddof=1))
    assert numbers["verdict"].to_dict() == {
        ("robust", "clean"): "worse",
        ("robust", "FGSM L∞ 8/255"): "better",
        ("robust", "calibration error"): "undecided",
        ("robust", "high components"): "lower",
        ("robust", "DCT energy, highest"): "undecided",
        ("blurred", "clean"): "undecided",
        ("blurred", "FGSM L∞ 8/255"): "undecided",
        ("blurred", "calibration error"): "undecided",
        ("blurred", "high components"): "lower",
        ("blurred", "DCT energy, highest"): "undecided",
    }
    assert table.cells["variant"].tolist() == ["robust training", "low pass"]
    assert table.cells["clean"][0].startswith("−20.0 [")
    assert table.cells["clean"][0].endswith("] worse")


def test_the_energy_of_the_highest_frequencies_is_that_of_either_direction(results):
    measures = {found.name: found for found in side_by_side_measures(select(results, VARIANTS), "plain")}
    # Of (2, 1) and (2, 2): one of the two frequencies is the highest.
    assert measures["DCT energy, highest"].numbers.tolist() == pytest.approx([0.3] * 9)
    assert measures["high components"].numbers["net", "plain", 0] == pytest.approx(0.375)


@pytest.mark.parametrize(
    ("low", "high", "direction", "verdict"),
    [
        (0.1, 0.2, "higher", "better"),
        (0.1, 0.2, "lower", "worse"),
        (-0.2, -0.1, "lower", "better"),
        (-0.2, -0.1, "higher", "worse"),
        (-0.2, -0.1, "none", "lower"),
        (0.1, 0.2, "none", "higher"),
        (-0.1, 0.1, "higher", "undecided"),
        (np.nan, np.nan, "higher", "undecided"),
    ],
)
def test_a_verdict_is_that_of_the_interval(low, high, direction, verdict):
    assert Difference((low + high) / 2, low, high, 3, 1.0).verdict(direction) == verdict


def test_of_a_model_without_a_measure_it_is_left_out(results, results_of, row):
    other = results_of([row.clean("other", variant, 0, 0.5) for variant in VARIANTS], dataset="toy_set")
    table = tabulate(pd.concat([results, other], ignore_index=True), VARIANTS, "plain")
    assert table.cells.set_index(["model", "variant"]).loc[("other", "low pass"), "high components"] == "–"
    assert table.tidy().query("model == 'other' and measure == 'clean'")["standardised"].tolist() == [0, 0]


def test_the_picture_has_every_difference(results):
    figure = draw(results, VARIANTS, "plain")
    texts = {text.get_text(): text for text in figure.axes[0].texts}
    assert {"−20.0", "+20.0", "−22.5", "−30.0"} <= texts.keys()
    assert texts["−20.0"].get_fontweight() == "bold"
    assert texts["+0.0"].get_fontweight() == "normal"
    names = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert names == ["clean", "FGSM L∞ 8/255", "calibration error", "high components", "DCT energy, highest"]


def test_without_the_baseline_nothing_is_compared(results):
    others = {name: label for name, label in VARIANTS.items() if name != "plain"}
    for product in (tabulate, draw):
        with pytest.raises(InputError, match="there is no run of plain with the model and seed of another variant"):
            product(results, others, "plain")


def test_rank_correlations_are_scipys_and_of_few_models_have_no_interval():
    rng = np.random.default_rng(1)
    x = rng.normal(size=12)
    y = x + rng.normal(size=12)
    value, low, high = rank_correlation(x, y)
    assert value == pytest.approx(stats.spearmanr(x, y).statistic)
    reference = stats.bootstrap(
        (x, y), lambda a, b: stats.spearmanr(a, b).statistic, paired=True, vectorized=False, n_resamples=2000,
        method="percentile", rng=2,
    ).confidence_interval  # fmt: skip
    assert (low, high) == pytest.approx((reference.low, reference.high), abs=0.05)
    value, low, high = rank_correlation(x[:7], y[:7])
    assert value == pytest.approx(stats.spearmanr(x[:7], y[:7]).statistic)
    assert np.isnan([low, high]).all()


def test_each_pair_of_measures_has_a_panel(results):
    figure = draw_frequencies(results, VARIANTS, "plain")
    assert len(figure.axes) == 2 * 3
    titles = [axes.get_title() for axes in figure.axes]
    # Clean accuracies 0.91, 0.71, 0.91 against shares of high components in the order 3, 2, 1.
    assert titles[0] == f"{stats.spearmanr([0.91, 0.71, 0.91], [3, 2, 1]).statistic:+.2f}".replace("-", "−")
    (points,) = [line.get_xydata() for line in figure.axes[0].lines][:1]
    assert points.tolist() == [pytest.approx([91, 38.5])]
