"""The profiles fit the rules."""

import os
import re
import sys

import pytest
import yaml
import yte
from workflow.conftest import ROOT

from filterfreq.evaluation.registry import SUITES


@pytest.mark.parametrize("profile", ["workstation", "slurm"])
def test_a_profile_plans_the_study(fresh, profile):
    plan = fresh.plan("--profile", f"profiles/{profile}")
    assert plan.jobs["train"] == 2


def test_slurm_sends_exactly_the_rules_with_a_gpu_to_its_partition(rules):
    profile = yaml.safe_load((ROOT / "profiles" / "slurm" / "config.yaml").read_text())
    # The loop over suites gives each of them the resource, and those that compute on no device 0 of it.
    inspecting = {
        f"{kind}_{name}"
        for name, suite in SUITES.items()
        for kind in ("evaluate", "over_training")
        if suite.stage == "inspect"
    }
    with_gpu = {rule["name"] for rule in rules if "gpu" in rule["resources"]} - inspecting
    partitions = {
        rule: resources["slurm_partition"]
        for rule, resources in profile["set-resources"].items()
        if "slurm_partition" in resources
    }
    assert set(partitions.values()) == {"?repr(gpu_partition)"}
    # Of suites that the tiny study does not have there is no rule over training.
    others = {f"over_training_{name}" for name in SUITES} - {rule["name"] for rule in rules}
    assert partitions.keys() - others == with_gpu
    # A group is one job, so its rules must want the same partition.
    groups = dict(entry.split("=") for entry in profile["groups"])
    for name in set(groups.values()):
        assert len({rule in partitions for rule, group in groups.items() if group == name}) == 1
    # Over training, a suite's jobs are those of the suite.
    for name in SUITES:
        pair = f"evaluate_{name}", f"over_training_{name}"
        assert groups.get(pair[0]) == groups.get(pair[1])
        assert profile["set-resources"][pair[0]] == profile["set-resources"][pair[1]]


def test_a_dry_run_is_a_table_with_reasons_and_every_job_where_that_is_asked_for(fresh):
    short, long = (fresh.snakemake("-np", *more).stdout for more in ((), ("--quiet", "host")))
    table = re.search(r"^Job stats:\n.*?^total +\d+$", short, re.MULTILINE | re.DOTALL)[0]
    assert "train " in table
    assert "output files have to be generated:" in short
    assert len(short.splitlines()) < 100 < len(long.splitlines())
    assert "    output: " not in short
    assert table in long


@pytest.mark.parametrize(
    ("words", "is_short"),
    [
        (["-n"], True),
        (["table_main", "-pn", "--cores", "2"], True),
        (["--dry-run"], True),
        (["--dryrun"], True),
        ([], False),
        (["--cores", "2", "--no-hooks", "-k", "train"], False),
    ],
)
def test_a_real_run_says_each_job(monkeypatch, words, is_short):
    monkeypatch.setattr("sys.argv", ["snakemake", *words])
    # The profile puts a folder there, before all that later tests import.
    monkeypatch.setattr("sys.path", [*sys.path])
    monkeypatch.setenv("FILTERFREQ_DEFAULT_PROFILE", "")
    monkeypatch.chdir(ROOT)
    profile = yte.process_yaml((ROOT / "profiles" / "default" / "config.yaml").read_text(), require_use_yte=True)
    assert profile.get("quiet") == (["host", "rules"] if is_short else None)
    assert profile["rerun-triggers"] == ["mtime", "params", "input", "software-env"]
    assert os.environ["FILTERFREQ_DEFAULT_PROFILE"] == "read"
