"""What normalised convolutions cost in a training step and in evaluation, and the spectra of their weights.

python benchmarks/normalisation.py
python benchmarks/normalisation.py --repeats 3
"""

import argparse
import copy
from functools import partial

import harness
import torch
from layers import Step, ms
from oracles.conv_norm import released, scale_by_transforms
from oracles.resnet18 import resnet18
from torch import nn

from filterfreq.models.surgery.composition import compose
from filterfreq.models.surgery.conv_norm import ConvNorm, spectrum_scale
from filterfreq.models.surgery.convolution_normalisation import normalise


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    images = torch.rand(arguments.batch_size, 3, 32, 32).to(arguments.device, memory_format=torch.channels_last)
    batch = images, torch.randint(10, (arguments.batch_size,)).to(arguments.device)
    alternate = partial(harness.alternate, repeats=arguments.repeats)
    plain_model = resnet18(10)
    models = {
        method: normalise(copy.deepcopy(plain_model), method, image_size=32)
        for method in ("convnorm", "oni", "own", "spectral")
    }
    plain = Step(plain_model, batch)
    rows = [scale_row(models["convnorm"], arguments.device, alternate)]
    for method, model in models.items():
        step = Step(model, batch)
        rows.append(harness.row(f"step, {method} / plain", *ms(alternate(step, plain)), "ms"))
        rows.append(harness.row(f"saved, {method} / plain", step.saved_mb(), plain.saved_mb(), "MB"))
        rows.append(evaluation_row(method, model, plain_model, images, alternate))
    oracle = Step(released(copy.deepcopy(models["convnorm"])), batch)
    ours = Step(models["convnorm"], batch)
    rows.append(harness.row("step, convnorm / released form", *ms(alternate(ours, oracle)), "ms"))
    rows.append(harness.row("saved, convnorm / released form", ours.saved_mb(), oracle.saved_mb(), "MB"))
    notes = f"ResNet-18, batches of {arguments.batch_size} float32 images of 32x32, AdamW, channels_last."
    harness.publish("normalisation", rows, f"{notes} Other programs ran on the machine's two cores beside.")


def scale_row(model: nn.Module, device: str, alternate) -> dict:
    """The spectra of all 3 x 3 layers, from Gram matrices and from padded kernels."""
    layers = [module for module in model.modules() if isinstance(module, ConvNorm) and module.kernel_size != (1, 1)]
    sizes = [(layer.conv.weight.detach().to(device), layer.height + 2, layer.width + 2) for layer in layers]
    worst = max(
        float((spectrum_scale(weight.double(), *size) / scale_by_transforms(weight.double(), *size) - 1).abs().max())
        for weight, *size in sizes
    )
    print(f"largest relative difference in float64: {worst:.1e}")

    def all_of(function) -> None:
        for one in sizes:
            function(*one)

    times = ms(alternate(partial(all_of, spectrum_scale), partial(all_of, scale_by_transforms)))
    return harness.row("V of all layers / by padded kernels", *times, "ms")


def evaluation_row(method: str, model: nn.Module, plain: nn.Module, images: torch.Tensor, alternate) -> dict:
    """A network as evaluations load it, against a plain one."""
    composed, other = compose(model).eval(), copy.deepcopy(plain).eval()

    def evaluate(network: nn.Module) -> None:
        with torch.no_grad():
            network(images)

    times = ms(alternate(partial(evaluate, composed), partial(evaluate, other)))
    return harness.row(f"evaluation, {method} / plain", *times, "ms")


if __name__ == "__main__":
    main()
