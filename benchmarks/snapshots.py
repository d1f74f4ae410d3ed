"""Measuring the snapshots of a training against bare forward passes, and what keeping them costs the training.

python benchmarks/snapshots.py --snapshots 5 --images 500 --train-images 500
python benchmarks/snapshots.py --device cuda --batch-size 1000
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import harness
import torch
from training import learnable_dataset, learnable_images, made_spec

from filterfreq.data.batches import to_images
from filterfreq.evaluation.prediction import inference
from filterfreq.evaluation.progress import Progress
from filterfreq.evaluation.suites.frequency_filtered import evaluate_frequency_filtered, evaluate_models
from filterfreq.models.checkpoints import load_checkpoint, save_checkpoint
from filterfreq.models.device import use_device
from filterfreq.training.execution import Execution
from filterfreq.training.loop import Trainer
from filterfreq.training.snapshots import Snapshots
from filterfreq.training.state import StateFile
from filterfreq.training.untrained import build_classifier

RADII = (4, 8, 12, 16)
KEPT = 20


def made_record(spec: dict, dataset, measured: dict) -> dict:
    """What `load_checkpoint` reads of a snapshot's record."""
    shape = {"architecture": spec["run"]["model"], "num_classes": dataset.num_classes}
    keys = ("python", "platform", "code", "device")
    provenance = {**dict.fromkeys(keys, ""), "packages": {}, "git_revision": None, "data": {}}
    return {
        **spec,
        "classifier": {**shape, "mean": dataset.mean, "std": dataset.std, "decomposition": None},
        "metrics": {**measured, "parameters": 1},
        "provenance": {**provenance, "seconds": 0, "peak_memory_mb": 0},
    }


def measuring_rows(
    arguments: argparse.Namespace, spec: dict, device: torch.device, folder: Path, alternate: Callable
) -> list[dict]:
    """All snapshots at all radii on two sets of images: as the suite does it, one by one, and bare forward passes."""
    dataset = learnable_dataset(100)
    records = []
    for number in range(arguments.snapshots):
        classifier = build_classifier({**spec, "run": {**spec["run"], "seed": number}}, dataset)
        save_checkpoint(
            folder / str(number), classifier, made_record(spec, dataset, {"epoch": number, "batches": number})
        )
        records.append(folder / str(number) / "run.json")
    sets = [learnable_images(arguments.images, seed) for seed in (1, 2)]
    settings = {
        "radii": {"low": RADII, "high": RADII},
        "batch_size": arguments.batch_size,
        "device": device,
    }

    def together() -> None:
        models = [load_checkpoint(record)[0] for record in records]
        for number, (images, labels) in enumerate(sets):
            progress = Progress(folder / f"{number}.progress.json")
            evaluate_models(models, images, labels, progress=progress, **settings)
            progress.remove()

    def one_by_one() -> None:
        for record in records:
            model = load_checkpoint(record)[0]
            for images, labels in sets:
                evaluate_frequency_filtered(model, images, labels, **settings)

    loaded = [load_checkpoint(record)[0] for record in records]
    ready = [
        [to_images(images[start : start + arguments.batch_size], device).contiguous()
         for start in range(0, arguments.images, arguments.batch_size)]
        for images, _ in sets
    ]  # fmt: skip

    def bare() -> None:
        for model in loaded:
            with inference(model, device), torch.no_grad():
                for batches in ready:
                    for _ in range(2 * len(RADII)):
                        for batch in batches:
                            model(batch)
        if device.type == "cuda":
            torch.cuda.synchronize()

    what = f"{arguments.snapshots} snapshots, {2 * len(RADII)} filters, 2 x {arguments.images:,} images"
    return [
        harness.row(f"{what} / bare forward passes", *alternate(together, bare), "s"),
        harness.row(f"{what}, one by one / bare", *alternate(one_by_one, bare), "s"),
    ]


def training_row(
    arguments: argparse.Namespace, spec: dict, device: torch.device, folder: Path, alternate: Callable
) -> dict:
    """A training that keeps a snapshot after every epoch, against one that keeps none."""
    dataset = learnable_dataset(arguments.train_images)

    def train(names: tuple[str, ...]) -> Callable[[], None]:
        def run() -> None:
            kept = Snapshots(
                names, folder / "unfinished", folder / "kept", lambda row, seconds: made_record(spec, dataset, row)
            )
            state = StateFile(folder / "state.pt", "")
            state.path.unlink(missing_ok=True)
            Trainer(build_classifier(spec, dataset), spec, dataset, Execution(device), state, snapshots=kept).train()
            kept.finish()

        return run

    with_snapshots, without = train(tuple(f"epoch-{epoch + 1}" for epoch in range(KEPT))), train(())
    seconds = alternate(with_snapshots, without)
    return harness.row(
        f"training of {KEPT} epochs, {KEPT} snapshots / none, {arguments.train_images:,} images", *seconds, "s"
    )


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--model", default="resnet_20")
    parser.add_argument("--snapshots", type=int, default=100)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--train-images", type=int, default=10_000)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--processor", action="store_true", help="count seconds of the processor, on a busy machine")
    arguments = parser.parse_args()
    clock = time.process_time if arguments.processor else time.perf_counter
    alternate = partial(harness.alternate, repeats=arguments.repeats, clock=clock)
    device = use_device({"device": arguments.device}, arguments.threads)
    spec = made_spec(arguments.model, {}, 0, KEPT, arguments.batch_size)
    with tempfile.TemporaryDirectory() as folder:
        rows = measuring_rows(arguments, spec, device, Path(folder), alternate)
        rows.append(training_row(arguments, spec, device, Path(folder), alternate))
    section = "snapshots" if device.type == "cpu" else "snapshots on a GPU"
    notes = f"{arguments.model}, batches of {arguments.batch_size}; loading the snapshots is counted."
    if arguments.processor:
        notes += " Seconds are those of the processor."
    harness.publish(section, rows, notes)


if __name__ == "__main__":
    main()
