"""Training by iterations, measured on the way, which goes on where it was stopped."""

import math
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from filterfreq.fits.job import FitJob
from filterfreq.runtime.errors import InputError, StoppedError

# Seconds of work that a killed job may lose.
_KEPT_EVERY = 30
_LINES = 10


class Part(Protocol):
    """What changes in a training and has a state: a network, or an optimizer."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state."""

    def load_state_dict(self, state: dict[str, Any]) -> Any:
        """Take up a state."""


def last_recorded(settings: Mapping[str, Any]) -> int:
    """Return the last iteration of a training that is measured."""
    return settings["iterations"] // settings["record_every"] * settings["record_every"]


def train_full_batch(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss: Callable[[], Tensor],
    measure: Callable[[int], list[dict[str, Any]]],
    job: FitJob,
    is_over: Callable[[list[dict[str, Any]]], bool] = lambda rows: False,
) -> list[dict[str, Any]]:
    """Train a network on all points at once, and return what was measured of it.

    Args:
        network: on the job's device; trained in place.
        optimizer: of the network's parameters.
        loss: what is minimised, a scalar, of the network as it is.
        measure: see `train_by_iterations`.
        job: likewise.
        is_over: likewise.

    Returns:
        The rows of all measurements, in their order.

    Raises:
        InputError: the loss is not finite.
        StoppedError: see `train_by_iterations`.
    """
    value = torch.tensor(math.nan)

    def step(iteration: int) -> Tensor:
        nonlocal value
        optimizer.zero_grad()
        value = loss()
        value.backward()
        optimizer.step()
        return value.detach()

    def measure_finite(iteration: int) -> list[dict[str, Any]]:
        if not math.isfinite(value.item()):
            raise InputError(
                f"the loss of {job.name} is not finite in iteration {iteration}: lower the learning rate "
                f"(now {optimizer.param_groups[0]['lr']})"
            )
        return measure(iteration)

    return train_by_iterations({"network": network, "optimizer": optimizer}, step, measure_finite, job, is_over)


def train_by_iterations(
    parts: Mapping[str, Part],
    step: Callable[[int], Tensor | float],
    measure: Callable[[int], list[dict[str, Any]]],
    job: FitJob,
    is_over: Callable[[list[dict[str, Any]]], bool] = lambda rows: False,
) -> list[dict[str, Any]]:
    """Make all iterations of a training, and return what was measured on the way.

    On a CPU a training that was interrupted ends with the same bits as one that was not, provided that what a step
    draws hangs on the number of the iteration alone.

    Args:
        parts: all that changes in the training, by names of its own.
        step: makes the iteration of a number, from 1 on, and returns its loss.
        measure: called with the number of iterations done after every `record_every` of them, with gradients off;
            returns rows as `filterfreq.evaluation.results.quantity` makes them.
        job: its settings say how many `iterations` there are, and how often to measure: `record_every`.
        is_over: asked, with the rows of each measurement, whether the training ends there.

    Returns:
        The rows of all measurements, in their order.

    Raises:
        StoppedError: the job was asked to stop; its state is kept.
    """
    iterations, record_every = job.settings["iterations"], job.settings["record_every"]
    state: dict[str, Any] = {"iteration": 0, "seconds": 0.0, "rows": []}
    if (kept := job.state.read(lambda reason: job.announce(f"{job.name}  {reason}"))) is not None:
        for name, part in parts.items():
            part.load_state_dict(kept.pop(name))
        state = kept
        job.announce(f"{job.name}  goes on after iteration {state['iteration']}")
    began, start = state["iteration"], perf_counter()
    seconds_before = state["seconds"]
    kept_at = start

    def keep() -> None:
        state["seconds"] = seconds_before + perf_counter() - start
        job.state.write({**state, **{name: part.state_dict() for name, part in parts.items()}})

    for iteration in range(began + 1, iterations + 1):
        if job.stop():
            keep()
            raise StoppedError(
                f"{job.name} was asked to stop: it is kept after iteration {iteration - 1} and goes on from there when "
                "run again",
                progressed=iteration - 1 > began,
            )
        value = step(iteration)
        state["iteration"] = iteration
        if iteration % record_every:
            continue
        with torch.no_grad():
            measured = measure(iteration)
        state["rows"] += measured
        if is_over(measured):
            break
        now = perf_counter()
        if now - kept_at > _KEPT_EVERY:
            keep()
            kept_at = now
        if iteration * _LINES // iterations > (iteration - record_every) * _LINES // iterations:
            left = (iterations - iteration) * (now - start) / (iteration - began)
            job.announce(
                f"{job.name}  iteration {iteration:{len(str(iterations))}d}/{iterations}  loss {float(value):.3e}  "
                f"{left:.0f} s left"
            )
    job.seconds = seconds_before + perf_counter() - start
    return state["rows"]
