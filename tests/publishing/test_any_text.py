"""Whatever a label, a class or a statement is, every figure is drawn, and none of it is a formula."""

import re
import warnings

import matplotlib.mathtext
import numpy as np
import pandas as pd
import pytest

from filterfreq.publishing.figures.accuracy_epsilon import draw as draw_accuracy_epsilon
from filterfreq.publishing.figures.calibration import draw as draw_calibration
from filterfreq.publishing.figures.components import Examples
from filterfreq.publishing.figures.components import draw as draw_components
from filterfreq.publishing.figures.corruption_samples import corruption_sheet
from filterfreq.publishing.figures.corruptions import draw as draw_corruptions
from filterfreq.publishing.figures.curve import draw as draw_curve
from filterfreq.publishing.figures.dct_energy import draw as draw_dct_energy
from filterfreq.publishing.figures.frequency_filtered import draw as draw_frequency_filtered
from filterfreq.publishing.figures.kernel_eigenvectors import draw as draw_kernel_eigenvectors
from filterfreq.publishing.figures.kernel_flow import draw as draw_kernel_flow
from filterfreq.publishing.figures.kernel_noise import draw as draw_kernel_noise
from filterfreq.publishing.figures.lfp_surface import draw as draw_lfp_surface
from filterfreq.publishing.figures.parity import draw as draw_parity
from filterfreq.publishing.figures.perturbations import draw_examples
from filterfreq.publishing.figures.poisson import draw as draw_poisson
from filterfreq.publishing.figures.samples import contact_sheet
from filterfreq.publishing.figures.scorecard import draw_scores
from filterfreq.publishing.figures.shape_bias import draw as draw_shape_bias
from filterfreq.publishing.figures.sine_noise import draw as draw_sine_noise
from filterfreq.publishing.figures.sinusoids import draw as draw_sinusoids
from filterfreq.publishing.figures.tanh_theorem import draw as draw_tanh_theorem
from filterfreq.publishing.figures.training_curves import draw as draw_training_curves
from filterfreq.publishing.figures.transfer import draw as draw_transfer
from filterfreq.publishing.penalty_panels import draw_penalties
from filterfreq.publishing.style import add_legend, new_figure, save, variant_styles, wrap_text

pytestmark = pytest.mark.slow
LABELS = [
    r"$\frac{$ x",
    "$a$",
    r"\$",
    "_x^2",
    "% {} {0} %s",
    "100 $ and 200 $",
    "x" * 300,
    "a word $ " * 30,
    "\N{GRINNING FACE} \N{WOMAN}\N{ZERO WIDTH JOINER}\N{WOMAN}",
    "\u05e9\u05dc\u05d5\u05dd $",
    r"\mathdefault{ \n & <b>",
    "$",
]
VARIANTS = {f"v{number}": label for number, label in enumerate(LABELS)}


@pytest.fixture(autouse=True)
def formulas(monkeypatch) -> set[str]:
    """What was read as a formula, in figures that are drawn without characters that their font lacks."""
    read: set[str] = set()
    parse = matplotlib.mathtext.MathTextParser.parse

    def remember_formula(parser, text, *arguments, **options):
        read.update(re.findall(r"\$([^$]*)\$", text.replace(r"\$", "")))
        return parse(parser, text, *arguments, **options)

    monkeypatch.setattr(matplotlib.mathtext.MathTextParser, "parse", remember_formula)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        yield read


@pytest.fixture
def check_formulas(formulas, tmp_path):
    """Save a figure, and see that no formula is in it."""

    def check(figure) -> None:
        save(figure, tmp_path / "a.png", tmp_path / "a.pdf")
        assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
        assert not formulas

    return check


def rows_of_all_variants(*rows: tuple) -> list[tuple]:
    """The same rows of every variant: suite, metric, parameters, value."""
    return [("net", variant, 0, *row) for variant in VARIANTS for row in rows]


def attack(suite: str, name: str, norm: str, **more: str) -> tuple:
    return suite, "accuracy", {"attack": name, "norm": norm, "epsilon": "0.5", **more}, 0.25


CLEAN = ("clean", "accuracy", {"split": "test"}, 0.75)
ATTACKS = [attack("adversarial", r"pgd-$\frac{$", norm) for norm in ("linf", "l2")] + [
    attack("autoattack", "autoattack", "linf")
]
CORRUPTED = [
    ("corruption", "accuracy", {"corruption": name, "severity": severity}, 0.5)
    for name in ("gaussian_noise", "fog")
    for severity in (1, 5)
]


def test_accuracy_against_epsilon(results_of, check_formulas):
    figure = draw_accuracy_epsilon(results_of(rows_of_all_variants(CLEAN, *ATTACKS)), VARIANTS)
    check_formulas(figure)


def test_transfer(results_of, check_formulas):
    for source in ("v0", "v6"):
        rows = rows_of_all_variants(CLEAN, ATTACKS[0], attack("transfer", "fgsm", "linf", source=source))
        figure = draw_transfer(results_of(rows), VARIANTS)
        check_formulas(figure)


def test_corruptions(results_of, check_formulas):
    check_formulas(draw_corruptions(results_of(rows_of_all_variants(*CORRUPTED)), VARIANTS))


def test_frequency_filtered(results_of, check_formulas):
    rows = rows_of_all_variants(
        *(("frequency_filtered", "accuracy", {"pass": "low", "radius": radius}, 0.5) for radius in (4, 8))
    )
    check_formulas(draw_frequency_filtered(results_of(rows), VARIANTS))


def test_shape_bias(results_of, check_formulas):
    categories = ["overall", *(label.replace("=", "") for label in LABELS)]
    rows = rows_of_all_variants(
        *(("cue_conflict", "shape_bias", {"category": category}, 0.5) for category in categories)
    )
    check_formulas(draw_shape_bias(results_of(rows), VARIANTS))


@pytest.mark.parametrize("count", [3, 12])
def test_dct_energy(results_of, check_formulas, count):
    rows = rows_of_all_variants(
        *(
            (
                "filters",
                "energy_share",
                {"layer": r"$\frac{$", "index": 0, "depth": 0, "horizontal": h, "vertical": v},
                1 / 9,
            )
            for h, v in np.ndindex(3, 3)
        )
    )
    some = dict(list(VARIANTS.items())[:count])
    check_formulas(draw_dct_energy(results_of([row for row in rows if row[1] in some]), some))


def test_calibration(results_of, check_formulas):
    check_formulas(draw_calibration(results_of(rows_of_all_variants(CLEAN, *CORRUPTED)), VARIANTS))


@pytest.mark.parametrize("along", ["kind", "strength", "layers"])
def test_penalties(results_of, check_formulas, along):
    settings = {
        name: {
            "kind": ("all", "highest")[number % 2],
            "strength": number,
            "layers": ("all", "half", "third")[number % 3],
            "beside": label,
        }
        for number, (name, label) in enumerate(VARIANTS.items())
        if number
    }
    figure = draw_penalties(results_of(rows_of_all_variants(CLEAN, *ATTACKS)), VARIANTS, settings, along)
    check_formulas(figure)


def test_training_curves(check_formulas):
    numbers = {"loss": 1.0, "penalty": 0.5, "train_accuracy": 0.5, "test_accuracy": 0.5}
    rows = [{"model": "net", "variant": v, "seed": 0, "epoch": e, **numbers} for v in VARIANTS for e in (1, 2)]
    check_formulas(draw_training_curves(pd.DataFrame(rows), VARIANTS))


def test_sinusoids(check_formulas):
    cells = {"seed": 0, "metric": "normalised_amplitude", "iteration": 1, "frequency": 1, "value": 0.5}
    networks = ("small", "large")
    rows = [{"model": network, "variant": variant, **cells} for network in networks for variant in VARIANTS]
    check_formulas(draw_sinusoids(pd.DataFrame(rows), VARIANTS))


def test_surfaces_and_flows(check_formulas):
    cells = [
        {"of": of, "x": x, "y": y, "value": x} for of in ("network", "lfp", "data") for x in (0, 1) for y in (0, 1)
    ]
    cells = [{"seed": 0, "metric": "output", **cell} for cell in cells]
    rows = [{"model": "$", "variant": variant, **cell} for variant in list(VARIANTS)[:4] for cell in cells]
    check_formulas(draw_lfp_surface(pd.DataFrame(rows), VARIANTS))
    at = {"seed": 0, "time": 0.0, "of": "dense", "value": 0.5}
    parts = [{"metric": metric, "x": 0.0, "frequency": 1} for metric in ("flow", "flow_target", "flow_residual")]
    rows = [{"model": "equation", "variant": variant, **at, **part} for variant in VARIANTS for part in parts]
    check_formulas(draw_kernel_flow(pd.DataFrame(rows), VARIANTS))


def test_fits_of_the_frequency_principle(check_formulas):
    variants = {name: VARIANTS[name] for name in ("v0", "v6", "v7")}
    runs = [{"model": "$x$", "variant": variant, "seed": 0} for variant in variants]
    at_one = {"frequency": 1, "iteration": 10, "value": 0.5, "k": 0.1, "radius": 1.0, "n": 10, "time": 1.0}
    at_one |= {"function": "network", "switch": 0, "sweeps": 1}
    kinds = {
        draw_curve: [{"metric": "relative_error"}, {"metric": "target_magnitude"}],
        draw_parity: [{"metric": "magnitude"}],
        draw_tanh_theorem: [
            {"condition": condition} for condition in ("every_parameter", "every_inner_weight", "whole_gradient")
        ],
        draw_poisson: [
            *({"metric": metric} for metric in ("relative_error", "target_magnitude", "jacobi_relative_error")),
            {"metric": "largest_error", "solver": "network"},
            {"metric": "largest_error", "solver": "0", "sweeps_per_iteration": 10},
        ],
    }
    for draw, rows in kinds.items():
        check_formulas(draw(pd.DataFrame([{**run, **at_one, **row} for run in runs for row in rows]), variants))


def test_noise_on_labels(check_formulas):
    run = {"seed": 0, "iteration": 1, "value": 0.5}
    losses = [
        {"model": network, "variant": variant, "metric": metric, **run}
        for network in ("small", "large")
        for variant in VARIANTS
        for metric in ("train_loss", "validation_loss")
    ]
    alike = {name: {"amplitude": 1, "frequency": 1} for name in VARIANTS}
    check_formulas(draw_sine_noise(pd.DataFrame(losses), VARIANTS, alike))
    spectra = [{**row, "metric": "coefficient", "first": 0, "target": None} for row in losses[::2]]
    spectra += [
        {**row, "metric": "target_coefficient", "iteration": None, "target": target}
        for row in spectra
        for target in ("pure", "noisy")
    ]
    check_formulas(draw_kernel_noise(pd.DataFrame(losses + spectra), VARIANTS))


def test_kernel_eigenvectors(check_formulas):
    run = {"model": "equation", "seed": 0, "eigenvector": 0, "value": 1}
    values = [{"metric": "eigenvalue_share"}]
    values += [{"metric": "component", "point": at} for at in (0, 1)]
    values += [{"metric": "transform", "frequency": k} for k in (0, 1)]
    rows = [{**run, "variant": variant, **value} for variant in VARIANTS for value in values]
    check_formulas(draw_kernel_eigenvectors(pd.DataFrame(rows), VARIANTS))


def test_scorecard(check_formulas):
    claim = {"effect": 0.1, "smallest_effect": 0.1, "verdict": "supported", "pairs": 3, "ci_low": 0.0, "ci_high": 0.2}
    claim["together"] = True
    claims = [
        {**claim, "claim": name, "direction": "higher", "treatment": name, "control": "v0"}
        for name, label in VARIANTS.items()
    ]
    check_formulas(draw_scores(pd.DataFrame(claims), VARIANTS, VARIANTS))


def test_sheets(check_formulas, formulas):
    images, numbers = np.zeros((len(LABELS), 8, 8, 3), dtype=np.uint8), np.arange(len(LABELS))
    check_formulas(
        contact_sheet({LABELS[0]: (images, numbers), LABELS[6]: (images, numbers)}, LABELS, {LABELS[0]: numbers}, 1)
    )
    example = {"clean": images[:3] / 255, "adversarial": images[:3] / 255}
    example |= {f"{name}_predictions": numbers[:3] for name in ("clean", "adversarial")}
    check_formulas(draw_examples(dict.fromkeys(VARIANTS, example), numbers[:3], LABELS, VARIANTS, LABELS[0]))
    check_formulas(corruption_sheet(images[0], {"fog": images[:5]}))
    shown = np.repeat(images[:1, None] / 255, 3, axis=1)
    listed = {"radius": np.ones(1), "images": shown, "radii": np.ones(1), "counts": np.ones(1, int), "total": 1}
    listed |= {"predictions": np.array([[0, 1, 0]]), "confidences": np.full((1, 3), 0.5)}
    check_formulas(draw_components(Examples([listed] * len(VARIANTS), LABELS), VARIANTS))


def test_labels_are_shown_as_they_are():
    figure = new_figure(6.9, 2)
    figure.subplots()
    short = [label for label in LABELS if len(label) <= 60]
    add_legend(figure, variant_styles({str(number): label for number, label in enumerate(short)}))
    texts = figure.legends[0].get_texts()
    assert [text.get_text() for text in texts] == short
    assert not any(text.get_parse_math() for text in texts)


def test_a_long_text_is_cut():
    assert wrap_text("a  $ b", 10, 1) == "a  $ b"
    assert wrap_text("x" * 300, 10, 2) == "x" * 10 + "\n…"
    assert wrap_text("some words of a label", 10, 3) == "some words\nof a label"
