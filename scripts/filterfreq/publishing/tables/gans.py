"""GAN {gan}: how often its training diverged, and how far its images are from test images, by method and learning rate.

The distance is the Frechet distance of Gaussians in the penultimate features of a classifier that this project trained.
It is no FID, and cannot be compared with one. Mean ± standard deviation over seeds.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from filterfreq.publishing.gan_panels import method_labels, read_gan, rows_by_method
from filterfreq.publishing.numbers import MINUS, percent_text
from filterfreq.publishing.registry import Product
from filterfreq.publishing.table import TextTable

PRODUCT = Product(title="GANs", needs=["sngan"], takes=["gan_methods"], reads="gans", over="gan", note="")

_ROW = ["model", "variant", "learning_rate"]
_HEADINGS = {
    "frechet_classifier": "distance in classifier's features",
    "spectral_norm": "largest spectral norm",
    "reshaped_spectral_norm": "largest norm of a reshaped matrix",
}

read = read_gan


def tabulate(results: pd.DataFrame, gan_methods: Mapping[str, Mapping[str, Any]]) -> TextTable:
    """Show a row for each network, method and learning rate.

    Args:
        results: what `read` returns.
        gan_methods: see `filterfreq.publishing.gan_panels.rows_by_method`.

    Returns:
        Its numbers have a row for each network, method, learning rate and measure, with `mean` and `std` over `seeds`.
        Norms are the largest of the discriminator's layers where it was last measured.

    Raises:
        InputError: there is no row of these variants.
    """
    frame = rows_by_method(results, gan_methods)
    order = list(method_labels(gan_methods))
    frame = frame.assign(variant=pd.Categorical(frame["variant"], order, ordered=True))
    run = [*_ROW, "seed"]
    of_runs = []
    for metric in ("diverged", *_HEADINGS):
        rows = frame[frame["metric"] == metric]
        if metric.endswith("spectral_norm"):
            last = rows.groupby(run, observed=True)["iteration"].transform("max")
            rows = rows[rows["iteration"] == last].groupby(run, observed=True, as_index=False)["value"].max()
        of_runs.append(rows[[*run, "value"]].assign(measure=metric))
    groups = pd.concat(of_runs).groupby([*_ROW, "measure"], observed=True)["value"]
    numbers = groups.agg(mean="mean", std="std", seeds="count").reset_index()
    by_row = numbers.set_index([*_ROW, "measure"])
    cells = []
    for model, method, rate in numbers[_ROW].drop_duplicates().sort_values(_ROW).itertuples(index=False):
        found = by_row.loc[(model, method, rate)]
        diverged = found.loc["diverged"]
        cell = {"network": model, "method": method, "learning rate": f"{rate:g}".replace("-", MINUS)}
        cell["diverged (% of seeds)"] = percent_text(diverged["mean"], ".0f")
        for metric, heading in _HEADINGS.items():
            if (numbers["measure"] == metric).any():
                cell[heading] = _cell(*found.loc[metric][["mean", "std"]]) if metric in found.index else "–"
        cells.append({**cell, "seeds": f"{int(diverged['seeds'])}"})
    shown = pd.DataFrame(cells)
    if len(set(shown["network"])) == 1:
        shown = shown.drop(columns="network")
    names = sorted(set(frame["classifier"].dropna())) if "classifier" in frame else []
    said = (
        f" The distance is the Frechet distance to test images in the penultimate features of {', '.join(names)}; it "
        "is no FID."
        if names
        else ""
    )
    caption = (
        f"GAN {results['dataset'].iloc[0]}, mean ± standard deviation over seeds. Norms are of the discriminator's "
        f"layers at the end.{said}"
    )
    return TextTable(numbers, shown, caption, right=len(shown.columns) - 1 - ("network" in shown))


def _cell(mean: float, std: float) -> str:
    spread = "" if pd.isna(std) else f" ± {std:.2g}"
    return f"{mean:.4g}{spread}"
