"""The figures of what is learned of low and high frequencies over training."""

import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from publishing.test_figures import check_layout

from filterfreq.publishing.figures.filtered_response import draw as draw_filtered_response
from filterfreq.publishing.figures.response_frequency import draw as draw_response_frequency
from filterfreq.runtime.errors import InputError

pytestmark = pytest.mark.slow

VARIANTS = {"natural": "natural labels", "shuffled": "shuffled labels"}
EPOCHS = (0, 0.1, 1, 10, 100)
CHOSEN = (0, 0.1, 0.3)
SAID = {"class": 0, "split": "train"}


def response_rows(variants=tuple(VARIANTS), models=("net",)) -> list[tuple]:
    """Errors tell epoch, chosen frequency, variant and seed."""
    rows = []
    for model, variant, seed, epoch in ((m, v, s, e) for m in models for v in variants for s in (0, 1) for e in EPOCHS):
        run = (model, variant, seed, "response_frequency")
        for frequency in np.linspace(0, 0.4, 5):
            where = {"epoch": epoch, **SAID, "frequency": f"{frequency:g}"}
            rows.append((*run, "label_magnitude", where, 0.1 * np.exp(-5 * frequency)))
        for number, frequency in enumerate(CHOSEN):
            rows.append((*run, "chosen_frequency", {"epoch": epoch, **SAID, "chosen": number}, frequency))
            where = {"epoch": epoch, **SAID, "output": "probability", "chosen": number}
            value = 0.1 * (1 + number) + epoch / 1000 + seed / 50 + (variant == "shuffled")
            rows.append((*run, "frequency_error", where, value))
    return rows


def filtered_rows(deltas=(3, 7)) -> list[tuple]:
    said = {"split": "train", "output": "logit"}
    return [
        (
            *("net", variant, 0, "filtered_response", f"{part}_frequency_error"),
            {"epoch": epoch, **said, "delta": delta},
            delta / 10 + (part == "high") / 5 - epoch / 1000,
        )
        for variant in VARIANTS
        for epoch in EPOCHS
        for delta in deltas
        for part in ("low", "high")
    ]


def cells(axes) -> tuple[np.ndarray, np.ndarray]:
    """The values of a panel's map, and its edges along."""
    (mesh,) = axes.findobj(QuadMesh)
    return np.asarray(mesh.get_array()), mesh.get_coordinates()[0, :, 0]


def test_errors_at_the_chosen_frequencies_are_a_map_over_a_logarithmic_axis(results_of):
    figure = draw_response_frequency(results_of(response_rows()), VARIANTS)
    left, right, left_2, right_2 = figure.axes[:4]
    values, edges = cells(right)
    expected = [[0.1 * (1 + number) + epoch / 1000 + 0.01 for epoch in EPOCHS[1:]] for number in range(3)]
    np.testing.assert_allclose(values, expected)
    np.testing.assert_allclose(cells(right_2)[0], np.array(expected) + 1)
    np.testing.assert_allclose(edges, 10 ** np.array([-1.5, -0.5, 0.5, 1.5, 2.5]))
    assert (right.get_xscale(), right.get_xlabel(), right_2.get_xlabel()) == ("log", "", "epoch")
    assert [text.get_text() for text in right.get_yticklabels()] == ["0", "0.1", "0.3"]
    (mesh,) = right.findobj(QuadMesh)
    assert (mesh.norm.vmin, mesh.norm.vmax) == (0.1, 0.5)
    low, high = left.get_ylim()
    ticks = [tick.label1.get_text() for tick in left.yaxis.get_major_ticks() if low <= tick.get_loc() <= high]
    assert ticks == ["0.02", "0.05", "0.1"]
    line, squares = left.lines
    np.testing.assert_allclose(line.get_ydata(), 0.1 * np.exp(-5 * np.linspace(0, 0.4, 5)))
    assert (squares.get_marker(), squares.get_color()) == ("s", "black")
    np.testing.assert_allclose(squares.get_xdata(), CHOSEN)
    assert [left.get_title(loc="left"), left_2.get_title(loc="left")] == [*VARIANTS.values()]
    check_layout(figure)


def test_rows_of_several_models_name_them(results_of):
    figure = draw_response_frequency(results_of(response_rows(("natural",), ("one", "two"))), {"natural": "N"})
    assert [axes.get_title(loc="left") for axes in figure.axes[:4:2]] == ["one", "two"]
    check_layout(figure)


def test_errors_of_both_parts_are_strips_for_each_filter(results_of):
    figure = draw_filtered_response(results_of(filtered_rows()), VARIANTS)
    panels = figure.axes[:4]
    titles = [f"{label}, δ = {delta}" for label in VARIANTS.values() for delta in (3, 7)]
    assert [axes.get_title(loc="left") for axes in panels] == titles
    for axes, delta in zip(panels, (3, 7, 3, 7), strict=True):
        values, edges = cells(axes)
        # The low part is the upper one.
        assert [text.get_text() for text in axes.get_yticklabels()] == ["high", "low"]
        np.testing.assert_allclose(
            values, [[delta / 10 + part - epoch / 1000 for epoch in EPOCHS] for part in (0.2, 0)]
        )
        np.testing.assert_allclose(edges, [0, 0.05, 0.55, 5.5, 55, 100])
        (mesh,) = axes.findobj(QuadMesh)
        assert (mesh.norm.vmin, mesh.norm.vmax) == (0.1, 1)
    assert [axes.get_xlabel() for axes in panels] == ["", "", "epoch", "epoch"]
    check_layout(figure)


def test_one_filter_and_one_variant_stand_in_a_column(results_of):
    figure = draw_filtered_response(results_of(filtered_rows((3,))), {"natural": "N"})
    assert figure.axes[0].get_title(loc="left") == "δ = 3"
    check_layout(figure)


@pytest.mark.parametrize(
    ("draw", "rows"), [(draw_response_frequency, response_rows), (draw_filtered_response, filtered_rows)]
)
def test_results_without_snapshots_are_refused(results_of, draw, rows):
    only_start = [row for row in rows() if row[5]["epoch"] == 0]
    trained = [
        (*row[:5], {key: value for key, value in row[5].items() if key != "epoch"}, row[6]) for row in only_start
    ]
    with pytest.raises(InputError, match=r"there are no errors over training of natural, shuffled: measure their"):
        draw(results_of(trained), VARIANTS)
