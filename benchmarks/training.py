"""A whole training run against a plain PyTorch loop with a DataLoader, data included (row 8).

python benchmarks/training.py --device cuda
python benchmarks/training.py --device cpu --model resnet_8_8 --images 4000 --batch-size 64 --workers 1 --threads 1
"""

import argparse
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import harness
import numpy as np
import torch
from oracles.plain_training import PlainTraining

from filterfreq.models.device import use_device
from filterfreq.training.execution import configured_execution
from filterfreq.training.loop import Trainer
from filterfreq.training.state import StateFile
from filterfreq.training.untrained import build_classifier

LEARNING_RATE = 0.01


def learnable_images(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Ten random low-frequency patterns, faint under noise, shifted by up to four pixels: uint8 and labels."""
    patterns = np.random.default_rng(0).normal(size=(10, 5, 5, 3)).repeat(8, 1).repeat(8, 2)
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, count)
    corners = rng.integers(0, 9, (count, 2))
    images = np.stack([patterns[k][r : r + 32, c : c + 32] for k, (r, c) in zip(labels, corners, strict=True)])
    noisy = 128 + 12 * images + rng.normal(scale=40, size=images.shape).astype(np.float32)
    return noisy.clip(0, 255).astype(np.uint8), labels


def learnable_dataset(count: int) -> SimpleNamespace:
    """So many training images and a fifth of them for tests, as `filterfreq.training.loop.Trainer` reads a data set."""
    arrays = {"train": learnable_images(count, 1), "test": learnable_images(count // 5, 2)}
    return SimpleNamespace(
        images=lambda split: arrays[split][0],
        labels=lambda split: arrays[split][1],
        num_classes=10,
        mean=[0.5, 0.5, 0.5],
        std=[0.25, 0.25, 0.25],
    )


def made_spec(model: str, variant: dict, seed: int, epochs: int, batch_size: int) -> dict:
    """What to train, as a run's spec has it."""
    return {
        "run": {"dataset": "made", "model": model, "variant": "made", "seed": seed},
        "variant": variant,
        "training": {
            "epochs": epochs,
            "batch_size": batch_size,
            "optimizer": "adamw",
            "learning_rate": LEARNING_RATE,
            "weight_decay": 0.01,
            "schedule": "cosine",
            "augmentation": "crop_flip",
        },
    }


def timed_trainer(
    spec: dict, dataset: SimpleNamespace, compute: dict, device: torch.device, folder: Path
) -> tuple[Trainer, list[float]]:
    """A trainer as jobs have it, and a list that gets the time at which each epoch ends."""
    ends: list[float] = []
    trainer = Trainer(
        build_classifier(spec, dataset),
        spec,
        dataset,
        configured_execution(compute, device),
        StateFile(folder / "state.pt", ""),
        lambda line: ends.append(time.perf_counter()),
    )
    return trainer, ends


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--model", default="lowres_resnet9")
    parser.add_argument("--decomposition", default="weight")
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cuda-graphs", action="store_true", help="take our steps as CUDA graphs")
    arguments = parser.parse_args()
    dataset = learnable_dataset(arguments.images)
    compute = {"device": arguments.device, "on_gpu": {"cuda_graphs": arguments.cuda_graphs}}
    device = use_device(compute, arguments.threads)
    variant = {"decomposition": arguments.decomposition}
    spec = made_spec(arguments.model, variant, 0, arguments.epochs, arguments.batch_size)
    # The baseline computes as torch does by itself.
    plain = PlainTraining(
        arguments.model,
        arguments.decomposition,
        dataset,
        device,
        arguments.batch_size,
        LEARNING_RATE,
        arguments.epochs,
        arguments.workers,
    )
    with tempfile.TemporaryDirectory() as folder:
        trainer, ends = timed_trainer(spec, dataset, compute, device, Path(folder))
        start = time.perf_counter()
        ours = trainer.train()[-1]["test_accuracy"]
    seconds = np.diff([start, *ends])
    torch.backends.cudnn.conv.fp32_precision = torch.backends.cuda.matmul.fp32_precision = "ieee"
    plain_seconds = []
    for _ in range(arguments.epochs):
        start = time.perf_counter()
        plain.epoch()
        plain.accuracy()  # our epochs end with the test images too
        plain_seconds.append(time.perf_counter() - start)
    # The first epoch also chooses kernels and fills caches.
    medians = np.median(seconds[1:]), np.median(plain_seconds[1:])
    what = f"{arguments.model}, {arguments.images:,} images"
    rows = [
        harness.row(f"epoch, {what}", *medians, "s"),
        harness.row(f"test accuracy after {arguments.epochs} epochs", 100 * ours, 100 * plain.accuracy(), "%"),
    ]
    notes = (
        f"Batches of {arguments.batch_size}; the baseline is float32 with a DataLoader of {arguments.workers} workers."
    )
    section = "training on a CPU"
    if device.type == "cuda":
        section = "training with CUDA graphs" if arguments.cuda_graphs else "training"
    harness.publish(section, rows, notes)


if __name__ == "__main__":
    main()
