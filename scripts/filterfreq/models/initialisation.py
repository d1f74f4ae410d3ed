"""The initial weights of the architectures that are written here."""

from torch import nn


def initialise(module: nn.Module) -> None:
    """Draw a convolution's weights from the Kaiming-normal distribution over its inputs; leave other modules alone.

    He et al., ICCV 2015: variance 2 / fan-in. Meant for `torch.nn.Module.apply`.
    """
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
