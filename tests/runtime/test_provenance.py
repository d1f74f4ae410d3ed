import shutil
from pathlib import Path

import pytest

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
    assert {"train", "evaluate_clean", "analyse_filters"} <= changed
    assert not {"draw_figure", "write_table"} & changed


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
