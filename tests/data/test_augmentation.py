"""The augmentations of training images against torchvision's, which are handed the same draws."""

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import functional, v2

from filterfreq.data.augmentation import DRAWS, augment_image, draws, resized_crop_box
from filterfreq.data.batches import augment, epoch_batches, resized_crops

SIZES = ((40, 30), (31, 47), (32, 32), (64, 64), (90, 25), (25, 90), (500, 375), (12, 16))


def picture(width, height) -> Image.Image:
    """Noise over a ramp, so that both what is fine and what is coarse counts."""
    rng = np.random.default_rng(width)
    ramp = np.linspace(0, 255, width)[None, :, None] * np.linspace(0, 1, height)[:, None, None]
    return Image.fromarray((ramp / 2 + rng.integers(0, 128, (height, width, 3))).astype(np.uint8))


@pytest.fixture
def handed(monkeypatch):
    """A function that makes torch draw the given numbers of [0, 1) in turn."""

    def hand(numbers) -> None:
        left = iter(numbers)
        monkeypatch.setattr(
            torch.Tensor, "uniform_", lambda self, low, high: self.fill_(low + (high - low) * float(next(left)))
        )
        monkeypatch.setattr(
            torch, "randint", lambda low, high, size, **_: torch.full(size, low + int(next(left) * (high - low)))
        )

    return hand


def drawn_attempts(drawn) -> list[float]:
    """Area and ratio of each attempt in turn; where the box lies is drawn after the last of them, whichever that is."""
    return np.stack([drawn[:10], drawn[10:20]], axis=1).ravel().tolist()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_boxes_are_torchvisions(handed, monkeypatch, width, height):
    transform = v2.RandomResizedCrop(32)
    image = picture(width, height)
    fallbacks = 0
    for number in range(40):
        drawn = draws(0, 1, number)
        place = iter(drawn[20:22])
        handed(drawn_attempts(drawn))
        monkeypatch.setattr(
            torch, "randint", lambda low, high, size, place=place: torch.tensor([low + int(next(place) * (high - low))])
        )
        expected = transform.make_params([image])
        box = resized_crop_box(drawn, height, width)
        assert box == tuple(expected[key] for key in ("top", "left", "height", "width"))
        fallbacks += next(place, None) is not None
    # Of very long images no box fits, so that the largest in the centre is taken.
    assert (fallbacks > 0) == (max(width, height) > 3 * min(width, height))


@pytest.mark.parametrize("size", [16, 32, 56])
@pytest.mark.parametrize("kind", ["resized_crop", "resized_crop_flip", "resized_crop_flips"])
def test_resized_crops_are_torchvisions(kind, size):
    for number, (width, height) in enumerate(SIZES):
        image, drawn = picture(width, height), draws(3, 2, number)
        box = resized_crop_box(drawn, height, width)
        expected = functional.resized_crop(image, *box, [size, size], antialias=True)
        if kind != "resized_crop" and drawn[22] < 0.5:
            expected = functional.hflip(expected)
        if kind == "resized_crop_flips" and drawn[23] < 0.5:
            expected = functional.vflip(expected)
        np.testing.assert_array_equal(augment_image(image, kind, drawn, size), expected)


@pytest.mark.parametrize("resize", [None, 30])
def test_random_crops_are_torchvisions(handed, resize):
    for number, (width, height) in enumerate(SIZES):
        image, drawn = picture(width, height), draws(3, 2, number)
        expected = image if resize is None else functional.resize(image, resize)
        if min(expected.size) < 24:
            expected = functional.resize(expected, 24)
        handed(drawn[20:22])
        params = v2.RandomCrop(24).make_params([expected])
        expected = functional.crop(expected, params["top"], params["left"], 24, 24)
        np.testing.assert_array_equal(augment_image(image, "crop", drawn, 24, resize), expected)


def test_without_a_crop_images_are_as_for_testing():
    image, drawn = picture(50, 40), np.zeros(DRAWS)
    expected = functional.center_crop(functional.resize(image, 30), 24)
    np.testing.assert_array_equal(augment_image(image, "none", drawn, 24, 30), expected)
    np.testing.assert_array_equal(augment_image(image, "flip", drawn, 24, 30), functional.hflip(expected))


@pytest.mark.parametrize(("stored", "size"), [(64, 56), (48, 32), (64, 32), (32, 32), (24, 32)])
@pytest.mark.parametrize("kind", ["resized_crop", "resized_crop_flips"])
def test_of_arrays_the_same_is_made_at_once(kind, stored, size):
    images = [picture(stored, stored).rotate(90 * turns) for turns in range(4)] * 8
    drawn = np.stack([draws(0, 1, number) for number in range(len(images))])
    made = resized_crops(torch.from_numpy(np.stack(images)), kind, drawn, size)
    expected = np.stack([augment_image(*pair, size) for pair in zip(images, [kind] * len(images), drawn, strict=True)])
    difference = np.abs(made.numpy().astype(int) - expected).max(axis=(1, 2, 3))
    assert difference.max() <= 1
    boxes = np.array([resized_crop_box(of_image, stored, stored) for of_image in drawn])
    tall = boxes[:, 2] > boxes[:, 3]
    assert tall.any()
    assert not difference[~tall].any()


def test_larger_arrays_are_cut_to_the_size():
    images = torch.arange(10 * 8 * 8 * 3).view(10, 8, 8, 3).to(torch.uint8)
    generator = torch.Generator().manual_seed(0)
    assert torch.equal(augment(images, "none", generator, size=6), images[:, 1:7, 1:7])
    crops = augment(images.clamp(1), "crop", generator, padding=0, size=6)
    windows = images.clamp(1).unfold(1, 6, 1).unfold(2, 6, 1).permute(0, 1, 2, 4, 5, 3).flatten(1, 2)
    assert all((of_image == crop).flatten(1).all(1).any() for of_image, crop in zip(windows, crops, strict=True))


def test_draws_depend_on_seed_epoch_and_image_alone():
    assert draws(1, 2, 3).shape == (DRAWS,)
    np.testing.assert_array_equal(draws(1, 2, 3), draws(1, 2, 3))
    others = [draws(*key) for key in ((1, 2, 3), (0, 2, 3), (1, 1, 3), (1, 2, 4), (3, 2, 1))]
    assert len({tuple(other) for other in others}) == len(others)
    # What a draw becomes is checked above; that all are uniform, and each for itself, is numpy's.
    many = np.stack([draws(0, 1, image) for image in range(2_000)])
    np.testing.assert_allclose(many.mean(axis=0), 0.5, atol=5 * np.sqrt(1 / 12 / 2_000))


def test_an_images_draws_do_not_depend_on_the_batch():
    images = torch.stack([torch.from_numpy(np.array(picture(40, 40).rotate(90 * turns))) for turns in range(4)] * 3)
    labels = torch.arange(12)
    found = []
    for batch_size in (12, 5):
        batches = list(epoch_batches(images, labels, batch_size, "resized_crop_flip", seed=2, epoch=1, size=32))
        shown, order = (torch.cat(part) for part in zip(*batches, strict=True))
        assert shown.shape == (12, 3, 32, 32)
        found.append(shown[order.argsort()])
    assert torch.equal(*found)
