"""The untrained classifier of a run."""

import torch
from torch import nn

from filterfreq.data.arrays import PreparedDataset
from filterfreq.models.classifier import Classifier
from filterfreq.models.initial_weights import initialise_weights
from filterfreq.models.registry import build, normalisation
from filterfreq.models.surgery.registry import apply_decomposition, apply_surgery


def build_classifier(spec: dict, dataset: PreparedDataset) -> Classifier:
    """Build the untrained classifier of a run; equal seeds give equal parameters.

    Args:
        spec: a run's spec: `run` names the model and the seed, `variant` the decomposition and what else is changed of
            the model, `training` the initialisation, where it is not the architecture's own.
        dataset: gives the number of classes, and mean and std, see `image_statistics`.
    """
    torch.manual_seed(spec["run"]["seed"])
    backbone = build(spec["run"]["model"], dataset.num_classes)
    backbone = apply_decomposition(backbone, spec["variant"].get("decomposition"))
    classifier = apply_surgery(Classifier(backbone, *image_statistics(spec, dataset)), spec["variant"])
    if "initialisation" in spec["training"]:
        initialise_weights(classifier, spec["training"]["initialisation"])
    return classifier


def image_statistics(spec: dict, dataset: PreparedDataset) -> tuple[list[float], list[float]]:
    """Return the mean and std that a run's classifier normalises its images with, for each channel in units of [0, 1].

    0 and 1 where its training says `image_normalisation: none`, or the network normalises images itself.

    Args:
        spec: a run's spec.
        dataset: gives its own mean and std.
    """
    if spec["training"].get("image_normalisation") == "none":
        return [0.0] * len(dataset.mean), [1.0] * len(dataset.std)
    return normalisation(spec["run"]["model"], dataset.mean, dataset.std)


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
