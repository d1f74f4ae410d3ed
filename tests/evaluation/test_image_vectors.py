from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from filterfreq.data.images import fit
from filterfreq.data.mnist import read_idx
from filterfreq.evaluation.image_vectors import image_vectors, vector_unit

MNIST = Path(__file__).parents[3] / "shared/data/mnist/t10k-images-idx3-ubyte.gz"


def test_grey_images_have_one_channel_and_one_coloured_image_gives_all_of_them_three(monkeypatch):
    monkeypatch.setattr("filterfreq.evaluation.image_vectors._ROWS", 2)
    grey = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 1)).astype(np.uint8).repeat(3, axis=3)
    np.testing.assert_array_equal(image_vectors(grey), grey[..., 0].reshape(3, 20))
    coloured = grey.copy()
    coloured[0, 1, 1, 0] ^= 1
    np.testing.assert_array_equal(image_vectors(coloured), coloured.reshape(3, 60))


def test_a_unit_is_that_of_images_from_0_to_1_of_the_published_size():
    assert vector_unit("cifar10", 32) == 1 / 255
    assert vector_unit("mnist", 32) == pytest.approx(28 / 32 / 255)


@pytest.mark.skipif(not MNIST.is_file(), reason="needs ../shared/data/mnist")
def test_distances_between_prepared_digits_are_those_of_28_pixels():
    """Scaling smooths digits, so that distances come out about a tenth shorter."""
    digits = read_idx(MNIST)[:200]
    prepared = np.stack([np.asarray(fit(Image.fromarray(digit), 32)) for digit in digits])
    published = digits.reshape(200, -1) / 255
    found = image_vectors(prepared[..., None].repeat(3, axis=3)) * vector_unit("mnist", 32)
    distances = [np.linalg.norm(vectors[:100] - vectors[100:], axis=1) for vectors in (published, found)]
    ratio = distances[1] / distances[0]
    assert 0.84 < ratio.min() < ratio.max() < 0.98
    assert ratio.mean() == pytest.approx(0.915, abs=0.01)
