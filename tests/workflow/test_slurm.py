"""The Slurm profile through a real Slurm: limits, preemption, daemons and nodes that die."""

import hashlib
import json
import os
import random
import shutil
import signal
import time
from collections import Counter

import numpy as np
import pytest
from workflow.cluster import Cluster, Submission, slurm, wait_until, why_no_slurm
from workflow.conftest import Project, copied

RUN = "results/runs/texdigits/resnet_8_2/plain/seed-0"
WEIGHTS = f"{RUN}/model.safetensors"
LOG = "results/logs/train/texdigits/resnet_8_2/plain/seed-0.log"
EPOCHS = 5


@pytest.fixture(scope="module")
def cluster():
    """A Slurm that runs nothing yet."""
    reason = why_no_slurm()
    if reason is not None:
        pytest.skip(reason)
    cluster = Cluster()
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def undisturbed(finished, tmp_path_factory) -> Project:
    """The study with longer trainings, of which one is done without a fault."""
    project = copied(finished.folder, tmp_path_factory.mktemp("undisturbed"))
    project.edit("tiny.yaml", "epochs: 1", f"epochs: {EPOCHS}")
    # Of the same code as those that are held.
    project.hold_trainings()
    outcome = project.snakemake(WEIGHTS)
    assert outcome.returncode == 0, outcome.stderr
    return project


@pytest.fixture
def training(cluster, undisturbed, tmp_path) -> Project:
    """The same before that training."""
    project = copied(undisturbed.folder, tmp_path / "project")
    forget(project)
    return project


def forget(project: Project) -> None:
    """Remove what that training has made."""
    for file in (WEIGHTS, f"{RUN}/run.json", f"{RUN}/history.csv", LOG):
        (project.folder / file).unlink()


def results(project: Project, *files: str) -> dict[str, str]:
    return {file: hashlib.sha256((project.folder / file).read_bytes()).hexdigest() for file in files}


def weights_and_history(project: Project) -> dict[str, str]:
    return results(project, WEIGHTS, f"{RUN}/history.csv")


def epochs(project: Project) -> list[int]:
    """The epochs that the log of the training's last start has."""
    lines = (project.folder / LOG).read_text().splitlines()
    return [int(line.split("epoch")[1].split("/")[0]) for line in lines if " loss " in line]


def where_it_goes_on(stopped: str) -> str:
    """What the next log has to say after one in which a training was stopped."""
    return "goes on " + stopped.split("it is kept ")[1].split(" and goes on")[0]


def preempt() -> None:
    """Submit what is more urgent than any job and needs the whole node, for a second."""
    slurm("sbatch", "--partition=urgent", "--ntasks=2", "--mem=100", "--output=/dev/null", "--wrap=sleep 1")


def test_one_process_sees_all_gpus_of_its_job(cluster, fresh, tmp_path):
    project = copied(fresh.folder, tmp_path / "project")
    (project.folder / "Snakefile").write_text(
        'rule train:\n    output: "gpus.txt"\n    resources: gpu=2, runtime=1, mem_mb=500\n'
        '    shell: "echo $CUDA_VISIBLE_DEVICES $SLURM_JOB_PARTITION >> {output}"\n'
    )
    Submission(project, "gpus.txt").finish()
    assert (project.folder / "gpus.txt").read_text() == "0,1 gpu\n"


def test_a_preempted_training_is_queued_again_and_loses_no_batch(cluster, undisturbed, training):
    training.hold_trainings(2)
    submission = Submission(training, WEIGHTS)
    submission.wait_for(LOG, f"epoch 2/{EPOCHS}")
    (number,) = submission.jobs()
    preempt()
    submission.wait_for(LOG, f"Slurm queues job {number} again")
    stopped = (training.folder / LOG).read_text()
    cluster.begin(number)
    submission.wait_for(LOG, "goes on after")
    submission.finish()
    assert where_it_goes_on(stopped) in (training.folder / LOG).read_text()
    # Slurm's own doing: no failure, and none of the retries.
    assert submission.jobs() == [number]
    assert weights_and_history(training) == weights_and_history(undisturbed)


def test_a_training_of_two_processes_is_one_job_that_is_queued_again_as_a_whole(cluster, undisturbed, tmp_path):
    undisturbed = copied(undisturbed.folder, tmp_path / "undisturbed")
    forget(undisturbed)
    undisturbed.edit("tiny.yaml", f"epochs: {EPOCHS}", "epochs: 3")
    undisturbed.edit("tiny.yaml", "train: {threads: 1, mem_mb: 2000", "train: {processes: 2, threads: 2, mem_mb: 4000")
    training = copied(undisturbed.folder, tmp_path / "project")
    outcome = undisturbed.snakemake(WEIGHTS)
    assert outcome.returncode == 0, outcome.stderr
    training.hold_trainings(1)
    submission = Submission(training, WEIGHTS)
    submission.wait_for(LOG, "epoch 1/3")
    (number,) = submission.jobs()
    preempt()
    submission.wait_for(LOG, f"Slurm queues job {number} again")
    stopped = (training.folder / LOG).read_text()
    cluster.begin(number)
    submission.finish()
    assert where_it_goes_on(stopped) in (training.folder / LOG).read_text()
    assert submission.jobs() == [number]
    assert json.loads((training.folder / f"{RUN}/run.json").read_text())["provenance"]["processes"] == 2
    assert weights_and_history(training) == weights_and_history(undisturbed)


def test_an_interrupted_snakemake_cancels_its_jobs_for_good(cluster, undisturbed, training, tmp_path):
    # A slow squeue, so that Ctrl-C comes while Snakemake waits for one and has its jobs in no list.
    (tmp_path / "squeue").write_text(f'#!/bin/sh\nsleep 10\nexec {shutil.which("squeue")} "$@"\n')
    (tmp_path / "squeue").chmod(0o755)
    training.hold_trainings(2)
    submission = Submission(training, WEIGHTS, programs=tmp_path)
    submission.wait_for(LOG, f"epoch 2/{EPOCHS}")
    (number,) = submission.jobs()
    submission.process.send_signal(signal.SIGINT)
    assert submission.process.wait(timeout=300) != 0
    cluster.wait_for_job(number, "CANCELLED")
    submission = Submission(training, WEIGHTS)
    submission.wait_for(LOG, "goes on after")
    submission.finish()
    assert cluster.state(number) == "CANCELLED"
    assert epochs(training)[0] >= 3
    assert weights_and_history(training) == weights_and_history(undisturbed)


def test_daemons_that_die_and_a_drained_node_leave_a_training_alone(cluster, undisturbed, training):
    training.hold_trainings(1, 2, 3)
    submission = Submission(training, WEIGHTS)
    submission.wait_for(LOG, f"epoch 1/{EPOCHS}")
    cluster.kill("slurmctld")
    training.release(1)
    submission.wait_for(LOG, f"epoch 2/{EPOCHS}")
    cluster.start_daemon("slurmctld")
    cluster.kill("slurmd")
    training.release(2)
    submission.wait_for(LOG, f"epoch 3/{EPOCHS}")
    cluster.start_daemon("slurmd")
    cluster.set_node("DRAIN")
    training.release(3)
    submission.finish()
    cluster.wait_for_node("drained")
    cluster.set_node("RESUME")
    cluster.wait_for_node("idle")
    assert epochs(training) == [*range(1, EPOCHS + 1)]
    assert len(submission.jobs()) == 1
    assert weights_and_history(training) == weights_and_history(undisturbed)


def test_a_training_on_a_node_that_vanishes_goes_on_after_its_last_epoch(cluster, undisturbed, training):
    training.hold_trainings(2)
    submission = Submission(training, WEIGHTS)
    submission.wait_for(LOG, f"epoch 2/{EPOCHS}")
    (number,) = submission.jobs()
    cluster.kill("slurmd")
    cluster.kill_jobs()
    # Slurm would find out by itself, after SlurmdTimeout.
    cluster.set_node("DOWN")
    cluster.wait_for_job(number, "PENDING")
    cluster.start_daemon("slurmd")
    cluster.wait_for_node("idle")
    # Orders to end the job's first start are still on their way; Slurm itself waits for two minutes.
    time.sleep(5)
    cluster.begin(number)
    submission.wait_for(LOG, "goes on after epoch")
    submission.finish()
    assert submission.jobs() == [number]
    assert epochs(training)[0] >= 3
    assert weights_and_history(training) == weights_and_history(undisturbed)


def test_a_training_over_its_memory_is_tried_again_with_more(cluster, undisturbed, training):
    training.edit("tiny.yaml", "train: {threads: 1, mem_mb: 2000", "train: {threads: 1, mem_mb: 500")
    submission = Submission(training, WEIGHTS)
    said = submission.finish()
    first, *others = submission.jobs()
    assert cluster.state(first) in ("FAILED", "OUT_OF_MEMORY")
    log = next((training.folder / ".snakemake" / "slurm_logs").rglob(f"{first}.log"))
    assert "memory limit" in log.read_text()
    assert f"SLURM-job '{first}' failed" in said
    assert [int(slurm("squeue", "--states=all", "-h", "-o", "%m", "-j", number).strip("M\n")) for number in others] == [
        500 * attempt for attempt in range(2, len(others) + 2)
    ]
    assert weights_and_history(training) == weights_and_history(undisturbed)


def test_a_training_over_its_time_is_queued_again_before_it_ends(cluster, training):
    training.edit("tiny.yaml", f"epochs: {EPOCHS}", "epochs: 1000")
    training.edit(
        "tiny.yaml", "train: {threads: 1, mem_mb: 2000, runtime: 10", "train: {threads: 1, mem_mb: 2000, runtime: 3"
    )
    submission = Submission(training, WEIGHTS)
    submission.wait_for(LOG, "Slurm queues job", seconds=400)
    (number,) = submission.jobs()
    stopped = (training.folder / LOG).read_text()
    cluster.begin(number)
    submission.wait_for(LOG, "goes on after")
    assert where_it_goes_on(stopped) in (training.folder / LOG).read_text()
    assert submission.jobs() == [number]
    submission.process.send_signal(signal.SIGINT)
    submission.process.wait(timeout=300)
    cluster.wait_for_job(number, "CANCELLED")


def test_jobs_outlive_a_snakemake_that_is_killed(cluster, undisturbed, training):
    training.hold_trainings(2)
    submission = Submission(training, WEIGHTS)
    submission.wait_for(LOG, f"epoch 2/{EPOCHS}")
    (number,) = submission.jobs()
    submission.process.kill()
    submission.process.wait()
    refused = Submission(training, WEIGHTS)
    assert refused.process.wait(timeout=300) != 0
    assert "Directory cannot be locked" in refused.text()
    training.release(2)
    cluster.wait_for_job(number, "COMPLETED")
    assert training.snakemake("--unlock").returncode == 0
    again = Submission(training, WEIGHTS)
    assert "Nothing to be done" in again.finish()
    assert weights_and_history(training) == weights_and_history(undisturbed)


def test_a_snakemake_whose_terminal_is_closed_waits_for_its_jobs(cluster, undisturbed, training):
    training.hold_trainings(2)
    (training.folder / f"{RUN}/evaluations/clean.csv").unlink()
    submission = Submission(training, f"{RUN}/evaluations/clean.csv")
    submission.wait_for(LOG, f"epoch 2/{EPOCHS}")
    submission.process.send_signal(signal.SIGHUP)
    wait_until(
        lambda: "Will exit after finishing currently running jobs" in submission.text(), "it is told", submission
    )
    training.release(2)
    assert submission.process.wait(timeout=300) != 0
    # No more was submitted, and nothing has to be unlocked.
    assert len(submission.jobs()) == 1
    assert weights_and_history(training) == weights_and_history(undisturbed)
    assert "Nothing to be done" in Submission(training, WEIGHTS).finish()


def test_jobs_take_the_config_that_the_workflow_began_with(cluster, training):
    (training.folder / RUN / "perturbations.npz").unlink()
    training.hold_trainings(1)
    submission = Submission(training, f"{RUN}/perturbations.npz")
    submission.wait_for(LOG, f"epoch 1/{EPOCHS}")
    training.edit("tiny.yaml", "epsilon: 2/255, images: 2}", "epsilon: 2/255, images: 1}")
    training.release(1)
    submission.finish()
    with np.load(training.folder / RUN / "perturbations.npz") as found:
        assert {len(array) for array in found.values()} == {2}
    # The next run finds the difference.
    assert training.plan(f"{RUN}/perturbations.npz").jobs == {"perturb": 1}


def test_what_cannot_succeed_fails_its_group_but_not_what_has_a_job_of_its_own(cluster, project):
    healthy = RUN.replace("plain", "dct-penalty")
    targets = [f"{run}/evaluations/{suite}.csv" for run in (RUN, healthy) for suite in ("clean", "frequency_filtered")]
    for target in targets:
        (project.folder / target).unlink()
    weights = project.folder / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1])
    together = Submission(project, *targets, "--retries", "0")
    assert together.process.wait(timeout=600) != 0
    assert len(together.jobs()) == 1
    assert not any((project.folder / target).exists() for target in targets)
    alone = Submission(project, *targets, "--retries", "0", "--group-components", "minutes=1")
    assert alone.process.wait(timeout=600) != 0
    assert [target for target in targets if (project.folder / target).exists()] == targets[2:]
    log = RUN.replace("runs", "logs/evaluate_clean", 1) + ".log"
    assert "model.safetensors is truncated" in (project.folder / log).read_text()


def test_tables_are_the_same_after_random_kills(cluster, finished, unstarted):
    """Jobs, the node's daemon, the controller and Snakemake itself are killed while the whole study runs."""
    # SLURM_SEEDS=8 makes 199 jobs of 59, for 25 minutes.
    seeds = int(os.environ.get("SLURM_SEEDS", "1"))
    undisturbed = finished
    if seeds > 1:
        for project in (unstarted, undisturbed := copied(unstarted.folder, unstarted.folder.parent / "undisturbed")):
            project.edit("tiny.yaml", "seeds: [0]", f"seeds: {[*range(seeds)]}")
        assert undisturbed.snakemake().returncode == 0
    rng = random.Random(0)
    killed = Counter()
    submission = Submission(unstarted)
    end = time.monotonic() + 1800
    while submission.process.poll() is None:
        assert time.monotonic() < end, submission.text()
        time.sleep(rng.uniform(2, 6))
        cluster.repair()
        match rng.choice(("job", "job", "job", "slurmd", "slurmctld", "snakemake")):
            case "job":
                # Each job at most twice, or Snakemake would give up trying.
                running = [job for job in cluster.running() if killed[job] < 2]
                if running:
                    job = rng.choice(running)
                    killed[job] += cluster.kill_script(job)
            case "snakemake" if killed["snakemake"] < 1:
                killed["snakemake"] += 1
                submission.process.kill()
                submission.process.wait()
                # What its jobs would still do is lost.
                slurm("scancel", "--user=root", "--full")
                wait_until(lambda: not cluster.running(), "no job runs")
                assert unstarted.snakemake("--unlock").returncode == 0
                submission = Submission(unstarted)
            case daemon if daemon != "snakemake" and killed[daemon] < 2:
                killed[daemon] += 1
                cluster.kill(daemon)
                time.sleep(1)
                cluster.start_daemon(daemon)
    submission.finish()
    print(f"{len(submission.jobs())} jobs submitted by the last Snakemake; killed: {dict(killed)}")
    assert len(+killed) >= 4
    assert any(name.startswith("rule_") or "group" in name for name in +killed)
    made = [*(undisturbed.folder / "results" / "tables").rglob("*.*")]
    made += (undisturbed.folder / "results" / "aggregated").rglob("*.csv")
    made += (undisturbed.folder / "results" / "runs").rglob("model.safetensors")
    # But for the table of seconds.
    names = [str(file.relative_to(undisturbed.folder)) for file in made if file.stem != "costs"]
    assert results(unstarted, *names) == results(undisturbed, *names)
