"""Places of a network without normalisation where one may stand."""

from torch import nn


class NormalisationSlot(nn.Identity):
    """Nothing, where `filterfreq.models.surgery.normalisation` may put a batch normalisation.

    Only networks need it in which that place is not behind a convolution, as in pre-activation blocks.

    Args:
        channels: of the features that pass it, N x channels x H x W.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
