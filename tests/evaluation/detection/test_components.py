"""Components of images of any proportions, against numpy's transform and what the released code gives for squares."""

from pathlib import Path

import numpy as np
import pytest
import torch

from filterfreq.evaluation.detection.components import component, to_image
from filterfreq.evaluation.detection.registry import Pass, passes
from filterfreq.frequencies.masks import filter_frequencies, frequency_mask
from filterfreq.runtime.errors import InputError

GOLDEN = Path(__file__).parents[4] / "shared" / "golden" / "high_frequency_components.npz"
MADE = {"mask": "strict", "rescale": "none", "clip": False}


def image(height: int, width: int) -> torch.Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(height))


def low_by_numpy(pixels: np.ndarray, radius: float) -> np.ndarray:
    """The low component with a centre of its own on each axis, by the formula of the released code."""
    height, width = pixels.shape[-2:]
    rows, columns = np.mgrid[:height, :width]
    inside = np.hypot(rows - height // 2, columns - width // 2) < radius
    spectrum = np.fft.fftshift(np.fft.fft2(pixels), axes=(-2, -1)) * inside
    return np.fft.ifft2(np.fft.ifftshift(spectrum, axes=(-2, -1))).real


@pytest.mark.parametrize("size", [(16, 16), (12, 30), (31, 8)])
def test_rows_and_columns_have_each_their_own_centre(size):
    whole = image(*size)
    low = component(whole, Pass("low", 4), **MADE)
    high = component(whole, Pass("high", 4), **MADE)
    np.testing.assert_allclose(low.numpy(), low_by_numpy(whole.double().numpy(), 4), atol=2e-6)
    torch.testing.assert_close(low + high, whole)


def test_of_squares_components_are_those_of_the_masks():
    whole = image(24, 24)
    for kind in ("low", "high"):
        for mask in ("strict", "non_strict"):
            expected = filter_frequencies(whole[None], frequency_mask(24, 24, kind, 5, mask=mask))[0]
            assert torch.equal(component(whole, Pass(kind, 5), **{**MADE, "mask": mask}), expected)
    # (3, 4) lies on the circle.
    strict, other = (component(whole, Pass("low", 5), **{**MADE, "mask": mask}) for mask in ("strict", "non_strict"))
    assert not torch.allclose(strict, other)


@pytest.mark.skipif(not GOLDEN.exists(), reason="golden values are not beside this checkout")
def test_of_squares_components_are_those_of_the_released_code():
    with np.load(GOLDEN) as golden:
        for number, whole in enumerate(torch.from_numpy(golden["colour"]).permute(0, 3, 1, 2) / 255):
            for kind in ("low", "high"):
                for radius in (4, 8, 12, 16):
                    expected = golden[f"colour_{kind}_{radius}"][number].transpose(2, 0, 1)
                    for rescale, scale in (("none", 255), ("released", golden[f"colour_max_{kind}_{radius}"][number])):
                        found = component(whole, Pass(kind, radius), **{**MADE, "rescale": rescale})
                        np.testing.assert_allclose(found.numpy(), expected / scale, rtol=0, atol=1e-9)


def test_rescaling_and_clipping():
    whole = image(10, 14)
    low = component(whole, Pass("low", 3), **MADE)
    rescaled = component(whole, Pass("low", 3), **{**MADE, "rescale": "released"})
    torch.testing.assert_close(rescaled, low / low.max())
    high = component(whole, Pass("high", 3), **MADE)
    assert high.min() < 0
    assert torch.equal(component(whole, Pass("high", 3), **{**MADE, "clip": True}), high.clamp(0, 1))
    black = torch.zeros(3, 4, 4)
    assert torch.equal(component(black, Pass("low", 1), **{**MADE, "rescale": "released"}), black)


def test_the_original_is_left_alone_whatever_is_done_to_components():
    whole = image(6, 9)
    assert component(whole, Pass("original"), "strict", "released", clip=True) is whole
    assert [one.name for one in passes({"low": [128, 0.5], "high": [128]})] == [
        *("original", "low-128", "low-0.5", "high-128"),
    ]


def test_unknown_masks_are_refused():
    with pytest.raises(InputError, match="unknown mask 'soft'"):
        component(image(4, 4), Pass("low", 2), **{**MADE, "mask": "soft"})


def test_images_are_fractions_of_white():
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    found = to_image(pixels, "cpu")
    assert found.shape == (3, 2, 4)
    np.testing.assert_allclose(found.permute(1, 2, 0).numpy(), pixels / 255, rtol=1e-6)
