import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable

import pytest

from filterfreq.runtime.environment import make_neutral
from filterfreq.runtime.provenance import PACKAGE

# Two threads, a convolution by oneDNN, an image that OpenCV reads, a product of matrices, text.
WORK = """
import hashlib
import cv2
import numpy as np
import pandas as pd
import torch
torch.set_num_threads(2)
torch.manual_seed(0)
layer = torch.nn.Conv2d(3, 16, 3)
layer(torch.randn(64, 3, 32, 32)).square().mean().backward()
image = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
image = cv2.imdecode(cv2.imencode(".png", image)[1], cv2.IMREAD_COLOR)
image = cv2.resize(image, (61, 61), interpolation=cv2.INTER_CUBIC)
matrix = image[:, :, 0].astype(float) @ image[:, :, 1]
print([hashlib.sha256(part.tobytes()).hexdigest() for part in (layer.weight.grad.numpy(), image, matrix)])
print(pd.Series(["a"]).dtype, ascii(open(__file__ + ".txt").read()))
assert False, "as asserts do"
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Callable[[dict[str, str]], str]:
    """Does the work in another process with these variables, as a job would, and returns what that said."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "work.py").write_text(WORK, encoding="utf-8")
    (folder / "work.py.txt").write_text("λ", encoding="utf-8")
    (folder / "packages" / "numpy").mkdir(parents=True)
    (folder / "packages" / "numpy" / "__init__.py").write_text("raise ImportError('this is another numpy')")

    def said(hostile: dict[str, str]) -> str:
        variables = {"PATH": os.environ["PATH"], "HOME": str(folder), "OPENBLAS_NUM_THREADS": "1", **hostile}
        make_neutral(variables, folder / "matplotlib")
        command = [sys.executable, folder / "work.py"]
        outcome = subprocess.run(command, capture_output=True, env=variables, cwd=folder, timeout=120)
        assert outcome.returncode == 1
        assert outcome.stderr.decode().endswith("AssertionError: as asserts do\n"), outcome.stderr.decode()
        return outcome.stdout.decode()

    return said


@pytest.fixture(scope="module")
def undisturbed(work) -> str:
    return work({})


@pytest.mark.slow
@pytest.mark.parametrize(
    "hostile",
    [
        {"OMP_THREAD_LIMIT": "1", "OMP_MAX_ACTIVE_LEVELS": "0", "OMP_DYNAMIC": "true"},
        {"ONEDNN_DEFAULT_FPMATH_MODE": "ANY", "DNNL_DEFAULT_FPMATH_MODE": "ANY"},
        {"OPENCV_IO_MAX_IMAGE_PIXELS": "100"},
        {"PANDAS_FUTURE_INFER_STRING": "0"},
        {"PYTHONPATH": "packages"},
        {"PYTHONOPTIMIZE": "2"},
        {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"},
    ],
    ids=lambda hostile: next(iter(hostile)),
)
def test_a_job_does_the_same_whatever_a_user_has_set(hostile, work, undisturbed):
    assert work(hostile) == undisturbed


def test_what_jobs_need_is_left_alone(tmp_path):
    names = ["PATH", "HOME", "TMPDIR", "LANG", "SLURM_JOB_ID", "CUDA_VISIBLE_DEVICES", "http_proxy", "SSL_CERT_FILE"]
    names += [
        "PYTHONUNBUFFERED",
        "PYTHONDONTWRITEBYTECODE",
        "ONEDNN_MAX_CPU_ISA",
        "OPENBLAS_CORETYPE",
        "GIT_SSL_CAINFO",
    ]
    kept = dict.fromkeys(names, "kept")
    variables = dict(kept)
    make_neutral(variables, tmp_path)
    assert {name: variables[name] for name in kept} == kept


def test_the_recorded_revision_is_that_of_the_code(tmp_path):
    for name, message in (("own", "this"), ("other", "that")):
        package = tmp_path / name / "filterfreq"
        shutil.copytree(PACKAGE / "runtime", package / "runtime", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(PACKAGE / "__init__.py", package)
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.invalid"]
        for command in (["init", "--quiet"], ["add", "."], [*identity, "commit", "--quiet", f"--message={message}"]):
            subprocess.run(["git", "-C", tmp_path / name, *command], check=True)
    code = "from filterfreq.runtime.provenance import environment; print(environment()['git_revision'])"
    found = []
    for hostile in ({}, {"GIT_DIR": str(tmp_path / "other" / ".git"), "GIT_WORK_TREE": str(tmp_path / "other")}):
        variables = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **hostile}
        make_neutral(variables, tmp_path / "matplotlib")
        command = [sys.executable, "-c", code]
        outcome = subprocess.run(
            command, cwd=tmp_path / "own", env=variables, capture_output=True, text=True, check=True
        )
        found.append(outcome.stdout)
    assert found[0] == found[1]
    assert re.fullmatch(r"[0-9a-f]{40}\n", found[0])
