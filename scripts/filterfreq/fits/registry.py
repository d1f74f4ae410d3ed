"""The kinds of fits: what configuration, planning and publishing must know of each. Imports no torch.

One more kind is one module beside this one, one entry here, and one schema of its settings, `schemas/fits/<kind>.yaml`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from filterfreq.data.registry import Dataset
from filterfreq.evaluation.registry import Measurement, Metric
from filterfreq.fits.two_class_checks import check_spectrum_at, check_two_classes
from filterfreq.runtime.errors import InputError


@dataclass(frozen=True)
class Fit(Measurement):
    """One kind of function to learn: what `run` names takes a `filterfreq.fits.job.FitJob` and returns rows.

    Attributes:
        check: called with the settings, which fit the schema; raises an `InputError` for what the schema cannot see,
            whose sentence begins with the key. None where there is nothing to check.
        check_images: of a kind whose settings name a `dataset`: called with the settings, the data set's entry and the
            names of its classes, empty where they are not known yet; likewise.
        has_networks: whether an entry names networks; an equation is solved without.
    """

    check: Callable[[Mapping[str, Any]], None] | None = None
    check_images: Callable[[Mapping[str, Any], Dataset, Sequence[str]], None] | None = None
    has_networks: bool = True


def check_recorded(settings: Mapping[str, Any]) -> None:
    """Check that something is recorded in the iterations of a training.

    Raises:
        InputError: `record_every` is above `iterations`.
    """
    if settings["record_every"] > settings["iterations"]:
        raise InputError(
            f"record_every: nothing is recorded in {settings['iterations']} iterations, lower it to that or less"
        )


def _check_sinusoids(settings: Mapping[str, Any]) -> None:
    frequencies, amplitudes, points = (settings[key] for key in ("frequencies", "amplitudes", "points"))
    if len(amplitudes) != len(frequencies):
        raise InputError(
            f"amplitudes: there are {len(amplitudes)} of them and {len(frequencies)} frequencies, give one for each"
        )
    highest = max(frequencies)
    if 2 * highest >= points:
        raise InputError(
            f"frequencies: {points} points on a period cannot show {highest} cycles, which need more than "
            f"{2 * highest} (Nyquist): lower the frequency or raise points"
        )
    check_recorded(settings)


def _check_kernel_noise(settings: Mapping[str, Any]) -> None:
    check_recorded(settings)
    check_spectrum_at(settings)


_LOSSES = {name: Metric(("iteration",), highest=math.inf, is_share=False) for name in ("train_loss", "validation_loss")}

FITS: Mapping[str, Fit] = {
    "sinusoids": Fit(
        run="filterfreq.fits.sinusoids:fit_sinusoids",
        metrics={
            "loss": Metric(("iteration",), highest=math.inf),
            "normalised_amplitude": Metric(("iteration", "frequency"), highest=math.inf),
        },
        types={"iteration": int, "frequency": int},
        check=_check_sinusoids,
    ),
    "sine_noise": Fit(
        run="filterfreq.fits.sine_noise:fit_sine_noise",
        metrics=_LOSSES,
        types={"iteration": int},
        check=check_recorded,
        check_images=check_two_classes,
    ),
    "kernel_noise": Fit(
        run="filterfreq.fits.kernel_noise:fit_kernel_noise",
        metrics={
            **_LOSSES,
            "coefficient": Metric(("iteration", "first"), highest=math.inf, is_share=False),
            "target_coefficient": Metric(("target", "first"), highest=math.inf, is_share=False),
        },
        types={"iteration": int, "first": int},
        check=_check_kernel_noise,
        check_images=check_two_classes,
    ),
    "kernel_eigenvectors": Fit(
        run="filterfreq.fits.kernel_eigenvectors:find_kernel_eigenvectors",
        metrics={
            "eigenvalue_share": Metric(("eigenvector",)),
            "sign_changes": Metric(("eigenvector",), highest=math.inf, is_share=False),
            "component": Metric(("eigenvector", "point"), lowest=-1, is_share=False),
            "transform": Metric(("eigenvector", "frequency"), highest=math.inf, is_share=False),
        },
        types={"eigenvector": int, "point": int, "frequency": int},
        has_networks=False,
    ),
}
"""By the key that the settings stand under in an entry of the config's `fits`."""
