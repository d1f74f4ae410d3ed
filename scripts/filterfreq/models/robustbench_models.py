"""Models of RobustBench (Croce et al., NeurIPS Datasets and Benchmarks 2021), with their own normalisation inside.

Importing robustbench takes seconds and needs torch, so it is imported when a model is built or read, and the names of
its models are read off its source.
"""

from __future__ import annotations

import ast
import contextlib
import difflib
import importlib.metadata
import importlib.util
import io
import re
import sys
import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from filterfreq.runtime.errors import InputError, list_some

if TYPE_CHECKING:
    from torch import nn

CLASSES = {"cifar10": 10, "cifar100": 100, "imagenet": 1000}
"""RobustBench's data sets, with their numbers of classes."""

_HEADINGS = {"CIFAR-10": "cifar10", "CIFAR-100": "cifar100", "ImageNet": "imagenet"}
_ZOO = {"linf": "Linf", "l2": "L2", "common_corruptions": "corruptions"}


@cache
def robustbench_files(dataset: str, threat_model: str) -> dict[str, tuple[str, ...]]:
    """Return RobustBench's models of a data set and a threat model: by name, the Google Drive ids of their weights.

    An ensemble has several. Models without weights of their own there (XCiT, DeiT, AlexNet and the ImageNet ResNet-50
    of torchvision) are left out. Nothing is returned where robustbench is not installed.

    Args:
        dataset: one of `CLASSES`.
        threat_model: "Linf", "L2" or "corruptions".
    """
    spec = importlib.util.find_spec("robustbench")
    if spec is None or spec.origin is None:
        return {}
    source = (Path(spec.origin).parent / "model_zoo" / f"{dataset}.py").read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and _ZOO.get(getattr(node.targets[0], "id", "")) == threat_model:
            entries = (entry.elts for entry in node.value.args[0].elts)
            found = {ast.literal_eval(name): _drive_ids(settings) for name, settings in entries}
            return {name: ids for name, ids in found.items() if ids}
    return {}


class PublishedAccuracies(NamedTuple):
    """What RobustBench, or for a model that it lacks somebody else, has published of a model.

    Attributes:
        clean: accuracy on test images, in [0, 1].
        robust: that under attack, the lowest that was published, AutoAttack's or another's; or on corrupted images;
            None where nobody has measured it.
        norm: linf or l2; empty where images are corrupted, or there is no robust accuracy.
        epsilon: of the attack, as "8/255"; empty likewise.
    """

    clean: float
    robust: float | None
    norm: str
    epsilon: str


@cache
def published_accuracies(dataset: str, threat_model: str) -> dict[str, PublishedAccuracies]:
    """Return what RobustBench has published of its models of a data set and a threat model, by name.

    The installed package has it in tables of its description, a copy of the leaderboard of that release; measured on
    all test images, of ImageNet on 5,000. Nothing is returned where robustbench is not installed.

    Args:
        dataset: one of `CLASSES`.
        threat_model: "Linf", "L2" or "corruptions".
    """
    try:
        description = importlib.metadata.distribution("robustbench").read_text("METADATA") or ""
    except importlib.metadata.PackageNotFoundError:
        return {}
    found: dict[str, PublishedAccuracies] = {}
    heading_dataset, norm, epsilon, columns = "", None, "", []
    for line in description.splitlines():
        if line.startswith("### "):
            heading_dataset, norm = _HEADINGS.get(line[4:].strip(), ""), None
        elif line.startswith("#### "):
            attack = re.fullmatch(r"(Linf|L2), eps=([0-9./]+)", line[5:].strip())
            norm, epsilon = attack.groups() if attack else ("corruptions" if "orruptions" in line else None, "")
        elif line.startswith("|") and (heading_dataset, norm) == (dataset, threat_model):
            cells = [re.sub(r"<[^>]*>|\*", "", cell).strip() for cell in line.split("|")]
            if "Model ID" in cells:
                columns = cells
            elif cells[1].isdigit() and len(cells) == len(columns):
                row = dict(zip(columns, cells, strict=True))
                clean, robust = (float(row[f"{kind} accuracy"].rstrip("%")) / 100 for kind in ("Clean", "Robust"))
                found[row["Model ID"]] = PublishedAccuracies(clean, robust, norm.lower() if epsilon else "", epsilon)
    return found


def _drive_ids(settings: ast.Dict) -> tuple[str, ...]:
    ids = next(
        (
            ast.literal_eval(value)
            for key, value in zip(settings.keys, settings.values, strict=True)
            if ast.literal_eval(key) == "gdrive_id"
        ),
        None,
    )
    return tuple(ids) if isinstance(ids, list) else (ids,) if ids else ()


def check_robustbench_name(dataset: str, threat_model: str, name: str) -> bool:
    """Return True when RobustBench has weights of this name, or when it cannot be known because it is not installed.

    Raises:
        InputError: it has none; the message offers close names.
    """
    if importlib.util.find_spec("robustbench") is None:
        return True
    names = robustbench_files(dataset, threat_model)
    if name in names:
        return True
    where = f"unknown model {name!r}, RobustBench has no such weights for {dataset} and {threat_model}"
    if not names:
        raise InputError(f"{where}, nor any others: choose another data set or threat model")
    close = difflib.get_close_matches(name, names, n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else f"there are {list_some(sorted(names))}"
    raise InputError(f"{where}: {hint}")


def register_autoattack() -> None:
    """Let `import autoattack`, which robustbench does, find pyautoattack: the same code, installed under that name."""
    import pyautoattack
    import pyautoattack.state

    sys.modules["autoattack"] = pyautoattack
    sys.modules["autoattack.state"] = pyautoattack.state


def robustbench_model(_num_classes: int, dataset: str, threat_model: str, name: str) -> nn.Module:
    """Build the architecture of one of RobustBench's models, from images in [0, 1] to logits, without its weights.

    The number of classes is that of its data set.

    Raises:
        InputError: there is no such model.
    """
    check_robustbench_name(dataset, threat_model, name)
    with _importing_quietly():
        from robustbench.model_zoo.enums import BenchmarkDataset, ThreatModel
        from robustbench.model_zoo.models import model_dicts

        return remove_unused(model_dicts[BenchmarkDataset(dataset)][ThreatModel(threat_model)][name]["model"]())


def remove_unused(model: nn.Module) -> nn.Module:
    """Take `sub_block1` out of a model, in place: a group of layers that some WideResNets hold and never call.

    It would count among the spatial filters, and shift the depth of the others. No other of RobustBench's models of
    CIFAR holds convolutions that its forward pass leaves out.
    """
    if hasattr(model, "sub_block1"):
        del model.sub_block1
    return model


def load_robustbench_model(folder: Path, dataset: str, threat_model: str, name: str) -> nn.Module:
    """Return one of RobustBench's models with the weights that lie in a folder as `robustbench_paths` says.

    It is robustbench that reads them, because their layout differs from model to model; it does so by torch.load, so
    the files have to be known to hold nothing that runs (`read_pickle`).

    Raises:
        ValueError, RuntimeError, pickle.UnpicklingError and others: the files are damaged, or hold something else.
    """
    with _importing_quietly():
        from robustbench.utils import load_model

        return remove_unused(load_model(name, model_dir=folder, dataset=dataset, threat_model=threat_model))


def robustbench_paths(dataset: str, threat_model: str, name: str) -> dict[str, str]:
    """Return where robustbench looks for a model's files, in its folder of models, with their Google Drive ids."""
    ids = robustbench_files(dataset, threat_model)[name]
    base = f"{dataset}/{threat_model}/{name}"
    if len(ids) == 1:
        return {f"{base}.pt": ids[0]}
    return {f"{base}_m{number}.pt": drive_id for number, drive_id in enumerate(ids)}


@contextlib.contextmanager
def _importing_quietly():
    """Import robustbench under the conditions that it needs, without its prints and its dependencies' warnings."""
    register_autoattack()
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
