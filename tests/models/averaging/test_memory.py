import subprocess
import sys
from pathlib import Path

import pytest

STATUS = Path("/proc/self/status")
# VmHWM is the largest resident set of a process; that of its parent is not among it, as in what getrusage says.
GROWTH = """
import re, sys, torch
from pathlib import Path
from filterfreq.models import registry
from filterfreq.models.averaging.classifier import Average, AveragedClassifier
from filterfreq.models.classifier import Classifier
from filterfreq.models.device import use_device

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text()).group(1)) / 1024

use_device({"device": "cpu"}, 1)
torch.manual_seed(0)
network = Classifier(registry.build("resnet_8", 10), (0.5,) * 3, (0.2,) * 3).requires_grad_(False)
average = Average("random", int(sys.argv[1]), (1, -1, 2, -2, 3, -3))
classifier = AveragedClassifier(network, [average], "normalised", "softmax").eval()
images = torch.rand(16, 3, 32, 32).requires_grad_()
before = peak()
classifier(images)[:, 0].sum().backward()
print(peak() - before)
"""


def gradient_mb(count: int) -> float:
    """What a process grows by for the gradient of an average over K directions."""
    command = [sys.executable, "-c", GROWTH, str(count)]
    ended = subprocess.run(command, check=True, capture_output=True, text=True, env={"PYTHONPATH": "scripts"})
    return float(ended.stdout)


@pytest.mark.slow
@pytest.mark.skipif(not STATUS.exists(), reason="only Linux tells the peak of a process without that of its parent")
def test_a_process_needs_no_more_memory_for_the_gradient_of_more_directions():
    """Also where small things that stay between large ones that go would keep the memory of these."""
    few, many = gradient_mb(5), gradient_mb(60)
    assert few > 10
    assert many < 1.3 * few
