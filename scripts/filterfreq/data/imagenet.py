"""ImageNet, as in the challenge of 2012 (Russakovsky et al., IJCV 2015): from its tars, or a folder of class folders.

`ILSVRC2012_img_train.tar` holds one tar for each class, named after its WordNet number; the images of
`ILSVRC2012_img_val.tar` have their classes in the development kit: the i-th line of the ground truth is the number of
the i-th image's class, and `meta.mat` tells the WordNet number of each. Models are tested on these, because the labels
of the test set are not public. Class names are the WordNet numbers, a label is the number among the sorted ones.

The validation images alone, or some of them, are a data set to evaluate models on: labels are the same.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from filterfreq.data.archives import extract, list_all, list_files, read_files, unpacking
from filterfreq.data.download import verified_files
from filterfreq.data.imagefolder import find_classes, find_known_classes
from filterfreq.data.matlab import read_mat
from filterfreq.data.registry import DATASETS, Dataset
from filterfreq.data.remarks import remarks_on_classes, remarks_on_names
from filterfreq.data.saving import save_files
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import reading

_VALIDATION = "ILSVRC2012_img_val.tar"
_KIT = "ILSVRC2012_devkit_t12/data"


def prepare(raw_folder: Path, output_folder: Path, seed: int, dataset: Dataset) -> None:
    """Write which files are ImageNet's training and test images; the tars are unpacked once, beside `dataset.json`.

    Args:
        raw_folder: holds `train/<WordNet number>/` and `val/<WordNet number>/`, which are used where they lie, or the
            files that `dataset.sources` names; of an entry for evaluation alone no training images.
        output_folder: gets `dataset.json`, the indices, and in `images` what is unpacked.
        seed: fixes the order of the test images.
        dataset: the registry's entry.

    Raises:
        InputError: a file is missing or damaged, the disk is full, or there are other numbers of images than in the
            entry, other classes to test than to train on, or for evaluation alone one that is none of the entry's.
    """
    if dataset.is_ready(raw_folder):
        root, sources = Path(raw_folder), {}
    else:
        sources = {source.file: source.checksum for source in dataset.sources}
        root = Path(output_folder) / "images" / next(iter(sources.values())).partition(":")[2][:16]
        if not root.is_dir():
            *train_tar, val_tar, kit = verified_files(raw_folder, dataset)
            _unpack(train_tar, val_tar, kit, root)
    if dataset.evaluation_only:
        names, folders = list_all(root)
        test = _validation_images(root, names, folders, dataset)
        labels = {name: label for label, name in enumerate(dataset.classes)}
        splits = None, _split(test, [labels[name] for name in test])
        remarks = remarks_on_names(names, {"val": test}) + remarks_on_classes(dataset.classes, None, test)
        save_files(output_folder, dataset, root, *splits, seed=seed, sources=sources, remarks=remarks)
        return
    names = list_files(root)
    _check_validation_folders(root, names)
    train, test = (find_classes(root, names, split) for split in ("train", "val"))
    if list(train) != list(test):
        raise InputError(
            f"{root} has {len(train)} classes in train and {len(test)} in val, and not the same ones: "
            "both have a folder for each WordNet number"
        )
    splits = (_split(split, range(len(split))) for split in (train, test))
    save_files(output_folder, replace(dataset, classes=tuple(train)), root, *splits, seed=seed, sources=sources)


def describe_part(folder: Path, dataset: Dataset) -> str:
    """Return how many of the validation images a folder has, as "5,000 of 50,000 validation images"; empty where all.

    Args:
        folder: holds some of them in `val/<WordNet number>/`.
        dataset: the registry's entry, for evaluation alone.

    Raises:
        InputError: the folder has no class folders, one that is none of the entry's classes, or one without images.
    """
    found = _validation_images(folder, *list_all(folder), dataset)
    count, whole = sum(map(len, found.values())), DATASETS[dataset.name].test_size
    some = f", of {len(found):,} of {dataset.num_classes:,} classes" if len(found) < dataset.num_classes else ""
    return "" if count == whole else f"{count:,} of {whole:,} validation images{some}"


def _validation_images(root: Path, names: list[str], folders: list[str], dataset: Dataset) -> dict[str, list[str]]:
    """Return the names of images by class, of those classes that have some."""
    _check_validation_folders(root, names)
    return find_known_classes(root, names, "val", folders, dataset)


def _check_validation_folders(root: Path, names: list[str]) -> None:
    """Refuse validation images that are not in class folders, as their tar unpacks."""
    in_val = [name.split("/")[1:] for name in names if name.startswith("val/")]
    if in_val and all(len(parts) == 1 for parts in in_val):
        raise InputError(
            f"{root}/val has files and no class folders, as {_VALIDATION} unpacks: put each image into a folder named "
            f"by its class's WordNet number, or name in data.raw.imagenet a folder with {_VALIDATION} itself and "
            "ILSVRC2012_devkit_t12.tar.gz"
        )


def _split(classes: Mapping[str, list[str]], labels: Sequence[int]) -> tuple[list[str], np.ndarray]:
    """Return the names of images by class as one list, and the label of each, int64."""
    names = [name for of_class in classes.values() for name in of_class]
    return names, np.repeat(np.array(labels, dtype=np.int64), [len(of_class) for of_class in classes.values()])


def _unpack(train: Iterable[Path], val: Path, kit: Path, root: Path) -> None:
    """Unpack the tars, that of the training images if there is one, into class folders."""
    wnids = _validation_classes(kit)
    images = list_files(val)
    if len(images) != len(wnids):
        raise InputError(f"{val} holds {len(images)} images, but {kit} has classes for {len(wnids)}: get whole copies")
    class_of = dict(zip(images, wnids, strict=True))  # sorted names, which are numbered
    with unpacking(root) as temporary:
        for name, content in read_files(val):
            target = temporary / "val" / class_of[name] / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        for name, content in itertools.chain.from_iterable(map(read_files, train)):
            of_class = temporary / name
            of_class.write_bytes(content)
            extract(of_class, temporary / "train" / of_class.stem)
            of_class.unlink()


def _validation_classes(kit: Path) -> list[str]:
    """Return the WordNet numbers of the validation images, in order."""
    names = (f"{_KIT}/meta.mat", f"{_KIT}/ILSVRC2012_validation_ground_truth.txt")
    found = dict(read_files(kit, names))
    (synsets,) = read_mat(found[names[0]], f"{names[0]} in {kit}", "synsets", squeeze_me=True)
    with reading(kit, "get a whole copy"):
        # The first columns are number, WordNet number, words, gloss and number of children; only leaves are classes.
        wnid_of = {int(row[0]): str(row[1]) for row in synsets.tolist() if int(row[4]) == 0}
        return [wnid_of[int(number)] for number in found[names[1]].split()]
