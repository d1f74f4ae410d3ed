"""Which state dict of a checkpoint is meant: raw and averaged weights lie beside each other in many layouts."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from filterfreq.runtime.errors import InputError, list_some

TOP_LEVEL = "top_level"  # the word for tensors that lie under no key
_USUAL_KEYS = ("state_dict", "model_state_dict", "model", TOP_LEVEL)
_DEEPEST = 20  # keys that lead to a state dict
_WRAPPERS = ("module.", "_orig_mod.")  # of DataParallel, DistributedDataParallel and AveragedModel; of torch.compile
_NUMBER_OF_AVERAGED = "n_averaged"  # in the state of torch.optim.swa_utils.AveragedModel
_BUFFERS = ("running_mean", "running_var", "num_batches_tracked")  # of batch normalisation
_AVERAGES = ("ema", "average", "avg", "swa", "shadow", "teacher")  # in the names of modules that hold some
_OF_OPTIMIZERS = ("state", "slow_state", "param_groups")  # of torch and of Lookahead: moments have parameters' shapes


class Weights(NamedTuple):
    """Tensors of a checkpoint that may be a model's.

    Attributes:
        tensors: by name, or by number where they lie in a list.
        named: whether they have names.
        is_complete: whether they are a state dict whatever else the file holds; others are meant only beside one that
            they resemble.
    """

    tensors: dict[str, Tensor]
    named: bool
    is_complete: bool


class ChosenWeights(NamedTuple):
    """The state dict that is meant.

    Attributes:
        key: the keys that lead to it; empty where the file holds nothing else.
        state: its tensors by the model's own names.
        note: what was done to read it, in words; empty where nothing was.
    """

    key: str
    state: dict[str, Tensor]
    note: str


def find_weights(content: Any) -> dict[str, Weights]:
    """Return the tensors of a checkpoint that may be a model's, by the keys that lead to them, without optimizers'.

    Plain values among tensors are left out. Where the names in one state dict say that it holds two, as `ema_model.*`
    beside `online_model.*` or `ema.*` beside the same names without it, each is one of its own.

    Args:
        content: what torch.load or safetensors returned.

    Raises:
        InputError: no tensors have names. The sentence goes on after the name of the file.
    """
    found = {}
    for key, weights in _collect_weights(content, "", False, ()).items():
        parts = _parts(weights.tensors) if weights.named else {"": weights.tensors}
        for part, tensors in parts.items():
            found[f"{key}.{part}".strip(".") or TOP_LEVEL] = weights._replace(tensors=tensors)
    if not any(weights.named for weights in found.values()):
        raise InputError(
            f"holds {_describe(content)} and no state dict: give the model's tensors by their names, as "
            "torch.save(model.state_dict(), FILE) writes them"
        )
    return found


def choose_weights(found: Mapping[str, Weights], asked: str | None, largest: int) -> ChosenWeights:
    """Return the state dict to read, where only one can be meant.

    Averaged weights are often kept for the parameters alone, or as a list. These get the names, and the running
    statistics of batch normalisation, of the state dict beside them.

    Args:
        found: what `find_weights` returned.
        asked: the key of the one to read, which may end with the beginning of the names there; or None.
        largest: bytes that the tensors may take, as far as the file can hold them.

    Raises:
        InputError: several can be meant, the one that is asked for is not there or cannot be read, or
            one claims more bytes. The sentence goes on after the name of the file.
    """
    reference = _reference(found)
    found = {**found, **_nested_weights(found, reference)}
    meant = [key for key, weights in found.items() if key == reference or _resemble(found[reference], weights)]
    if reference not in _USUAL_KEYS:
        # None has a usual name, and then also those of another network may be meant.
        meant = [key for key, weights in found.items() if key in meant or weights.is_complete]
    whole = dict(found) if asked is None or asked in found else dict(found) | _weights_below(found, asked)
    for key in {*meant, asked or reference} & whole.keys():
        claimed = sum(tensor.numel() * tensor.element_size() for tensor in whole[key].tensors.values())
        if claimed > largest:
            raise InputError(f"claims tensors of {claimed} bytes, more than the file can hold: take another file")
    if asked is not None and asked not in whole:
        there = "it is one state dict, leave weights out" if [*found] == [TOP_LEVEL] else f"it has {list_some(meant)}"
        raise InputError(f"has no weights {asked!r}: {there}")
    read = {key: _read(whole[key], found[reference], reference) for key in dict.fromkeys([*meant, asked or reference])}
    if asked is None:
        first = read[reference].state
        several = [key for key in meant if key == reference or not (read[key] and _are_equal(read[key].state, first))]
        if len(several) > 1:
            names = strip_prefixes(first).keys()
            example = [key for key in several if read[key] and names <= strip_prefixes(read[key].state).keys()][-1]
            raise InputError(
                f"has several weights, {list_some(several)}: say in the checkpoint's entry which to read, as in "
                f"weights: {quote_for_yaml(example)}"
            )
    key = asked or reference
    if read[key] is None:
        raise InputError(
            f"has the weights {key} without names, and not as many or not of the shapes of the parameters in "
            f"{reference}: give weights: {quote_for_yaml(reference)}, or a file that has them under their names"
        )
    return read[key]._replace(key="" if [*found] == [key] == [TOP_LEVEL] else key)


def strip_prefixes(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a state dict without what stands before all names."""
    state, _ = _unwrap(state)
    while len(firsts := {_first_part(name) for name in state}) == 1 and all("." in name for name in state):
        prefix = f"{firsts.pop()}."
        state = {name.removeprefix(prefix): tensor for name, tensor in state.items()}
    return state


def quote_for_yaml(text: str) -> str:
    """Return a text as YAML reads it again, in quotes where it needs them."""
    return text if re.fullmatch(r"[A-Za-z_][\w.-]*", text) else json.dumps(text)


def _describe(content: Any) -> str:
    """What a file without a state dict holds, in words."""
    match content:
        case Tensor():
            return f"one tensor of shape {list(content.shape)}"
        case Mapping() if "param_groups" in content:
            return "the state of an optimizer"
        case Mapping() if content:
            return f"a dict with {list_some(map(str, content), most=3)}"
        case list() | tuple() if content:
            return f"a list of {len(content)} {'tensors' if all(map(_is_tensor, content)) else 'objects'}"
    return "nothing" if isinstance(content, Mapping | list | tuple) else f"a value of type {type(content).__name__}"


def _collect_weights(content: Any, key: str, is_optimizer: bool, around: tuple[int, ...]) -> dict[str, Weights]:
    """Return the tensors in a dict or list and in those inside it, by the keys that lead there.

    Args:
        content: anything.
        key: the keys that lead to it.
        is_optimizer: whether one of these says that it is an optimizer's.
        around: the ids of what it lies in; a pickle can hold what lies in itself.
    """
    if len(around) > _DEEPEST or id(content) in around:
        return {}
    if isinstance(content, Mapping):
        entries = list(content.items())
    elif isinstance(content, list | tuple):
        pairs = bool(content) and all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in content)
        pairs = pairs and all(isinstance(pair[0], str) for pair in content)  # as named_parameters() gives them
        entries = list(content if pairs else enumerate(content))
    else:
        return {}
    if any(_first_part(name) == "param_groups" for name, _ in entries):
        entries = [
            (name, value)
            for name, value in entries
            if isinstance(name, str) and _first_part(name) not in _OF_OPTIMIZERS
        ]
    inside: dict[str, Weights] = {}
    for name, value in entries:
        below = f"{key}.{name}" if around else str(name)
        inside |= _collect_weights(value, below, is_optimizer or "optim" in str(name).lower(), (*around, id(content)))
    named = any(isinstance(name, str) for name, _ in entries)
    tensors = {str(name): value for name, value in entries if _is_tensor(value) and isinstance(name, str) == named}
    if not tensors:
        return inside
    mostly = 2 * len(tensors) > len(entries) and any(tensor.numel() > 1 for tensor in tensors.values())
    return {key: Weights(tensors, named, named and mostly and not inside and not is_optimizer), **inside}


def _first_part(name: object) -> str:
    return str(name).partition(".")[0]


def _is_tensor(value: Any) -> bool:
    """Whether it is a tensor whose elements are there: neither sparse nor without data."""
    return isinstance(value, Tensor) and value.layout == torch.strided and not value.is_meta


def _parts(tensors: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Return the state dicts that the names in one say it is made of, by what their names began with."""
    groups: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        first, _, rest = name.partition(".")
        if rest:
            groups.setdefault(first, {})[rest] = tensor
    for first, group in groups.items():
        others = {name: tensor for name, tensor in tensors.items() if _first_part(name) != first}
        # CompVis's LitEma keeps names without their dots.
        dotless = [
            key for key in groups if not any("." in name for name in group) and all("." in n for n in groups[key])
        ]
        if _repeats(group, others) or any(_repeats(group, groups[key], dot="") for key in dotless):
            return {"": others, first: group}
    large = [first for first, group in groups.items() if any(tensor.numel() > 1 for tensor in group.values())]
    two = len(large) == 2 and all(tensor.numel() <= 1 for name, tensor in tensors.items() if "." not in name)
    for first in large:
        # A loss may have parameters beside the two.
        if two or any(word in first.lower() for word in _AVERAGES):
            for other in large:
                if other != first and (
                    _repeats(groups[first], groups[other]) or _repeats(groups[other], groups[first])
                ):
                    return {key: groups[key] for key in large if key in (first, other)}
    return {"": tensors}


def _repeats(group: Mapping[str, Tensor], others: Mapping[str, Tensor], dot: str = ".") -> bool:
    """Whether the names and shapes in a group are among others, and half of these or more."""
    inner, outer = (
        {(name.replace(".", dot), tensor.shape) for name, tensor in state.items() if tensor.numel() > 1}
        for state in (group, others)
    )
    return bool(inner) and inner <= outer and 2 * len(inner) >= len(outer)


def _reference(found: Mapping[str, Weights]) -> str:
    """Return the key of the state dict that others are compared with."""
    named = {key: weights for key, weights in found.items() if weights.named}
    usual = [key for key in _USUAL_KEYS if key in named and (key != TOP_LEVEL or named[key].is_complete)]
    complete = [key for key in named if named[key].is_complete] or list(named)
    return usual[0] if usual else max(complete, key=lambda key: _elements(named[key].tensors))


def _nested_weights(found: Mapping[str, Weights], reference: str) -> dict[str, Weights]:
    """Return weights that lie in a dict of a dict for each layer, by the first of their keys."""
    below: dict[str, dict[str, Tensor]] = {}
    for key, weights in found.items():
        first, _, rest = key.partition(".")
        if rest and "optim" not in first.lower():
            below.setdefault(first, {}).update({f"{rest}.{name}": value for name, value in weights.tensors.items()})
    return {
        first: Weights(tensors, True, False)
        for first, tensors in below.items()
        if first not in found
        and not any(
            key == reference or _resemble(found[reference], found[key]) for key in found if _first_part(key) == first
        )
        and _resemble(found[reference], Weights(tensors, True, False))
    }


def _elements(tensors: Mapping[str, Tensor]) -> int:
    return sum(tensor.numel() for tensor in tensors.values())


def _resemble(reference: Weights, other: Weights) -> bool:
    """Whether tensors are of the same model: one has the same name and shape, or half are as many numbers each."""
    sizes = (tensor.numel() for tensor in reference.tensors.values()), (t.numel() for t in other.tensors.values())
    counts = [Counter(size for size in state_sizes if size > 1) for state_sizes in sizes]
    shared = (counts[0] & counts[1]).total()
    if shared and 2 * shared >= counts[0].total():
        return True
    # All parameters in one vector, as parameters_to_vector makes it.
    parameters = {name: tensor for name, tensor in reference.tensors.items() if not name.endswith(_BUFFERS)}
    if len(parameters) > 1 and any(tensor.numel() == _elements(parameters) for tensor in other.tensors.values()):
        return True
    return other.named and bool(_names(reference.tensors) & _names(other.tensors))


def _names(tensors: dict[str, Tensor]) -> set[tuple[str, torch.Size]]:
    """Return names and shapes, with and without what stands before all names."""
    both = (_unwrap(tensors)[0], strip_prefixes(tensors))
    return {(name, tensor.shape) for state in both for name, tensor in state.items()}


def _unwrap(state: dict[str, Tensor]) -> tuple[dict[str, Tensor], int]:
    """Return a state dict as that of the model itself, and how many it is the average of, or 0."""
    state = dict(state)
    number = state.get(_NUMBER_OF_AVERAGED)
    averaged = int(number) if number is not None and number.dtype == torch.int64 and number.numel() == 1 else 0
    if averaged:
        del state[_NUMBER_OF_AVERAGED]
    for prefix in _WRAPPERS * 2:
        if all(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): tensor for name, tensor in state.items()}
    return state, averaged


def _weights_below(found: Mapping[str, Weights], asked: str) -> dict[str, Weights]:
    """Return the tensors whose names begin as a key that is asked for says, by that key; or nothing."""
    for key, weights in found.items():
        start = f"{asked}." if key == TOP_LEVEL else f"{asked}.".removeprefix(f"{key}.")
        if key != TOP_LEVEL and not asked.startswith(f"{key}."):
            continue
        tensors = {
            name.removeprefix(start): tensor for name, tensor in weights.tensors.items() if name.startswith(start)
        }
        if tensors:
            return {asked: weights._replace(tensors=tensors)}
    return {}


def _read(weights: Weights, reference: Weights, reference_key: str) -> ChosenWeights | None:
    """Return a state dict, with what it lacks from the reference; None where its tensors cannot be named."""
    raw = _unwrap(reference.tensors)[0]
    parameters = [name for name in raw if not name.endswith(_BUFFERS)]
    state, averaged = weights.tensors, 0
    if weights.named:
        # Counters of the average itself, as `num_updates`.
        counters = {name for name in state.keys() - raw.keys() - {_NUMBER_OF_AVERAGED} if "." not in name}
        state = {name: tensor for name, tensor in state.items() if name not in counters or tensor.numel() > 1}
        state, averaged = _unwrap(state)
    note = f", an average of {averaged}" if averaged else ""
    unnamed = not weights.named or not any("." in name for name in state)
    if unnamed and not state.keys() <= strip_prefixes(raw).keys():
        values = [tensor for tensor in state.values() if not weights.named or tensor.numel() > 1]
        for names in (list(raw), parameters):
            if [tensor.shape for tensor in values] == [raw[name].shape for name in names]:
                state = dict(zip(names, values, strict=True))
                note += f", by the order of the names in {reference_key}"
                break
        else:
            return None if not weights.named else ChosenWeights("", state, note)
    # Both without what stands before all names, and then under the reference's.
    own, names = strip_prefixes(state), dict(zip(strip_prefixes(raw), raw, strict=True))
    lacking = [name for name in names if name not in own]
    if lacking and own.keys() <= names.keys() and all(name.endswith(_BUFFERS) for name in lacking):
        state = {full: own.get(name, raw[full]) for name, full in names.items()}
        note += f", with the running statistics of {reference_key}"
    return ChosenWeights("", state, note)


def _are_equal(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(
        tensor.dtype == second[name].dtype and torch.equal(tensor, second[name]) for name, tensor in first.items()
    )
