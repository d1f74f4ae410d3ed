import hashlib
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from filterfreq.errors import InputError
from filterfreq.files import read_json, replacing, sha256, write_json

SCRIPTS = Path(__file__).parents[1] / "scripts"


def test_a_file_appears_only_when_the_block_has_ended(tmp_path):
    path = tmp_path / "deep" / "result.csv"
    with replacing(path) as temporary:
        temporary.write_text("content")
        assert temporary.suffix == ".csv"
        assert not path.exists()
    assert path.read_text() == "content"
    assert os.listdir(path.parent) == ["result.csv"]


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "result.csv"
    path.write_text("old")

    def fail():
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        fail()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["result.csv"]


def test_permissions_follow_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_json(tmp_path / "a.json", {})
    finally:
        os.umask(before)
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o640


WRITERS = {
    "bin": "temporary.write_bytes(bytes(2**20))",
    "npy": "import numpy; numpy.save(temporary, numpy.zeros(2**18))",
    "npz": "import numpy; numpy.savez(temporary, a=numpy.zeros(2**18))",
    "pt": "import torch; torch.save({'a': torch.zeros(2**18)}, temporary)",
    "csv": "import pandas; pandas.DataFrame({'a': range(2**17)}).to_csv(temporary)",
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.slow
def test_no_space_left_is_one_sentence_and_no_partial_file(tmp_path, writer):
    """No file may grow beyond 64 KiB, so that writes fail as they do on a full disk."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, 2**16))

    code = "import sys; from filterfreq.files import replacing\nwith replacing(sys.argv[1]) as temporary:\n    "
    code += WRITERS[writer]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", code, str(tmp_path / f"result.{writer}")]
    outcome = subprocess.run(command, env=environment, capture_output=True, text=True, preexec_fn=limit)
    assert outcome.returncode != 0
    assert f"InputError: no space left while writing {tmp_path}/result.{writer}" in outcome.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_other_failures_stay_what_they_are(tmp_path):
    with pytest.raises(RuntimeError, match="something else"), replacing(tmp_path / "result.csv"):
        raise RuntimeError("something else")
    with pytest.raises(PermissionError), replacing(tmp_path / "result.csv"):
        raise PermissionError(13, "not yours")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a tiny file system needs root")
def test_a_really_full_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True, text=True)
    if mount.returncode != 0:
        pytest.skip(f"mounting is not allowed here: {mount.stderr.strip()}")
    try:
        with pytest.raises(InputError, match="no space left while writing"), replacing(disk / "big.bin") as temporary:
            temporary.write_bytes(bytes(2**20))
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)


def test_sha256_against_hashlib(tmp_path):
    content = bytes(range(256)) * 1000
    (tmp_path / "file").write_bytes(content)
    assert sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("content", "reason"), [(b"{", "not JSON"), (b"\xff\xfe", "not JSON"), (b"[1]", "no JSON object")]
)
def test_damaged_json_is_named(tmp_path, content, reason):
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(InputError, match=rf"run\.json is damaged, it (is|holds) {reason}"):
        read_json(tmp_path / "run.json")


def test_missing_json_is_named(tmp_path):
    with pytest.raises(InputError, match=r"run\.json is missing"):
        read_json(tmp_path / "run.json")
