import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from filterfreq.data.batches import to_images
from filterfreq.data.image_files import ImageFiles
from filterfreq.runtime.errors import InputError

SIZES = ((40, 30), (31, 47), (24, 24), (32, 32), (90, 25))


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for number, (width, height) in enumerate(SIZES):
        content = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(content).save(tmp_path / f"{number}.png")
    return tmp_path


def names():
    return [f"{number}.png" for number in range(len(SIZES))]


@pytest.mark.parametrize(("size", "resize"), [(24, 24), (24, 27), (24, None)])
def test_images_are_those_of_torchvision(folder, size, resize):
    files = ImageFiles(folder, names(), size, resize, threads=2)
    transform = v2.Compose([v2.Resize(resize or size), v2.CenterCrop(size)])
    expected = np.stack([np.asarray(transform(Image.open(folder / name))) for name in names()])
    assert files.shape == expected.shape
    np.testing.assert_array_equal(np.asarray(files), expected)


def test_a_part_is_read_when_it_is_made_an_array(folder):
    files = ImageFiles(folder, names(), 24)
    whole = np.asarray(files)
    (folder / "0.png").unlink()
    np.testing.assert_array_equal(np.asarray(files[1:4]), whole[1:4])
    np.testing.assert_array_equal(np.asarray(files[np.array([4, 2])]), whole[[4, 2]])
    np.testing.assert_array_equal(np.asarray(files[1:][1:2]), whole[2:3])
    assert len(files[:2]) == 2
    for place in (3, np.int64(3)):
        np.testing.assert_array_equal(files[place], whole[3])
    assert (files.ndim, files.dtype) == (whole.ndim, whole.dtype)
    with pytest.raises(InputError, match=r"0\.png is missing"):
        np.asarray(files[:2])


def test_they_are_what_classifiers_take_as_arrays_are(folder):
    files = ImageFiles(folder, names(), 24)
    assert torch.equal(to_images(files[2:4], "cpu"), to_images(np.asarray(files)[2:4], "cpu"))
