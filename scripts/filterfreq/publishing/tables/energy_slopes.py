"""Accuracy under the corruptions of *{dataset}* against their high-frequency energy: the line of each variant.

A point is a corruption: the accuracy of the variant less that of the baseline, paired by seed, against the share of the
corruption's energy at high frequencies (Yin et al., NeurIPS 2019, Figure 6). The interval of the slope is over draws of
corruptions. Of CIFAR-10 what the paper publishes stands below.
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

# Figure 6, the legend, and Table 2: mean accuracy, mCE, slope and residual, of WideResNet-28-10 on CIFAR-10-C.
_PUBLISHED_DATASET = "cifar10"
_PUBLISHED = {
    **{"Gaussian noise": (0.83, 0.98, 0.52, 0.11), "adversarial training": (0.81, 1.08, 0.35, 0.05)},
    **{"low pass": (0.83, np.nan, 0.23, 0.18), "high pass": (0.68, np.nan, -0.17, 0.01)},
    "AutoAugment": (0.86, 0.64, 0.16, 0.08),
}


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
        error = ((1 - accuracies) / (1 - found.accuracies.loc[(names["model"], baseline)])).mean()
        rows.append(
            {**names, "accuracy": accuracies.mean(), "mce": error, **line, "seeds": found.counts.get(run, np.nan)}
        )
    frame = select(results, labels, ["corruption"])
    published = _PUBLISHED if frame["dataset"].iloc[0] == _PUBLISHED_DATASET else {}
    for name, (accuracy, error, slope, residual) in published.items():
        values = {"accuracy": accuracy, "mce": error, "slope": slope, "residual": residual}
        rows.append({"model": "published", "variant": f"published: {name}", **values})
    numbers = pd.DataFrame(rows, columns=["model", "variant", "accuracy", "mce", *Line._fields, "seeds"])
    cells = pd.DataFrame(
        {
            "variant": [found.variants.get(name, name) for name in numbers["variant"]],
            "model": numbers["model"],
            "mean accuracy (%)": numbers["accuracy"].map(percent_text),
            "mCE (%)": numbers["mce"].map(percent_text),
            "slope": number_texts(numbers["slope"], ".2f"),
            "95 % interval": [
                interval_text(low, high, ".2f") for low, high in zip(numbers["ci_low"], numbers["ci_high"], strict=True)
            ],
            "intercept": number_texts(numbers["intercept"], ".3f"),
            "residual": number_texts(numbers["residual"], ".3f"),
            "R²": number_texts(numbers["r_squared"], ".2f"),
        }
    )
    if len(found.accuracies.index.unique("model")) == 1:
        cells = cells.drop(columns="model")
    caption = (
        f"Accuracy under {len(found.energies)} corruptions of {dataset_phrase(frame)}, less that of "
        f"{labels.get(baseline, baseline)}, against the corruptions' high-frequency energy: slope and intercept of the "
        "least-squares line (fractions), the sum of its squared residuals, and the share of variance that it explains. "
        "mCE: the mean over these corruptions of the error, relative to the same model's. Accuracies are means over "
        "severities; the slope's interval is over bootstrap draws of corruptions: it says how far the slope depends on "
        "which these are, and nothing of seeds. "
        f"{images_phrase(frame['n'])}; pairs of runs: {seeds_phrase(found.counts)}."
    )
    if published:
        caption += (
            " Published: by Yin et al. (NeurIPS 2019), the legend of Figure 6 and Table 2, of WideResNet-28-10 on "
            "CIFAR-10-C; the low pass's residual is probably a misprint of 0.12."
        )
    return TextTable(numbers.rename(columns={"accuracy": "mean_accuracy"}), cells, caption, right=7)
