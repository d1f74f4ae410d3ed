"""What the DCT layers and the penalty cost in a training step and in evaluation (rows 1 to 4).

python benchmarks/layers.py
python benchmarks/layers.py --job
python benchmarks/layers.py --device cuda --batch-size 256
"""

import argparse
import copy
from functools import partial

import harness
import torch
from oracles.decomposition import penalty as penalty_in_loops
from oracles.decomposition import two_stage
from torch import nn
from torch.nn import functional as F

from filterfreq.models import registry
from filterfreq.models.device import use_device
from filterfreq.models.surgery.composition import compose
from filterfreq.models.surgery.decomposition import decompose
from filterfreq.training.interventions.penalty import frequency_penalty

MODELS = {"resnet_20": "ResNet-20", "lowres_resnet9": "ResNet-9"}


class Step:
    """Training steps of one model on one batch."""

    def __init__(self, model: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> None:
        self.images, self.labels = batch
        self.model = model.to(self.images.device, memory_format=torch.channels_last)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-3)

    def __call__(self) -> None:
        """Take one step."""
        self.optimizer.zero_grad()
        F.cross_entropy(self.model(self.images), self.labels).backward()
        self.optimizer.step()
        wait(self.images)

    def saved_mb(self) -> float:
        """MB that autograd keeps for the backward pass, without the parameters themselves."""
        own = {tensor.untyped_storage().data_ptr() for tensor in (*self.model.parameters(), *self.model.buffers())}
        kept = {}

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in own:
                kept[storage.data_ptr()] = storage.nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            loss = F.cross_entropy(self.model(self.images), self.labels)
        del loss
        return sum(kept.values()) / 1e6


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--job", action="store_true", help="set torch and memory as the workflow's jobs do")
    arguments = parser.parse_args()
    if arguments.job:
        use_device({"device": arguments.device}, 2)
    torch.manual_seed(0)
    images = torch.rand(arguments.batch_size, 3, 32, 32).to(arguments.device, memory_format=torch.channels_last)
    batch = images, torch.randint(10, (arguments.batch_size,)).to(arguments.device)
    alternate = partial(harness.alternate, repeats=arguments.repeats)
    rows = []
    for name, label in MODELS.items():
        plain_model = registry.build(name, 10)
        plain = Step(plain_model, batch)
        for decomposition, short in (("weight", "DCT"), ("signal", "DCT (signal)")):
            ours = Step(decompose(copy.deepcopy(plain_model), decomposition), batch)
            rows.append(harness.row(f"step, {label}, {short} / plain", *ms(alternate(ours, plain)), "ms"))
            rows.append(harness.row(f"saved, {label}, {short} / plain", ours.saved_mb(), plain.saved_mb(), "MB"))
        if name == "resnet_20":
            slow = Step(two_stage(copy.deepcopy(ours.model)), batch)
            rows.append(harness.row(f"step, {label}, DCT (signal) / two-stage", *ms(alternate(ours, slow)), "ms"))
            rows.append(
                harness.row(f"saved, {label}, DCT (signal) / two-stage", ours.saved_mb(), slow.saved_mb(), "MB")
            )
        rows += penalty_rows(ours, label, arguments)
        rows.append(evaluation_row(ours, label, alternate))
    batch_size = f"Batches of {arguments.batch_size} float32 images of 32x32; steps are with AdamW, channels_last."
    section = "layers on a GPU" if arguments.device != "cpu" else "layers in a job" if arguments.job else "layers"
    harness.publish(section, rows, batch_size)


def penalty_rows(step: Step, label: str, arguments: argparse.Namespace) -> list[dict]:
    """The penalty on all layers against the loop over coefficients, and against the whole step."""
    rows = []

    def penalty(function, *settings) -> None:
        step.model.zero_grad()
        function(step.model, *settings).backward()
        wait(step.images)

    for kind in ("highest", "all"):
        ours = partial(penalty, frequency_penalty, kind, 0.01, "all")
        loops = partial(penalty, penalty_in_loops, kind, 0.01)
        times = ms(harness.alternate(ours, loops, 5 * arguments.repeats))
        rows.append(harness.row(f"penalty `{kind}`, {label} / loops", *times, "ms"))
        times = ms(harness.alternate(ours, step, arguments.repeats))
        rows.append(harness.row(f"penalty `{kind}`, {label} / step", *times, "ms"))
    return rows


def evaluation_row(step: Step, label: str, alternate) -> dict:
    """A decomposed model as evaluations load it, against a plain one."""
    composed = compose(step.model).eval()
    plain = registry.build({label: name for name, label in MODELS.items()}[label], 10)
    plain = plain.to(step.images.device, memory_format=torch.channels_last).eval()

    def evaluate(model: nn.Module) -> None:
        with torch.no_grad():
            model(step.images)
        wait(step.images)

    times = ms(alternate(partial(evaluate, composed), partial(evaluate, plain)))
    return harness.row(f"evaluation, {label}, decomposed / plain", *times, "ms")


def ms(seconds: tuple[float, float]) -> tuple[float, float]:
    """Seconds in milliseconds."""
    return seconds[0] * 1e3, seconds[1] * 1e3


def wait(tensor: torch.Tensor) -> None:
    """Wait until a GPU has done what it was told."""
    if tensor.is_cuda:
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
