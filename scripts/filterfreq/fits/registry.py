"""The kinds of fits: what configuration, planning and publishing must know of each. Imports no torch.

One more kind is one module beside this one, one entry here, and one schema of its settings, `schemas/fits/<kind>.yaml`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from filterfreq.evaluation.registry import Measurement, Metric
from filterfreq.runtime.errors import InputError


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
    for iteration in settings.get("shown_at", ()):
        if iteration % settings["record_every"] or iteration > settings["iterations"]:
            raise InputError(
                f"shown_at: nothing is recorded after iteration {iteration}, give multiples of record_every "
                f"({settings['record_every']}) up to iterations ({settings['iterations']})"
            )


FITS: Mapping[str, Fit] = {
    "sinusoids": Fit(
        run="filterfreq.fits.sinusoids:fit_sinusoids",
        metrics={
            "loss": Metric(("iteration",), highest=math.inf),
            "normalised_amplitude": Metric(("iteration", "frequency"), highest=math.inf),
            "spectral_norm": Metric(("iteration", "layer"), highest=math.inf, is_share=False),
            "learned": Metric(("iteration", "point"), lowest=-math.inf, highest=math.inf, is_share=False),
            "target": Metric(("iteration", "point"), lowest=-math.inf, highest=math.inf, is_share=False),
        },
        types={"iteration": int, "frequency": int, "point": int},
        check=_check_sinusoids,
        trains_together=True,
    ),
}
"""By the key that the settings stand under in an entry of the config's `fits`."""
