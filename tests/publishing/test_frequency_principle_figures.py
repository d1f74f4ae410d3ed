"""Figures of the fits of the frequency principle: curves, parity, the tanh theorem, Poisson's equation."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color
from publishing.test_figures import check_layout

from filterfreq.evaluation.results import wilson_interval
from filterfreq.publishing.figures.curve import draw as draw_curve
from filterfreq.publishing.figures.parity import draw as draw_parity
from filterfreq.publishing.figures.poisson import draw as draw_poisson
from filterfreq.publishing.figures.tanh_theorem import draw as draw_tanh_theorem
from filterfreq.publishing.figures.tanh_theorem import pooled
from filterfreq.publishing.response_panels import draw_errors
from filterfreq.publishing.style import new_figure, variant_styles
from filterfreq.runtime.errors import InputError

pytestmark = pytest.mark.slow
LABELS = {"paper": "sin x + sin 3x + sin 5x", "periodic": "a periodic grid, with a label of some length that is broken"}


def results_of(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame([{"model": "net", "seed": 0, "n": 100, **row} for row in rows])


def curves(variants: Iterable[str], networks: Iterable[str] = ("net",)) -> pd.DataFrame:
    """The error of frequency k at iteration i is k / i, and 0.1 more with seed 1; the target has 1 / (k + 1)."""
    rows = []
    for network in networks:
        for variant in variants:
            for seed in (0, 1):
                run = {"model": network, "variant": variant, "seed": seed}
                rows += [{**run, "metric": "target_magnitude", "frequency": k, "value": 1 / (k + 1)} for k in range(8)]
                rows += [
                    {
                        **run,
                        "metric": "relative_error",
                        "frequency": k,
                        "iteration": iteration,
                        "value": k / iteration + seed / 10,
                    }
                    for k in (5, 1, 3)
                    for iteration in (10, 20, 30, 40)
                ]
    return results_of(rows)


class TestCurve:
    def test_a_row_has_the_spectrum_with_squares_and_the_map_of_means(self):
        figure = draw_curve(curves(LABELS), LABELS)
        left, right = figure.axes[:2]
        line, squares = left.lines
        assert line.get_ydata().tolist() == pytest.approx([1 / (k + 1) for k in range(8)])
        assert squares.get_xydata().tolist() == [[k, pytest.approx(1 / (k + 1))] for k in (1, 3, 5)]
        (drawn,) = right.collections
        assert np.asarray(drawn.get_array()).tolist() == [
            pytest.approx([k / iteration + 0.05 for iteration in (10, 20, 30, 40)]) for k in (1, 3, 5)
        ]
        assert drawn.get_clim() == (0.1, 1)
        assert [text.get_text() for text in right.get_yticklabels()] == ["1", "3", "5"]
        assert figure.axes[-1].get_ylabel() == "relative error, mean of 2 seeds"
        assert left.get_title(loc="left") == LABELS["paper"]
        check_layout(figure)

    @pytest.mark.parametrize("networks", [["net"], ["tanh-1x8000", "ricker-200-200-200-100"]])
    def test_each_network_and_variant_has_a_row(self, networks):
        figure = draw_curve(curves(LABELS, networks), LABELS)
        assert len(figure.axes) == 2 * 2 * len(networks) + 1
        check_layout(figure)

    def test_variants_without_errors_are_refused(self):
        with pytest.raises(InputError, match=r"^there are no relative errors of the variants none: run the fit"):
            draw_curve(curves(["paper"]), {"none": "none"})

    def test_cells_meet_between_records_on_the_logarithmic_axis(self):
        axes = new_figure(3, 2).subplots()
        drawn = draw_errors(axes, pd.DataFrame([[0.1, 0.2, 0.3]], index=[4], columns=[10, 20, 80]), "iteration")
        edges = np.asarray(drawn.get_coordinates())[0, :, 0]
        assert edges == pytest.approx([10 / 2**0.5, 200**0.5, 1600**0.5, 160])
        alone = draw_errors(axes, pd.DataFrame([[0.1]], index=[4], columns=[10]), "iteration")
        assert np.asarray(alone.get_coordinates())[0, 0, 0] < 10 < np.asarray(alone.get_coordinates())[0, 1, 0]


class TestParity:
    @staticmethod
    def magnitudes() -> pd.DataFrame:
        """Of each function another power of k; 0.1 more with seed 1."""
        functions = ("all_points", "network", "training_points")
        return results_of(
            {"variant": "plain", "seed": seed, "metric": "magnitude", "function": name, "k": k, "value": value}
            for seed in (0, 1)
            for power, name in enumerate(functions, start=1)
            for k in (0.0, 0.25, 0.5)
            for value in [k**power + seed / 10]
        )

    def test_each_function_is_a_line_of_means(self):
        figure = draw_parity(self.magnitudes(), {"plain": "plain"})
        axes, (legend,) = figure.axes[0], figure.legends
        said = [text.get_text() for text in legend.get_texts()]
        assert said == ["target on the training points", "target on all points", "network on all points"]
        for handle, power in zip(legend.legend_handles, (3, 1, 2), strict=True):
            (line,) = (one for one in axes.lines if same_color(one.get_color(), handle.get_color()))
            assert line.get_ydata().tolist() == pytest.approx([k**power + 0.05 for k in (0, 0.25, 0.5)])
        check_layout(figure)

    def test_many_panels_fit_and_none_is_refused(self):
        labels = {f"v{number}": f"{number} training points of all that there are" for number in range(4)}
        results = pd.concat(self.magnitudes().assign(variant=variant) for variant in labels)
        figure = draw_parity(results, labels)
        assert len([axes for axes in figure.axes if axes.axison]) == 4
        check_layout(figure)
        with pytest.raises(InputError, match=r"^there are no spectra of the variants none: run the fit"):
            draw_parity(self.magnitudes(), {"none": "none"})


class TestTanhTheorem:
    @staticmethod
    def failures() -> pd.DataFrame:
        """Two seeds of 1,000 draws: a share of radius / 10 fails, of the whole gradient none below radius 1."""
        return results_of(
            {"variant": "plain", "seed": seed, "metric": "failures", "condition": name, "radius": radius, **row}
            for seed in (0, 1)
            for name in ("every_parameter", "every_inner_weight", "whole_gradient")
            for radius in (2.0, 1.0, 0.5)
            for row in [{"n": 1000, "value": 0.0 if name == "whole_gradient" and radius < 1 else radius / 10}]
        )

    def test_seeds_are_put_together_with_an_interval_of_their_own(self):
        rows = self.failures()
        found = pooled(rows[rows["condition"] == "every_parameter"])
        assert found["inverse"].tolist() == [0.5, 1, 2]
        assert found["share"].tolist() == [0.2, 0.1, 0.05]
        assert (found["low"].iloc[2], found["high"].iloc[2]) == wilson_interval(100, 2000)

    def test_lines_are_shares_and_arrows_the_upper_ends_of_none(self):
        figure = draw_tanh_theorem(self.failures(), {"plain": "plain"})
        (axes,) = figure.axes
        colour = variant_styles({"a": "", "b": "", "c": ""})["c"].colour
        lines = [line for line in axes.lines if same_color(line.get_color(), colour) and len(line.get_xdata()) == 2]
        assert next(line.get_xydata().tolist() for line in lines) == [[0.5, 0.2], [1, 0.1]]
        ends = [line.get_xydata().tolist() for line in axes.lines if len(line.get_xdata()) == 1]
        assert any(end[0][0] == 2 and end[0][1] < wilson_interval(0, 2000)[1] for end in ends)
        assert axes.get_yscale() == "log"
        assert axes.get_xlim()[1] > 2
        assert axes.get_ylim()[0] < wilson_interval(0, 2000)[1]
        assert figure.legends[0].get_title().get_text() == "2,000 draws for each delta"
        check_layout(figure)

    def test_variants_without_failures_are_refused(self):
        with pytest.raises(InputError, match=r"^there are no failures of the variants none: run the fit"):
            draw_tanh_theorem(self.failures(), {"none": "none"})


class TestPoisson:
    @staticmethod
    def errors(switches=(0, 20), units=(10, 1000), variants=("plain",)) -> pd.DataFrame:
        rows: list[dict[str, Any]] = []
        for variant in variants:
            rows += [
                {"variant": variant, "metric": "target_magnitude", "frequency": k, "value": 1 / (k + 1)}
                for k in range(10)
            ]
            for iteration in (10, 20, 30):
                rows += [
                    {
                        "variant": variant,
                        "metric": "relative_error",
                        "frequency": k,
                        "iteration": iteration,
                        "value": k / iteration,
                    }
                    for k in (1, 8)
                ]
                error = {
                    "metric": "largest_error",
                    "solver": "network",
                    "time": float(iteration),
                    "value": 1 / iteration,
                }
                rows.append({"variant": variant, **error})
            for switch in switches:
                for sweeps in (0, 1, 100):
                    run = {"variant": variant, "switch": switch, "sweeps": sweeps}
                    rows += [
                        {**run, "metric": "jacobi_relative_error", "frequency": k, "value": 1 / (k + sweeps)}
                        for k in (1, 8)
                    ]
                    error = {"metric": "largest_error", "solver": str(switch), "value": 1 / (switch + 1 + sweeps)}
                    rows += [
                        {"variant": variant, **error, "time": switch + sweeps / unit, "sweeps_per_iteration": unit}
                        for unit in units
                    ]
        results = results_of(rows)
        return results.astype(dict.fromkeys(["iteration", "switch", "sweeps", "sweeps_per_iteration"], "Int64"))

    def test_maps_are_of_the_network_and_of_jacobi_from_the_first_switch(self):
        figure = draw_poisson(self.errors(), {"plain": "plain"})
        spectrum, network, jacobi = figure.axes[:3]
        assert spectrum.lines[1].get_xdata().tolist() == [1, 8]
        (drawn,) = network.collections
        assert np.asarray(drawn.get_array()).tolist() == [pytest.approx([k / i for i in (10, 20, 30)]) for k in (1, 8)]
        (drawn,) = jacobi.collections
        assert np.asarray(drawn.get_array()).tolist() == [
            pytest.approx([1 / (k + n) for n in (1, 100)]) for k in (1, 8)
        ]
        check_layout(figure)

    def test_a_panel_for_each_unit_has_a_line_for_each_switch(self):
        figure = draw_poisson(self.errors(), {"plain": "plain"})
        panels = {axes.get_title(): axes for axes in figure.axes}
        for unit in (10, 1000):
            lines = panels[f"{unit:,} sweeps an iteration"].lines
            assert lines[0].get_xydata().tolist() == [[i, pytest.approx(1 / i)] for i in (10, 20, 30)]
            assert lines[2].get_xydata().tolist() == [
                [pytest.approx(20 + n / unit), pytest.approx(1 / (21 + n))] for n in (0, 1, 100)
            ]
        said = [text.get_text() for text in figure.legends[0].get_texts()]
        assert said == ["network alone", "Jacobi from iteration 0", "Jacobi from iteration 20"]

    def test_several_variants_and_one_unit_fit_and_none_is_refused(self):
        labels = {"a": "boundary penalty 10", "b": "boundary penalty 100"}
        check_layout(draw_poisson(self.errors(units=(10,), variants=labels), labels))
        with pytest.raises(InputError, match=r"^there are no errors of the variants none: run the fit"):
            draw_poisson(self.errors(), {"none": "none"})
