import numpy as np
import pytest
import torch

from filterfreq.data.batches import epoch_batches, to_images
from filterfreq.runtime.errors import InputError
from filterfreq.training.data import transformed_images
from filterfreq.training.intervention import Intervention, composed_change, interventions_of


def stored(n=5, height=8, width=8):
    return torch.randint(0, 256, (n, height, width, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def numpy_component(images, kind, radius, inclusive=False, rescale=False):
    """The component of float64 images N x C x H x W by numpy's full transform, as the specification writes it."""
    *_, height, width = images.shape
    spectrum = np.fft.fftshift(np.fft.fft2(images), axes=(-2, -1))
    rows, columns = np.arange(height) - height // 2, np.arange(width) - width // 2
    distance = np.sqrt(rows[:, None] ** 2 + columns**2)
    mask = distance <= radius if inclusive else distance < radius
    mask = mask if kind == "low" else ~mask
    component = np.fft.ifft2(np.fft.ifftshift(spectrum * mask, axes=(-2, -1))).real
    return component / component.max(axis=(1, 2, 3), keepdims=True) if rescale else component


@pytest.mark.parametrize("kind", ["low", "high"])
@pytest.mark.parametrize("options", [{}, {"mask": "non_strict"}, {"mask": "strict", "rescale": "released"}])
@pytest.mark.parametrize("size", [(8, 8), (9, 7)])
def test_training_sees_the_component(kind, options, size):
    settings = {"pass": kind, "radius": 2, **options}
    images = to_images(stored(5, *size), "cpu")
    seen = interventions_of({"component": settings})["component"].transform(images)
    expected = numpy_component(
        images.double().numpy(), kind, 2, options.get("mask") == "non_strict", "rescale" in options
    )
    np.testing.assert_allclose(seen.numpy(), expected, atol=2e-6)
    assert kind == "low" or seen.min() < 0


def test_a_component_that_is_all_or_nothing_is_refused():
    for kind, what in (("low", "all"), ("high", "nothing")):
        transform = interventions_of({"component": {"pass": kind, "radius": 5.7}})["component"].transform
        with pytest.raises(InputError, match=f"{kind} with radius 5.7 is {what} of images of 8 x 8 pixels"):
            transform(torch.ones(1, 3, 8, 8))
        # The corner is at sqrt(32) = 5.66 cycles.
        interventions_of({"component": {"pass": kind, "radius": 5.6}})["component"].transform(torch.ones(1, 3, 8, 8))


def batches_of(images, interventions, augmentation, size=8):
    images, left = transformed_images(images, interventions.values(), augmentation, size)
    change = composed_change(interventions, "change_images", lambda number, stream: number, last=left)
    labels = torch.arange(len(images))
    return list(epoch_batches(images, labels, 2, augmentation, 0, 1, change_images=change, size=size))


def test_without_augmentation_images_are_filtered_once_and_with_it_after_it(monkeypatch):
    component = {"pass": "low", "radius": 2}
    interventions = interventions_of({"component": component})
    images, left = transformed_images(stored(), interventions.values(), "none", 8)
    assert left is None
    assert images.dtype == torch.float32
    for augmentation in ("flip", "crop_flip"):
        same, left = transformed_images(stored(), interventions.values(), augmentation, 8)
        assert left is not None
        assert torch.equal(same, stored())
    for augmentation in ("none", "flip", "crop_flip"):
        plain = batches_of(stored(), {}, augmentation)
        filtered = batches_of(stored(), interventions, augmentation)
        for (whole, label), (low, same_label) in zip(plain, filtered, strict=True):
            assert torch.equal(label, same_label)
            np.testing.assert_allclose(low.numpy(), numpy_component(whole.double().numpy(), "low", 2), atol=1e-6)
            assert low.is_contiguous(memory_format=torch.channels_last)
    # What does not fit is filtered by batch, and is the same.
    once = batches_of(stored(), interventions, "none")
    monkeypatch.setattr("filterfreq.training.data._LARGEST", 0)
    assert transformed_images(stored(), interventions.values(), "none", 8)[1] is not None
    for (low, _), (same, _) in zip(once, batches_of(stored(), interventions, "none"), strict=True):
        torch.testing.assert_close(low, same)


def test_what_changes_images_before_is_not_lost():
    darker = Intervention(stream="darker", change_images=lambda images, seed, share: images / 2)
    interventions = {"darker": darker, **interventions_of({"component": {"pass": "low", "radius": 2}})}
    assert transformed_images(stored(), interventions.values(), "none", 8)[1] is not None
    alone = batches_of(stored(), {"component": interventions["component"]}, "none")
    for (low, _), (dark, _) in zip(alone, batches_of(stored(), interventions, "none"), strict=True):
        torch.testing.assert_close(dark, low / 2)
    # Larger images are cut first.
    assert transformed_images(stored(5, 12, 12), interventions.values(), "none", 8)[1] is not None
    images = stored()
    assert transformed_images(images, (), "none", 8) == (images, None)
