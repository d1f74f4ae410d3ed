"""The workflow started from another folder than its own, with results in a third one."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from workflow.conftest import ROOT, TINY
from workflow.snakemake_server import run_snakemake

PREPARED = "results/data/texdigits/dataset.json"
NOT_READ = "This workflow's own profiles/default is not read"


@pytest.fixture
def caller(tmp_path) -> Path:
    """The folder in which commands are typed, with a config in it."""
    folder = tmp_path / "caller"
    folder.mkdir()
    shutil.copy2(TINY, folder)
    return folder


def said_by(folder: Path, *arguments: str, status: int = 0) -> str:
    """What Snakemake says when it is started in a folder."""
    outcome = run_snakemake(arguments, folder)
    assert outcome.returncode == status, outcome.stdout + outcome.stderr
    return outcome.stdout + outcome.stderr


def trainings(said: str) -> int:
    """How many trainings a dry run lists."""
    return int(re.search(r"^train +(\d+)$", said, re.MULTILINE)[1])


@pytest.mark.parametrize("is_relative", [True, False])
def test_profiles_know_their_config_and_the_workflow_its_own_profile(caller, is_relative):
    root = os.path.relpath(ROOT, caller) if is_relative else str(ROOT)
    started = ("-s", f"{root}/Snakefile", "--directory", "work", "-n")
    demo = said_by(caller, *started, "--profile", f"{root}/profiles/demo")
    config = yaml.safe_load((ROOT / "configs" / "demo" / "core.yaml").read_text())["experiments"]["demo"]
    assert trainings(demo) == len(config["variants"]) * len(config["seeds"])
    own = said_by(caller, *started, "--configfile", "tiny.yaml", "--profile", f"{root}/profiles/workstation")
    assert trainings(own) == 2
    assert NOT_READ not in demo + own
    assert sorted(os.listdir(caller)) == ["tiny.yaml", "work"]
    assert os.listdir(caller / "work") == [".snakemake"]


def test_without_a_config_it_is_that_of_the_folder_or_else_the_workflows(caller):
    started = ("-s", str(ROOT / "Snakefile"), "--directory", "work", "-n")
    assert trainings(said_by(caller, *started)) > 100
    shutil.copy(caller / "tiny.yaml", caller / "work" / "config.yaml")
    assert trainings(said_by(caller, *started)) == 2


def test_what_is_finished_stays_so_however_the_workflow_is_named(fresh, caller, tmp_path):
    root = os.path.relpath(fresh.folder, caller)
    configured = ("--directory", "work", "--configfile", "tiny.yaml")
    said_by(caller, "-s", f"{root}/Snakefile", *configured, "--cores", "1", PREPARED)
    assert (caller / "work" / PREPARED).exists()
    # A copy whose files are newer than the results.
    shutil.copytree(fresh.folder, tmp_path / "copy", copy_function=shutil.copy)
    work = caller / "work"
    for folder, arguments in (
        (caller, ("-s", str(fresh.folder / "Snakefile"), *configured)),
        (caller, ("-s", str(tmp_path / "copy" / "Snakefile"), *configured)),
        (work, ("-s", f"../{root}/Snakefile", "--configfile", "../tiny.yaml")),
        (fresh.folder, ("--directory", str(work), "--configfile", str(caller / "tiny.yaml"))),
    ):
        assert "Nothing to be done" in said_by(folder, *arguments, "-n", PREPARED)


def test_another_workflow_profile_is_said_with_the_way_to_have_both(caller):
    (caller / "profiles" / "default").mkdir(parents=True)
    (caller / "profiles" / "default" / "config.yaml").write_text("keep-going: true\n")
    started = ("-s", str(ROOT / "Snakefile"), "--directory", "work", "--configfile", "tiny.yaml", "-n", PREPARED)
    for other in ((), ("--workflow-profile", "none")):
        said = said_by(caller, *started, *other)
        assert f"{NOT_READ}, without which copied or touched files make finished results due" in said
        assert f"give --workflow-profile {ROOT}/profiles/default, and a profile of yours with --profile." in said
    both = ("--workflow-profile", f"{ROOT}/profiles/default", "--profile", "profiles/default")
    assert NOT_READ not in said_by(caller, *started, *both)


def test_a_plan_takes_the_same_options_and_is_kept_with_the_results(caller):
    root = os.path.relpath(ROOT, caller)
    options = ["-s", f"{root}/Snakefile", "--directory", "work", "--configfile", "tiny.yaml"]

    def planned(*arguments: str) -> str:
        command = [sys.executable, f"{root}/scripts/plan.py", *options, *arguments]
        outcome = subprocess.run(command, cwd=caller, capture_output=True, text=True, timeout=120)
        return outcome.stdout + outcome.stderr

    (caller / "results").mkdir()
    (caller / "results" / "calibration.json").write_text("{")
    assert "Written to results/plans/tiny-" in planned()
    assert list((caller / "work" / "results" / "plans").glob("tiny-*/plan.json"))
    assert os.listdir(caller / "results") == ["calibration.json"]
    shutil.copy(caller / "results" / "calibration.json", caller / "work" / "results")
    assert "calibration.json is damaged" in planned("--status")


def test_a_report_of_a_study_that_is_not_here_is_one_sentence(caller):
    started = ("-s", str(ROOT / "Snakefile"), "--directory", "work", "--configfile", "tiny.yaml")
    for targets in ((), ("table_main",)):
        said = said_by(caller, *targets, *started, "--report", "results/report.html", status=1)
        assert (
            "The report is refused: nothing that it would show of ../tiny.yaml has been made: run the same command "
            "without --report first, or make demo"
        ) in said
        assert "Missing metadata" not in said
    table = caller / "work" / "results" / "tables" / "tiny" / "texdigits" / "main.csv"
    table.parent.mkdir(parents=True)
    table.touch()
    said = said_by(caller, *started, "--report", "report.html", status=1)
    assert "results of ../tiny.yaml are missing, such as results/" in said
    assert "snakemake --profile profiles/demo --report report.html after the demo." in said
