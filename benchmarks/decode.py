"""Decoded, augmented, normalised training batches of JPEG files per second against torchvision's ImageFolder.

python benchmarks/decode.py
"""

import argparse
import tempfile
from pathlib import Path

import harness
import numpy as np
import torch
from oracles.pil_files import image_folder_loader
from PIL import Image

from filterfreq.data.batches import epoch_batches
from filterfreq.data.image_files import ImageFiles
from filterfreq.models.classifier import Classifier
from filterfreq.models.device import use_device

WIDTH, HEIGHT, QUALITY, CROP, CLASSES = 500, 375, 90, 224, 4
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def make_images(folder: Path, count: int) -> list[str]:
    """Write JPEGs whose spectrum falls as that of photographs, in class folders, and return their paths."""
    rng = np.random.default_rng(0)
    frequency = np.hypot(np.fft.fftfreq(HEIGHT)[:, None], np.fft.rfftfreq(WIDTH)[None]).clip(1 / WIDTH)
    names = []
    for number in range(count):
        noise = np.fft.rfft2(rng.standard_normal((3, HEIGHT, WIDTH))) / frequency
        pixels = np.fft.irfft2(noise, (HEIGHT, WIDTH)).transpose(1, 2, 0)
        pixels = (128 + 50 * pixels / pixels.std()).clip(0, 255).astype(np.uint8)
        names.append(f"{number % CLASSES}/{number}.jpg")
        (folder / names[-1]).parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(folder / names[-1], quality=QUALITY)
    return names


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2_000)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    use_device({"device": "cpu"}, 1)
    normalise = Classifier(torch.nn.Identity(), MEAN, STD)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        files = ImageFiles(folder, make_images(Path(folder), arguments.images), CROP)
        labels = torch.arange(arguments.images) % CLASSES
        for workers in arguments.workers:
            loader = image_folder_loader(Path(folder), MEAN, STD, CROP, arguments.batch_size, workers)

            def ours(workers: int = workers) -> None:
                batches = epoch_batches(
                    files, labels, arguments.batch_size, "resized_crop_flip", seed=0, epoch=0, workers=workers
                )
                for images, _ in batches:
                    normalise(images)

            def baseline(loader=loader) -> None:
                for _ in loader:
                    pass

            seconds = harness.alternate(ours, baseline, arguments.repeats)
            rates = [arguments.images / second for second in seconds]
            rows.append(harness.row(f"decoding, {workers} worker{'s'[: workers - 1]}", *rates, "images/s"))
        kilobytes = sum(Path(folder, name).stat().st_size for name in files.names) / len(files) / 1000
    notes = (
        f"{arguments.images:,} JPEGs of {WIDTH}x{HEIGHT} at quality {QUALITY} ({kilobytes:.0f} kB each), in batches of "
        f"{arguments.batch_size}: random resized crops of {CROP}, flip, normalise."
    )
    harness.publish("decode", rows, notes)


if __name__ == "__main__":
    main()
