import numpy as np
import pytest
import torch
from torch import nn

from filterfreq.evaluation.registry import SUITES
from filterfreq.evaluation.results import check_rows
from filterfreq.evaluation.suites.band_noise import evaluate_band_noise
from filterfreq.runtime.errors import InputError

BANDWIDTHS = {"low": [1, 5], "corner": [3], "complement": [5]}
IMAGES = np.random.default_rng(0).integers(118, 138, (6, 16, 16, 3)).astype(np.uint8)


class Keeps(nn.Module):
    """Sees class 0 where the images' mean is at most 1/2, and keeps what it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[torch.Tensor] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.shown.append(images)
        mean = images.mean(dim=(1, 2, 3)) - 0.5
        return torch.stack([-mean, mean], dim=1)


def noise_of(batch_size: int, **settings) -> tuple[list[dict], torch.Tensor]:
    """The rows, and the noise: bands x images x channels x height x width."""
    model = Keeps()
    settings = {"norm": 1, "bandwidths": BANDWIDTHS} | settings
    rows = evaluate_band_noise(model, IMAGES, np.zeros(6, np.int64), batch_size, "cpu", **settings)
    check_rows(rows, "it", SUITES["band_noise"].metrics)
    passes = 1 + sum(map(len, settings["bandwidths"].values()))
    shown = [torch.cat(model.shown[number::passes]) for number in range(1, passes)]
    return rows, torch.stack(shown) - torch.from_numpy(IMAGES).permute(0, 3, 1, 2) / 255


def test_noise_has_the_frequencies_of_its_band_and_the_norm():
    rows, noise = noise_of(6, clip=False)
    torch.testing.assert_close(noise.flatten(3).norm(dim=3), torch.ones(4, 6, 3), rtol=0, atol=1e-4)
    energies = torch.fft.fftshift(torch.fft.fft2(noise).abs() ** 2, dim=(3, 4)).mean(dim=(1, 2))
    assert [int((energy > 1e-6 * energy.max()).sum()) for energy in energies] == [1, 25, 9, 256 - 25]
    low, corner, complement = energies[1], energies[2], energies[3]
    assert (low[6:11, 6:11] > 0.1 * low.max()).all()
    # The highest frequency, 8, is at the edge of the shifted spectrum, and its neighbours on both sides.
    assert corner[0, 0] > 0.1 * corner.max()
    assert corner[-1, 1] > 0.1 * corner.max()
    assert complement[6:11, 6:11].max() < 1e-6 * complement.max()
    assert [row["value"] for row in rows if row["metric"] == "norm_of_change"] == pytest.approx([1] * 4, abs=1e-4)
    # Noise of the frequency 0 alone is a constant, 1 / 16 in each channel, and moves the mean; other noise does not.
    accuracies = [
        row["value"] for row in rows if row["metric"] == "accuracy" and "bandwidth=0;" not in row["parameter"]
    ]
    means = torch.from_numpy(IMAGES / 255).mean(dim=(1, 2, 3))
    moved = means + noise[0].mean(dim=(1, 2, 3))
    assert accuracies[0] == pytest.approx((moved <= 0.5).double().mean())
    assert accuracies[2] == pytest.approx((means <= 0.5).double().mean())
    clean = {row["parameter"]: row["value"] for row in rows if "bandwidth=0;" in row["parameter"]}
    assert clean == {f"band={kind};bandwidth=0;l2_norm=1": pytest.approx(accuracies[2]) for kind in BANDWIDTHS}


@pytest.mark.parametrize("batch_size", [1, 4])
def test_noise_is_the_same_whatever_the_batches_and_bands(batch_size):
    _, expected = noise_of(6)
    _, noise = noise_of(batch_size)
    torch.testing.assert_close(noise, expected, rtol=0, atol=1e-6)
    _, alone = noise_of(6, bandwidths={"low": [5]})
    torch.testing.assert_close(alone[0], expected[1], rtol=0, atol=0)


def test_clipped_noise_is_shorter():
    rows, noise = noise_of(6, norm=30)
    left = [row["value"] for row in rows if row["metric"] == "norm_of_change"]
    assert left == pytest.approx(noise.flatten(3).norm(dim=3).mean(dim=(1, 2)).tolist(), rel=1e-4)
    assert max(left) < 16


def test_bad_settings_are_refused():
    with pytest.raises(InputError, match="the bandwidth 4 is not odd and above 0"):
        noise_of(6, bandwidths={"low": [4]})
    with pytest.raises(InputError, match="the norm 0 of a change is not a number above 0"):
        noise_of(6, norm=0)
    with pytest.raises(InputError, match="unknown band 'high'"):
        noise_of(6, bandwidths={"high": [3]})
