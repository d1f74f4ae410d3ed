"""Figures of the linear frequency principle and of the kernel flow: what they draw, and that nothing is clipped."""

import numpy as np
import pandas as pd
import pytest
from publishing.test_figures import check_layout

from filterfreq.publishing.figures.fp_norm import draw as draw_norms
from filterfreq.publishing.figures.kernel_eigenvalues import draw as draw_eigenvalues
from filterfreq.publishing.figures.kernel_flow import draw as draw_flow
from filterfreq.publishing.figures.lfp_curve import draw as draw_curve
from filterfreq.publishing.figures.lfp_surface import draw as draw_surface
from filterfreq.publishing.figures.lfp_width import draw as draw_width
from filterfreq.runtime.errors import InputError

pytestmark = pytest.mark.slow

LABELS = {"a": "first term", "b": "second term, with a label that is long enough to be broken in two lines"}


def table(rows: list[dict]) -> pd.DataFrame:
    return pd.DataFrame([{"model": "wide", "variant": variant, "seed": 0, **row} for variant in LABELS for row in rows])


def curves() -> pd.DataFrame:
    x = np.linspace(-1, 1, 21)
    lines = {"network": x**2 + 0.25, "lfp": x**2, "natural_spline": x**2 + 0.5, "linear_spline": x**2 + 0.1}
    rows = [
        {"metric": "output", "of": of, "x": place, "value": value}
        for of, values in lines.items()
        for place, value in zip(x, values, strict=True)
    ]
    return table([*rows, *({"metric": "output", "of": "data", "x": place, "value": 1.0} for place in (-1, 1))])


def surfaces() -> pd.DataFrame:
    places = [(x, y) for x in (-1.0, 0.0, 1.0) for y in (-1.0, 0.0, 1.0)]
    rows = [
        {"metric": "output", "of": of, "x": x, "y": y, "value": factor * x * y}
        for of, factor in (("network", 0.9), ("lfp", 1.0), ("data", 1.0))
        for x, y in places
    ]
    return table(rows)


def widths() -> pd.DataFrame:
    rows = [
        {"metric": "function_difference", "of": "network", "to": to, "measure": measure, "width": width, "seed": seed}
        | {"value": factor * max(width**-0.5, 0.01) * (1 + 0.1 * seed)}
        for to, factor in (("lfp", 1), ("closed_form", 2))
        for measure in ("L1", "L2", "largest")
        for width in (100, 400, 1600, 6400, 25_600, 100_000)
        for seed in (0, 1)
    ]
    return table(rows)


def norms() -> pd.DataFrame:
    rows = []
    for points in (5, 20, 80):
        for frequency in (1, 2, 8):
            said = {"frequency": frequency, "points": points}
            rows += [
                {"metric": "fp_norm", "of": of, "value": frequency * part, **said}
                for of, part in (("target", 1), ("lfp", 0.5))
            ]
            rows += [
                {"metric": "test_error", "of": of, "value": frequency / points, **said} for of in ("lfp", "network")
            ]
            rows.append({"metric": "generalisation_bound", "value": 1000 * frequency / points**0.5, **said})
    return table(rows)


def flows() -> pd.DataFrame:
    x = np.linspace(0, 6, 13)
    rows = [{"metric": "flow_target", "x": place, "value": np.sin(place)} for place in x]
    for time in (0.0, 10.0, 1000.0):
        for of in ("exact", "dense"):
            rows += [
                {"metric": "flow", "of": of, "time": time, "x": place, "value": time / 1000 * np.sin(place)}
                for place in x
            ]
            rows += [
                {"metric": "flow_residual", "of": of, "time": time, "frequency": k, "value": 1 - time / 1000 / k}
                for k in (1, 2)
            ]
    rows += [
        {"metric": "flow_eigenvalue", "of": of, "frequency": k, "value": k * np.exp(-k)}
        for of in ("formula", "transform")
        for k in range(40)
    ]
    return table([*rows, {"metric": "flow_peak", "of": "formula", "value": 1.0}])


ALL = {
    "lfp_curve": (draw_curve, curves),
    "lfp_surface": (draw_surface, surfaces),
    "lfp_width": (draw_width, widths),
    "fp_norm": (draw_norms, norms),
    "kernel_flow": (draw_flow, flows),
    "kernel_eigenvalues": (draw_eigenvalues, flows),
}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("variants", [["a"], ["a", "b"]], ids=["one", "two"])
def test_nothing_is_clipped_and_nothing_overlaps(name, variants):
    draw, results = ALL[name]
    check_layout(draw(results(), {variant: LABELS[variant] for variant in variants}))


@pytest.mark.parametrize("name", ALL)
def test_variants_without_results_are_refused(name):
    draw, results = ALL[name]
    with pytest.raises(InputError, match=r"^there is no \w+ of the variants none: run the fit$"):
        draw(results(), {"none": "none"})


def test_a_curve_has_the_nearer_spline_and_says_the_largest_difference():
    figure = draw_curve(curves(), LABELS)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        *("linear spline", "network", "LFP solution", "data")
    ]
    axes = figure.axes[0]
    assert axes.get_title().endswith("largest difference of network and LFP: 0.25")
    spline, network, lfp, data = axes.lines
    assert network.get_ydata() - lfp.get_ydata() == pytest.approx(0.25)
    assert spline.get_ydata() - lfp.get_ydata() == pytest.approx(0.1)
    assert data.get_xdata().tolist() == [-1, 1]


def test_a_surface_has_one_scale_and_each_point_once_in_the_scatter():
    network, lfp, scatter = draw_surface(surfaces(), {"a": "first"}).axes[:3]
    for axes, factor in ((network, 0.9), (lfp, 1)):
        (image,) = axes.collections
        assert image.get_clim() == (-1, 1)
        assert np.asarray(image.get_array()).tolist() == [
            pytest.approx([-factor * y, 0, factor * y]) for y in (-1, 0, 1)
        ]
    identity, dots = scatter.lines
    assert list(identity.get_xdata()) == list(identity.get_ydata())
    assert len(dots.get_xdata()) == 9
    assert dots.get_xdata() == pytest.approx(0.9 * dots.get_ydata())


def test_the_slope_is_of_the_widths_before_the_floor():
    axes = draw_width(widths(), {"a": "first"}).axes[0]
    assert axes.get_title() == "first\nslope of L2 before the floor: -0.50"
    assert axes.lines[0].get_ydata() == pytest.approx([1.05 * max(m**-0.5, 0.01) for m in axes.lines[0].get_xdata()])


def test_norms_errors_and_bound_are_where_they_belong():
    left, middle, right = draw_norms(norms(), {"a": "first"}).axes
    assert [line.get_ydata().tolist() for line in left.lines] == [[0.5, 1, 4]] * 3 + [[1, 2, 8]]
    assert middle.lines[0].get_ydata() == pytest.approx([0.2, 0.4, 1.6])
    assert len(middle.lines) == 6
    lowest, bound, highest, _ = right.lines
    assert lowest.get_ydata() == pytest.approx([1 / 5, 1 / 20, 1 / 80])
    assert highest.get_ydata() == pytest.approx([8 / 5, 8 / 20, 8 / 80])
    assert (bound.get_ydata() > lowest.get_ydata()).all()


def test_a_flow_has_a_panel_for_each_time_with_what_is_left():
    panels = draw_flow(flows(), LABELS).axes
    assert [axes.get_title() for axes in panels[:3]] == [
        "t = 0\n1.00, 1.00",
        "t = 10\n0.99, 0.99",
        "t = 1000\n0.00, 0.50",
    ]
    flow, target = panels[2].lines
    assert flow.get_ydata() == pytest.approx(target.get_ydata())


def test_eigenvalues_end_where_they_vanish_and_show_those_of_the_target():
    axes = draw_eigenvalues(flows(), {"a": "first"}).axes[0]
    peak, formula, transform, target = axes.lines
    assert peak.get_xdata()[0] == 1.0
    assert target.get_xdata().tolist() == [1, 2]
    assert formula.get_ydata() == pytest.approx(transform.get_ydata())
    assert 8 < axes.get_xlim()[1] < 12
