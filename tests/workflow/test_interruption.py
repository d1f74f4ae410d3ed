"""A training job that is killed goes on from its last epoch and ends with the same bytes."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

RUN = "results/runs/texdigits/resnet_8_2/wd-penalty/seed-0"


def test_a_killed_snakemake_goes_on_where_it_was(project, tmp_path):
    project.edit("tiny.yaml", "epochs: 1", "epochs: 5")
    expected = {}
    for kill in (False, True):
        command = [sys.executable, "-m", "snakemake", "--cores", "1", f"{RUN}/run.json", "--configfile", "tiny.yaml"]
        if kill:
            with subprocess.Popen(
                command, cwd=project.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            ) as process:
                for line in process.stdout:
                    if "epoch 3/5" in line:
                        break
                else:
                    raise AssertionError("the training ended before it could be killed")
                family = [*psutil.Process(process.pid).children(recursive=True), process]
                for member in family:
                    os.kill(member.pid, signal.SIGKILL)
            time.sleep(0.5)
            assert not (project.folder / RUN / "run.json").exists()
            assert project.snakemake("--unlock").returncode == 0
        outcome = project.snakemake(f"{RUN}/run.json", "--rerun-incomplete")
        assert outcome.returncode == 0, outcome.stderr
        events = EventAccumulator(str(project.folder / RUN / "tensorboard"))
        events.Reload()
        assert [event.step for event in events.Scalars("test_accuracy")] == [1, 2, 3, 4, 5]
        files = {name: (project.folder / RUN / name).read_bytes() for name in ("model.safetensors", "history.csv")}
        if kill:
            assert "goes on after epoch" in outcome.stderr
            assert "epoch 2/5" not in outcome.stderr
            assert files == expected
            # What the kill left half written has gone too.
            assert not list((project.folder / RUN).rglob(".*.part*"))
        else:
            expected = files
            (project.folder / RUN / "run.json").unlink()


def test_two_processes_train_one_run_and_keep_their_state(project):
    project.edit("tiny.yaml", "epochs: 1", "epochs: 3")
    project.edit("tiny.yaml", "train: {threads: 1,", "train: {threads: 2, processes: 2,")
    command = [sys.executable, "-m", "snakemake", "--cores", "2", f"{RUN}/run.json", "--configfile", "tiny.yaml"]
    log = project.folder / f"results/logs/train/{RUN.removeprefix('results/runs/')}.log"
    log.unlink()
    with subprocess.Popen(command, cwd=project.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not (log.exists() and "epoch 1/3" in log.read_text()):
            assert process.poll() is None
            time.sleep(0.05)
        family = psutil.Process(process.pid).children(recursive=True)
        next(one for one in family if one.cmdline()[-1].endswith("train.py")).terminate()
    assert process.returncode == 1
    assert "was asked to stop: it is kept after epoch" in log.read_text()
    outcome = project.snakemake(f"{RUN}/run.json")
    assert outcome.returncode == 0, outcome.stderr
    assert "goes on after epoch 1" in log.read_text()
    assert json.loads((project.folder / RUN / "run.json").read_text())["provenance"]["processes"] == 2
    project.edit("tiny.yaml", "processes: 2,", "processes: 2, nodes: 2,")
    plan = project.snakemake("--dry-run", "--forcerun", "train", f"{RUN}/run.json")
    assert "nodes=2, tasks=2, mpi=srun" in plan.stdout + plan.stderr
