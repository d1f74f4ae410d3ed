"""The figures of GANs."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from filterfreq.publishing.figures.gan_divergence import draw as draw_divergence
from filterfreq.publishing.figures.gan_samples import SampleSheet
from filterfreq.publishing.figures.gan_samples import draw as draw_samples
from filterfreq.publishing.figures.gan_samples import read as read_samples
from filterfreq.publishing.figures.gan_training import draw as draw_training
from filterfreq.publishing.tables.gans import tabulate as tabulate_gans
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import write_json

METHODS = {
    "none": {"method": "no normalisation", "learning_rate": 0.0002},
    "none-fast": {"method": "no normalisation", "learning_rate": 0.01},
    "spectral": {"method": "SN", "learning_rate": 0.0002},
    "spectral-fast": {"method": "SN", "learning_rate": 0.01},
}


def results_of(diverged: dict[tuple[str, int], float]) -> pd.DataFrame:
    """Results of two seeds of each variant; of layers, the second has the larger norm."""
    rows = []
    for variant in METHODS:
        for seed in (0, 1):
            run = {"model": "narrow", "variant": variant, "seed": seed}
            for iteration in (10, 20):
                for metric in ("discriminator_loss", "generator_loss"):
                    rows.append({**run, "metric": metric, "iteration": iteration, "value": 1 + seed})
                for metric in ("discriminator_gradient_norm", "generator_gradient_norm"):
                    rows.append({**run, "metric": metric, "iteration": iteration, "value": seed * iteration})
                for layer, norm in (("1-conv", 1), ("2-conv", 3)):
                    norms = {"metric": "reshaped_spectral_norm", "layer": layer, "value": norm + seed}
                    rows.append({**run, **norms, "iteration": iteration})
            rows.append({**run, "metric": "diverged", "value": diverged.get((variant, seed), 0)})
    return pd.DataFrame(rows)


def test_a_row_of_panels_has_a_learning_rate_and_a_line_for_each_method():
    figure = draw_training(results_of({}), METHODS)
    assert len(figure.axes) == 2 * 5
    assert [axes.get_ylabel() for axes in figure.axes[::5]] == ["learning rate 0.0002", "learning rate 0.01"]
    losses, norms = figure.axes[0].get_lines(), figure.axes[4].get_lines()
    assert [line.get_ydata().tolist() for line in losses[:2]] == [[1.5, 1.5]] * 2
    # The largest norm of each seed, 3 and 4, and then their mean.
    assert [line.get_ydata().tolist() for line in norms[:2]] == [[3.5, 3.5]] * 2
    # A gradient of 0 is in the picture.
    assert figure.axes[2].get_ylim()[0] == 0
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["no normalisation", "SN"]


def test_tick_labels_are_no_formulas():
    figure = draw_training(results_of({}), METHODS)
    figure.canvas.draw()
    labels = [label.get_text() for axes in figure.axes for label in axes.get_yticklabels()]
    assert labels
    assert not [label for label in labels if "$" in label]


def test_shares_are_of_the_seeds_at_each_learning_rate():
    figure = draw_divergence(results_of({("none-fast", 1): 1, ("spectral-fast", 0): 1, ("none", 0): 1}), METHODS)
    none, spectral = figure.axes[0].get_lines()
    assert none.get_ydata().tolist() == [0.5, 0.5]
    assert spectral.get_ydata().tolist() == [0, 0.5]
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["0.0002", "0.01"]


def test_the_samples_of_the_lowest_seed_are_read(tmp_path):
    samples, records = [], []
    for seed in (10, 9):
        folder = tmp_path / str(seed)
        folder.mkdir()
        np.savez(folder / "samples.npz", images=np.full((2, 4, 4, 3), seed, np.uint8))
        write_json(folder / "run.json", {"run": {"network": "narrow", "variant": "none", "seed": seed}})
        samples.append(folder / "samples.npz")
        records.append(folder / "run.json")
    (found,) = read_samples(SimpleNamespace(samples=samples, records=records))
    assert (found.network, found.variant) == ("narrow", "none")
    assert (found.images == 9).all()
    Path(samples[1]).write_bytes(b"no arrays")
    with pytest.raises(InputError, match=r"samples.npz is damaged or not what it should be.*train the GAN again"):
        read_samples(SimpleNamespace(samples=samples, records=records))


def test_sheets_come_in_the_order_of_the_labels():
    sheets = [SampleSheet("narrow", name, np.zeros((4, 8, 8, 3), np.uint8)) for name in ("b", "a", "left_out")]
    figure = draw_samples(sheets, {"a": "first", "b": "second"})
    assert [axes.get_title() for axes in figure.axes if axes.axison] == ["first", "second"]


def test_exact_norms_are_a_panel_where_they_were_measured():
    exact = [
        {"model": "narrow", "variant": "none", "seed": seed, "metric": "spectral_norm", "iteration": 20}
        | {"layer": layer, "value": value + seed}
        for seed in (0, 1)
        for layer, value in (("1-conv", 6), ("2-conv", 8))
    ]
    figure = draw_training(pd.concat([results_of({}), pd.DataFrame(exact)]), METHODS)
    titles = [axes.get_title() for axes in figure.axes[:6]]
    assert titles[4:] == ["largest norm of a\nreshaped matrix", "largest exact\nspectral norm"]
    assert figure.axes[5].get_lines()[0].get_ydata().tolist() == [8.5]


class TestTable:
    @pytest.fixture
    def results(self):
        distances = [
            {"model": "narrow", "variant": variant, "seed": seed, "metric": "frechet_classifier", "value": value + seed}
            | {"classifier": "net/plain/0"}
            for variant, value in (("none", 20), ("spectral", 10))
            for seed in (0, 1)
        ]
        trained = results_of({("none-fast", 1): 1, ("spectral-fast", 0): 1, ("spectral-fast", 1): 1})
        return pd.concat([trained, pd.DataFrame(distances)], ignore_index=True).assign(dataset="faces")

    def test_a_row_is_a_method_at_a_learning_rate(self, results):
        table = tabulate_gans(results, METHODS)
        assert list(table.cells) == [
            *("method", "learning rate", "diverged (% of seeds)", "distance in classifier's features"),
            *("largest norm of a reshaped matrix", "seeds"),
        ]
        # Of norms the larger one of the two layers where it was last measured, 3 and 4.
        assert [tuple(cells) for cells in table.cells.to_numpy()] == [
            ("no normalisation", "0.0002", "0", "20.5 ± 0.71", "3.5 ± 0.71", "2"),
            ("no normalisation", "0.01", "50", "–", "3.5 ± 0.71", "2"),
            ("SN", "0.0002", "0", "10.5 ± 0.71", "3.5 ± 0.71", "2"),
            ("SN", "0.01", "100", "–", "3.5 ± 0.71", "2"),
        ]
        assert "penultimate features of net/plain/0; it is no FID" in table.caption

    def test_without_a_classifier_there_is_no_distance(self, results):
        table = tabulate_gans(results[results["metric"] != "frechet_classifier"].drop(columns="classifier"), METHODS)
        assert "distance in classifier's features" not in table.cells
        assert "FID" not in table.caption

    def test_several_networks_have_a_column(self, results):
        table = tabulate_gans(pd.concat([results, results.assign(model="wide")]), METHODS)
        assert table.cells["network"].tolist() == ["narrow"] * 4 + ["wide"] * 4


@pytest.mark.parametrize(("draw", "said"), [(draw_training, "results"), (draw_divergence, "results")])
def test_variants_without_results_are_refused(draw, said):
    with pytest.raises(InputError, match=f"there are no {said} of the variants none: train the GAN"):
        draw(results_of({}).query("variant != 'none'"), {"none": METHODS["none"]})
    with pytest.raises(InputError, match="there are no samples of the variants none: train the GAN"):
        draw_samples([], {"none": "none"})
