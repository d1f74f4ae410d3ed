import numpy as np
import pytest
import torch
from PIL import Image

from filterfreq.data.batches import epoch_batches, plain_batches
from filterfreq.data.image_files import ImageFiles
from filterfreq.runtime.errors import InputError

COUNT, SIZE = 14, 24


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(COUNT):
        content = rng.integers(0, 256, (30 + number, 45 - number, 3), dtype=np.uint8)
        Image.fromarray(content).save(tmp_path / f"{number}.png")
    return tmp_path


def files(folder, threads=1) -> ImageFiles:
    return ImageFiles(folder, [f"{number}.png" for number in range(COUNT)], SIZE, threads=threads)


def epoch(folder, augmentation, workers=0, threads=1, seed=0, number=1, batch_size=4):
    labels = torch.arange(COUNT)
    batches = epoch_batches(
        files(folder, threads), labels, batch_size, augmentation, seed=seed, epoch=number, workers=workers
    )
    images, labels = (torch.cat(part) for part in zip(*batches, strict=True))
    return images, labels


@pytest.mark.parametrize("augmentation", ["none", "crop_flip", "resized_crop_flips"])
def test_every_bit_is_the_same_whatever_the_number_of_workers(folder, augmentation):
    state = torch.random.get_rng_state()
    images, labels = epoch(folder, augmentation)
    assert images.shape == (COUNT, 3, SIZE, SIZE)
    assert sorted(labels.tolist()) == list(range(COUNT))
    for workers, threads in ((0, 3), (1, 1), (2, 1)):
        again = epoch(folder, augmentation, workers, threads)
        assert torch.equal(again[0], images)
        assert torch.equal(again[1], labels)
    # What a network draws from the global generator, for dropout say, does not depend on it either.
    assert torch.equal(torch.random.get_rng_state(), state)
    for other in (epoch(folder, augmentation, number=2), epoch(folder, augmentation, seed=1)):
        assert not torch.equal(other[1], labels)
    # An image's augmentation has nothing to do with its place in the epoch or its batch.
    whole = epoch(folder, augmentation, batch_size=COUNT)
    assert torch.equal(whole[0][whole[1].argsort()], images[labels.argsort()])


def test_batches_are_those_of_the_same_images_in_arrays(folder):
    arrays = torch.from_numpy(np.asarray(files(folder)))
    labels = torch.arange(COUNT)
    expected = epoch_batches(arrays, labels, 4, "none", seed=0, epoch=1)
    found = epoch_batches(files(folder), labels, 4, "none", seed=0, epoch=1)
    for one, two in zip(expected, found, strict=True):
        assert torch.equal(one[0], two[0])
        assert torch.equal(one[1], two[1])
    assert torch.equal(torch.cat(list(plain_batches(files(folder), 5, "cpu", workers=1))), arrays)
    assert torch.equal(torch.cat(list(plain_batches(arrays, 5, "cpu"))), arrays)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_file_is_one_sentence(folder, workers):
    (folder / "3.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"^\S+3\.png is no readable image \(no known image format\): repair it or ta"):
        epoch(folder, "resized_crop", workers)
    (folder / "3.png").unlink()
    with pytest.raises(InputError, match=r"^\S+3\.png is missing: prepare the data"):
        list(plain_batches(files(folder), 4, "cpu", workers))


def test_an_unknown_augmentation_is_refused(folder):
    with pytest.raises(InputError, match="unknown augmentation 'cropped': choose one of none, flip"):
        epoch(folder, "cropped")
