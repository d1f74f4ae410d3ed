"""The untrained classifier of a run."""

import torch
from torch import nn

from filterfreq.data.arrays import PreparedDataset
from filterfreq.models.classifier import Classifier
from filterfreq.models.registry import build
from filterfreq.models.surgery.registry import apply_decomposition, apply_surgery


def build_classifier(spec: dict, dataset: PreparedDataset) -> Classifier:
    """Build the untrained classifier of a run; equal seeds give equal parameters.

    Args:
        spec: a run's spec: `run` names the model and the seed, `variant` the decomposition and the front end, if any.
        dataset: gives the number of classes, and the mean and std of the normalisation inside the classifier.
    """
    torch.manual_seed(spec["run"]["seed"])
    backbone = apply_decomposition(
        build(spec["run"]["model"], dataset.num_classes), spec["variant"].get("decomposition")
    )
    return apply_surgery(Classifier(backbone, dataset.mean, dataset.std), spec["variant"])


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
