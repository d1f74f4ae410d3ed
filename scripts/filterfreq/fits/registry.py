"""The one list of fits; imports no torch before `fit_function`.

A fit is one module beside this one, one entry here, and one schema of its settings, `schemas/fits/<kind>.yaml`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from filterfreq.runtime.errors import InputError

if TYPE_CHECKING:
    from filterfreq.fits.job import FitJob


@dataclass(frozen=True)
class Fit:
    """One kind of function to learn, and what is measured meanwhile.

    Attributes:
        run: "module:function", called as `function(job)` with a `filterfreq.fits.job.FitJob`; it returns the rows of
            the results, as `filterfreq.evaluation.results.quantity` makes them.
        parameters: for each metric the keys that its rows' parameter has, with their types.
        check: called with the settings, which fit the schema; raises an `InputError` for what the schema cannot see,
            whose sentence begins with the key.
    """

    run: str
    parameters: Mapping[str, Mapping[str, type]]
    check: Callable[[Mapping[str, Any]], None]


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
    if settings["record_every"] > settings["iterations"]:
        raise InputError(
            f"record_every: nothing is recorded in {settings['iterations']} iterations, lower it to that or less"
        )


FITS: Mapping[str, Fit] = {
    "sinusoids": Fit(
        run="filterfreq.fits.sinusoids:fit_sinusoids",
        parameters={
            "loss": {"iteration": int},
            "normalised_amplitude": {"iteration": int, "frequency": int},
        },
        check=_check_sinusoids,
    ),
}
"""By the key that the settings stand under in an entry of the config's `fits`."""


def fit_function(kind: str) -> Callable[[FitJob], list[dict[str, Any]]]:
    """Return the function that runs a kind of fit."""
    module, function = FITS[kind].run.split(":")
    return getattr(importlib.import_module(module), function)


def fit_module(kind: str) -> str:
    """Return the module of a kind of fit, such as "filterfreq.fits.sinusoids"."""
    return FITS[kind].run.partition(":")[0]
