"""The usual input pipeline of large images: torchvision's ImageFolder and transforms, a DataLoader with workers."""

from pathlib import Path

from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder


def image_folder_loader(folder: Path, mean, std, size: int, batch_size: int, workers: int, **options) -> DataLoader:
    """Random resized crops, flipped and normalised, as ImageNet is usually trained on."""
    transform = transforms.Compose(
        [
            transforms.RandomResizedCrop(size),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(mean, std),
        ]
    )
    return DataLoader(ImageFolder(folder, transform), batch_size, shuffle=True, num_workers=workers, **options)
