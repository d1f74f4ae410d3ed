"""Time and peak memory of preparing, corrupting, training and evaluating, over the number of images (row 11).

    python benchmarks/scale.py --archive ../shared/data/cifar10_jpeg.tar.xz

Without an archive of class folders with 32x32 images the images are random. Each stage runs in a process of its own.
"""

import argparse
import io
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from pathlib import Path

import harness
import numpy as np
from PIL import Image

COUNTS = (5_000, 10_000, 20_000, 40_000)
STAGES = ("prepare", "corrupt", "train", "clean", "corruption", "adversarial", "autoattack")
CORRUPTED = ("gaussian_noise", "glass_blur", "jpeg_compression")
MODEL = "resnet_8_8"
KINDS = ("images", "labels")


def main() -> None:
    """Run every stage at every size and publish; with --stage run that one and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archive", type=Path)
    parser.add_argument("--stage", choices=STAGES)
    parser.add_argument("--count", type=int)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    if arguments.stage:
        run(arguments.stage, arguments.count, arguments.folder)
        return
    with tempfile.TemporaryDirectory() as folder:
        images, labels = read(arguments.archive, max(COUNTS))
        np.save(Path(folder, "images.npy"), images)
        np.save(Path(folder, "labels.npy"), labels.astype(np.int64))
        del images, labels
        results = {count: {stage: measured(stage, count, folder) for stage in STAGES} for count in COUNTS}
    rows = []
    smallest, largest = COUNTS[0], COUNTS[-1]
    for stage in STAGES:
        seconds, memory = zip(*(results[count][stage] for count in COUNTS), strict=True)
        rows.append(
            {
                "stage": stage,
                **{f"{count:,}": f"{s:.1f} s, {m:.0f} MB" for count, s, m in zip(COUNTS, seconds, memory, strict=True)},
                "time per image, largest / smallest": f"{seconds[-1] / seconds[0] * smallest / largest:.2f}",
                "bytes per further image": f"{(memory[-1] - memory[0]) * 2**20 / (largest - smallest):,.0f}",
            }
        )
    notes = (
        "Seconds of work and peak anonymous memory of each stage's process, one thread; an image of 32x32 has 3,072 "
        f"bytes. Corrupting makes {len(CORRUPTED)} corruptions at 5 severities, training is one epoch of {MODEL}, the "
        "attack is FGSM, and AutoAttack's apgd-ce runs on a linear model."
    )
    harness.publish("scale", rows, notes)


def read(archive: Path | None, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Read the training images of an archive of class folders, or make random ones: uint8 and labels."""
    if archive is None:
        rng = np.random.default_rng(0)
        return rng.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8), rng.integers(0, 10, count)
    classes, images, labels = {}, [], []
    with tarfile.open(archive) as files:
        for member in files:
            parts = Path(member.name).parts
            if member.isfile() and parts[0] == "train":
                images.append(np.asarray(Image.open(io.BytesIO(files.extractfile(member).read())).convert("RGB")))
                labels.append(classes.setdefault(parts[1], len(classes)))
    order = np.random.default_rng(0).permutation(len(images))[:count]
    return np.stack(images)[order], np.array(labels)[order]


def measured(stage: str, count: int, folder: str) -> tuple[float, float]:
    """Run a stage in a process of its own: seconds of work, and peak memory in MB."""
    command = [sys.executable, __file__, "--stage", stage, "--count", str(count), "--folder", folder]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    print(f"{stage:12s} {count:6d} {output}", end="", flush=True)
    seconds, memory = output.split()
    return float(seconds), float(memory)


def run(stage: str, count: int, folder: Path) -> None:
    """Run one stage on the first `count` images and print its seconds and its peak memory in MB."""
    work = work_of(stage, count, folder)
    peak = Peak()
    start = time.perf_counter()
    work()
    print(f"{time.perf_counter() - start:.3f} {peak.stop():.1f}")


class Peak(threading.Thread):
    """Watches the anonymous memory of this process, without the pages of mapped files, which cost nothing to drop."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.stopped = threading.Event()
        self.peak = 0.0
        self.start()

    def run(self) -> None:
        """Look every few milliseconds."""
        while not self.stopped.wait(0.005):
            status = Path("/proc/self/status").read_text()
            self.peak = max(self.peak, int(status.partition("RssAnon:")[2].split()[0]) / 1024)

    def stop(self) -> float:
        """Return the peak in MB."""
        self.stopped.set()
        self.join()
        return self.peak


def work_of(stage: str, count: int, folder: Path):
    """Return what a stage runs, with everything imported that its script imports."""
    from filterfreq.data.arrays import PreparedDataset
    from filterfreq.data.registry import DATASETS
    from filterfreq.data.saving import save_dataset
    from filterfreq.evaluation.corruptions.generation import generate
    from filterfreq.evaluation.corruptions.stored import load_corrupted

    place = folder / str(count)
    corrupted = folder / f"{count}-corrupted"

    def prepare() -> None:
        images, labels = (np.array(np.load(folder / f"{kind}.npy", mmap_mode="r")[:count]) for kind in KINDS)
        arrays = {
            f"{split}_{kind}": array
            for split in ("train", "test")
            for kind, array in zip(KINDS, (images, labels), strict=True)
        }
        save_dataset(place, DATASETS["cifar10"], arrays, seed=0, sources={})

    def corrupt() -> None:
        generate(PreparedDataset(place).images("test"), corrupted, 0, CORRUPTED, announce=lambda line: None)

    if stage in ("prepare", "corrupt"):
        return {"prepare": prepare, "corrupt": corrupt}[stage]
    files = {name: load_corrupted(corrupted / f"{name}.npy") for name in CORRUPTED}
    return torch_stages(PreparedDataset(place), files)[stage]


def torch_stages(dataset, corrupted: dict) -> dict:
    """What the stages with a network run."""
    import torch

    from filterfreq.evaluation.robustness import accuracies_under_attacks
    from filterfreq.evaluation.suites.autoattack import evaluate_autoattack
    from filterfreq.evaluation.suites.clean import evaluate_clean
    from filterfreq.evaluation.suites.corruption import evaluate_corruption
    from filterfreq.models.device import use_device
    from filterfreq.training.loop import Trainer, build_classifier

    device = use_device({"device": "cpu"}, 1)
    spec = {
        "run": {"dataset": "scale", "model": MODEL, "variant": "dct", "seed": 0},
        "variant": {"decomposition": "weight"},
        "training": {
            "epochs": 1,
            "batch_size": 128,
            "optimizer": "adamw",
            "learning_rate": 0.01,
            "weight_decay": 0.01,
            "schedule": "step",
            "augmentation": "crop_flip",
        },
    }
    model = build_classifier(spec, dataset)
    linear = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3072, 10))
    fgsm = {"attack": "fgsm", "norm": "linf", "epsilons": ["4/255"]}

    def tested(evaluate, *settings, network=model) -> None:
        evaluate(network, dataset.images("test"), dataset.labels("test"), *settings)

    return {
        "train": lambda: Trainer(
            model, spec, dataset, device, dataset.folder / "state.pt", "", lambda line: None
        ).train(),
        "clean": lambda: tested(evaluate_clean, 250, device),
        "corruption": lambda: evaluate_corruption(model, corrupted, dataset.labels("test"), 250, device),
        "adversarial": lambda: tested(accuracies_under_attacks, [fgsm], 250, device, 0),
        "autoattack": lambda: tested(
            evaluate_autoattack, "linf", ["1/255"], 250, device, 0, ["apgd-ce"], network=linear
        ),
    }


if __name__ == "__main__":
    main()
