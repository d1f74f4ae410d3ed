"""Training on all points at once, measured on the way, which goes on where it was stopped."""

import math
from collections.abc import Callable
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn

from filterfreq.fits.job import FitJob
from filterfreq.runtime.errors import InputError, StoppedError

# Seconds of work that a killed job may lose.
_KEPT_EVERY = 30
_LINES = 10


def train_full_batch(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss: Callable[[], Tensor],
    measure: Callable[[int], list[dict[str, Any]]],
    job: FitJob,
) -> list[dict[str, Any]]:
    """Train a network, and return what was measured of it.

    On a CPU a training that was interrupted ends with the same bits as one that was not.

    Args:
        network: on the job's device; trained in place.
        optimizer: of the network's parameters.
        loss: what is minimised, a scalar, of the network as it is.
        measure: called with the number of iterations done after every `record_every` of them, with gradients off;
            returns rows as `filterfreq.evaluation.results.quantity` makes them.
        job: its settings say how many `iterations` there are, and how often to measure: `record_every`.

    Returns:
        The rows of all measurements, in their order.

    Raises:
        InputError: the loss is not finite.
        StoppedError: the job was asked to stop; its state is kept.
    """
    iterations, record_every = job.settings["iterations"], job.settings["record_every"]
    state: dict[str, Any] = {"iteration": 0, "seconds": 0.0, "rows": []}
    if (kept := job.state.read(lambda reason: job.announce(f"{job.name}  {reason}"))) is not None:
        network.load_state_dict(kept.pop("network"))
        optimizer.load_state_dict(kept.pop("optimizer"))
        state = kept
        job.announce(f"{job.name}  goes on after iteration {state['iteration']}")
    began, start = state["iteration"], perf_counter()
    seconds_before = state["seconds"]
    kept_at = start

    def keep() -> None:
        state["seconds"] = seconds_before + perf_counter() - start
        job.state.write({**state, "network": network.state_dict(), "optimizer": optimizer.state_dict()})

    for iteration in range(began + 1, iterations + 1):
        if job.stop():
            keep()
            raise StoppedError(
                f"{job.name} was asked to stop: it is kept after iteration {iteration - 1} and goes on from there when "
                "run again",
                progressed=iteration - 1 > began,
            )
        optimizer.zero_grad()
        value = loss()
        value.backward()
        optimizer.step()
        state["iteration"] = iteration
        if iteration % record_every:
            continue
        current = value.item()
        if not math.isfinite(current):
            raise InputError(
                f"the loss of {job.name} is not finite in iteration {iteration}: lower the learning rate "
                f"(now {optimizer.param_groups[0]['lr']})"
            )
        with torch.no_grad():
            state["rows"] += measure(iteration)
        now = perf_counter()
        if now - kept_at > _KEPT_EVERY:
            keep()
            kept_at = now
        if iteration * _LINES // iterations > (iteration - record_every) * _LINES // iterations:
            left = (iterations - iteration) * (now - start) / (iteration - began)
            job.announce(
                f"{job.name}  iteration {iteration:{len(str(iterations))}d}/{iterations}  loss {current:.3e}  "
                f"{left:.0f} s left"
            )
    job.seconds = seconds_before + perf_counter() - start
    return state["rows"]
