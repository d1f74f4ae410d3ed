"""Accuracy of models that were trained and tested on filtered images of *{dataset}*, against the filter's bandwidth.

Each point is a model of its own: a filter of this bandwidth is its first layer, in training and test. Lines are means
over seeds, bands reach from the lowest to the highest seed; lines across are variants without a filter. Below, two test
images as the filters leave them. Without low frequencies they are next to invisible: of these,
four standard deviations about the mean are shown.
"""

import itertools
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from filterfreq.frequencies.bands import band_frequencies
from filterfreq.publishing.bands import BAND_LABELS, BANDWIDTH_LABEL
from filterfreq.publishing.example_images import ResultsWithImages, read_with_images
from filterfreq.publishing.mosaic import TILE_WIDTH, mosaic, show_canvas, to_uint8
from filterfreq.publishing.panels import scale_accuracies, seeds_and_images_note, tick_measured
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.style import (
    TEXT_WIDTH,
    add_legend,
    draw_levels,
    draw_lines,
    new_figure,
    use_style,
    variant_styles,
)
from filterfreq.runtime.errors import InputError

PRODUCT = Product(
    title="Trained on filtered images",
    needs=["clean"],
    takes=["labels", "front_ends", "style_numbers"],
    reads="results_with_images",
    when="bandwidth_swept",
)

_MOST_BANDWIDTHS = 5  # that examples are shown at
_PANEL_HEIGHT, _ABOVE_EXAMPLES = 2.0, 0.45  # inches


read = read_with_images


@use_style
def draw(
    shown: ResultsWithImages,
    labels: dict[str, str],
    front_ends: Mapping[str, Mapping],
    style_numbers: Mapping[str, int] | None = None,
) -> Figure:
    """Draw accuracy against the bandwidth, a line for each filter, and images as the filters leave them.

    Yin et al. (NeurIPS 2019), Figure 1.

    Args:
        shown: what `read` returns.
        labels: display labels of the variants by name, in order.
        front_ends: of every variant with a filter its band, bandwidth and `beside`, as
            `filterfreq.study.study.Study.front_ends` returns them.
        style_numbers: of the variants in the study; lines have the first ones that no variant without a filter has.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of a variant with a filter.
    """
    frame = select(shown.results, labels, ["clean"])
    frame = frame[frame["metric"] == "accuracy"]
    present = present_variants(frame, labels)
    front_ends = {name: front_end for name, front_end in front_ends.items() if name in present}
    if not front_ends:
        raise InputError("there are no results of a variant with a front end: run its evaluations")
    series = _line_labels(front_ends)
    references = {name: label for name, label in present.items() if name not in front_ends}
    # A line's key has a space, which no variant's name has.
    line_labels = {f"line {number}": label for number, label in enumerate(dict.fromkeys(series.values()))}
    line_keys = {label: key for key, label in line_labels.items()}
    numbers = dict(style_numbers or {name: number for number, name in enumerate(labels)})
    # Of many variants that a line joins one might look like a variant without a filter.
    free = (number for number in itertools.count() if number not in {numbers[name] for name in references})
    numbers |= dict(zip(line_labels, free, strict=False))
    styles = variant_styles(references | line_labels, numbers)

    bandwidths = _shown_bandwidths(front_ends)
    models = list(frame["model"].cat.categories)
    counts = [len(shown_widths) for shown_widths in bandwidths.values()]
    tile = min(TILE_WIDTH, TEXT_WIDTH / sum(counts))
    heights = [*[_PANEL_HEIGHT] * len(models), tile * len(shown.images) + _ABOVE_EXAMPLES]
    figure = new_figure(TEXT_WIDTH, sum(heights))
    cells = figure.add_gridspec(len(heights), 1, height_ratios=heights)
    for model, cell in zip(models, cells, strict=False):
        axes = figure.add_subplot(cell)
        rows_of_model = frame[frame["model"] == model].astype({"variant": str})
        draw_levels(axes, rows_of_model, {name: styles[name] for name in references})
        filtered = rows_of_model[rows_of_model["variant"].isin(series)]
        filtered = filtered.assign(
            bandwidth=[front_ends[name]["bandwidth"] for name in filtered["variant"]],
            variant=filtered["variant"].map(series).map(line_keys),
        )
        drawn = {name: style for name, style in styles.items() if name in set(filtered["variant"])}
        draw_lines(axes, filtered, "bandwidth", "value", drawn, markers=True)
        tick_measured(axes, [front_end["bandwidth"] for front_end in front_ends.values()])
        axes.set_xlabel(BANDWIDTH_LABEL if model == models[-1] else "")
        scale_accuracies(axes)
        axes.set_ylabel(f"{model}\naccuracy (%)" if len(models) > 1 else "accuracy (%)")
    examples = cells[-1].subgridspec(1, len(counts), width_ratios=counts)
    for (band, shown_widths), cell in zip(bandwidths.items(), examples, strict=True):
        _show_examples(figure.add_subplot(cell), shown.images, band, shown_widths)
    in_legend = {name: style._replace(marker="") if name in references else style for name, style in styles.items()}
    add_legend(figure, in_legend, note=seeds_and_images_note(frame))
    return figure


def _line_labels(front_ends: Mapping[str, Mapping]) -> dict[str, str]:
    """Name each variant's line: by the band, and where lines differ in it by what the variants do beside the filter."""
    several = len({front_end["beside"] for front_end in front_ends.values()}) > 1
    return {
        name: ", ".join([front_end["beside"]] * several + [BAND_LABELS[front_end["band"]]])
        for name, front_end in front_ends.items()
    }


def _shown_bandwidths(front_ends: Mapping[str, Mapping]) -> dict[str, list[int]]:
    """Choose bandwidths for the examples, of each band from its smallest to its largest."""
    found = {}
    for band in BAND_LABELS:
        measured = sorted({one["bandwidth"] for one in front_ends.values() if one["band"] == band})
        if measured:
            chosen = np.linspace(0, len(measured) - 1, min(_MOST_BANDWIDTHS, len(measured))).round().astype(int)
            found[band] = [measured[index] for index in chosen]
    return found


def _show_examples(axes: Axes, images: np.ndarray, band: str, bandwidths: list[int]) -> None:
    """Show images as the filters of a band leave them, below their bandwidths."""
    tiles = np.stack([_visible(images, band, bandwidth) for bandwidth in bandwidths], axis=1)
    canvas, _, columns = mosaic(tiles, row_gap=0.06)
    show_canvas(axes, canvas)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xlabel(f"{BAND_LABELS[band]}, bandwidth")
    axes.set_xticks(columns, bandwidths)


def _visible(images: np.ndarray, band: str, bandwidth: int) -> np.ndarray:
    """Return filtered images, uint8, N x H x W x 3, so that something can be seen."""
    kept = band_frequencies(*images.shape[1:3], band, bandwidth)[:, :, None]
    filtered = np.fft.ifft2(np.fft.fft2(images / 255, axes=(1, 2)) * kept, axes=(1, 2)).real
    if band != "low":
        mean, std = (function(filtered, axis=(1, 2, 3), keepdims=True) for function in (np.mean, np.std))
        filtered = (filtered - mean) / np.maximum(4 * std, 1e-12) + 0.5
    return to_uint8(filtered.clip(0, 1))
