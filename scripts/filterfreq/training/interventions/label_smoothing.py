"""Label smoothing: a share of every label is spread over all classes."""

from functools import partial

from filterfreq.training.intervention import Intervention


def intervention(share: float) -> Intervention:
    """Return the intervention that spreads this share of every label over all classes.

    Szegedy et al., Rethinking the Inception Architecture for Computer Vision, CVPR 2016, section 7, as
    `torch.nn.functional.cross_entropy` has it.
    """
    return Intervention(change_cross_entropy=lambda loss: partial(loss, label_smoothing=share))
