"""Dropout on what fully connected layers take."""

from collections import OrderedDict

from torch import nn

from filterfreq.models.classifier import Classifier
from filterfreq.models.surgery.composition import replace_layers
from filterfreq.runtime.errors import InputError


def add_dropout(classifier: Classifier, probability: float) -> Classifier:
    """Leave out values that a classifier's linear layers take, while it is trained.

    Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, Dropout, JMLR 2014: in training each value is 0 with this
    probability, and else divided by 1 - probability; in evaluation nothing changes. Here before each `torch.nn.Linear`
    of the network, of which many have one, the last layer.

    Args:
        classifier: its backbone is changed in place; the weights that it has stay as they were drawn.
        probability: of a value to be left out, in (0, 1).

    Returns:
        The classifier.

    Raises:
        InputError: the model has no such layer.
    """

    def convert(_name: str, module: nn.Module) -> nn.Module | None:
        if type(module) is not nn.Linear:
            return None
        return nn.Sequential(OrderedDict(dropout=nn.Dropout(probability), linear=module))

    if not any(type(module) is nn.Linear for module in classifier.backbone.modules()):
        raise InputError("dropout: the model has no linear layer to put it before: leave it out, or take another model")
    classifier.backbone = replace_layers(classifier.backbone, convert)
    return classifier
