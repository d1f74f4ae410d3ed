"""The one list of architectures; a model is added by one line in `FAMILIES`. Imports no torch before `build`."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from filterfreq.models.robustbench_models import CLASSES, check_robustbench_name
from filterfreq.models.timm_models import check_timm_name, check_timm_weights
from filterfreq.models.torchvision_models import check_torchvision_name, torchvision_linear_units
from filterfreq.runtime.errors import InputError, unknown_name

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Family:
    """Architectures that one function builds.

    Attributes:
        form: how the names look, for messages.
        pattern: regular expression of the whole name; its groups that are numbers are passed on as integers.
        builder: "module:function", called as `function(num_classes, *groups)`.
        examples: names that exist, offered when a name is close to them.
        allows: whether an architecture exists for these groups; it may say itself, by an InputError, why it does not.
        decomposable: whether it has spatial convolutions with both sides above 1, which a decomposition replaces.
        plain_layers: whether it is not known to have convolutions or batch normalisations that do more than torch's,
            which normalised convolutions cannot take the place of.
        classes: says of these groups the number of classes, where it is the only one that can be built.
        own_normalisation: whether the architecture is from images in [0, 1], which it normalises itself or not at all.
        libraries: the packages that build it, whose versions a run records.
        linear_units: says of the number of classes and of these groups how many units each linear layer has for an
            image, in order; None where nobody knows before the model is built.
        relu: whether it is not known to lack ReLU.
    """

    form: str
    pattern: str
    builder: str
    examples: tuple[str, ...]
    allows: Callable[..., bool] = lambda *_: True
    decomposable: bool = True
    plain_layers: bool = True
    classes: Callable[..., int | None] = lambda *_: None
    own_normalisation: bool = False
    libraries: tuple[str, ...] = ()
    linear_units: Callable[..., tuple[int, ...] | None] = lambda num_classes, *_: (num_classes,)
    relu: bool = True


def _is_6d2(depth: int, *_width: int) -> bool:
    return depth >= 8 and depth % 6 == 2


def _leaves_pixels(convolutions: int | str, *_others: int | str) -> bool:
    """Whether 3 x 3 convolutions and poolings leave something of 32 pixels a side."""
    side = 32
    for layer in str(convolutions).split("_"):
        side = (side - 2) // (2 if layer.endswith("p") else 1)
    return side > 0


def _numbers(text: int | str) -> tuple[int, ...]:
    return tuple(int(number) for number in str(text).split("_"))


_MODULE = "filterfreq.models.resnet"
_TIMM = "filterfreq.models.timm_models"
_TORCHVISION = "filterfreq.models.torchvision_models"
_ROBUSTBENCH = "filterfreq.models.robustbench_models"
_PREACT = "filterfreq.models.preact_resnet"
_FEEDFORWARD = "filterfreq.models.feedforward"
_DENSE = "filterfreq.models.dense"
_WIDTHS = r"[1-9]\d*(?:_[1-9]\d*)*"
_RESNET = r"resnet_([1-9]\d*)(?:_([1-9]\d*))?"
_RESNETS = ("resnet_8", "resnet_14", "resnet_20", "resnet_32", "resnet_44", "resnet_56", "resnet_110")
_OPTION_A = ("resnet_20_option_a", "resnet_56_option_a")

FAMILIES = (
    Family(
        "resnet_N or resnet_N_W (N = 6D + 2 layers, first width W)",
        _RESNET,
        f"{_MODULE}:cifar_resnet",
        _RESNETS,
        _is_6d2,
    ),
    Family("resnet_N[_W]_dw (depthwise)", f"{_RESNET}_dw", f"{_MODULE}:cifar_resnet_dw", ("resnet_20_dw",), _is_6d2),
    Family(
        "resnet_N[_W]_sp (separable)",
        f"{_RESNET}_sp",
        f"{_MODULE}:cifar_resnet_sp",
        ("resnet_20_sp",),
        _is_6d2,
        decomposable=False,
    ),
    Family("resnet_N[_W]_option_a", f"{_RESNET}_option_a", f"{_MODULE}:cifar_resnet_option_a", _OPTION_A, _is_6d2),
    Family("resnet_18 (four stages, from 64 channels)", "resnet_18", f"{_MODULE}:resnet_18", ("resnet_18",)),
    Family("preact_resnet_18", "preact_resnet_18", f"{_PREACT}:preact_resnet_18", ("preact_resnet_18",)),
    Family(
        "wideresnet_D_K (D = 6N + 4 layers, K times as wide)",
        r"wideresnet_([1-9]\d*)_([1-9]\d*)",
        f"{_PREACT}:wide_resnet",
        ("wideresnet_28_10", "wideresnet_34_10", "wideresnet_16_4"),
        lambda depth, _widening: depth >= 10 and depth % 6 == 4,
    ),
    Family(
        "hfc_resnet_N[_5x5] (not normalised)",
        r"hfc_resnet_([1-9]\d*)(?:_(5)x5)?",
        "filterfreq.models.hfc_resnet:hfc_resnet",
        ("hfc_resnet_32", "hfc_resnet_32_5x5"),
        _is_6d2,
    ),
    Family(
        "lenet", "lenet", f"{_FEEDFORWARD}:lenet", ("lenet",), linear_units=lambda num_classes: (120, 84, num_classes)
    ),
    Family(
        "alexnet",
        "alexnet",
        f"{_FEEDFORWARD}:alexnet",
        ("alexnet",),
        linear_units=lambda num_classes: (384, 192, num_classes),
    ),
    Family("vgg_N (11, 13, 16, 19)", r"vgg_(11|13|16|19)", f"{_FEEDFORWARD}:vgg", ("vgg_11", "vgg_16")),
    Family(
        "vgg_N_fc_W (with a further linear layer of width W)",
        r"vgg_(11|13|16|19)_fc_([1-9]\d*)",
        f"{_DENSE}:vgg_with_dense_layer",
        ("vgg_16_fc_1024",),
        linear_units=lambda num_classes, _depth, width: (width, num_classes),
    ),
    Family(
        "mlp_W_W...[_tanh][_grey28] (hidden layers of widths W; ReLU or tanh; images made grey and of 28 pixels)",
        rf"mlp_({_WIDTHS})(?:_(tanh))?(?:_(grey28))?",
        f"{_DENSE}:multilayer_perceptron",
        ("mlp_400_200", "mlp_400_200_tanh_grey28"),
        decomposable=False,
        linear_units=lambda num_classes, widths, *_: (*_numbers(widths), num_classes),
    ),
    Family(
        "cnn_C_Cp..._fc_W_W...[_tanh] (convolutions 3 x 3 with C channels, pooled where p follows, then linear layers)",
        rf"cnn_([1-9]\d*p?(?:_[1-9]\d*p?)*)_fc_({_WIDTHS})(?:_(tanh))?",
        f"{_DENSE}:convolutional_network",
        ("cnn_32_64p_fc_400_tanh", "cnn_64p_128p_fc_800_400_400_400"),
        _leaves_pixels,
        linear_units=lambda num_classes, _convolutions, widths, *_: (*_numbers(widths), num_classes),
    ),
    Family("lowres_resnet9", "lowres_resnet9", f"{_MODULE}:lowres_resnet9", ("lowres_resnet9",)),
    Family(
        "lowres_efficientnet_b0",
        "lowres_efficientnet_b0",
        f"{_TIMM}:lowres_efficientnet_b0",
        ("lowres_efficientnet_b0",),
        plain_layers=False,
        libraries=("timm",),
        relu=False,
    ),
    Family(
        "timm_NAME (a model of timm)",
        r"timm_(\w+)",
        f"{_TIMM}:timm_model",
        ("timm_resnet18",),
        check_timm_name,
        libraries=("timm",),
        linear_units=lambda *_: None,
    ),
    Family(
        "torchvision_NAME (a model of torchvision)",
        r"torchvision_(\w+)",
        f"{_TORCHVISION}:torchvision_model",
        ("torchvision_resnet18",),
        check_torchvision_name,
        libraries=("torchvision",),
        linear_units=torchvision_linear_units,
    ),
    Family(
        "robustbench_DATASET_THREAT_NAME (the architecture of a model of RobustBench)",
        r"robustbench_(cifar10|cifar100|imagenet)_(Linf|L2|corruptions)_([\w-]+)",
        f"{_ROBUSTBENCH}:robustbench_model",
        (),
        check_robustbench_name,
        classes=lambda dataset, *_: CLASSES[dataset],
        own_normalisation=True,
        libraries=("robustbench", "timm", "torchvision"),
        linear_units=lambda *_: None,
    ),
)


def check_architecture(name: str) -> None:
    """Do nothing when there is an architecture of this name.

    Raises:
        InputError: there is none; the message offers the closest name and lists the forms of names.
    """
    _find(name)


def check_classes(name: str, num_classes: int) -> None:
    """Do nothing when an architecture can have so many classes.

    Raises:
        InputError: it cannot, or the architecture is unknown.
    """
    family, groups = _find(name)
    classes = family.classes(*groups)
    if classes not in (None, num_classes):
        raise InputError(
            f"{name} has {classes} classes, not {num_classes}: take an architecture that is made for any number, "
            "or list it in an experiment on another data set"
        )


def normalisation(name: str, mean: Sequence[float], std: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return the mean and std that a classifier of an architecture normalises its images with, before the network.

    Args:
        name: the architecture.
        mean: the data set's, a number in [0, 1] for each channel.
        std: likewise, above 0.

    Raises:
        InputError: an unknown architecture.
    """
    if _find(name)[0].own_normalisation:
        return [0.0] * len(mean), [1.0] * len(std)
    return list(mean), list(std)


def check_decomposable(name: str) -> None:
    """Do nothing when the architecture is not known to lack what a decomposition replaces.

    Raises:
        InputError: it lacks it, or the architecture is unknown.
    """
    if not has_spatial_filters(name):
        raise InputError(
            f"{name} has nothing to decompose, its kernels have no two sides above 1: "
            "give it variants without a decomposition, in an experiment of its own"
        )


def check_plain_layers(name: str) -> None:
    """Do nothing when the architecture is not known to have layers that cannot be normalised ones.

    Raises:
        InputError: it has some, or the architecture is unknown.
    """
    if not _find(name)[0].plain_layers:
        raise InputError(
            f"{name} has layers that do more than torch's convolutions and batch normalisations, so that its "
            "convolutions cannot be normalised: give it variants without a normalisation, in an experiment of its own"
        )


def has_spatial_filters(name: str) -> bool:
    """Return whether an architecture is not known to lack convolutions with both sides above 1.

    Raises:
        InputError: an unknown architecture.
    """
    return _find(name)[0].decomposable


def linear_units(name: str, num_classes: int) -> tuple[int, ...] | None:
    """Return how many units each linear layer of an architecture has for an image, in the layers' order.

    Args:
        name: the architecture.
        num_classes: number of logits; 0 where it is not known, which is then not known of the units either.

    Returns:
        The numbers, none of an architecture without linear layers; None where that is not known before it is built.

    Raises:
        InputError: an unknown architecture.
    """
    family, groups = _find(name)
    return family.linear_units(num_classes, *groups) if num_classes else None


def has_relu(name: str) -> bool:
    """Return whether an architecture is not known to lack ReLU.

    Raises:
        InputError: an unknown architecture.
    """
    return _find(name)[0].relu


def build(name: str, num_classes: int) -> nn.Module:
    """Build an architecture with newly drawn weights, from torch's global generator.

    Args:
        name: a name of one of the `FAMILIES`, for example "resnet_20", "resnet_8_32" or "timm_convnext_tiny".
        num_classes: number of logits, at least 2.

    Returns:
        A module from normalised float images [N, 3, H, W] to logits [N, num_classes].

    Raises:
        InputError: an unknown architecture, fewer than 2 classes, or a number that it cannot have.
    """
    family, groups = _find(name)
    check_classes(name, num_classes)
    if num_classes < 2:
        raise InputError(f"{name} cannot have {num_classes} classes: give at least 2")
    module, function = family.builder.split(":")
    return getattr(importlib.import_module(module), function)(num_classes, *groups)


def architecture_of(source: Mapping[str, Any]) -> str:
    """Return the architecture of a checkpoint, by its entry in the config.

    Raises:
        InputError: there is no such model, or no such weights of it.
    """
    match source["source"]:
        case "robustbench":
            name = "robustbench_{dataset}_{threat_model}_{name}".format(**source)
        case "timm":
            check_timm_weights(source["name"])
            name = f"timm_{source['name'].partition('.')[0]}"
        case "torchvision":
            check_torchvision_name(source["name"], source["weights"])
            name = f"torchvision_{source['name']}"
        case _:
            name = source["architecture"]
    _find(name)
    return name


def architecture_module(name: str) -> str:
    """Return the module that builds an architecture, such as "filterfreq.models.resnet".

    Raises:
        InputError: an unknown architecture.
    """
    return _find(name)[0].builder.partition(":")[0]


def libraries(name: str) -> tuple[str, ...]:
    """Return the packages that build an architecture beside torch, such as ("timm",).

    Raises:
        InputError: an unknown architecture.
    """
    return _find(name)[0].libraries


def _find(name: str) -> tuple[Family, list[int | str]]:
    for family in FAMILIES:
        match = re.fullmatch(family.pattern, str(name))
        if match:
            groups = [int(group) if group.isdecimal() else group for group in match.groups() if group is not None]
            if family.allows(*groups):
                return family, groups
    forms = "; ".join(family.form for family in FAMILIES)
    examples = [example for family in FAMILIES for example in family.examples]
    error = unknown_name("model", name, examples, otherwise="no name is close to it.")
    raise InputError(f"{error} Models are {forms}")
