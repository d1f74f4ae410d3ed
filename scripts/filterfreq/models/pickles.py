"""What reading a pickle would take, found out without reading it. Imports no torch.

torch's own reader of weights (`weights_only`) runs no code of the file's, but what it calls can ask for any memory: a
`bytearray` of a number of bytes, `_codecs.encode` of what it has encoded already. And a hundred bytes hold tuples of
tuples of the same tuples, whose hash takes for ever.
"""

import pickletools
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from filterfreq.runtime.errors import InputError, list_some

_PICKLES = 5  # one after the other before the tensors, in torch's format of before 1.6
_MOST_OBJECTS = 10_000_000  # each counted wherever it appears; an optimizer's state of a large model has a hundredth
_DEEPEST = 500
# What lies in the module torch itself: types, sizes, devices; and the storages of tensors that were on a GPU.
_OF_TORCH = re.compile(r"torch \w+|torch\.cuda \w+Storage")
_HARMLESS = {
    "collections OrderedDict",
    "collections Counter",
    "builtins set",
    "builtins complex",
    "__builtin__ set",
    "__builtin__ complex",
    "torch.nn.parameter Parameter",
    "torch.storage TypedStorage",
    "torch.storage UntypedStorage",
    "torch._utils _rebuild_tensor",
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_tensor_v3",
    "torch._utils _rebuild_parameter",
    "torch._utils _rebuild_parameter_with_state",
    "torch._tensor _rebuild_from_type_v2",
}
_MARK = pickletools.markobject
_MODULES = "torch.nn.modules."
_NAMING = ("GLOBAL", "STACK_GLOBAL", "INST", "EXT1", "EXT2", "EXT4")  # what is called then; torch reads the first alone
_KEEPING = ("PUT", "BINPUT", "LONG_BINPUT")
_FETCHING = ("GET", "BINGET", "LONG_BINGET")
_GROWING = ("APPEND", "APPENDS", "SETITEM", "SETITEMS", "BUILD")
TENSORS_ALONE = "give a checkpoint that holds tensors alone, as torch.save(model.state_dict(), FILE) writes it"
"""What to do about a file that holds more."""

LISTS_OF_TORCHSCRIPT = ("build_intlist", "build_doublelist", "build_boollist", "build_tensorlist", "restore_type_tag")
"""The functions of `torch.jit._pickle` that TorchScript writes lists with; they return the list."""

_MODULE_OF_TORCHSCRIPT = re.compile(r"__torch__[.\w]* \w+")


def refuse_costly(path: Path) -> None:
    """Refuse a file of torch's that would call more than what tensors are made by, or is small and takes much.

    Raises:
        InputError: it is one.
        Exception: it is damaged, or no such file.
    """
    with open(path, "rb") as file:
        if file.read(4) == b"PK\3\4":
            _refuse_costly_zip(path)
            return
        file.seek(0)
        for _ in range(_PICKLES):
            refuse_costly_pickle(file, path)


def _refuse_costly_zip(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if not any(member.orig_filename.lower().endswith("data.pkl") for member in members):
            names = list_some((member.filename for member in members), most=3) or "nothing"
            raise InputError(f"{path} is a zip of {names} and was not loaded: {TENSORS_ALONE}")
        # torch stores as it is, and each part once.
        if sum(member.file_size for member in members) > path.stat().st_size:
            raise InputError(f"{path} unpacks to more than it is large: {TENSORS_ALONE}")
        for member in members:
            if member.orig_filename.lower().endswith("data.pkl"):
                with archive.open(member) as stream:
                    refuse_costly_pickle(stream, path)


def find_modules(content: bytes) -> list[str]:
    """Return the types of modules, as `__torch__.torch.nn.modules.conv.Conv2d`, in what TorchScript has pickled."""
    named = {argument for opcode, argument, _ in pickletools.genops(content) if opcode.name == "GLOBAL"}
    return sorted(name.replace(" ", ".") for name in named if _MODULE_OF_TORCHSCRIPT.fullmatch(name))


def refuse_costly_pickle(stream: BinaryIO, path: Path, torchscript: bool = False) -> None:
    """Go through one pickle as its reader would, with the number of objects and the depth in place of each object.

    Args:
        stream: the pickle.
        path: its file, for the message.
        torchscript: whether it may name modules of TorchScript, too.

    Raises:
        InputError: it would call more than what tensors are made by, or is small and takes much.
        Exception: it is damaged.
    """
    stack: list = []
    kept: dict[int, list[int]] = {}
    operations = pickletools.genops(stream)
    for opcode, argument, _ in operations:
        if opcode.name in _NAMING and not _is_harmless(argument, torchscript):
            others = (other for operation, other, _ in operations if operation.name == "GLOBAL")
            name = argument if isinstance(argument, str) else ""
            raise InputError(f"{path} {_explain_code(name, others)}")
        if opcode.name in _KEEPING:
            kept[argument] = stack[-1]
        elif opcode.name in _FETCHING:
            stack.append(kept[argument])
        elif opcode.name == "MARK":
            stack.append(_MARK)
        else:
            parts = _take(stack, opcode.stack_before)
            made = parts.pop(0) if opcode.name in _GROWING else [1, 0]
            made[0] += sum(number for number, _ in parts)
            made[1] = max([made[1], *(depth + 1 for _, depth in parts)])
            if made[0] > _MOST_OBJECTS or made[1] > _DEEPEST:
                raise InputError(f"{path} holds objects within objects, more than tensors need: {TENSORS_ALONE}")
            stack += [made] * len(opcode.stack_after)


def _is_harmless(name: object, torchscript: bool) -> bool:
    """Whether what a pickle names makes tensors and plain values alone."""
    if name in _HARMLESS or _OF_TORCH.fullmatch(str(name)):
        return True
    of_torchscript = {f"torch.jit._pickle {function}" for function in LISTS_OF_TORCHSCRIPT}
    return torchscript and (name in of_torchscript or bool(_MODULE_OF_TORCHSCRIPT.fullmatch(str(name))))


def _explain_code(name: str, others: Iterable[str]) -> str:
    """What a pickle holds that makes more than tensors, and what to save instead.

    Args:
        name: the first thing it names that does; empty where it names it as torch.save does not.
        others: what it names after that.
    """
    shown = name.replace(" ", ".", 1) if name else "in a pickle that torch.save did not write"
    if name.startswith(_MODULES) or any(other.startswith(_MODULES) for other in others):
        return f"holds a whole model, would run code ({shown}) and was not loaded: {TENSORS_ALONE}"
    if name.startswith("numpy") and name.endswith(" _reconstruct"):
        return (
            f"holds arrays of numpy, would run code ({shown}) and was not loaded: save tensors, as "
            "torch.save({name: torch.from_numpy(array) for name, array in arrays.items()}, FILE)"
        )
    return f"would run code ({shown}) and was not loaded: {TENSORS_ALONE}"


def _take(stack: list, before: list) -> list:
    """Take what an opcode takes off the stack, in order."""
    parts: list = []
    count = len(before)
    if _MARK in before:
        count = before.index(_MARK)
        while (part := stack.pop()) is not _MARK:
            parts.insert(0, part)
    return [stack.pop() for _ in range(count)][::-1] + parts
