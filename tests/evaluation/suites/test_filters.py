import numpy as np
import pytest
import torch
from torch import nn

from filterfreq.evaluation.reading import read_results
from filterfreq.evaluation.results import write_results
from filterfreq.evaluation.suites.filters import filter_spectra, spectra_rows
from filterfreq.models.surgery.decomposition import DCTConv2d, decompose
from filterfreq.runtime.errors import InputError


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 7), nn.Conv2d(8, 16, 3, groups=2), nn.Conv2d(16, 16, 1), nn.Conv2d(16, 4, (3, 5))
    )


def model_of_weight(weight: np.ndarray) -> nn.Module:
    layer = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2:])
    layer.weight.data.copy_(torch.from_numpy(weight))
    return nn.Sequential(layer)


def test_a_constant_filter_has_its_energy_at_frequency_zero():
    spectra = filter_spectra(model_of_weight(np.full((2, 3, 3, 3), 0.5)))
    energy = spectra.set_index(["horizontal", "vertical"])["energy"]
    assert energy[0, 0] == pytest.approx(9 * 0.25)
    assert energy.drop((0, 0)).abs().max() < 1e-12


@pytest.mark.parametrize(("horizontal", "vertical"), [(2, 0), (0, 1), (1, 2)])
def test_a_wave_along_the_rows_is_a_horizontal_frequency(horizontal, vertical):
    position = (np.arange(3) + 0.5) / 3
    wave = np.cos(np.pi * vertical * position)[:, None] * np.cos(np.pi * horizontal * position)[None, :]
    spectra = filter_spectra(model_of_weight(np.stack([wave, -2 * wave])[:, None]))
    share = spectra.set_index(["horizontal", "vertical"])["energy_share"]
    assert share[horizontal, vertical] == pytest.approx(1)
    energy = spectra.set_index(["horizontal", "vertical"])["energy"]
    assert energy[horizontal, vertical] == pytest.approx((wave**2).sum() * (1 + 4) / 2)


def test_energies_are_those_of_an_explicit_orthonormal_basis(model):
    def basis(n: int) -> np.ndarray:
        matrix = np.cos(np.pi * np.arange(n)[:, None] * (np.arange(n) + 0.5) / n) * np.sqrt(2 / n)
        matrix[0] /= np.sqrt(2)
        return matrix

    spectra = filter_spectra(model)
    for name, layer in (("0", model[0]), ("1", model[1]), ("3", model[3])):
        weight = layer.weight.detach().double().numpy()
        height, width = weight.shape[2:]
        energy = np.square(basis(height) @ weight @ basis(width).T).mean(axis=(0, 1))
        found = spectra[spectra["layer"] == name]
        assert len(found) == height * width
        np.testing.assert_allclose(found["energy"], energy[found["vertical"], found["horizontal"]], rtol=1e-10)
        # Parseval: the basis neither adds nor takes energy.
        assert found["energy"].sum() * found["filters"].iloc[0] == pytest.approx((weight**2).sum())
        assert found["energy_share"].sum() == pytest.approx(1)


def test_spatial_convolutions_count_in_order(model):
    spectra = filter_spectra(model)
    layers = spectra.drop_duplicates("layer")
    assert layers["layer"].tolist() == ["0", "1", "3"]
    assert layers["index"].tolist() == [0, 1, 2]
    assert layers["depth"].tolist() == [0, 0.5, 1]
    assert layers["filters"].tolist() == [24, 64, 64]
    assert list(spectra.columns[:7]) == [
        "layer", "index", "depth", "horizontal", "vertical", "energy", "energy_share"
    ]  # fmt: skip
    assert filter_spectra(model[0])["depth"].unique().tolist() == [0]


@pytest.mark.parametrize("decomposition", ["weight", "signal"])
def test_a_dct_layer_counts_as_the_convolution_that_it_composes(decomposition):
    layer = DCTConv2d(3, 4, 5, decomposition=decomposition)
    with torch.no_grad():
        layer.coefficients.zero_()
        layer.coefficients[1, 2, 4, 1] = -3
    model = nn.Sequential(layer)
    spectra = filter_spectra(model)
    share = spectra.set_index(["horizontal", "vertical"])["energy_share"]
    assert share[4, 1] == pytest.approx(1)
    position = (np.arange(5) + 0.5) / 5
    filter_ = np.cos(np.pi * position)[:, None] * np.cos(4 * np.pi * position)[None, :]
    filter_ *= -3 / np.abs(filter_).sum()
    assert spectra["energy"].sum() == pytest.approx((filter_**2).sum() / 12)
    assert isinstance(model[0], DCTConv2d)


def test_a_decomposed_network_keeps_its_layer_names():
    network = decompose(nn.ModuleDict({"stem": nn.Conv2d(3, 4, 3), "head": nn.Conv2d(4, 4, 1)}), "weight")
    assert filter_spectra(network)["layer"].unique().tolist() == ["stem"]


def test_a_model_without_spatial_filters_is_refused():
    with pytest.raises(InputError, match="no convolution"):
        filter_spectra(nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, (1, 7))))


@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf")])
def test_dead_and_diverged_layers_are_named(model, value):
    model[1].weight.data.fill_(value)
    with pytest.raises(InputError, match="layer 1"):
        filter_spectra(model)


def test_rows_survive_the_result_file(model, tmp_path):
    spectra = filter_spectra(model)
    run = {"dataset": "d", "model": "m", "variant": "v", "seed": 0}
    write_results(tmp_path / "filters.csv", run, "filters", spectra_rows(spectra))
    table = read_results([tmp_path / "filters.csv"])
    assert set(table["metric"]) == {"energy_share"}
    assert table["ci_low"].isna().all()
    for column in ("layer", "index", "depth", "horizontal", "vertical"):
        assert table[column].tolist() == spectra[column].tolist()
    assert table["value"].tolist() == spectra["energy_share"].tolist()
    assert table["n"].tolist() == spectra["filters"].tolist()
