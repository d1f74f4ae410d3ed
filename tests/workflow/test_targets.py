"""Targets by name, the paper's plan, and what every rule declares."""

import ast
import re
import sys
from collections.abc import Iterable
from importlib.metadata import distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from filterfreq.runtime.provenance import _direct_imports
from filterfreq.study.study import Study

ROOT = Path(__file__).parents[2]
TARGETS = {
    "table_main": {"tabulate_main"},
    "table_paper": {"tabulate_paper"},
    "table_differences": {"tabulate_differences"},
    "table_adversarial": {"tabulate_adversarial"},
    "table_corruptions": {"tabulate_corruptions"},
    "table_shape_bias": {"tabulate_shape_bias"},
    "table_transfer": {"tabulate_transfer"},
    "table_calibration": {"tabulate_calibration"},
    "table_out_of_distribution": {"tabulate_out_of_distribution"},
    "table_costs": {"tabulate_costs"},
    "table_scorecard": {"tabulate_scorecard"},
    "figure_accuracy_epsilon": {"draw_accuracy_epsilon"},
    "figure_corruptions": {"draw_corruptions"},
    "figure_frequency_filtered": {"draw_frequency_filtered"},
    "figure_shape_bias": {"draw_shape_bias"},
    "figure_dct_energy": {"draw_dct_energy"},
    "figure_transfer": {"draw_transfer"},
    "figure_calibration": {"draw_calibration"},
    "figure_scorecard": {"draw_scorecard"},
    "figure_training_curves": {"draw_training_curves"},
    "figure_samples": {"draw_samples"},
    "figure_perturbations": {"draw_perturbations"},
    "figure_corruption_samples": {"draw_corruption_samples"},
}


def published(jobs) -> set[str]:
    return {rule for rule in jobs if rule.startswith(("tabulate_", "draw_"))}


@pytest.mark.parametrize("target", TARGETS)
def test_each_table_and_figure_is_a_target(fresh, target):
    assert published(fresh.plan(target).jobs) == TARGETS[target]


def test_what_shows_no_model_trains_none_and_claims_plan_their_suites_alone(fresh):
    for target in ("figure_samples", "figure_corruption_samples"):
        assert not {"train", "evaluate_corruption"} & set(fresh.plan(target).jobs)
    measured = {rule for rule in fresh.plan("table_scorecard").jobs if rule.startswith("evaluate_")}
    suites = {
        claim["measure"]["suite"]
        for claim in yaml.safe_load((ROOT / "claims" / "filter_frequency.yaml").read_text())["claims"].values()
    }
    assert measured == {f"evaluate_{suite}" for suite in suites - {"filters"}}


def test_swept_penalties_have_tables_and_figures(unstarted):
    """Of strengths and depths the ablation, of kinds the penalties; neither in a study without a sweep."""
    targets = {name: (f"table_{name}", f"figure_{name}") for name in ("ablation", "penalties")}
    rules = {name: {f"tabulate_{name}", f"draw_{name}"} for name in targets}
    for name in targets:
        outcome = unstarted.snakemake("--dry-run", f"table_{name}")
        assert re.search(rf"There is no table_{name} to make.*\(a sweep of penalty\.", outcome.stdout + outcome.stderr)
    before = "seeds: [0]"
    for sweep, name in (("penalty.strength: [0.01, 0.1]", "ablation"), ("penalty.kind: [highest, all]", "penalties")):
        after = f"seeds: [0]\n    sweep: {{{sweep}}}"
        unstarted.edit("tiny.yaml", before, after)
        before = after
        assert published(unstarted.plan(*targets[name]).jobs) == rules[name]


def test_a_target_that_the_config_cannot_make_is_one_sentence(fresh):
    outcome = fresh.snakemake("--dry-run", "figure_shape_bias", config=None)
    assert outcome.returncode == 1
    assert "There is no figure_shape_bias to make" in outcome.stdout + outcome.stderr


def test_the_paper_plans_every_run_once(fresh):
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    study = Study(config, ROOT / "schemas/config.schema.yaml")
    plan = fresh.plan("paper", config=None)
    assert plan.jobs["train"] == len(study.runs)
    for suite in ("clean", "adversarial", "autoattack", "transfer", "corruption"):
        assert plan.jobs[f"evaluate_{suite}"] == len(study.runs)
    datasets = {run.dataset for run in study.runs}
    assert {"cifar10", "cifar100", "svhn", "cinic10", "tinyimagenet", "mnist"} <= datasets
    # CIFAR-10.1 is shown to models of CIFAR-10, and so is CINIC-10.
    shifted = study.shifted_sets("cifar10")
    assert {entry.name for entry in shifted} == {"cifar10.1", "cinic10"}
    assert plan.jobs["prepare"] == plan.jobs["corrupt"] == len(datasets)
    assert plan.jobs["prepare_shifted"] == len(shifted)
    assert plan.jobs["download"] == sum(len(study.dataset(name).sources) for name in datasets) + 2
    on_cifar10 = [run for run in study.runs if run.dataset == "cifar10"]
    assert plan.jobs["evaluate_out_of_distribution"] == len(on_cifar10)
    assert plan.jobs == fresh.plan(config=None).jobs


def rules() -> list[tuple[str, str]]:
    found = []
    for file in sorted((ROOT / "rules").glob("*.smk")):
        found += re.findall(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", file.read_text(), re.MULTILINE | re.DOTALL)
    return found


@pytest.mark.parametrize(("name", "body"), rules(), ids=[name for name, _ in rules()])
def test_every_rule_declares_what_a_cluster_needs(name, body):
    for directive in ("log", "benchmark", "threads", "resources", "conda", "script"):
        assert re.search(rf"^    {directive}:", body, re.MULTILINE), f"{name} lacks {directive}"
    for resource in ("mem_mb=", "runtime="):
        assert resource in body
    if name in ("train", "calibrate") or name.startswith("evaluate_"):
        assert "gpu=" in body
    assert (ROOT / "scripts" / f"{name}.py").is_file()
    assert f'"../scripts/{name}.py"' in body


def test_every_script_has_its_rule_but_for_the_plan_which_asks_for_all_of_them():
    assert {file.stem for file in (ROOT / "scripts").glob("*.py")} - {"plan"} == {name for name, _ in rules()}


def lock() -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", (ROOT / "envs/requirements.lock").read_text(), re.MULTILINE))


def excluded() -> set[str]:
    """The packages that the lock leaves out although others ask for them."""
    return {line for line in (ROOT / "envs/excluded.in").read_text().splitlines() if line and not line.startswith("#")}


def pinned(file: Path) -> dict[str, str]:
    """What pip installs into a conda environment together with all that it asks for, name and version."""
    *_, pip = yaml.safe_load(file.read_text())["dependencies"]
    return dict(requirement.split("==") for requirement in pip["pip"])


def pinned_alone(file: Path) -> dict[str, str]:
    """What pip installs into it afterwards without what it asks for."""
    script = file.with_suffix(".post-deploy.sh")
    text = script.read_text() if script.exists() else ""
    return dict(re.findall(r"^python -m pip install --no-deps (\S+)==(\S+)$", text, re.MULTILINE))


def asked_for(names: Iterable[str]) -> set[str]:
    """These packages and all that they ask for, directly or through others."""
    wishes = {canonicalize_name(package.name): package.requires or () for package in distributions()}
    found, waiting = set(), {canonicalize_name(name) for name in names}
    while waiting:
        name = waiting.pop()
        found.add(name)
        wanted = map(Requirement, wishes.get(name, ()))
        waiting |= {canonicalize_name(other.name) for other in wanted if not other.marker or other.marker.evaluate()}
        waiting -= found
    return found


ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))


@pytest.mark.parametrize("file", ENVIRONMENTS, ids=lambda file: file.stem)
def test_conda_files_pin_what_the_lock_pins(file):
    *conda, _ = yaml.safe_load(file.read_text())["dependencies"]
    assert [name.split("=")[0] for name in conda] == ["python", "pip"]
    assert len(pinned(file)) > 3
    for name, version in (pinned(file) | pinned_alone(file)).items():
        assert lock()[name] == version, name


@pytest.mark.parametrize("file", ENVIRONMENTS, ids=lambda file: file.stem)
def test_conda_files_get_nothing_that_the_lock_leaves_out(file):
    assert not asked_for(pinned(file)) & excluded()
    # All else that such a package asks for and the jobs need is there without it.
    assert all(asked_for([name]) & excluded() for name in pinned_alone(file))


def test_what_the_lock_leaves_out_is_asked_for_and_not_there():
    assert excluded() <= asked_for(lock())
    assert not excluded() & (lock().keys() | {canonicalize_name(package.name) for package in distributions()})


def test_the_lock_is_hashed_and_resolves_what_is_wanted():
    text = (ROOT / "envs/requirements.lock").read_text()
    entries = re.split(r"^(?=[a-z0-9-]+==)", text, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    for line in (ROOT / "envs/requirements.in").read_text().splitlines():
        if line and not line.startswith("#"):
            name, version = line.split("==")
            assert lock()[name] == version


@pytest.mark.parametrize("file", ENVIRONMENTS, ids=lambda file: file.stem)
def test_conda_files_hold_what_their_scripts_import(file):
    """Every third-party module that a rule's script imports, through the package too, is pinned in the rule's file."""
    modules = {"PIL": "pillow", "imagecorruptions": "imagecorruptions-imaug", "yaml": "pyyaml"}
    text = file.read_text()
    for name, body in rules():
        if f"envs/{file.name}" not in body:
            continue
        waiting, seen = [ROOT / "scripts" / f"{name}.py"], set()
        while waiting:
            current = waiting.pop()
            seen.add(current)
            waiting += [module for module in _direct_imports(current) if module not in seen]
            for node in ast.parse(current.read_text()).body:
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module] if isinstance(node, ast.ImportFrom) else []
                for top in {imported.split(".")[0] for imported in names}:
                    if top not in sys.stdlib_module_names and top != "filterfreq":
                        assert f"- {modules.get(top, top)}==" in text, f"{name} imports {top} ({current.name})"
