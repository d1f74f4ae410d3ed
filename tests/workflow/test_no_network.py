"""Compute nodes need no network: the whole tiny study is made without one."""

import subprocess
import sys

import pytest

CONNECT = "import socket; socket.create_connection(('127.0.0.1', 9), timeout=5)"


def test_the_study_is_made_without_a_network(no_network, request):
    if not no_network:
        pytest.skip("needs a network namespace, which this system does not give (unshare --map-root-user --net)")
    outcome = subprocess.run([*no_network, sys.executable, "-c", CONNECT], capture_output=True, text=True)
    assert "Network is unreachable" in outcome.stderr
    finished = request.getfixturevalue("finished")
    assert (finished.folder / "results/tables/tiny/texdigits/main.csv").is_file()
