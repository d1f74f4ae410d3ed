"""MNIST, KMNIST and Fashion-MNIST from their gzipped IDX files.

An IDX file is two zero bytes, the type (8 for unsigned bytes), the number of dimensions, each of them as a big-endian
int32, and the values, as http://yann.lecun.com/exdb/mnist describes.
"""

import gzip
import math
from pathlib import Path

import numpy as np
from PIL import Image

from filterfreq.data.download import verify
from filterfreq.data.images import fit
from filterfreq.data.registry import Dataset
from filterfreq.data.saving import save_splits
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import reading

_UNSIGNED_BYTES = 8
_LARGEST = 1 << 30  # bytes; MNIST's training images take 47 million
_REMEDY = "replace it by a whole copy"


def prepare(raw_folder: Path, output_folder: Path, seed: int, dataset: Dataset) -> None:
    """Write one of these sets as `filterfreq.data.arrays` describes: scaled to 32x32 pixels, in three equal channels.

    The scaling is that of `filterfreq.data.images.fit`, torchvision's `Resize(32)`.

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
        path = Path(raw_folder) / source.file
        verify(source, path)
        found[source.file.removesuffix("-ubyte.gz")] = read_idx(path)
    train, test = (
        (_to_rgb(found[f"{split}-images-idx3"], dataset.image_size), found[f"{split}-labels-idx1"].astype(np.int64))
        for split in ("train", "t10k")
    )
    sources = {source.file: source.checksum for source in dataset.sources}
    save_splits(output_folder, dataset, train, test, seed=seed, sources=sources)


def read_idx(path: str | Path) -> np.ndarray:
    """Return the array of unsigned bytes in a gzipped IDX file: uint8, of the shape in its header.

    Raises:
        InputError: it is no such file, or cut.
    """
    with reading(path, _REMEDY):
        # To the end, where its checksum is, unless that is far behind what any of these files holds.
        with gzip.open(path) as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST or content[:3] != bytes((0, 0, _UNSIGNED_BYTES)):
            raise InputError(f"{path} is no IDX file of bytes: {_REMEDY}")
        start = 4 + 4 * content[3]
        shape = tuple(np.frombuffer(content[4:start], dtype=">u4").tolist())
        values = np.frombuffer(content, dtype=np.uint8, offset=min(start, len(content)))
        if len(shape) != content[3] or math.prod(shape) != len(values):
            raise InputError(f"{path} has {len(values)} values for the shape {shape}: {_REMEDY}")
        return values.reshape(shape)


def _to_rgb(images: np.ndarray, size: int) -> np.ndarray:
    scaled = np.stack([np.asarray(fit(Image.fromarray(image), size)) for image in images])
    return np.repeat(scaled[..., None], 3, axis=3)
