"""The one door for weights from outside: third-party files, read without running any code in them."""

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
from filterfreq.models.file_kinds import WHOLE_COPY, check_kind, is_safetensors
from filterfreq.models.pickles import TENSORS_ALONE, refuse_costly
from filterfreq.models.state_dicts import ChosenWeights, choose_weights, find_weights
from filterfreq.models.state_fit import check_fit
from filterfreq.models.state_names import fit_names
from filterfreq.models.torchscript import is_torchscript, read_torchscript
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import reading
from filterfreq.runtime.text import one_line

_MOST_BLOCKS = 200  # of a group, as in the ResNet-1202 of He et al.
# Tensors may share their memory, or repeat a part of it.
_VIEWS = 4
_SMALL = 1 << 30  # bytes
_LONGEST_WORDS = 300  # characters


def read_external_state(
    path: str | Path, weights: str | None = None, remedy: str = WHOLE_COPY
) -> tuple[dict[str, Tensor], str]:
    """Read the tensors of a third-party checkpoint, as `choose_external_state` does.

    Returns:
        Tensors on the CPU by name, and which of the file's they are, in words.

    Raises:
        InputError: as there.
    """
    chosen = choose_external_state(path, weights, remedy)
    return chosen.state, describe(chosen)


def choose_external_state(path: str | Path, weights: str | None = None, remedy: str = WHOLE_COPY) -> ChosenWeights:
    """Read the tensors of a third-party checkpoint without running any code in it.

    The state dict may be the whole file or lie under a key, or under keys in keys (`filterfreq.models.state_dicts`).
    Prefixes that `torch.nn.DataParallel`, `torch.compile` and `torch.optim.swa_utils.AveragedModel` put before all
    names are taken off.

    Args:
        path: safetensors, torch's old or new format, or TorchScript, known by its content and not by its name.
        weights: the key that the state dict lies under, such as "state_dict_ema", "ema.shadow" for a key in a key, or
            "top_level" for tensors under no key; needed where there are several of one model, such as raw and averaged
            weights.
        remedy: what to do about a damaged file, for the message.

    Raises:
        InputError: the file is missing, is damaged, would run code, is small and would take far more memory or time,
            holds no state dict, or several, or none under that key that can be read.
    """
    path = Path(path)
    check_kind(path, remedy)
    with reading(path, remedy):
        content = safetensors.torch.load_file(path) if is_safetensors(path) else read_pickle(path, remedy)
    try:
        return choose_weights(find_weights(content), weights, _VIEWS * path.stat().st_size + _SMALL)
    except InputError as error:
        raise InputError(f"{path} {error}") from error


def describe(chosen: ChosenWeights) -> str:
    """Return which of a file's tensors were chosen, in words."""
    return one_line((chosen.key or "the only ones of the file") + chosen.note, _LONGEST_WORDS)


def read_pickle(path: str | Path, remedy: str = WHOLE_COPY) -> Any:
    """Read a pickle that torch wrote and that holds tensors and plain values alone, without running any code in it.

    Of a TorchScript file it reads the tensors by their names and leaves the rest.

    Args:
        path: the file.
        remedy: what to do about a damaged one, for the message.

    Raises:
        InputError: the file is missing, is damaged, would run code, or is small and would take far more memory or time.
    """
    path = Path(path)
    check_kind(path, remedy)
    with reading(path, remedy):
        torchscript = is_torchscript(path)
        if not torchscript:
            refuse_costly(path)
        with warnings.catch_warnings():
            # torch warns of old storages and of pickle protocols; what it cannot read it refuses.
            warnings.simplefilter("ignore")
            try:
                if torchscript:
                    return read_torchscript(path)
                # Of a file with a name torch would read one that ends with .safetensors as such.
                with open(path, "rb") as file:
                    return torch.load(file, map_location="cpu", weights_only=True)
            except pickle.UnpicklingError as error:  # whose text recommends to read it all the same
                raise InputError(
                    f"{path} is damaged or holds more than tensors, which could run code, and was not loaded: "
                    f"{TENSORS_ALONE}"
                ) from error


def convert_option_a_resnet(
    state: Mapping[str, Tensor], path: str | Path = "the checkpoint"
) -> tuple[str, dict[str, Tensor]]:
    """Rename the tensors of a CIFAR ResNet with option A shortcuts from akamaster/pytorch_resnet_cifar10.

    Its blocks have the names of `CIFARResNet`, and its linear layer is `linear` instead of `fc`. The models were
    trained on images normalised with ImageNet's mean (0.485, 0.456, 0.406) and std (0.229, 0.224, 0.225).

    Args:
        state: what `read_external_state` returns for one of its `.th` files.
        path: that file, for messages.

    Returns:
        The architecture, such as "resnet_20_option_a", and the state dict under that architecture's names.

    Raises:
        InputError: the tensors are not those of such a network.
    """
    renamed = {re.sub(r"^linear\.", "fc.", name): tensor for name, tensor in state.items()}
    remedy = "give a checkpoint of akamaster/pytorch_resnet_cifar10, or leave format: option_a_resnet out"
    blocks = len({name.split(".")[1] for name in renamed if name.startswith("layer1.")})
    width, num_classes = (renamed.get(name, torch.empty(0)).numel() for name in ("bn1.weight", "fc.bias"))
    if not 0 < blocks <= _MOST_BLOCKS or not width or not num_classes:
        raise InputError(f"{path} lacks bn1.weight, layer1 or linear.bias, it is no CIFAR ResNet: {remedy}")
    architecture = f"resnet_{6 * blocks + 2}{'' if width == 16 else f'_{width}'}_option_a"
    with torch.device("meta"):
        expected = registry.build(architecture, num_classes).state_dict()
    renamed, _ = fit_names(renamed, expected)
    check_fit(renamed, expected, path, architecture, remedy)
    return architecture, renamed
