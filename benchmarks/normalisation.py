"""What normalised convolutions cost in a training step and in evaluation, and the spectra of their weights.

python benchmarks/normalisation.py
python benchmarks/normalisation.py --repeats 1 --threads 1 --methods oni
"""

import argparse
import copy
import resource
import time
from functools import partial

import harness
import torch
from layers import Step, ms
from oracles.conv_norm import released, scale_by_transforms
from oracles.resnet18 import resnet18
from torch import nn

from filterfreq.frequencies.singular_values import circular_norm, padded_size
from filterfreq.models.device import use_device
from filterfreq.models.surgery.composition import compose
from filterfreq.models.surgery.conv_norm import ConvNorm, spectrum_scale
from filterfreq.models.surgery.convolution_normalisation import METHODS, normalise


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--methods", nargs="+", default=METHODS, choices=METHODS, help="others print no rows")
    parser.add_argument("--threads", type=int, default=2, help="1 where other programs run, for which threads wait")
    arguments = parser.parse_args()
    use_device({"device": arguments.device}, arguments.threads)
    torch.manual_seed(0)
    images = torch.rand(arguments.batch_size, 3, 32, 32).to(arguments.device, memory_format=torch.channels_last)
    batch = images, torch.randint(10, (arguments.batch_size,)).to(arguments.device)
    # Seconds of the processor, of which other programs take less.
    alternate = partial(harness.alternate, repeats=arguments.repeats, clock=time.process_time)
    plain_model = resnet18(10)
    rows: list[dict] = []

    def add(what: str, ours: float, baseline: float, unit: str = "ms") -> None:
        rows.append(harness.row(what, ours, baseline, unit))
        print(rows[-1], flush=True)

    if arguments.device == "cpu" and "convnorm" in arguments.methods:
        # First, while the peak of memory is its own.
        for line in spectral_norm_rows(normalise(copy.deepcopy(plain_model), "convnorm", image_size=32)):
            rows.append(line)
            print(line, flush=True)
    plain = Step(plain_model, batch)
    for method in arguments.methods:
        model = normalise(copy.deepcopy(plain_model), method, image_size=32)
        step = Step(model, batch)
        if method == "convnorm":
            add("V of all layers / by padded kernels", *scale_times(model, alternate))
        add(f"step, {method} / plain", *ms(alternate(step, plain)))
        add(f"saved, {method} / plain", step.saved_mb(), plain.saved_mb(), "MB")
        add(f"evaluation, {method} / plain", *evaluation_times(model, plain_model, images, alternate))
        if method == "convnorm":
            oracle = Step(released(copy.deepcopy(model)), batch)
            add("step, convnorm / released form", *ms(alternate(step, oracle)))
            add("saved, convnorm / released form", step.saved_mb(), oracle.saved_mb(), "MB")
    notes = f"ResNet-18, batches of {arguments.batch_size} float32 images of 32x32, AdamW, channels_last, as in jobs."
    harness.publish(
        "normalisation",
        rows,
        f"{notes} Seconds are of the processor, all threads together, and medians of {arguments.repeats} in turns.",
    )


def spectral_norm_rows(model: nn.Module) -> list[dict]:
    """The exact norms of all layers' convolutions on the images that they get: seconds, and memory above the rest."""
    layers = [module for module in model.modules() if isinstance(module, ConvNorm)]
    sizes = [padded_size(layer.kernel_size, (1, 1), layer.height, layer.width) for layer in layers]
    weights = [layer.conv.weight.detach() for layer in layers]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    for weight, size in zip(weights, sizes, strict=True):
        circular_norm(weight, *size)
    seconds = time.process_time() - start
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / 1e6
    largest = max(
        height * (width // 2 + 1) * weight[:, :, 0, 0].numel() * 16e-6
        for weight, (height, width) in zip(weights, sizes, strict=True)
    )
    return [
        {"what": "exact spectral norms of all layers", "ours": f"{seconds:.3g} s", "baseline": "", "ratio": ""},
        harness.row("their memory / matrices of the largest layer", grown, largest, "MB"),
    ]


def scale_times(model: nn.Module, alternate) -> tuple[float, float]:
    """The spectra of all 3 x 3 layers, from Gram matrices and from padded kernels."""
    layers = [module for module in model.modules() if isinstance(module, ConvNorm) and module.kernel_size != (1, 1)]
    sizes = [(layer.conv.weight.detach(), layer.height + 2, layer.width + 2) for layer in layers]
    worst = max(
        float((spectrum_scale(weight.double(), *size) / scale_by_transforms(weight.double(), *size) - 1).abs().max())
        for weight, *size in sizes
    )
    print(f"largest relative difference in float64: {worst:.1e}")

    def all_of(function) -> None:
        for one in sizes:
            function(*one)

    return ms(alternate(partial(all_of, spectrum_scale), partial(all_of, scale_by_transforms)))


def evaluation_times(model: nn.Module, plain: nn.Module, images: torch.Tensor, alternate) -> tuple[float, float]:
    """A network as evaluations load it, against a plain one."""
    composed, other = compose(model).eval(), copy.deepcopy(plain).eval()

    def evaluate(network: nn.Module) -> None:
        with torch.no_grad():
            network(images)

    return ms(alternate(partial(evaluate, composed), partial(evaluate, other)))


if __name__ == "__main__":
    main()
