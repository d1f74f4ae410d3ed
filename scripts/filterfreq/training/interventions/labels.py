"""Labels of the training images that are not theirs."""

import numpy as np

from filterfreq.training.intervention import Intervention


def intervention(_kind: str) -> Intervention:
    """Return the intervention that trains with one permutation of the training labels, of which there is one kind."""
    return Intervention(
        stream="labels",
        change_labels=lambda labels, num_classes, seed: np.random.default_rng(seed).permutation(labels),
    )
