"""A fixed filter of frequencies as the first layer of a classifier."""

import torch
from torch import Tensor, nn

from filterfreq.frequencies.masks import bandwidth_mask, filter_frequencies
from filterfreq.models.classifier import Classifier


class BandFilter(nn.Module):
    """Leaves a square band of frequencies of each channel; it has no parameters, and images of any size pass it.

    Args:
        band: "low", "corner" or "complement", see `filterfreq.frequencies.bands.band_frequencies`.
        bandwidth: odd, above 0.
    """

    def __init__(self, band: str, bandwidth: int) -> None:
        super().__init__()
        self.band = band
        self.bandwidth = bandwidth
        # By size and device, so that a step copies nothing there.
        self._masks: dict[tuple[int, int, torch.device], Tensor] = {}

    def forward(self, images: Tensor) -> Tensor:
        """Filter images [N, C, H, W]; values may leave the range of the images."""
        height, width = images.shape[2:]
        key = (height, width, images.device)
        if key not in self._masks:
            # An ordinary tensor even when the first call is in inference mode: autograd could not use the others later.
            with torch.inference_mode(False):
                self._masks[key] = bandwidth_mask(height, width, self.band, self.bandwidth).to(images.device)
        return filter_frequencies(images, self._masks[key])

    def extra_repr(self) -> str:
        """Describe the layer as torch's own do."""
        return f"{self.band}, bandwidth={self.bandwidth}"


def add_front_end(classifier: Classifier, band: str, bandwidth: int) -> Classifier:
    """Put a fixed filter before a classifier, whether it is still to be trained or finished.

    Images in [0, 1] are filtered, before their normalisation, and not clipped (Yin, Gontijo Lopes, Shlens, Cubuk,
    Gilmer, A Fourier Perspective on Model Robustness in Computer Vision, NeurIPS 2019). Attacks that follow the
    gradient go through the filter.

    Args:
        classifier: it is changed in place; a filter that it has already stays.
        band: see `BandFilter`.
        bandwidth: see `BandFilter`.

    Returns:
        The classifier.
    """
    classifier.front_end.append(BandFilter(band, bandwidth))
    return classifier
