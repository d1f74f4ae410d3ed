import pytest

from filterfreq.data.download import verified_files
from filterfreq.data.raw_files import check_there, locate
from filterfreq.data.registry import DATASETS, Source
from filterfreq.runtime.errors import InputError

PARTS = tuple(Source(name, (), "md5:0", None, folder="parts") for name in ("a", "b"))
SOURCE = Source("all.tar", (), "md5:0", None, folder="Root/raw", forms=((Source("all.zip", (), "md5:0", None),), PARTS))


@pytest.mark.parametrize(
    ("there", "found"),
    [
        (["all.tar", "parts/a", "parts/b"], ["all.tar"]),
        (["raw/all.tar"], ["raw/all.tar"]),
        (["Root/raw/all.tar", "all.zip"], ["Root/raw/all.tar"]),
        (["all.zip", "a", "b"], ["all.zip"]),
        (["parts/a", "parts/b"], ["parts/a", "parts/b"]),
        (["a", "b", "parts/a"], ["a", "b"]),
    ],
)
def test_the_first_form_that_is_whole_is_taken(tmp_path, there, found):
    for name in there:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    files = locate(SOURCE, tmp_path)
    assert [file.path.relative_to(tmp_path).as_posix() for file in files] == found
    assert all(file.source.file == file.path.name for file in files)
    check_there(SOURCE, tmp_path, "")


@pytest.mark.parametrize(
    ("there", "missing", "where"),
    [(["parts/a"], "b", "parts"), (["b"], "a", ""), (["a", "parts/b"], "a", "parts"), (["b", "parts/b"], "a", "parts")],
)
def test_of_a_folder_that_is_there_in_part_the_missing_file_is_named(tmp_path, there, missing, where):
    for name in there:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    with pytest.raises(InputError) as refusal:
        check_there(SOURCE, tmp_path, ": get it")
    assert str(refusal.value) == f"there is no {missing} in {tmp_path / where}, where other files of parts are: get it"


def test_a_file_of_another_size_is_refused_at_once_but_not_one_that_is_gzipped_alone(tmp_path):
    sized = Source("all.tar.gz", (), "md5:0", 5)
    (tmp_path / "all.tar.gz").write_text("four")
    with pytest.raises(InputError) as refusal:
        check_there(sized, tmp_path, "")
    assert str(refusal.value) == (
        f"{tmp_path / 'all.tar.gz'} has 4 bytes and not the 5 of all.tar.gz: it is damaged, or another file of that "
        "name: put the right one there"
    )
    (tmp_path / "all.tar.gz").write_text("fives")
    check_there(sized, tmp_path, "")
    (tmp_path / "all.gz").write_text("four")
    check_there(Source("all.gz", (), "md5:0", 5), tmp_path, "")


def test_what_is_missing_is_named_with_its_other_forms(tmp_path):
    with pytest.raises(InputError) as refusal:
        check_there(SOURCE, tmp_path, ": get it")
    assert str(refusal.value) == f"there is no all.tar in {tmp_path}, nor all.zip or the files of parts: get it"
    assert [file.path for file in locate(SOURCE, tmp_path)] == [tmp_path / "all.tar"]


@pytest.mark.parametrize(
    ("name", "folder"),
    [("flowers102", "flowers-102"), ("oxfordiiitpet", "oxford-iiit-pet"), ("dtd", "dtd"), ("sun397", "")],
)
def test_archives_are_found_below_torchvision_s_root(tmp_path, name, folder):
    (tmp_path / folder).mkdir(exist_ok=True)
    dataset = DATASETS[name]
    for source in dataset.sources:
        (tmp_path / folder / source.file).write_text("another")
    with pytest.raises(InputError, match=rf"{folder}/{dataset.sources[0].file} has 7 bytes and not the checksum"):
        verified_files(tmp_path, dataset)
