"""The perturbations that the literature measures robustness at, by data set: what the main tables show by default."""

from collections.abc import Mapping

_PHOTOGRAPHS = {"linf": "8/255", "l2": "0.5"}
_DIGITS = {"linf": "0.3", "l2": "2"}

CUSTOMARY_EPSILONS: Mapping[str, Mapping[str, str]] = {
    # RobustBench (Croce et al., NeurIPS Datasets and Benchmarks 2021); of CIFAR-100 it has Linf alone.
    "cifar10": _PHOTOGRAPHS,
    "cifar100": _PHOTOGRAPHS,
    "cinic10": _PHOTOGRAPHS,  # made to replace CIFAR-10
    # Rade and Moosavi-Dezfooli, Reducing Excessive Margin to Achieve a Better Accuracy vs. Robustness Trade-off, ICLR
    # 2022: 8/255 and 128/255.
    "svhn": _PHOTOGRAPHS,
    "tinyimagenet": _PHOTOGRAPHS,
    # Linf: RobustBench; L2: Salman et al., Do Adversarially Robust ImageNet Models Transfer Better?, NeurIPS 2020.
    "imagenet": {"linf": "4/255", "l2": "3"},
    # Linf: Madry et al., ICLR 2018; L2: Tramèr and Boneh, Adversarial Training and Robustness for Multiple
    # Perturbations, NeurIPS 2019.
    "mnist": _DIGITS,
    "kmnist": _DIGITS,  # made to replace MNIST
    # Wong and Kolter, Provable Defenses against Adversarial Examples, ICML 2018.
    "fashionmnist": {"linf": "0.1"},
}
"""By data set and norm the epsilon, in units of [0, 1]; nothing where none is customary."""
