"""Tiny ImageNet from its zip: `train/<wnid>/images/*.JPEG`, and `val/images` with `val/val_annotations.txt`.

Stanford's course CS231n made it of 200 classes of ImageNet, in 64x64 pixels. The labels of its `test` are not public,
so that `val` is what models are tested on. Class names are the WordNet numbers of the folders, sorted.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from filterfreq.data.archives import list_files, read_files
from filterfreq.data.download import verify
from filterfreq.data.imagefolder import find_classes, save_images
from filterfreq.data.registry import Dataset
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import reading

_ROOT = "tiny-imagenet-200"
_ANNOTATIONS = f"{_ROOT}/val/val_annotations.txt"


def prepare(raw_folder: Path, output_folder: Path, seed: int, dataset: Dataset) -> None:
    """Write Tiny ImageNet as `filterfreq.data.arrays` describes, in its 64x64 pixels.

    Args:
        raw_folder: holds the zip that `dataset.sources` names.
        output_folder: gets `dataset.json` and the arrays.
        seed: fixes the order of the test images.
        dataset: the registry's entry.

    Raises:
        InputError: the zip is missing, damaged or contradicts itself, or holds other numbers than the registry says.
    """
    (source,) = dataset.sources
    path = Path(raw_folder) / source.file
    verify(source, path)
    classes = find_classes(path, list_files(path), f"{_ROOT}/train")
    label_of = {wnid: label for label, wnid in enumerate(classes)}
    train = [(name, label_of[wnid]) for wnid, names in classes.items() for name in names]
    test = _read_annotations(path, label_of)
    splits = (
        ([name for name, _ in split], np.array([label for _, label in split], dtype=np.int64))
        for split in (train, test)
    )
    sources = {source.file: source.checksum}
    save_images(path, output_folder, replace(dataset, classes=tuple(classes)), *splits, seed=seed, sources=sources)


def _read_annotations(path: Path, label_of: dict[str, int]) -> list[tuple[str, int]]:
    """Return the names and labels of the `val` images; a line is file, WordNet number and a box, tab-separated."""
    ((_, content),) = read_files(path, [_ANNOTATIONS])
    found = []
    with reading(f"{_ANNOTATIONS} in {path}", "get a whole copy of the zip"):
        for line in content.decode().splitlines():
            file, wnid, *_ = line.split("\t")
            if wnid not in label_of:
                raise InputError(f"{_ANNOTATIONS} in {path} has the class {wnid!r}, which is not trained on")
            found.append((f"{_ROOT}/val/images/{file}", label_of[wnid]))
    return found
