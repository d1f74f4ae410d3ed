"""One job of a GAN: a fit that has images, and keeps its generator."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save

from filterfreq.fits.job import FitJob
from filterfreq.gans.networks import Generator
from filterfreq.runtime.files import replacing


@dataclass
class GanJob(FitJob):
    """What the training of a GAN needs to know beside what a fit does.

    Attributes:
        generator: where the weights of the generator are written.
        samples: where the images of its sample sheet are.
    """

    generator: Path = Path()
    samples: Path = Path()

    @cached_property
    def images(self) -> np.ndarray:
        """The training images: uint8, N x H x W x 3."""
        return self.prepared.array("train_images")

    @property
    def data(self) -> dict[str, str]:
        """The checksum of the training images."""
        return {"train_images": self.prepared.checksums["train_images"]}

    def keep_generator(self, generator: Generator, samples: np.ndarray) -> None:
        """Write the generator's weights and images of it, uint8, N x H x W x 3, each file whole or not at all."""
        state = {name: tensor.detach().cpu().contiguous() for name, tensor in generator.state_dict().items()}
        with replacing(self.generator) as temporary:
            # save_file would hide a full disk behind an error of its own.
            temporary.write_bytes(save(state))
        with replacing(self.samples) as temporary, open(temporary, "wb") as file:
            np.savez(file, images=samples)


def to_pixels(images: torch.Tensor) -> np.ndarray:
    """Return images, N x 3 x H x W in [-1, 1], as uint8, N x H x W x 3; what is not finite is black."""
    scaled = ((images.nan_to_num(nan=-1.0) + 1) * 127.5).round().clamp(0, 255)
    return scaled.to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()


def to_network(images: np.ndarray, device: torch.device) -> torch.Tensor:
    """Return images, uint8, N x H x W x 3, as float32, N x 3 x H x W in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(images)).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1
