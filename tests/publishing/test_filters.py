"""Tables and figures of 3x3 filters: which runs they compare, and the numbers that they show."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from oracles.filter_rows import rows_of_layer, scaled_filters
from scipy.stats import entropy, spearmanr

from filterfreq.analysis.filter_coefficients import count_models, full_bases
from filterfreq.evaluation.filters.filter_layer import FilterLayer
from filterfreq.evaluation.results import write_table
from filterfreq.publishing.figures import filter_coefficients as coefficients_figure
from filterfreq.publishing.figures import filter_dct, filter_pca, filter_quality, filter_shift, filters, first_filters
from filterfreq.publishing.filter_coefficients import Coefficients, read_coefficients
from filterfreq.publishing.filter_frames import batch_norm_words, compared_runs, differences_of_pairs, filter_frame
from filterfreq.publishing.shown_filters import run_labels
from filterfreq.publishing.tables import filter_correlations
from filterfreq.publishing.tables import filter_quality as quality_table
from filterfreq.publishing.tables import filter_shift as shift_table
from filterfreq.runtime.errors import InputError

VARIANTS = {"plain": "plain", "robust": "robust", "other": "other one"}
TENTHS = ["(0.4, 0.5]", "(0.9, 1.0]"]


def make_weights(variant: str, seed: int) -> list[np.ndarray]:
    """Three layers; those of later variants vary less between positions."""
    number = list(VARIANTS).index(variant)
    generator = np.random.default_rng(10 * number + seed)
    return [
        generator.normal(size=(6, inputs, 3, 3)) + number * generator.normal(size=(6, inputs, 1, 1))
        for inputs in (3, 6, 6)
    ]


MODELS = {("net", variant, seed): make_weights(variant, seed) for variant in VARIANTS for seed in (0, 1)}


def key(variant: str, seed: int, dataset: str = "toy_set") -> dict:
    return {"dataset": dataset, "model": "net", "variant": variant, "seed": seed}


# One control in two pairs, another in one.
PAIRS = [
    {"treatment": key("robust", 0), "control": key("plain", 0)},
    {"treatment": key("other", 0), "control": key("plain", 0)},
    {"treatment": key("robust", 1), "control": key("plain", 1)},
]


def result_rows(batch_norm: str = "separate", more: float = 0.0) -> list[tuple]:
    rows = []
    names = ("layer", "index", "conv_depth", "conv_depth_norm", "vertical", "horizontal", "i", "j")
    for run, weights in MODELS.items():
        for number, weight in enumerate(weights):
            for row in rows_of_layer(weight, number, len(weights)):
                parameter = {"batch_norm": batch_norm} | {name: row[name] for name in names if name in row}
                changed = more if row["metric"] == "orthogonality" else 0
                rows.append((*run, "filter_quality", row["metric"], parameter, row["value"] - changed))
    return rows


@pytest.fixture
def results(results_of) -> pd.DataFrame:
    return results_of(result_rows())


@pytest.fixture
def counted(results) -> Coefficients:
    """What the rule pool_filters writes of the models, read again."""
    runs = {("toy_set", *run): weights for run, weights in MODELS.items()}

    def layers_of(weights: list[np.ndarray]) -> object:
        layers = [FilterLayer(f"c{i}", i, i, i / 2, weight) for i, weight in enumerate(weights)]
        return lambda batch_norms: [(batch_norm, layers) for batch_norm in batch_norms]

    models = {run: layers_of(weights) for run, weights in runs.items()}
    return count_models(models, full_bases(results, runs), lambda line: None)


@pytest.fixture
def coefficients(counted, tmp_path) -> Coefficients:
    files = SimpleNamespace(counts=tmp_path / "counts.csv", basis=tmp_path / "basis.csv")
    for path, table in zip((files.counts, files.basis), counted, strict=True):
        write_table(path, table)
    return read_coefficients(files)


def whole(variant: str, seed: int, metric: str, weight: str) -> float:
    """The weighted mean of a metric over the layers of one model."""
    weights = MODELS["net", variant, seed]
    rows = [
        {row["metric"]: row["value"] for row in rows_of_layer(layer, i, 3) if "i" not in row and "vertical" not in row}
        for i, layer in enumerate(weights)
    ]
    return np.average([row[metric] for row in rows], weights=[row[weight] for row in rows])


def dc_share(weights: list[np.ndarray]) -> float:
    """The share of DC in the energy of filters as they are: the orthonormal coefficient is 3 times the mean."""
    filters = np.concatenate([weight.reshape(-1, 9) for weight in weights])
    return float(((3 * filters.mean(axis=1)) ** 2).sum() / (filters**2).sum())


def test_one_way_of_treating_batch_norm_is_shown_the_plain_one_if_it_is_there(results_of):
    both = results_of(result_rows() + result_rows("folded", 0.25))
    assert set(filter_frame(both, VARIANTS)["batch_norm"]) == {"separate"}
    folded = both[both["batch_norm"] == "folded"]
    assert "batch norm folded into the weights" in quality_table.tabulate(folded, VARIANTS).caption


def test_named_pairs_are_compared_and_without_any_each_variant_with_the_baseline(results):
    named = compared_runs(results, PAIRS)
    assert list(named["treatment"]) == [("net", "robust", 0), ("net", "other", 0), ("net", "robust", 1)]
    assert list(named["control"]) == [("net", "plain", seed) for seed in (0, 0, 1)]
    others = compared_runs(results, [], "plain")
    assert sorted(others["group"]) == ["other", "other", "robust", "robust"]
    assert all(pair.treatment[2] == pair.control[2] for pair in others.itertuples())
    assert compared_runs(results, []).empty
    elsewhere = [{side: {**run, "dataset": "x", "model": "none"} for side, run in pair.items()} for pair in PAIRS]
    assert compared_runs(results, elsewhere).empty


def test_pairs_of_one_control_are_one_difference_where_controls_count_once(results):
    compared = compared_runs(results, PAIRS)
    values = {("net", "plain", 0): 1.0, ("net", "plain", 1): 2.0, ("net", "robust", 0): 4.0}
    values |= {("net", "other", 0): 8.0, ("net", "robust", 1): 16.0}
    table = pd.DataFrame([(*run, "all", value) for run, value in values.items()],
                         columns=["model", "variant", "seed", "depth_bin", "value"])  # fmt: skip
    each = differences_of_pairs(table, compared, ["depth_bin"])
    assert sorted(each["value"]) == [3, 7, 14]
    once = differences_of_pairs(table, compared, ["depth_bin"], "once")
    assert sorted(once["value"]) == [5, 14]
    with pytest.raises(InputError, match="name pairs in the experiment"):
        differences_of_pairs(table, compared[:0], ["depth_bin"])


def test_the_table_has_means_and_deviations_over_seeds(results):
    table = quality_table.tabulate(results, VARIANTS)
    assert list(table.cells["variant"]) == list(VARIANTS.values())
    for metric, heading in (("variance_entropy", "variance entropy"), ("orthogonality", "orthogonality")):
        weight = "num_clean" if metric == "variance_entropy" else "out_channels"
        values = [whole("robust", seed, metric, weight) for seed in (0, 1)]
        cell = table.cells.set_index("variant").loc["robust", heading]
        assert cell == f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}"
    numbers = table.numbers.set_index(["variant", "measure"])["mean"]
    shares = [dc_share(MODELS["net", "other", seed]) for seed in (0, 1)]
    assert numbers["other", "DC, as they are"] == pytest.approx(np.mean(shares))


def test_quality_without_pairs_has_a_line_for_each_variant(results):
    figure = filter_quality.draw(results, VARIANTS)
    axes = figure.axes[1]
    assert [text.get_text() for text in figure.axes[2].get_xticklabels()][::5] == ["first", "0.5", "1"]
    line = next(line for line in axes.lines if to_hex(line.get_color()) == "#d1325b")
    layers = [rows_of_layer(MODELS["net", "robust", seed][1], 1, 3) for seed in (0, 1)]
    entropies = [next(row["value"] for row in rows if row["metric"] == "variance_entropy") for rows in layers]
    assert list(line.get_xdata()) == [0, 5, 10]
    assert line.get_ydata()[1] == pytest.approx(np.mean(entropies))


@pytest.mark.parametrize(("controls", "count"), [("each_pair", 3), ("once", 2)])
def test_quality_with_pairs_has_boxes_in_which_controls_count_as_said(results, monkeypatch, controls, count):
    drawn = []
    boxplot = Axes.boxplot

    def spy(self: Axes, values: list, **how: object) -> object:
        drawn.append((values, how))
        return boxplot(self, values, **how)

    monkeypatch.setattr(Axes, "boxplot", spy)
    filter_quality.draw(results, VARIANTS, pairs=PAIRS, controls=controls)
    # Sparsity, then variance entropy, then orthogonality; of each the controls come first.
    (values, how), (treated, _) = drawn[4:]
    assert how["showmeans"]
    assert how["positions"] == pytest.approx([-0.2, 4.8, 9.8])
    assert len(treated[0]) == 3
    first = {seed: rows_of_layer(MODELS["net", "plain", seed][0], 0, 3) for seed in (0, 1)}
    expected = [next(row["value"] for row in first[seed] if row["metric"] == "orthogonality") for seed in
                ([0, 0, 1] if controls == "each_pair" else [0, 1])]  # fmt: skip
    assert sorted(values[0]) == pytest.approx(sorted(expected))
    assert len(values[0]) == count


def components(variants: list[str]) -> np.ndarray:
    """The explained variance ratios of the clean filters of variants."""
    return explained(
        [weight for (_, variant, _), weights in MODELS.items() if variant in variants for weight in weights]
    )


def explained(every: list[np.ndarray]) -> np.ndarray:
    """The explained variance ratios of the clean filters of some layers, by a singular value decomposition."""
    clean = np.concatenate([scaled[kept] for scaled, kept in map(scaled_filters, every)])
    values = np.linalg.svd(clean - clean.mean(axis=0), compute_uv=False) ** 2
    return values / values.sum()


def test_components_are_those_of_all_and_of_each_variant_or_of_both_sides_of_pairs(results):
    def shares(figure: object) -> list[list[str]]:
        texts = [axes.get_xlabel() for axes in figure.axes if axes.images]
        return [texts[first : first + 9] for first in range(0, len(texts), 9)]

    variants = shares(filter_pca.draw(results, VARIANTS))
    expected = [components(list(VARIANTS)), *(components([name]) for name in VARIANTS)]
    assert variants == [[f"{100 * share:.1f} %" for share in row] for row in expected]
    sides = shares(filter_pca.draw(results, VARIANTS, pairs=PAIRS))
    # "other" of seed 1 is in no pair; both seeds of "plain" are controls.
    assert len(sides) == 3
    assert sides[2] == [f"{100 * share:.1f} %" for share in components(["plain"])]
    assert sides[0] != variants[0]


def test_components_are_turned_alike(results):
    figure = filter_pca.draw(results, VARIANTS)
    shown = np.array([axes.images[0].get_array().ravel() for axes in figure.subfigs[0].axes if axes.images])
    first, *others = shown.reshape(-1, 9, 9)
    for group in others:
        assert ((group * first).sum(axis=1) >= 0).all()


def test_each_model_has_a_curve_of_its_own_components(results):
    figure = filter_pca.draw(results, VARIANTS)
    (axes,) = [axes for axes in figure.subfigs[1].axes if axes.lines]
    drawn = sorted(tuple(line.get_ydata()) for line in axes.lines if line.get_linewidth() < 1)
    expected = sorted(tuple(np.cumsum(explained(weights))) for weights in MODELS.values())
    np.testing.assert_allclose(drawn, expected, atol=1e-9)
    assert "each model by itself" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_the_map_of_frequencies_has_the_difference_of_each_share(results):
    figure = filter_dct.draw(results, VARIANTS, "plain")
    maps = [axes for axes in figure.findobj(type(figure.axes[0])) if axes.images]
    titles = [axes.get_title() for axes in maps[:2]]
    assert titles == ["filters as they are", "scaled filters"]
    first = {run: dc_share(weights[:1]) for run, weights in MODELS.items()}
    expected = 100 * np.mean([first["net", "robust", seed] - first["net", "plain", seed] for seed in (0, 1)])
    assert maps[0].images[0].get_array()[0, 0] == pytest.approx(expected)
    assert f"+{expected:.0f}" in [text.get_text() for text in maps[0].texts]
    assert [text.get_text() for text in maps[0].get_yticklabels()] == [
        *("0, 0", "0, 1", "1, 0", "1, 1", "0, 2", "2, 0", "1, 2", "2, 1", "2, 2")
    ]


def symmetric(one: np.ndarray, other: np.ndarray, ratios: np.ndarray) -> float:
    """The shift by scipy: of counts 9 x 70 that have no empty bin in common matter little, so these are filled too."""
    filled = []
    for counts in (one, other):
        width = (HIGH - LOW) / 70
        densities = counts / (counts.sum(axis=1, keepdims=True) * width)
        densities[counts == 0] = np.finfo(np.float32).eps
        filled.append(densities)
    return float(sum(r * (entropy(p, q) + entropy(q, p)) for r, p, q in zip(ratios, *filled, strict=True)))


LOW, HIGH = -1.0, 2.0  # a width that cancels in densities of no empty bin alone


def test_the_shift_is_that_of_pooled_groups(coefficients):
    found = coefficients._replace(low=LOW, high=HIGH)
    one = shift_table.tabulate(found, VARIANTS, "plain", PAIRS).numbers.iloc[0]
    counts = {run: sum(by_depth.values()) for run, by_depth in found.counts.items()}
    plain = [counts["toy_set", "net", "plain", seed] for seed in (0, 1)]
    treated = sum(counts["toy_set", "net", *run] for run in (("robust", 0), ("other", 0), ("robust", 1)))
    ratios = found.basis.ratios
    assert one["shift"] == pytest.approx(symmetric(treated, 2 * plain[0] + plain[1], ratios))
    assert one["each_once"] == pytest.approx(symmetric(treated, plain[0] + plain[1], ratios))
    assert one["shift"] != pytest.approx(one["each_once"])
    assert (one["treatments"], one["controls"]) == (3, 2)
    once = shift_table.tabulate(found, VARIANTS, "plain", PAIRS, "once").numbers.iloc[0]
    assert once["shift"] == one["each_once"]
    without = shift_table.tabulate(found, VARIANTS, "plain")
    assert list(without.numbers["treatment"]) == ["robust", "other"]
    assert list(without.cells["variant"]) == ["robust", "other one"]
    with pytest.raises(InputError, match="name pairs in the experiment"):
        shift_table.tabulate(found, VARIANTS, "absent")


def test_published_shifts_stand_beside_pairs_of_their_data_set_alone(coefficients):
    renamed = coefficients._replace(counts={("cifar10", *run[1:]): by for run, by in coefficients.counts.items()})
    pairs = [{side: {**run, "dataset": "cifar10"} for side, run in pair.items()} for pair in PAIRS]
    table = shift_table.tabulate(renamed, VARIANTS, "plain", pairs)
    assert table.numbers.loc[0, "published"] == 0.6217
    assert table.cells.loc[0, "published, last tenth"] == "1.5359"
    assert "Gavrikov and Keuper" in table.caption
    assert "published" not in shift_table.tabulate(renamed, VARIANTS, "plain").numbers
    assert "published" not in shift_table.tabulate(coefficients, VARIANTS, "plain", PAIRS).numbers
    legends = [text.get_text() for text in filter_shift.draw(renamed, VARIANTS, "plain", pairs).legends[0].get_texts()]
    assert legends == [
        *("treatments against controls", "each model once", "published: 71 pairs of Gavrikov and Keuper (2022)")
    ]


def test_the_shift_is_drawn_at_each_depth_that_has_filters(coefficients):
    figure = filter_shift.draw(coefficients, VARIANTS, "plain")
    lines = [line for line in figure.axes[0].lines if to_hex(line.get_color()) == "#d1325b"]
    runs = [[("toy_set", "net", variant, seed) for seed in (0, 1)] for variant in ("robust", "plain")]
    expected = [coefficients.shift(*runs, [name]) for name in ("0", *TENTHS)]
    assert list(lines[0].get_xdata()) == [0, 5, 10]
    assert lines[0].get_ydata() == pytest.approx(expected)


def test_ridges_are_densities_whose_area_is_one(coefficients):
    figure = coefficients_figure.draw(coefficients, {"plain": "plain"})
    axes = figure.axes[0]
    ridges = [index - line.get_ydata() for index, line in enumerate(axes.lines)]
    grid = axes.lines[0].get_xdata()
    assert len(ridges) == 9
    # Each is scaled to one height.
    assert [ridge.max() for ridge in ridges] == pytest.approx([ridges[0].max()] * 9)
    runs = [("toy_set", "net", "plain", seed) for seed in (0, 1)]
    counts = coefficients.pool(runs)
    centres = coefficients.low + (coefficients.high - coefficients.low) / 70 * (np.arange(70) + 0.5)
    for ridge, row in zip(ridges, counts, strict=True):
        mean = np.average(grid, weights=ridge)
        assert mean == pytest.approx(np.average(centres, weights=row), abs=0.02)


@pytest.mark.parametrize("name", ["counts", "basis"])
def test_counted_files_that_were_changed_or_have_other_columns_are_refused(counted, tmp_path, name):
    files = SimpleNamespace(counts=tmp_path / "counts.csv", basis=tmp_path / "basis.csv")
    for path, table in zip((files.counts, files.basis), counted, strict=True):
        write_table(path, table)
    path = getattr(files, name)
    text = path.read_text()
    path.write_text(text[:-5] + "1" + text[-5:])
    with pytest.raises(InputError, match="was changed since it was written"):
        read_coefficients(files)
    path.write_text(text.replace("component", "part"))
    with pytest.raises(InputError, match=r"has other columns than .* run the rule pool_filters again"):
        read_coefficients(files)


@pytest.fixture
def accurate_results(results_of) -> pd.DataFrame:
    values = dict(zip(MODELS, (0.9, 0.8, 0.7, 0.75, 0.5, 0.4), strict=True))
    rows = [(*run, "clean", "accuracy", {"split": "test"}, value) for run, value in values.items()]
    rows += [(*run, "autoattack", "accuracy", {"attack": "autoattack", "norm": "linf", "epsilon": "8/255"}, 1 - value)
             for run, value in values.items()]  # fmt: skip
    return results_of(result_rows() + rows)


def test_correlations_are_those_of_scipy_over_runs_or_treatments(accurate_results):
    table = filter_correlations.tabulate(accurate_results, VARIANTS, "plain")
    numbers = table.numbers.set_index(["measure", "accuracy"])
    entropies = [whole(variant, seed, "variance_entropy", "num_clean") for _, variant, seed in MODELS]
    expected = spearmanr(entropies, [0.9, 0.8, 0.7, 0.75, 0.5, 0.4]).statistic
    assert numbers.loc[("variance_entropy", "clean"), "spearman"] == pytest.approx(expected)
    attacked = next(name for name in table.cells if name.startswith("AutoAttack"))
    assert numbers.loc[("variance_entropy", attacked), "spearman"] == pytest.approx(-expected)
    cell = table.cells.set_index("value of the filters").loc["clean accuracy", attacked]
    assert cell == "−1.00 (6)"
    treated = filter_correlations.tabulate(accurate_results, VARIANTS, "plain", pairs=PAIRS)
    assert set(treated.numbers["models"]) == {3}
    two = filter_correlations.tabulate(accurate_results, VARIANTS, "plain", pairs=PAIRS[:2])
    assert set(two.cells[attacked]) == {"needs at least 3 models"}


def test_without_measured_accuracies_correlations_are_with_the_published_ones(results):
    accuracies = {"plain": (0.9, 0.2), "robust": (0.5, 0.6), "other": (0.4, 0.7)}
    published = {
        name: {"clean": clean, "robust": robust, "norm": "linf", "epsilon": "8/255"}
        for name, (clean, robust) in accuracies.items()
    }
    table = filter_correlations.tabulate(results, VARIANTS, "plain", published=published)
    numbers = table.numbers.set_index(["measure", "accuracy"])
    correlation = numbers.loc[("clean", "AutoAttack L∞ 8/255, published")]
    assert correlation[["spearman", "models"]].tolist() == [pytest.approx(-1), 6]
    entropies = [whole(variant, seed, "variance_entropy", "num_clean") for _, variant, seed in MODELS]
    expected = spearmanr(entropies, [accuracies[variant][0] for _, variant, _ in MODELS]).statistic
    assert numbers.loc[("variance_entropy", "clean published"), "spearman"] == pytest.approx(expected)
    assert "clean accuracy, published" in set(table.cells["value of the filters"])
    assert "published: by RobustBench" in table.caption


def test_published_correlations_stand_beside_treatments_and_orthogonality_has_none(accurate_results, results_of):
    renamed = accurate_results.assign(dataset="cifar100")
    pairs = [{side: {**run, "dataset": "cifar100"} for side, run in pair.items()} for pair in PAIRS]
    table = filter_correlations.tabulate(renamed, VARIANTS, "plain", pairs=pairs)
    column = table.cells.set_index("value of the filters")["AutoAttack, 71-model study"]
    assert (column["sparsity"], column["orthogonality"]) == ("−0.20", "–")
    # The published ones have batch norm folded in, so ours beside them do where they can.
    folded = results_of(result_rows("folded")).assign(dataset="cifar100")
    ours = filter_correlations.tabulate(pd.concat([renamed, folded]), VARIANTS, "plain", pairs=pairs)
    assert batch_norm_words("folded").capitalize() in ours.caption
    assert batch_norm_words("separate").capitalize() in table.caption


def test_first_filters_are_shown_as_colours_and_activations_as_grey():
    weights = np.zeros((18, 3, 3, 3), np.float32)
    weights[17, 0] = 2
    weights[1, 2] = -1
    activations = np.zeros((2, 6, 8, 8), np.float32)
    activations[0, 3] = 1
    layer = {"weights": weights, "filters": np.arange(5, 11), "activations": activations, "change": np.array(0.25)}
    attack = {"attack": "fgsm", "norm": "linf", "epsilon": "8/255"}
    shown = {("net", "plain", 0): layer, ("net", "absent", 0): layer}
    figure = first_filters.draw(shown, {"plain": "plain"}, attack)
    [part] = [part for part in figure.subfigs if part.axes]
    assert part.get_suptitle() == "plain\nchange 25.0 %"
    above, below = (axes.images[0].get_array() for axes in part.axes)
    assert above.shape == (7, 63, 3)
    assert above[4, 4].tolist() == [255, 128, 128]  # the 18th, in the second row
    assert above[0, 4].tolist() == [128, 128, 64]
    assert above[4, 8].tolist() == [255, 255, 255]  # there is none
    tile = [below[row : row + 8, 27] for row in (0, 8, 16)]
    assert [int(values[4, 0]) for values in tile] == [255, 128, 255]
    with pytest.raises(InputError, match="no filters of the variants plain"):
        first_filters.draw({}, {"plain": "plain"}, attack)


def test_strong_activations_are_not_clipped():
    """Two filters, of which one is a hundred times as strong: both have all steps from mid grey to white."""
    steps = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    activations = np.stack([[strength * part * steps for strength in (0.1, 10)] for part in (1.0, 0.5)])
    layer = {"weights": np.ones((2, 3, 3, 3), np.float32), "filters": np.arange(2), "activations": activations}
    attack = {"attack": "fgsm", "norm": "linf", "epsilon": "8/255"}
    figure = first_filters.draw({("net", "plain", 0): {**layer, "change": np.array(0.5)}}, {"plain": "plain"}, attack)
    below = figure.axes[1].images[0].get_array()[..., 0]
    expected = np.rint(255 * (0.5 + 0.5 * steps))
    for left in (0, 9):
        assert np.abs(below[:8, left : left + 8] - expected).max() <= 1
        assert np.abs(below[8:16, left : left + 8] - np.rint(255 * (0.5 + 0.25 * steps))).max() <= 1


def test_a_panel_of_shares_that_are_all_zero_says_so(results):
    zero = results.assign(value=results["value"].where(results["metric"] != "sparsity", 0.0))
    figure = filter_quality.draw(zero, VARIANTS)
    assert [text.get_text() for text in figure.axes[0].texts] == ["no filter of any layer is sparse"]
    assert not figure.axes[1].texts


def test_one_line_alone_has_a_sentence_and_no_legend(results):
    one, several = (filter_dct.draw(results, VARIANTS, "plain", pairs=pairs) for pairs in (PAIRS, ()))
    assert not any(legend.get_texts() for legend in one.legends)
    assert len(several.legends[0].get_texts()) > 1


def filters_of(layers: int, value: float) -> dict[str, np.ndarray]:
    """Layers of 32 filters of ones, but for the first filter of the last one; its first one has 4, a stem 3."""
    first = np.ones((layers, 32, 3, 3), np.float32)
    first[0, 4:] = np.nan
    first[-1, 0] = value
    stem = np.stack([np.full((5, 5), share, np.float32) for share in (-3.0, 3.0, 0.0)])
    return {"first_filters": first, "conv_depths": np.arange(layers), "first_kernels": stem}


def test_filters_are_shown_by_layer_beside_those_of_their_pair():
    shown = {("net", "new", 0): filters_of(3, -2.0), ("net", "old", 0): filters_of(3, -0.5)}
    pairs = [{side: {"dataset": "toy", "model": "net", "variant": name, "seed": seed}
              for side, name in (("treatment", "new"), ("control", "old"))} for seed in (0, 1)]  # fmt: skip
    figure = filters.draw(shown, {"new": "robust", "old": "normal"}, pairs)
    panels = figure.axes[:6]
    assert [axes.get_title() for axes in panels[:2]] == ["normal", "robust"]
    stem, layers, last = (panels[number].images[0].get_array() for number in (1, 3, 5))
    assert (stem.shape, layers.shape, last.shape) == ((5, 95, 3), (11, 127, 3), (3, 63, 3))
    assert [stem[4, left].tolist() for left in (0, 10, 18)] == [[11, 42, 107], [255, 200, 69], [255, 255, 255]]
    assert layers[0, 16].tolist() == [255, 255, 255]  # there are four filters
    assert layers[8, 0].tolist() == last[0, 0].tolist() == [11, 42, 107]  # -2 of at most 2
    of_one, of_half = layers[0, 0], layers[8, 4]
    assert of_one.tolist() == [255, 200, 69]
    assert of_half.tolist() != of_one.tolist()
    assert [text.get_text() for text in panels[3].get_yticklabels()] == ["0", "1", "2"]
    with pytest.raises(InputError, match="no filters of the variants new"):
        filters.draw({}, {"new": "robust"})


def test_runs_of_one_variant_are_told_apart_by_what_differs():
    runs = [("net_1_a", "plain", 0), ("net_1_b", "plain", 0), ("net_1_b", "plain", 1), ("net_1_c", "new", 5)]
    shown = {run: {} for run in runs}
    assert list(run_labels(shown, {"plain": "normal", "new": "robust"}).values()) == [
        "normal (a)", "normal (b, seed 0)", "normal (b, seed 1)", "robust"]  # fmt: skip
