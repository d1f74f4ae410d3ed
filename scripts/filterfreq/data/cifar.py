"""CIFAR-10 and CIFAR-100 from their binary archives, which hold no pickles.

A record is one label byte (CIFAR-100: the coarse label, then the fine one) and 3 x 32 x 32 bytes, channel by channel,
as https://www.cs.toronto.edu/~kriz/cifar.html describes.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from filterfreq.data.archives import read_files
from filterfreq.data.download import verify
from filterfreq.data.registry import Dataset
from filterfreq.data.saving import save_splits
from filterfreq.runtime.errors import InputError

_PIXELS = 3 * 32 * 32


@dataclass(frozen=True)
class _Layout:
    train: tuple[str, ...]
    test: tuple[str, ...]
    label_bytes: int  # the last of them is the label used


_LAYOUTS = {
    "cifar10": _Layout(
        train=tuple(f"cifar-10-batches-bin/data_batch_{part}.bin" for part in range(1, 6)),
        test=("cifar-10-batches-bin/test_batch.bin",),
        label_bytes=1,
    ),
    "cifar100": _Layout(train=("cifar-100-binary/train.bin",), test=("cifar-100-binary/test.bin",), label_bytes=2),
}


def prepare(raw_folder: Path, output_folder: Path, seed: int, dataset: Dataset) -> None:
    """Write CIFAR-10 or CIFAR-100 as `filterfreq.data.arrays` describes.

    Args:
        raw_folder: holds the archive that `dataset.sources` names.
        output_folder: gets `dataset.json` and the arrays.
        seed: fixes the order of the test images.
        dataset: the registry's entry.

    Raises:
        InputError: the archive is missing, damaged, or holds other records than the registry says.
    """
    (source,) = dataset.sources
    path = Path(raw_folder) / source.file
    layout = _LAYOUTS[dataset.name]
    verify(source, path)
    members = dict(read_files(path, layout.train + layout.test))
    train = _decode(path, members, layout.train, layout.label_bytes, dataset.train_size)
    test = _decode(path, members, layout.test, layout.label_bytes, dataset.test_size)
    save_splits(output_folder, dataset, train, test, seed=seed, sources={source.file: source.checksum})


def _decode(
    path: Path, members: dict[str, bytes], names: tuple[str, ...], label_bytes: int, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return images, uint8, N x 32 x 32 x 3, and labels, int64, N, of some members of the archive."""
    raw = np.frombuffer(b"".join(members[name] for name in names), dtype=np.uint8)
    if len(raw) != count * (label_bytes + _PIXELS):
        raise InputError(
            f"{', '.join(names)} in {path} hold {len(raw)} bytes, but {count} records take "
            f"{count * (label_bytes + _PIXELS)}: delete the archive and download it again"
        )
    records = raw.reshape(count, label_bytes + _PIXELS)
    images = records[:, label_bytes:].reshape(count, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), records[:, label_bytes - 1].astype(np.int64)
