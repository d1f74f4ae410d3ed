"""The names in a state dict from outside, and those that a network expects."""

import re
from collections.abc import Collection, Mapping

import torch
from torch import Tensor

from filterfreq.models.state_dicts import quote_for_yaml, strip_prefixes
from filterfreq.models.state_fit import COUNTERS, SHOWN
from filterfreq.runtime.errors import InputError, list_some, unknown_name

_WRAPPERS = ("module", "_orig_mod")  # where torch wraps a part of a network: of DataParallel, of torch.compile
_OF_PROFILERS = ("total_ops", "total_params")  # thop leaves them in each layer
_MOST_PARTS = 40  # that a renaming is looked for


def rename_parts(state: Mapping[str, Tensor], rename: Mapping[str, str]) -> dict[str, Tensor]:
    """Return a state dict with parts of its names renamed, all of them at once.

    Args:
        state: tensors by name.
        rename: what stands between dots, one part or several, as `{"downsample.0": "shortcut.conv"}`, wherever it is.

    Raises:
        InputError: no name has such a part, or two tensors get one name. The sentence goes on after the file's name.
    """
    longest_first = "|".join(re.escape(part) for part in sorted(rename, key=len, reverse=True))
    pattern = re.compile(rf"(?<![^.])(?:{longest_first})(?![^.])")
    used: set[str] = set()
    renamed: dict[str, Tensor] = {}
    for name, tensor in state.items():
        used.update(pattern.findall(name))
        new = pattern.sub(lambda match: rename[match[0]], name)
        if new in renamed:
            raise InputError(f"has two tensors that rename calls {new}: rename only one of them, by more of its name")
        renamed[new] = tensor
    for part in rename:
        if part not in used:
            known = dict.fromkeys(known for name in state for known in name.split("."))
            raise InputError(f"has other names than rename says: {unknown_name('part of a name', part, known)}")
    return renamed


def fit_names(state: dict[str, Tensor], expected: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], str]:
    """Return a state dict under the expected names, where these follow from its own.

    What stands before all names (Lightning's `model.`) is taken off, and so is what torch puts before the names of a
    part of a network that is wrapped. Counters of batches, which say nothing in eval mode, need not be there, and those
    of profilers are left out.

    Args:
        state: tensors by name.
        expected: those of the network.

    Returns:
        The state dict, as it was where its names do not fit in any of these ways, and what was done beyond prefixes, in
        words; empty where nothing was.
    """
    own = {name: tensor for name, tensor in state.items() if name in expected or not name.endswith(_OF_PROFILERS)}
    without = {".".join(part for part in name.split(".") if part not in _WRAPPERS): own[name] for name in own}
    candidates = [own, strip_prefixes(own)]
    if len(without) == len(own):
        candidates += [without, strip_prefixes(without)]
    for found in candidates:
        lacking = [name for name in expected if name not in found]
        if found.keys() <= expected.keys() and all(name.endswith(COUNTERS) for name in lacking):
            filled = {name: found[name] if name in found else torch.tensor(0) for name in expected}
            return filled, ", without counters of batches" if lacking else ""
    return state, ""


def suggest_remedy(state: dict[str, Tensor], expected: Mapping[str, Tensor], key: str) -> str | None:
    """Return what to write into a checkpoint's entry so that its state dict fits, where something is found.

    Args:
        state: tensors by name, which do not fit.
        expected: those of the network.
        key: the keys that lead to the state dict in its file; empty where the file holds nothing else.
    """
    for first in dict.fromkeys(name.partition(".")[0] for name in state):
        below = {name.removeprefix(f"{first}."): state[name] for name in state if name.startswith(f"{first}.")}
        if fits(below, expected):
            others = [name for name in state if not name.startswith(f"{first}.")]
            asked = quote_for_yaml(".".join(part for part in (key, first) if part))
            return f"to leave out {list_some(others, most=SHOWN)}, write weights: {asked} in the checkpoint's entry"
    rename = _find_renaming(strip_prefixes(state), expected)
    if rename and fits(rename_parts(state, rename), expected):
        pairs = ", ".join(f"{quote_for_yaml(old)}: {quote_for_yaml(new)}" for old, new in rename.items())
        return f"if these are the same layers, write rename: {{{pairs}}} in the checkpoint's entry"
    return None


def fits(state: dict[str, Tensor], expected: Mapping[str, Tensor]) -> bool:
    """Return whether a state dict has the expected names, as `fit_names` finds them, and shapes."""
    fitted, _ = fit_names(state, expected)
    return fitted.keys() == expected.keys() and all(fitted[name].shape == expected[name].shape for name in expected)


def _find_renaming(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, str]:
    """Return parts of names by what they are called in the network: each pair makes the most tensors fit.

    Empty where two pairs would do as well for the same part: nothing says then which is meant.
    """
    rename: dict[str, str] = {}
    shapes = {(name, tensor.shape) for name, tensor in expected.items()}
    wanted = {name for name in expected if not name.endswith(COUNTERS)}
    found = dict(state)
    while unknown := found.keys() - expected.keys():
        olds, news = _parts(unknown) - _parts(expected), _parts(wanted - found.keys()) - _parts(found)
        if not olds or not news or max(len(olds), len(news)) > _MOST_PARTS:
            return {}
        gains = {
            (old, new): len({(name, found[own].shape) for own, name in _renamed(found, old, new).items()} & shapes)
            for old in sorted(olds)
            for new in sorted(news)
        }
        best = [pair for pair, gain in gains.items() if gain == max(gains.values())]
        if len({old for old, _ in best}) < len(best) or len({new for _, new in best}) < len(best):
            return {}
        rename[best[0][0]] = best[0][1]
        found = {name: found[own] for own, name in _renamed(found, *best[0]).items()}
    return rename


def _parts(names: Collection[str]) -> set[str]:
    return {part for name in names for part in name.split(".")}


def _renamed(names: Collection[str], old: str, new: str) -> dict[str, str]:
    return {name: ".".join(new if part == old else part for part in name.split(".")) for name in names}
