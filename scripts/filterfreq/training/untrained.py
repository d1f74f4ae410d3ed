"""The untrained classifier of a run."""

import torch
from torch import nn

from filterfreq.data.arrays import PreparedDataset
from filterfreq.models.classifier import Classifier
from filterfreq.models.registry import build, normalisation
from filterfreq.models.surgery.registry import apply_decomposition, apply_surgery


def build_classifier(spec: dict, dataset: PreparedDataset) -> Classifier:
    """Build the untrained classifier of a run; equal seeds give equal parameters.

    Args:
        spec: a run's spec: `run` names the model and the seed, `variant` the decomposition and the front end, if any.
        dataset: gives the number of classes, and the mean and std of the normalisation inside the classifier, if the
            network has none of its own.
    """
    torch.manual_seed(spec["run"]["seed"])
    model = spec["run"]["model"]
    backbone = apply_decomposition(build(model, dataset.num_classes), spec["variant"].get("decomposition"))
    classifier = Classifier(backbone, *normalisation(model, dataset.mean, dataset.std))
    return apply_surgery(classifier, spec["variant"])


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
