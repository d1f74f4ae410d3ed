import errno
import hashlib
import json
import os
import resource
import subprocess
import sys
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest

from filterfreq.runtime.errors import InputError, StoppedError
from filterfreq.runtime.files import (
    checksum_file,
    may_be_whole,
    read_json,
    reading,
    replacing,
    replacing_with_checksum,
    sha256,
    verify_checksum,
    verify_zip,
    write_json,
)

SCRIPTS = Path(__file__).parents[2] / "scripts"


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

    code = "import sys; from filterfreq.runtime.files import replacing\nwith replacing(sys.argv[1]) as temporary:\n    "
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


def test_missing_json_is_named(tmp_path):
    with pytest.raises(InputError, match=r"run\.json is missing"):
        read_json(tmp_path / "run.json")


FAULTS = {
    "recursion": (RecursionError("maximum recursion depth exceeded"), "is damaged or not what it should be (Recursion"),
    "memory": (MemoryError(), "takes more memory than there is"),
    "missing": (FileNotFoundError(2, "No such file"), "is missing"),
    "permission": (PermissionError(13, "Permission denied"), "may not be read by you"),
    "loop of links": (OSError(40, "Too many levels of symbolic links"), "Too many levels of symbolic links"),
    "key": (KeyError("shape"), "(KeyError: 'shape')"),
    "forged line": (ValueError("bad\nINFO finished"), "(ValueError: bad\\nINFO finished)"),
    "long": (ValueError("x" * 10_000), " [...] "),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_any_fault_of_reading_is_a_sentence(fault):
    error, sentence = FAULTS[fault]
    with pytest.raises(InputError) as caught, reading("a.npy", "make it again"):
        raise error
    said = str(caught.value)
    assert said.startswith("a.npy ")
    assert sentence in said
    assert len(said.splitlines()) == 1
    assert len(said) < 400


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "takes more memory than there is: give it more, unless the file is damaged"),
        (OSError(errno.EIO, "Input/output error"), r"cannot be read \(Input/output error\): look what it is and where"),
        (OSError(errno.ESTALE, "Stale file handle"), r"cannot be read \(Stale file handle\): look what it is"),
        (IsADirectoryError(errno.EISDIR, "Is a directory"), r"cannot be read \(Is a directory\): look what it is"),
        (PermissionError(errno.EACCES, "Permission denied"), "may not be read by you"),
        (FileNotFoundError(errno.ENOENT, "no file"), "is missing: run again$"),
        (NotADirectoryError(errno.ENOTDIR, "no folder"), "is missing: run again$"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_says_nothing_of_the_content_does_not_ask_to_delete_it(error, said):
    with pytest.raises(InputError, match=said) as caught, reading("a.json", "delete it and run again"):
        raise error
    assert "delete" not in str(caught.value)
    assert may_be_whole(caught.value) == (not isinstance(error, FileNotFoundError | NotADirectoryError))


def test_a_folder_in_place_of_a_file(tmp_path):
    with pytest.raises(InputError, match=r"cannot be read \(Is a directory\): look what it is and where it lies$"):
        read_json(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file/run\.json is missing: run again$"):
        read_json(tmp_path / "file" / "run.json")


@pytest.mark.parametrize("error", [InputError("said already"), StoppedError("to go on"), KeyboardInterrupt()])
def test_what_is_no_fault_of_the_file_passes(error):
    with pytest.raises(type(error)) as caught, reading("a.npy", "make it again"):
        raise error
    assert caught.value is error


@pytest.mark.parametrize(
    "text", ["{", "", "[1]", "5", '{"a": ' * 3000, '{"a": ' + "9" * 5000 + "}", b"\xff\xfe{}", "\ufeff{}"], ids=range(8)
)
def test_what_is_no_json_object_is_a_sentence(tmp_path, text):
    path = tmp_path / "run.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=f"^{path} is damaged.*: delete it and run again$"):
        read_json(path)


CONTENT = {"mean": [0.1, -0.0, 1e-300], "name": "λ\u2028\ud800", 7: {"nested": [None, True, []]}, "n": 2**70}


@pytest.mark.parametrize("indent", [None, 2])
def test_json_comes_back_with_the_checksum_of_its_content(tmp_path, indent):
    path = tmp_path / "a.json"
    write_json(path, CONTENT, indent)
    assert read_json(path) == {**{key: value for key, value in CONTENT.items() if key != 7}, "7": CONTENT[7]}
    written = json.loads(path.read_text())
    recorded = written.popitem()
    assert recorded == ("content_sha256", hashlib.sha256(json.dumps(written).encode()).hexdigest())
    # What an editor or another writer of JSON does to it, without a change of what it says.
    path.write_text(json.dumps(json.loads(path.read_text()), indent=7).replace("\n", "\r\n"))
    read_json(path)
    # What was written before there were checksums.
    path.write_text(json.dumps(written))
    assert read_json(path) == written


@pytest.mark.parametrize(
    ("old", "new"), [("0.1", "0.2"), ("true", "false"), ("[]", "[0]"), ("name", "game"), ("7", "8")]
)
def test_json_that_was_changed_is_named(tmp_path, old, new):
    path = tmp_path / "a.json"
    write_json(path, CONTENT)
    text = path.read_text()
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(
        InputError, match=r"a\.json was changed since it was written, .*: make it again \(or delete the ent"
    ):
        read_json(path, "make it again")


@pytest.mark.parametrize("value", ["", "0" * 64, 0, None, []])
def test_another_checksum_is_a_change(tmp_path, value):
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})
    path.write_text(json.dumps({**json.loads(path.read_text()), "content_sha256": value}))
    with pytest.raises(InputError, match="was changed since it was written"):
        read_json(path)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_json_has_no_number_that_is_none(tmp_path, number):
    path = tmp_path / "a.json"
    path.write_text(f'{{"a": {number}}}')
    with pytest.raises(
        InputError, match=rf"a\.json is damaged .*{number} is no finite number\): delete it and run again"
    ):
        read_json(path)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"a": float(number)})


def test_a_checksum_beside_a_file(tmp_path):
    path = tmp_path / "a.csv"
    with replacing_with_checksum(path) as temporary:
        temporary.write_text("1\n")
    verify_checksum(path)
    assert checksum_file(path).read_text() == f"{hashlib.sha256(b'1' + bytes([10])).hexdigest()}  a.csv\n"
    path.write_text("2\n")
    with pytest.raises(
        InputError, match=r"a\.csv was changed since it was written.*\(or delete a\.csv\.sha256, to have"
    ):
        verify_checksum(path)
    checksum_file(path).unlink()
    verify_checksum(path)


@pytest.mark.parametrize("content", [b"", b"\xff", b"abc  a.csv", None])
def test_a_damaged_checksum_beside_a_file(tmp_path, content):
    path = tmp_path / "a.csv"
    path.write_text("1\n")
    if content is None:
        checksum_file(path).symlink_to(checksum_file(path))
    else:
        checksum_file(path).write_bytes(content)
    with pytest.raises(InputError, match=r"a\.csv.*: delete it and .*run again") as caught:
        verify_checksum(path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_failed_write_leaves_file_and_checksum(tmp_path):
    path = tmp_path / "a.csv"
    with replacing_with_checksum(path) as temporary:
        temporary.write_text("1\n")
    with suppress(KeyError), replacing_with_checksum(path) as temporary:
        temporary.write_text("2\n")
        raise KeyError
    verify_checksum(path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.csv", "a.csv.sha256"]


def test_a_flipped_bit_in_a_zip(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("first", b"some bytes")
        archive.writestr("second", b"of a tensor")
    verify_zip(path)
    path.write_bytes(path.read_bytes().replace(b"of a tensor", b"of a tenson"))
    with pytest.raises(ValueError, match="second in it does not have its checksum"):
        verify_zip(path)


def test_a_zip_that_would_become_large(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("first", bytes(10**7))
    with pytest.raises(ValueError, match="its members are compressed"):
        verify_zip(tmp_path / "a.zip")


@pytest.mark.parametrize(("error", "whole"), [(PermissionError(), True), (MemoryError(), True), (ValueError(), False)])
def test_what_cannot_be_read_may_be_whole(error, whole):
    with pytest.raises(InputError) as caught, reading("a", "make it again"):
        raise error
    assert may_be_whole(caught.value) is whole
