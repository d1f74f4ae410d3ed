import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d
from torch import nn

from filterfreq.models.classifier import Classifier
from filterfreq.models.surgery.composition import compose
from filterfreq.models.surgery.decomposition import decompose
from filterfreq.models.surgery.smooth_kernels import smooth_kernels
from filterfreq.runtime.errors import InputError

STATISTICS = ([0.5] * 3, [0.25] * 3)
GOLDEN = Path(__file__).parents[4] / "shared" / "golden"


def scipy_smoothed(weight: torch.Tensor, rho: float) -> np.ndarray:
    """By the call of the released code, for each plane."""
    mask = np.full((3, 3), rho)
    mask[1, 1] = 1
    planes = weight.detach().double().numpy()
    smoothed = [
        convolve2d(plane, mask, boundary="symm", mode="same") for plane in planes.reshape(-1, *planes.shape[2:])
    ]
    return np.reshape(smoothed, planes.shape)


def single(weight: np.ndarray) -> Classifier:
    """A model of one convolution in double precision."""
    layer = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2:], bias=False, dtype=torch.float64)
    layer.weight = nn.Parameter(torch.from_numpy(weight))
    return Classifier(layer, *STATISTICS)


def test_kernels_are_those_of_the_released_code():
    if not GOLDEN.is_dir():
        pytest.skip("the golden values are not at ../shared/golden")
    values = np.load(GOLDEN / "high_frequency_components.npz")
    entries = json.loads((GOLDEN / "high_frequency_components.json").read_text())["kernels"]
    assert len(entries) == 3
    for entry in entries:
        for rho in entry["rhos"]:
            name = f"kernel{entry['kernel']}"
            smoothed = smooth_kernels(single(values[name]), rho).backbone.weight.detach().numpy()
            np.testing.assert_allclose(smoothed, values[f"{name}_rho_{rho}"], rtol=0, atol=1e-12)


@pytest.mark.parametrize("rho", [0.1, 0.5, 1])
def test_kernels_are_those_of_scipys_convolution(classifier, rho):
    before = copy.deepcopy(classifier.backbone)
    changed = smooth_kernels(classifier, rho, "all").backbone
    for number, (old, new) in enumerate(zip(before, changed, strict=True)):
        expected = old.weight.detach().numpy() if number == 2 else scipy_smoothed(old.weight, rho)
        np.testing.assert_allclose(new.weight.detach().numpy(), expected, rtol=0, atol=1e-6)
        assert torch.equal(new.bias, old.bias)
        assert new.weight.dtype == torch.float32
        assert new.weight.requires_grad
    assert torch.equal(changed[2].weight, before[2].weight)


def test_a_constant_plane_grows_by_its_eight_neighbours():
    smoothed = smooth_kernels(single(np.full((2, 3, 3, 3), 0.25)), 0.5).backbone.weight
    assert smoothed.unique().tolist() == [0.25 * (1 + 8 * 0.5)]


def test_no_weight_for_neighbours_is_the_kernel_itself(classifier):
    before = copy.deepcopy(classifier.state_dict())
    smooth_kernels(classifier, 0, "all")
    assert all(torch.equal(tensor, before[name]) for name, tensor in classifier.state_dict().items())


def test_the_first_layer_alone_unless_said(classifier):
    before = copy.deepcopy(classifier.state_dict())
    smooth_kernels(classifier, 1)
    changed = {name for name, tensor in classifier.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {"backbone.0.weight"}


def test_of_a_decomposed_model_the_composed_kernels_are_smoothed():
    torch.manual_seed(0)
    composed = compose(decompose(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1)), "weight"))
    expected = scipy_smoothed(composed[0].weight, 1)
    smoothed = smooth_kernels(Classifier(composed, *STATISTICS), 1).backbone[0]
    np.testing.assert_allclose(smoothed.weight.detach().numpy(), expected, rtol=0, atol=1e-6)


def test_a_model_without_neighbouring_weights_is_refused():
    backbone = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 3))
    with pytest.raises(InputError, match="smooth_kernels: no kernel of the model's first convolution is larger than 1"):
        smooth_kernels(Classifier(backbone, *STATISTICS), rho=1)
