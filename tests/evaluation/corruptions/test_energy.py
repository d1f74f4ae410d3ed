import numpy as np
import pytest
from study_configs import SCHEMA

from filterfreq.evaluation.corruptions import CORRUPTIONS
from filterfreq.evaluation.corruptions import energy as energy_module
from filterfreq.evaluation.corruptions.energy import noise_deviations
from filterfreq.evaluation.corruptions.generation import corrupt_images
from filterfreq.study.schema import config_schema, variant_schema


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)


def mean_power(changes):
    """The mean over images of |F|^2, frequency by frequency, shifted: C x H x W."""
    spectra = np.fft.fftshift(np.fft.fft2(changes, axes=(1, 2)), axes=(1, 2))
    return (np.abs(spectra) ** 2).mean(axis=0).transpose(2, 0, 1)


def expected_power(deviations):
    """Of the noise, in closed form: s^2 HW at a frequency of its own mirror, half of it at both of a pair."""
    _, height, width = deviations.shape
    power = np.zeros(deviations.shape)
    for u in range(height):
        for v in range(width):
            other = -u % height, -v % width
            share = height * width * deviations[:, u, v] ** 2 / (1 if other == (u, v) else 2)
            power[:, u, v] += share
            if other != (u, v):
                power[:, *other] += share
    return np.fft.fftshift(power, axes=(1, 2))


def test_the_noise_has_the_mean_energy_of_the_corruption_at_every_frequency(images):
    deviations, count = noise_deviations(images, 32, "fog", 3)
    seed = int(np.random.SeedSequence((3, 0)).generate_state(1)[0])
    corrupted = corrupt_images(images, "fog", seed)
    changes = (corrupted.astype(float) - np.concatenate([images] * 5)) / 255
    np.testing.assert_allclose(expected_power(deviations), mean_power(changes), rtol=1e-10)
    assert count == 40
    # Of a pair, one alone has a coefficient; the four frequencies of their own mirror have theirs.
    assert (np.count_nonzero(deviations, axis=(1, 2)) == 514).all()


def test_it_does_not_depend_on_processes_or_on_when_it_is_made(images):
    alone, _ = noise_deviations(images, 32, "fog", 0)
    again, _ = noise_deviations(images, 32, "fog", 0, processes=2)
    other, _ = noise_deviations(images, 32, "fog", 1)
    assert np.array_equal(alone, again)
    assert not np.array_equal(alone, other)


def test_of_many_images_some_are_taken_part_by_part_and_the_centre_of_large_ones(images, monkeypatch):
    monkeypatch.setattr(energy_module, "_MOST_IMAGES", 20)
    monkeypatch.setattr(energy_module, "_PIXELS", 7 * 32**2)
    large = np.pad(images, ((0, 0), (4, 4), (4, 4), (0, 0)))
    parts, count = noise_deviations(large, 32, "contrast", 0)
    whole, _ = noise_deviations(images[::2], 32, "contrast", 0)
    assert count == 20
    np.testing.assert_allclose(parts, whole, rtol=1e-12)


def test_variants_may_name_every_corruption():
    known = variant_schema(config_schema(SCHEMA)).schema["properties"]["noise_with_spectrum_of"]["enum"]
    assert known == list(CORRUPTIONS)
