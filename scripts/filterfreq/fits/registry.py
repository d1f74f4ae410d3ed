"""The kinds of fits: what configuration, planning and publishing must know of each. Imports no torch.

One more kind is one module beside this one, one entry here, and one schema of its settings, `schemas/fits/<kind>.yaml`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from filterfreq.evaluation.registry import Measurement, Metric
from filterfreq.fits.two_layer_checks import (
    check_curve,
    check_fp_norm,
    check_kernel_flow,
    check_surface,
    check_two_layer,
)
from filterfreq.runtime.errors import InputError


@dataclass(frozen=True)
class Fit(Measurement):
    """One kind of function to learn: what `run` names takes a `filterfreq.fits.job.FitJob` and returns rows.

    Attributes:
        check: called with the settings, which fit the schema; raises an `InputError` for what the schema cannot see,
            whose sentence begins with the key. None where there is nothing to check.
        check_network: the same of the settings and a network of the entry, whose sentence begins with a key of the
            network.
        has_networks: whether an entry names networks; an equation is solved without.
    """

    check: Callable[[Mapping[str, Any]], None] | None = None
    check_network: Callable[[Mapping[str, Any], Mapping[str, Any]], None] | None = None
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


def _unbounded(*keys: str) -> Metric:
    """A number of either sign."""
    return Metric(keys, lowest=-math.inf, highest=math.inf, is_share=False)


def _recorded(check: Callable[[Mapping[str, Any]], None]) -> Callable[[Mapping[str, Any]], None]:
    """Make a check of the settings of a training check too that something is recorded."""

    def check_both(settings: Mapping[str, Any]) -> None:
        check(settings)
        check_recorded(settings)

    return check_both


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


_OF_TWO_LAYER = {
    "loss": Metric(("iteration",), highest=math.inf, is_share=False),
    "function_difference": Metric(("of", "to", "measure", "width"), highest=math.inf, is_share=False),
}

FITS: Mapping[str, Fit] = {
    "sinusoids": Fit(
        run="filterfreq.fits.sinusoids:fit_sinusoids",
        metrics={
            "loss": Metric(("iteration",), highest=math.inf, is_share=False),
            "normalised_amplitude": Metric(("iteration", "frequency"), highest=math.inf),
        },
        types={"iteration": int, "frequency": int},
        check=_check_sinusoids,
    ),
    "lfp_curve": Fit(
        run="filterfreq.fits.lfp:fit_curve",
        metrics={**_OF_TWO_LAYER, "output": _unbounded("of", "x")},
        types={"iteration": int, "width": int, "x": float},
        signed=("x",),
        check=_recorded(check_curve),
        check_network=check_two_layer,
    ),
    "lfp_surface": Fit(
        run="filterfreq.fits.lfp:fit_surface",
        metrics={**_OF_TWO_LAYER, "output": _unbounded("of", "x", "y")},
        types={"iteration": int, "width": int, "x": float, "y": float},
        signed=("x", "y"),
        check=_recorded(check_surface),
        check_network=check_two_layer,
    ),
    "lfp_width": Fit(
        run="filterfreq.fits.lfp:fit_width",
        metrics=_OF_TWO_LAYER,
        types={"iteration": int, "width": int},
        check=_recorded(check_surface),
        check_network=check_two_layer,
    ),
    "fp_norm": Fit(
        run="filterfreq.fits.fp_norm:fit_norms",
        metrics={
            "loss": _OF_TWO_LAYER["loss"],
            "fp_norm": Metric(("of", "frequency", "points"), highest=math.inf, is_share=False),
            "test_error": Metric(("of", "frequency", "points"), highest=math.inf, is_share=False),
            "generalisation_bound": Metric(("frequency", "points"), highest=math.inf, is_share=False),
        },
        types={"iteration": int, "frequency": int, "points": int},
        check=_recorded(check_fp_norm),
        check_network=check_two_layer,
    ),
    "kernel_flow": Fit(
        run="filterfreq.fits.kernel_flow:follow_flow",
        metrics={
            "flow": _unbounded("of", "time", "x"),
            "flow_target": _unbounded("x"),
            "flow_residual": Metric(("of", "time", "frequency"), highest=math.inf, is_share=False),
            "flow_difference": Metric(("of", "time"), highest=math.inf, is_share=False),
            "flow_eigenvalue": _unbounded("of", "frequency"),
            "flow_peak": Metric(("of",), highest=math.inf, is_share=False),
        },
        types={"time": float, "x": float, "frequency": int},
        check=check_kernel_flow,
        has_networks=False,
    ),
}
"""By the key that the settings stand under in an entry of the config's `fits`."""
