"""Architectures of torchvision for classification; it is imported when one is built."""

from __future__ import annotations

import difflib
import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from filterfreq.runtime.errors import InputError, list_some

if TYPE_CHECKING:
    from torch import nn

_MODEL = re.compile(r"^@register_model\(\)\n@.*\ndef (\w+)\(\s*\*,\s*weights: Optional\[(\w+)\]", re.MULTILINE)
_SEVERAL_OUTPUTS = ("googlenet", "inception_v3")
# By the beginning of a name; of those that are not there the layer of the logits is the only linear one.
_HIDDEN_UNITS = {
    "alexnet": (4096, 4096),
    "vgg": (4096, 4096),
    "mobilenet_v3_large": (1280,),
    "mobilenet_v3_small": (1024,),
}
_WITHOUT_LINEAR = ("squeezenet",)
# Their linear layers stand at every place of an image, of as many as its size makes.
_OF_PLACES = ("convnext", "maxvit", "swin", "vit")
_ENUM = re.compile(r"^class (\w+_Weights)\(WeightsEnum\):\n((?:    .*\n|\n)+)", re.MULTILINE)


@cache
def torchvision_weights() -> dict[str, tuple[str, ...]]:
    """Return torchvision's models for classification, with the names of their trained weights.

    GoogLeNet and Inception v3 are left out: they return several outputs in training, and the trained ones change their
    input themselves. The names are read off torchvision's source, because importing it takes ten seconds and needs
    torch. Empty where it is not installed.
    """
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return {}
    sources = [file.read_text(encoding="utf-8") for file in (Path(spec.origin).parent / "models").glob("*.py")]
    enums = {
        name: tuple(re.findall(r"^    (\w+) = Weights\(", body, re.MULTILINE))
        for source in sources
        for name, body in _ENUM.findall(source)
    }
    models = sorted(match for source in sources for match in _MODEL.findall(source))
    return {name: enums[enum] for name, enum in models if name not in _SEVERAL_OUTPUTS}


def check_torchvision_name(name: str, weights: str | None = None) -> bool:
    """Return True when torchvision has a model of this name, and these weights of it, or when it is not installed.

    Raises:
        InputError: it has none; the message says which there are.
    """
    known = torchvision_weights()
    if not known:
        return True
    if name not in known:
        close = [f"torchvision_{other}" for other in difflib.get_close_matches(name, known, n=3)]
        hint = f"did you mean {' or '.join(close)}?" if close else f"it has {list_some(known)}"
        raise InputError(f"unknown model 'torchvision_{name}', torchvision has no {name!r}: {hint}")
    if weights is not None and weights not in known[name]:
        raise InputError(
            f"unknown weights {weights!r}, torchvision's {name} has {', '.join(known[name]) or 'no trained weights'}"
        )
    return True


def torchvision_linear_units(num_classes: int, name: str) -> tuple[int, ...] | None:
    """Return how many units each linear layer of a model has, in the layers' order; None where its images decide."""
    if name.startswith(_OF_PLACES):
        return None
    if name.startswith(_WITHOUT_LINEAR):
        return ()
    hidden = next((units for beginning, units in _HIDDEN_UNITS.items() if name.startswith(beginning)), ())
    return (*hidden, num_classes)


def torchvision_model(num_classes: int, name: str) -> nn.Module:
    """Build torchvision's model of this name, as torchvision sets it up for training from scratch."""
    import torchvision

    return torchvision.models.get_model(name, weights=None, num_classes=num_classes)
