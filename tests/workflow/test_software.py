"""The other ways to the software: a container of the environments in envs/. Conda itself is not asked to solve them."""

import os

from workflow.conftest import ROOT

# As much of conda as Snakemake asks before it writes what is to be built.
CONDA = """#!/bin/sh
prefix='"root_prefix": "/conda", "conda_prefix": "/conda"'
case "$1" in
info) echo "{\\"conda_version\\": \\"25.3.1\\", $prefix, \\"platform\\": \\"linux-64\\", \\"env_vars\\": {}}" ;;
config) echo '{"get": {"channel_priority": "strict"}}' ;;
--version) echo conda 25.3.1 ;;
esac
"""


def test_a_container_has_every_environment(unstarted, tmp_path, monkeypatch):
    (tmp_path / "conda").write_text(CONDA)
    (tmp_path / "conda").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    outcome = unstarted.snakemake("--containerize")
    assert outcome.returncode == 0, outcome.stderr
    environments = sorted(file.name for file in (ROOT / "envs").glob("*.yaml"))
    copied = [line.split()[1] for line in outcome.stdout.splitlines() if line.startswith("COPY envs/")]
    assert sorted(copied) == [f"envs/{name}" for name in environments]
    assert outcome.stdout.count("conda env create") == len(environments)
