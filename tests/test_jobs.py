import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from filterfreq.jobs import evaluation_batch_size

SCRIPTS = Path(__file__).parents[1] / "scripts"

JOB = """
import sys
from types import SimpleNamespace
from filterfreq.errors import InputError
from filterfreq.jobs import job
config = {{"compute": {{"device": "cpu"}}}}
with job(SimpleNamespace(log=[sys.argv[1]], rule="train", config=config)) as logger:
    logger.info("epoch 1")
    {statement}
"""


def run(tmp_path: Path, statement: str) -> tuple[int, str, str]:
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    command = [sys.executable, "-c", JOB.format(statement=statement), str(tmp_path / "log")]
    outcome = subprocess.run(command, env=environment, capture_output=True, text=True)
    return outcome.returncode, outcome.stderr, (tmp_path / "log").read_text()


def test_lines_go_to_terminal_and_log(tmp_path):
    code, terminal, log = run(tmp_path, "import time; time.sleep(0.3)")
    assert code == 0
    assert terminal == "epoch 1\n"
    started, worked = re.fullmatch(r"epoch 1\nstarted in ([\d.]+) s, worked for ([\d.]+) s\n", log).groups()
    assert 0 < float(started) < 30
    assert 0.3 <= float(worked) < 5


def test_bad_input_is_one_sentence(tmp_path):
    code, terminal, log = run(tmp_path, "raise InputError('the array a.npy is damaged: make it again')")
    assert code == 1
    assert terminal == log == "epoch 1\nerror: the array a.npy is damaged: make it again\n"


GPU_JOB = """
import os, sys
from types import SimpleNamespace
from filterfreq.jobs import job
config = {"compute": {"device": sys.argv[2]}}
with job(SimpleNamespace(log=[sys.argv[1]], rule="train", config=config, resources={"gpu": 1})):
    print(os.environ["CUDA_VISIBLE_DEVICES"])
"""


@pytest.mark.parametrize(("device", "seen", "log"), [("auto", "4", "on GPU 4\n"), ("cpu", "4,7", "")])
def test_a_job_has_gpus_of_its_own_unless_it_computes_on_a_cpu(tmp_path, device, seen, log):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SLURM_")}
    environment |= {"PYTHONPATH": str(SCRIPTS), "TMPDIR": str(tmp_path), "CUDA_VISIBLE_DEVICES": "4,7"}
    command = [sys.executable, "-c", GPU_JOB, str(tmp_path / "log"), device]
    outcome = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert outcome.stdout == f"{seen}\n"
    assert outcome.stderr == log
    assert (tmp_path / "log").read_text().startswith(f"{log}started in")


def test_other_errors_keep_their_traceback(tmp_path):
    code, _, log = run(tmp_path, "1 / 0")
    assert code == 1
    assert "error in rule train" in log
    assert "ZeroDivisionError" in log


def test_a_request_to_stop_is_said_and_has_a_status_of_its_own(tmp_path):
    statement = """
    import os, signal
    from filterfreq.errors import StoppedError
    from filterfreq.jobs import stop_requests
    stop = stop_requests()
    assert not stop()
    os.kill(os.getpid(), signal.SIGTERM)
    assert stop()
    raise StoppedError('epoch 2 is kept')
    """
    code, terminal, log = run(tmp_path, statement.strip())
    assert code == 128 + signal.SIGTERM
    assert terminal == log == "epoch 1\nepoch 2 is kept\n"


def test_the_batch_size_of_evaluations_may_be_a_data_sets_own():
    config = {"evaluation": {"batch_size": 500, "datasets": {"imagenet": {"batch_size": 64}, "svhn": {}}}}
    found = {
        name: evaluation_batch_size(SimpleNamespace(config=config, wildcards=SimpleNamespace(dataset=name)))
        for name in ("imagenet", "svhn", "cifar10")
    }
    assert found == {"imagenet": 64, "svhn": 500, "cifar10": 500}
