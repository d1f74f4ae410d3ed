"""A gradient flow on the circle whose low frequencies are learned first up to a frequency, and last above it.

E, Ma, Wu, *Machine Learning from a Continuous Viewpoint*, arXiv 1912.12777. The function is `f(x) = int phi(x, w)
rho(dw)`, phi a bump of width h, made periodic: `sum_k exp(-(x - w - 2 pi k)^2 / h^2)`. Linearised at the uniform rho,
the flow is `df/dt = -int Kt(x, x') (f - f*)(x') dx'` with

`Kt = (h / sqrt(8 pi)) sum_k (1 / h^2 - d_k^2 / h^4) exp(-d_k^2 / (2 h^2))`, `d_k = x - x' + 2 pi k`.

Its eigenvalues are `(h^2 k^2 / 2) exp(-h^2 k^2 / 2)`, which fall from k = sqrt(2) / h on. As the paper is quoted they
have a factor pi more, which is a scale of time, and fall from 2 / h on, which this kernel's do not. That of k = 0 is 0:
the mean of f never moves.
"""

import math
from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from filterfreq.evaluation.results import format_parameter, quantity
from filterfreq.fits.job import FitJob
from filterfreq.runtime.errors import StoppedError

_LARGEST_STEP = 1.0  # in time, of the particles; the largest eigenvalue is 1 / e
# The mean of bumps lies in [0, 1], and the flow is linear where it stays near that of uniform particles.
_AMPLITUDE_OF_PARTICLES = 1e-4
_REACH = 9  # in widths, where a bump and its kernel are below the rounding of their tops


def eigenvalues(frequencies: np.ndarray, width: float) -> np.ndarray:
    """Return `lambda_k = (h^2 k^2 / 2) exp(-h^2 k^2 / 2)` of the frequencies k, in cycles on the circle."""
    half_square = (width * frequencies) ** 2 / 2
    return half_square * np.exp(-half_square)


def kernel(distances: np.ndarray, width: float) -> np.ndarray:
    """Return Kt at distances x - x' on the circle, in radians."""
    total = np.zeros_like(distances)
    for distance in _images(distances, width):
        squares = (distance / width) ** 2
        total += (1 - squares) * np.exp(-squares / 2)
    return total / (width * math.sqrt(8 * math.pi))


def target_of(x: np.ndarray, frequencies: Sequence[int]) -> np.ndarray:
    """Return `f*(x) = sum sin(k x)` of the frequencies k."""
    return np.sin(np.outer(x, frequencies)).sum(axis=1)


def exact_flow(x: np.ndarray, frequencies: Sequence[int], width: float, time: float) -> np.ndarray:
    """Return f at a time, which is 0 at time 0: `sum (1 - exp(-lambda_k t)) sin(k x)`."""
    learned = -np.expm1(-eigenvalues(np.array(frequencies), width) * time)
    return np.sin(np.outer(x, frequencies)) @ learned


def dense_flow(target: np.ndarray, width: float, times: Sequence[float]) -> np.ndarray:
    """Simulate the flow on a grid of the circle, with the kernel as a matrix and its exponential.

    Args:
        target: f* at N even points of [0, 2 pi).
        width: h.
        times: when to look.

    Returns:
        f at each time, T x N; it is 0 at time 0.
    """
    x = _grid(len(target))
    # Symmetric, so that its exponential is that of its eigenvalues.
    rates, vectors = np.linalg.eigh(kernel(x[:, np.newaxis] - x, width) * (2 * math.pi / len(x)))
    left = vectors.T @ target
    return np.array([target - vectors @ (np.exp(-rates * time) * left) for time in times])


def particle_flow(target: np.ndarray, width: float, times: Sequence[float], particles: int, job: FitJob) -> np.ndarray:
    """Simulate particles w_j with `dw_j/dt = -d/dw int phi(x', w_j) (f - f*)(x') dx'`, f the mean of their bumps.

    The fourth-order Runge-Kutta method. The target is scaled to 1e-4, so that the particles stay nearly uniform, as
    they are at first; the mean of f, which bumps cannot make 0 and which nothing changes, is left out.

    Args:
        target: f* at N even points of [0, 2 pi), of mean 0.
        width: h.
        times: when to look, rising.
        particles: how many there are.
        job: asked whether to stop.

    Returns:
        f less its mean at each time, in units of the target: T x N.

    Raises:
        StoppedError: the job was asked to stop; nothing is kept of a flow.
    """
    x, aim = _grid(len(target)), _AMPLITUDE_OF_PARTICLES * target

    def bumps(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Phi and its derivative by w, N x M."""
        values, slopes = np.zeros((2, len(x), particles))
        for distances in _images(x[:, np.newaxis] - places, width):
            part = np.exp(-((distances / width) ** 2))
            values += part
            slopes += 2 / width**2 * distances * part
        return values, slopes

    def velocity(places: np.ndarray) -> np.ndarray:
        values, slopes = bumps(places)
        return -((values.mean(axis=1) - aim) @ slopes) * (2 * math.pi / len(x))

    places, now, found = _grid(particles), 0.0, []
    for time in times:
        for step in _steps(time - now):
            if job.stop():
                raise StoppedError(f"{job.name} was asked to stop: it begins anew when run again", progressed=False)
            first = velocity(places)
            second = velocity(places + step / 2 * first)
            third = velocity(places + step / 2 * second)
            places = places + step / 6 * (first + 2 * second + 2 * third + velocity(places + step * third))
        now = time
        mean = bumps(places)[0].mean(axis=1)
        found.append((mean - mean.mean()) / _AMPLITUDE_OF_PARTICLES)
    return np.array(found)


def follow_flow(job: FitJob) -> list[dict[str, Any]]:
    """Follow the flow to a sum of sines: the exact solution, on a grid, and with particles where these are asked for.

    Args:
        job: its settings; nothing is drawn.

    Returns:
        `flow` and `flow_target`, the functions on the grid; `flow_residual`, of each frequency the part of its
        coefficient that is not learned; `flow_difference`, the largest from the exact solution; `flow_eigenvalue` by
        the formula and by the Fourier transform of the kernel; and `flow_peak`, the k from which they fall.

    Raises:
        StoppedError: see `particle_flow`.
    """
    start = perf_counter()
    settings = job.settings
    width, frequencies, times = settings["width"], sorted(settings["frequencies"]), sorted(settings["times"])
    x = _grid(settings["points"])
    target = target_of(x, frequencies)
    flows = {
        "exact": np.array([exact_flow(x, frequencies, width, time) for time in times]),
        "dense": dense_flow(target, width, times),
    }
    if "particles" in settings:
        flows["particles"] = particle_flow(target, width, times, settings["particles"], job)
    rows = [
        quantity("flow_target", format_parameter(x=f"{at:.8g}"), value, len(x))
        for at, value in zip(x, target, strict=True)
    ]
    for of, flow in flows.items():
        for number, time in enumerate(times):
            said = {"of": of, "time": f"{time:g}"}
            rows += [
                quantity("flow", format_parameter(**said, x=f"{at:.8g}"), value, len(x))
                for at, value in zip(x, flow[number], strict=True)
            ]
            spectrum = np.abs(np.fft.rfft(target - flow[number])) * 2 / len(x)  # the target's coefficients are 1
            rows += [
                quantity("flow_residual", format_parameter(**said, frequency=k), spectrum[k], len(x))
                for k in frequencies
            ]
            gap = np.abs(flow[number] - flows["exact"][number]).max()
            rows.append(quantity("flow_difference", format_parameter(**said), gap, len(x)))
    job.seconds = perf_counter() - start
    return rows + list(_eigenvalue_rows(x, width, settings["eigenvalues"]))


def _eigenvalue_rows(x: np.ndarray, width: float, highest: int) -> Iterator[dict[str, Any]]:
    frequencies = np.arange(highest + 1)
    transform = np.fft.rfft(kernel(x, width)).real * (2 * math.pi / len(x))
    for of, values in (("formula", eigenvalues(frequencies, width)), ("transform", transform[: highest + 1])):
        for frequency, value in zip(frequencies, values, strict=True):
            yield quantity("flow_eigenvalue", format_parameter(of=of, frequency=frequency), value, len(x))
    yield quantity("flow_peak", format_parameter(of="formula"), math.sqrt(2) / width, len(x))


def _grid(points: int) -> np.ndarray:
    """Even points of the circle, in radians."""
    return 2 * math.pi * np.arange(points) / points


def _images(distances: np.ndarray, width: float) -> Iterator[np.ndarray]:
    """Distances on the circle, each time with another multiple of 2 pi, as far as bumps reach."""
    nearest = distances - 2 * math.pi * np.rint(distances / (2 * math.pi))
    turns = int((_REACH * width / math.pi + 1) / 2)
    for turn in range(-turns, turns + 1):
        yield nearest + 2 * math.pi * turn


def _steps(duration: float) -> Iterator[float]:
    """Equal steps of a duration."""
    count = math.ceil(duration / _LARGEST_STEP)
    return iter([duration / count] * count) if count else iter(())
