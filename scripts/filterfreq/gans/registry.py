"""The kinds of GANs: what configuration, planning and publishing must know of each. Imports no torch.

They are entries as those of fits are, but that `run` takes a `filterfreq.gans.job.GanJob`. The schemas of their
settings are in `schemas/gans/<kind>.yaml`.
"""

import math
from collections.abc import Mapping
from typing import Any

from filterfreq.evaluation.registry import Metric
from filterfreq.fits.registry import Fit, check_recorded
from filterfreq.runtime.errors import InputError

IMAGE_SIZES = (32, 64)
"""Pixels of the images that these networks make."""


def _check_sngan(settings: Mapping[str, Any]) -> None:
    check_recorded(settings)
    _check_exact_norms(settings)
    if settings["normalisation"] == "convnorm" and settings["strided_kernel"] % 2 == 0:
        raise InputError(
            f"strided_kernel: convnorm needs odd kernels and this is {settings['strided_kernel']}: write 3, for the "
            "variants that are compared with it too"
        )


def _check_exact_norms(settings: Mapping[str, Any]) -> None:
    every, recorded = settings.get("exact_norms_every"), settings["record_every"]
    if every is not None and every % recorded:
        raise InputError(
            f"exact_norms_every: {every} is no multiple of record_every, {recorded}: write one, such as {10 * recorded}"
        )


def _recorded(*keys: str, lowest: float = 0) -> Metric:
    return Metric(("iteration", *keys), lowest=lowest, highest=math.inf, is_share=False)


GANS: Mapping[str, Fit] = {
    "sngan": Fit(
        run="filterfreq.gans.sngan:train_sngan",
        metrics={
            "discriminator_loss": _recorded(),
            "generator_loss": _recorded(lowest=-math.inf),
            "discriminator_gradient_norm": _recorded(),
            "generator_gradient_norm": _recorded(),
            "reshaped_spectral_norm": _recorded("layer"),
            "spectral_norm": _recorded("layer"),
            # Of the finished generator, see filterfreq.gans.frechet.
            "frechet_classifier": Metric(("classifier",), highest=math.inf, is_share=False),
            "diverged": Metric(("iterations",)),
        },
        types={"iteration": int, "iterations": int},
        check=_check_sngan,
    ),
}
"""By the key that the settings stand under in an entry of the config's `gans`."""
