"""The plan before a run, its calibration, and its table after it."""

import json
import re
import subprocess
import sys
from collections import Counter

import pandas as pd

RUN = "results/runs/texdigits/resnet_8_2"
PLAN = "results/plans/tiny/plan.json"


def planned(project, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "scripts/plan.py", "--configfile", "tiny.yaml", *arguments]
    return subprocess.run(command, cwd=project.folder, capture_output=True, text=True, timeout=120)


def content(project) -> dict:
    return json.loads((project.folder / PLAN).read_text())


def test_the_plan_has_snakemakes_jobs_and_the_profiles_submissions(unstarted):
    jobs = unstarted.plan().rules
    outcome = planned(unstarted, "--profile", "profiles/slurm", "--gpus", "8")
    assert outcome.returncode == 0, outcome.stderr
    plan = content(unstarted)
    assert {entry["rule"]: entry["jobs"] for entry in plan["rules"]} == dict(jobs)
    assert Counter(entry["rule"] for entry in plan["planned"]) == jobs
    # Two runs under five suites of a minute or less, one submission, under corruptions another one, and their filters a
    # third; beside these each its own: data 1, shifted sets 2, corruptions 1, trainings 2, two runs under three suites.
    total = plan["total"]
    assert (total["submitted"], total["submissions"]) == (12 + 10 + 2 + 2, 12 + 1 + 1 + 1)
    assert total["sources"] == {"unknown": sum(jobs.values())}
    assert list(plan["wall_hours"]) == ["None"]
    assert "snakemake calibrate" in outcome.stdout
    assert "Snakemake is not at work" in planned(unstarted, "--status").stdout
    refused = planned(unstarted, "--config", "experimints=1")
    assert refused.returncode == 1
    assert "The config is refused. config: unknown key 'experimints'" in refused.stderr
    assert content(unstarted) == plan


def test_the_calibration_takes_one_gpu_where_trainings_take_several(unstarted):
    unstarted.edit("tiny.yaml", "train: {threads: 1,", "train: {threads: 1, gpu: 4,")
    outcome = unstarted.snakemake("calibrate", "--dry-run", "--quiet", "host")
    assert re.findall(r"\bgpu=\d+", outcome.stdout + outcome.stderr) == ["gpu=1"]


def test_a_plan_is_measured_compared_and_makes_nothing_else_again(project):
    """Of a second seed's jobs each takes what the first one's did, by the benchmark file that says so."""
    outcome = planned(project)
    assert (outcome.returncode, outcome.stdout.strip()) == (0, "Nothing is due.")
    assert not (project.folder / "results/plans").exists()
    refused = project.snakemake("--dry-run", "table_plan")
    assert "There is no table_plan to make: no plan was made" in refused.stdout + refused.stderr

    for variant in ("plain", "dct-penalty"):
        (project.folder / f"results/benchmarks/train/texdigits/resnet_8_2/{variant}/seed-0.tsv").write_text(
            "s\tmax_rss\n7200.0\t1\n"
        )
    project.edit("tiny.yaml", "seeds: [0]", "seeds: [0, 1]")
    assert planned(project, "--cores", "1").returncode == 0
    plan = content(project)
    rules = {entry["rule"]: entry for entry in plan["rules"]}
    assert (rules["train"]["jobs"], rules["train"]["core_hours"]) == (2, 4.0)
    assert rules["train"]["bytes"] > 2 * 6000
    # What shows results is due itself, so none of it is finished; the rest has its like.
    assert rules["train"]["sources"] == rules["evaluate_clean"]["sources"] == {"measured": 2}
    assert rules["write_table"]["sources"] == {"unknown": 14}
    assert plan["wall_hours"]["None"] >= 4

    project.edit("tiny.yaml", "seeds: [0, 1]", "seeds: [0]")
    assert dict(project.plan().jobs) == {"tabulate_plan": 1}
    outcome = project.snakemake("table_plan")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    table = pd.read_csv(project.folder / "results/plans/tiny/plan.csv").set_index("rule")
    assert table.loc["train", ["planned_jobs", "finished_jobs"]].tolist() == [2, 0]
    assert project.plan().jobs == {}

    # Another study's plan is in no report but its own, and leaves this one as it is.
    (project.folder / "configs").mkdir()
    other = (project.folder / "tiny.yaml").read_text().replace("  tiny:\n", "  other:\n")
    (project.folder / "configs" / "tiny.yaml").write_text(other.replace("seeds: [0]", "seeds: [2]"))
    command = [sys.executable, "scripts/plan.py", "--configfile", "configs/tiny.yaml"]
    subprocess.run(command, cwd=project.folder, check=True, capture_output=True, timeout=120)
    (of_other,) = project.folder.glob("results/plans/tiny-*/plan.json")
    assert len(json.loads(of_other.read_text())["planned"]) > 20
    assert content(project)["planned"] == plan["planned"]
    assert project.plan().jobs == {}
    assert project.plan("table_plan", "--forcerun", "tabulate_plan").jobs == {"tabulate_plan": 1}


def test_a_calibration_measures_once_what_the_study_does(project):
    outcome = project.snakemake("calibrate")
    assert outcome.returncode == 0, outcome.stderr
    file = project.folder / "results/calibration.json"
    calibration = json.loads(file.read_text())
    device = calibration["devices"][calibration["latest"]]
    kinds = Counter(json.loads(key)["kind"] for key in device["units"])
    # Both variants are trained; they are evaluated, and images corrupted, in one way.
    assert kinds == {"train": 2, "evaluate": 1, "corrupt": 1}
    measured = [item for values in device["units"].values() for item in values.items()]
    # The gradient's share is a difference of two times, which other load on the machine can hide.
    assert all(value > 0 or (name == "backward" and value == 0) for name, value in measured)
    assert device["seconds_to_start"] > 0.2

    for run in ("plain", "dct-penalty"):
        (project.folder / RUN / run / "seed-0/evaluations/clean.csv").unlink()
    # The other run's file is gone too, so nothing is measured; one that is left would be.
    assert planned(project).returncode == 0
    clean = next(entry for entry in content(project)["rules"] if entry["rule"] == "evaluate_clean")
    assert clean["sources"] == {"calibrated": 2}
    forward = next(values["forward"] for key, values in device["units"].items() if "evaluate" in key)
    assert clean["core_hours"] * 3600 / 2 - 1000 * forward - device["seconds_to_start"] < 1e-6
    again = project.snakemake("calibrate", "--forcerun", "calibrate")
    assert again.returncode == 0, again.stderr
    assert json.loads(file.read_text())["devices"][calibration["latest"]]["units"] == device["units"]
