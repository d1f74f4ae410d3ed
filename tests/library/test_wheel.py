"""The package as others install it: a wheel, in an environment where nothing of this checkout is found."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
import torch
from records import record_of

from filterfreq.models.checkpoints import save_checkpoint
from filterfreq.models.classifier import Classifier
from filterfreq.models.registry import build

ROOT = Path(__file__).parents[2]
USE = """
import sys
import torch
import filterfreq

assert sys.argv[1] in filterfreq.__file__, filterfreq.__file__
model = filterfreq.decompose(torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, bias=False), torch.nn.Flatten()))
filterfreq.frequency_penalty(model, "highest", 0.01, "all").backward()
print(filterfreq.load_model(sys.argv[2])(torch.zeros(1, 3, 32, 32)).shape)
assert not any(name.partition(".")[0] in ("snakemake", "seaborn") for name in sys.modules)
"""


@pytest.fixture
def saved_run(tmp_path):
    torch.manual_seed(0)
    settings = {"architecture": "resnet_8_4", "num_classes": 4, "mean": [0.5] * 3, "std": [0.25] * 3}
    classifier = Classifier(build("resnet_8_4", 4), settings["mean"], settings["std"])
    save_checkpoint(tmp_path / "seed-0", classifier, record_of({**settings, "decomposition": None}))
    return tmp_path / "seed-0"


@pytest.mark.slow
def test_a_wheel_serves_without_the_checkout(tmp_path, saved_run):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("filterfreq-*.whl")
    venv.create(tmp_path / "fresh", with_pip=False)
    python = tmp_path / "fresh" / "bin" / "python"
    subprocess.run(["uv", "pip", "install", "--no-deps", "--python", python, wheel], check=True, capture_output=True)
    packages = next((tmp_path / "fresh" / "lib").glob("python*/site-packages"))
    # What it depends on, as it is here: to download it again would take longer than all other tests.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    shown = subprocess.run(
        [python, "-c", USE, str(packages), saved_run], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert shown.stderr == ""
    assert shown.stdout == "torch.Size([1, 4])\n"
