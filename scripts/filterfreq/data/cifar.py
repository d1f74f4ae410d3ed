"""CIFAR-10 and CIFAR-100 from their binary archives, or from their version for Python, packed or unpacked.

A record is one label byte (CIFAR-100: the coarse label, then the fine one) and 3 x 32 x 32 bytes, channel by channel,
as https://www.cs.toronto.edu/~kriz/cifar.html describes. The version for Python has the same in the same order, as
pickles of a dictionary of a list of labels and an array of images, one a row.
"""

import io
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from filterfreq.data.archives import read_files
from filterfreq.data.download import verify
from filterfreq.data.raw_files import locate
from filterfreq.data.registry import Dataset
from filterfreq.data.saving import save_splits
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import reading

_PIXELS = 3 * 32 * 32


@dataclass(frozen=True)
class _Layout:
    train: tuple[str, ...]
    test: tuple[str, ...]
    label_bytes: int  # the last of them is the label used
    pickled_train: tuple[str, ...]  # the files of the version for Python
    pickled_test: tuple[str, ...]
    pickled_labels: str


_LAYOUTS = {
    "cifar10": _Layout(
        train=tuple(f"cifar-10-batches-bin/data_batch_{part}.bin" for part in range(1, 6)),
        test=("cifar-10-batches-bin/test_batch.bin",),
        label_bytes=1,
        pickled_train=tuple(f"cifar-10-batches-py/data_batch_{part}" for part in range(1, 6)),
        pickled_test=("cifar-10-batches-py/test_batch",),
        pickled_labels="labels",
    ),
    "cifar100": _Layout(
        train=("cifar-100-binary/train.bin",),
        test=("cifar-100-binary/test.bin",),
        label_bytes=2,
        pickled_train=("cifar-100-python/train",),
        pickled_test=("cifar-100-python/test",),
        pickled_labels="fine_labels",
    ),
}


def prepare(raw_folder: Path, output_folder: Path, seed: int, dataset: Dataset) -> None:
    """Write CIFAR-10 or CIFAR-100 as `filterfreq.data.arrays` describes.

    Args:
        raw_folder: holds the archive that `dataset.sources` names, or one of its other forms.
        output_folder: gets `dataset.json` and the arrays.
        seed: fixes the order of the test images.
        dataset: the registry's entry.

    Raises:
        InputError: the archive is missing, damaged, or holds other records than the registry says.
    """
    (source,) = dataset.sources
    layout = _LAYOUTS[dataset.name]
    found = locate(source, raw_folder)
    for form, path in found:
        verify(form, path)
    path = found[0].path
    if found[0].source is source:
        members = dict(read_files(path, layout.train + layout.test))
        train = _decode(path, members, layout.train, layout.label_bytes, dataset.train_size)
        test = _decode(path, members, layout.test, layout.label_bytes, dataset.test_size)
    else:
        wanted = layout.pickled_train + layout.pickled_test
        # Where they are unpacked, their folder may have any name.
        members = (
            dict(read_files(path, wanted))
            if len(found) == 1
            else {f"{form.folder}/{form.file}": file.read_bytes() for form, file in found}
        )
        train, test = (
            _unpickle(path, [members[name] for name in names], layout.pickled_labels)
            for names in (layout.pickled_train, layout.pickled_test)
        )
    save_splits(output_folder, dataset, train, test, seed=seed, sources={source.file: source.checksum})


def _decode(
    path: Path, members: dict[str, bytes], names: tuple[str, ...], label_bytes: int, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return images, uint8, N x 32 x 32 x 3, and labels, int64, N, of some members of the archive."""
    raw = np.frombuffer(b"".join(members[name] for name in names), dtype=np.uint8)
    if len(raw) != count * (label_bytes + _PIXELS):
        raise InputError(
            f"{', '.join(names)} in {path} hold {len(raw)} bytes, but {count} records take "
            f"{count * (label_bytes + _PIXELS)}: get a whole copy of the archive"
        )
    records = raw.reshape(count, label_bytes + _PIXELS)
    images = records[:, label_bytes:].reshape(count, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), records[:, label_bytes - 1].astype(np.int64)


class _Arrays(pickle.Unpickler):
    """Reads lists, dictionaries, text, numbers and numpy's arrays, and refuses what could run code."""

    _KNOWN: ClassVar = {
        ("numpy.core.multiarray", "_reconstruct"): np.zeros(0).__reduce__()[0],
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }

    def find_class(self, module: str, name: str) -> Any:
        """Return what a pickle names, where it makes an array.

        Raises:
            pickle.UnpicklingError: it is anything else.
        """
        if (module, name) not in self._KNOWN:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which makes no array")
        return self._KNOWN[module, name]


def _unpickle(path: Path, contents: list[bytes], labels_key: str) -> tuple[np.ndarray, np.ndarray]:
    """Return images, uint8, N x 32 x 32 x 3, and labels, int64, N, of some files of the version for Python."""
    with reading(path, "get a whole copy"):
        # Strings of Python 2 are bytes, which numpy takes as latin1.
        parts = [_Arrays(io.BytesIO(content), encoding="latin1").load() for content in contents]
        rows = np.concatenate([np.asarray(part["data"], dtype=np.uint8) for part in parts])
        labels = np.concatenate([np.asarray(part[labels_key], dtype=np.int64) for part in parts])
        images = rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), labels
