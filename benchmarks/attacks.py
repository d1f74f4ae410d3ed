"""FGSM, PGD and AutoAttack against the plain loop and the package itself, on a trained network (row 7).

    python benchmarks/attacks.py

Trains a small network on the embedded data set first, for half a minute.
"""

import argparse
import tempfile
from pathlib import Path

import harness
import numpy as np
import torch
from oracles import attacks as oracle

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.registry import get_dataset
from filterfreq.data.texdigits import prepare
from filterfreq.evaluation import robustness
from filterfreq.evaluation.prediction import predict
from filterfreq.evaluation.suites import autoattack
from filterfreq.models.device import use_device
from filterfreq.models.surgery.composition import compose
from filterfreq.training.execution import Execution
from filterfreq.training.loop import Trainer
from filterfreq.training.state import StateFile
from filterfreq.training.untrained import build_classifier

BATCH_SIZE, SEED = 250, 0
EPSILONS = [1 / 255, 2 / 255, 4 / 255]


def trained(folder: Path, epochs: int) -> tuple[torch.nn.Module, np.ndarray, np.ndarray]:
    """A network with weight decomposition, composed, and the test images of texdigits."""
    prepare(folder / "raw", folder, 0, get_dataset("texdigits"))
    dataset = PreparedDataset(folder)
    spec = {
        "run": {"dataset": "texdigits", "model": "resnet_8_8", "variant": "dct", "seed": 0},
        "variant": {"decomposition": "weight"},
        "training": {
            "epochs": epochs,
            "batch_size": 64,
            "optimizer": "adamw",
            "learning_rate": 0.01,
            "weight_decay": 0.01,
            "schedule": "cosine",
            "augmentation": "none",
        },
    }
    classifier = build_classifier(spec, dataset)
    state_file = StateFile(folder / "state.pt", "")
    Trainer(classifier, spec, dataset, Execution(torch.device("cpu")), state_file, print).train()
    return compose(classifier).eval(), np.array(dataset.images("test")), np.array(dataset.labels("test"))


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=4)
    arguments = parser.parse_args()
    use_device({"device": "cpu"}, 2)
    with tempfile.TemporaryDirectory() as folder:
        model, images, labels = trained(Path(folder), arguments.epochs)
    rows = []
    for name, attack in (
        ("FGSM", {"attack": "fgsm", "norm": "linf"}),
        ("PGD-10", {"attack": "pgd", "norm": "linf", "steps": 10}),
    ):
        steps, found = attack.get("steps", 0), {}

        def ours(attack=attack, found=found) -> None:
            correct = predict(model, images, BATCH_SIZE, "cpu") == labels
            found["ours"] = [
                robustness.withstands(model, images, labels, correct, attack, epsilon, BATCH_SIZE, "cpu", SEED)
                for epsilon in EPSILONS
            ]

        def plain(steps=steps, found=found) -> None:
            found["plain"] = [
                oracle.withstands(model, images, labels, epsilon, steps, BATCH_SIZE, SEED) for epsilon in EPSILONS
            ]

        seconds = harness.alternate(ours, plain, arguments.repeats, warmups=0)
        rows += compared(f"{name}, {len(labels):,} images", seconds, found)
    count, batch_size, found = 100, 50, {}
    few, truth = images[:count], labels[:count]

    def ours() -> None:
        found["ours"] = autoattack.withstands(
            model, few, truth, "linf", EPSILONS, batch_size, "cpu", SEED, ["apgd-ce", "apgd-t"]
        )

    def plain() -> None:
        found["plain"] = [
            oracle.autoattack(model, few, truth, epsilon, batch_size, SEED, ["apgd-ce", "apgd-t"])
            for epsilon in EPSILONS
        ]

    seconds = harness.alternate(ours, plain, arguments.repeats, warmups=0)
    rows += compared(f"AutoAttack (apgd-ce, apgd-t), {count} images", seconds, found)
    notes = (
        f"Linf, epsilons 1, 2 and 4/255, batches of {BATCH_SIZE} ({batch_size} for AutoAttack), a ResNet-8 trained on "
        "texdigits. The baselines attack every image at every epsilon."
    )
    harness.publish("attacks", rows, notes)


def compared(what: str, seconds: tuple[float, float], found: dict) -> list[dict]:
    """The time of an attack, and on how many pairs of image and epsilon the two disagree."""
    ours, plain = np.array(found["ours"]), np.array(found["plain"])
    accuracy = ", ".join(f"{100 * value:.1f}" for value in ours.mean(axis=1))
    return [
        harness.row(what, *seconds, "s"),
        {
            "what": f"images that differ of {ours.size:,}",
            "ours": f"robust {accuracy} %",
            "baseline": f"robust {', '.join(f'{100 * value:.1f}' for value in plain.mean(axis=1))} %",
            "ratio": f"{(ours != plain).sum()} differ",
        },
    ]


if __name__ == "__main__":
    main()
