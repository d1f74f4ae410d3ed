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
from filterfreq.fits.two_layer_checks import (
    check_curve,
    check_fp_norm,
    check_kernel_flow,
    check_surface,
    check_two_layer,
)
from filterfreq.runtime.errors import InputError

SURFACE_EXTENT = 1.6
"""How far from the origin the grid of `manifold_surfaces` reaches along each axis."""


@dataclass(frozen=True)
class Fit(Measurement):
    """One kind of function to learn: what `run` names takes a `filterfreq.fits.job.FitJob` and returns rows.

    Attributes:
        check: called with the settings, which fit the schema; raises an `InputError` for what the schema cannot see,
            whose sentence begins with the key. None where there is nothing to check.
        check_network: the same of the settings and a network of the entry, whose sentence begins with a key of the
            network.
        check_images: of a kind whose settings name a `dataset`: called with the settings, the data set's entry and the
            names of its classes, empty where they are not known yet; likewise.
        has_networks: whether an entry names networks; an equation is solved without.
        trains_together: whether `run` trains all `seeds` of its job at once, and says in each row, under `seed`, whose
            it is; else it trains the one `seed`, and says nothing of it.
    """

    check: Callable[[Mapping[str, Any]], None] | None = None
    check_network: Callable[[Mapping[str, Any], Mapping[str, Any]], None] | None = None
    check_images: Callable[[Mapping[str, Any], Dataset, Sequence[str]], None] | None = None
    has_networks: bool = True
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


def _unbounded(*keys: str) -> Metric:
    """A number of either sign."""
    return Metric(keys, lowest=-math.inf, highest=math.inf, is_share=False)


def _recorded(check: Callable[[Mapping[str, Any]], None]) -> Callable[[Mapping[str, Any]], None]:
    """Make a check of the settings of a training check too that something is recorded."""

    def check_both(settings: Mapping[str, Any]) -> None:
        check(settings)
        check_recorded(settings)

    return check_both


def _beyond_nyquist(key: str, frequency: int, points: int) -> str:
    return (
        f"{key}: {points} points on a period cannot show {frequency} cycles, which need more than {2 * frequency} "
        "(Nyquist): lower the frequency or raise points"
    )


def _check_amplitudes(amplitudes: Sequence[float], frequencies: Sequence[float]) -> None:
    if len(amplitudes) != len(frequencies):
        raise InputError(
            f"amplitudes: there are {len(amplitudes)} of them and {len(frequencies)} frequencies, give one for each"
        )


def _check_sinusoids(settings: Mapping[str, Any]) -> None:
    frequencies, amplitudes, points = (settings[key] for key in ("frequencies", "amplitudes", "points"))
    _check_amplitudes(amplitudes, frequencies)
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


_OF_TWO_LAYER = {
    "loss": Metric(("iteration",), highest=math.inf, is_share=False),
    "function_difference": Metric(("of", "to", "measure", "width"), highest=math.inf, is_share=False),
}


def _check_sines(settings: Mapping[str, Any], length: float, steps: int) -> None:
    """Check sines on even points, `steps` of them in a length, and the bins of their spectrum."""
    frequencies, points = settings["angular_frequencies"], settings["points"]
    _check_amplitudes(settings["amplitudes"], frequencies)
    highest, nyquist = max(frequencies), math.pi * steps / length
    if highest >= nyquist:
        raise InputError(
            f"angular_frequencies: {points} points on a length of {length:g} cannot show {highest:g} radians per unit, "
            f"only what is below {nyquist:.6g} (Nyquist): lower the frequency or raise points"
        )
    beyond = [k for k in settings.get("bins", []) if k > points // 2]
    if beyond:
        raise InputError(
            f"bins: the spectrum of {points} points ends at bin {points // 2} (Nyquist), leave out {beyond[0]}"
        )
    check_recorded(settings)


def _check_curve(settings: Mapping[str, Any]) -> None:
    low, high = settings["interval"]
    if not low < high:
        raise InputError(f"interval: it goes from {low:g} to {high:g}, write the lower end first")
    _check_sines(settings, high - low, settings["points"] - (settings["grid"] == "closed"))


def _check_parity(settings: Mapping[str, Any]) -> None:
    corners = 2 ** settings["dimensions"]
    if settings["training_points"] > corners:
        raise InputError(
            f"training_points: there are {corners} points in {settings['dimensions']} dimensions and not "
            f"{settings['training_points']}: lower it, or raise dimensions"
        )
    check_recorded(settings)


def _check_tanh_theorem(settings: Mapping[str, Any]) -> None:
    outer, biases = (len(settings[key]) for key in ("outer_weights", "biases"))
    if outer != biases:
        raise InputError(f"biases: there are {biases} of them and {outer} outer_weights, give one for each")
    low, high = settings["frequencies"]
    if not low < high:
        raise InputError(f"frequencies: the theorem compares a low one with a high one, {low:g} is not below {high:g}")
    for target in settings["targets"]:
        if not any(target):
            raise InputError("targets: the theorem needs transforms that are not 0, and one is: change it")


def _check_poisson(settings: Mapping[str, Any]) -> None:
    _check_sines(settings, 2, settings["points"] - 1)
    for switch in settings["switches"]:
        if switch > settings["iterations"] or switch % settings["record_every"]:
            raise InputError(
                f"switches: {switch} is none of the iterations that are recorded, every {settings['record_every']} up "
                f"to {settings['iterations']}: write one of these, or 0"
            )


def _number(*keys: str, optional: tuple[str, ...] = (), lowest: float = 0) -> Metric:
    return Metric(keys, optional, lowest=lowest, highest=math.inf, is_share=False)


def _check_kernel_noise(settings: Mapping[str, Any]) -> None:
    check_recorded(settings)
    check_spectrum_at(settings)


_LOSSES = {name: Metric(("iteration",), highest=math.inf, is_share=False) for name in ("train_loss", "validation_loss")}


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
    "curve": Fit(
        run="filterfreq.fits.sine_curves:fit_curve",
        metrics={
            "target_magnitude": _number("frequency"),
            "loss": Metric(("iteration",), highest=math.inf),
            "test_loss": _number("iteration"),
            "relative_error": _number("iteration", "frequency"),
        },
        types={"iteration": int, "frequency": int},
        check=_check_curve,
    ),
    "parity": Fit(
        run="filterfreq.fits.parity:fit_parity",
        metrics={
            "loss": Metric(("iteration",), highest=math.inf),
            "test_loss": _number("iteration"),
            "test_accuracy": Metric(("iteration",)),
            "magnitude": _number("function", "k"),
        },
        types={"iteration": int, "k": float},
        check=_check_parity,
    ),
    "tanh_theorem": Fit(
        run="filterfreq.fits.tanh_theorem:check_tanh_theorem",
        metrics={"failures": Metric(("condition", "radius"))},
        types={"radius": float},
        check=_check_tanh_theorem,
        has_networks=False,
    ),
    "poisson": Fit(
        run="filterfreq.fits.poisson:fit_poisson",
        metrics={
            "target_magnitude": _number("frequency"),
            "energy": _number("iteration", lowest=-math.inf),
            "relative_error": _number("iteration", "frequency"),
            "jacobi_relative_error": _number("switch", "sweeps", "frequency"),
            "largest_error": _number("solver", "time", optional=("sweeps_per_iteration",)),
        },
        types={
            "iteration": int,
            "frequency": int,
            "switch": int,
            "sweeps": int,
            "time": float,
            "sweeps_per_iteration": int,
        },
        check=_check_poisson,
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
