"""Normalised weights against the released code's values, singular values, and torch's own spectral norm."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from filterfreq.models.surgery.decomposition import DCTConv2d
from filterfreq.models.surgery.weight_normalisation import (
    NormalisedConv2d,
    orthogonal_by_eigenvectors,
    orthogonal_by_newton,
)
from filterfreq.runtime.errors import InputError

GOLDEN = Path(__file__).parents[4] / "shared" / "golden" / "convolutional_normalization.json"
needs_golden = pytest.mark.skipif(not GOLDEN.exists(), reason="needs the golden values in ../shared")
EXACT = {"rtol": 1e-10, "atol": 1e-10}


def golden(kind, number):
    case = json.loads(GOLDEN.read_text())[kind][number]
    with np.load(GOLDEN.with_suffix(".npz")) as file:
        names = ("weight", "normalized", "grad_out", "grad_weight")
        return case, *(torch.tensor(file[f"{kind}{number}_{name}"]) for name in names)


@needs_golden
@pytest.mark.parametrize("kind_and_number", [*(("own", n) for n in range(4)), *(("oni", n) for n in range(6))])
def test_weights_and_gradients_are_those_of_the_released_code(kind_and_number):
    case, weight, expected, grad_out, grad_weight = golden(*kind_and_number)
    weight.requires_grad_()
    if kind_and_number[0] == "own":
        found = orthogonal_by_eigenvectors(weight, case["norm_groups"])
    else:
        found = orthogonal_by_newton(weight, case["iterations"], case["norm_groups"], "released")
    torch.testing.assert_close(found, expected, **EXACT)
    (found * grad_out).sum().backward()
    torch.testing.assert_close(weight.grad, grad_weight, **EXACT)


@pytest.mark.parametrize("shape", [(8, 4, 3, 3), (32, 2, 3, 3)])
def test_newtons_iteration_comes_to_orthogonal_rows_or_columns(shape):
    weight = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    matrix = orthogonal_by_newton(weight, 15).flatten(1)
    singular = torch.linalg.svdvals(matrix)
    # Of centred columns one direction has nothing.
    full = singular[:-1] if shape[0] > matrix.shape[1] else singular
    torch.testing.assert_close(full, torch.ones_like(full), rtol=1e-4, atol=1e-4)


def test_equal_singular_values_have_a_finite_gradient():
    weight = torch.tensor([[1.0, -1, 0, 0], [0, 0, 1, -1]], dtype=torch.float64).view(2, 1, 2, 2).requires_grad_()
    assert torch.autograd.gradcheck(orthogonal_by_eigenvectors, weight)


def test_the_spectral_norm_is_torchs_of_the_reshaped_matrix():
    torch.manual_seed(0)
    conv = nn.Conv2d(3, 8, 3, padding=1)
    torch.manual_seed(1)
    layer = NormalisedConv2d(nn.Conv2d(3, 8, 3, padding=1), "spectral")
    layer.conv.load_state_dict(conv.state_dict())
    torch.manual_seed(2)
    theirs = spectral_norm(conv)
    layer.parametrisation.load_state_dict(theirs.parametrizations.weight[0].state_dict())
    images = torch.rand(2, 3, 8, 8)
    for _ in range(20):
        torch.testing.assert_close(layer(images), theirs(images))
    plain = layer.eval().plain_layer()
    assert float(torch.linalg.matrix_norm(plain.weight.detach().flatten(1), 2)) == pytest.approx(1, rel=1e-3)
    torch.testing.assert_close(plain(images), layer(images))


@pytest.mark.parametrize("method", ["own", "oni", "spectral"])
def test_a_composed_layer_has_the_normalised_weight_and_dct_layers_are_normalised_composed(method):
    torch.manual_seed(0)
    inner = DCTConv2d(4, 6, 3, stride=2, padding=1, groups=2)
    layer = NormalisedConv2d(inner, method)
    images = torch.rand(2, 4, 8, 8)
    layer(images).sum().backward()
    assert inner.coefficients.grad.abs().sum() > 0
    layer.train()
    state = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    plain = layer.plain_layer()
    assert all(torch.equal(tensor, state[name]) for name, tensor in layer.state_dict().items())
    torch.testing.assert_close(plain(images), layer.eval()(images))
    norms = torch.linalg.matrix_norm(plain.weight.detach().flatten(1), 2)
    assert 0.5 < float(norms) < 2
    assert layer.spectrum_scale(8, 8).shape == (6, 10, 6)
    assert (layer.spectrum_scale(8, 8) == 1).all()


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_newtons_matrix_may_multiply_the_features_and_the_order_in_memory_does_not_matter(memory_format):
    """Few images take this way, many that of the composed weight, and all of them the plain layer's."""
    torch.manual_seed(0)
    conv = nn.Conv2d(16, 8, 3, stride=2, padding=1, groups=2).double()
    layer = NormalisedConv2d(conv, "oni", norm_groups=2).to(memory_format=memory_format)
    with torch.no_grad():
        layer.parametrisation.scale.uniform_(1, 2)
    plain = layer.plain_layer()
    expected = orthogonal_by_newton(conv.weight.detach().contiguous(), 3, 2) * layer.parametrisation.scale
    torch.testing.assert_close(plain.weight, expected, **EXACT)
    for images in (torch.rand(2, 16, 8, 8, dtype=torch.float64), torch.rand(5, 16, 8, 8, dtype=torch.float64)):
        # Of the features of 2 images there are 32 pixels, of 5 images 80; a row has 72 numbers.
        assert (layer._factors(images)[0] is None) == (len(images) == 5)
        layer.zero_grad()
        outputs = layer(images)
        torch.testing.assert_close(outputs, plain(images), **EXACT)
        outputs[:2].square().sum().backward()
        weight = (layer.parametrisation.scale * orthogonal_by_newton(conv.weight, 3, 2)).detach().requires_grad_()
        nn.functional.conv2d(images[:2], weight, conv.bias, 2, 1, 1, 2).square().sum().backward()
        composed = layer.parametrisation(conv.weight)
        by_weight = torch.autograd.grad(composed, [conv.weight, layer.parametrisation.scale], weight.grad)
        torch.testing.assert_close((conv.weight.grad, layer.parametrisation.scale.grad), by_weight, **EXACT)


def test_groups_of_rows_are_as_many_as_their_rows_need():
    layer = NormalisedConv2d(nn.Conv2d(3, 64, 3), "own")
    assert layer.parametrisation.norm_groups == 4
    assert NormalisedConv2d(nn.Conv2d(3, 16, 3), "own", norm_groups=64).parametrisation.norm_groups == 16
    assert NormalisedConv2d(nn.Conv2d(3, 64, 3), "oni").parametrisation.norm_groups == 1


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="its filters are single numbers"):
        NormalisedConv2d(nn.Conv2d(4, 4, 1, groups=4), "oni")
    with pytest.raises(InputError, match="unknown column mode 'relased': did you mean 'released'"):
        NormalisedConv2d(nn.Conv2d(4, 4, 1), "oni", columns="relased")
    with pytest.raises(InputError, match="needs at least 1"):
        NormalisedConv2d(nn.Conv2d(4, 4, 1), "oni", iterations=0)
