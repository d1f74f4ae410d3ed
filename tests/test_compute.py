import pytest
import torch

from filterfreq.compute import describe_device, peak_memory_mb, use_device
from filterfreq.errors import InputError


@pytest.fixture(autouse=True)
def restored():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode("default")


def test_threads_and_device():
    device = use_device("cpu", 2)
    assert device == torch.device("cpu")
    assert torch.get_num_threads() == 2
    assert torch.are_deterministic_algorithms_enabled()
    assert describe_device(device) == "cpu, 2 threads"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU, so nothing is missing")
def test_a_required_gpu_that_is_missing_is_one_sentence():
    with pytest.raises(InputError, match=r"compute\.device is cuda but this machine has no usable GPU"):
        use_device("cuda", 1)
    assert use_device("auto", 1).type == "cpu"


def test_unknown_device():
    with pytest.raises(InputError, match="tpu"):
        use_device("tpu", 1)


def test_peak_memory_grows_with_what_is_held():
    before = peak_memory_mb(torch.device("cpu"))
    held = torch.ones(200 * 2**20 // 4)
    after = peak_memory_mb(torch.device("cpu"))
    assert held.sum() > 0
    assert after >= 200
    assert after >= before
