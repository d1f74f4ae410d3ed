"""The suites' entries name what there is."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from filterfreq.evaluation.registry import ON_DEVICE, PARAMETERS, SUITES, TYPES, load, suite_of_rule

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_is_a_module_of_its_name_whose_run_takes_a_job(name):
    suite = SUITES[name]
    assert suite.module == f"filterfreq.evaluation.suites.{name}"
    assert [*inspect.signature(load(suite.run)).parameters] == ["job"]
    assert suite.stage in (*ON_DEVICE, "inspect")


def test_every_module_of_a_suite_has_an_entry():
    modules = (SCRIPTS / "filterfreq/evaluation/suites").glob("*.py")
    assert {path.stem for path in modules} - {"__init__"} == set(SUITES)


@pytest.mark.parametrize("name", SUITES)
@pytest.mark.parametrize(
    ("field", "parameters"),
    [
        ("run_snapshots", ["jobs", "progress"]),
        ("why_not", ["study", "dataset"]),
        ("why_not_run", ["study", "run"]),
        ("check", ["study", "datasets", "where"]),
        ("remarks", ["study"]),
    ],
)
def test_references_name_functions_of_what_the_entry_says(name, field, parameters):
    if reference := getattr(SUITES[name], field):
        assert [*inspect.signature(load(reference)).parameters] == parameters


def test_a_parameter_has_one_type_in_all_suites_and_is_a_key_of_its_suite():
    for suite in SUITES.values():
        keys = {key for metric in suite.metrics.values() for key in metric.keys}
        assert suite.types.keys() <= keys
        assert suite.types.items() <= TYPES.items()


def test_rules_of_suites_are_told_from_others():
    assert [suite_of_rule(rule) for rule in ("evaluate_clean", "evaluate_filters", "train", "clean", "evaluate_")] == [
        "clean",
        "filters",
        None,
        None,
        None,
    ]


def test_planning_reads_the_registry_without_torch():
    code = "import sys, filterfreq.evaluation.registry; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=SCRIPTS, check=True, capture_output=True, text=True
    ).stdout.split()
    assert not {"torch", "numpy", "pandas"} & set(loaded)


def test_the_schema_of_results_names_all_suites_and_metrics():
    properties = yaml.safe_load((SCRIPTS.parent / "schemas" / "results.schema.yaml").read_text())["properties"]
    assert set(properties["suite"]["enum"]) == set(SUITES)
    metrics = {name for suite in SUITES.values() for name in suite.metrics}
    assert set(properties["metric"]["enum"]) == metrics
    assert all(re.fullmatch(properties["parameter"]["pattern"], f"{key}=1;u=-2") for key in PARAMETERS)
