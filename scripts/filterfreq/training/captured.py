"""A step of training as one CUDA graph: what a GPU does in it is recorded once, and Python starts it with one call."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.optim import Optimizer

from filterfreq.runtime.errors import InputError

_EAGER_STEPS = 3
"""Before the first recording, so that cuDNN has chosen its algorithms and the optimizer has its state."""


class CapturedStep:
    """Takes the steps that a function takes, those with a full batch as a CUDA graph (torch.cuda.graph).

    A small network's step is some hundred short operations, and Python needs longer to start each than a GPU to do it.
    The graph does the same operations in the same order. It is recorded anew when the learning rate changes, which is
    a constant in it. What is drawn in it follows the global generator's seed, as it does outside.

    Args:
        step: of images (views * N x C x H x W), targets (N or N x K) and the number of images N of a whole step, it
            updates the parameters and returns a tensor. It waits for nothing on the GPU, and each call with N images
            has tensors of the same shapes.
        optimizer: what `step` updates the parameters with, one of `can_be_captured`.
        count: images of a full batch; steps with other numbers are taken as they are.

    Raises:
        InputError: when called: `step` waits for the GPU or cannot be recorded for another reason.
    """

    def __init__(self, step: Callable[[Tensor, Tensor, int], Tensor], optimizer: Optimizer, count: int) -> None:
        self._step, self._optimizer, self._count = step, optimizer, count
        self._eager_steps_left = _EAGER_STEPS
        # All steps outside a graph are on one stream of their own, or the graph would depend on the default stream,
        # which cannot be recorded.
        self._stream = torch.cuda.Stream()
        self._graph: torch.cuda.CUDAGraph | None = None
        self._rates: list[float] = []

    def __call__(self, images: Tensor, targets: Tensor, count: int) -> Tensor:
        """Take a step; what it returns is valid until the next one."""
        if count != self._count or self._eager_steps_left:
            self._eager_steps_left -= count == self._count
            return self._take_eagerly(images, targets, count)
        rates = [group["lr"] for group in self._optimizer.param_groups]
        if self._graph is None:
            self._images, self._targets = images.clone(), targets.clone()
        if rates != self._rates:
            self._record(count)
            self._rates = rates
        self._images.copy_(images)
        self._targets.copy_(targets)
        self._graph.replay()
        return self._returned

    def _take_eagerly(self, images: Tensor, targets: Tensor, count: int) -> Tensor:
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            returned = self._step(images, targets, count)
        torch.cuda.current_stream().wait_stream(self._stream)
        return returned

    def _record(self, count: int) -> None:
        """Record the operations of a step without doing them."""
        # The memory of the last graph is free for this one.
        self._graph = self._returned = None
        graph = torch.cuda.CUDAGraph()
        try:
            with _capturable(self._optimizer), torch.cuda.graph(graph, stream=self._stream):
                self._returned = self._step(self._images, self._targets, count)
        except RuntimeError as error:
            reason = str(error).partition("\n")[0]
            raise InputError(
                f"a step of this training cannot be recorded as a CUDA graph ({reason}): leave "
                "compute.on_gpu.cuda_graphs out"
            ) from error
        self._graph = graph


def can_be_captured(optimizer: Optimizer) -> bool:
    """Return whether the optimizer's whole step is on the GPU: whether it is one of torch's fused ones."""
    return bool(optimizer.defaults.get("fused"))


@contextmanager
def _capturable(optimizer: Optimizer) -> Iterator[None]:
    """Tell torch's Adam that it may be captured, which a fused one always may; outside a capture this is warned of."""
    groups = [group for group in optimizer.param_groups if "capturable" in group]
    for group in groups:
        group["capturable"] = True
    try:
        yield
    finally:
        for group in groups:
            group["capturable"] = False
