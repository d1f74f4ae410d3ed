"""Answers with categories, of which each holds several of a classifier's classes."""

import math
from collections.abc import Iterable, Sequence

import torch
from torch import nn


class CategoryClassifier(nn.Module):
    """A classifier that answers with categories of which each holds several of another classifier's classes.

    The probability of a category is the mean over its classes, so that a category of many has no advantage; classes
    outside all categories are ignored. With `filterfreq.data.shifted.imagenet_categories.CATEGORIES` an ImageNet model
    answers as in Geirhos et al., ImageNet-trained CNNs are biased towards texture, ICLR 2019.

    Args:
        classifier: float images N x C x H x W in [0, 1] to logits N x K.
        categories: the indices of each category's classes, below K.
    """

    def __init__(self, classifier: nn.Module, categories: Iterable[Sequence[int]]) -> None:
        super().__init__()
        self.classifier = classifier
        self.categories = [list(classes) for classes in categories]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logarithms of the categories' probabilities, N x number of categories, not normalised."""
        logs = self.classifier(images).log_softmax(dim=1)
        if all(len(classes) == 1 for classes in self.categories):
            return logs[:, [classes[0] for classes in self.categories]]
        sums = [logs[:, classes].logsumexp(dim=1) - math.log(len(classes)) for classes in self.categories]
        return torch.stack(sums, dim=1)
