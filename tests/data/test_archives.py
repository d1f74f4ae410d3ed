import errno
import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from filterfreq.data.archives import class_folders_state, folder_state, list_files, read_files, unpack, unpacking
from filterfreq.errors import InputError

FILES = {"b/one.bin": b"one" * 1000, "a.txt": b"text", "b/c/two.bin": b""}
MODES = {"x.tar": "w", "x.tar.gz": "w:gz", "x.tar.bz2": "w:bz2", "x.tar.xz": "w:xz", "x.tgz": "w:gz"}


def make(folder, kind):
    """FILES as a folder or an archive."""
    path = folder / kind
    if kind == "folder":
        for name, content in FILES.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(content)
    elif kind == "x.zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.mkdir("b")
            for name, content in FILES.items():
                archive.writestr(name, content)
    else:
        with tarfile.open(path, MODES[kind]) as archive:
            add(archive, "./b", type=tarfile.DIRTYPE)
            for name, content in FILES.items():
                add(archive, f"./{name}", content)
    return path


def add(archive, name, content=b"", **attributes):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    for attribute, value in attributes.items():
        setattr(member, attribute, value)
    archive.addfile(member, io.BytesIO(content))


@pytest.mark.parametrize("kind", ["folder", "x.zip", *MODES])
def test_folders_and_archives_are_read_alike(tmp_path, kind):
    path = make(tmp_path, kind)
    assert list_files(path) == sorted(FILES)
    assert dict(read_files(path, FILES)) == FILES
    assert dict(read_files(path, ["a.txt"])) == {"a.txt": b"text"}
    with pytest.raises(InputError, match=rf"{kind} lacks b/three.bin"):
        list(read_files(path, ["a.txt", "b/three.bin"]))


def test_reading_writes_nothing(tmp_path):
    path = make(tmp_path, "x.tar")
    list(read_files(path, FILES))
    assert list(tmp_path.iterdir()) == [path]


def test_a_tar_that_holds_a_zip_is_a_tar(tmp_path):
    inner = make(tmp_path, "x.zip").read_bytes()
    with tarfile.open(tmp_path / "outer", "w") as archive:
        add(archive, "inner.zip", inner)
    assert list_files(tmp_path / "outer") == ["inner.zip"]


def test_a_link_inside_a_tar_is_its_target(tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        add(archive, "a/one", b"one")
        add(archive, "b/soft", type=tarfile.SYMTYPE, linkname="../a/one")
        add(archive, "b/hard", type=tarfile.LNKTYPE, linkname="a/one")
        add(archive, "b/broken", type=tarfile.SYMTYPE, linkname="none")
    assert dict(read_files(tmp_path / "x.tar", ["b/soft", "b/hard"])) == {"b/soft": b"one", "b/hard": b"one"}
    with pytest.raises(InputError, match=r"x.tar cannot be read \(.*none"):
        list(read_files(tmp_path / "x.tar", ["b/broken"]))


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("../evil", {}),
        ("a/../../evil", {}),
        ("/etc/evil", {}),
        ("..\\evil", {}),
        ("evil", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}),
        ("evil", {"type": tarfile.SYMTYPE, "linkname": "../../etc/passwd"}),
        ("a/evil", {"type": tarfile.LNKTYPE, "linkname": "../../etc/passwd"}),
        ("evil", {"type": tarfile.LNKTYPE, "linkname": "/etc/passwd"}),
        ("evil", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 5}),
        ("evil", {"type": tarfile.BLKTYPE}),
        ("evil", {"type": tarfile.FIFOTYPE}),
    ],
)
def test_a_malicious_tar_is_refused(tmp_path, name, attributes):
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as archive:
        add(archive, name, **attributes)
        add(archive, "good", b"good")
    for read in (list_files, lambda path: list(read_files(path, ["good"]))):
        with pytest.raises(InputError, match=r"x.tar.gz holds an unsafe member \(.*evil.*\): it is not read"):
            read(tmp_path / "x.tar.gz")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("../evil", stat.S_IFREG),
        ("/etc/evil", stat.S_IFREG),
        ("a/../../evil", 0),
        ("..\\evil", 0),
        ("evil", stat.S_IFLNK),
        ("evil", stat.S_IFCHR),
        ("evil", stat.S_IFIFO),
    ],
)
def test_a_malicious_zip_is_refused(tmp_path, name, kind):
    member = zipfile.ZipInfo(name)
    member.external_attr = (kind | 0o644) << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(member, "/etc/passwd")
    with pytest.raises(InputError, match=r"x.zip holds an unsafe member \(.*evil.*\): it is not read"):
        list_files(tmp_path / "x.zip")


def test_a_member_that_is_there_twice_is_refused(tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        add(archive, "one", b"1")
        add(archive, "./one", b"2")
    with pytest.raises(InputError, match=r"x.tar holds one twice"):
        list_files(tmp_path / "x.tar")


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b/c", "a"), ("x/a/b/c", "x/a/b", "y")])
@pytest.mark.parametrize("kind", ["x.tar", "x.zip"])
def test_a_member_that_is_a_file_and_a_folder_is_refused(tmp_path, kind, names):
    path = tmp_path / kind
    with tarfile.open(path, "w") if kind == "x.tar" else zipfile.ZipFile(path, "w") as archive:
        for name in names:
            add(archive, name, b"1") if kind == "x.tar" else archive.writestr(name, b"1")
    with pytest.raises(InputError, match=rf"{kind} holds (a|x/a/b) both as a file and as a folder"):
        unpack(path, tmp_path / "out")
    assert [left.name for left in tmp_path.iterdir()] == [kind]


def test_an_encrypted_zip_is_named(tmp_path):
    path = make(tmp_path, "x.zip")
    content = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        start = content.find(b"a.txt") if signature == b"PK\3\4" else content.rfind(b"a.txt")
        content[content.rfind(signature, 0, start) + flags] |= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"x\.zip is encrypted \(a\.txt\): unpack it and give the folder"):
        list(read_files(path))


def test_backslashes_in_a_zip_are_no_way_out(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a\\b.png", b"1")
    unpack(tmp_path / "x.zip", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a\\b.png"]
    for name in ("a\\..\\..\\evil", "C:\\evil", "\\\\host\\evil"):
        with zipfile.ZipFile(tmp_path / "y.zip", "w") as archive:
            archive.writestr(name, b"1")
        with pytest.raises(InputError, match="unsafe member"):
            list_files(tmp_path / "y.zip")


@pytest.mark.parametrize("kind", ["folder", "x.tar", "x.zip"])
@pytest.mark.parametrize(
    "name", ["a\nerror: all is well.png", "a\x1b[2Jb.png", "a\u2028b.png", os.fsdecode(b"\xff.png")]
)
def test_names_that_are_not_one_line_of_utf_8_are_refused(tmp_path, kind, name):
    path = tmp_path / kind
    if kind == "folder":
        path.mkdir()
        (path / name).touch()
    elif kind == "x.tar":
        with tarfile.open(path, "w", errors="surrogateescape") as archive:
            add(archive, name, b"1")
    elif name.isascii() or name.isprintable() or "\u2028" in name:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, b"1")
    else:
        pytest.skip("a zip has names in UTF-8 or in its own code page")
    with pytest.raises(InputError, match=r"a name that is not one line of UTF-8: rename it") as refusal:
        list_files(path)
    assert "\n" not in str(refusal.value)
    if kind == "folder":
        assert class_folders_state(path)  # before any job has read it


@pytest.mark.parametrize("kind", ["x.zip", *MODES])
def test_a_truncated_archive(tmp_path, kind):
    path = make(tmp_path, kind)
    path.write_bytes(path.read_bytes()[: -len(path.read_bytes()) * 2 // 3])
    with pytest.raises(InputError, match=rf"{kind} (cannot be read \(.*\): replace|lacks .*: is it the right file)"):
        list(read_files(path, FILES))


def test_no_archive(tmp_path):
    (tmp_path / "page.tar").write_text("<html>not here</html>")
    with pytest.raises(InputError, match=r"page.tar cannot be read \(neither tar nor zip\): replace it by a whole"):
        list_files(tmp_path / "page.tar")
    with pytest.raises(InputError, match=r"none.tar is missing: give the path of a folder, a tar or a zip"):
        list_files(tmp_path / "none.tar")


def test_hidden_files_are_not_listed(tmp_path):
    path = make(tmp_path, "folder")
    before = folder_state(path)
    for name in (".DS_Store", "b/._one.bin", ".git/config", "__MACOSX/a.txt"):
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_bytes(b"")
    assert list_files(path) == sorted(FILES)
    assert folder_state(path) == before


def test_any_change_in_a_folder_shows(tmp_path):
    path = make(tmp_path, "folder")
    states = [folder_state(path)]
    assert folder_state(path) == states[0]
    file = path / "b" / "one.bin"
    os.utime(file, ns=(1, 1))
    states.append(folder_state(path))
    file.rename(file.with_name("two.bin"))
    states.append(folder_state(path))
    file.with_name("two.bin").unlink()
    states.append(folder_state(path))
    assert len(set(states)) == 4


def test_an_archive_is_unpacked_whole_or_not_at_all(tmp_path):
    archive = tmp_path / "some.tar"
    with tarfile.open(archive, "w") as opened:
        for name in ("a/one.png", "b/c/two.png", "__MACOSX/three.png", "b/.four.png"):
            member = tarfile.TarInfo(name)
            member.size = len(name)
            opened.addfile(member, io.BytesIO(name.encode()))
    unpack(archive, tmp_path / "out" / "folder")
    found = {path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert found == {Path("folder/a/one.png"), Path("folder/b/c/two.png")}
    assert (tmp_path / "out/folder/a/one.png").read_text() == "a/one.png"
    with tarfile.open(archive, "a") as opened:
        opened.addfile(tarfile.TarInfo("../outside.png"))
    with pytest.raises(InputError, match="leaves the archive's folder"):
        unpack(archive, tmp_path / "out" / "other")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["folder"]
    assert not (tmp_path / "outside.png").exists()


def test_a_full_disk_is_said(tmp_path):
    said = pytest.raises(InputError, match=r"no space left while unpacking into .*folder: free some space")
    with said, unpacking(tmp_path / "folder"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert not list(tmp_path.iterdir())


def test_class_folders_tell_what_was_added_and_removed(tmp_path, monkeypatch):
    for name in ("train/a/1.png", "train/b/c/1.png", "val/a/1.png"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    (tmp_path / "README.txt").touch()
    states = [class_folders_state(tmp_path)]

    def changed() -> bool:
        states.append(class_folders_state(tmp_path))
        return states[-1] not in states[:-1]

    def set_back(folder) -> None:
        """Another time of change, as a later change has; two within one tick of the clock would look the same."""
        os.utime(tmp_path / folder, ns=(len(states), len(states)))

    assert not changed()
    for folder, action in (
        ("train/a", lambda: (tmp_path / "train/a/2.png").touch()),
        ("train/b/c", lambda: (tmp_path / "train/b/c/1.png").unlink()),
        ("val", lambda: (tmp_path / "val/b").mkdir()),
        ("", lambda: (tmp_path / "val").rename(tmp_path / "test")),
    ):
        action()
        set_back(folder)
        assert changed()
    (tmp_path / "train/a/1.png").write_text("other")
    assert not changed()
