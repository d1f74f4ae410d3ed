from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from filterfreq.evaluation.suites.frequency_filtered import evaluate_frequency_filtered, run
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


def test_what_the_settings_say_of_mask_rescaling_and_split_is_in_the_rows():
    rows = evaluate_frequency_filtered(
        *(Peak(0.7), wave_images(4), np.array([1, 1, 1, 0]), {"low": [5], "high": [5]}, 3, "cpu"),
        mask="non_strict",
        rescale="none",
        split="train",
        svd=[1],
        only_high=True,
    )
    said = "rescale=none;split=train"
    assert [(row["metric"], row["parameter"]) for row in rows] == [
        ("accuracy", f"pass=low;radius=5;mask=non_strict;{said}"),
        ("accuracy", f"pass=high;radius=5;mask=non_strict;{said}"),
        ("svd_accuracy", f"part=leading;rank=1;{said}"),
        ("svd_accuracy", f"part=trailing;rank=1;{said}"),
        ("only_high", f"radius=5;mask=non_strict;{said}"),
    ]
    # Five cycles are in the disc with its circle, so that the wave is in the low component.
    assert [row["value"] for row in rows[:2]] == [0.75, 0.25]


def test_rescaled_components_have_a_maximum_of_1_and_are_neither_clipped_nor_given_the_mean():
    model = Peak(0.7)
    evaluate_frequency_filtered(
        model, wave_images(2), np.array([1, 1]), {"low": [5], "high": [5]}, 2, "cpu", rescale="released", svd=[2]
    )
    assert len(model.seen) == 4
    for seen in model.seen:
        torch.testing.assert_close(seen.amax(dim=(1, 2, 3)), torch.ones(2))
    high = model.seen[1]
    torch.testing.assert_close(high.mean(dim=(2, 3)), torch.zeros(2, 3), rtol=0, atol=1e-6)
    # Of a cosine the minimum is the negative maximum.
    torch.testing.assert_close(high.amin(dim=(1, 2, 3)), -torch.ones(2), rtol=0, atol=0.02)


def test_only_images_right_from_the_high_component_and_wrong_from_the_low_one_are_counted():
    """The wave is class 1 as it is and of the high component with its mean; of the mean alone it is class 0."""
    labels = np.array([1, 1, 0, 1, 0])
    radii = {"low": [5, 5.5, 6], "high": [5.5, 5]}
    rows = evaluate_frequency_filtered(Peak(0.7), wave_images(5), labels, radii, 2, "cpu", only_high=True)
    shares = [row for row in rows if row["metric"] == "only_high"]
    assert [(row["parameter"], row["value"], row["n"]) for row in shares] == [
        ("radius=5", 0.6, 5),
        ("radius=5.5", 0, 5),
    ]
    assert shares[0]["ci_low"] < 0.6 < shares[0]["ci_high"]
    without = evaluate_frequency_filtered(Peak(0.7), wave_images(5), labels, radii, 2, "cpu")
    assert without == [row for row in rows if row["metric"] == "accuracy"]


def test_a_wave_has_two_singular_values_beside_its_mean():
    """cos(a + b) = cos a cos b - sin a sin b has rank 2, with the mean 3."""
    model = Peak(0.7)
    evaluate_frequency_filtered(model, wave_images(1), np.array([1]), {"low": [5]}, 1, "cpu", svd=[3, 1])
    _, leading, trailing, first, rest = model.seen
    whole = torch.from_numpy(wave_images(1)).float().permute(0, 3, 1, 2) / 255
    torch.testing.assert_close(leading, whole, rtol=0, atol=0.01)
    assert trailing.abs().max() < 0.01
    torch.testing.assert_close(first, whole.mean().expand_as(whole), rtol=0, atol=0.01)
    torch.testing.assert_close(rest, (whole - whole.mean()).clamp(0, 1), rtol=0, atol=0.01)


@pytest.mark.parametrize("rank", [0, 16])
def test_a_rank_that_leaves_nothing_of_a_part_is_refused(rank):
    with pytest.raises(InputError, match=rf"the rank {rank} leaves nothing of one part of images of 16 x 16 pixels"):
        evaluate_frequency_filtered(Peak(0.7), wave_images(1), np.array([1]), {"low": [5]}, 1, "cpu", svd=[rank])


def test_each_split_is_measured_with_its_own_images_and_labels():
    labels = {"test": np.array([1, 1]), "train": np.array([1, 0, 0, 0])}
    settings = {"radii": {"high": [5]}, "split": ["test", "train"]}
    job = SimpleNamespace(
        classifier=Peak(0.7),
        settings={**settings, "images": 4},
        settings_beside_images=settings,
        images_of=lambda split: wave_images(len(labels[split])),
        labels_of=labels.get,
        batch_size=3,
        device="cpu",
    )
    assert [(row["parameter"], row["value"], row["n"]) for row in run(job)] == [
        ("pass=high;radius=5;split=test", 1, 2),
        ("pass=high;radius=5;split=train", 0.25, 4),
    ]
