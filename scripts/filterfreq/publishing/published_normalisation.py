"""What is published of normalised layers after free adversarial training, to be shown beside what is measured here.

From the printed output of the one notebook in the released code of Liu, Li, Zhai, You, Zhu, Fernandez-Granda and Qu,
Convolutional Normalization: Improving Deep Convolutional Network Robustness and Training, NeurIPS 2021 (repository
shengliu66/ConvNorm): ResNet-18 on CIFAR-10, all test images, four seeds.
"""

from collections.abc import Mapping
from typing import Any

DATASET, MODEL, EPSILON = "cifar10", "resnet_18", "8/255"
SEEDS = (6, 8, 666, 10)
ACCURACIES: Mapping[str, Mapping[str, tuple[float, ...]]] = {
    "none": {"fgsm": (0.5175, 0.5241, 0.5094, 0.5177)},
    "spectral": {"fgsm": (0.5254, 0.5278, 0.5209, 0.5195), "pgd-20": (0.4498, 0.4465, 0.4400, 0.4426)},
    "oni": {"fgsm": (0.4823, 0.4855, 0.4814, 0.4839), "pgd-20": (0.4123, 0.4099, 0.4065, 0.4146)},
    "orthogonal": {"fgsm": (0.5280, 0.5228, 0.5256, 0.5233)},
    "convnorm": {"fgsm": (0.5247, 0.5306, 0.5307, 0.5287), "pgd-20": (0.4434, 0.4470, 0.4517, 0.4480)},
}
"""Accuracies of each method under each attack with L∞ norm 8/255, seed by seed; `none` is batch norm alone."""

_FREE_TRAINING = {"attack": "free", "norm": "linf", "epsilon": EPSILON, "replays": 4, "free_protocol": "liu2021"}
_APART = ("label", "training", "adversarial_training")


def published_method(variant: Mapping[str, Any]) -> str | None:
    """Return the key of `ACCURACIES` that a variant is trained like; None of a variant of which nothing is published.

    Args:
        variant: as the study has it. How long it trains, and the settings of its method, are not compared.
    """
    if variant.get("adversarial_training") != _FREE_TRAINING:
        return None
    rest = {key: value for key, value in variant.items() if key not in _APART}
    if not rest:
        return "none"
    method = rest.get("normalisation", {}).get("method") or rest.get("penalty", {}).get("kind")
    return method if len(rest) == 1 and method in ACCURACIES else None
