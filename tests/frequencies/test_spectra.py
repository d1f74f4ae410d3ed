import math

import numpy as np
import pytest
import torch

from filterfreq.frequencies.fourier import fourier_basis_vector
from filterfreq.frequencies.pairs import distinct_frequencies, mirror
from filterfreq.frequencies.spectra import high_frequency_shares, spectrum_magnitudes
from filterfreq.runtime.errors import InputError

SIZES = [(32, 32), (31, 31), (8, 6), (7, 5)]


def images_of(count: int, size: tuple[int, int]) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).random((count, 3, *size)))


@pytest.mark.parametrize("size", SIZES)
def test_magnitudes_are_those_of_numpys_shifted_transform(size):
    images = images_of(4, size)
    shifted = np.abs(np.fft.fftshift(np.fft.fft2(images.numpy()), axes=(2, 3))).mean(axis=1)
    expected = [shifted[:, u + size[0] // 2, v + size[1] // 2] for u, v in distinct_frequencies(*size)]
    np.testing.assert_allclose(spectrum_magnitudes(images), np.stack(expected, axis=1), rtol=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_energy_is_preserved(size):
    """Parseval: sum |F(X)|^2 = H W sum X^2, where both of each pair count."""
    images = images_of(4, size)[:, :1]
    pairs = torch.tensor([1 if mirror(*size, *one) == one else 2 for one in distinct_frequencies(*size)])
    energy = (pairs * spectrum_magnitudes(images) ** 2).sum(dim=1)
    torch.testing.assert_close(energy, math.prod(size) * images.square().sum(dim=(1, 2, 3)), rtol=1e-12, atol=0)


def test_a_basis_vector_has_its_own_frequency_alone():
    size = (32, 32)
    for number, one in enumerate(distinct_frequencies(*size)):
        found = spectrum_magnitudes(fourier_basis_vector(*size, *one)[None, None])[0]
        # Its energy is 1, so that the coefficients' are H W, shared by a pair.
        expected = torch.zeros(514, dtype=torch.float64)
        expected[number] = 32 if mirror(*size, *one) == one else 32 / math.sqrt(2)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)


def test_white_noise_has_the_expected_size_at_each_frequency():
    """E|F| of complex coefficients is Rayleigh's mean, of the real ones, their own mirrors, the half-normal one."""
    sigma, size = 0.3, (8, 6)
    noise = sigma * torch.from_numpy(np.random.default_rng(0).standard_normal((20000, 3, *size)))
    found = spectrum_magnitudes(noise).mean(dim=0)
    own = torch.tensor([mirror(*size, *one) == one for one in distinct_frequencies(*size)])
    scale = sigma * math.sqrt(math.prod(size))
    assert own.sum() == 4
    np.testing.assert_allclose(found[~own], scale * math.sqrt(math.pi) / 2, rtol=0.015)
    np.testing.assert_allclose(found[own], scale * math.sqrt(2 / math.pi), rtol=0.015)


def test_the_share_of_high_frequencies_of_white_noise_is_that_of_the_kept_frequencies():
    noise = torch.from_numpy(np.random.default_rng(0).standard_normal((2000, 3, 32, 32)))
    found = high_frequency_shares(noise, 27)
    assert found.mean() == pytest.approx(729 / 1024, abs=0.001)
    # As masks of the whole spectrum have it, of each image.
    spectrum = np.abs(np.fft.fft2(noise[:50].numpy())) ** 2
    near = np.abs(np.abs(np.fft.fftfreq(32) * 32) - 16) <= 13
    expected = (spectrum * np.outer(near, near)).sum(axis=(2, 3)) / spectrum.sum(axis=(2, 3))
    np.testing.assert_allclose(found[:50], expected, rtol=1e-12)


def test_shares_of_constants_and_of_nothing():
    images = torch.stack([torch.ones(3, 32, 32), torch.zeros(3, 32, 32)])
    found = high_frequency_shares(images, 27)
    assert found[0].tolist() == pytest.approx([0] * 3, abs=1e-6)
    assert found[1].isnan().all()
    with pytest.raises(InputError, match="the bandwidth 26 is not odd"):
        high_frequency_shares(images, 26)
