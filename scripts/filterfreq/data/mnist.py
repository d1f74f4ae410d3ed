"""MNIST, KMNIST and Fashion-MNIST from their IDX files, gzipped or not.

An IDX file is two zero bytes, the type (8 for unsigned bytes), the number of dimensions, each of them as a big-endian
int32, and the values, as http://yann.lecun.com/exdb/mnist describes.
"""

import gzip
import hashlib
import math
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from filterfreq.data.download import matches, verify
from filterfreq.data.images import fit
from filterfreq.data.raw_files import locate
from filterfreq.data.registry import Dataset, Source
from filterfreq.data.saving import save_splits
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import reading

_UNSIGNED_BYTES = 8
_LARGEST = 1 << 30  # bytes; MNIST's training images take 47 million
_GZIP = b"\x1f\x8b"
_REMEDY = "replace it by a whole copy"


def prepare(raw_folder: Path, output_folder: Path, seed: int, dataset: Dataset) -> None:
    """Write one of these sets as `filterfreq.data.arrays` describes: in the entry's size, in three equal channels.

    The scaling is that of `filterfreq.data.images.fit`, torchvision's `Resize`; images of that size stay as they are.

    Args:
        raw_folder: holds the four files that `dataset.sources` names.
        output_folder: gets `dataset.json` and the arrays.
        seed: fixes the order of the test images.
        dataset: the registry's entry.

    Raises:
        InputError: a file is missing or damaged, or holds other numbers than the registry says.
    """
    found = {}
    for source in dataset.sources:
        ((form, path),) = locate(source, raw_folder)
        if not _is_packed_anew(source, path):
            verify(form, path)
        found[source.file.removesuffix("-ubyte.gz")] = read_idx(path)
    train, test = (
        (_to_rgb(found[f"{split}-images-idx3"], dataset.image_size), found[f"{split}-labels-idx1"].astype(np.int64))
        for split in ("train", "t10k")
    )
    sources = {source.file: source.checksum for source in dataset.sources}
    save_splits(output_folder, dataset, train, test, seed=seed, sources=sources)


def read_idx(path: str | Path) -> np.ndarray:
    """Return the array of unsigned bytes in an IDX file, gzipped or not: uint8, of the shape in its header.

    Raises:
        InputError: it is no such file, or cut.
    """
    with reading(path, _REMEDY):
        content = _read_content(path)
        if len(content) > _LARGEST or content[:3] != bytes((0, 0, _UNSIGNED_BYTES)):
            raise InputError(f"{path} is no IDX file of bytes: {_REMEDY}")
        start = 4 + 4 * content[3]
        shape = tuple(np.frombuffer(content[4:start], dtype=">u4").tolist())
        values = np.frombuffer(content, dtype=np.uint8, offset=min(start, len(content)))
        if len(shape) != content[3] or math.prod(shape) != len(values):
            raise InputError(f"{path} has {len(values)} values for the shape {shape}: {_REMEDY}")
        return values.reshape(shape)


def _is_packed_anew(source: Source, path: Path) -> bool:
    """Whether a file that is gzipped in another way than the published one has the same in it."""
    if path.name != source.file or not source.forms or not path.is_file() or matches(source, path):
        return False
    try:
        content = _read_content(path)
    except (OSError, EOFError, zlib.error):  # damaged, or no gzip: its checksum says it
        return False
    return f"md5:{hashlib.md5(content, usedforsecurity=False).hexdigest()}" == source.forms[0][0].checksum


def _read_content(path: str | Path) -> bytes:
    """Return what is in a file, unpacked; at most one byte more than any of these files holds."""
    with open(path, "rb") as file:
        packed = file.read(2) == _GZIP
    # To the end, where a gzipped file's checksum is, unless that is far behind what any of these files holds.
    with gzip.open(path) if packed else open(path, "rb") as file:
        return file.read(_LARGEST + 1)


def _to_rgb(images: np.ndarray, size: int) -> np.ndarray:
    scaled = np.stack([np.asarray(fit(Image.fromarray(image), size)) for image in images])
    return np.repeat(scaled[..., None], 3, axis=3)
