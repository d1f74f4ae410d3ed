"""The whole tiny study is made without a network, and tells no secret."""

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
