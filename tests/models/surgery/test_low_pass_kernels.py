import copy

import numpy as np
import pytest
import torch
from scipy.fft import dctn, idctn
from torch import nn

from filterfreq.models.classifier import Classifier
from filterfreq.models.surgery.low_pass_kernels import low_pass_kernels
from filterfreq.runtime.errors import InputError

STATISTICS = ([0.5] * 3, [0.25] * 3)


def low_passed(weight: torch.Tensor, below: int) -> np.ndarray:
    """By the definition: transform each plane, set the coefficients with max(k, l) >= below to zero, go back."""
    coefficients = dctn(weight.detach().double().numpy(), axes=(2, 3), norm="ortho")
    rows, columns = np.indices(coefficients.shape[2:])
    return idctn(np.where(np.maximum(rows, columns) < below, coefficients, 0), axes=(2, 3), norm="ortho")


@pytest.mark.parametrize("below", [1, 2, 3, 4])
def test_kernels_are_those_of_scipys_transform_there_and_back(classifier, below):
    before = copy.deepcopy(classifier.backbone)
    changed = low_pass_kernels(classifier, below=below, layers="all").backbone
    for old, new in zip(before, changed, strict=True):
        expected = low_passed(old.weight, below)
        np.testing.assert_allclose(new.weight.detach().numpy(), expected, rtol=0, atol=1e-7)
        assert torch.equal(new.bias, old.bias)
        assert new.weight.dtype == torch.float32
        assert new.weight.requires_grad


def test_one_frequency_is_the_mean(classifier):
    before = classifier.backbone[0].weight.detach().clone()
    low_pass_kernels(classifier, below=1, layers="first")
    means = before.mean(dim=(2, 3), keepdim=True).expand_as(before)
    torch.testing.assert_close(classifier.backbone[0].weight.detach(), means, rtol=0, atol=1e-7)


def test_all_frequencies_are_the_kernel_itself(classifier):
    before = copy.deepcopy(classifier.state_dict())
    low_pass_kernels(classifier, below=5, layers="all")
    for name, tensor in classifier.state_dict().items():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=1e-8)


def test_the_first_layer_alone(classifier):
    before = copy.deepcopy(classifier.state_dict())
    low_pass_kernels(classifier, below=2, layers="first")
    changed = {name for name, tensor in classifier.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {"backbone.0.weight"}


@pytest.mark.parametrize(
    ("backbone", "layers", "said"),
    [
        (
            nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 3)),
            "first",
            "the model's first convolution is larger",
        ),
        (nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1)), "all", "no kernel of any convolution of the model is"),
        (nn.Sequential(nn.Flatten(), nn.Linear(3, 4)), "all", "derive from another model"),
    ],
)
def test_a_model_without_kernels_to_change_is_refused(backbone, layers, said):
    with pytest.raises(InputError, match=said):
        low_pass_kernels(Classifier(backbone, *STATISTICS), below=2, layers=layers)
