import json
from pathlib import Path

import numpy as np
import pytest
import torch

from filterfreq.frequencies.bands import (
    BANDS,
    band_frequencies,
    disc_has_all,
    highest_radius,
    smallest_bandwidth,
    whole_bandwidth,
)
from filterfreq.frequencies.masks import filter_frequencies, frequency_mask
from filterfreq.runtime.errors import InputError

GOLDEN = Path(__file__).parents[3] / "shared" / "golden" / "high_frequency_components"


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand((2, 3, 12, 15), generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def cosine(horizontal: int, vertical: int, size: int = 16) -> torch.Tensor:
    position = torch.arange(size, dtype=torch.float64)
    phase = 2 * torch.pi * (horizontal * position[None] + vertical * position[:, None]) / size
    return torch.cos(phase)[None, None]


@pytest.mark.parametrize("size", [(12, 15), (15, 12), (7, 7), (8, 8)])
def test_a_disc_that_holds_the_corners_is_the_identity(size):
    whole = torch.rand((2, 3, *size), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    # The corner of the spectrum, floor(size / 2) in either direction, is the last to pass.
    corner = np.hypot(size[0] // 2, size[1] // 2)
    torch.testing.assert_close(filter_frequencies(whole, frequency_mask(*size, "low", corner + 1e-9)), whole)
    short = filter_frequencies(whole, frequency_mask(*size, "low", corner - 1e-9))
    assert (short - whole).abs().max() > 1e-3
    assert filter_frequencies(whole, frequency_mask(*size, "high", corner + 1e-9)).abs().max() < 1e-12


@pytest.mark.parametrize("radius", [1, 3, 4.5, 6])
def test_the_two_parts_add_up_and_share_the_energy(images, radius):
    low, high = (filter_frequencies(images, frequency_mask(12, 15, kind, radius)) for kind in ("low", "high"))
    torch.testing.assert_close(low + high, images)
    # Parseval: parts without a common frequency are orthogonal, so the energies add up.
    torch.testing.assert_close((low**2).sum() + (high**2).sum(), (images**2).sum())
    assert (low**2).sum() > 0
    assert (high**2).sum() > 0


@pytest.mark.parametrize(("height", "width"), [(16, 16), (15, 15), (13, 10), (10, 13)])
@pytest.mark.parametrize("radius", [1, 2, 4.5, 5])
def test_the_circle_is_in_one_mask_and_not_in_the_other(height, width, radius):
    """By the specification's own words: the distances of the shifted spectrum from its n // 2."""
    rows, columns = np.arange(height) - height // 2, np.arange(width) - width // 2
    distance = np.fft.ifftshift(np.sqrt(rows[:, None] ** 2 + columns**2))[:, : width // 2 + 1]
    for mask, expected in (("strict", distance < radius), ("non_strict", distance <= radius)):
        inside = frequency_mask(height, width, "low", radius, mask=mask)
        assert np.array_equal(inside.numpy(), expected)
        assert torch.equal(~inside, frequency_mask(height, width, "high", radius, mask=mask))
    assert ((distance == radius).any()) == (radius != 4.5)
    with pytest.raises(InputError, match="unknown mask 'open'"):
        frequency_mask(height, width, "low", radius, mask="open")


@pytest.mark.parametrize("side", range(2, 12))
@pytest.mark.parametrize("mask", ["strict", "non_strict"])
def test_a_disc_beyond_the_corner_has_all_frequencies(side, mask):
    corner = highest_radius(side)
    for radius in (corner - 0.01, corner + 0.01, corner / 2):
        assert disc_has_all(side, radius, mask) == bool(frequency_mask(side, side, "low", radius, mask=mask).all())


def test_the_smallest_disc_holds_the_mean_alone(images):
    low = filter_frequencies(images, frequency_mask(12, 15, "low", 1))
    torch.testing.assert_close(low, images.mean(dim=(2, 3), keepdim=True).expand_as(images))


def test_the_high_pass_keeps_the_mean_if_asked(images):
    kept, removed = (
        filter_frequencies(images, frequency_mask(12, 15, "high", 4, keep_mean)) for keep_mean in (True, False)
    )
    mean = images.mean(dim=(2, 3), keepdim=True)
    torch.testing.assert_close(kept - mean, removed)
    assert removed.mean(dim=(2, 3)).abs().max() < 1e-12


@pytest.mark.parametrize(("horizontal", "vertical"), [(3, 4), (0, 5), (5, 0), (-3, 4), (4, -3)])
def test_a_cosine_passes_or_not(horizontal, vertical):
    """Five cycles per image in any direction; the circle itself belongs to the high-pass."""
    wave = cosine(horizontal, vertical)
    for kind, radius, passes in (("low", 5, 0), ("low", 5.01, 1), ("high", 5, 1), ("high", 5.01, 0)):
        filtered = filter_frequencies(wave, frequency_mask(16, 16, kind, radius))
        torch.testing.assert_close(filtered, passes * wave, msg=f"{kind} {radius}")


def test_the_highest_frequency_of_an_even_size():
    wave = cosine(8, 0)
    torch.testing.assert_close(filter_frequencies(wave, frequency_mask(16, 16, "high", 8)), wave)
    assert filter_frequencies(wave, frequency_mask(16, 16, "low", 8)).abs().max() < 1e-12


@pytest.mark.skipif(not GOLDEN.with_suffix(".npz").is_file(), reason=f"the golden values are not in {GOLDEN}")
@pytest.mark.parametrize("radius", [4, 8, 12, 16])
def test_it_is_the_released_filter(radius):
    golden = np.load(GOLDEN.with_suffix(".npz"))
    colour = torch.from_numpy(golden["colour"]).permute(0, 3, 1, 2)
    for kind in ("low", "high"):
        expected = torch.from_numpy(golden[f"colour_{kind}_{radius}"]).permute(0, 3, 1, 2)
        filtered = filter_frequencies(colour, frequency_mask(32, 32, kind, radius))
        torch.testing.assert_close(filtered, expected, rtol=0, atol=1e-10)
    gray = filter_frequencies(torch.from_numpy(golden["gray"])[:, None], frequency_mask(28, 28, "low", radius))
    torch.testing.assert_close(gray[:, 0], torch.from_numpy(golden[f"gray_low_{radius}"]), rtol=0, atol=1e-10)


@pytest.mark.skipif(not GOLDEN.with_suffix(".json").is_file(), reason=f"the golden values are not in {GOLDEN}")
@pytest.mark.parametrize(
    ("mask", "key"), [("strict", "mask_ones"), ("non_strict", "mask_ones_if_distance_equal_to_r_were_kept")]
)
def test_it_keeps_as_many_frequencies_as_the_released_mask(mask, key):
    for size, counts in json.loads(GOLDEN.with_suffix(".json").read_text())[key].items():
        for radius, count in counts.items():
            inside = frequency_mask(int(size), int(size), "low", int(radius), mask=mask)
            # The half that rfft2 leaves out mirrors all columns but the first and the last.
            assert 2 * inside.sum() - inside[:, 0].sum() - inside[:, -1].sum() == count


@pytest.mark.parametrize("side", range(2, 10))
def test_the_whole_bandwidth_is_the_smallest_that_has_all_frequencies(side):
    for kind, whole, two_less in (("low", True, False), ("corner", True, False), ("complement", False, True)):
        bandwidth = whole_bandwidth(kind, side)
        if whole:
            assert band_frequencies(side, side, kind, bandwidth).all()
        else:
            with pytest.raises(InputError, match=f"the bandwidth {bandwidth} of complement leaves no .*: give a s"):
                band_frequencies(side, side, kind, bandwidth)
        if bandwidth > 1:
            band = band_frequencies(side, side, kind, bandwidth - 2)
            assert band.any() if two_less else not band.all()


@pytest.mark.parametrize("size", [(32, 32), (33, 33), (32, 33), (9, 8)])
def test_a_band_without_frequencies_is_refused(size):
    """The corner of an odd side begins half a cycle below the middle of its square."""
    if size[0] % 2 or size[1] % 2:
        with pytest.raises(InputError, match=r"the bandwidth 1 of corner leaves no .*: give a larger one$"):
            band_frequencies(*size, "corner", 1)
    else:
        assert band_frequencies(*size, "corner", 1).sum() == 1
    for kind in BANDS:
        bandwidth = max(smallest_bandwidth(kind, side) for side in size)
        assert band_frequencies(*size, kind, bandwidth).any()
