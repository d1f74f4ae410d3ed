"""Large images stay in files: a sequence of them that is used like an array and decodes what is asked for."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import numpy as np
from PIL import Image

from filterfreq.data.images import fit, open_image
from filterfreq.data.registry import AS_STORED, Rendering
from filterfreq.runtime.files import reading


class ImageFiles:
    """Image files as one array, uint8, N x size x size x 3, of which a slice is decoded when it is made an array.

    `files[10:20]` is again `ImageFiles`, and `np.asarray(files[10:20])` reads and decodes those ten. So evaluations
    take them like a memory map, batch by batch. `files[10]` is one image, decoded.

    Args:
        folder: where the files lie.
        names: their paths in it, with `/` between folders.
        size: height and width of the images, in pixels.
        resize: the shorter side, in pixels, before the centre is cut out, or height and width; by default `size`.
        threads: how many files to decode at once.
        rendering: what becomes of their orientation and of transparency.

    Attributes:
        shape: (N, size, size, 3).
        dtype: uint8.
        ndim: 4.
    """

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(
        self,
        folder: str | Path,
        names: Sequence[str],
        size: int,
        resize: int | Sequence[int] | None = None,
        threads: int = 1,
        rendering: Rendering = AS_STORED,
    ) -> None:
        self.folder = Path(folder)
        self.names = names
        self.size = size
        self.resize = resize
        self.threads = threads
        self.rendering = rendering

    @property
    def shape(self) -> tuple[int, int, int, int]:  # noqa: D102  # described above
        return len(self.names), self.size, self.size, 3

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.names)

    def __getitem__(self, index: int | slice | Sequence[int] | np.ndarray) -> Self | np.ndarray:
        """Return some of the images, still as files, by a slice or by their indices; one of them decoded."""
        if isinstance(index, int | np.integer):
            return np.asarray(self[[index]])[0]
        names = self.names[index] if isinstance(index, slice) else [self.names[i] for i in index]
        return type(self)(self.folder, names, self.size, self.resize, self.threads, self.rendering)

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        """Read and decode the images.

        Raises:
            InputError: a file is missing or no image.
            ValueError: `copy` is False, which decoding cannot do.
        """
        if copy is False:
            raise ValueError("image files are decoded into a new array: copy cannot be False")
        images = np.empty(self.shape, dtype=np.uint8)
        with ThreadPoolExecutor(self.threads) as pool:
            for row, image in enumerate(
                pool.map(lambda name: fit(self.open(name), self.size, self.resize), self.names)
            ):
                images[row] = image
        return images if dtype is None else images.astype(dtype, copy=False)

    def open(self, name: str) -> Image.Image:
        """Decode one of the files in its own size, as RGB.

        Raises:
            InputError: the file is missing or no image.
        """
        return open_image(self.content(name), str(self.folder / name), self.rendering)

    def content(self, name: str) -> bytes:
        """Return the bytes of one of the files.

        Raises:
            InputError: the file is missing.
        """
        path = self.folder / name
        with reading(path, "prepare the data set again"):
            return path.read_bytes()
