"""The tensors of TorchScript files by their names; of the code in them nothing is read.

Such a file is a zip with the attributes of all modules in `data.pkl`, which refers to the tensors in `data/`, the code
of the modules in `code/` and constants in `constants.pkl`. `torch.jit.load` would compile the code, and torch's reader
of weights alone refuses the whole file. So that reader is given a copy of the attributes and the tensors alone, in
which each module is an empty object with attributes.
"""

import io
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from filterfreq.models.pickles import LISTS_OF_TORCHSCRIPT, TENSORS_ALONE, find_modules, refuse_costly_pickle
from filterfreq.runtime.errors import InputError

_CONSTANTS = "constants.pkl"
_DEEPEST = 50  # modules in modules


class _Module:
    """What a module of the file becomes: its attributes, and no code."""


def _first(value: Any, *_: object) -> Any:
    """Return a list as it is: what it has been annotated with does not matter here."""
    return value


def is_torchscript(path: Path) -> bool:
    """Return whether a file is one that `torch.jit.save` wrote.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        if file.read(4) != b"PK\3\4":
            return False
    with zipfile.ZipFile(path) as archive:
        return any(name.partition("/")[2] == _CONSTANTS for name in archive.namelist())


def read_torchscript(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a TorchScript file by their names, which are those of the state dict it was made from.

    Raises:
        InputError: it would take far more memory or time than its size says, or its tensors have no names any more, as
            after `torch.jit.freeze`.
        Exception: it is damaged.
    """
    copy = io.BytesIO()
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(copy, "w") as tensors:
        root = next(name for name in archive.namelist() if name.partition("/")[2] == _CONSTANTS).partition("/")[0]
        members = [
            member
            for member in archive.infolist()
            if member.filename in (f"{root}/data.pkl", f"{root}/byteorder", f"{root}/version")
            or member.filename.startswith(f"{root}/data/")
        ]
        if sum(member.file_size for member in members) > path.stat().st_size:
            raise InputError(f"{path} unpacks to more than it is large: {TENSORS_ALONE}")
        for member in members:
            tensors.writestr(member.filename, archive.read(member))
        attributes = archive.read(f"{root}/data.pkl")
    refuse_costly_pickle(io.BytesIO(attributes), path, torchscript=True)
    known = [(_Module, name) for name in find_modules(attributes)]
    known += [(_first, f"torch.jit._pickle.{name}") for name in LISTS_OF_TORCHSCRIPT]
    copy.seek(0)
    with torch.serialization.safe_globals(known):
        content = torch.load(copy, map_location="cpu", weights_only=True)
    found = _tensors_of(content, "", ())
    if not found:
        raise InputError(
            f"{path} is a TorchScript file whose tensors have no names, as after torch.jit.freeze: {TENSORS_ALONE}"
        )
    return found


def _tensors_of(module: Any, prefix: str, around: tuple[int, ...]) -> dict[str, Tensor]:
    """Return the tensors among a module's attributes and in the modules in it, by name."""
    if not isinstance(module, _Module) or len(around) > _DEEPEST or id(module) in around:
        return {}
    found: dict[str, Tensor] = {}
    for name, value in vars(module).items():
        if isinstance(value, Tensor):
            found[f"{prefix}{name}"] = value
        else:
            found |= _tensors_of(value, f"{prefix}{name}.", (*around, id(module)))
    return found
