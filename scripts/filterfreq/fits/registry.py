"""The kinds of fits: what configuration, planning and publishing must know of each. Imports no torch.

One more kind is one module beside this one, one entry here, and one schema of its settings, `schemas/fits/<kind>.yaml`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from filterfreq.evaluation.registry import Measurement, Metric
from filterfreq.runtime.errors import InputError

SURFACE_EXTENT = 1.6
"""How far from the origin the grid of `manifold_surfaces` reaches along each axis."""


@dataclass(frozen=True)
class Fit(Measurement):
    """One kind of function to learn: what `run` names takes a `filterfreq.fits.job.FitJob` and returns rows.

    Attributes:
        check: called with the settings, which fit the schema; raises an `InputError` for what the schema cannot see,
            whose sentence begins with the key. None where there is nothing to check.
        trains_together: whether `run` trains all `seeds` of its job at once, and says in each row, under `seed`, whose
            it is; else it trains the one `seed`, and says nothing of it.
    """

    check: Callable[[Mapping[str, Any]], None] | None = None
    trains_together: bool = False


def check_recorded(settings: Mapping[str, Any]) -> None:
    """Check that something is recorded in the iterations of a training.

    Raises:
        InputError: `record_every` is above `iterations`.
    """
    if settings["record_every"] > settings["iterations"]:
        raise InputError(
            f"record_every: nothing is recorded in {settings['iterations']} iterations, lower it to that or less"
        )


def _beyond_nyquist(key: str, frequency: int, points: int) -> str:
    return (
        f"{key}: {points} points on a period cannot show {frequency} cycles, which need more than {2 * frequency} "
        "(Nyquist): lower the frequency or raise points"
    )


def _check_sinusoids(settings: Mapping[str, Any]) -> None:
    frequencies, amplitudes, points = (settings[key] for key in ("frequencies", "amplitudes", "points"))
    if len(amplitudes) != len(frequencies):
        raise InputError(
            f"amplitudes: there are {len(amplitudes)} of them and {len(frequencies)} frequencies, give one for each"
        )
    highest = max(frequencies)
    if 2 * highest >= points:
        raise InputError(_beyond_nyquist("frequencies", highest, points))
    check_recorded(settings)
    for iteration in settings.get("shown_at", ()):
        if iteration % settings["record_every"] or iteration > settings["iterations"]:
            raise InputError(
                f"shown_at: nothing is recorded after iteration {iteration}, give multiples of record_every "
                f"({settings['record_every']}) up to iterations ({settings['iterations']})"
            )


def _check_perturbed(settings: Mapping[str, Any]) -> None:
    _check_sinusoids(settings)
    if settings["largest_norm"] > 0 and settings["norms"] < 2:
        raise InputError("norms: one norm is 0 alone, give 2 or more")


def _check_manifold(settings: Mapping[str, Any]) -> None:
    frequency, points = settings["frequency"], settings["points"]
    if 2 * frequency >= points:
        raise InputError(_beyond_nyquist("frequency", frequency, points))
    check_recorded(settings)


_ITERATION = ("iteration",)
_LOSS = Metric(_ITERATION, highest=math.inf, is_share=False)
_VALUE = Metric((*_ITERATION, "point"), lowest=-math.inf, highest=math.inf, is_share=False)
_ON_THE_CURVE = ("frequency", "petals")
_CLASSIFICATION = {
    "cross_entropy": Metric((*_ITERATION, *_ON_THE_CURVE), highest=math.inf, is_share=False),
    "accuracy": Metric((*_ITERATION, *_ON_THE_CURVE)),
    "majority_share": Metric(_ON_THE_CURVE),
}
_CLASSIFICATION_TYPES = {"iteration": int, "frequency": int, "petals": int}

FITS: Mapping[str, Fit] = {
    "sinusoids": Fit(
        run="filterfreq.fits.sinusoids:fit_sinusoids",
        metrics={
            "loss": _LOSS,
            "normalised_amplitude": Metric((*_ITERATION, "frequency"), highest=math.inf),
            "spectral_norm": Metric((*_ITERATION, "layer"), highest=math.inf, is_share=False),
            "learned": _VALUE,
            "target": _VALUE,
        },
        types={"iteration": int, "frequency": int, "point": int},
        check=_check_sinusoids,
        trains_together=True,
    ),
    "perturbed_sinusoids": Fit(
        run="filterfreq.fits.perturbed_sinusoids:fit_perturbed_sinusoids",
        metrics={"loss": _LOSS, "kept_amplitude": Metric(("norm", "frequency"), highest=math.inf)},
        types={"iteration": int, "frequency": int, "norm": float},
        check=_check_perturbed,
        trains_together=True,
    ),
    "manifold": Fit(
        run="filterfreq.fits.manifold:fit_classes",
        metrics=_CLASSIFICATION,
        types=_CLASSIFICATION_TYPES,
        check=_check_manifold,
        trains_together=True,
    ),
    "manifold_surfaces": Fit(
        run="filterfreq.fits.manifold:fit_surfaces",
        metrics={
            **_CLASSIFICATION,
            "logit": Metric(("row", "column"), lowest=-math.inf, highest=math.inf, is_share=False),
            "positive": Metric(("point",)),
        },
        types={**_CLASSIFICATION_TYPES, "row": int, "column": int, "point": int},
        check=_check_manifold,
        trains_together=True,
    ),
}
"""By the key that the settings stand under in an entry of the config's `fits`."""
