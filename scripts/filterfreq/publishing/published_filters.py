"""What is published of the 71 pairs of Gavrikov and Keuper, CVPR workshops 2022, to be shown beside what is found here.

From the notebooks' printed outputs and plots (repository paulgavrikov/cvpr22w_RobustnessThroughTheLens, CC BY-SA 4.0);
the values by depth are read off the vector figures to about 1e-4. Each is of a data set's robust models against
normally trained ones of the same architectures, on weights into which batch norm very likely was folded.
"""

from collections.abc import Mapping

BATCH_NORM = "folded"
"""How batch norm very likely was treated, so that what stands beside is of this way where it was measured."""
SHIFT: Mapping[str, tuple[float, float]] = {
    "cifar10": (0.6217, 0.5533),
    "cifar100": (0.1742, 0.1628),
    "imagenet": (0.0181, 0.0161),
}
"""The shift of a data set, a normal model counting in each of its pairs, and each model counting once."""
SHIFT_BY_DEPTH: Mapping[str, tuple[float | None, ...]] = {
    "cifar10": (
        *(0.47239, 0.02407, 0.02731, 0.05772, 0.01426, 0.0135),
        *(0.04983, 0.02776, 0.11129, 1.09603, 1.53592),
    ),
    "cifar100": (
        *(0.62575, 0.01857, 0.02845, 0.06102, 0.01092, 0.02346),
        *(0.11251, 0.09594, 0.04168, 0.28776, 0.78566),
    ),
    "imagenet": (
        *(None, 0.03709, 0.03926, 0.02749, 0.01475, 0.0362),
        *(0.048, 0.02417, 0.15843, 0.01839, 0.03571),
    ),
}
"""The shift of each of `filterfreq.analysis.filter_statistics.DEPTH_BINS`."""
RANK_CORRELATION: Mapping[str, Mapping[str, float]] = {
    "cifar10": {"clean": 0.708, "variance_entropy": 0.438, "sparsity": -0.274},
    "cifar100": {"clean": 0.461, "variance_entropy": 0.130, "sparsity": -0.203},
    "imagenet": {"clean": 1.0, "variance_entropy": -0.6, "sparsity": -0.1},
}
"""Spearman's correlation with the accuracy under AutoAttack over a data set's robust models."""
