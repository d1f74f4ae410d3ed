"""The generator and the discriminator of SN-GAN."""

import numpy as np
import pytest
import torch
from torch import nn

from filterfreq.gans.networks import (
    Discriminator,
    Generator,
    exact_spectral_norms,
    normalise_discriminator,
    reshaped_spectral_norms,
)


@pytest.mark.parametrize("size", [32, 64])
def test_the_networks_are_those_of_table_3(size):
    """Layers and channels of Miyato et al. (2018), Table 3, at the paper's width of 64."""
    generator, discriminator = Generator(128, 64, size), Discriminator(64, size, 4)
    transposed = [module for module in generator.modules() if isinstance(module, nn.ConvTranspose2d)]
    assert [(m.in_channels, m.out_channels, *m.kernel_size, *m.stride) for m in transposed] == [
        (512, 256, 4, 4, 2, 2),
        (256, 128, 4, 4, 2, 2),
        (128, 64, 4, 4, 2, 2),
    ]
    convolutions = [module for module in discriminator.modules() if isinstance(module, nn.Conv2d)]
    assert [(m.out_channels, m.kernel_size[0], m.stride[0]) for m in convolutions] == [
        (64, 3, 1),
        (64, 4, 2),
        (128, 3, 1),
        (128, 4, 2),
        (256, 3, 1),
        (256, 4, 2),
        (512, 3, 1),
    ]
    images = generator(torch.randn(2, 128))
    assert images.shape == (2, 3, size, size)
    assert images.abs().max() <= 1
    assert discriminator(images).shape == (2,)


def test_kernels_of_3_halve_the_size_too():
    assert Discriminator(2, 32, 3)(torch.zeros(1, 3, 32, 32)).shape == (1,)


def test_spectral_norms_are_of_the_weights_that_are_applied():
    """Against numpy's singular values; the spectral norm's power iteration comes close to 1 in a few passes."""
    torch.manual_seed(0)
    plain, images = Discriminator(4, 32, 3), torch.randn(2, 3, 32, 32)
    norms = reshaped_spectral_norms(plain)
    first = plain.layers[0].weight.detach().numpy().reshape(4, -1)
    assert next(iter(norms)) == "1-conv"
    assert list(norms)[-1] == "8-linear"
    assert norms["1-conv"] == pytest.approx(np.linalg.svd(first, compute_uv=False)[0], rel=1e-5)
    normalised = normalise_discriminator(plain, "spectral", 32)
    for _ in range(100):
        normalised(images)
    # The estimate nears the largest singular value from below.
    assert list(reshaped_spectral_norms(normalised).values()) == pytest.approx([1] * 8, rel=0.02)


def norm_by_fft(weight: np.ndarray, size: int) -> float:
    """The largest singular value over the frequencies of a circular convolution on size + 2 pixels (kernels of 3)."""
    spectrum = np.fft.fft2(weight, (size + 2, size + 2)).transpose(2, 3, 0, 1)
    return np.linalg.svd(spectrum, compute_uv=False).max()


def test_exact_spectral_norms_are_those_of_the_operators():
    torch.manual_seed(0)
    plain, images = Discriminator(4, 32, 3), torch.randn(2, 3, 32, 32)
    norms = exact_spectral_norms(plain, 32)
    assert list(norms) == list(reshaped_spectral_norms(plain))
    # Each even layer halves the size that the next one has.
    for number, size in ((1, 32), (2, 32), (3, 16), (7, 4)):
        weight = plain.layers[2 * (number - 1)].weight.detach().double().numpy()
        assert norms[f"{number}-conv"] == pytest.approx(norm_by_fft(weight, size), rel=1e-9)
    assert norms["8-linear"] == pytest.approx(plain.linear.weight.norm().item(), rel=1e-6)
    normalised = normalise_discriminator(plain, "spectral", 32)
    for _ in range(100):
        normalised(images)
    # The reshaped matrix has norm 1, the operator a larger one, of at most the number of taps in a row.
    assert all(1 < norm <= 3 for name, norm in exact_spectral_norms(normalised, 32).items() if name != "8-linear")


def test_exact_spectral_norms_of_a_normalised_layer_are_of_all_that_it_does():
    """Three times the scale of its batch normalisation is three times its norm, and no other layer's."""
    torch.manual_seed(0)
    discriminator = normalise_discriminator(Discriminator(4, 32, 3), "convnorm", 32)
    discriminator(torch.randn(8, 3, 32, 32))
    before = exact_spectral_norms(discriminator, 32)
    layer = discriminator.layers[0]
    with torch.no_grad():
        layer.norm.weight.mul_(3)
    after = exact_spectral_norms(discriminator, 32)
    assert after["1-conv"] == pytest.approx(3 * before["1-conv"], rel=1e-9)
    assert {name: norm for name, norm in after.items() if name != "1-conv"} == {
        name: norm for name, norm in before.items() if name != "1-conv"
    }


@pytest.mark.parametrize("method", ["spectral", "convnorm"])
def test_looking_at_spectral_norms_changes_nothing(method):
    discriminator = normalise_discriminator(Discriminator(2, 32, 3), method, 32)
    discriminator(torch.randn(2, 3, 32, 32))
    before = {name: tensor.clone() for name, tensor in discriminator.state_dict().items()}
    reshaped_spectral_norms(discriminator)
    exact_spectral_norms(discriminator, 32)
    assert discriminator.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in discriminator.state_dict().items())


def test_there_is_no_other_normalisation():
    with pytest.raises(ValueError, match="there is no normalisation 'other' of a discriminator"):
        normalise_discriminator(Discriminator(1, 32, 3), "other", 32)
