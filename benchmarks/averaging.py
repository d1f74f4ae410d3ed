"""A post-averaged prediction against its bare forward passes and against the plain loop, and the memory that it takes.

python benchmarks/averaging.py
"""

import argparse
import multiprocessing
import re
from pathlib import Path

import harness
import torch
from oracles.averaging import post_average

from filterfreq.models import registry
from filterfreq.models.averaging.classifier import AveragedClassifier
from filterfreq.models.classifier import Classifier
from filterfreq.models.device import use_device
from filterfreq.models.surgery.post_averaging import post_averaging

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
RADIUS, LENGTHS = 6.0, [2.0, 4.0, 6.0]


def averaged(model: str, directions: str, count: int) -> AveragedClassifier:
    """An untrained network, averaged."""
    torch.manual_seed(0)
    network = Classifier(registry.build(model, 10), MEAN, STD).eval().requires_grad_(False)
    return post_averaging(network, directions, count, radius=RADIUS).eval()


def make_images(count: int) -> torch.Tensor:
    """Images in [0, 1], in the memory format that evaluations have."""
    return torch.rand(count, 3, 32, 32).contiguous(memory_format=torch.channels_last)


def peak_memory(model: str, count: int, images: int, gradient: bool) -> float:
    """The largest resident set of a process that averages over K directions, in MB."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_average_and_measure, (model, count, images, gradient))


def _average_and_measure(model: str, count: int, images: int, gradient: bool) -> float:
    use_device({"device": "cpu"}, 1)
    classifier, shown = averaged(model, "random", count), make_images(images).requires_grad_(gradient)
    with torch.set_grad_enabled(gradient):
        logits = classifier(shown)
        if gradient:
            logits[:, 0].sum().backward()
    # Of this process alone; what getrusage says is never below what its parent had.
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text()).group(1)) / 1024


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="resnet_20")
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--count", type=int, default=15, help="of random directions")
    parser.add_argument("--units", type=int, default=10, help="of approx, at most as many as the linear layers have")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    use_device({"device": arguments.device}, arguments.threads)
    images = make_images(arguments.images).to(arguments.device)
    rows = []
    with torch.no_grad():
        for directions, count in (("random", arguments.count), ("approx", arguments.units)):
            passes = 6 * count + 1
            classifier = averaged(arguments.model, directions, count).to(arguments.device)
            network = Classifier(classifier.backbone, MEAN, STD).eval().to(arguments.device)

            def predict(classifier=classifier) -> None:
                classifier.seed_draws(0)
                classifier(images).argmax(dim=1).cpu()

            def bare(network=network, passes=passes) -> None:
                for _ in range(passes):
                    answered = network(images).argmax(dim=1)
                answered.cpu()

            seconds = harness.alternate(predict, bare, arguments.repeats)
            rows.append(harness.row(f"{directions}, K = {count} / {passes} bare forward passes", *seconds, "s"))
            if directions == "random":
                classifier.seed_draws(0)
                [(offsets, _)] = classifier.next_offsets(images)

                def plain(network=network, offsets=offsets) -> None:
                    post_average(network, images, offsets, LENGTHS).argmax(dim=1).cpu()

                classifier.seed_draws(0)
                difference = (classifier(images).exp() - post_average(network, images, offsets, LENGTHS)).abs().max()
                assert difference < 1e-5, f"the plain loop differs by {difference}"
                seconds = harness.alternate(predict, plain, arguments.repeats)
                rows.append(harness.row(f"{directions}, K = {count} / the plain loop", *seconds, "s"))
    for gradient in (False, True):
        many, few = (peak_memory(arguments.model, count, 16, gradient) for count in (50, 5))
        what = "peak memory, with its gradient" if gradient else "peak memory"
        rows.append(harness.row(f"{what}, K = 50 / K = 5", many, few, "MB"))
    notes = (
        f"{arguments.model}, {arguments.images} images of 32x32 in one batch; the plain loop has its directions given. "
        "Memory is that of a CPU process with its libraries, of 16 images."
    )
    harness.publish("averaging", rows, notes)


if __name__ == "__main__":
    main()
