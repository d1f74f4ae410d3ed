"""The profiles fit the rules."""

import pytest
import yaml
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
    assert partitions == dict.fromkeys(with_gpu, "?repr(gpu_partition)")
    # A group is one job, so its rules must want the same partition.
    groups = dict(entry.split("=") for entry in profile["groups"])
    for name in set(groups.values()):
        assert len({rule in with_gpu for rule, group in groups.items() if group == name}) == 1
    # Over training, a suite's jobs are those of the suite.
    for name in SUITES:
        pair = f"evaluate_{name}", f"over_training_{name}"
        assert groups.get(pair[0]) == groups.get(pair[1])
        assert profile["set-resources"][pair[0]] == profile["set-resources"][pair[1]]
