"""The figures of noise on labels, and of the eigenvectors of a kernel."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from publishing.test_figures import check_layout

from filterfreq.publishing.figures.kernel_eigenvectors import draw as draw_eigenvectors
from filterfreq.publishing.figures.kernel_noise import draw as draw_kernel_noise
from filterfreq.publishing.figures.sine_noise import draw as draw_sine_noise
from filterfreq.publishing.figures.sine_noise import noise_panels
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.schemas import SCHEMAS
from filterfreq.study.study import Study

CONFIG = Path(__file__).parents[2] / "configs" / "learning.yaml"
SETTINGS = {
    "pure": {"amplitude": 0, "frequency": 0},
    "low": {"amplitude": 1, "frequency": 0.1},
    "high": {"amplitude": 1, "frequency": 1},
    "loud": {"amplitude": 2, "frequency": 1},
}
LABELS = {name: f"the variant {name}" for name in SETTINGS}


def sine_results(networks=("small",), seeds=(0, 1)) -> pd.DataFrame:
    """Two losses that fall and rise; the validation loss is lowest at iteration 20, the mean of seeds 0 and 1 0.15."""
    columns = ["model", "variant", "seed", "metric", "iteration", "value"]
    rows = [
        (network, variant, seed, metric, iteration, value * (1 + seed))
        for network in networks
        for variant in SETTINGS
        for seed in seeds
        for metric in ("train_loss", "validation_loss")
        for iteration, value in ((0, 0.5), (20, 0.1), (40, 0.3))
    ]
    return pd.DataFrame(rows, columns=columns)


class TestSineNoise:
    def test_the_full_study_has_the_panels_of_the_paper(self):
        study = Study(yaml.safe_load(CONFIG.read_text(encoding="utf-8")), SCHEMAS / "config.schema.yaml")
        panels = noise_panels(study.fits.settings("sine-noise"), study.fits.labels("sine-noise"))
        amplitudes = ["no noise", "β = 0.25", "β = 0.5", "β = 1", "β = 2"]
        frequencies = ["no noise", "k = 0.05", "k = 0.1", "k = 0.2", "k = 0.5", "k = 1"]
        assert {panel.title: list(panel.variants.values()) for panel in panels} == {
            **{"k = 0.1": amplitudes, "k = 1": amplitudes},
            **{"β = 0.5": frequencies, "β = 1": frequencies},
        }
        assert list(panels[0].variants)[1] == "k-0.1-beta-0.25"

    def test_variants_of_the_same_noise_are_told_apart_and_one_alone_has_a_panel(self):
        settings = {**SETTINGS, "slow": {"amplitude": 1, "frequency": 1, "learning_rate": 1}}
        labels = LABELS | {"slow": "slower"}
        panels = {panel.title: panel.variants for panel in noise_panels(settings, labels)}
        assert panels["k = 1"] == {
            "pure": "no noise",
            "high": "the variant high",
            "slow": "slower",
            "loud": "β = 2",
        }
        (panel,) = noise_panels({"pure": SETTINGS["pure"], "low": SETTINGS["low"]}, LABELS)
        assert panel == ("", {"pure": "the variant pure", "low": "the variant low"})

    def test_a_column_has_both_losses_and_marks_the_dip(self):
        figure = draw_sine_noise(sine_results(), LABELS, SETTINGS)
        check_layout(figure)
        shown = [axes for axes in figure.axes if axes.axison]
        assert [axes.get_title() for axes in shown[:2]] == ["(a) k = 1", "(b) β = 1"]
        assert all(axes.get_yscale() == "log" for axes in shown)
        marks = [line for line in shown[0].lines if len(line.get_xdata()) == 1]
        assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in marks] == [(20, pytest.approx(0.15))] * 3
        assert all(len(line.get_xdata()) == 3 for line in shown[2].lines)
        texts = [text.get_text() for text in figure.axes[4].get_legend().get_texts()]
        assert texts == ["no noise", "β = 1", "β = 2"]

    def test_several_networks_and_more_panels_than_a_row_has_fit(self):
        settings = {f"{k}-{b}": {"frequency": k, "amplitude": b} for k in (0.1, 0.2, 0.5) for b in (0.5, 1, 2)}
        results = pd.concat([sine_results(("small", "large"), [0])[lambda frame: frame["variant"] == "low"]] * 9)
        results["variant"] = np.repeat(list(settings), len(results) // 9)
        figure = draw_sine_noise(results, {name: name for name in settings}, settings)
        check_layout(figure)
        titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
        assert (len(titles), titles[0], titles[-1]) == (12, "(a) k = 0.1, small", "(l) β = 2, large")

    def test_variants_without_losses_are_refused(self):
        with pytest.raises(InputError, match=r"^there are no losses of the variants other: run the fit"):
            draw_sine_noise(sine_results(), {"other": "other"}, {"other": SETTINGS["low"]})


def kernel_results(variants=("hfn", "white"), iterations=(0, 10, 20)) -> pd.DataFrame:
    """Coefficients of the network: a hundredth of the iteration; of the targets 1, and with noise 2."""
    rows = []
    for variant in variants:
        for seed in (0, 1):
            run = {"model": "small", "variant": variant, "seed": seed}
            for first in (0, 20, 40):
                rows += [
                    {**run, "metric": "target_coefficient", "target": target, "first": first, "value": value}
                    for target, value in (("pure", 1), ("noisy", 2))
                ]
                rows += [
                    {**run, "metric": "coefficient", "iteration": at, "first": first, "value": at / 100 + seed}
                    for at in iterations
                ]
            for at in iterations:
                for metric, value in (("train_loss", 1 / (at + 1)), ("validation_loss", abs(at - 10) + 0.5)):
                    rows.append({**run, "metric": metric, "iteration": at, "value": value})
    return pd.DataFrame(rows).astype({"iteration": "Int64", "first": "Int64"})


class TestKernelNoise:
    def test_a_row_has_spectra_and_losses(self):
        figure = draw_kernel_noise(kernel_results(), {"hfn": "high", "white": "white"})
        check_layout(figure)
        spectra, losses = figure.axes[:2]
        assert [line.get_ydata().tolist() for line in spectra.lines] == [
            pytest.approx([value] * 3) for value in (0.5, 0.6, 0.7, 1, 2)
        ]
        assert spectra.lines[0].get_xdata().tolist() == [0, 20, 40]
        marks = [line for line in losses.lines if len(line.get_xdata()) == 1]
        assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in marks] == [(10, 0.5)]
        assert [axes.get_title() for axes in figure.axes[::2]] == ["high", "white"]
        texts = [text.get_text() for text in figure.legends[0].get_texts()]
        assert texts[2:] == ["iteration 0", "iteration 10", "iteration 20"]

    def test_iterations_are_told_apart_in_grey(self):
        figure = draw_kernel_noise(kernel_results(iterations=(0, 40, 200, 300, 400, 600)), {"hfn": "high"})
        colours = np.array([line.get_color()[:3] for line in figure.axes[0].lines[:6]])
        assert (np.diff(colours @ [0.2126, 0.7152, 0.0722]) < -0.04).all()

    def test_variants_without_coefficients_are_refused(self):
        with pytest.raises(InputError, match=r"^there are no coefficients of the variants other: run the fit"):
            draw_kernel_noise(kernel_results(), {"other": "other"})


def eigenvector_results(variants=("plain",)) -> pd.DataFrame:
    """Three eigenvectors of four points, of which rounding leaves two."""
    rows = []
    for variant in variants:
        for number, share in enumerate((1, 1e-11, 1e-13)):
            run = {"model": "equation", "variant": variant, "seed": 0, "eigenvector": number}
            rows.append({**run, "metric": "eigenvalue_share", "value": share})
            rows += [{**run, "metric": "component", "point": at, "value": number + at} for at in range(4)]
            rows += [{**run, "metric": "transform", "frequency": k, "value": number * k} for k in range(3)]
    return pd.DataFrame(rows).astype({"point": "Int64", "frequency": "Int64"})


class TestKernelEigenvectors:
    def test_the_map_has_all_and_the_last_is_the_last_that_is_known(self):
        figure = draw_eigenvectors(eigenvector_results(), {"plain": "plain"})
        check_layout(figure)
        left, _, first, first_transform, last, last_transform = figure.axes
        assert np.asarray(left.collections[0].get_array()).tolist() == [[0, 0, 0], [0, 1, 2], [0, 2, 4]]
        assert left.lines[0].get_ydata() == [1.5, 1.5]
        assert left.get_ylim()[0] > left.get_ylim()[1]
        assert [axes.get_title() for axes in (first, last)] == ["eigenvector 0", "eigenvector 1"]
        assert last.lines[0].get_ydata().tolist() == [1, 2, 3, 4]
        assert last.lines[0].get_xdata().tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])
        assert last_transform.lines[0].get_ydata().tolist() == [0, 1, 2]
        assert first_transform.lines[0].get_ydata().tolist() == [0, 0, 0]

    def test_variants_stand_below_each_other(self):
        figure = draw_eigenvectors(eigenvector_results(("a", "b")), {"a": "narrow", "b": "wide"})
        check_layout(figure)
        assert [axes.get_title() for axes in figure.axes if axes.get_title() in ("narrow", "wide")] == [
            "narrow",
            "wide",
        ]

    def test_variants_without_eigenvectors_are_refused(self):
        with pytest.raises(InputError, match=r"^there are no eigenvectors of the variants other: run the fit"):
            draw_eigenvectors(eigenvector_results(), {"other": "other"})
