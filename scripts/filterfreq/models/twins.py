"""Architectures that take the same tensors and compute something else with them."""

import difflib

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from filterfreq.models import registry

_CLOSEST = 10  # names, beside those that are the same but for a part
_LOWRES = "lowres_efficientnet_b0"
_ROUNDING = 1e-3  # of the largest logit
_IMAGE = (3, 224, 224)  # where a model does not say what it takes


def twins(model: nn.Module, architecture: str, num_classes: int) -> list[str]:
    """Return the architectures that take a model's tensors and compute something else with them, as far as is looked.

    `timm_efficientnet_lite0` and `timm_tf_efficientnet_lite0` pad differently, `timm_resnet50`, `timm_resnetaa50` and
    `torchvision_resnet50` scale down differently or not: which of them weights were trained in, no name or shape of a
    tensor says. For a model of timm, of torchvision, or `lowres_efficientnet_b0`, those of timm under similar names are
    built, torchvision's of the same name, and `lowres_efficientnet_b0`. One that does not take images of the model's
    size is none.

    Args:
        model: with its weights, in eval mode on the CPU.
        architecture: its name, such as "timm_resnet50".
        num_classes: how many classes it has.
    """
    shapes = _shapes(model.state_dict())
    size = getattr(model, "pretrained_cfg", {}).get("input_size", _IMAGE)
    images = torch.rand(1, *size, generator=torch.Generator().manual_seed(0))
    found = []
    with torch.inference_mode():
        logits = None
        for other in _similar_architectures(architecture):
            if _shapes_of(other, num_classes) == shapes:
                logits = _logits(model, images) if logits is None else logits
                twin = registry.build(other, num_classes).eval()
                twin.load_state_dict(model.state_dict())
                others = _logits(twin, images)
                if (
                    logits is not None
                    and others is not None
                    and (others - logits).abs().max() > _ROUNDING * logits.abs().max()
                ):
                    found.append(other)
    return found


def _logits(model: nn.Module, images: Tensor) -> Tensor | None:
    """Return a model's logits, or None where it does not take images of this size."""
    try:
        return model(images)
    except Exception:  # whatever one of a thousand models says of images of another size
        return None


def _similar_architectures(architecture: str) -> list[str]:
    """Return the architectures that may be twins of one, by their names."""
    library, _, name = architecture.partition("_")
    if architecture == _LOWRES:
        name = "tf_efficientnet_b0"
    elif library not in ("timm", "torchvision"):
        return []
    import timm
    from timm.models import model_entrypoint

    names = timm.list_models()
    if name not in names:
        return []
    module = model_entrypoint(name).__module__
    others = [other for other in names if other != name and model_entrypoint(other).__module__ == module]
    similar = [other for other in others if _is_insertion(*sorted((name, other), key=len))]
    similar += difflib.get_close_matches(name, others, n=_CLOSEST)
    timm_twins = [f"timm_{other}" for other in dict.fromkeys([name, *similar])]
    lowres = [_LOWRES] if "timm_tf_efficientnet_b0" in timm_twins else []
    return [other for other in [*timm_twins, f"torchvision_{name}", *lowres] if other != architecture]


def _is_insertion(short: str, long: str) -> bool:
    """Whether a name is another with something put in, at the beginning, in the middle, or at the end."""
    return any(long.startswith(short[:cut]) and long.endswith(short[cut:]) for cut in range(len(short) + 1))


def _shapes(state: dict[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


class _ScheduleOfDepth(TorchFunctionMode):
    """Transformers read the numbers of the tensor that this makes."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        return function(*args, **(kwargs or {}) | ({"device": "cpu"} if function is torch.linspace else {}))


def _shapes_of(architecture: str, num_classes: int) -> dict[str, tuple[int, ...]] | None:
    """Return the shapes of an architecture's tensors, which is built without them; None where it cannot be."""
    try:
        with torch.device("meta"), _ScheduleOfDepth():
            return _shapes(registry.build(architecture, num_classes).state_dict())
    except Exception:  # there is none, or whatever one of a thousand models does with numbers that are not there
        return None
