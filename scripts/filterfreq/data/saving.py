"""Writing a prepared data set."""

import csv
import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from filterfreq.data.arrays import check_kind, check_labels
from filterfreq.data.image_files import ImageFiles
from filterfreq.data.registry import AS_STORED, Dataset, Rendering
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import replacing, sha256, to_json

_MEASURED = 10_000  # images that mean and std of a data set on files are measured on


def balanced_order(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a random order of which every prefix holds each class in its overall share, to within one image.

    Args:
        labels: int64, N.
        rng: the source of the order.

    Returns:
        int64, N: a permutation of 0..N-1.
    """
    position = np.empty(len(labels))
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        # The r-th of a class's n images falls somewhere in the r-th of n equal parts of the order.
        position[members] = (np.arange(len(members)) + rng.random(len(members))) / len(members)
    return np.argsort(position, kind="stable")


def channel_statistics(blocks: Iterable[np.ndarray]) -> tuple[list[float], list[float]]:
    """Return mean and standard deviation per channel, in units of [0, 1].

    Args:
        blocks: parts of the images, each uint8, N x H x W x 3.
    """
    # 256 counts per channel are exact and take no float copy of the images.
    counts = sum(
        np.stack([np.bincount(images[..., c].ravel(), minlength=256) for c in range(images.shape[-1])])
        for images in blocks
    )
    values = np.arange(256) / 255
    shares = counts / counts.sum(axis=1, keepdims=True)
    mean = shares @ values
    std = np.sqrt(shares @ values**2 - mean**2)
    return mean.tolist(), std.tolist()


def save_splits(
    folder: str | Path,
    dataset: Dataset,
    train: tuple[np.ndarray, np.ndarray] | None,
    test: tuple[np.ndarray, np.ndarray],
    *,
    seed: int,
    sources: dict[str, str],
    remarks: Sequence[str] = (),
) -> None:
    """Write a data set as `save_dataset` does, its test images in `balanced_order`, with their `test_order`.

    Args:
        folder: where it goes.
        dataset: the registry's entry.
        train: images, uint8, N x H x W x 3, and labels, int64, N; None where there are none.
        test: likewise, in the source's order.
        seed: fixes the order of the test images.
        sources: what they were made from: checksums of raw files, versions of packages.
        remarks: sentences for `dataset.json`.

    Raises:
        InputError: there are other numbers of images than the entry says or than of labels, or as for `save_dataset`.
    """
    _check_counts(dataset, train, test, sources)
    order = balanced_order(test[1], np.random.default_rng(seed))
    arrays = {} if train is None else {"train_images": train[0], "train_labels": train[1]}
    arrays |= {
        "test_images": test[0][order],
        "test_labels": test[1][order],
        "test_order": order,
    }
    save_dataset(folder, dataset, arrays, seed=seed, sources=sources, remarks=remarks)


def save_files(
    folder: str | Path,
    dataset: Dataset,
    images: str | Path,
    train: tuple[Sequence[str], np.ndarray] | None,
    test: tuple[Sequence[str], np.ndarray],
    *,
    seed: int,
    sources: dict[str, str],
    remarks: Sequence[str] = (),
) -> None:
    """Write what describes a data set whose images stay in files; the test images in `balanced_order`, as in arrays.

    Where the entry has no mean and std, they are measured on 10,000 training images that the seed draws, or on all; on
    test images where there are no others.

    Args:
        folder: where it goes.
        dataset: the registry's entry.
        images: the folder of the images; a relative one is recorded relative to `folder`, and so is one inside it.
        train: the images' paths in that folder, with `/` between folders, and labels, int64, N; None where there are
            none.
        test: likewise, in the source's order.
        seed: fixes the order of the test images.
        sources: what they come from: checksums of raw files.
        remarks: sentences for `dataset.json`.

    Raises:
        InputError: there are other numbers of images than the entry says or than of labels, an image to measure is
            damaged, or as for `save_dataset`.
    """
    folder, images = Path(folder), Path(images)
    _check_counts(dataset, train, test, sources)
    order = balanced_order(test[1], np.random.default_rng(seed))
    mean, std = dataset.mean, dataset.std
    if mean is None or std is None:
        names, resize = (test[0], dataset.resize) if train is None else (train[0], dataset.train_resize)
        drawn = np.sort(np.random.default_rng((seed, 2)).permutation(len(names))[:_MEASURED])
        # Blocks, so that the images of large data sets are never in memory together.
        blocks = np.array_split(drawn, -(-len(drawn) // 100))
        files = ImageFiles(images, names, dataset.image_size, resize, rendering=dataset.rendering)
        mean, std = channel_statistics(np.asarray(files[block]) for block in blocks)
    if not images.is_absolute() or images.is_relative_to(folder.absolute()):
        images = Path(os.path.relpath(images, folder))
    splits = {} if train is None else {"train": (*train, dataset.train_resize)}
    splits["test"] = [test[0][number] for number in order], test[1][order], dataset.resize
    with ExitStack() as stack:
        files = {}
        for split, (names, labels, resize) in splits.items():
            check_labels(folder / "arrays" / f"{split}_files.csv", labels, len(dataset.classes))
            index = stack.enter_context(replacing(folder / "arrays" / f"{split}_files.csv"))
            with open(index, "w", newline="", encoding="utf-8") as file:
                csv.writer(file, lineterminator="\n").writerows(
                    [("file", "label"), *zip(names, labels.tolist(), strict=True)]
                )
            files[split] = {
                "folder": images.as_posix(),
                "index": f"arrays/{split}_files.csv",
                "sha256": sha256(index),
                "length": len(names),
                "size": dataset.image_size,
                "resize": resize,
            } | rendering_record(dataset.rendering)
    facts = {"mean": mean, "std": std, "files": files, "remarks": remarks}
    save_dataset(folder, dataset, {"test_order": order}, seed=seed, sources=sources, **facts)


def rendering_record(rendering: Rendering) -> dict[str, dict]:
    """Return the entry `rendering` of a record, or nothing where images are taken as stored."""
    return {} if rendering == AS_STORED else {"rendering": rendering._asdict()}


def save_dataset(
    folder: str | Path,
    dataset: Dataset,
    arrays: dict[str, np.ndarray],
    *,
    seed: int,
    sources: dict[str, str],
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    files: dict[str, dict] | None = None,
    remarks: Sequence[str] = (),
) -> None:
    """Write the arrays and `dataset.json`, all of them or none.

    Args:
        folder: where they go.
        dataset: the registry's entry.
        arrays: the arrays by name, as the module describes them.
        seed: the seed of the preparation.
        sources: what they were made from: checksums of raw files, versions of packages.
        mean: per channel, in units of [0, 1]; by default the registry's, or else measured on the training images, or
            where there are none on the test images.
        std: likewise.
        files: what `dataset.json` says of a data set on files.
        remarks: sentences on what was found and left out, or taken in one of several ways.

    Raises:
        InputError: an array has the wrong shape, dtype or labels, all images have one value in a channel, or the disk
            is full.
    """
    folder = Path(folder)
    for name, array in arrays.items():
        check_kind(folder / "arrays" / f"{name}.npy", name, array)
        check_labels(folder / "arrays" / f"{name}.npy", array, len(dataset.classes))
    if mean is None or std is None:
        mean, std = (
            (dataset.mean, dataset.std)
            if dataset.mean and dataset.std
            else channel_statistics([arrays.get("train_images", arrays["test_images"])])
        )
    if not all(value > 0 for value in std):
        raise InputError(
            f"the images of {dataset.name} have one value in all pixels of a channel (std {list(std)}), by "
            "which nothing can be divided: take other images, or give mean and std in the config"
        )
    record = {
        "name": dataset.name,
        "classes": list(dataset.classes),
        "mean": list(mean),
        "std": list(std),
        "seed": seed,
        "arrays": {},
        "sources": sources,
        **({"files": files} if files else {}),
        **({"remarks": list(remarks)} if remarks else {}),
    }
    with ExitStack() as stack:
        # Entered first, so replaced last: once dataset.json is there, so are the arrays.
        record_file = stack.enter_context(replacing(folder / "dataset.json"))
        for name, array in arrays.items():
            array_file = stack.enter_context(replacing(folder / "arrays" / f"{name}.npy"))
            np.save(array_file, array, allow_pickle=False)
            record["arrays"][name] = {
                "file": f"arrays/{name}.npy",
                "sha256": sha256(array_file),
                "shape": list(array.shape),
                "dtype": str(array.dtype),
            }
        record_file.write_text(to_json(record), encoding="utf-8")


def _check_counts(dataset: Dataset, train: tuple | None, test: tuple, sources: dict[str, str]) -> None:
    for split, found, wanted in (("train", train, dataset.train_size), ("test", test, dataset.test_size)):
        images, labels = found or ((), ())
        if len(images) != len(labels) or wanted not in (None, len(images)):
            raise InputError(
                f"{dataset.name} has {len(images)} {split} images and {len(labels)} labels, but there should be "
                f"{'as many of both' if wanted is None else wanted}: "
                f"get whole copies of {', '.join(sources) or 'its folders'}"
            )
