import numpy as np
import pytest
import torch
from torch import nn

from filterfreq.evaluation.suites.frequency_filtered import evaluate_frequency_filtered
from filterfreq.runtime.errors import InputError


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
    position = np.arange(16)
    cosine = np.cos(2 * np.pi * (3 * position + 4 * position[:, None]) / 16)
    wave = (255 * (0.5 + 0.4 * cosine)).round().astype(np.uint8)
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
