"""Architectures of the library timm, with newly drawn weights; it is imported when one is built."""

from __future__ import annotations

import difflib
import importlib.util
import re
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from filterfreq.runtime.errors import InputError, list_some

if TYPE_CHECKING:
    from torch import nn

PUBLISHED_CLEAN = MappingProxyType(
    {"resnet18.tv_in1k": 0.6974, "resnet50.a1_in1k": 0.8037, "wide_resnet50_2.racm_in1k": 0.8145}
)
"""Accuracy on ImageNet's validation images of weights that Gavrikov and Keuper (CVPR workshops 2022) took from timm.

As their table of models has it (repository paulgavrikov/cvpr22w_RobustnessThroughTheLens, CC BY-SA 4.0), in [0, 1].
Robust accuracies of these were not measured.
"""

_TAGGED = r"^\s+['\"](\w+)\.(\w+)['\"]: "


@cache
def timm_names() -> tuple[str, ...]:
    """Return the names of timm's models, those that `timm.list_models()` lists; none where timm is not installed.

    They are read off timm's source, where each model is a function below the line `@register_model`: that takes a tenth
    of a second, and importing timm takes many and needs torch.
    """
    spec = importlib.util.find_spec("timm")
    if spec is None or spec.origin is None:
        return ()
    sources = (file.read_text(encoding="utf-8") for file in (Path(spec.origin).parent / "models").glob("*.py"))
    found = (re.findall(r"^@register_model\ndef (\w+)\(", source, re.MULTILINE) for source in sources)
    return tuple(sorted(name for names in found for name in names))


@cache
def timm_tags() -> dict[str, tuple[str, ...]]:
    """Return the tags of timm's trained weights by model, as far as its source spells them out."""
    spec = importlib.util.find_spec("timm")
    if spec is None or spec.origin is None:
        return {}
    sources = (file.read_text(encoding="utf-8") for file in (Path(spec.origin).parent / "models").glob("*.py"))
    tags: dict[str, tuple[str, ...]] = {}
    for name, tag in (match for source in sources for match in re.findall(_TAGGED, source, re.MULTILINE)):
        tags[name] = (*tags.get(name, ()), tag)
    return tags


def check_timm_weights(name: str) -> None:
    """Do nothing when timm may have trained weights of this name, such as "resnet50.a1_in1k" or "resnet50".

    A few names are put together while timm runs; whether these exist is seen when they are downloaded.

    Raises:
        InputError: there is no such model, or no such tag; the message says which there are.
    """
    model, _, tag = name.partition(".")
    check_timm_name(model)
    tags = [known for known in timm_tags().get(model, ()) if known != "untrained"]
    if tag and tags and tag not in tags:
        raise InputError(f"unknown weights {name!r}, timm's {model} has the tags {list_some(tags)}")


def check_timm_name(name: str) -> bool:
    """Return True when timm has a model of this name, or when it cannot be known because timm is not installed.

    Raises:
        InputError: it has none; the message offers close ones.
    """
    names = timm_names()
    if name in names or not names:
        return True
    close = [f"timm_{other}" for other in difflib.get_close_matches(name, names, n=3)]
    hint = f"did you mean {' or '.join(close)}?" if close else "timm.list_models() lists what it has"
    raise InputError(f"unknown model 'timm_{name}', timm has no {name!r}: {hint}")


def timm_model(num_classes: int, name: str) -> nn.Module:
    """Build timm's model of this name, as timm sets it up for training from scratch."""
    import timm

    return timm.create_model(name, num_classes=num_classes)


def lowres_efficientnet_b0(num_classes: int) -> nn.Module:
    """Build EfficientNet-B0 (Tan and Le, ICML 2019) with stride 1 in its first convolution, for images of 32 x 32.

    Lukasik et al. (TMLR 2023) do so to the EfficientNet-B0 of the package efficientnet_pytorch. With equal weights that
    and timm's tf_efficientnet_b0 give equal outputs, so this is timm's, with that package's dropout (0.2), stochastic
    depth (0.2) and momentum of batch normalisation (0.01). One thing differs: there, the padding is computed for images
    of 224 x 224 before the stride is changed, so that 32 x 32 pixels become 31 x 31 after the first convolution and
    1 x 1 after the last stage; here it is the "same" padding of the image at hand, and they become 32 x 32 and 2 x 2.
    """
    import timm

    model = timm.create_model(
        "tf_efficientnet_b0", num_classes=num_classes, drop_rate=0.2, drop_path_rate=0.2, bn_momentum=0.01
    )
    model.conv_stem.stride = (1, 1)
    return model
