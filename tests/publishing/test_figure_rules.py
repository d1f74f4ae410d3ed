"""Rules that hold for all figures alike: a variant's colour, the axes of accuracies, ticks."""

from collections import Counter
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from matplotlib.axes import Axes
from matplotlib.colors import same_color, to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from filterfreq.analysis.filter_statistics import Basis
from filterfreq.frequencies.pairs import distinct_frequencies
from filterfreq.publishing.example_images import ResultsWithImages
from filterfreq.publishing.filter_coefficients import Coefficients
from filterfreq.publishing.registry import read_products
from filterfreq.publishing.style import variant_styles
from filterfreq.study.study import Study

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
VARIANTS = {"plain": "plain", "dct": "WD", "penalty": "WD + penalty", "strong": "WD + penalty, λ = 1"}
NUMBERS = {"plain": 4, "dct": 0, "penalty": 7, "strong": 2}
PENALTIES = {
    name: {"kind": kind, "strength": strength, "layers": "all", "beside": "WD"}
    for name, kind, strength in (("penalty", "highest", 0.1), ("strong", "all", 1.0))
}
FRONT_ENDS = {
    name: {"band": "low", "bandwidth": bandwidth, "beside": "WD"} for name, bandwidth in (("penalty", 3), ("strong", 7))
}
LABEL_NOISES = {
    name: {"noise": "symmetric", "rate": rate, "beside": "WD"} for name, rate in (("penalty", 0.2), ("strong", 0.4))
}
DATA_FRACTIONS = {
    name: {"fraction": fraction, "beside": "WD"} for name, fraction in (("penalty", 0.1), ("strong", 0.5))
}
AVERAGES = {
    name: {"directions": "random", "count": 15, "radius": radius, "from": "plain", "beside": "plain"}
    for name, radius in (("penalty", 2), ("strong", 6))
}
# Every figure that shows variants by their styles.
FIGURES = [
    *(
        "ablation",
        "accuracy_epsilon",
        "accuracy_radius",
        "band_noise",
        "calibration",
        "corruptions",
        "data_fraction",
        "dct_energy",
        "energy_slopes",
        "filter_coefficients",
        "filter_dct",
        "filter_pca",
        "filter_quality",
        "filter_shift",
        "fourier_attack",
        "frequencies_and_robustness",
        "frequency_filtered",
        "front_ends",
        "label_noise",
        "line_spectrum",
        "over_training",
    ),
    *("penalties", "regions", "shape_bias", "spectra", "spectral_norms", "training_curves", "transfer"),
]
OF_FILTERS = {name for name in FIGURES if name.startswith("filter_")}
OF_ACCURACIES = set(FIGURES) - {"calibration", "dct_energy", "energy_slopes", "shape_bias", "spectra"} - OF_FILTERS
OF_ACCURACIES -= {"line_spectrum", "regions", "spectral_norms", "frequencies_and_robustness"}
# These show differences from a baseline, which is no line; here it is the last variant.
OF_DIFFERENCES = {"filter_dct", "filter_shift"}
# Of these each line is a variant.
OF_SWEEPS = ("ablation", "accuracy_radius", "data_fraction", "front_ends", "label_noise", "penalties")
OF_LINES = [name for name in FIGURES if name not in (*OF_SWEEPS, "frequencies_and_robustness")]


def rows_of(variant: str, seed: int, spread: float) -> list[tuple]:
    """Results of every suite; accuracies lie close to each other, as far apart as `spread`."""
    base = 0.7 + spread * (list(VARIANTS).index(variant) + seed / 4)
    run = ("net", variant, seed)
    attacks = [{"attack": name, "norm": norm, "epsilon": e} for name in ("fgsm", "pgd-10") for norm, e in
               (("linf", "1/255"), ("linf", "2/255"), ("l2", "0.5"))]  # fmt: skip
    rows = [(*run, "clean", "accuracy", {"split": "test"}, base)]
    rows += [(*run, "clean", "accuracy", {"epoch": epoch, "split": "test"}, base) for epoch in (1, 5)]
    rows += [
        (*run, "frequency_filtered", "accuracy", {"epoch": epoch, "pass": kind, "radius": radius}, base)
        for epoch in (1, 5)
        for kind in ("low", "high")
        for radius in (4, 8)
    ]
    rows += [(*run, "adversarial", "accuracy", where, base - spread) for where in attacks]
    where = {"attack": "autoattack", "norm": "linf", "epsilon": "2/255"}
    rows += [(*run, "autoattack", "accuracy", where, base - spread)]
    rows += [(*run, "transfer", "accuracy", {**where, "source": "plain"}, base) for where in attacks]
    rows += [(*run, "adaptive", "clean_accuracy", {"split": "test", "images": 100}, base)]
    rows += [
        (*run, "adaptive", "accuracy", {**where, "attack": name, "judged": "after", "draws": 10}, base - spread)
        for name in ("transfer", "adaptive", "square", "worst")
    ]
    rows += [
        (*run, "corruption", "accuracy", {"corruption": name, "severity": severity}, base - spread * severity)
        for name in ("gaussian_noise", "fog", "spatter")
        for severity in (1, 2, 5)
    ]
    rows += [
        (*run, "frequency_filtered", "accuracy", {"pass": kind, "radius": radius}, base)
        for kind in ("low", "high")
        for radius in (4, 8)
    ]
    rows += [
        (*run, "band_noise", "accuracy", {"band": band, "bandwidth": bandwidth, "l2_norm": 8}, base)
        for band in ("low", "corner")
        for bandwidth in (0, 3)
    ]
    rows += [
        (*run, "fourier_attack", metric, {"l2_norm": norm, **where}, 1 - base)
        for metric, where in (("universal_error", {"u": 0, "v": 1}), ("fooled", {}))
        for norm in (2, 4)
    ]
    where = {"attack": "pgd-50", "norm": "linf", "epsilon": "8/255"}
    rows += [
        (*run, "spectra", "adversarial_magnitude", {**where, "u": u, "v": v}, base)
        for u, v in distinct_frequencies(4, 4)
    ]
    where = {"attack": "pgd-50-from-image", "norm": "linf", "epsilon": "8/255"}
    rows += [
        (*run, "regions", "crossed_units", {"path": path, **where}, base / scale)
        for path, scale in (("attack", 5), ("random", 10))
    ]
    rows += [
        (*run, "line_spectrum", "line_power", {"output": output, "unit": "normalised", "length": 24, "frequency": f}, w)
        for output in ("logit", "probability")
        for f, w in ((0.02, base), (0.2, 1e-3 * base), (2, 1e-6 * base))
    ]
    rows += [
        (
            *(*run, "spectral_norm", "spectral_norm"),
            {
                "batch_norm": "separate",
                "weight": weight,
                "boundary": "circular",
                "layer": f"c{i}",
                "index": i,
                "depth": i,
            },
            1 + base * i,
        )
        for weight in ("plain", "normalised")
        for i in (0, 1)
    ]
    rows += [(*run, "cue_conflict", "shape_bias", {"category": name}, base) for name in ("overall", "cat", "dog")]
    rows += filter_rows(run, base)
    return rows + [
        (*run, "filters", "energy_share", {"layer": f"c{i}", "index": i, "depth": i, "horizontal": h, "vertical": v}, w)
        for i in (0, 1)
        for (v, h), w in np.ndenumerate((0.5 + base * np.eye(3)) / (4.5 + 3 * base))
    ]


def filter_rows(run: tuple, base: float) -> list[tuple]:
    """What the suite filter_quality measures of two layers, whose filters vary more along the first of nine numbers."""
    rows = []
    for index in (0, 1):
        layer = {"batch_norm": "separate", "layer": f"c{index}", "index": index}
        layer |= {"conv_depth": index, "conv_depth_norm": float(index)}
        values = {"num_filters": 40, "num_sparse": 4, "num_clean": 36, "in_channels": 5, "out_channels": 8}
        values |= {"sparsity": 0.1, "variance_entropy": base, "orthogonality": base, "root_mean_square": 1 + base}
        rows += [(*run, "filter_quality", name, layer, value) for name, value in values.items()]
        rows += [
            (*run, "filter_quality", "dct_share_raw", {**layer, "horizontal": v, "vertical": u}, share)
            for (u, v), share in np.ndenumerate((0.5 + base * np.eye(3)) / (4.5 + 3 * base))
        ]
        rows += [(*run, "filter_quality", "filter_sum", {**layer, "i": i}, 0.1 * i) for i in range(9)]
        rows += [
            (*run, "filter_quality", "filter_second_moment", {**layer, "i": i, "j": j}, (9 + base - i) * (i == j))
            for i in range(9)
            for j in range(i, 9)
        ]
    return rows


def coefficients(variants: tuple[str, ...], spread: float) -> Coefficients:
    """Counts of filters that are wider spread the later the variant is."""
    centres = np.linspace(-2, 2, 70)
    counts = {
        ("toy_set", "net", variant, seed): {
            name: np.tile(np.rint(900 * np.exp(-(centres**2) * (1 + number * (spread + seed)))), (9, 1))
            for name in ("0", "(0.9, 1.0]")
        }
        for number, variant in enumerate(variants)
        for seed in (0, 1)
    }
    return Coefficients(counts, Basis(np.zeros(9), np.eye(9), np.ones(9), np.full(9, 1 / 9)), -2.0, 2.0, "separate")


def rows_of_images() -> list[tuple]:
    """What the suite spectra measures without a model."""
    run = ("", "", 0, "spectra")
    rows = [(*run, "natural_magnitude", {"u": u, "v": v}, 9 + u) for u, v in distinct_frequencies(4, 4)]
    for number, name in enumerate(("gaussian_noise", "fog", "spatter")):
        rows += [
            (*run, "corruption_magnitude", {"corruption": name, "severity": 3, "u": u, "v": v}, 5 + u)
            for u, v in distinct_frequencies(4, 4)
        ]
        rows += [(*run, "high_frequency_energy", {"corruption": name, "bandwidth": 3}, 0.1 + number / 5)]
    return rows


@pytest.fixture
def draw(results_of):
    """Draw a figure of all suites, with accuracies that lie so far apart, of some variants."""

    def draw(name: str, spread: float = 0.05, variants: tuple[str, ...] = tuple(VARIANTS)) -> Figure:
        module = import_module(f"filterfreq.publishing.figures.{name}")
        rows = [row for variant in variants for seed in (0, 1) for row in rows_of(variant, seed, spread)]
        every = results_of(rows + rows_of_images())
        over_training = every["epoch"].notna() if "epoch" in every else pd.Series(False, every.index)
        results = every[over_training if name == "over_training" else ~over_training]
        if name == "training_curves":
            results = pd.DataFrame(
                {"model": "net", "variant": variant, "seed": seed, "epoch": epoch, "loss": 1.0 + spread / epoch}
                | {"penalty": 1e-9 * (1 + spread / epoch), "train_accuracy": 0.7, "test_accuracy": 0.7 + spread}
                for variant in variants
                for seed in (0, 1)
                for epoch in (1, 2, 3)
            )
        labels = {variant: VARIANTS[variant] for variant in variants}
        given = {"penalties": PENALTIES} if name in ("ablation", "penalties") else {}
        given |= {"baseline": variants[0]} if name in ("energy_slopes", "frequencies_and_robustness") else {}
        given |= {"baseline": variants[-1]} if name in OF_DIFFERENCES else {}
        given |= {"averages": AVERAGES} if name == "accuracy_radius" else {}
        given |= {"front_ends": FRONT_ENDS} if name == "front_ends" else {}
        given |= {"label_noises": LABEL_NOISES} if name == "label_noise" else {}
        given |= {"data_fractions": DATA_FRACTIONS} if name == "data_fraction" else {}
        if name in ("fourier_attack", "front_ends"):
            results = ResultsWithImages(results, np.zeros((2, 8, 8, 3), np.uint8))
        if name in ("filter_coefficients", "filter_shift"):
            results = coefficients(variants, spread)
        figure = module.draw(results, labels, **given, style_numbers=NUMBERS)
        figure.draw_without_rendering()
        return figure

    return draw


def panels(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if axes.axison and axes.lines]


def upright_ticks(axes: Axes) -> list[str]:
    low, high = sorted(axes.get_ylim())
    return [tick.label1.get_text() for tick in axes.yaxis.get_major_ticks() if low <= tick.get_loc() <= high]


def test_every_figure_with_variants_is_among_these():
    labels = {product.name: product.label for product in read_products().values() if product.kind == "figure"}
    assert sorted(FIGURES) == sorted(name for name, label in labels.items() if "style_numbers" in label.takes)
    written = {file.stem: file.read_text() for file in (ROOT / "scripts/filterfreq/publishing/figures").glob("*.py")}
    # Lines of GANs are methods, of fits functions or solvers: an experiment's numbers of styles do not know them.
    of_others = {name for name, label in labels.items() if label.reads in ("fits", "gans")}
    assert {name for name, code in written.items() if "variant_styles" in code} <= {*FIGURES, *of_others}


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("variants", [tuple(VARIANTS), ("dct", "penalty", "strong")])
def test_a_variant_has_the_colour_of_its_number_whichever_are_beside_it(draw, name, variants):
    legend = draw(name, variants=variants).legends[0]
    styles = variant_styles(VARIANTS, NUMBERS)
    # After a colon a legend may say more of a variant.
    texts = [text.get_text().partition(":")[0] for text in legend.get_texts()]
    shown = dict(zip(texts, legend.legend_handles, strict=True))
    named = {VARIANTS[variant]: styles[variant] for variant in variants if VARIANTS[variant] in shown}
    assert "WD" in named
    assert name not in OF_LINES or len(named) == len(variants) - (name in OF_DIFFERENCES)
    for label, style in named.items():
        assert same_color(shown[label].get_color(), style.colour)
        assert shown[label].get_marker() in (style.marker, "", "None")


@pytest.mark.parametrize("name", OF_LINES)
def test_lines_have_the_colours_of_the_legend(draw, name):
    figure = draw(name)
    drawn = {to_hex(found.get_color()) for axes in panels(figure) for found in axes.findobj(Line2D)
             if found in axes.lines and len(found.get_xdata()) > 1}  # fmt: skip
    styles = list(variant_styles(VARIANTS, NUMBERS).values())
    assert {style.colour.lower() for style in styles[: len(styles) - (name in OF_DIFFERENCES)]} <= drawn


@pytest.mark.parametrize("name", sorted(OF_ACCURACIES))
def test_accuracies_have_one_scale_from_0_to_100(draw, name):
    shown = panels(draw(name, spread=0.002))
    if name == "training_curves":
        shown = [axes for axes in shown if "accuracy" in axes.get_title()]
    assert shown
    for axes in shown:
        low, high = axes.get_ylim()
        assert -0.05 < low < 0 < 1 < high < 1.05
        assert axes.get_yticks().tolist() == [0, 0.25, 0.5, 0.75, 1]
        texts = upright_ticks(axes)
        assert texts in (["0", "25", "50", "75", "100"], [""] * 5)  # panels beside others leave them out


@pytest.mark.parametrize("spread", [0.05, 1e-4])
@pytest.mark.parametrize("name", FIGURES)
def test_no_tick_stands_twice_and_none_is_added_to_an_offset(draw, name, spread):
    for axes in panels(draw(name, spread)):
        texts = Counter(filter(None, upright_ticks(axes)))
        assert not texts or max(texts.values()) == 1, (axes.get_title(), texts)
        for axis in (axes.xaxis, axes.yaxis):
            assert axis.get_offset_text().get_text() == ""


@pytest.fixture(scope="module")
def study_numbers() -> list[tuple[dict[str, int], dict[str, str]]]:
    """The numbers and labels that figures of the whole study get, of each experiment and data set."""
    study = Study(yaml.safe_load((ROOT / "config.yaml").read_text()), ROOT / "schemas/config.schema.yaml")
    names = {"study": study, "cache": cache}
    exec(compile((ROOT / "rules/labels.smk").read_text(), "labels.smk", "exec"), names)
    return [
        (names["PARAMETERS"]["style_numbers"](Wildcards(experiment, dataset)), study.labels(experiment, dataset))
        for experiment, runs in study.experiments.items()
        for dataset in dict.fromkeys(run.dataset for run in runs)
    ]


class Wildcards:
    """As a job has them."""

    def __init__(self, experiment: str, dataset: str) -> None:
        self.experiment, self.dataset = experiment, dataset

    def keys(self) -> list[str]:
        return list(vars(self))


def test_a_variant_has_one_number_in_all_experiments(study_numbers):
    found: dict[str, set[int]] = {}
    for numbers, labels in study_numbers:
        assert set(numbers) == set(labels)
        for name, number in numbers.items():
            found.setdefault(name, set()).add(number)
    assert len(found) > 20
    assert all(len(numbers) == 1 for numbers in found.values())


def test_in_one_experiment_no_two_look_alike(study_numbers):
    for numbers, labels in study_numbers:
        styles = variant_styles(labels, numbers).values()
        assert len({style.colour for style in styles}) == min(10, len(styles))
        assert len({style[1:] for style in styles}) == len(styles)
