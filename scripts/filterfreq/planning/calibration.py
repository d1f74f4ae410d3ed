"""Measures, within seconds each, what the units of the cost model take on this machine's device."""

import math
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from filterfreq.data.batches import to_images
from filterfreq.data.noise import save_deviations
from filterfreq.evaluation.corruptions.generation import generate
from filterfreq.evaluation.prediction import inference
from filterfreq.models.classifier import Classifier
from filterfreq.models.derivation import changed_tensors
from filterfreq.models.device import describe_device
from filterfreq.models.image_size import check_image_size
from filterfreq.models.registry import build
from filterfreq.models.surgery.registry import apply_surgery
from filterfreq.planning.records import unit_key
from filterfreq.runtime.errors import StoppedError
from filterfreq.runtime.files import write_json
from filterfreq.runtime.schemas import read_record
from filterfreq.training.execution import configured_execution
from filterfreq.training.loop import Trainer
from filterfreq.training.registry import strengths_of
from filterfreq.training.state import StateFile
from filterfreq.training.untrained import build_classifier

# Batches that are not counted: the first ones allocate memory and choose kernels.
_WARM_UP = 2
_BATCHES = 8
_CORRUPTED = 4


class _RandomImages:
    """A data set of noise, as `filterfreq.training.loop.Trainer` reads one."""

    def __init__(self, count: int, unit: Mapping[str, Any], classes: int) -> None:
        self.classes = [str(number) for number in range(classes)]
        self.num_classes = classes
        self.mean, self.std = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
        self._count = {"train": count, "test": 2}
        self._side = {"train": unit["train_size"], "test": unit["image_size"]}
        self._draws = np.random.default_rng(0)

    def images(self, split: str) -> np.ndarray:
        side = self._side[split]
        return self._draws.integers(0, 256, (self._count[split], side, side, 3), dtype=np.uint8)

    def labels(self, split: str) -> np.ndarray:
        return np.arange(self._count[split]) % self.num_classes


def hardware(device: torch.device) -> str:
    """Return the name of a device: the GPU's, or the processor's with the number of threads."""
    name = describe_device(device)
    processors = Path("/proc/cpuinfo")
    if device.type == "cpu" and processors.is_file():
        models = [line for line in processors.read_text(encoding="utf-8").splitlines() if line.startswith("model name")]
        name = f"{models[0].partition(':')[2].strip()}, {name.removeprefix('cpu, ')}" if models else name
    return name


def calibrate(
    units: Sequence[Mapping[str, Any]],
    path: str | Path,
    compute: Mapping[str, Any],
    device: torch.device,
    seconds_to_start: float,
    announce: Callable[[str], None],
) -> None:
    """Measure the units that were not yet measured on a device, and write all that were, on other devices too.

    Each is kept as soon as it is measured, in a file beside `path`, and a run after an interruption goes on from there:
    Snakemake takes what a failed job has written to `path` back.

    Args:
        units: what `filterfreq.planning.costs.CostModel.units` returned.
        path: `results/calibration.json`, for `filterfreq.planning.records.read_calibration`.
        compute: the config's section `compute`.
        device: what `filterfreq.models.device.use_device` returned.
        seconds_to_start: what this process took to start.
        announce: takes a line for each unit.

    Raises:
        InputError: the disk is full, one of the files is damaged, or see `measure`.
    """
    path = Path(path)
    unfinished = path.with_name(f"{path.stem}.unfinished{path.suffix}")
    kept = next((file for file in (unfinished, path) if file.exists()), None)
    content = read_record(kept, "calibration") if kept else {"devices": {}}
    name = hardware(device)
    measured = content["devices"].get(name, {"units": {}})["units"]
    content["devices"][name] = {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds_to_start": round(seconds_to_start, 2),
        "units": measured,
    }
    for number, entry in enumerate(units, 1):
        key = unit_key(entry["unit"])
        if key not in measured:
            measured[key] = measure(entry["unit"], entry["classes"], compute, device)
            write_json(unfinished, content)
        described = ", ".join(f"{value:.3g}" for value in measured[key].values())
        announce(f"{number}/{len(units)}  {key}: {described}")
    write_json(path, {**content, "latest": name})
    unfinished.unlink(missing_ok=True)


def measure(
    unit: Mapping[str, Any], classes: int, compute: Mapping[str, Any], device: torch.device, seconds: float = 2.0
) -> dict[str, float]:
    """Measure one unit of the cost model, on images of noise.

    Args:
        unit: one of `filterfreq.planning.costs.CostModel.units`.
        classes: the number of classes to measure it with.
        compute: the config's section `compute`.
        device: what `filterfreq.models.device.use_device` returned.
        seconds: how long to measure, once warm.

    Returns:
        Medians over batches, in seconds per image: of training `train`, which is the training loop itself with
        augmentation, attack, replays and optimizer; of evaluations `forward` and `backward`, the second being what the
        gradient by the image takes beside the forward pass; of corrupting `corrupt`, all corruptions and severities on
        one core. Training also says `weight_bytes`, the size of the parameters and buffers that are kept, and so do
        derived models, of which that is all.
    """
    match unit["kind"]:
        case "train":
            return _train(unit, classes, compute, device, seconds)
        case "evaluate":
            return _evaluate(unit, classes, device, seconds)
        case "derive":
            return _derive(unit, classes)
        case _:
            return _corrupt(unit)


def _train(
    unit: Mapping[str, Any], classes: int, compute: Mapping[str, Any], device: torch.device, seconds: float
) -> dict[str, float]:
    run = {"dataset": "noise", "model": unit["model"], "variant": "calibration", "seed": 0}
    variant = {
        key: {**value, **strengths_of(key)} if isinstance(value, dict) else value
        for key, value in unit["variant"].items()
    }
    # Never to be reached: `stop` ends the training before.
    epochs = 10**6
    rest = {"epochs": epochs, "learning_rate": 1e-6, "weight_decay": 0.0, "schedule": "step"}
    spec = {"run": run, "variant": variant, "training": {**unit["training"], **rest}}
    batch = unit["training"]["batch_size"] * unit["training"].get("accumulate", 1)
    dataset = _RandomImages(_BATCHES * batch, unit, classes)
    times: list[float] = []

    def stop() -> bool:
        """Note the time before every batch, and stop when there are enough."""
        _wait_for(device)
        times.append(time.perf_counter())
        return len(times) > _WARM_UP + 3 and times[-1] - times[_WARM_UP] > seconds

    with tempfile.TemporaryDirectory() as folder:
        white = Path(folder) / "noise.npy"
        save_deviations(white, np.ones((3, unit["image_size"], unit["image_size"])))
        trainer = Trainer(
            build_classifier(spec, dataset),
            spec,
            dataset,
            configured_execution(compute, device),
            StateFile(Path(folder) / "state.pt", ""),
            stop=stop,
            files=dict.fromkeys(variant, str(white)),
        )
        with suppress(StoppedError):
            trainer.train()
    return {
        "train": _median_interval(times) / batch,
        "weight_bytes": _count_bytes(trainer.result.state_dict().values()),
    }


def _derive(unit: Mapping[str, Any], classes: int) -> dict[str, float]:
    """The size of the tensors that a change leaves not as they were, of random weights."""
    classifier = _untrained(unit["model"], classes)
    before = {name: tensor.clone() for name, tensor in classifier.backbone.state_dict().items()}
    after = apply_surgery(classifier, unit["changes"]).backbone.state_dict()
    return {"weight_bytes": _count_bytes(after[name] for name in changed_tensors(before, after))}


def _untrained(model: str, classes: int) -> Classifier:
    torch.manual_seed(0)
    return Classifier(build(model, classes), (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))


def _count_bytes(tensors: Iterable[torch.Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _evaluate(unit: Mapping[str, Any], classes: int, device: torch.device, seconds: float) -> dict[str, float]:
    batch, side = unit["batch_size"], unit["image_size"]
    classifier = _untrained(unit["model"], classes)
    check_image_size(unit["model"], classifier, side, "noise")
    images = np.random.default_rng(0).integers(0, 256, (batch, side, side, 3), dtype=np.uint8)
    labels = torch.arange(batch, device=device) % classes
    shown = to_images(images, device)

    def forward() -> None:
        with torch.no_grad():
            classifier(to_images(images, device))

    def gradient() -> None:
        leaf = shown.detach().requires_grad_()
        torch.autograd.grad(F.cross_entropy(classifier(leaf), labels, reduction="sum"), leaf)

    with inference(classifier.to(memory_format=torch.channels_last), device):
        once, both = (
            _median_interval([*_repeat(function, device, seconds / 2)]) / batch for function in (forward, gradient)
        )
    return {"forward": once, "backward": max(both - once, 0.0)}


def _corrupt(unit: Mapping[str, Any]) -> dict[str, float]:
    side = unit["image_size"]
    images = np.random.default_rng(0).integers(0, 256, (_CORRUPTED, side, side, 3), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        # Some corruptions prepare themselves or are compiled when they are first called.
        generate(images[:1], Path(folder) / "first", 0, announce=lambda line: None)
        start = time.perf_counter()
        generate(images, Path(folder) / "second", 0, announce=lambda line: None)
        return {"corrupt": (time.perf_counter() - start) / _CORRUPTED}


def _repeat(function: Callable[[], None], device: torch.device, seconds: float) -> Iterator[float]:
    """Call a function again and again, and yield the time before each call and after the last."""
    start = math.inf
    for number in range(10**6):
        _wait_for(device)
        now = time.perf_counter()
        yield now
        start = now if number == _WARM_UP else start
        if number > _WARM_UP + 1 and now - start > seconds:
            return
        function()


def _median_interval(times: list[float]) -> float:
    """The median of the times between two, without the first ones."""
    return median(np.diff(times[_WARM_UP:]).tolist())


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
