"""Data sets of images whose splits or labels stand in lists beside them, each in its authors' layout."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np

from filterfreq.data.archives import list_files, read_files
from filterfreq.data.download import verified_files
from filterfreq.data.imagefolder import save_images, split_classes
from filterfreq.data.matlab import read_mat
from filterfreq.data.registry import Dataset
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import reading

_REMEDY = "get a whole copy"
_UPDATE = "update the clone"


def prepare_flowers102(raw_folder: Path, output_folder: Path, seed: int, dataset: Dataset) -> None:
    """Prepare 102 Category Flower (Nilsback and Zisserman, 2008) from its archive, `imagelabels.mat` and `setid.mat`.

    Trained on is its training set (`trnid`) and tested on its test set (`tstid`); `valid` is left out.

    Args:
        raw_folder: holds the files that `dataset.sources` names.
        output_folder: gets `dataset.json` and what belongs to it.
        seed: fixes the order of the test images.
        dataset: the registry's entry.

    Raises:
        InputError: a file is missing or damaged, or holds other numbers than the registry says.
    """
    archive, labels, splits = verified_files(raw_folder, dataset)
    (classes,) = read_mat(labels, str(labels), "labels")
    drawn = read_mat(splits, str(splits), "trnid", "tstid")
    with reading(splits, _REMEDY):
        train, test = (
            (
                [f"jpg/image_{number:05d}.jpg" for number in numbers.ravel()],
                classes.ravel()[numbers.ravel().astype(int) - 1].astype(np.int64) - 1,
            )
            for numbers in drawn
        )
    save_images(archive, output_folder, dataset, train, test, seed=seed, sources=_checksums(dataset))


def prepare_oxfordiiitpet(raw_folder: Path, output_folder: Path, seed: int, dataset: Dataset) -> None:
    """Prepare the Oxford-IIIT Pet data set (Parkhi et al., CVPR 2012) from its archives of images and annotations.

    The splits are `trainval.txt` and `test.txt`, whose lines are image, class from 1, species and breed; a class's name
    is that of its images without their number.

    Args, Raises: as for `prepare_flowers102`.
    """
    archive, annotations = verified_files(raw_folder, dataset)
    names: dict[int, str] = {}
    splits = []
    with reading(annotations, _REMEDY):
        for split in ("trainval", "test"):
            lines = [line.split() for line in _text(annotations, f"annotations/{split}.txt").splitlines()]
            names |= {int(label) - 1: image.rpartition("_")[0] for image, label, *_ in lines}
            labels = np.array([int(label) - 1 for _, label, *_ in lines], dtype=np.int64)
            splits.append(([f"images/{image}.jpg" for image, *_ in lines], labels))
    dataset = replace(dataset, classes=tuple(names[label] for label in sorted(names)))
    save_images(archive, output_folder, dataset, *splits, seed=seed, sources=_checksums(dataset))


def prepare_dtd(raw_folder: Path, output_folder: Path, seed: int, dataset: Dataset) -> None:
    """Prepare Describable Textures (Cimpoi et al., CVPR 2014), the first of its ten partitions.

    Trained on is `train1.txt` and tested on `test1.txt`, whose lines are class/image; `val1.txt` is left out.

    Args, Raises: as for `prepare_flowers102`.
    """
    (archive,) = verified_files(raw_folder, dataset)
    splits = [_text(archive, f"dtd/labels/{split}1.txt").split() for split in ("train", "test")]
    classes = sorted({line.partition("/")[0] for line in splits[0]})
    train, test = (
        (
            [f"dtd/images/{line}" for line in lines],
            np.array([_place(line.partition("/")[0], classes, archive) for line in lines], dtype=np.int64),
        )
        for lines in splits
    )
    dataset = replace(dataset, classes=tuple(classes))
    save_images(archive, output_folder, dataset, train, test, seed=seed, sources=_checksums(dataset))


def prepare_sun397(raw_folder: Path, output_folder: Path, seed: int, dataset: Dataset) -> None:
    """Prepare SUN397 (Xiao et al., CVPR 2010) from its archive: `SUN397/<letter>/<class>/[<part>/]sun_*.jpg`.

    A class is a path such as `underwater/ocean_deep`, a label its number among the sorted ones. 15 % of each class's
    images, drawn by the seed, are held out for testing, as in the released code of Lukasik et al. 2023.

    Args, Raises: as for `prepare_flowers102`.
    """
    (archive,) = verified_files(raw_folder, dataset)
    found: dict[str, list[str]] = {}
    for name in list_files(archive):
        root, *parts = name.split("/")
        if root == "SUN397" and len(parts) > 2 and parts[-1].startswith("sun_"):
            found.setdefault("/".join(parts[1:-1]), []).append(name)
    classes = {label: found[label] for label in sorted(found)}
    splits = (
        (
            [name for names in split.values() for name in names],
            np.repeat(np.arange(len(split), dtype=np.int64), [len(names) for names in split.values()]),
        )
        for split in split_classes(archive, classes, 0.15, seed)
    )
    dataset = replace(dataset, classes=tuple(classes))
    save_images(archive, output_folder, dataset, *splits, seed=seed, sources=_checksums(dataset))


def prepare_grocerystore(raw_folder: Path, output_folder: Path, seed: int, dataset: Dataset) -> None:
    """Prepare Grocery Store (Klasson, Zhang, Kjellström, WACV 2019), its coarse classes, from a clone's `dataset`.

    The lines of `train.txt` and `test.txt` are image, fine class, coarse class; `classes.csv` has their names. The
    images of `val.txt` are left out.

    Args:
        raw_folder: the folder `dataset` of a clone.
        output_folder: gets `dataset.json` and the arrays.
        seed: fixes the order of the test images.
        dataset: the registry's entry.

    Raises:
        InputError: a file is missing or damaged.
    """
    with reading(f"classes.csv in {raw_folder}", _UPDATE):
        table = csv.DictReader(_text(raw_folder, "classes.csv").splitlines())
        names = {int(row["Coarse Class ID (int)"]): row["Coarse Class Name (str)"] for row in table}
    splits = []
    for split in ("train", "test"):
        with reading(f"{split}.txt in {raw_folder}", _UPDATE):
            lines = [line.split(",") for line in _text(raw_folder, f"{split}.txt").splitlines()]
            if any(len(line) != 3 for line in lines):
                raise InputError(
                    f"{split}.txt in {raw_folder} has a line other than image, class, coarse class: {_UPDATE}"
                )
            labels = np.array([int(coarse) for _, _, coarse in lines], dtype=np.int64)
            splits.append(([image.strip() for image, _, _ in lines], labels))
    dataset = replace(dataset, classes=tuple(names[label] for label in sorted(names)))
    save_images(Path(raw_folder), output_folder, dataset, *splits, seed=seed, sources={})


def _checksums(dataset: Dataset) -> dict[str, str]:
    return {source.file: source.checksum for source in dataset.sources}


def _text(path: Path, name: str) -> str:
    """Return a text file of a folder or an archive."""
    ((_, content),) = read_files(path, [name])
    with reading(f"{name} in {path}", "replace it by a whole copy"):
        return content.decode()


def _place(label: str, classes: list[str], path: Path) -> int:
    if label not in classes:
        raise InputError(f"{path} tests the class {label!r}, which is not trained on: get a whole copy")
    return classes.index(label)
