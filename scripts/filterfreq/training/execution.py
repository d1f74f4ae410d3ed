"""Where and how a training computes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from filterfreq.models.device import use_precision
from filterfreq.training.distributed import Processes


@dataclass(frozen=True)
class Execution:
    """Where and how a training computes, which changes results within rounding.

    Attributes:
        device: where to compute; all images that are arrays are kept there, as uint8.
        precision: "bfloat16" computes the network in automatic mixed precision; anything else leaves it as it is.
        compiled: train a form of the network that `torch.compile` makes.
        captured: take steps as CUDA graphs, see `filterfreq.training.captured`, where the training can.
        workers: processes that decode images in files ahead of their use; see `epoch_batches`.
        processes: those that train together; the first of them keeps the state.
    """

    device: torch.device
    precision: str = "float32"
    compiled: bool = False
    captured: bool = False
    workers: int = 0
    processes: Processes = field(default_factory=Processes)


def configured_execution(
    compute: Mapping[str, Any], device: torch.device, workers: int = 0, processes: Processes | None = None
) -> Execution:
    """Set the precision of training, and return how it computes.

    Args:
        compute: the config's section `compute`; `on_gpu` counts on a GPU alone.
        device: what `filterfreq.models.device.use_device` returned.
        workers: as in `Execution`.
        processes: as in `Execution`; one by default.

    Raises:
        InputError: an unknown precision.
    """
    on_gpu = compute.get("on_gpu", {}) if device.type == "cuda" else {}
    return Execution(
        device,
        use_precision(compute, device),
        compiled=on_gpu.get("compile", False),
        captured=on_gpu.get("cuda_graphs", False),
        workers=workers,
        processes=processes or Processes(),
    )
