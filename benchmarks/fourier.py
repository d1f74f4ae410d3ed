"""A Fourier heat map against the plain loop over every basis vector, and how much of its time is the network's.

python benchmarks/fourier.py
python benchmarks/fourier.py --device cuda --images 1000
"""

import argparse
import time

import harness
import numpy as np
import torch
from oracles.heat_map import heat_map
from torch import nn

from filterfreq.data.batches import to_images
from filterfreq.evaluation.basis_changes import draw_signs
from filterfreq.evaluation.suites.fourier_heat_map import evaluate_heat_map
from filterfreq.frequencies.pairs import mirror
from filterfreq.models import registry
from filterfreq.models.device import use_device

SIDE, CLASSES, NORM = 32, 10, 4.0


class Timed(nn.Module):
    """A network that counts its seconds."""

    def __init__(self, network: nn.Module, device: str) -> None:
        super().__init__()
        self.network = network
        self.device = device
        self.seconds = 0.0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The network's logits, N x classes."""
        self.wait()
        start = time.perf_counter()
        logits = self.network(images)
        self.wait()
        self.seconds += time.perf_counter() - start
        return logits

    def wait(self) -> None:
        """Wait until a GPU has done what it was told."""
        if self.device != "cpu":
            torch.cuda.synchronize()


def whole_map(rows: list[dict]) -> np.ndarray:
    """The errors of a suite's rows at every entry of the shifted spectrum."""
    errors = np.full((SIDE, SIDE), np.nan)
    for row in rows:
        if row["metric"] == "error":
            parameter = dict(entry.split("=") for entry in row["parameter"].split(";"))
            frequency = int(parameter["u"]), int(parameter["v"])
            for u, v in (frequency, mirror(SIDE, SIDE, *frequency)):
                errors[u + SIDE // 2, v + SIDE // 2] = row["value"]
    return errors


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--model", default="resnet_20")
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--batch-size", type=int, default=250)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    use_device({"device": arguments.device}, 2)
    torch.manual_seed(0)
    model = registry.build(arguments.model, CLASSES).to(arguments.device, memory_format=torch.channels_last)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (arguments.images, SIDE, SIDE, 3), dtype=np.uint8)
    labels = rng.integers(0, CLASSES, arguments.images)
    signs = draw_signs(len(labels), 3).numpy()
    with torch.no_grad():  # statistics with which the untrained network tells images apart
        for _ in range(50):
            model.train()(to_images(images[:100], arguments.device))
    model.eval()
    found: dict[str, np.ndarray] = {}

    def ours(network: nn.Module = model) -> None:
        rows = evaluate_heat_map(network, images, labels, arguments.batch_size, arguments.device, norm=NORM)
        found["ours"] = whole_map(rows)

    def loop() -> None:
        found["loop"] = heat_map(model, images, labels, signs, NORM, arguments.batch_size, arguments.device)

    seconds = harness.alternate(ours, loop, arguments.repeats, warmups=0)
    assert (found["ours"] == found["loop"]).all(), "the maps differ"
    timed = Timed(model, arguments.device)
    start = time.perf_counter()
    ours(timed)
    whole = time.perf_counter() - start
    rows = [
        harness.row("a heat map / all vectors in a plain loop", *seconds, "s"),
        harness.row("a heat map's network / the whole of it", timed.seconds, whole, "s"),
    ]
    notes = f"{arguments.model}, {arguments.images} images of 32x32, all 1,024 entries; both maps are equal."
    harness.publish("a heat map on a GPU" if arguments.device != "cpu" else "a heat map", rows, notes)


if __name__ == "__main__":
    main()
