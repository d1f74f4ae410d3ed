"""The environment that make fills."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_an_environment_that_is_a_link_is_not_emptied(tmp_path):
    project, shared = tmp_path / "project", tmp_path / "shared"
    (project / "envs").mkdir(parents=True)
    shared.mkdir()
    (shared / "kept").touch()
    shutil.copy2(ROOT / "Makefile", project)
    shutil.copy2(ROOT / "envs" / "requirements.lock", project / "envs")
    (project / ".venv").symlink_to(shared)
    run = subprocess.run(["make", ".venv/ready"], cwd=project, capture_output=True, text=True, check=False)
    assert run.returncode != 0
    assert run.stderr.startswith("error: .venv is a link")
    assert [path.name for path in shared.iterdir()] == ["kept"]
