"""Faults that a day's work meets: each is said clearly, publishes nothing wrong, and costs only the work it hit."""

import json
import os
import re
import shutil
import subprocess
import time
from collections import Counter

import psutil
import pytest

PLAIN = "results/runs/texdigits/resnet_8_2/plain/seed-0"
PENALISED = "results/runs/texdigits/resnet_8_2/dct-penalty/seed-0"
DATA = "results/data/texdigits"


def sentences(outcome: subprocess.CompletedProcess) -> list[str]:
    said = outcome.stdout + outcome.stderr
    assert "Traceback" not in said
    return sorted(re.findall(r"^error: (.*)$", said, re.MULTILINE))


def redone(outcome: subprocess.CompletedProcess) -> Counter:
    """The jobs that were run, by rule."""
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return Counter(re.findall(r"Finished jobid: \d+ \(Rule: (\w+)\)", outcome.stdout + outcome.stderr))


def is_running(process: psutil.Process) -> bool:
    """Whether a process has not ended."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_an_evaluation_that_is_killed_goes_on_after_its_last_batch(project):
    project.edit("tiny.yaml", "  batch_size: 64", "  batch_size: 2")
    project.edit("tiny.yaml", "{images: 4, norm: linf", "{images: 24, norm: linf")
    result = project.folder / f"{PLAIN}/evaluations/autoattack.csv"
    progress = result.with_suffix(".progress.json")
    assert project.snakemake(f"{PLAIN}/evaluations/autoattack.csv").returncode == 0
    undisturbed = result.read_bytes()
    result.unlink()
    with project.started(f"{PLAIN}/evaluations/autoattack.csv", "--retries", "1", until="rule evaluate") as started:
        while not progress.exists() or len(json.loads(progress.read_text())["batches"]) < 3:
            time.sleep(0.01)
        (script,) = started.scripts()
        script.kill()
        done = len(json.loads(progress.read_text())["batches"])
        assert not result.exists()
        assert started.end() == 0
    assert f"goes on after {done} finished batches" in started.said
    assert re.search(
        r"^Finished jobid: \d+ \(Rule: evaluate_autoattack\): texdigits/resnet_8_2/plain/seed-0$",
        started.said,
        re.MULTILINE,
    )
    assert 3 <= done < 13
    assert result.read_bytes() == undisturbed
    assert not progress.exists()


def test_workers_end_with_their_job_and_half_a_folder_is_made_again(project):
    # So many that the corruptions after fog still take seconds on a fast machine.
    project.edit("tiny.yaml", "  corruption:\n    images: 4", "  corruption:\n    images: 200")
    shutil.rmtree(project.folder / DATA / "corruptions")
    with project.started(f"{DATA}/corruptions", "--cores", "2", until="fog") as started:
        job, *workers = started.scripts()
        assert len(workers) == 2
        # Or it might clean up after the job before it is killed itself.
        psutil.Process(started.process.pid).suspend()
        job.kill()
        started.process.kill()
        deadline = time.monotonic() + 20
        while any(map(is_running, workers)) and time.monotonic() < deadline:
            time.sleep(0.01)
        left = [worker for worker in workers if is_running(worker)]
        for worker in left:
            worker.kill()
        assert not left
    half = {path.name for path in (project.folder / DATA / "corruptions").iterdir()}
    assert half
    assert project.snakemake("--unlock").returncode == 0
    refused = project.snakemake(f"{DATA}/corruptions")
    assert refused.returncode == 1
    assert "--rerun-incomplete" in refused.stdout + refused.stderr
    again = project.snakemake(f"{DATA}/corruptions", "--rerun-incomplete")
    assert redone(again) == Counter(["corrupt"])
    assert "fog" in again.stderr


def test_a_loss_that_is_not_finite_stops_its_run_alone(project):
    project.edit("tiny.yaml", "strength: 0.01", "strength: 1.0e+30")
    (project.folder / f"{PLAIN}/evaluations/clean.csv").unlink()
    wanted = [f"{folder}/evaluations/clean.csv" for folder in (PLAIN, PENALISED)]
    outcome = project.snakemake(*wanted, "--keep-going")
    assert outcome.returncode == 1
    (sentence,) = sentences(outcome)
    assert sentence.startswith(
        "the loss of texdigits/resnet_8_2/dct-penalty/0 is not finite in epoch 1: lower training"
    )
    assert (project.folder / wanted[0]).exists()
    for name in ("model.safetensors", "run.json", "history.csv"):
        assert not (project.folder / PENALISED / name).exists()
    project.edit("tiny.yaml", "strength: 1.0e+30", "strength: 0.02")
    assert project.plan(*wanted).jobs == Counter(["train", "evaluate_clean"])


def test_the_remedies_of_damaged_files_are_those_that_are_told(project):
    """An array, a checkpoint and a result; what is made again has the same bytes."""
    folder = project.folder
    array, weights = f"{DATA}/arrays/cue_conflict_images.npy", f"{PENALISED}/model.safetensors"
    edited = f"{PLAIN}/evaluations/adversarial.csv"
    due = [
        f"{PLAIN}/evaluations/cue_conflict.csv",
        f"{PENALISED}/evaluations/clean.csv",
        "results/aggregated/tiny/texdigits/adversarial.csv",
    ]
    before = {file: (folder / file).read_bytes() for file in (array, weights, edited, *due)}
    (folder / array).write_bytes(before[array][:-1] + bytes([before[array][-1] ^ 1]))
    # What damages a disk leaves the time of the file.
    written = (folder / weights).stat().st_mtime
    (folder / weights).write_bytes(before[weights][:-100])
    os.utime(folder / weights, (written, written))
    value = before[edited].decode().splitlines()[1].split(",")[7]
    (folder / edited).write_text(before[edited].decode().replace(f",{value},", ",0.125,", 1))
    for file in due:
        (folder / file).unlink()

    outcome = project.snakemake(*due, "--keep-going")
    assert outcome.returncode == 1
    assert sentences(outcome) == [
        f"{array} does not have its recorded SHA-256: prepare data set texdigits again: snakemake --force "
        f"{DATA}/dataset.json",
        f"{weights} is truncated or was changed, its SHA-256 is not the one in {PENALISED}/run.json: delete it and "
        "run again",
        f"{edited} was changed since it was written, its SHA-256 is not the one in {edited}.sha256: delete it and run "
        "again (or delete adversarial.csv.sha256, to have the change used)",
    ]
    assert not any((folder / file).exists() for file in due)

    assert redone(project.snakemake("--force", f"{DATA}/dataset.json")) == Counter(["prepare"])
    (folder / weights).unlink()
    (folder / edited).unlink()
    assert redone(project.snakemake(*due)) == Counter(
        train=1, evaluate_clean=1, evaluate_cue_conflict=1, evaluate_adversarial=2, aggregate=1
    )
    assert {file: (folder / file).read_bytes() for file in before} == before


def test_inputs_from_the_future_are_refused_before_any_work(project):
    """As a clock that was set back leaves them, or another machine's."""
    target = f"{PLAIN}/evaluations/clean.csv"
    (project.folder / target).unlink()
    later = time.time() + 3600
    for file in (f"{PLAIN}/run.json", f"{PLAIN}/model.safetensors"):
        os.utime(project.folder / file, (later, later))
    outcome = project.snakemake(target)
    assert outcome.returncode == 1
    said = outcome.stdout + outcome.stderr
    assert f"{PLAIN}/model.safetensors is newer than this machine's clock, and 1 more: correct the clock or" in said
    assert "evaluate_clean.py" not in said
    # Of files larger than Snakemake compares by content, the times alone count.
    both = (target, f"{PLAIN}/evaluations/filters.csv", "--max-checksum-file-size", "0")
    assert project.snakemake(*both, "--touch", "--forceall").returncode == 0
    # A node whose clock is behind does no harm: Snakemake sets the time of what it has received.
    with open(project.folder / "scripts/evaluate_clean.py", "a") as script:
        script.write("\nimport os\n\nos.utime(snakemake.output[0], (1, 1))\n")
    assert redone(project.snakemake(*both)) == Counter(["evaluate_clean"])
    assert abs((project.folder / target).stat().st_mtime - time.time()) < 600


def test_a_config_that_changes_meanwhile_counts_from_the_next_run(project):
    target = f"{PLAIN}/run.json"
    project.edit("tiny.yaml", "epochs: 1", "epochs: 2")
    with project.started(target, until="epoch 1/2") as started:
        project.edit("tiny.yaml", "epochs: 2", "epochs: 3")
        assert started.end() == 0
    assert json.loads((project.folder / target).read_text())["training"]["epochs"] == 2
    assert project.plan(target).jobs == Counter(["train"])
    project.edit("tiny.yaml", "epochs: 3", "epochs: 2")
    assert project.plan(target).jobs == Counter()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_that_is_made_larger(unstarted):
    """The arrays take 23 MB."""
    results = unstarted.folder / "results"
    results.mkdir(exist_ok=True)
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", results], capture_output=True, text=True)
    if mount.returncode != 0:
        pytest.skip(f"mounting is not allowed here: {mount.stderr.strip()}")
    try:
        outcome = unstarted.snakemake(f"{DATA}/dataset.json")
        assert outcome.returncode == 1
        (sentence,) = sentences(outcome)
        assert re.fullmatch(
            rf"no space left while writing {DATA}/arrays/\w+\.npy: free some space or choose another disk, then run "
            "again",
            sentence,
        )
        assert not [path for path in (results / "data").rglob("*") if path.is_file()]
        subprocess.run(["mount", "-o", "remount,size=64m", results], check=True)
        assert redone(unstarted.snakemake(f"{DATA}/dataset.json")) == Counter(["prepare"])
    finally:
        subprocess.run(["umount", results], check=True)
