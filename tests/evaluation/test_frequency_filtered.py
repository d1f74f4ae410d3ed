import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from filterfreq.evaluation.suites.frequency_filtered import evaluate_frequency_filtered
from filterfreq.frequencies.masks import filter_frequencies, frequency_mask
from filterfreq.runtime.errors import InputError

GOLDEN = Path(__file__).parents[3] / "shared" / "golden" / "high_frequency_components"


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand((2, 3, 12, 15), generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def cosine(horizontal: int, vertical: int, size: int = 16) -> torch.Tensor:
    place = torch.arange(size, dtype=torch.float64)
    phase = 2 * torch.pi * (horizontal * place[None] + vertical * place[:, None]) / size
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
def test_it_keeps_as_many_frequencies_as_the_released_mask():
    for size, counts in json.loads(GOLDEN.with_suffix(".json").read_text())["mask_ones"].items():
        for radius, count in counts.items():
            mask = frequency_mask(int(size), int(size), "low", int(radius))
            # The half that rfft2 leaves out mirrors all columns but the first and the last.
            assert 2 * mask.sum() - mask[:, 0].sum() - mask[:, -1].sum() == count


class Peak(nn.Module):
    """Class 0 where the image's largest value is at most `limit`, class 1 where it is larger."""

    def __init__(self, limit: float) -> None:
        super().__init__()
        self.limit = limit
        self.seen: list[torch.Tensor] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.seen.append(images)
        peak = images.amax(dim=(1, 2, 3))
        return torch.stack([self.limit - peak, peak - self.limit], dim=1)


def wave_images(n: int) -> np.ndarray:
    """Grey images with a wave of five cycles: between 0.1 and 0.9."""
    wave = (255 * (0.5 + 0.4 * cosine(3, 4)[0, 0])).round().numpy().astype(np.uint8)
    return np.broadcast_to(wave[None, :, :, None], (n, 16, 16, 3)).copy()


@pytest.mark.parametrize("batch_size", [2, 5, 100])
def test_the_suite_by_hand(batch_size):
    """What is left of the wave is seen as class 1, what is left of the mean alone as class 0."""
    labels = np.array([1, 1, 1, 1, 0])
    radii = {"low": [5, 5.5], "high": [5.5, 5]}
    rows = evaluate_frequency_filtered(Peak(0.7), wave_images(5), labels, radii, batch_size, "cpu")
    assert [(row["parameter"], row["value"], row["n"]) for row in rows] == [
        ("pass=low;radius=5", 0.2, 5),
        ("pass=low;radius=5.5", 0.8, 5),
        ("pass=high;radius=5.5", 0.2, 5),
        ("pass=high;radius=5", 0.8, 5),
    ]
    assert {row["metric"] for row in rows} == {"accuracy"}
    assert all(row["ci_low"] < row["value"] < row["ci_high"] for row in rows)


def test_clipping_and_the_mean():
    def seen(**settings: bool) -> torch.Tensor:
        model = Peak(0.7)
        evaluate_frequency_filtered(model, wave_images(1), np.array([1]), {"high": [5]}, 1, "cpu", **settings)
        return model.seen[0]

    expected = torch.from_numpy(wave_images(1)).float().permute(0, 3, 1, 2) / 255
    # A wave alone has nothing else to filter out but what rounding to whole grey levels added.
    torch.testing.assert_close(seen(), expected, rtol=0, atol=0.01)
    assert seen(keep_mean=False).min() == 0
    released = seen(keep_mean=False, clip=False)
    torch.testing.assert_close(released, expected - expected.mean(), rtol=0, atol=0.01)
    assert released.min() < -0.39


@pytest.mark.parametrize(
    ("radii", "named"), [({"band": [4]}, "band"), ({"low": [4, 0]}, "radius 0"), ({"high": [float("nan")]}, "nan")]
)
def test_bad_input_is_named_before_any_work(radii, named):
    model = Peak(0.7)
    with pytest.raises(InputError, match=named):
        evaluate_frequency_filtered(model, wave_images(1), np.array([1]), radii, 1, "cpu")
    assert not model.seen
