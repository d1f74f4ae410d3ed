"""What to do about a checkpoint whose tensors are not those of the architecture that its entry names."""

import contextlib
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from filterfreq.models import registry
from filterfreq.models.external_files import convert_option_a_resnet
from filterfreq.models.state_dicts import strip_prefixes
from filterfreq.models.state_names import fits, suggest_remedy
from filterfreq.models.surgery.decomposition import decompose
from filterfreq.runtime.errors import InputError, list_some

_WIDTH = 16  # of a ResNet whose name does not say it


def misfit_remedy(
    state: dict[str, Tensor], expected: Mapping[str, Tensor], key: str, num_classes: int, decomposition: str | None
) -> str:
    """Return what to write into a checkpoint's entry, as far as its tensors say it.

    Args:
        state: tensors by name, which do not fit.
        expected: those of the network that the entry names.
        key: the keys that lead to the state dict in its file; empty where the file holds nothing else.
        num_classes: of the network.
        decomposition: how both are decomposed, if they are.
    """
    found = [f"architecture: {name}" for name in find_architectures(state, num_classes, decomposition)]
    if not found and "linear.bias" in state:
        with contextlib.suppress(InputError):
            name, renamed = convert_option_a_resnet(state)
            if renamed["fc.bias"].numel() == num_classes:
                found = [f"architecture: {name} with format: option_a_resnet"]
    if found:
        return (
            f"these are the tensors of another architecture, write {list_some(found, 'or')} in the checkpoint's entry"
        )
    if state.keys() - expected.keys() and expected.keys() - state.keys():
        return suggest_remedy(state, expected, key) or (
            "correct the checkpoint's architecture, or say in its entry what parts of the names are called in this "
            "architecture, as in rename: {downsample: shortcut}"
        )
    return "correct the checkpoint's architecture or format in the config, or the experiment's data set"


def find_architectures(state: dict[str, Tensor], num_classes: int, decomposition: str | None = None) -> list[str]:
    """Return this project's own architectures that have all tensors of a state dict, in their names and shapes.

    Args:
        state: tensors by name.
        num_classes: of the network.
        decomposition: how the tensors are decomposed, if they are.
    """
    found = []
    for name in dict.fromkeys(_candidates(strip_prefixes(state))):
        with torch.device("meta"):
            model = registry.build(name, num_classes)
            expected = (decompose(model, decomposition) if decomposition else model).state_dict()
        if fits(state, expected):
            found.append(name)
    return found


def _candidates(state: Mapping[str, Tensor]) -> Iterator[str]:
    """The architectures that no library builds: those that are named as examples, and ResNets of the tensors' size."""
    blocks = len({name.split(".")[1] for name in state if name.startswith("layer1.")})
    width = state["bn1.weight"].numel() if "bn1.weight" in state else 0
    if blocks and width:
        size = f"{6 * blocks + 2}{'' if width == _WIDTH else f'_{width}'}"
        yield from (f"resnet_{size}{kind}" for kind in ("", "_option_a", "_dw", "_sp"))
    for family in registry.FAMILIES:
        if not family.libraries:
            yield from family.examples
