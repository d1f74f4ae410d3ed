"""The one interface that every evaluation sees: images in [0, 1] to logits."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from filterfreq.runtime.errors import InputError


class Classifier(nn.Module):
    """A network with its normalisation inside: float32 images [N, C, H, W] in [0, 1] to logits [N, classes].

    What `front_end` holds comes before the normalisation, and is nothing unless `filterfreq.models.surgery.front_end`
    has put a filter there.

    Args:
        backbone: a module from normalised images to logits.
        mean: the mean of each of the C channels, in [0, 1] units.
        std: the standard deviation of each channel, above 0, in the same units.

    Attributes:
        backbone: the module.
        front_end: layers without tensors, which images in [0, 1] pass first.
        mean, std: non-persistent buffers [1, C, 1, 1], so that a state dict holds the backbone's tensors alone.

    Raises:
        InputError: mean and std have different lengths, or a std is not above 0.
    """

    mean: Tensor
    std: Tensor

    @property
    def is_stochastic(self) -> bool:
        """Whether two calls with the same images may give different logits; see `filterfreq.models.stochastic`."""
        return False

    def seed_draws(self, seed: int, first_image: int = 0) -> None:
        """Say where draws begin, see `filterfreq.models.stochastic`; of one that draws nothing, nothing."""

    def __init__(self, backbone: nn.Module, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        if len(mean) != len(std) or not all(value > 0 for value in std):
            raise InputError(
                f"the normalisation mean {list(mean)}, std {list(std)} is wrong: "
                "give one mean and one std above 0 for each channel"
            )
        self.backbone = backbone
        self.front_end = nn.Sequential()
        for name, values in (("mean", mean), ("std", std)):
            buffer = torch.tensor(values, dtype=torch.float32).view(1, -1, 1, 1)
            self.register_buffer(name, buffer, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits [N, classes] of images [N, C, H, W] in [0, 1]."""
        return self.backbone((self.front_end(images) - self.mean) / self.std)
