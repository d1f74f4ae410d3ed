import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from records import edit_json

from filterfreq.data import scratch
from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.scratch import open_dataset

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture(params=["tiny_dataset", "tiny_files"])
def prepared(request, tmp_path) -> PreparedDataset:
    """Arrays, or images in files, of the test's own."""
    folder = request.getfixturevalue(request.param).folder
    return PreparedDataset(shutil.copytree(folder, tmp_path / "data"))


@pytest.fixture
def node(tmp_path, monkeypatch) -> Path:
    """A node's scratch folder, which the config names by a variable."""
    (tmp_path / "node").mkdir()
    monkeypatch.setenv("SCRATCH_OF_NODE", str(tmp_path / "node"))
    return tmp_path / "node"


def opened(prepared, where="$SCRATCH_OF_NODE") -> tuple[PreparedDataset, str]:
    """Open a data set as a job does, and return it with what was said."""
    said = []
    compute = {"scratch": where} if where else {}
    dataset = open_dataset(prepared.folder / "dataset.json", 2, compute, said.append)
    assert all("\n" not in line for line in said)
    return dataset, "|".join(said)


def assert_same(dataset, prepared):
    assert dataset.record == prepared.record
    for split in ("train", "test"):
        np.testing.assert_array_equal(np.asarray(dataset.images(split)), np.asarray(prepared.images(split)))
        np.testing.assert_array_equal(dataset.labels(split), prepared.labels(split))


def hide_images(prepared):
    """Take away what a copy has, so that it is seen where images are read from."""
    for name in ("arrays/train_images.npy", "images"):
        if (prepared.folder / name).exists():
            (prepared.folder / name).rename(prepared.folder / "hidden")


def test_a_copy_is_made_once_and_read(prepared, node, monkeypatch):
    copies = []
    monkeypatch.setattr(scratch, "_copy", lambda *given, copy=scratch._copy: copies.append(copy(*given)))
    dataset, said = opened(prepared)
    assert_same(dataset, prepared)
    assert said == f"the data set is read from {dataset.copy}"
    assert dataset.copy.parent == node / f"filterfreq-{os.getuid()}"
    assert_same(opened(prepared)[0], prepared)
    assert len(copies) == 1
    assert {path.suffix for path in dataset.copy.parent.iterdir()} == {"", ".lock"}


def test_images_are_read_from_the_copy_alone(prepared, node):
    dataset, _ = opened(prepared)
    expected = np.asarray(prepared.images("train"))
    hide_images(prepared)
    np.testing.assert_array_equal(np.asarray(dataset.images("train")), expected)


def test_without_the_setting_nothing_is_copied_or_said(prepared, node):
    dataset, said = opened(prepared, where=None)
    assert (dataset.copy, said) == (None, "")
    assert not list(node.iterdir())


@pytest.mark.parametrize("where", ["$NOT_SET_HERE/x", "/no/such/folder", "/proc", "a_file", "not_ours"])
def test_a_scratch_that_is_not_there_is_said_and_does_without(prepared, node, where):
    (node / "a_file").touch()
    (node / "not_ours").mkdir()
    (node / "not_ours" / f"filterfreq-{os.getuid()}").symlink_to(node)
    before = sorted(node.rglob("*"))
    dataset, said = opened(prepared, where if "/" in where else str(node / where))
    assert said.startswith("no copy on node-local scratch (")
    assert said.endswith(f"): the data set is read from {prepared.folder}")
    assert sorted(node.rglob("*")) == before
    assert_same(dataset, prepared)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_scratch_that_is_read_only_is_said_and_does_without(prepared, node):
    node.chmod(0o500)
    dataset, said = opened(prepared)
    assert "no copy on node-local scratch (Permission denied)" in said
    assert_same(dataset, prepared)


def test_a_scratch_that_is_full_is_said_and_left_as_it_was(prepared, node):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1500, limits[1]))
    try:
        dataset, said = opened(prepared)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "no copy on node-local scratch (File too large)" in said
    assert_same(dataset, prepared)
    assert [path.suffix for path in node.rglob("*") if path.is_file()] == [".lock"]
    assert opened(prepared)[0].copy is not None


def test_too_little_room_is_seen_before_it_is_filled(prepared, node, monkeypatch):
    arrays = {prepared.folder / entry["file"] for entry in prepared.record["arrays"].values()}
    images = {file for file in prepared.folder.rglob("*") if file.suffix in (".png", ".jpg", ".JPEG")}
    free = sum(file.stat().st_size for file in arrays | images) - 1
    monkeypatch.setattr(scratch.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(free, 0, free))
    monkeypatch.setattr(scratch.shutil, "copyfile", None)
    dataset, said = opened(prepared)
    assert "has no room for" in said
    assert_same(dataset, prepared)


def test_a_copy_that_went_wrong_is_not_kept(prepared, node, monkeypatch):
    def copy_badly(source, target, copyfile=shutil.copyfile):
        copyfile(source, target)
        damage(Path(target), "changed")

    monkeypatch.setattr(scratch.shutil, "copyfile", copy_badly)
    dataset, said = opened(prepared)
    assert "does not have the checksum of the original" in said
    assert_same(dataset, prepared)
    assert [path.suffix for path in node.rglob("*") if path.is_file()] == [".lock"]


def damage(path: Path, how: str) -> None:
    if how == "gone":
        path.unlink()
    elif how == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"x")


@pytest.mark.parametrize("how", ["gone", "cut", "changed"])
def test_a_damaged_copy_is_made_again(prepared, node, how):
    copy = opened(prepared)[0].copy
    # Image files have no checksums of their own, so of them the sizes are compared.
    damage(copy / "arrays/test_order.npy" if prepared.files else copy / "arrays/train_images.npy", how)
    if prepared.files and how != "changed":
        damage(copy / "train_images/train/3.png", how)
    assert_same(opened(prepared)[0], prepared)


def test_another_preparation_has_a_copy_of_its_own(prepared, node):
    first = opened(prepared)[0].copy
    edit_json(prepared.folder / "dataset.json", lambda record: record.update(seed=1))
    assert opened(prepared)[0].copy != first


COPIER = """
import sys, time
from filterfreq.data import scratch
copy = scratch._copy
def slow(*given):
    print("copies", flush=True)
    time.sleep(0.5)
    copy(*given)
scratch._copy = slow
dataset = scratch.open_dataset(sys.argv[1], 1, {"scratch": "$SCRATCH_OF_NODE"}, print)
print(int(dataset.images("test")[0].sum()), int(dataset.labels("train").sum()))
"""


def test_of_two_jobs_at_a_time_one_copies_and_the_other_waits(prepared, node):
    command = [sys.executable, "-c", COPIER, str(prepared.folder / "dataset.json")]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    jobs = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = "".join(job.communicate()[0] for job in jobs)
    assert said.count("the data set is read from") == 3
    assert said.splitlines().count("copies") == 1
    expected = f"{int(prepared.images('test')[0].sum())} {int(prepared.labels('train').sum())}"
    assert said.splitlines().count(expected) == 3


def test_a_killed_copier_is_followed_by_the_next(tiny_dataset, node):
    command = [sys.executable, "-c", COPIER.replace("0.5", "60"), str(tiny_dataset.folder / "dataset.json")]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as job:
        assert job.stdout.readline() == "copies\n"
        left = next(node.glob("filterfreq-*/*.lock")).with_suffix(".part")
        left.mkdir()
        (left / "arrays").mkdir()
        job.kill()
    assert_same(opened(tiny_dataset)[0], tiny_dataset)
    assert not left.exists()
