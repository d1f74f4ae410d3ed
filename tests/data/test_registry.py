import re
import subprocess
import sys

import pytest
from torchvision.datasets import (
    CIFAR10,
    CIFAR100,
    DTD,
    KMNIST,
    MNIST,
    SUN397,
    SVHN,
    FashionMNIST,
    Flowers102,
    OxfordIIITPet,
)
from torchvision.datasets.imagenet import ARCHIVE_META
from torchvision.models import ResNet18_Weights

from filterfreq.data.registry import AUGMENTATIONS, DATASETS, IMAGENET_NAMES, get_dataset, prepare_dataset
from filterfreq.runtime.errors import InputError


@pytest.mark.parametrize("name", DATASETS)
def test_entry_is_complete(name):
    dataset = get_dataset(name)
    assert dataset.name == name
    assert dataset.augmentation in AUGMENTATIONS
    # Those of some are read from their files.
    read = dict.fromkeys(("tinyimagenet", "sun397", "grocerystore", "oxfordiiitpet", "dtd"), 0)
    expected = {"cifar100": 100, "flowers102": 102, "imagenet": 1000, **read}.get(name, 10)
    assert len(set(dataset.classes)) == len(dataset.classes) == expected
    assert (dataset.mean is None) == (dataset.std is None)
    assert dataset.licence
    assert len({source.file for source in dataset.sources}) == len(dataset.sources)
    for source in dataset.sources:
        assert re.fullmatch(r"md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}", source.checksum)
        assert all(url.startswith(("http://", "https://")) for url in source.urls)
        assert (source.urls and source.size > 0) or dataset.fetch
    assert bool(dataset.fetch) == bool(dataset.folders)


@pytest.mark.parametrize(
    ("name", "published"),
    [("mnist", MNIST), ("kmnist", KMNIST), ("fashionmnist", FashionMNIST)],
)
def test_files_and_classes_are_those_of_torchvision(name, published):
    dataset = get_dataset(name)
    assert {source.file for source in dataset.sources} == {file for file, _ in published.resources}
    assert {url.rpartition("/")[0] + "/" for source in dataset.sources for url in source.urls} & set(published.mirrors)
    if name != "mnist":
        assert dataset.classes == tuple(published.classes)


@pytest.mark.parametrize(("name", "published"), [("cifar10", CIFAR10), ("cifar100", CIFAR100)])
def test_other_forms_of_cifar_are_those_of_torchvision(name, published):
    packed, unpacked = get_dataset(name).sources[0].forms
    assert [(file.file, file.checksum) for file in packed] == [(published.filename, f"md5:{published.tgz_md5}")]
    files = published.train_list + published.test_list
    assert [(file.file, file.checksum) for file in unpacked] == [(file, f"md5:{md5}") for file, md5 in files]
    assert {file.folder for file in unpacked} == {published.base_folder}


@pytest.mark.parametrize("published", [MNIST, KMNIST, FashionMNIST])
def test_idx_files_lie_where_torchvision_keeps_them(published, tmp_path):
    folder = published.raw_folder.fget(type(published.__name__, (), {"root": tmp_path})())
    for source in get_dataset(published.__name__.lower()).sources:
        assert str(tmp_path / source.folder) == folder
        assert {file.folder for form in source.forms for file in form} <= {source.folder}


def test_svhns_files_are_those_of_torchvision():
    urls = [source.urls[0] for source in get_dataset("svhn").sources]
    assert urls == [SVHN.split_list[split][0] for split in ("train", "test")]


def test_larger_sets_are_those_of_torchvision():
    assert get_dataset("flowers102").classes == tuple(Flowers102.classes)
    flowers = {source.urls[0] for source in get_dataset("flowers102").sources}
    assert flowers == {Flowers102._download_url_prefix + file for file, _ in Flowers102._file_dict.values()}
    pets = [source.urls[0] for source in get_dataset("oxfordiiitpet").sources]
    assert pets == [url for url, _ in OxfordIIITPet._RESOURCES]
    assert get_dataset("dtd").sources[0].urls == (DTD._URL,)
    assert get_dataset("sun397").sources[0].urls[0].partition("://")[2] == SUN397._DATASET_URL.partition("://")[2]
    checksums = {source.file: source.checksum for source in get_dataset("imagenet").sources}
    assert checksums == {file: f"md5:{md5}" for file, md5 in ARCHIVE_META.values()}


def test_published_facts_of_cifar100():
    dataset = get_dataset("cifar100")
    # The first and the last name and one from the middle, as in the archive's fine_label_names.txt.
    assert [dataset.classes[i] for i in (0, 1, 52, 99)] == ["apple", "aquarium_fish", "oak_tree", "worm"]
    assert dataset.mean == (0.50707516, 0.48654887, 0.44091784)
    assert (dataset.train_size, dataset.test_size) == (50_000, 10_000)


def test_unknown_name_gets_a_close_match():
    with pytest.raises(InputError, match=r"unknown data set 'cifar_10': did you mean 'cifar10'"):
        get_dataset("cifar_10")
    with pytest.raises(InputError, match="choose one of texdigits, cifar10, cifar100, cinic10, svhn, mnist, "):
        get_dataset("moon")


def test_prepare_dataset_stops_before_any_output(tmp_path):
    with pytest.raises(InputError, match=r"cifar-10-binary.tar.gz is missing"):
        prepare_dataset(get_dataset("cifar10"), tmp_path / "raw", tmp_path / "output", seed=0)
    assert not (tmp_path / "output").exists()


def test_registry_arrays_and_preparation_import_no_torch():
    code = (
        "import sys, filterfreq.data.arrays, filterfreq.data.cifar, filterfreq.data.texdigits, filterfreq.data.mnist;"
        "import filterfreq.data.imagefolder, filterfreq.data.svhn, filterfreq.data.tinyimagenet;"
        "import filterfreq.data.imagenet, filterfreq.data.listed;"
        "print({'torch', 'sklearn', 'skimage', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": "scripts"}, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_imagenet_s_names_are_torchvision_s_in_the_labels_order():
    assert list(IMAGENET_NAMES.values()) == ResNet18_Weights.IMAGENET1K_V1.meta["categories"]
    assert tuple(IMAGENET_NAMES) == DATASETS["imagenet"].classes
