import shutil
from pathlib import Path

import pytest

from filterfreq.evaluation.registry import SUITES
from filterfreq.runtime import provenance

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def scripts(tmp_path, monkeypatch) -> Path:
    """A copy of the scripts that a test may change."""
    copy = tmp_path / "scripts"
    shutil.copytree(SCRIPTS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "PACKAGE", copy / "filterfreq")
    return copy


def versions(scripts: Path) -> dict[str, str]:
    provenance._direct_imports.cache_clear()
    return {file.stem: provenance.code_version(file) for file in scripts.glob("*.py")}


def changed_by(scripts: Path, module: str) -> set[str]:
    before = versions(scripts)
    with open(scripts / "filterfreq" / module, "a") as file:
        file.write("\n# changed\n")
    after = versions(scripts)
    return {name for name in before if before[name] != after[name]}


def test_training_code_changes_training_alone(scripts):
    # The calibration times it; its rule has no parameter `code`, for a measured time stays one.
    assert changed_by(scripts, "training/loop.py") == {"train", "calibrate"}


def test_plotting_code_changes_figures_alone(scripts):
    tables = [f"filterfreq.publishing.tables.{file.stem}" for file in scripts.glob("filterfreq/publishing/tables/*.py")]
    before = provenance.code_version(scripts / "write_table.py", *tables)
    assert changed_by(scripts, "publishing/style.py") == {"draw_figure"}
    assert provenance.code_version(scripts / "write_table.py", *tables) == before


def test_indirect_imports_count(scripts):
    changed = changed_by(scripts, "models/surgery/decomposition.py")
    assert {"train", "run_suite", "perturb"} <= changed
    assert not {"draw_figure", "write_table"} & changed


# Each module of the evaluation, and the suites that it makes due.
CALIBRATED = {"clean", "adversarial", "autoattack", "transfer", "corruption", "out_of_distribution"}
REACHED_BY = {
    "evaluation/registry.py": set(),
    "evaluation/passes.py": set(),
    "evaluation/perturbations.py": set(),
    "evaluation/observers.py": {"cue_conflict"},
    "evaluation/shape_bias.py": {"cue_conflict"},
    "evaluation/categories.py": {"cue_conflict", "out_of_distribution"},
    "data/shifted/imagenet_categories.py": {"cue_conflict", "out_of_distribution"},
    "evaluation/calibration.py": CALIBRATED,
    "evaluation/accuracy.py": CALIBRATED,
    "evaluation/robustness.py": {"adversarial", "transfer"},
    "evaluation/corruptions/errors.py": set(),
    "evaluation/corruptions/generation.py": set(),
    "evaluation/corruptions/severities.py": set(),
    "evaluation/corruptions/functions/noise.py": set(),
    "evaluation/corruptions/stored.py": {"corruption"},
    "frequencies/masks.py": {"frequency_filtered"},
    "training/attacks.py": {"adversarial", "transfer"},
    "evaluation/prediction.py": set(SUITES) - {"filters"},
    "evaluation/results.py": set(SUITES),
    **{f"evaluation/suites/{suite}.py": {suite} for suite in SUITES},
}


def test_a_module_of_the_evaluation_changes_the_suites_that_use_it_alone(scripts):
    def suite_versions() -> dict[str, str]:
        script = scripts / "run_suite.py"
        return {name: provenance.code_version(script, suite.module) for name, suite in SUITES.items()}

    provenance._direct_imports.cache_clear()
    before = suite_versions()
    changed = {}
    for module in REACHED_BY:
        with open(scripts / "filterfreq" / module, "a") as file:
            file.write("\n# changed\n")
        after = suite_versions()
        changed[module] = {name for name in SUITES if before[name] != after[name]}
        before = after
    assert changed == REACHED_BY


def test_a_registry_changes_nothing_but_what_it_names_does(scripts):
    assert changed_by(scripts, "models/registry.py") == set()
    chosen = "filterfreq.models.resnet"
    before = provenance.code_version(scripts / "train.py", chosen)
    assert before != provenance.code_version(scripts / "train.py")
    with open(scripts / "filterfreq" / "models" / "resnet.py", "a") as file:
        file.write("\n# changed\n")
    assert provenance.code_version(scripts / "train.py", chosen) != before


def test_environment_names_versions():
    found = provenance.environment()
    lock = (SCRIPTS.parent / "envs" / "requirements.lock").read_text()
    for name, version in found["packages"].items():
        assert f"{name}=={version.partition('+')[0]}" in lock
