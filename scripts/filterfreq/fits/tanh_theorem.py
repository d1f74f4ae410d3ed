"""The theorem on tanh networks, checked by draws: how often the gradient at a low frequency is not the larger one.

Xu et al., arXiv 1901.06523, Theorems 1 and 2. `h(x) = sum_j a_j tanh(w_j x + b_j)` has the transform

    hhat(k) = int h(x) exp(-ikx) dx
            = sum_j (2 pi i a_j / |w_j|) exp(i b_j k / w_j) / (exp(-pi k / 2 w_j) - exp(pi k / 2 w_j))

and `L(k) = |hhat(k) - fhat(k)|^2 / 2` is the loss at one frequency. The theorems speak of the ball of radius delta
round 0 in the inner weights w alone, with a and b fixed: there the share of w for which the gradient at the low
frequency does not dominate falls as C exp(-c / delta). Weights near 0 make the transform smaller than any float, so
gradients are kept as logarithms.
"""

from collections.abc import Iterator
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from filterfreq.evaluation.results import format_parameter, fraction
from filterfreq.fits.job import FitJob
from filterfreq.runtime.errors import StoppedError

_DRAWS_AT_ONCE = 20_000


class LogGradients(NamedTuple):
    """Logarithms of the sizes of the derivatives of L(k), each draws x m; -inf where one is 0."""

    outer_weights: np.ndarray
    inner_weights: np.ndarray
    biases: np.ndarray


def log_gradients(
    outer_weights: np.ndarray, inner_weights: np.ndarray, biases: np.ndarray, frequency: float, target: complex
) -> LogGradients:
    """Return the logarithms of `|dL(k) / dtheta|` for all parameters theta of networks that differ in w.

    With h_j the j-th term of hhat, `dL/dtheta = Re(conj(hhat - fhat) dh_j/dtheta)`, where `dh_j/da_j = h_j / a_j`,
    `dh_j/db_j = h_j i k / w_j` and
    `dh_j/dw_j = h_j (-1 / w_j - i b_j k / w_j^2 + (pi k / 2 w_j^2) coth(pi k / 2 w_j))`.

    Args:
        outer_weights: a, float, m.
        inner_weights: w, float, draws x m, nowhere 0.
        biases: b, float, m.
        frequency: k, above 0, in radians per unit of x.
        target: fhat(k).
    """
    w, k = inner_weights, frequency
    log_size, phase = _log_terms(outer_weights, w, biases, k)
    error = (np.exp(log_size) * phase).sum(axis=1, keepdims=True) - target
    cotangent = 1 / np.tanh(np.pi * k / (2 * w))
    factors = (
        1 / outer_weights,
        -1 / w - 1j * biases * k / w**2 + np.pi * k / (2 * w**2) * cotangent,
        1j * k / w,
    )
    with np.errstate(divide="ignore"):
        return LogGradients(*(log_size + np.log(np.abs((error.conj() * phase * factor).real)) for factor in factors))


def transform(outer_weights: np.ndarray, inner_weights: np.ndarray, biases: np.ndarray, frequency: float) -> np.ndarray:
    """Return hhat(k) of networks that differ in w: complex128, draws; arguments as those of `log_gradients`."""
    log_size, phase = _log_terms(outer_weights, inner_weights, biases, frequency)
    return (np.exp(log_size) * phase).sum(axis=1)


def _log_terms(a: np.ndarray, w: np.ndarray, b: np.ndarray, k: float) -> tuple[np.ndarray, np.ndarray]:
    """The terms of hhat(k) as the logarithms of their sizes, and their phases, complex of size 1."""
    decay = np.pi * k / (2 * np.abs(w))
    # log(exp(x) - exp(-x)), which does not overflow
    log_size = np.log(2 * np.pi * np.abs(a) / np.abs(w)) - decay - np.log1p(-np.exp(-2 * decay))
    return log_size, -1j * np.sign(a) * np.sign(w) * np.exp(1j * b * k / w)


def failures(low: LogGradients, high: LogGradients) -> dict[str, np.ndarray]:
    """Say for each draw whether it fails each condition.

    Theorem 2's, that L(k1) does not rise and falls at least as fast as L(k2) under gradient descent on their sum, is
    the same as that the gradient of L(k1) over all parameters is not shorter than that of L(k2), by Cauchy and Schwarz.

    Args:
        low: of L(k1).
        high: of L(k2).

    Returns:
        For each condition, bool, draws: `every_parameter`, each derivative at k1 is larger than at k2 (Theorem 1);
        `every_inner_weight`, the same of w alone; `whole_gradient`, Theorem 2's.
    """
    smaller = {name: ~(getattr(low, name) > getattr(high, name)).all(axis=1) for name in LogGradients._fields}
    low_norm, high_norm = (np.logaddexp.reduce(2 * np.concatenate(part, axis=1), axis=1) for part in (low, high))
    return {
        "every_parameter": np.logical_or.reduce(list(smaller.values())),
        "every_inner_weight": smaller["inner_weights"],
        "whole_gradient": low_norm < high_norm,
    }


def draw_ball(generator: np.random.Generator, draws: int, dimensions: int, radius: float) -> np.ndarray:
    """Return points that are uniform in a ball round 0: float64, draws x dimensions."""
    directions = generator.normal(size=(draws, dimensions))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return radius * generator.uniform(size=(draws, 1)) ** (1 / dimensions) * directions


def check_tanh_theorem(job: FitJob) -> list[dict[str, Any]]:
    """Count in balls of some radii how many draws of w fail the conditions of the theorems.

    Args:
        job: its seed draws w; each radius has draws of its own.

    Returns:
        For each radius and condition the share of draws that fail it.

    Raises:
        StoppedError: the job was asked to stop; nothing is kept, as it takes a minute at most.
    """
    settings = job.settings
    rows, start = [], perf_counter()
    for number, radius in enumerate(settings["radii"]):
        generator = np.random.default_rng([job.seed, number])
        failed: dict[str, int] = {}
        for draws in _chunks(settings["draws"]):
            if job.stop():
                raise StoppedError(f"{job.name} was asked to stop: run it again, it starts afresh")
            for name, found in _failed(settings, generator, draws, radius).items():
                failed[name] = failed.get(name, 0) + int(found.sum())
        job.announce(f"{job.name}  radius {radius}  {number + 1}/{len(settings['radii'])}")
        rows += [
            fraction("failures", format_parameter(condition=name, radius=radius), count, settings["draws"])
            for name, count in failed.items()
        ]
    job.seconds = perf_counter() - start
    return rows


def _failed(
    settings: dict[str, Any], generator: np.random.Generator, draws: int, radius: float
) -> dict[str, np.ndarray]:
    a, b = (np.array(settings[name], dtype=np.float64) for name in ("outer_weights", "biases"))
    w = draw_ball(generator, draws, len(a), radius)
    low, high = (
        log_gradients(a, w, b, frequency, complex(*target))
        for frequency, target in zip(settings["frequencies"], settings["targets"], strict=True)
    )
    return failures(low, high)


def _chunks(draws: int) -> Iterator[int]:
    for start in range(0, draws, _DRAWS_AT_ONCE):
        yield min(_DRAWS_AT_ONCE, draws - start)
