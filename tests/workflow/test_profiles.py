"""The profiles fit the rules."""

import re

import pytest
import yaml
from workflow.conftest import ROOT


@pytest.mark.parametrize("profile", ["workstation", "slurm"])
def test_a_profile_plans_the_study(fresh, profile):
    plan = fresh.plan("--profile", f"profiles/{profile}")
    assert plan.jobs["train"] == 2


def test_slurm_sends_exactly_the_rules_with_a_gpu_to_its_partition():
    profile = yaml.safe_load((ROOT / "profiles" / "slurm" / "config.yaml").read_text())
    rules = "".join(file.read_text() for file in (ROOT / "rules").glob("*.smk"))
    with_gpu = {
        re.match(r"\w+", rule)[0] for rule in re.split(r"^rule ", rules, flags=re.MULTILINE)[1:] if "gpu=" in rule
    }
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
