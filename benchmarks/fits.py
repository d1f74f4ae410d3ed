"""Repeats of a fit that are trained as one net, against the plain loop over them: seconds of one iteration of all.

python benchmarks/fits.py
"""

import argparse
import time

import harness
import torch
from torch import Tensor

from filterfreq.fits.networks import build_network
from filterfreq.fits.repeats import Repeats
from filterfreq.models.device import use_device

POINTS = 200
DEPTH = 6


def batched_steps(width: int, repeats: int, steps: int, device: torch.device):
    """What trains all repeats at once, as a fit does."""
    inputs, targets = torch.rand(POINTS, 1, device=device), torch.rand(repeats, POINTS, 1, device=device)
    network = Repeats([network_of(width, seed) for seed in range(repeats)]).to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-4, fused=True)

    def run() -> None:
        for _ in range(steps):
            step(optimizer, (network(inputs) - targets).square().mean((1, 2)).sum())
        finish(device)

    return run


def looped_steps(width: int, repeats: int, steps: int, device: torch.device):
    """What trains one after the other, each with torch's own layers and Adam as it is unless told otherwise."""
    inputs, targets = torch.rand(POINTS, 1, device=device), torch.rand(repeats, POINTS, 1, device=device)
    networks = [network_of(width, seed).to(device) for seed in range(repeats)]
    optimizers = [torch.optim.Adam(network.parameters(), lr=3e-4) for network in networks]

    def run() -> None:
        for network, optimizer, target in zip(networks, optimizers, targets, strict=True):
            for _ in range(steps):
                step(optimizer, (network(inputs) - target).square().mean())
        finish(device)

    return run


def network_of(width: int, seed: int) -> torch.nn.Sequential:
    """Six linear layers, as in Rahaman et al. (2019)."""
    return build_network({"widths": [width] * (DEPTH - 1), "activation": "relu"}, 1, 1, seed)


def step(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """One iteration."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def finish(device: torch.device) -> None:
    """Wait for what a GPU has yet to do."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--networks", type=int, default=20, help="how many are trained as one")
    parser.add_argument("--widths", type=int, nargs="+", default=[256, 64, 16])
    parser.add_argument("--steps", type=int, default=5, help="iterations in one measurement")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--processor-time", action="store_true", help="for a machine that others use too")
    asked = parser.parse_args()
    device = use_device({"device": asked.device}, asked.threads)
    clock = time.process_time if asked.processor_time else time.perf_counter
    rows = []
    for width in asked.widths:
        sizes = (width, asked.networks, asked.steps, device)
        seconds = harness.alternate(batched_steps(*sizes), looped_steps(*sizes), asked.repeats, clock=clock)
        ours, baseline = (1000 * value / asked.steps for value in seconds)
        rows.append(
            harness.row(f"{asked.networks} networks of width {width}, an iteration of all", ours, baseline, "ms")
        )
    section = "fits" if device.type == "cpu" else "fits on a GPU"
    harness.publish(section, rows, f"{POINTS} points; the baseline trains one network after the other.")


if __name__ == "__main__":
    main()
