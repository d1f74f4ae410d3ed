"""The first layer by hand: a convolution with stride, after a front end and the normalisation."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from filterfreq.evaluation.filters.first_layer import measure_first_layer, read_perturbed_images, relative_change
from filterfreq.evaluation.registry import SUITES
from filterfreq.evaluation.results import check_rows
from filterfreq.evaluation.suites.first_layer import run
from filterfreq.models.classifier import Classifier
from filterfreq.models.surgery.composition import compose
from filterfreq.models.surgery.decomposition import decompose
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import replacing_with_checksum

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.5)


class Net(nn.Module):
    """Has its first layer last among the modules."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.head = nn.Linear(filters, 2)
        self.later = nn.Conv2d(filters, filters, 3)
        self.first = nn.Conv2d(3, filters, 3, stride=2, bias=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.later(self.first(images).relu()).mean(dim=(2, 3)))


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).random((2, 9, 9, 3), dtype=np.float32)


@pytest.mark.parametrize(("filters", "shown"), [(12, [5, 6, 7, 8, 9, 10]), (8, [0, 1, 2, 3, 4, 5]), (2, [0, 1])])
def test_activations_are_those_of_the_first_convolution_of_the_graph(images, filters, shown):
    torch.manual_seed(0)
    network = Net(filters)
    found = measure_first_layer(Classifier(network, MEAN, STD), *images)
    weights = network.first.weight.detach().numpy()
    assert np.array_equal(found["weights"], weights)
    assert found["filters"].tolist() == shown
    normalised = ((images - MEAN) / STD).transpose(0, 3, 1, 2)
    outputs = np.array(
        [
            [
                [[(weights[o] * image[:, y : y + 3, x : x + 3]).sum() for x in (0, 2, 4, 6)] for y in (0, 2, 4, 6)]
                for o in range(filters)
            ]
            for image in normalised
        ]
    ).clip(min=0)
    assert found["activations"] == pytest.approx(outputs[:, shown], abs=1e-5)
    change = np.linalg.norm(outputs[1] - outputs[0]) / np.linalg.norm(outputs[0])
    assert float(found["change"]) == pytest.approx(change, rel=1e-5)


def test_what_stands_before_the_normalisation_counts(images):
    classifier = Classifier(Net(2), MEAN, STD)
    plain = measure_first_layer(classifier, *images)
    classifier.front_end = nn.Sequential(nn.AvgPool2d(3, 1, 1))
    assert measure_first_layer(classifier, *images)["activations"] != pytest.approx(plain["activations"])


def test_a_model_without_a_convolution_is_refused(images):
    network = nn.Sequential(nn.Flatten(), nn.Linear(243, 2))
    with pytest.raises(InputError, match="begins with no convolution"):
        measure_first_layer(Classifier(network, MEAN, STD), *images)


def test_a_decomposed_layer_shows_the_filters_that_it_composes(images):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 12, 3, padding=1, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    network = decompose(network, "weight")
    decomposed = measure_first_layer(Classifier(network, MEAN, STD), *images)
    plain = measure_first_layer(Classifier(compose(network), MEAN, STD), *images)
    for name in ("weights", "activations", "change"):
        assert decomposed[name] == pytest.approx(plain[name], abs=1e-5)


def test_the_change_is_that_of_all_images_relative_to_the_norm_before():
    """One filter gives red and another one less green, without normalisation."""
    layer = nn.Conv2d(3, 2, 1)
    with torch.no_grad():
        layer.weight[:] = torch.tensor([[1.0, 0, 0], [0, -1, 0]])[..., None, None]
        layer.bias[:] = torch.tensor([0.0, 1.0])
    classifier = Classifier(nn.Sequential(layer, nn.Flatten(), nn.Linear(2, 2)), [0, 0, 0], [1, 1, 1])
    clean = np.array([[0.6, 0.2, 0], [0.0, 1.0, 0]], np.float32).reshape(2, 1, 1, 3)
    perturbed = np.array([[0.5, 0.4, 1], [0.3, 1.0, 1]], np.float32).reshape(2, 1, 1, 3)
    name, change = relative_change(classifier, clean, perturbed)
    # Activations 0.6, 0.8 and 0, 0 become 0.5, 0.6 and 0.3, 0.
    assert (name, change) == ("0", pytest.approx(np.sqrt((0.1**2 + 0.2**2 + 0.3**2) / (0.6**2 + 0.8**2))))
    assert relative_change(classifier, clean, clean) == ("0", 0)
    assert np.isnan(relative_change(classifier, clean[1:], perturbed[1:])[1])


def test_the_suite_measures_the_images_that_were_perturbed(images, tmp_path):
    path = tmp_path / "perturbations.npz"
    with replacing_with_checksum(path) as temporary:
        np.savez(temporary, clean=images, adversarial=images[::-1])
    classifier = Classifier(Net(4), MEAN, STD)
    job = SimpleNamespace(classifier=classifier, inputs={"perturbations": str(path)}, settings={"source": "plain"})
    (row,) = run(job)
    check_rows([row], "it", SUITES["first_layer"].metrics)
    assert (row["parameter"], row["n"]) == ("source=plain;layer=first", 2)
    assert row["value"] == relative_change(classifier, images, images[::-1].copy())[1] > 0


def test_perturbed_images_are_read_and_a_changed_file_refused(images, tmp_path):
    path = tmp_path / "perturbations.npz"
    with replacing_with_checksum(path) as temporary:
        np.savez(temporary, clean=images, adversarial=images[::-1])
    assert np.array_equal(read_perturbed_images(path), [images, images[::-1]])
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(InputError, match="was changed since it was written"):
        read_perturbed_images(path)
