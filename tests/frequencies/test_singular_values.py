import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from filterfreq.frequencies.singular_values import (
    circular_extremes,
    circular_norm,
    circular_singular_values,
    padded_size,
    reshaped_matrix_norm,
    zero_padded_norm,
)
from filterfreq.runtime.errors import InputError

GOLDEN = Path(__file__).parents[3] / "shared" / "golden"


def drawn_weight(*shape):
    return torch.from_numpy(np.random.default_rng(0).standard_normal(shape))


def dense_values(channels, height, width, convolve):
    """The singular values of the matrix whose columns are what a convolution makes of each unit image."""
    size = channels * height * width
    images = torch.eye(size, dtype=torch.float64).view(size, channels, height, width)
    return np.linalg.svd(convolve(images).flatten(1).numpy(), compute_uv=False)


def wrapped(images, weight, **options):
    """A circular convolution of torch: its own padding mode, as many pixels as the kernel reaches."""
    reach = [(side - 1) * step for side, step in zip(weight.shape[2:], options.get("dilation", (1, 1)), strict=True)]
    return F.conv2d(F.pad(images, (0, reach[1], 0, reach[0]), mode="circular"), weight, **options)


@pytest.mark.parametrize(
    ("shape", "height", "width", "options"),
    [
        ((4, 3, 3, 3), 6, 5, {}),
        ((3, 4, 3, 3), 6, 4, {"stride": (2, 2)}),
        ((6, 2, 3, 1), 5, 6, {"groups": 3}),
        ((4, 2, 3, 3), 6, 8, {"groups": 2, "stride": (2, 1)}),
        ((2, 2, 2, 3), 7, 6, {"dilation": (2, 1)}),
        ((5, 3, 1, 1), 4, 4, {"stride": (2, 2)}),
        ((30, 26, 3, 3), 4, 4, {}),
        ((26, 30, 3, 3), 4, 2, {"stride": (2, 1)}),
    ],
)
def test_circular_values_are_those_of_the_dense_matrix(shape, height, width, options):
    weight = drawn_weight(*shape)
    channels = shape[1] * options.get("groups", 1)
    dense = dense_values(channels, height, width, lambda images: wrapped(images, weight, **options))
    found = circular_singular_values(weight, height, width, **options).flatten().sort(descending=True).values
    assert found.numpy() == pytest.approx(dense[: len(found)], rel=1e-10, abs=1e-10)
    assert dense[len(found) :] == pytest.approx(0, abs=1e-10)
    assert circular_norm(weight, height, width, **options) == pytest.approx(dense[0], rel=1e-12)
    extremes = found[0].item(), found[-1].item()
    assert circular_extremes(weight, height, width, **options) == pytest.approx(extremes, rel=1e-10, abs=1e-10)


@pytest.mark.parametrize(("stride", "groups"), [*itertools.product([(1, 1), (2, 2), (1, 2)], [1, 2])])
def test_the_zero_padded_norm_is_that_of_the_dense_matrix_and_below_the_circular_one(stride, groups):
    weight = drawn_weight(4, 4 // groups, 3, 3)
    options = {"stride": stride, "padding": (1, 1), "groups": groups}
    dense = dense_values(4, 6, 7, lambda images: F.conv2d(images, weight, **options))
    found = zero_padded_norm(weight, 6, 7, **options)
    assert found == pytest.approx(dense[0], rel=1e-9)
    assert found < circular_norm(weight, *padded_size((3, 3), (1, 1), 6, 7), groups=groups)


def test_the_scale_multiplies_each_output_in_frequency():
    weight = drawn_weight(3, 2, 3, 3)
    scale = 1 + drawn_weight(3, 5, 3).abs()
    # A real filter has an even spectrum: its two ends of a column of its own conjugates are equal.
    scale[:, 3:, 0] = scale[:, 1:3, 0].flip(1)

    def convolve(images):
        return torch.fft.irfft2(torch.fft.rfft2(wrapped(images, weight)) * scale, s=(5, 5))

    dense = dense_values(2, 5, 5, convolve)
    assert circular_extremes(weight, 5, 5, scale=scale) == pytest.approx((dense[0].item(), dense[-1].item()), rel=1e-10)


def test_golden_values():
    if not GOLDEN.is_dir():
        pytest.skip(f"the golden values are not at {GOLDEN}")
    cases = json.loads((GOLDEN / "convolutional_normalization.json").read_text())["spectral"]
    values = np.load(GOLDEN / "convolutional_normalization.npz")
    for case in cases:
        name = f"spectral{case['case']}"
        weight = torch.from_numpy(values[f"{name}_weight"])
        size = padded_size(weight.shape[2:], (1, 1), case["height"], case["width"])
        power = torch.fft.rfft2(weight, s=size).abs().square().sum(dim=1)
        assert circular_norm(weight, *size) == pytest.approx(float(values[f"{name}_plain"]), abs=1e-10)
        normalised = circular_norm(weight, *size, scale=power.rsqrt())
        assert normalised == pytest.approx(float(values[f"{name}_normalized"]), abs=1e-10)
    assert len(cases) == 2


def test_the_reshaped_matrix_has_the_norm_that_torch_divides_by():
    layer = torch.nn.Conv2d(3, 4, 3).double()
    weight = layer.weight.detach().clone()
    torch.nn.utils.parametrizations.spectral_norm(layer, n_power_iterations=500)
    divided_by = (weight / layer.weight.detach()).mean().item()
    assert reshaped_matrix_norm(weight) == pytest.approx(divided_by, rel=1e-6)


@pytest.mark.parametrize("size", [(1, 1, 1, 1), (2, 30, 3, 3)])
def test_weights_of_zero_have_norm_zero(size):
    assert circular_norm(torch.zeros(size), 4, 4) == zero_padded_norm(torch.zeros(size), 4, 4) == 0


def test_what_has_no_singular_values_is_refused():
    weight = drawn_weight(2, 2, 3, 3)
    with pytest.raises(InputError, match="needs an image that is a multiple of it, not 5 x 4"):
        circular_norm(weight, 5, 4, stride=(2, 2))
    with pytest.raises(InputError, match=r"of shape \(2, 4, 4\) does not fit .* give one of \(2, 4, 3\)"):
        circular_norm(weight, 4, 4, scale=torch.ones(2, 4, 4))
    with pytest.raises(InputError, match="not finite"):
        circular_norm(weight * np.inf, 4, 4)
    with pytest.raises(InputError, match="smaller than the kernel"):
        zero_padded_norm(weight, 2, 3)
