import pytest

from filterfreq.errors import InputError
from filterfreq.machine import training_processes


@pytest.mark.parametrize(
    ("device", "wanted", "expected"),
    [
        ("cuda", {}, (1, 1)),
        ("cuda", {"gpu": 1}, (1, 1)),
        ("cuda", {"gpu": 4}, (4, 1)),
        ("auto", {"gpu": 8, "nodes": 2}, (8, 2)),
        ("cpu", {"gpu": 4}, (1, 1)),
        ("cpu", {"processes": 4, "nodes": 4}, (4, 4)),
    ],
)
def test_each_gpu_has_a_process(device, wanted, expected):
    assert training_processes(device, wanted) == expected


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match=r"compute\.train: 2 processes on 4 GPUs, but each GPU has one"):
        training_processes("cuda", {"gpu": 4, "processes": 2})
    with pytest.raises(InputError, match=r"compute\.train: 3 processes or GPUs cannot be spread evenly over 2 nodes"):
        training_processes("cuda", {"gpu": 3, "nodes": 2})
