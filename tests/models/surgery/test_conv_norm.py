"""Convolutional normalisation against the released code's values, numpy's transforms and torch's convolutions."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from filterfreq.models.surgery import spectral_convolution
from filterfreq.models.surgery.conv_norm import ConvNorm, averaging_factor, spectrum_scale
from filterfreq.models.surgery.decomposition import DCTConv2d
from filterfreq.runtime.errors import InputError

GOLDEN = Path(__file__).parents[4] / "shared" / "golden" / "convolutional_normalization.json"
needs_golden = pytest.mark.skipif(not GOLDEN.exists(), reason="needs the golden values in ../shared")
EXACT = {"rtol": 1e-10, "atol": 1e-10}


def made(case, values):
    """The layer of a golden case, with its first weights."""
    names = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "groups", "bias")
    conv = nn.Conv2d(**{name: case[name] for name in names}).double()
    options = {"affine": case["affine"], "batch_norm": case["bn"], "momentum": case["momentum"]}
    layer = ConvNorm(conv, case["height"], case["width"], **options)
    layer.num_forwards.fill_(case["forwards_before"])
    given = {"conv.weight": "weight_1", "conv.bias": "bias", "norm.weight": "bn_weight", "norm.bias": "bn_bias"}
    given |= {"affine_weight": "affine_weight", "affine_bias": "affine_bias"}
    with torch.no_grad():
        for name, key in given.items():
            if key in values:
                layer.get_parameter(name).copy_(values[key])
    return layer


@needs_golden
@pytest.mark.parametrize("way", ["in frequency", "in pieces", "filtered"])
@pytest.mark.parametrize("number", range(13))
def test_a_layer_computes_what_the_released_code_does(number, way, monkeypatch):
    monkeypatch.setattr(spectral_convolution, "_pays_in_frequency", lambda *_: way != "filtered")
    if way == "in pieces":
        monkeypatch.setattr(spectral_convolution, "_PIECE", 100)
    case = json.loads(GOLDEN.read_text())["layers"][number]
    with np.load(GOLDEN.with_suffix(".npz")) as file:
        prefix = f"layer{number}_"
        values = {key.removeprefix(prefix): torch.tensor(file[key]) for key in file.files if key.startswith(prefix)}
    layer = made(case, values)
    images = values["x_1"].requires_grad_()
    outputs = layer(images)
    torch.testing.assert_close(outputs, values["y_train_1"], **EXACT)
    (outputs * values["grad_y"]).sum().backward()
    torch.testing.assert_close(images.grad, values["grad_x"], **EXACT)
    of = {"conv.weight": "grad_weight", "conv.bias": "grad_bias", "affine_weight": "grad_affine_weight"}
    for name, key in (of | {"affine_bias": "grad_affine_bias"}).items():
        if key in values:
            torch.testing.assert_close(layer.get_parameter(name).grad, values[key], **EXACT)
    torch.testing.assert_close(layer.running_scale, values["running_V_1"], **EXACT)
    with torch.no_grad():
        layer.conv.weight.copy_(values["weight_2"])
    torch.testing.assert_close(layer(values["x_2"]), values["y_train_2"], **EXACT)
    torch.testing.assert_close(layer.running_scale, values["running_V_2"], **EXACT)
    # What is saved is all that evaluation needs.
    loaded = made(case, values)
    loaded.load_state_dict(layer.state_dict())
    torch.testing.assert_close(loaded.eval()(values["x_1"]), values["y_eval"], **EXACT)
    if case["bn"]:
        torch.testing.assert_close(layer.norm.running_var, values["bn_running_var"], **EXACT)


@needs_golden
def test_the_released_schedule_of_the_average():
    for count, factor in json.loads(GOLDEN.read_text())["averaging_factor"].items():
        assert float(averaging_factor(torch.tensor(int(count)))) == pytest.approx(factor, abs=1e-12)


@pytest.mark.parametrize("size", [(3, 3, 12, 15), (5, 3, 9, 10), (1, 1, 4, 4)])
def test_the_scale_is_that_of_transformed_kernels_and_makes_spectra_flat(size):
    rows, columns, height, width = size
    weight = torch.randn(6, 4, rows, columns, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    spectra = np.fft.rfft2(weight.numpy(), (height, width))
    power = (np.abs(spectra) ** 2).sum(axis=1)
    scale = spectrum_scale(weight, height, width).numpy()
    np.testing.assert_allclose(np.broadcast_to(scale, power.shape) ** 2 * power, 1, rtol=1e-12)
    single = spectrum_scale(weight.float(), height, width).numpy()
    np.testing.assert_allclose(single, scale, rtol=3e-5)


def test_a_spectrum_that_vanishes_and_a_channel_without_weights_stay_finite():
    weight = torch.zeros(2, 1, 3, 3)
    weight[0, 0, 1] = torch.tensor([1.0, 0.0, -1.0])
    scale = spectrum_scale(weight, 8, 8)
    assert scale.isfinite().all()
    assert (scale[1] == 1).all()
    # The difference of neighbours has no mean, and twice the others' amplitude at a quarter of the sampling rate.
    assert float(scale[0, 0, 2]) == pytest.approx(0.5)
    assert float(scale[0, 0, 0]) > 100


def test_a_dct_layer_is_normalised_by_its_composed_kernel():
    torch.manual_seed(0)
    inner = DCTConv2d(3, 4, 3, padding=1).double()
    layer = ConvNorm(inner, 8, 8, affine=False, batch_norm=False)
    plain = ConvNorm(inner.plain_layer(), 8, 8, affine=False, batch_norm=False)
    images = torch.rand(2, 3, 8, 8, dtype=torch.float64)
    outputs = layer(images)
    torch.testing.assert_close(outputs, plain(images), **EXACT)
    outputs.square().sum().backward()
    plain.conv.weight.grad = None
    plain(images).square().sum().backward()
    expected = torch.einsum("oiyx,klyx->oikl", plain.conv.weight.grad, inner.basis)
    torch.testing.assert_close(inner.coefficients.grad, expected, **EXACT)


def test_evaluation_before_any_training_takes_the_weights_and_moves_no_average():
    torch.manual_seed(0)
    layer = ConvNorm(nn.Conv2d(3, 4, 3, padding=1), 8, 8, batch_norm=False)
    images = torch.rand(2, 3, 8, 8)
    before = layer.eval()(images)
    assert layer.num_forwards == 0
    torch.testing.assert_close(before, layer.train()(images))
    assert layer.num_forwards == 1
    assert layer.spectrum_scale(8, 8).shape == (4, 10, 6)
    torch.testing.assert_close(layer.eval().spectrum_scale(8, 8), layer.train().spectrum_scale(8, 8))


def test_another_size_is_refused_or_its_scale_is_that_of_the_weights():
    torch.manual_seed(0)
    conv = nn.Conv2d(3, 4, 3, padding=1)
    layers = [ConvNorm(copy.deepcopy(conv), 8, 8, affine=False, other_sizes=kind) for kind in ("refuse", "recompute")]
    larger = torch.rand(2, 3, 12, 9)
    for layer in layers:
        layer(torch.rand(2, 3, 8, 8))
        with pytest.raises(InputError, match="normalised for 8 x 8 pixels got 12 x 9"):
            layer(larger)
        layer.eval()
    with pytest.raises(InputError, match="give images of the size of training"):
        layers[0](larger)
    fresh = ConvNorm(conv, 12, 9, affine=False).eval()
    fresh.norm.load_state_dict(layers[1].norm.state_dict())
    torch.testing.assert_close(layers[1](larger), fresh(larger))


def test_half_precision_is_transformed_in_single_precision():
    torch.manual_seed(0)
    layer = ConvNorm(nn.Conv2d(3, 4, 3, padding=1), 8, 8, batch_norm=False)
    images = torch.rand(2, 3, 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = layer(images)
    torch.testing.assert_close(mixed.float(), layer(images), atol=0.05, rtol=0.05)
    assert layer.running_scale.dtype == torch.float32


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"kernel_size": 3, "dilation": 2}, "it is dilated by"),
        ({"kernel_size": 2}, "its kernel of 2 x 2 has an even side"),
        ({"kernel_size": 3, "padding_mode": "circular"}, "its padding mode is 'circular' and not zeros"),
        ({"kernel_size": 3, "padding": 3}, "its padding of 3 x 3 is not below its kernel"),
        ({"kernel_size": 1, "padding": 1}, "its padding of 1 x 1 is not below its kernel"),
    ],
)
def test_convolutions_without_such_a_form_are_refused(settings, said):
    with pytest.raises(InputError, match=said):
        ConvNorm(nn.Conv2d(3, 4, **settings), 8, 8)


def test_kernels_that_are_not_square_and_unequal_strides():
    """A ring of zeros more is no other convolution: what is cut away is on a larger grid in a 3 x 3 one with zeros."""
    torch.manual_seed(0)
    conv = nn.Conv2d(2, 3, (1, 3), (1, 2), padding=(0, 1), bias=False).double()
    layer = ConvNorm(conv, 6, 8, affine=False, batch_norm=False)
    images = torch.rand(2, 2, 6, 8, dtype=torch.float64)
    spectra = np.fft.fft2(F.conv2d(images, conv.weight, padding=(0, 2)).detach().numpy())
    power = (np.abs(np.fft.fft2(conv.weight.detach().numpy(), (6, 10))) ** 2).sum(axis=1)
    expected = np.fft.ifft2(spectra / np.sqrt(power)).real[:, :, :, 1:9:2]
    np.testing.assert_allclose(layer(images).detach().numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("in_frequency", [True, False])
def test_gradients_have_gradients_which_second_order_optimizers_take(in_frequency, monkeypatch):
    monkeypatch.setattr(spectral_convolution, "_pays_in_frequency", lambda *_: in_frequency)
    monkeypatch.setattr(spectral_convolution, "_PIECE", 20)
    torch.manual_seed(0)
    images = torch.rand(2, 2, 4, 3, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(3, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    scale = spectrum_scale(weight, 6, 5)

    def convolve(images, weight):
        return spectral_convolution.normalised_convolution(images, weight, None, scale, (2, 1), (1, 0), 1)

    assert torch.autograd.gradgradcheck(convolve, (images, weight))


def test_where_maps_are_large_or_images_few_a_convolution_is_filtered():
    """As measured: of ResNet-18's layers with 32 images each is faster in frequency, with one the last is not."""
    for channels, side in ((64, 34), (128, 18), (256, 10), (512, 6)):
        assert spectral_convolution._pays_in_frequency(32, channels, channels, 3, 3, (side, side))
    assert not spectral_convolution._pays_in_frequency(1, 512, 512, 3, 3, (6, 6))
    assert not spectral_convolution._pays_in_frequency(32, 64, 64, 3, 3, (226, 226))


@pytest.mark.filterwarnings("ignore")  # of torch
def test_a_layer_can_be_compiled():
    layer = ConvNorm(nn.Conv2d(3, 4, 3, padding=1), 8, 8)
    images = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    expected = copy.deepcopy(layer)(images)
    torch.testing.assert_close(torch.compile(layer, backend="eager")(images), expected)
