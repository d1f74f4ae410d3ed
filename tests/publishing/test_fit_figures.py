"""The figures of fits, but for the map of `sinusoids`, which is among all figures."""

import numpy as np
import pandas as pd
import pytest

from filterfreq.fits.curves import flower
from filterfreq.publishing.figures.fit_losses import draw as draw_losses
from filterfreq.publishing.figures.layer_norms import draw as draw_norms
from filterfreq.publishing.figures.learned_functions import draw as draw_functions
from filterfreq.publishing.figures.manifold import draw as draw_manifold
from filterfreq.publishing.figures.manifold_surfaces import draw as draw_surfaces
from filterfreq.publishing.figures.perturbed_sinusoids import draw as draw_perturbed
from filterfreq.runtime.errors import InputError

LABELS = {"equal": "equal amplitudes", "rising": "rising amplitudes"}


def results_of(rows: list[dict], variants=tuple(LABELS), seeds=(0, 1)) -> pd.DataFrame:
    """Rows of each variant and seed, whose value is larger by the seed."""
    return pd.DataFrame(
        {"model": "net", "variant": variant, "seed": seed, **row, "value": row["value"] + seed}
        for variant in variants
        for seed in seeds
        for row in rows
    )


def test_a_layer_has_the_mean_of_its_norms_in_a_band_of_one_standard_deviation():
    rows = [
        {"metric": "spectral_norm", "layer": layer, "iteration": iteration, "value": int(layer) * iteration}
        for layer in ("1", "10", "2")
        for iteration in (1, 2)
    ]
    figure = draw_norms(results_of(rows), LABELS)
    axes = figure.axes[0]
    assert axes.get_title() == "equal amplitudes"
    lines = {line.get_ydata()[0]: line for line in axes.lines}
    assert lines.keys() == {1.5, 2.5, 10.5}
    assert lines[10.5].get_ydata().tolist() == [10.5, 20.5]
    # The standard deviation of 0 and 1 is the root of one half.
    upright = [path.vertices[:, 1] for band in axes.collections for path in band.get_paths()]
    assert min(values.min() for values in upright) == pytest.approx(1.5 - np.sqrt(0.5))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["layer 1", "layer 2", "layer 10"]


def test_losses_have_a_line_for_each_variant_on_a_logarithmic_axis_without_formulas():
    rows = [{"metric": "loss", "iteration": iteration, "value": value} for iteration, value in ((10, 1.0), (20, 0.01))]
    figure = draw_losses(results_of(rows), LABELS)
    assert figure.axes[0].get_yscale() == "log"
    assert [line.get_ydata().tolist() for line in figure.axes[0].get_lines()] == [[1.5, 0.51]] * 2
    figure.canvas.draw()
    assert not any("$" in label.get_text() for label in figure.axes[0].get_yticklabels())


def test_functions_of_the_lowest_seed_lie_over_the_target():
    rows = [
        {"metric": metric, "iteration": iteration, "point": point, "value": point * scale * iteration}
        for metric, scale in (("learned", 1), ("target", 10))
        for iteration in (100, 2000)
        for point in (3, 1, 0, 2)
    ]
    figure = draw_functions(results_of(rows, seeds=(4, 2)), LABELS)
    assert [axes.get_title() for axes in figure.axes[:2]] == ["iteration 100", "iteration 2,000"]
    target, learned = figure.axes[1].get_lines()
    assert target.get_xdata().tolist() == learned.get_xdata().tolist() == [0, 0.25, 0.5, 0.75]
    assert learned.get_ydata().tolist() == [2, 2002, 4002, 6002]
    assert target.get_ydata().tolist() == [2, 20002, 40002, 60002]
    assert [axes.get_ylabel() for axes in figure.axes[::2]] == list(LABELS.values())


def test_what_is_left_after_a_change_is_a_map_of_frequency_and_norm():
    rows = [
        {"metric": "kept_amplitude", "norm": norm, "frequency": k, "value": k / 10 - norm / 100}
        for norm in (0.0, 2.5, 5.0)
        for k in (10, 5)
    ]
    figure = draw_perturbed(results_of(rows, variants=["equal"], seeds=(0,)), LABELS)
    (drawn,) = figure.axes[0].collections
    assert np.asarray(drawn.get_array()) == pytest.approx(np.array([[0.5, 1], [0.475, 0.975], [0.45, 0.95]]))
    assert drawn.get_clim() == (0, 1)
    assert figure.axes[-1].get_ylabel() == "amplitude that is left"
    lowest, highest = figure.axes[0].get_ylim()
    assert lowest < 0 < 5 < highest


def test_a_cell_has_the_last_accuracy_and_what_a_constant_scores():
    rows = []
    for k in (50, 100):
        for petals in (0, 2):
            cell = {"model": "net", "variant": f"{k}-{petals}", "seed": 0, "frequency": k, "petals": petals}
            accuracy = 0.5 + k / 1000 + petals / 10
            rows += [
                {**cell, "metric": "accuracy", "iteration": 10, "value": 0.3},
                {**cell, "metric": "accuracy", "iteration": 20, "value": accuracy},
                {**cell, "metric": "majority_share", "value": 0.67},
            ]
    labels = {row["variant"]: row["variant"] for row in rows}
    figure = draw_manifold(pd.DataFrame(rows), labels)
    axes = figure.axes[0]
    assert np.asarray(axes.images[0].get_array()) == pytest.approx(np.array([[0.55, 0.6], [0.75, 0.8]]))
    said = {(text.get_position()): text.get_text() for text in axes.texts}
    assert said == {(0, 0): "55 (67)", (1, 0): "60 (67)", (0, 1): "75 (67)", (1, 1): "80 (67)"}
    # The number of petals goes up.
    assert axes.get_ylim()[0] < axes.get_ylim()[1]


def test_a_surface_has_its_class_its_samples_and_the_accuracy_of_its_seed():
    rows = []
    for seed in (0, 1, 2):
        run = {"model": "net", "variant": "plain", "seed": seed}
        for row in range(3):
            for column in range(3):
                value = row - 1.5 + seed
                rows.append({**run, "metric": "logit", "row": row, "column": column, "value": value})
        rows += [{**run, "metric": "positive", "point": point, "value": float(point == 2)} for point in (2, 1, 0, 3)]
        rows += [
            {**run, "metric": "accuracy", "iteration": iteration, "petals": 3, "value": value}
            for iteration, value in ((9, 0.25), (10, 0.99))
        ]
    figure = draw_surfaces(pd.DataFrame(rows), {"plain": "plain"})
    assert [axes.get_title() for axes in figure.axes] == [f"seed {seed}, 99 % on the curve" for seed in (0, 1)]
    axes = figure.axes[0]
    assert np.asarray(axes.images[0].get_array()).tolist() == [[False] * 3, [False] * 3, [True] * 3]
    assert axes.images[0].get_extent() == [-1.6, 1.6, -1.6, 1.6]
    samples = axes.collections[-1]
    assert np.asarray(samples.get_offsets()) == pytest.approx(flower(3, 4))
    red = [colour[0] > colour[2] for colour in samples.get_facecolors()]
    assert red == [False, False, True, False]


@pytest.mark.parametrize(
    ("draw", "metric", "what"),
    [
        (draw_norms, "spectral_norm", "spectral norms"),
        (draw_losses, "loss", "losses"),
        (draw_functions, "learned", "functions"),
        (draw_perturbed, "kept_amplitude", "amplitudes"),
        (draw_manifold, "accuracy", "accuracies"),
        (draw_surfaces, "logit", "surfaces"),
    ],
)
def test_results_without_these_variants_are_refused(draw, metric, what):
    with pytest.raises(InputError, match=f"^there are no {what} of the variants none: run the fit$"):
        draw(results_of([{"metric": metric, "value": 1.0}]), {"none": "none"})
