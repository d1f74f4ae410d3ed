"""The other ways to the software: a container of the environments in envs/. Conda itself is not asked to solve them."""

import os
import re
import shutil
import subprocess

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


def test_a_container_gets_what_is_installed_after_conda(tmp_path):
    """The lines that are added to Snakemake's run each such script in the environment of its file."""
    scripts = {file.name for file in (ROOT / "envs").glob("*.post-deploy.sh")}
    text = (ROOT / "envs" / "container.dockerfile").read_text()
    assert {line.split()[1] for line in text.splitlines() if line.startswith("COPY")} == {
        f"envs/{name}" for name in scripts
    }
    for file in (ROOT / "envs").glob("*.yaml"):
        (tmp_path / "conda-envs" / file.stem).mkdir(parents=True)
        shutil.copy(file, tmp_path / "conda-envs" / file.stem / "environment.yaml")
    (tmp_path / "conda").write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / "conda").chmod(0o755)
    ran = set()
    for command in re.findall(r"^RUN ((?:.*\\\n)*.*)$", text, re.MULTILINE):
        command = f"PATH={tmp_path}:$PATH; {command}".replace("/conda-envs", f"{tmp_path}/conda-envs")
        ran.add(subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout)
    folder = tmp_path / "conda-envs"
    names = {name: name.removesuffix(".post-deploy.sh") for name in scripts}
    assert ran == {f"run --prefix {folder}/{stem} sh {folder}/{name}\n" for name, stem in names.items()}
