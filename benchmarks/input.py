"""Augmented, normalised training batches per second against a DataLoader with PIL transforms (row 5).

python benchmarks/input.py
"""

import argparse

import harness
import torch
from oracles.pil_input import pil_loader

from filterfreq.data.batches import epoch_batches
from filterfreq.models.classifier import Classifier
from filterfreq.models.device import use_device

COUNT, BATCH_SIZE, WORKERS = 20_000, 128, 2
MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.2, 0.3)


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    use_device({"device": "cpu"}, WORKERS)
    images = torch.randint(256, (COUNT, 32, 32, 3), dtype=torch.uint8)
    labels = torch.randint(10, (COUNT,))
    normalise = Classifier(torch.nn.Identity(), MEAN, STD)
    loader = pil_loader(images.numpy(), labels.numpy(), MEAN, STD, BATCH_SIZE, WORKERS)

    def ours() -> None:
        for batch, _ in epoch_batches(images, labels, BATCH_SIZE, "crop_flip", seed=0, epoch=0):
            normalise(batch)

    def baseline() -> None:
        for _ in loader:
            pass

    rates = [COUNT / seconds for seconds in harness.alternate(ours, baseline, repeats)]
    notes = (
        f"{COUNT:,} images of 32x32 in batches of {BATCH_SIZE}: crop, flip, normalise; {WORKERS} threads or workers."
    )
    harness.publish("input", [harness.row("input", *rates, "images/s")], notes)


if __name__ == "__main__":
    main()
