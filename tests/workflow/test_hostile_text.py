"""Paths, folders and labels that a shell, a pattern or a formula could take for its own, through real runs."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from workflow.conftest import Project, copied

from filterfreq.models.registry import build

TEXT = 'it\'s "x"; $(touch pwned) `touch pwned` & -rf $x$ %j'
FAKES = {
    # What the executor asks of Slurm before it submits.
    "sinfo": "echo 'cpu 100 100'",
    "sacctmgr": "echo account",
    "sbatch": 'printf "%s\\0" "$@" >> "$RECORD"; printf "\\n" >> "$RECORD"; exit 1',
}


@pytest.fixture
def hostile(fresh, tmp_path):
    """A study on images and a checkpoint in folders of hostile names, with hostile class names and labels."""
    project = copied(fresh.folder, tmp_path / "project")
    rng = np.random.default_rng(0)
    images = project.folder / "data of" / TEXT
    for name in (f"a {TEXT}", "-b"):
        (images / name).mkdir(parents=True)
        for number in range(5):
            pixels = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(images / name / f"{number} {TEXT}.png")
    torch.manual_seed(0)
    weights = images.with_name(f"{TEXT}.pt")
    torch.save(build("resnet_8_2", 2).state_dict(), weights)
    config = yaml.safe_load((project.folder / "tiny.yaml").read_text())
    config["experiments"] = {"tiny": {"datasets": ["animals"], "checkpoints": ["brought"]}}
    config["checkpoints"] = {
        "brought": {
            "source": "file",
            "path": str(weights.relative_to(project.folder)),
            "architecture": "resnet_8_2",
            "normalisation": "none",
            "label": TEXT,
        }
    }
    animals = {
        "kind": "imagefolder",
        "path": str(images.relative_to(project.folder)),
        "image_size": 32,
        "test_fraction": 0.5,
        "storage": "files",
    }
    config["data"] = {"datasets": {"animals": animals}}
    config["evaluation"] = {"batch_size": 8, "clean": {}}
    (project.folder / "hostile.yaml").write_text(yaml.safe_dump(config))
    return project


def test_hostile_paths_class_names_and_labels_are_only_text(hostile):
    run = "results/runs/animals/resnet_8_2/brought/seed-0/run.json"
    targets = [run, "results/figures/tiny/animals/samples.png"]
    outcome = hostile.snakemake(*targets, config="hostile.yaml")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert not list(hostile.folder.rglob("pwned"))
    record = json.loads((hostile.folder / "results/data/animals/dataset.json").read_text())
    assert record["classes"] == ["-b", f"a {TEXT}"]
    assert TEXT in json.loads((hostile.folder / run).read_text())["source"]["path"]


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Commands of Slurm that only write down what they are called with; submissions fail."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    for name in ("sbatch", "sacctmgr", "sinfo", "squeue", "sacct", "scontrol", "srun", "scancel"):
        (folder / name).write_text(f"#!/bin/sh\n{FAKES.get(name, '')}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("RECORD", str(tmp_path / "submitted"))
    return tmp_path / "submitted"


def submit(project) -> subprocess.CompletedProcess:
    target = "results/runs/animals/resnet_8_2/brought/seed-0/evaluations/clean.csv"
    command = [sys.executable, "-m", "snakemake", target, "--executor", "slurm", "--jobs", "1"]
    command += ["--slurm-init-seconds-before-status-checks", "1"]
    command += ["--default-resources", "slurm_partition=cpu", "slurm_account=account", "--configfile", "hostile.yaml"]
    return subprocess.run(command, cwd=project.folder, capture_output=True, text=True, timeout=300)


def test_what_is_submitted_holds_no_text_of_the_config(hostile, slurm):
    assert submit(hostile).returncode == 1
    (call,) = slurm.read_text().splitlines()
    arguments = call.split("\0")
    assert arguments[arguments.index("--comment") + 1] == "rule_prepare_wildcards_animals"
    assert not set("$`;&") & set(call)
    assert not list(hostile.folder.rglob("pwned"))


def test_a_folder_whose_name_is_a_command_is_refused_before_anything_is_submitted(hostile, slurm):
    folder = hostile.folder.rename(hostile.folder.with_name("a $(touch pwned)"))
    outcome = submit(Project(folder))
    assert outcome.returncode == 1
    assert "holds a character that a shell would not leave alone in a cluster's job" in outcome.stdout + outcome.stderr
    assert not slurm.exists()
    assert not list(folder.parent.rglob("pwned"))
