"""Common corruptions of test images: their names, how they are made and stored, and the corruption error.

Imports no torch. The 15 common and 4 extra corruptions at 5 severities are those of Hendrycks and Dietterich,
Benchmarking Neural Network Robustness to Common Corruptions and Perturbations, ICLR 2019.
"""

from collections.abc import Mapping

COMMON: Mapping[str, str] = {
    "gaussian_noise": "noise",
    "shot_noise": "noise",
    "impulse_noise": "noise",
    "defocus_blur": "blur",
    "glass_blur": "blur",
    "motion_blur": "blur",
    "zoom_blur": "blur",
    "snow": "weather",
    "frost": "weather",
    "fog": "weather",
    "brightness": "weather",
    "contrast": "digital",
    "elastic_transform": "digital",
    "pixelate": "digital",
    "jpeg_compression": "digital",
}
"""The 15 corruptions that means and mCE are taken over, in the field's order, with their families."""
EXTRA: Mapping[str, str] = {
    "speckle_noise": "noise",
    "gaussian_blur": "blur",
    "spatter": "weather",
    "saturate": "digital",
}
"""The 4 extra corruptions, meant for validation, with their families."""
CORRUPTIONS: Mapping[str, str] = {**COMMON, **EXTRA}
SEVERITIES: tuple[int, ...] = (1, 2, 3, 4, 5)
