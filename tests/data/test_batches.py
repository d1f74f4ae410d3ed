import numpy as np
import pytest
import torch

from filterfreq.data.batches import (
    UNSCALED,
    augment,
    batch_seed,
    epoch_batches,
    to_images,
)
from filterfreq.data.registry import AUGMENTATIONS
from filterfreq.runtime.errors import InputError
from filterfreq.training.interventions.augmentation_policy import apply_policy
from filterfreq.training.interventions.gaussian_noise import add_gaussian_noise

SIZE = 6
PADDING = 2


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def some_images(n, height, width):
    """Stored images without a black pixel, which padding has."""
    return torch.randint(1, 256, (n, height, width, 3), dtype=torch.uint8, generator=generator(1))


def all_views(image, kind, padding):
    """Every outcome of an augmentation of one image (H x W x C), enumerated in numpy, by (row, column, flipped)."""
    height, width = image.shape[:2]
    padded = np.pad(image, ((padding, padding), (padding, padding), (0, 0)))
    # Without a crop the view is the unpadded image, the window at (padding, padding).
    offsets = range(2 * padding + 1) if "crop" in kind else [padding]
    views = {}
    for row in offsets:
        for column in offsets:
            window = padded[row : row + height, column : column + width]
            views[row, column, False] = window
            if "flip" in kind:
                views[row, column, True] = window[:, ::-1]
    return views


def test_to_images_from_array_and_tensor():
    array = np.random.default_rng(0).integers(0, 256, (5, 4, 7, 3), dtype=np.uint8)
    expected = array.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
    array.flags.writeable = False  # as a memory map is
    for stored in (array, torch.tensor(array)):
        images = to_images(stored, "cpu")
        assert images.dtype == torch.float32
        assert images.is_contiguous(memory_format=torch.channels_last)
        np.testing.assert_array_equal(images.numpy(), expected)


def test_to_images_refuses_floats():
    with pytest.raises(TypeError, match=r"uint8, not torch.float32"):
        to_images(torch.zeros(1, 2, 2, 3), "cpu")


def test_to_images_leaves_its_input_alone():
    stored = torch.full((1, 2, 2, 3), 255, dtype=torch.uint8)
    to_images(stored, "cpu")
    assert (stored == 255).all()


@pytest.mark.parametrize("kind", UNSCALED)
def test_every_image_becomes_one_of_its_own_views_and_all_views_are_equally_frequent(kind):
    copies = 6_000
    image = some_images(1, SIZE, SIZE + 1)[0]
    images = image.expand(copies, -1, -1, -1)
    augmented = augment(images, kind, generator(), padding=PADDING)
    assert augmented.shape == images.shape

    views = {view.tobytes(): key for key, view in all_views(image.numpy(), kind, PADDING).items()}
    seen = [views[np.ascontiguousarray(result).tobytes()] for result in augmented.numpy()]
    counts = np.array([seen.count(key) for key in views.values()])
    # Pearson's statistic has mean k - 1 and variance 2 (k - 1); the draw is fixed, so the bound is never met by chance.
    expected = copies / len(views)
    statistic = ((counts - expected) ** 2 / expected).sum()
    freedom = len(views) - 1
    assert statistic <= freedom + 4 * np.sqrt(2 * freedom)


def test_images_of_a_batch_keep_to_themselves():
    images = some_images(50, SIZE, SIZE)
    for image, result in zip(images.numpy(), augment(images, "crop_flip", generator(), PADDING).numpy(), strict=True):
        assert any((view == result).all() for view in all_views(image, "crop_flip", PADDING).values())


def test_padding_is_four_by_default():
    white = torch.full((2_000, 8, 8, 1), 255, dtype=torch.uint8)
    zero_rows = (augment(white, "crop", generator()).sum(2) == 0).sum(1)
    assert set(zero_rows.flatten().tolist()) == {0, 1, 2, 3, 4}


def test_unknown_kind():
    with pytest.raises(InputError, match="unknown augmentation 'rotate': choose one of none, flip, crop, crop_flip"):
        augment(torch.zeros(1, 4, 4, 3), "rotate", generator())


def epoch(seed, number, kind="crop_flip", batch_size=16, n=50):
    images = torch.tensor(np.random.default_rng(0).integers(0, 256, (n, 8, 8, 3), dtype=np.uint8))
    batches = list(epoch_batches(images, torch.arange(n), batch_size, kind, seed, number))
    return torch.cat([images for images, _ in batches]), torch.cat([labels for _, labels in batches]), batches


def test_every_image_once_per_epoch_with_its_label():
    images, labels, batches = epoch(0, 1, kind="none")
    assert [len(labels) for _, labels in batches] == [16, 16, 16, 2]
    assert all(images.is_contiguous(memory_format=torch.channels_last) for images, _ in batches)
    assert sorted(labels.tolist()) == list(range(50))
    assert labels.tolist() != list(range(50))
    stored = np.random.default_rng(0).integers(0, 256, (50, 8, 8, 3), dtype=np.uint8)
    expected = stored[labels.numpy()].transpose(0, 3, 1, 2) / np.float32(255)
    np.testing.assert_array_equal(images.numpy(), expected)


@pytest.mark.parametrize("kind", AUGMENTATIONS)
def test_seed_and_epoch_fix_every_bit(kind):
    torch.manual_seed(1)
    first = epoch(7, 3, kind)
    torch.manual_seed(2)  # the global generator plays no part
    again = epoch(7, 3, kind)
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])


def test_other_seeds_and_epochs_differ():
    orders = {tuple(epoch(seed, number)[1].tolist()) for seed in (0, 1, 2) for number in (0, 1, 2)}
    assert len(orders) == 9


def test_epochs_leave_the_global_generator_alone():
    before = torch.get_rng_state()
    epoch(0, 1)
    assert torch.equal(torch.get_rng_state(), before)


def policy(name):
    """A change of stored images with draws of its own, as the training loop makes one."""
    return lambda images, number, share: apply_policy(images, name, 100 * number, share)


def noise(images, number, share):
    return add_gaussian_noise(images, 0.1, generator(100 * number), share)


OPTIONS = [
    {"change_stored": policy("autoaugment")},
    {"change_stored": policy("augmix"), "views": 3},
    {"change_images": noise},
]


def forms(options, seed=0, number=1, batch_size=16):
    images = torch.tensor(np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3), dtype=np.uint8))
    return list(epoch_batches(images, torch.arange(40), batch_size, "crop_flip", seed, number, **options))


@pytest.mark.parametrize("options", OPTIONS, ids=["policy", "views", "noise"])
def test_policies_and_noise_leave_order_and_crops_alone(options):
    for (images, labels), (plain, expected) in zip(forms(options), forms({}), strict=True):
        assert torch.equal(labels, expected)
        assert images.is_contiguous(memory_format=torch.channels_last)
        assert not torch.equal(images, plain)
        if options.get("views", 1) > 1:
            first, second, third = images.chunk(3)
            assert torch.equal(first, plain)
            assert not torch.equal(second, third)
        if "change_images" in options:
            assert any(torch.equal(a, b) for a, b in zip(images, plain, strict=True))


def test_seeds_of_batches_differ_in_every_part():
    keys = [
        (s, e, b, p) for s in (0, 1) for e in (0, 1) for b in (0, 1) for p in ("policy", "noise", "mixup", "another")
    ]
    assert len({batch_seed(*key) for key in keys}) == len(keys)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_sees_the_batches_of_the_cpu():
    images = torch.tensor(np.random.default_rng(0).integers(0, 256, (50, 8, 8, 3), dtype=np.uint8))
    labels = torch.arange(50)
    for (a, b), (c, d) in zip(
        epoch_batches(images, labels, 16, "crop_flip", 0, 1),
        epoch_batches(images.cuda(), labels.cuda(), 16, "crop_flip", 0, 1),
        strict=True,
    ):
        assert c.is_cuda
        torch.testing.assert_close(c.cpu(), a, rtol=0, atol=1e-7)
        assert torch.equal(b, d.cpu())
