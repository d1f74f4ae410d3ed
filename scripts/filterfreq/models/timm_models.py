"""Architectures of the library timm, with newly drawn weights; it is imported when one is built."""

from __future__ import annotations

import difflib
import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from filterfreq.errors import InputError, some_of

if TYPE_CHECKING:
    from torch import Tensor, nn

_CLOSEST = 10  # names, beside those that are the same but for a part
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
        raise InputError(f"unknown weights {name!r}, timm's {model} has the tags {some_of(tags)}")


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


def timm_twins(model: nn.Module, name: str) -> list[str]:
    """Return the models of timm under similar names that take a model's tensors and compute something else with them.

    `efficientnet_lite0` and `tf_efficientnet_lite0` pad differently, `resnet50`, `resnetaa50` and `resnetblur50` scale
    down differently: which of them weights were trained in, no name or shape of a tensor says.

    Args:
        model: timm's model of that name, with its weights, in eval mode on the CPU.
        name: its name, such as "resnet50".
    """
    import timm
    import torch
    from timm.models import model_entrypoint

    module, shapes = model_entrypoint(name).__module__, _shapes(model.state_dict())
    others = [other for other in timm.list_models() if other != name and model_entrypoint(other).__module__ == module]
    similar = [other for other in others if _is_insertion(*sorted((name, other), key=len))]
    similar += difflib.get_close_matches(name, others, n=_CLOSEST)
    options = {"num_classes": model.num_classes}
    images = torch.rand(1, *model.pretrained_cfg["input_size"], generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        logits = model(images)
        twins = []
        for other in dict.fromkeys(similar):
            if _shapes_of_timm(other, options) == shapes:
                twin = timm.create_model(other, **options).eval()
                twin.load_state_dict(model.state_dict())
                if not torch.allclose(twin(images), logits, rtol=1e-3, atol=1e-4):
                    twins.append(other)
    return twins


def _is_insertion(short: str, long: str) -> bool:
    """Whether a name is another with something put in, at the beginning, in the middle, or at the end."""
    return any(long.startswith(short[:place]) and long.endswith(short[place:]) for place in range(len(short) + 1))


def _shapes(state: dict[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def _shapes_of_timm(name: str, options: dict) -> dict[str, tuple[int, ...]] | None:
    """Return the shapes of the tensors of a model of timm, which is built without them; None where it cannot be."""
    import timm
    import torch
    from torch.overrides import TorchFunctionMode

    class ScheduleOfDepth(TorchFunctionMode):
        """Transformers read the numbers of the tensor that this makes."""

        def __torch_function__(self, function, types, args=(), kwargs=None):
            return function(*args, **(kwargs or {}) | ({"device": "cpu"} if function is torch.linspace else {}))

    try:
        with torch.device("meta"), ScheduleOfDepth():
            return _shapes(timm.create_model(name, **options).state_dict())
    except Exception:  # whatever one of a thousand models does with numbers that are not there
        return None


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
