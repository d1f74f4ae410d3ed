"""When a step is recorded as a CUDA graph and when it is taken as it is; `tests/test_gpu.py` has what a GPU does."""

from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from filterfreq.runtime.errors import InputError
from filterfreq.training.captured import CapturedStep, can_be_captured
from filterfreq.training.optimization import make_optimizer

FULL = 4


@pytest.fixture
def cuda(monkeypatch):
    """In place of torch.cuda: counts what is recorded and replayed."""
    done = SimpleNamespace(recorded=0, replayed=0, recording=False)

    @contextmanager
    def graph(graph, stream):
        done.recording = True
        yield
        done.recording = False
        done.recorded += 1

    def replay(self):
        done.replayed += 1

    stream = SimpleNamespace(wait_stream=lambda other: None)
    fake = {
        "Stream": lambda: stream,
        "current_stream": lambda: stream,
        "stream": lambda stream: nullcontext(),
        "CUDAGraph": type("Graph", (), {"replay": replay}),
        "graph": graph,
    }
    for name, value in fake.items():
        monkeypatch.setattr(torch.cuda, name, value)
    return done


@pytest.fixture
def optimizer():
    return torch.optim.AdamW(nn.Linear(2, 2).parameters(), lr=0.1, fused=True)


def batch(value, count=FULL):
    return torch.full((count, 3, 2, 2), float(value)), torch.full((count,), int(value))


def test_full_batches_are_recorded_once_for_each_learning_rate(cuda, optimizer):
    eager = []

    def step(images, targets, count):
        assert optimizer.param_groups[0]["capturable"] is cuda.recording
        if not cuda.recording:
            eager.append((images[0, 0, 0, 0].item(), count))
        return images.sum()

    take = CapturedStep(step, optimizer, FULL)
    for value in range(6):
        take(*batch(value), FULL)
    take(*batch(6, 2), 2)
    assert (eager, cuda.recorded, cuda.replayed) == ([(0, FULL), (1, FULL), (2, FULL), (6, 2)], 1, 3)
    optimizer.param_groups[0]["lr"] = 0.01
    for value in (7, 8):
        take(*batch(value), FULL)
    assert (len(eager), cuda.recorded, cuda.replayed) == (4, 2, 5)


def test_a_recorded_step_sees_the_images_of_each_call(cuda, optimizer):
    seen = []

    def step(images, targets, count):
        seen.append((images, targets))
        return images.sum()

    take = CapturedStep(step, optimizer, FULL)
    for value in range(5):
        take(*batch(value), FULL)
    images, targets = seen[-1]
    assert (images == 4).all()
    assert (targets == 4).all()


def test_what_cannot_be_recorded_is_said_in_a_sentence(cuda, optimizer):
    def step(images, targets, count):
        if cuda.recording:
            raise RuntimeError("operation not permitted when stream is capturing\nCUDA kernel errors")
        return images.sum()

    take = CapturedStep(step, optimizer, FULL)
    for value in range(3):
        take(*batch(value), FULL)
    with pytest.raises(InputError, match=r"\(operation not permitted when stream is capturing\): leave .*cuda_graphs"):
        take(*batch(3), FULL)
    assert not optimizer.param_groups[0]["capturable"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("sgd", True), ("adam", True), ("adamw", True), ("adagrad", False), ("rmsprop", False), ("adadelta", False),
     ("adahessian", False)],
)  # fmt: skip
def test_fused_optimizers_can_be_captured(name, expected):
    settings = {"optimizer": name, "learning_rate": 0.1, "weight_decay": 0}
    assert can_be_captured(make_optimizer(nn.Linear(2, 2), settings)) is expected
