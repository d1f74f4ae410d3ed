from pathlib import Path

import numpy as np
import pytest
import torch

from filterfreq.frequencies.components import rescale_to_maximum, singular_parts
from filterfreq.frequencies.masks import filter_frequencies, frequency_mask

GOLDEN = Path(__file__).parents[3] / "shared" / "golden" / "high_frequency_components.npz"


@pytest.mark.skipif(not GOLDEN.is_file(), reason=f"the golden values are not in {GOLDEN}")
@pytest.mark.parametrize("radius", [4, 8, 12, 16])
def test_it_divides_by_the_released_maxima(radius):
    golden = np.load(GOLDEN)
    colour = torch.from_numpy(golden["colour"]).permute(0, 3, 1, 2)
    for kind in ("low", "high"):
        component = filter_frequencies(colour, frequency_mask(32, 32, kind, radius))
        largest = golden[f"colour_max_{kind}_{radius}"]
        np.testing.assert_allclose(component.amax(dim=(1, 2, 3)).numpy(), largest, rtol=0, atol=1e-10)
        expected = golden[f"colour_{kind}_{radius}"] / largest[:, None, None, None]
        rescaled = rescale_to_maximum(component).permute(0, 2, 3, 1).numpy()
        np.testing.assert_allclose(rescaled, expected, rtol=0, atol=1e-10)


def test_the_scale_of_an_image_means_nothing_and_negative_values_stay():
    images = torch.rand((3, 3, 5, 7), generator=torch.Generator().manual_seed(0)) - 0.7
    rescaled = rescale_to_maximum(images)
    torch.testing.assert_close(rescaled, rescale_to_maximum(0.01 * images))
    assert (rescaled < -1).any()
    assert torch.equal(rescaled < 0, images < 0)


def test_black_and_rounding_noise_stay_as_they_are():
    """The high component of an image of one grey is rounding noise, that a division would blow up to a scale of 1."""
    grey = torch.full((1, 3, 9, 6), 0.3)
    high = filter_frequencies(grey, frequency_mask(9, 6, "high", 2))
    noise = 1e-7 * torch.rand((1, 3, 9, 6), generator=torch.Generator().manual_seed(0))
    for nothing in (high, noise, -noise):
        assert rescale_to_maximum(nothing).abs().max() < 1e-6
    assert torch.equal(rescale_to_maximum(torch.zeros(1, 3, 4, 4)), torch.zeros(1, 3, 4, 4))


@pytest.mark.parametrize("size", [(6, 6), (5, 8), (8, 5)])
def test_singular_parts_are_the_nearest_matrices_of_their_rank(size):
    images = torch.rand((2, 3, *size), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ranks = list(range(1, min(size)))
    for rank, (leading, trailing) in zip(ranks, singular_parts(images, ranks), strict=True):
        torch.testing.assert_close(leading + trailing, images)
        for matrix, part in zip(images.flatten(0, 1).numpy(), leading.flatten(0, 1).numpy(), strict=True):
            assert np.linalg.matrix_rank(part) == rank
            # Eckart and Young: the error is that of the singular values that are left out.
            left_out = np.linalg.svd(matrix, compute_uv=False)[rank:]
            assert np.linalg.norm(matrix - part) == pytest.approx(np.linalg.norm(left_out))
    assert list(singular_parts(images, [])) == []
