import numpy as np
import pytest
import torch
from torch import nn

from filterfreq.models.classifier import Classifier
from filterfreq.models.surgery.front_end import add_front_end

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
IMAGES = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def seen_by_network(band, bandwidth):
    """What comes out of the classifier where the network is the identity."""
    return add_front_end(Classifier(nn.Identity(), MEAN, STD), band, bandwidth)(IMAGES)


def numpy_filtered(images, band, bandwidth):
    """By the whole shifted spectrum, frequency by frequency."""
    side = images.shape[-1]
    shifted = np.fft.fftshift(np.fft.fft2(images), axes=(2, 3))
    half = (bandwidth - 1) // 2
    for i in range(side):
        for j in range(side):
            u, v = abs(i - side // 2), abs(j - side // 2)
            if band == "corner":
                u, v = side // 2 - u, side // 2 - v
            if (max(u, v) <= half) == (band == "complement"):
                shifted[:, :, i, j] = 0
    filtered = np.fft.ifft2(np.fft.ifftshift(shifted, axes=(2, 3)))
    assert np.abs(filtered.imag).max() < 1e-6
    return filtered.real


@pytest.mark.parametrize("band", ["low", "corner", "complement"])
def test_images_are_filtered_before_they_are_normalised(band):
    """The order matters to a high-pass: after the normalisation it would take the mean away."""
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    expected = (torch.from_numpy(numpy_filtered(IMAGES.numpy(), band, 5)) - mean) / std
    torch.testing.assert_close(seen_by_network(band, 5), expected.float(), atol=1e-5, rtol=1e-5)


def test_a_low_pass_of_all_frequencies_changes_nothing():
    torch.testing.assert_close(seen_by_network("low", 17), Classifier(nn.Identity(), MEAN, STD)(IMAGES))


def test_low_pass_and_complement_add_up_to_the_image():
    whole = Classifier(nn.Identity(), (0.0,) * 3, (1.0,) * 3)
    parts = [
        add_front_end(Classifier(nn.Identity(), (0.0,) * 3, (1.0,) * 3), band, 7)(IMAGES)
        for band in ("low", "complement")
    ]
    torch.testing.assert_close(parts[0] + parts[1], whole(IMAGES))


def test_the_gradient_of_an_image_has_the_frequencies_that_pass_alone():
    images = IMAGES.clone().requires_grad_()
    classifier = add_front_end(Classifier(nn.Identity(), MEAN, STD), "low", 3)
    with torch.inference_mode():
        classifier(IMAGES)  # what is kept from here must not stop a later gradient
    weights = torch.randn(IMAGES.shape, generator=torch.Generator().manual_seed(1))
    (classifier(images) * weights).sum().backward()
    std = torch.tensor(STD).view(1, 3, 1, 1)
    # The filter is a symmetric matrix, so that the gradient is the filtered weights.
    expected = torch.from_numpy(numpy_filtered((weights / std).numpy(), "low", 3)).float()
    torch.testing.assert_close(images.grad, expected, atol=1e-5, rtol=1e-5)


def test_it_adds_nothing_to_the_weights():
    plain = Classifier(nn.Linear(3, 2), MEAN, STD)
    names = list(plain.state_dict())
    assert list(add_front_end(plain, "low", 3).state_dict()) == names


def test_a_compiled_classifier_filters_too():
    classifier = add_front_end(Classifier(nn.Identity(), MEAN, STD), "corner", 5)
    compiled = torch.compile(classifier, backend="aot_eager")
    torch.testing.assert_close(compiled(IMAGES), classifier(IMAGES))
    torch.testing.assert_close(compiled(IMAGES[..., :8, :8]), classifier(IMAGES[..., :8, :8]))
