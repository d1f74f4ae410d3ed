"""Models whose answers are read off their images."""

import numpy as np
import torch
from torch import nn


class ReadsPixels(nn.Module):
    """Predicts the class that equals the images' grey level (0 to 9)."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return -(((255 * images.mean(dim=(1, 2, 3)))[:, None] - torch.arange(10.0)) ** 2)


class Fixed(nn.Module):
    """Gives the image of grey level i the i-th of some logits."""

    def __init__(self, logits: np.ndarray) -> None:
        super().__init__()
        self.logits = torch.from_numpy(logits).float()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.logits[(255 * images[:, 0, 0, 0]).round().long()]


def images_of(classes: np.ndarray) -> np.ndarray:
    return np.broadcast_to(np.asarray(classes, dtype=np.uint8)[:, None, None, None], (len(classes), 8, 8, 3)).copy()
