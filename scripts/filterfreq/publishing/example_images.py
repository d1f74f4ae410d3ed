"""Test images beside results, and the same with Fourier basis vectors added."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from filterfreq.data.arrays import PreparedDataset
from filterfreq.evaluation.reading import read_results
from filterfreq.frequencies.pairs import basis_vector
from filterfreq.publishing.mosaic import mosaic, show_canvas, to_uint8, write_under

_EXAMPLES = 2  # images


class ResultsWithImages(NamedTuple):
    """What a figure of results shows examples with.

    Attributes:
        results: tidy results of one data set.
        images: the first test images, uint8, N x H x W x 3.
    """

    results: pd.DataFrame
    images: np.ndarray


def read_with_images(files: Any) -> ResultsWithImages:
    """Read results, and the first test images: what is the function `read` of figures that show both.

    Args:
        files: those of `reads="results_with_images"`, by name.

    Raises:
        InputError: a file is missing or damaged.
    """
    images = PreparedDataset(Path(files.dataset[0]).parent).images("test")[:_EXAMPLES]
    return ResultsWithImages(read_results(files.results), np.asarray(images))


def show_with_basis_vectors(
    axes: Axes, image: np.ndarray, changes: Sequence[tuple[float, int, int]], texts: Sequence[str]
) -> None:
    """Show an image with a basis vector added to all channels, clipped, once for each change.

    Args:
        axes: where.
        image: uint8, H x W x 3.
        changes: of each its norm in a channel, 0 for the image itself, u and v.
        texts: what to write under each.
    """
    height, width = image.shape[:2]
    tiles = [
        to_uint8(np.clip(image / 255 + norm * basis_vector(height, width, u, v)[:, :, None], 0, 1))
        for norm, u, v in changes
    ]
    canvas, _, columns = mosaic(np.stack(tiles)[None])
    show_canvas(axes, canvas)
    for column, text in zip(columns, texts, strict=True):
        write_under(axes, column, height - 0.5, text)
