"""The tiny study is made without a network, tells no secret, and does not depend on what a user has set."""

import shutil
import subprocess
import sys

import pytest
from workflow.conftest import SECRET

CONNECT = "import socket; socket.create_connection(('127.0.0.1', 9), timeout=5)"


def test_the_study_is_made_without_a_network(no_network, request):
    if not no_network:
        pytest.skip("needs a network namespace, which this system does not give (unshare --map-root-user --net)")
    outcome = subprocess.run([*no_network, sys.executable, "-c", CONNECT], capture_output=True, text=True)
    assert "Network is unreachable" in outcome.stderr
    finished = request.getfixturevalue("finished")
    assert (finished.folder / "results/tables/tiny/texdigits/main.csv").is_file()


def test_no_file_of_the_study_repeats_a_secret_of_the_environment(finished):
    files = [path for path in finished.folder.rglob("*") if path.is_file()]
    assert len(files) > 100
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]


def test_what_a_user_has_set_changes_no_figure_table_or_number(project):
    run = "results/runs/texdigits/resnet_8_2/plain/seed-0"
    made = [*project.folder.glob("results/figures/**/*.p??"), *project.folder.glob("results/tables/**/main.*")]
    made += [project.folder / run / name for name in ("model.safetensors", "history.csv", "evaluations/clean.csv")]
    before = {file: file.read_bytes() for file in made}
    shutil.rmtree(project.folder / "results" / "figures")
    for file in project.folder.glob("results/tables/**/main.*"):
        file.unlink()
    (project.folder / "matplotlibrc").write_text("text.usetex: True\nfont.size: 30\nsavefig.dpi: 50\n")
    (project.folder / "packages").mkdir()
    (project.folder / "packages" / "seaborn.py").write_text("raise ImportError('this is another seaborn')")
    hostile = {
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MATPLOTLIBRC": "matplotlibrc",
        "SOURCE_DATE_EPOCH": "0",
        "FREETYPE_PROPERTIES": "autofitter:no-stem-darkening=0",
        "OMP_THREAD_LIMIT": "1",
        "ONEDNN_DEFAULT_FPMATH_MODE": "ANY",
        "PANDAS_FUTURE_INFER_STRING": "0",
        "PYTHONPATH": "packages",
        "PYTHONHASHSEED": "1",
        "PYTHONOPTIMIZE": "2",
        "LC_ALL": "C",
        "TZ": "Pacific/Kiritimati",
        "COLUMNS": "20",
        "FORCE_COLOR": "1",
    }
    prefix = ("env", *(f"{name}={value}" for name, value in hostile.items()))
    for arguments in (["figures", "table_main"], [f"{run}/evaluations/clean.csv", "--forcerun", "train"]):
        outcome = project.snakemake(*arguments, prefix=prefix)
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert {file.name for file, content in before.items() if file.read_bytes() != content} == set()
