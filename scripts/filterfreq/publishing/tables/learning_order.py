"""When each frequency of a sum of sinusoids is learned, and whether low ones are first, of fit *{fit}*.

A frequency is learned once its normalised amplitude is above 0.9 for the first time; the table has the mean iteration
over seeds, and a dash where a seed has not learned it. Kendall's tau is 1 where each frequency is learned after all
lower ones, and -1 where the order is turned round. Its 95 % interval over seeds tells whether low ones are first.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from filterfreq.analysis.claims import FEWEST_PAIRS, verdict
from filterfreq.analysis.intervals import mean_difference
from filterfreq.analysis.learning_order import order_agreement
from filterfreq.publishing.fit_rows import read_fit, rows_of_variants
from filterfreq.publishing.numbers import interval_text
from filterfreq.publishing.registry import Product
from filterfreq.publishing.table import TextTable

PRODUCT = Product(title="Order of learning", needs=["sinusoids"], takes=["labels"], reads="fits", over="fit", note="")

LEARNED = 0.9
"""The normalised amplitude above which a frequency counts as learned."""
_SMALLEST_EFFECT = 0.1  # of tau: one pair in twenty the other way round
_MISSING = "–"

read = read_fit


def tabulate(results: pd.DataFrame, labels: Mapping[str, str]) -> TextTable:
    """Show each network and variant in a row.

    Args:
        results: what `read` returns.
        labels: of the variants, in order.

    Raises:
        InputError: there are no amplitudes of these variants.
    """
    rows = rows_of_variants(results, "normalised_amplitude", labels, "amplitudes")
    frequencies = sorted({int(k) for frame in rows.values() for k in frame["frequency"].unique()})
    cells, numbers = [], []
    for (network, variant), frame in rows.items():
        first = first_learned(frame)
        taus = np.array([order_agreement(of_seed) for of_seed in first.to_numpy()])
        said, tau, low, high = _verdict(taus, first.shape[1])
        mean = first.mean().reindex(frequencies)
        texts = [f"{value:,.0f}" if np.isfinite(value) else _MISSING for value in mean]
        names = [network, labels[variant], len(first)]
        cells.append([*names, f"{tau:.2f} {interval_text(low, high, '.2f')}", said, *texts])
        numbers += [
            {
                "model": network,
                "variant": variant,
                "seed": seed,
                "frequency": k,
                "first_iteration": value,
                "tau": tau_of,
            }
            for (seed, of_seed), tau_of in zip(first.iterrows(), taus, strict=True)
            for k, value in of_seed.replace(np.inf, np.nan).items()
        ]
    headings = ["network", "variant", "seeds", "tau", "low first", *(f"k = {k}" for k in frequencies)]
    caption = (
        f"The iteration after which the normalised amplitude of each frequency k is above {LEARNED:g}, mean over seeds "
        f"({_MISSING}: not in all of them), and Kendall's tau between frequency and iteration with its 95 % interval."
    )
    shown = pd.DataFrame(cells, columns=headings).astype(str)
    return TextTable(pd.DataFrame(numbers), shown, caption, len(frequencies))


def first_learned(amplitudes: pd.DataFrame) -> pd.DataFrame:
    """Return the first iteration in which each frequency is learned; infinite where it never is.

    Args:
        amplitudes: rows with columns seed, iteration, frequency and value.

    Returns:
        A row for each seed, a column for each frequency, both increasing.
    """
    learned = amplitudes[amplitudes["value"] > LEARNED]
    first = learned.pivot_table(index="seed", columns="frequency", values="iteration", aggfunc="min")
    seeds, frequencies = (sorted(amplitudes[column].unique()) for column in ("seed", "frequency"))
    return first.reindex(index=seeds, columns=frequencies).astype(float).fillna(np.inf)


def _verdict(taus: np.ndarray, frequencies: int) -> tuple[str, float, float, float]:
    """What the seeds say of the claim that low frequencies are learned first; the mean tau, and its interval."""
    pairs = frequencies * (frequencies - 1) / 2
    # A tau is a number rounded to two in so many pairs.
    estimate = mean_difference([taus], pairs / 2)
    low, high = np.clip(estimate.interval(), -1, 1)
    said = "too few seeds"
    if len(taus) >= FEWEST_PAIRS:
        said, _ = verdict("higher", _SMALLEST_EFFECT, estimate)
    return said, estimate.mean, low, high
