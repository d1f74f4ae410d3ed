"""How much of each sinusoid a network has learned, against the iteration (Rahaman et al., ICML 2019, Figure 1).

The amplitude of each frequency in the network's function, as a fraction of that in the target: 0 where it is not
learned, 1 where it is; larger values are shown as 1. Means over seeds, each with phases and a network of its own.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from filterfreq.fits.results import read_fit
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import TEXT_WIDTH, new_figure, styled, wrapped
from filterfreq.runtime.errors import InputError

PRODUCT = Product(title="Sums of sinusoids", needs=["sinusoids"], takes=["labels"], reads="fits", over="fit", note="")

# Its lightness falls from end to end, so it reads in grey too.
_COLOURS = "mako_r"
_PANEL_HEIGHT = 1.7  # inches
_TITLE_WIDTH, _TITLE_LINES = 30, 2


def read(files: Iterable[str | Path]) -> pd.DataFrame:
    """Read the aggregated results of one fit.

    Raises:
        InputError: see `filterfreq.fits.results.read_fit`.
    """
    return read_fit(files)


@styled
def draw(results: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw a heat map over frequency and iteration for each network (rows) and variant (columns).

    Args:
        results: what `read` returns.
        labels: of the variants, in order.

    Raises:
        InputError: there are no amplitudes of these variants.
    """
    shown = results[(results["metric"] == "normalised_amplitude") & results["variant"].isin(list(labels))]
    if shown.empty:
        raise InputError(f"there are no amplitudes of the variants {', '.join(labels)}: run the fit")
    networks = list(shown["model"].unique())
    variants = [name for name in labels if name in set(shown["variant"])]
    figure = new_figure(TEXT_WIDTH, 0.3 + _PANEL_HEIGHT * len(networks))
    grid = figure.subplots(len(networks), len(variants), squeeze=False)
    for network, row in zip(networks, grid, strict=True):
        for variant, axes in zip(variants, row, strict=True):
            cells = shown[(shown["model"] == network) & (shown["variant"] == variant)]
            means = cells.pivot_table(index="iteration", columns="frequency", values="value", aggfunc="mean")
            frequencies = np.arange(len(means.columns))
            # A map of a thousand rows as vectors would be a file of megabytes.
            image = axes.pcolormesh(
                frequencies, means.index.to_numpy(float), means, vmin=0, vmax=1, cmap=_COLOURS, rasterized=True
            )
            axes.grid(visible=False)
            axes.set_xticks(frequencies, [str(frequency) for frequency in means.columns])
            axes.set_xlabel("frequency" if network == networks[-1] else "")
            title = labels[variant] if len(networks) == 1 else f"{network}, {labels[variant]}"
            axes.set_title(wrapped(title, _TITLE_WIDTH, _TITLE_LINES))
        row[0].set_ylabel("iteration")
    figure.colorbar(image, ax=grid, label="normalised amplitude", shrink=min(1.0, 2 / len(networks)))
    return figure
