"""SVHN, cropped digits (format 2), from its .mat files: `X`, 32 x 32 x 3 x N, and `y`, N x 1, in which 10 means 0.

Netzer et al., Reading Digits in Natural Images with Unsupervised Feature Learning, 2011;
http://ufldl.stanford.edu/housenumbers. The 531,131 `extra` images are left out.
"""

from pathlib import Path

import numpy as np

from filterfreq.data.download import verified_files
from filterfreq.data.matlab import read_mat
from filterfreq.data.registry import Dataset
from filterfreq.data.saving import save_splits
from filterfreq.runtime.files import reading


def prepare(raw_folder: Path, output_folder: Path, seed: int, dataset: Dataset) -> None:
    """Write SVHN as `filterfreq.data.arrays` describes.

    Args:
        raw_folder: holds the two files that `dataset.sources` names.
        output_folder: gets `dataset.json` and the arrays.
        seed: fixes the order of the test images.
        dataset: the registry's entry.

    Raises:
        InputError: a file is missing or damaged, or holds other numbers than the registry says.
    """
    splits = []
    for path in verified_files(raw_folder, dataset):  # training, then test
        splits.append(_read(path))
    sources = {source.file: source.checksum for source in dataset.sources}
    save_splits(output_folder, dataset, *splits, seed=seed, sources=sources)


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read images, uint8, N x 32 x 32 x 3, and labels, int64, N."""
    images, labels = read_mat(path, str(path), "X", "y")
    with reading(path, "get a whole copy"):
        return np.ascontiguousarray(images.transpose(3, 0, 1, 2)), labels.ravel().astype(np.int64) % 10
