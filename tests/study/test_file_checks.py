import re

import pytest
from study_configs import SCHEMA, put

from filterfreq.data.registry import get_dataset
from filterfreq.runtime.errors import InputError
from filterfreq.study.file_checks import absent_raw_data, check_files
from filterfreq.study.study import Study


@pytest.mark.parametrize(
    ("name", "raw", "there", "message"),
    [
        (
            "imagenet",
            None,
            [],
            "data set imagenet cannot be downloaded here: get ILSVRC2012_img_train.tar, .*_val.tar and",
        ),
        ("imagenet", ".", ["train", "val"], "data.raw.imagenet: train in .* has folders of 0 classes and not of 1000"),
        ("imagenet", ".", [f"train/{name}" for name in get_dataset("imagenet").classes] + ["val"], None),
        (
            "cifar10",
            ".",
            [],
            r"no cifar-10-binary\.tar\.gz in .*, nor cifar-10-python\.tar\.gz or the files of cifar-10-b",
        ),
        (
            "mnist",
            ".",
            [],
            r"no train-images-idx3-ubyte\.gz in .*, nor train-images-idx3-ubyte or train-images\.idx3-u",
        ),
        ("svhn", ".", [], "data.raw.svhn: there is no train_32x32.mat in .*, put it there or leave the key out"),
        ("grocerystore", None, [], "cannot be downloaded here: clone .*, and name the folder in data.raw.grocerystore"),
        ("grocerystore", ".", ["train", "test"], None),
    ],
)
def test_what_users_have_to_get_is_said_before_anything_runs(config, tmp_path, name, raw, there, message):
    put(config, "experiments/demo/datasets", [name])
    del config["evaluation"]["cue_conflict"]
    for folder in there:
        (tmp_path / folder).mkdir(parents=True)
    if raw is not None:
        config["data"] = {"raw": {name: str(tmp_path / raw)}}
    study = Study(config, SCHEMA)
    if message is None:
        check_files(study)
        assert study.image_folder(name) == tmp_path
        assert absent_raw_data(study) == {}
    else:
        with pytest.raises(InputError, match=message):
            check_files(study)


@pytest.mark.parametrize(
    ("name", "there", "message"),
    [
        ("imagenet", [], r"data.raw.imagenet: there is no ILSVRC2012_img_train.tar in \S+: get ILSVRC2012_img_train"),
        ("imagenet", ["train"], r"data.raw.imagenet: there is no ILSVRC2012_img_train.tar in \S+: get ILSVRC"),
        ("grocerystore", ["train"], r"data.raw.grocerystore: there is no train and test in \S+: clone https"),
    ],
)
def test_what_users_have_to_get_may_come_after_the_plan(config, tmp_path, name, there, message):
    put(config, "experiments/demo/datasets", [name])
    del config["evaluation"]["cue_conflict"]
    for folder in there:
        (tmp_path / folder).mkdir()
    config["data"] = {"raw": {name: str(tmp_path)}}
    study = Study(config, SCHEMA)
    check_files(study)
    assert list(absent_raw_data(study)) == [name]
    assert re.match(message, absent_raw_data(study)[name])


# As `ls -l` lists them.
SIZES = {
    "test_batch": 31035526,
    "data_batch_1": 31035704,
    "data_batch_2": 31035320,
    "data_batch_3": 31035999,
    "data_batch_4": 31035696,
    "data_batch_5": 31035623,
}


@pytest.mark.parametrize("root", [True, False])
def test_torchvision_s_folders_are_enough(config, tmp_path, root):
    put(config, "experiments/demo/datasets", ["cifar10"])
    del config["evaluation"]["cue_conflict"]
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    config["data"] = {"raw": {"cifar10": str(tmp_path if root else folder)}}
    said = "there is no cifar-10-binary"
    for name, size in SIZES.items():
        with pytest.raises(InputError, match=said):
            check_files(Study(config, SCHEMA))
        with open(folder / name, "wb") as file:
            file.truncate(size)
        said = rf"^data\.raw\.cifar10: there is no data_batch.* in {folder}, where other files of"
    check_files(Study(config, SCHEMA))
    (folder / "data_batch_3").write_bytes(b"another")
    with pytest.raises(InputError, match=r"^data\.raw\.cifar10: .*data_batch_3 has 7 bytes and not the 31035999 of"):
        check_files(Study(config, SCHEMA))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, r"there is no .*mine\.pt$"),
        (b"", r".*mine\.pt is empty: put a whole copy of the checkpoint there$"),
        (b"version https://git-lfs.github.com/spec/v1\n", r".*mine\.pt is a pointer of Git LFS .*: run git lfs pull"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_refused_before_anything_runs(config, tmp_path, content, said):
    path = tmp_path / "mine.pt"
    config["checkpoints"] = {
        "mine": {"source": "file", "path": str(path), "architecture": "resnet_8", "normalisation": "none"}
    }
    put(config, "experiments/demo/checkpoints", ["mine"])
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=rf"^checkpoints\.mine\.path: {said}"):
        check_files(Study(config, SCHEMA))


def test_a_folder_is_no_checkpoint(config, tmp_path):
    config["checkpoints"] = {
        "mine": {"source": "file", "path": str(tmp_path), "architecture": "resnet_8", "normalisation": "none"}
    }
    put(config, "experiments/demo/checkpoints", ["mine"])
    with pytest.raises(InputError, match=r"^checkpoints\.mine\.path: .* is a folder: name the file of weights in it"):
        check_files(Study(config, SCHEMA))


def test_a_folder_of_a_shifted_set_that_is_not_there_is_named(config, tmp_path):
    config["data"]["shifted"] = {"mine": {"shift_of": "texdigits", "path": "nowhere"}}
    config["evaluation"]["out_of_distribution"] = {"sets": ["mine"]}
    with pytest.raises(InputError, match=r"data\.shifted\.mine\.path: there is no nowhere"):
        check_files(Study(config, SCHEMA))
