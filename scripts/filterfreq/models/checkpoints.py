"""Checkpoints: `model.safetensors` with `run.json` beside it, and the one door for pickles from outside."""

import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from filterfreq.models import registry
from filterfreq.models.classifier import Classifier
from filterfreq.models.pickles import refuse_costly
from filterfreq.models.state_dicts import choose_weights, find_weights
from filterfreq.models.surgery import decomposition
from filterfreq.models.surgery.registry import apply_surgery
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import reading, replacing, sha256, write_json
from filterfreq.runtime.schemas import read_record
from filterfreq.runtime.text import one_line

WEIGHTS_FILE = "model.safetensors"
RECORD_FILE = "run.json"

_DOWNLOAD_AGAIN = "download it again"
_MOST_BLOCKS = 200  # of a group, as in the ResNet-1202 of He et al.
# Tensors may share their memory, or repeat a part of it.
_VIEWS = 4
_SMALL = 1 << 30  # bytes
_LONGEST_WORDS = 300  # characters


def save_checkpoint(folder: str | Path, classifier: Classifier, record: dict) -> None:
    """Write `model.safetensors` and then `run.json`, each whole or not at all.

    The weights are the backbone's state dict, under the architecture's own names, with `coefficients` where a layer is
    decomposed. Equal weights give equal bytes.

    Args:
        folder: the run's folder, made when it is missing.
        classifier: the trained model, on any device.
        record: JSON-ready; holds "run" (dataset, model, variant, seed) and "classifier" (architecture, num_classes,
            mean, std, and decomposition: None, "weight" or "signal"), and of a derived run "derived" (the settings of
            its surgery), from which `load_checkpoint` rebuilds the model, and whatever else is known of the run.
            "checkpoint" (file, sha256) is added in the file.

    Raises:
        InputError: a weight is not finite, or the disk is full.
    """
    folder = Path(folder)
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in classifier.backbone.state_dict().items()}
    _check_finite(state, f"the model of {folder}", "train with a lower learning_rate, or take other weights")
    with replacing(folder / WEIGHTS_FILE) as temporary:
        # safetensors writes metadata in no fixed order, so there is at most this one key; and its own save_file would
        # hide a full disk behind an error of its own.
        temporary.write_bytes(safetensors.torch.save(state, metadata={"format": "pt"}))
    checkpoint = {"file": WEIGHTS_FILE, "sha256": sha256(folder / WEIGHTS_FILE)}
    write_json(folder / RECORD_FILE, record | {"checkpoint": checkpoint})


def load_checkpoint(path: str | Path, compose: bool = True) -> tuple[Classifier, dict]:
    """Rebuild the classifier that `save_checkpoint` wrote.

    Args:
        path: the run's `run.json`.
        compose: return plain convolutions with the same outputs instead of DCT layers.

    Returns:
        The classifier on the CPU in eval mode, and the record.

    Raises:
        InputError: one of the two files is missing or damaged, the weights do not have the recorded checksum, are not
            finite or do not fit the recorded architecture, or the architecture is unknown.
    """
    path = Path(path)
    record = read_record(path, "run")
    settings, checkpoint = record["classifier"], record["checkpoint"]
    architecture = settings["architecture"]
    weights = path.parent / checkpoint["file"]
    try:
        with reading(path, "delete it and run again"):
            backbone = registry.build(architecture, settings["num_classes"])
            if settings["decomposition"] is not None:
                backbone = decomposition.decompose(backbone, settings["decomposition"])
            classifier = Classifier(backbone, settings["mean"], settings["std"])
            # What was made of another model may have other layers; the weights in them come after this.
            classifier = apply_surgery(classifier, record.get("derived", {}))
    except InputError as error:
        raise InputError(f"{path} names a model that cannot be built: {error}") from error
    state = _read_weights(weights, checkpoint["sha256"], path)
    remedy = "delete it and run again, or correct the record beside it"
    check_fit(state, classifier.backbone.state_dict(), weights, architecture, remedy)
    _check_finite(state, str(weights), "delete it and run again")
    classifier.backbone.load_state_dict(state)
    if compose:
        classifier.backbone = decomposition.compose(classifier.backbone)
    return classifier.eval(), record


def read_external_state(path: str | Path, weights: str | None = None) -> tuple[dict[str, Tensor], str]:
    """Read the tensors of a third-party checkpoint without running any code in it.

    The state dict may be the whole file or lie under a key, or under keys in keys (`filterfreq.models.state_dicts`).
    Prefixes that `torch.nn.DataParallel`, `torch.compile` and `torch.optim.swa_utils.AveragedModel` put before all
    names are taken off.

    Args:
        path: a safetensors file, or a `.pt`, `.pth`, `.th` or `.bin` file in torch's old or new format.
        weights: the key that the state dict lies under, such as "state_dict_ema", "ema.shadow" for a key in a key, or
            "top_level" for tensors under no key; needed where there are several of one model, such as raw and averaged
            weights.

    Returns:
        Tensors on the CPU by name, and which of the file's they are, in words.

    Raises:
        InputError: the file is missing, is damaged, would run code, is small and would take far more memory or time,
            holds no state dict, or several, or none under that key that can be read.
    """
    path = Path(path)
    if path.suffix == ".safetensors":
        with reading(path, _DOWNLOAD_AGAIN):
            content = safetensors.torch.load_file(path)
    else:
        content = read_pickle(path)
    try:
        chosen = choose_weights(find_weights(content), weights, _VIEWS * path.stat().st_size + _SMALL)
    except InputError as error:
        raise InputError(f"{path} {error}") from error
    return chosen.state, one_line((chosen.key or "the only ones of the file") + chosen.note, _LONGEST_WORDS)


def read_pickle(path: str | Path) -> Any:
    """Read a pickle that torch wrote and that holds tensors and plain values alone, without running any code in it.

    Raises:
        InputError: the file is missing, is damaged, would run code, or is small and would take far more memory or time.
    """
    path = Path(path)
    with reading(path, _DOWNLOAD_AGAIN):
        refuse_costly(path)
        with warnings.catch_warnings():
            # torch warns of old storages and of pickle protocols; what it cannot read it refuses.
            warnings.simplefilter("ignore")
            try:
                return torch.load(path, map_location="cpu", weights_only=True)
            except pickle.UnpicklingError as error:  # whose text recommends to read it all the same
                raise InputError(
                    f"{path} is damaged or holds more than tensors, which could run code, and was not loaded: give a "
                    "checkpoint that holds tensors alone"
                ) from error


def convert_option_a_resnet(state: Mapping[str, Tensor]) -> tuple[str, dict[str, Tensor]]:
    """Rename the tensors of a CIFAR ResNet with option A shortcuts from akamaster/pytorch_resnet_cifar10.

    Its blocks have the names of `CIFARResNet`, and its linear layer is `linear` instead of `fc`. The models were
    trained on images normalised with ImageNet's mean (0.485, 0.456, 0.406) and std (0.229, 0.224, 0.225).

    Args:
        state: what `read_external_state` returns for one of its `.th` files.

    Returns:
        The architecture, such as "resnet_20_option_a", and the state dict under that architecture's names.

    Raises:
        InputError: the tensors are not those of such a network.
    """
    renamed = {re.sub(r"^linear\.", "fc.", name): tensor for name, tensor in state.items()}
    remedy = "give a checkpoint of akamaster/pytorch_resnet_cifar10"
    blocks = len({name.split(".")[1] for name in renamed if name.startswith("layer1.")})
    width, num_classes = (renamed.get(name, torch.empty(0)).numel() for name in ("bn1.weight", "fc.bias"))
    if not 0 < blocks <= _MOST_BLOCKS or not width or not num_classes:
        raise InputError(f"the checkpoint lacks bn1.weight, layer1 or linear.bias, it is no CIFAR ResNet: {remedy}")
    architecture = f"resnet_{6 * blocks + 2}{'' if width == 16 else f'_{width}'}_option_a"
    with torch.device("meta"):
        expected = registry.build(architecture, num_classes).state_dict()
    # Files of torch before 0.4.1 lack the counters, which say nothing in eval mode.
    counters = {name: torch.tensor(0) for name in expected if name.endswith("num_batches_tracked")}
    renamed = counters | renamed
    check_fit(renamed, expected, "the checkpoint", architecture, remedy)
    return architecture, renamed


def _read_weights(weights: Path, checksum: str, record: Path) -> dict[str, Tensor]:
    if not weights.is_file():
        raise InputError(f"{weights} is missing, though {record} names it: delete that and run again")
    with reading(weights, "delete it and run again"):
        if sha256(weights) != checksum:
            raise InputError(
                f"{weights} is truncated or was changed, its SHA-256 is not the one in {record}: "
                "delete it and run again"
            )
        return safetensors.torch.load_file(weights)


def _check_finite(state: Mapping[str, Tensor], what: str, remedy: str) -> None:
    """Refuse weights of which evaluations would make an accuracy as of any others.

    Raises:
        InputError: one is infinite or no number.
    """
    for name, tensor in state.items():
        if not tensor.isfinite().all():
            raise InputError(f"{what} has numbers that are not finite, in {name}: {remedy}")


def check_fit(
    state: dict[str, Tensor], expected: dict[str, Tensor], weights: Path | str, architecture: str, remedy: str
) -> None:
    """Refuse a state dict whose names or shapes are not the expected ones, in a sentence that ends with `remedy`.

    Raises:
        InputError: it does not fit.
    """
    problems = [f"no {name}" for name in expected if name not in state]
    problems += [f"unknown {name}" for name in state if name not in expected]
    problems += [
        f"{name} of shape {list(state[name].shape)} instead of {list(tensor.shape)}"
        for name, tensor in expected.items()
        if name in state and state[name].shape != tensor.shape
    ]
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise InputError(f"{weights} does not fit {architecture} ({', '.join(problems[:3])}{more}): {remedy}")
