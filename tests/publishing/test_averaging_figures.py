"""Figures of post-averaging: accuracy against the radius, transfer functions, linear regions."""

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import same_color

from filterfreq.analysis.linear_regions import changed_signs, random_relu_net, segment_crossings
from filterfreq.frequencies.averaging import SHELLS, ball_transfer, shells_transfer
from filterfreq.publishing.averages import RandomAverage, averaging_series, random_averages
from filterfreq.publishing.figures import linear_regions
from filterfreq.publishing.figures.accuracy_radius import draw as draw_accuracy_radius
from filterfreq.publishing.figures.averaging_transfer import draw as draw_transfer
from filterfreq.runtime.errors import InputError

TITLES = ["without attack", "worst transferred", "worst along gradients", "Square", "worst of all"]
PANELS = ("clean", "transfer", "adaptive", "square", "worst")


def average(count: int, radius: float, **others) -> dict:
    return {"directions": "random", "count": count, "radius": radius, "from": "plain", "beside": "plain", **others}


AVERAGES = {f"k{count}-r{radius}": average(count, radius) for count in (50, 5) for radius in (6, 2)}
ZERO = ("k5-r0", "k50-r0")
LABELS = {"plain": "plain", "robust": "robust", **{name: f"averaged {name}" for name in AVERAGES}}


def accuracies_of(name: str) -> dict[str, float]:
    """By panel, all different, with good gradients: what is along them is the lowest but for the worst."""
    first = 0.3 + 0.02 * [*LABELS, *ZERO].index(name)
    found = dict(zip(PANELS, (0.9, 0.5, 0.1, 0.15, 0.05), strict=True))
    return {panel: value + first / 10 for panel, value in found.items() if (panel, name) != ("transfer", "plain")}


def rows_of(name: str, values: dict[str, float], seed: int = 0, epsilon: str = "8/255", model: str = "net") -> list:
    where = {"norm": "linf", "epsilon": epsilon, "judged": "after", "draws": 10}
    run = (model, name, seed, "adaptive")
    rows = [(*run, "accuracy", {"attack": attack, **where}, value) for attack, value in values.items()]
    return [row for row in rows if row[5]["attack"] != "clean"]


def clean_row(name: str, value: float, seed: int = 0, model: str = "net") -> tuple:
    return model, name, seed, "adaptive", "clean_accuracy", {"split": "test", "images": 100}, value


@pytest.fixture
def draw(results_of):
    """Draw made results: those of every variant, unless changed."""

    def draw_changed(changes=None, seeds=(0,), epsilons=("8/255",), labels=LABELS, averages=AVERAGES, further=0.0):
        rows = []
        for name in labels:
            for seed in seeds:
                values = {**accuracies_of(name), **(changes or {}).get(name, {})}
                values = {panel: value + further * seed for panel, value in values.items()}
                rows.append(clean_row(name, values["clean"], seed))
                rows += [row for epsilon in epsilons for row in rows_of(name, values, seed, epsilon)]
        results = results_of(rows).assign(ci_low=lambda frame: frame["value"] - 0.03)
        results = results.assign(ci_high=results["value"] + 0.04)
        return draw_accuracy_radius(results, labels, averages)

    return draw_changed


def lines_of(axes) -> dict[str, tuple[list, list]]:
    """The joined lines of a panel, by label."""
    found = {line.get_label(): line.get_data() for line in axes.lines if "K = " in line.get_label()}
    return {label: (list(x), np.round(y, 6).tolist()) for label, (x, y) in found.items()}


def hollow_at(axes) -> set[tuple[float, float]]:
    """Where a panel's hollow markers are."""
    hollow = [line for line in axes.lines if line.get_markerfacecolor() == "white" and line.get_marker() != "None"]
    return {(x, round(y, 6)) for line in hollow for x, y in line.get_xydata().tolist()}


def test_lines_are_the_accuracies_of_their_variants_and_begin_at_the_undefended_model(draw):
    figure = draw()
    assert [axes.get_title().replace("\n", " ") for axes in figure.axes] == TITLES
    for panel, axes in zip(PANELS, figure.axes, strict=True):
        zero = [] if panel == "transfer" else [0]
        for count in (5, 50):
            names = [*(["plain"] if zero else []), f"k{count}-r2", f"k{count}-r6"]
            expected = [round(accuracies_of(name)[panel], 6) for name in names]
            assert lines_of(axes)[f"K = {count}"] == ([*zero, 2, 6], expected)
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["K = 5", "K = 50", "robust"]
    assert "r in units of normalised images; bands: 95 % Wilson intervals" in figure.legends[0].get_title().get_text()


def test_other_variants_go_across(draw):
    for panel, axes in zip(PANELS, draw().axes, strict=True):
        across = [line.get_ydata()[0] for line in axes.lines if list(line.get_xdata()) == [0, 1]]
        assert across == pytest.approx([accuracies_of("robust")[panel]])


def test_a_variant_with_the_radius_0_is_the_point_there_of_its_own_line_or_of_all(draw):
    averages = {**AVERAGES, "k5-r0": average(5, 0)}
    labels = {**LABELS, "k5-r0": "averaged k5-r0"}
    axes = draw(labels=labels, averages=averages, changes={"k5-r0": {"transfer": 0.01}}).axes[1]
    assert {label: (x[0], y[0]) for label, (x, y) in lines_of(axes).items()} == {
        "K = 5": (0, 0.01), "K = 50": (0, 0.01)
    }  # fmt: skip
    both = {**averages, "k50-r0": average(50, 0)}
    labels["k50-r0"] = "averaged k50-r0"
    changes = {"k5-r0": {"transfer": 0.01}, "k50-r0": {"transfer": 0.02}}
    axes = draw(labels=labels, averages=both, changes=changes).axes[1]
    assert {label: y[0] for label, (_, y) in lines_of(axes).items()} == {"K = 5": 0.01, "K = 50": 0.02}


def test_markers_are_hollow_where_a_sign_of_masking_holds_and_only_along_gradients(draw):
    assert all(hollow_at(axes) == set() for axes in draw().axes)
    figure = draw({"k5-r6": {"square": 0.02, "worst": 0.02}, "robust": {"square": 0.02}})
    expected = {(6.0, round(accuracies_of(name)["adaptive"], 6)) for name in ("k5-r6", "robust")}
    assert [hollow_at(axes) for axes in figure.axes] == [set(), set(), expected, set(), set()]
    assert figure.legends[0].get_texts()[-1].get_text() == "hollow: sign of gradient masking"


def test_bands_are_intervals_of_one_seed_and_the_range_of_several(draw):
    def heights(figure) -> np.ndarray:
        band = next(found for found in figure.axes[0].collections if isinstance(found, PolyCollection))
        y = band.get_paths()[0].vertices[:, 1]
        return np.round([y.min(), y.max()], 6)

    names = ("plain", "k5-r2", "k5-r6")
    values = [accuracies_of(name)["clean"] for name in names]
    np.testing.assert_allclose(heights(draw()), [min(values) - 0.03, max(values) + 0.04])
    several = draw(seeds=(0, 1, 2), further=0.01)
    np.testing.assert_allclose(heights(several), [min(values), max(values) + 0.02])
    np.testing.assert_allclose(lines_of(several.axes[0])["K = 5"][1], np.add(values, 0.01), atol=1e-6)
    assert "bands: lowest to highest of 3 seeds" in several.legends[0].get_title().get_text()


def test_each_epsilon_has_a_row(draw):
    figure = draw(epsilons=("64/255", "8/255"))
    labels = [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()]
    assert labels == ["L∞ 8/255\naccuracy (%)", "L∞ 64/255\naccuracy (%)"]
    # At 64/255 what is not 0 is a sign at every epsilon.
    assert len(hollow_at(figure.axes[2])) == len({accuracies_of(name)["adaptive"] for name in LABELS})


def test_each_model_has_a_row_with_its_own_lines(results_of):
    """As checkpoints of two architectures, each with averages of its own."""
    averages = {
        f"{source}-r{radius}": average(5, radius, **{"from": source, "beside": source})
        for source in ("a", "b")
        for radius in (2, 6)
    }
    names = {"a": "a", "b": "b", **{name: name for name in averages}}
    rows = []
    for number, name in enumerate(names):
        model = f"net_{name[0]}"
        rows += [clean_row(name, 0.5 + number / 20, model=model)]
        rows += rows_of(name, {"adaptive": 0.1 + number / 20}, model=model)
    figure = draw_accuracy_radius(results_of(rows), names, averages)
    drawn = [{label: data for label, data in lines_of(axes).items() if data[0]} for axes in figure.axes[1::2]]
    assert drawn == [{"a, K = 5": ([0, 2, 6], [0.1, 0.2, 0.25])}, {"b, K = 5": ([0, 2, 6], [0.15, 0.3, 0.35])}]
    labels = [axes.get_ylabel() for axes in figure.axes[::2]]
    assert labels == ["net_a\nL∞ 8/255\naccuracy (%)", "net_b\nL∞ 8/255\naccuracy (%)"]


def test_lines_tell_what_else_differs():
    averages = {
        "a": average(5, 2), "b": average(5, 2, unit="pixels"), "c": average(5, 2, directions="approx", vote="logit")
    }  # fmt: skip
    assert averaging_series(averages) == {
        "a": "random directions, K = 5, unit: normalised, vote: softmax",
        "b": "random directions, K = 5, unit: pixels, vote: softmax",
        "c": "approx directions, K = 5, unit: normalised, vote: logit",
    }
    assert averaging_series({"a": average(5, 2), "zero": average(5, 0), "lengths": {"lengths": [1]}}) == {"a": "K = 5"}


def test_results_without_any_radius_are_refused(draw):
    with pytest.raises(InputError, match="no results of a variant with post_averaging and a radius"):
        draw(averages={})


def test_random_averages_are_those_along_drawn_directions():
    second = {"directions": "random", "count": 60, "lengths": [30, 10]}
    averages = {
        "a": average(5, 6), "same": average(5, 6, vote="logit"), "none": average(0, 0), "zero": average(5, 0),
        "two": average(20, 4, directions="approx", second=second),
    }  # fmt: skip
    assert random_averages(averages) == [RandomAverage(5, (2.0, 4.0, 6.0)), RandomAverage(60, (10, 30))]


@pytest.fixture(scope="module")
def transfer_figure():
    averages = {name: average(count, radius) for name, count, radius in (("a", 5, 2), ("b", 5, 30), ("c", 50, 6))}
    return draw_transfer(averages, 3072)


def test_transfer_functions_are_drawn_as_their_closed_forms(transfer_figure):
    linear, logarithmic, _ = transfer_figure.axes
    for axes in (linear, logarithmic):
        curves = [line.get_data() for line in axes.lines if len(line.get_xdata()) > 100]
        z = curves[0][0]
        for (_, drawn), expected in zip(
            curves,
            (ball_transfer(z, 1, 3072), *(shells_transfer(z, SHELLS, count, 3072) for count in (5, 50))),
            strict=True,
        ):
            np.testing.assert_allclose(drawn, expected)
    legend = [text.get_text() for text in transfer_figure.legends[0].get_texts()]
    assert legend == ["ball", "shells, K = 5", "shells, K = 50"]
    assert "n = 3,072; r = 2, 6, 30;" in transfer_figure.legends[0].get_title().get_text()


def test_monte_carlo_agrees_within_four_of_the_standard_errors_that_are_drawn(transfer_figure):
    difference = transfer_figure.axes[2]
    assert len(difference.containers) == 3
    for points in difference.containers:
        away = points.lines[0].get_ydata()
        bars = np.array([np.ptp(bar[:, 1]) / 2 for bar in points.lines[2][0].get_segments()])
        assert (bars[1:] > 0).all()
        assert (np.abs(away) <= 4 * bars + 1e-9).all()
        assert np.abs(away).max() > 0


def test_other_lengths_are_said_and_no_random_average_is_refused():
    lengths = {"directions": "random", "count": 20, "lengths": [10, 20, 40], "from": "plain", "beside": "plain"}
    figure = draw_transfer({"a": lengths}, 48)
    assert figure.legends[0].get_texts()[1].get_text() == "shells, K = 20, l = 10, 20, 40"
    with pytest.raises(InputError, match="no variant has post_averaging of random directions"):
        draw_transfer({"a": average(5, 2, directions="exact")}, 48)


@pytest.mark.parametrize("seed", [0, 3])
def test_zero_sets_are_where_a_unit_is_0_and_the_segments_crossings_are_counted(seed):
    figure = linear_regions.draw(seed)
    (axes,) = figure.axes
    net = random_relu_net(2, linear_regions.WIDTHS, seed)
    drawn = [collection for collection in axes.collections if len(collection.get_paths())]
    colours = [collection.get_edgecolor()[0] for collection in drawn]
    assert sum(same_color(colour, "#000000") for colour in colours) == 8
    slope, offset = net.weights[0][0], net.biases[0][0]
    points = drawn[0].get_paths()[0].vertices
    np.testing.assert_allclose(points @ slope + offset, 0, atol=1e-9)
    assert len({str(collection.get_linestyle()) for collection in drawn}) == 3
    segment = linear_regions.START, linear_regions.END
    counts = [len(found) for found in segment_crossings(net, *segment)]
    # Of the other seed a unit is crossed there and back, and its sign is the same at both ends.
    assert (counts == changed_signs(net, *segment)) is (seed == 0)
    note = figure.legends[0].get_title().get_text()
    assert note.startswith(f"A to B crosses {sum(counts)} lines: {counts[0]}, {counts[1]} and {counts[2]} of layers")
    dots = next(line for line in axes.lines if line.get_marker() == "o")
    assert len(dots.get_xdata()) == sum(counts)
