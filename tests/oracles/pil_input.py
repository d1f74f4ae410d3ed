"""The usual input pipeline: PIL images, torchvision's transforms one image at a time, a DataLoader with workers."""

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms


class PILImages(Dataset):
    """Stored images (uint8, N x H x W x 3) and labels, transformed image by image."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, transform) -> None:
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(Image.fromarray(self.images[index])), int(self.labels[index])


def pil_loader(images, labels, mean, std, batch_size: int, workers: int, **options) -> DataLoader:
    """Crop with 4 pixels of padding, flip, and normalise, as CIFAR is usually trained on."""
    transform = transforms.Compose(
        [
            transforms.RandomCrop(images.shape[1:3], padding=4),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(mean, std),
        ]
    )
    dataset = PILImages(images, labels, transform)
    return DataLoader(dataset, batch_size, shuffle=True, num_workers=workers, **options)
