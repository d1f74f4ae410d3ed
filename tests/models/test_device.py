import platform
import resource
import time

import pytest
import torch

from filterfreq.models.device import describe_device, is_deterministic, peak_memory_mb, use_device, use_precision
from filterfreq.runtime.errors import InputError


@pytest.fixture(autouse=True)
def restored():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode("default")


def test_threads_and_device():
    device = use_device({"device": "cpu"}, 2)
    assert device == torch.device("cpu")
    assert torch.get_num_threads() == 2
    assert torch.are_deterministic_algorithms_enabled()
    assert describe_device(device) == "cpu, 2 threads"


def test_a_job_of_one_thread_computes_on_that_thread_alone():
    """Two such jobs leave each other's core alone: a process computes what this thread does, and no more."""
    use_device({"device": "cpu"}, 1)
    layer = torch.nn.Conv2d(32, 32, 3)
    images = torch.rand(64, 32, 32, 32)
    process, thread = time.process_time(), time.thread_time()
    for _ in range(20):
        layer(images).square().mean().backward()
    assert time.process_time() - process < 1.1 * (time.thread_time() - thread)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these settings")
def test_memory_of_a_batch_serves_the_next():
    use_device({"device": "cpu"}, 1)
    for _ in range(16):
        torch.ones(2**23)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(4):
        torch.ones(2**23)
    # A block of 32 MiB that went back to the system costs 8,192 page faults of 4 KiB each time.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 8192


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU, so nothing is missing")
def test_a_required_gpu_that_is_missing_is_one_sentence():
    with pytest.raises(InputError, match=r"compute\.device is cuda but this machine has no usable GPU"):
        use_device({"device": "cuda"}, 1)
    assert use_device({"device": "auto"}, 1).type == "cpu"


def test_unknown_device():
    with pytest.raises(InputError, match="tpu"):
        use_device({"device": "tpu"}, 1)


def test_a_cpu_computes_in_float32_and_deterministically_whatever_a_gpu_does():
    compute = {"device": "cpu", "on_gpu": {"precision": "bfloat16", "deterministic": False}}
    device = use_device(compute, 1)
    assert use_precision(compute, device) == "float32"
    assert is_deterministic(compute, device)
    assert torch.are_deterministic_algorithms_enabled()


def test_a_gpu_is_fast_unless_the_config_asks_for_equal_bits():
    gpu = torch.device("cuda")
    assert not is_deterministic({"device": "cuda"}, gpu)
    assert is_deterministic({"device": "cuda", "on_gpu": {"deterministic": True}}, gpu)
    assert use_precision({"device": "cuda"}, gpu) == "bfloat16"


@pytest.mark.parametrize(("precision", "float32"), [("float32", "ieee"), ("tf32", "tf32"), ("bfloat16", "tf32")])
def test_precision_of_training_on_a_gpu(precision, float32):
    assert use_precision({"device": "cuda", "on_gpu": {"precision": precision}}, torch.device("cuda")) == precision
    assert torch.backends.cudnn.conv.fp32_precision == torch.backends.cuda.matmul.fp32_precision == float32
    use_device({"device": "cpu"}, 1)  # as every evaluation begins
    assert torch.backends.cudnn.conv.fp32_precision == torch.backends.cuda.matmul.fp32_precision == "ieee"


def test_unknown_precision():
    with pytest.raises(InputError, match=r"unknown compute\.on_gpu\.precision 'bfloat'"):
        use_precision({"device": "cuda", "on_gpu": {"precision": "bfloat"}}, torch.device("cuda"))


def test_peak_memory_grows_with_what_is_held():
    before = peak_memory_mb(torch.device("cpu"))
    held = torch.ones(200 * 2**20 // 4)
    after = peak_memory_mb(torch.device("cpu"))
    assert held.sum() > 0
    assert after >= 200
    assert after >= before
