"""High-frequency energy of the corruptions of *{dataset}*; of CIFAR-10 beside what is published of CIFAR-10-C.

The share of C(X) - X that the high-pass keeps, the square round the highest frequency; the mean over images, channels
and severities (Yin et al., NeurIPS 2019, section 4.1).
"""

import numpy as np
import pandas as pd

from filterfreq.evaluation.reading import read_results
from filterfreq.publishing.corruptions import corruption_label
from filterfreq.publishing.energy_slopes import image_rows
from filterfreq.publishing.numbers import number_texts
from filterfreq.publishing.phrases import images_phrase
from filterfreq.publishing.registry import Product
from filterfreq.publishing.table import TextTable

PRODUCT = Product(title="High-frequency energy of corruptions", needs=["spectra"], reads="image_spectra")

# Figure 6, x: CIFAR-10-C's test images, bandwidth 27; read off its vector paths to about 0.002. A copy of CIFAR-10 as
# JPEG files has other images, and another name.
_PUBLISHED_DATASET, _PUBLISHED_BANDWIDTH = "cifar10", 27
_PUBLISHED = {
    **{"brightness": 0.010, "contrast": 0.088, "defocus_blur": 0.526, "elastic_transform": 0.297, "fog": 0.042},
    **{"gaussian_blur": 0.510, "glass_blur": 0.470, "impulse_noise": 0.708, "jpeg_compression": 0.549},
    **{"motion_blur": 0.293, "pixelate": 0.426, "shot_noise": 0.704, "snow": 0.089, "speckle_noise": 0.700},
    **{"zoom_blur": 0.274},
}

read = read_results


def tabulate(results: pd.DataFrame) -> TextTable:
    """Show the energy of each corruption, and where images and bandwidth are the paper's the published one.

    Args:
        results: what the suite spectra measures of images alone.

    Raises:
        InputError: the results hold no such energy.
    """
    rows = image_rows(results, "high_frequency_energy").sort_values("value", ascending=False, kind="stable")
    dataset, bandwidth = rows["dataset"].iloc[0], rows["bandwidth"].iloc[0]
    numbers = pd.DataFrame(
        {
            "corruption": rows["corruption"].to_numpy(),
            "high_frequency_energy": rows["value"].to_numpy(),
            "images": rows["n"].to_numpy(),
        }
    )
    cells = pd.DataFrame(
        {
            "corruption": numbers["corruption"].map(corruption_label),
            "here": number_texts(numbers["high_frequency_energy"], ".3f"),
        }
    )
    caption = (
        f"The share of corruptions' energy at high frequencies, bandwidth {bandwidth}, on {dataset}: "
        f"mean over images, their channels and severities 1 to 5, without what a corruption leaves as it is "
        f"({images_phrase(rows['n'])}, an image counts at each severity)."
    )
    if (dataset, bandwidth) == (_PUBLISHED_DATASET, _PUBLISHED_BANDWIDTH):
        numbers["published"] = [_PUBLISHED.get(name, np.nan) for name in numbers["corruption"]]
        cells["published"] = number_texts(numbers["published"], ".3f")
        caption += " Published: by Yin et al. (NeurIPS 2019), Figure 6, of CIFAR-10-C, read off to 0.002."
    return TextTable(numbers, cells, caption, right=cells.shape[1] - 1)
