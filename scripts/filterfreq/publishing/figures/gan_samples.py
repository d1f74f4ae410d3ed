"""Images that the generators of GAN {gan} make after training, of the first seed of each variant.

They are of the same latent vectors in all of them, with the running statistics of batch normalisation; none was chosen.
"""

from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from filterfreq.publishing.mosaic import sheet, show_canvas
from filterfreq.publishing.panels import grid_shape
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import TEXT_WIDTH, new_figure, use_style, wrap_text
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import read_json, reading

PRODUCT = Product(title="Samples of GANs", needs=["sngan"], takes=["labels"], reads="gan_samples", over="gan", note="")

_IN_A_ROW = 8
_MOST_SHOWN = 64
_PANELS_IN_A_ROW = 4
_TITLE_WIDTH, _TITLE_LINES = 26, 3


class SampleSheet(NamedTuple):
    """Images of one generator.

    Attributes:
        network: its network.
        variant: its variant.
        images: uint8, N x H x W x 3.
    """

    network: str
    variant: str
    images: np.ndarray


def read(files: Any) -> list[SampleSheet]:
    """Read the images of the lowest seed of each network and variant.

    Args:
        files: those of `reads="gan_samples"`, by name: `samples` and `records` of the same runs.

    Raises:
        InputError: a file is missing or damaged.
    """
    found: dict[tuple[str, str], tuple[int, np.ndarray]] = {}
    for samples, record in zip(files.samples, files.records, strict=True):
        run = read_json(record, "train the GAN again")["run"]
        key, seed = (run["network"], run["variant"]), run["seed"]
        if key not in found or seed < found[key][0]:
            with reading(samples, "train the GAN again"), np.load(samples, allow_pickle=False) as arrays:
                found[key] = seed, arrays["images"]
    return [SampleSheet(network, variant, images) for (network, variant), (_, images) in found.items()]


@use_style
def draw(sheets: list[SampleSheet], labels: dict[str, str]) -> Figure:
    """Draw a sheet of images for each network and variant.

    Args:
        sheets: what `read` returns.
        labels: of the variants, in order.

    Raises:
        InputError: there are no images of these variants.
    """
    order = list(labels)
    shown = [entry for entry in sheets if entry.variant in labels]
    if not shown:
        raise InputError(f"there are no samples of the variants {', '.join(labels)}: train the GAN")
    networks = list(dict.fromkeys(entry.network for entry in shown))
    shown.sort(key=lambda entry: (networks.index(entry.network), order.index(entry.variant)))
    rows, columns = grid_shape(len(shown), _PANELS_IN_A_ROW)
    canvases = []
    for entry in shown:
        images = entry.images[:_MOST_SHOWN]
        canvases.append(sheet(images, min(_IN_A_ROW, max(1, round(len(images) ** 0.5)))))
    height, width, _ = canvases[0].shape
    figure = new_figure(TEXT_WIDTH, rows * (TEXT_WIDTH / columns * height / width + 0.45), images=True)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for entry, canvas, axes in zip(shown, canvases, grid, strict=False):
        show_canvas(axes, canvas)
        title = labels[entry.variant] if len(networks) == 1 else f"{entry.network}, {labels[entry.variant]}"
        axes.set_title(wrap_text(title, _TITLE_WIDTH, _TITLE_LINES))
    for axes in grid[len(shown) :]:
        axes.set_axis_off()
    return figure
