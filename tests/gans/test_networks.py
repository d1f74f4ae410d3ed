"""The generator and the discriminator of SN-GAN."""

import numpy as np
import pytest
import torch
from torch import nn

from filterfreq.gans.networks import Discriminator, Generator, normalise_discriminator, reshaped_spectral_norms


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


def test_looking_at_spectral_norms_changes_nothing():
    discriminator = normalise_discriminator(Discriminator(2, 32, 3), "spectral", 32)
    before = {name: tensor.clone() for name, tensor in discriminator.state_dict().items()}
    reshaped_spectral_norms(discriminator)
    assert discriminator.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in discriminator.state_dict().items())


def test_there_is_no_other_normalisation():
    with pytest.raises(ValueError, match="there is no normalisation 'other' of a discriminator"):
        normalise_discriminator(Discriminator(1, 32, 3), "other", 32)
