"""Corruptions by the name of a set of them. Imports no torch."""

from collections.abc import Iterable, Mapping

from filterfreq.evaluation.corruptions import COMMON, CORRUPTIONS
from filterfreq.runtime.errors import unknown_name

CORRUPTION_SETS: Mapping[str, tuple[str, ...]] = {
    "common": tuple(COMMON),
    "yin2019": (
        *("brightness", "contrast", "defocus_blur", "elastic_transform", "fog", "gaussian_blur", "glass_blur"),
        *("impulse_noise", "jpeg_compression", "motion_blur", "pixelate", "shot_noise", "snow", "speckle_noise"),
        "zoom_blur",
    ),
}
"""The 15 common ones, and the 15 of Yin et al. (NeurIPS 2019), Figures 2 and 6 and Table 2: these have Gaussian blur
and speckle noise, and neither Gaussian noise nor frost."""
DEFAULT_CORRUPTIONS: tuple[str, ...] = ("yin2019",)
"""Those whose spectra the suite `spectra` measures unless its settings say otherwise."""


def corruption_names(wanted: Iterable[str]) -> list[str]:
    """Return corruptions in the order of `filterfreq.evaluation.corruptions.CORRUPTIONS`, each once.

    Args:
        wanted: their names, or names of `CORRUPTION_SETS`.

    Raises:
        InputError: a name is neither.
    """
    found = set()
    for name in wanted:
        if name not in CORRUPTIONS and name not in CORRUPTION_SETS:
            raise unknown_name("corruption", name, [*CORRUPTION_SETS, *CORRUPTIONS])
        found |= set(CORRUPTION_SETS.get(name, [name]))
    return [name for name in CORRUPTIONS if name in found]
