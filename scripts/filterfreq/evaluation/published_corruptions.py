"""Published corrupted test images, CIFAR-10-C and CIFAR-100-C, in the order of the prepared ones. Imports no torch.

Hendrycks and Dietterich, Benchmarking Neural Network Robustness to Common Corruptions and Perturbations, ICLR 2019; on
Zenodo under CC BY 4.0. A tar holds, in one folder of its own name, `<corruption>.npy`, uint8, 5N x 32 x 32 x 3, all
test images at severity 1 first, and `labels.npy`, 5N, both in the order of CIFAR's own test images.
"""

import io
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from filterfreq.data.archives import read_files
from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.download import verify
from filterfreq.data.registry import Source
from filterfreq.errors import InputError
from filterfreq.evaluation.corruptions import CHECKSUMS_FILE, CORRUPTIONS, SEVERITIES
from filterfreq.files import replacing, sha256, write_json


def reorder(
    archive: str | Path,
    source: Source,
    dataset: PreparedDataset,
    folder: str | Path,
    images: int | None = None,
    corruptions: Iterable[str] = tuple(CORRUPTIONS),
    announce: Callable[[str], None] = print,
) -> None:
    """Write the published images as `filterfreq.evaluation.corruptions.generate` writes its own.

    The i-th image of each severity is made of the i-th prepared test image: `test_order` says where that was in CIFAR's
    order, and the published labels must be its label there.

    Args:
        archive: the tar.
        source: its description.
        dataset: the prepared data set.
        folder: where `<corruption>.npy` and their checksums go.
        images: how many of the first prepared test images are wanted; None for all.
        corruptions: names in `CORRUPTIONS`.
        announce: takes one line for each corruption.

    Raises:
        InputError: the archive is missing, damaged, or not made of this data set's test images.
    """
    archive, folder = Path(archive), Path(folder)
    verify(source, archive)
    order, labels = dataset.array("test_order"), dataset.labels("test")
    top = Path(source.file).stem
    ((_, content),) = read_files(archive, [f"{top}/labels.npy"])
    published = _array(content, f"{top}/labels.npy in {archive}")
    if published.shape != (len(SEVERITIES) * len(order),) or not all(
        np.array_equal(block[order], labels) for block in published.reshape(len(SEVERITIES), -1)
    ):
        raise InputError(
            f"the labels in {archive} are not those of {dataset.name}'s test images in {dataset.folder}: "
            "prepare the data set again, or generate the corruptions"
        )
    wanted = {f"{top}/{corruption}.npy": corruption for corruption in corruptions}
    shape = (len(published), *dataset.images("test").shape[1:])
    checksums = {}
    for number, (name, content) in enumerate(read_files(archive, wanted), start=1):
        corrupted = _array(content, f"{name} in {archive}")
        if corrupted.dtype != np.uint8 or corrupted.shape != shape:
            raise InputError(
                f"{name} in {archive} holds {corrupted.dtype} {list(corrupted.shape)} where uint8 {list(shape)} is "
                "needed: get a whole copy"
            )
        blocks = corrupted.reshape(len(SEVERITIES), len(order), *shape[1:])[:, order[:images]]
        file = folder / f"{wanted[name]}.npy"
        with replacing(file) as temporary:
            np.save(temporary, blocks.reshape(-1, *shape[1:]), allow_pickle=False)
        checksums[wanted[name]] = sha256(file)
        announce(f"corruption {number:2d}/{len(wanted)}  {wanted[name]:<17}  published")
    write_json(folder / CHECKSUMS_FILE, checksums)


def _array(content: bytes, name: str) -> np.ndarray:
    try:
        return np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise InputError(f"{name} is no .npy file ({error}): get a whole copy") from error
