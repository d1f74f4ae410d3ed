"""Accuracy under the corruptions of *{dataset}* against their high-frequency energy: the line of each variant.

A point is a corruption: the accuracy of the variant less that of the baseline, paired by seed, against the share of the
corruption's energy at high frequencies (Yin et al., NeurIPS 2019, Figure 6). The interval of the slope is over draws of
corruptions.
"""

import numpy as np
import pandas as pd

from filterfreq.analysis.slopes import Line
from filterfreq.publishing.energy_slopes import energy_slopes
from filterfreq.publishing.means import dataset_phrase
from filterfreq.publishing.numbers import interval_text, number_texts, percent_text
from filterfreq.publishing.phrases import images_phrase, seeds_phrase
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import select
from filterfreq.publishing.table import TextTable

PRODUCT = Product(
    title="Slopes of accuracy against high-frequency energy",
    needs=["corruption", "spectra"],
    takes=["labels", "baseline"],
    when="slopes_fitted",
)


def tabulate(results: pd.DataFrame, labels: dict[str, str], baseline: str) -> TextTable:
    """Show the mean accuracy, slope, intercept, residual and R^2 of each model and variant.

    Args:
        results: tidy results of one data set.
        labels: display labels of the variants by name, in order.
        baseline: the variant that the others are compared with.

    Raises:
        InputError: see `filterfreq.publishing.energy_slopes.energy_slopes`.
    """
    found = energy_slopes(results, labels, baseline)
    rows = []
    for run, accuracies in found.accuracies.iterrows():
        line = found.lines[run]._asdict() if run in found.lines else {}
        names = dict(zip(("model", "variant"), run, strict=True))
        rows.append({**names, "accuracy": accuracies.mean(), **line, "seeds": found.counts.get(run, np.nan)})
    numbers = pd.DataFrame(rows, columns=["model", "variant", "accuracy", *Line._fields, "seeds"])
    cells = pd.DataFrame(
        {
            "variant": [found.variants[name] for name in numbers["variant"]],
            "model": numbers["model"],
            "mean accuracy (%)": numbers["accuracy"].map(percent_text),
            "slope": number_texts(numbers["slope"], ".2f"),
            "95 % interval": [
                interval_text(low, high, ".2f") for low, high in zip(numbers["ci_low"], numbers["ci_high"], strict=True)
            ],
            "intercept": number_texts(numbers["intercept"], ".3f"),
            "residual": number_texts(numbers["residual"], ".3f"),
            "R²": number_texts(numbers["r_squared"], ".2f"),
        }
    )
    if len(numbers["model"].unique()) == 1:
        cells = cells.drop(columns="model")
    frame = select(results, labels, ["corruption"])
    caption = (
        f"Accuracy under {len(found.energies)} corruptions of {dataset_phrase(frame)}, less that of "
        f"{labels.get(baseline, baseline)}, against the corruptions' high-frequency energy: slope and intercept of the "
        "least-squares line (fractions), the sum of its squared residuals, and the share of variance that it explains. "
        "Accuracies are means over severities; the slope's interval is over bootstrap draws of corruptions, and says "
        "how far it depends on which these are. "
        f"{images_phrase(frame['n'])}; pairs of runs: {seeds_phrase(found.counts)}."
    )
    return TextTable(numbers.rename(columns={"accuracy": "mean_accuracy"}), cells, caption, right=6)
