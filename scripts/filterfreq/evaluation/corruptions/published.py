"""Published corrupted test images, in the order of the prepared ones. Imports no torch.

Hendrycks and Dietterich, Benchmarking Neural Network Robustness to Common Corruptions and Perturbations, ICLR 2019; on
Zenodo under CC BY 4.0. There are two layouts:

- CIFAR-10-C and CIFAR-100-C: a tar holds, in one folder of its own name, `<corruption>.npy`, uint8, 5N x 32 x 32 x 3,
  all test images at severity 1 first, and `labels.npy`, 5N, both in the order of CIFAR's own test images.
- ImageNet-C and Tiny-ImageNet-C: tars hold `<corruption>/<severity>/<class>/<image>`, in a folder or in none. The
  names of ImageNet-C's images are those of ImageNet's validation images; those of Tiny-ImageNet-C's tell nothing, as
  these were cut from ImageNet's validation images anew.
"""

import io
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from filterfreq.data.archives import extract, list_files, read_files
from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.download import verify
from filterfreq.data.image_files import ImageFiles
from filterfreq.data.images import decode_image
from filterfreq.data.shifted.registry import LARGEST_IN_ARRAYS, CorruptedImages
from filterfreq.evaluation.corruptions import CORRUPTIONS, SEVERITIES
from filterfreq.evaluation.corruptions.generation import generate
from filterfreq.evaluation.corruptions.stored import CHECKSUMS_FILE, FILES_FOLDER, PUBLISHED_FILE
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import read_json, reading, replacing, sha256, write_json

_IMAGE = re.compile(r"(?:.*/)?(?P<corruption>\w+)/(?P<severity>[1-5])/(?P<image>[^/]+/[^/]+)")


def reorder(
    archives: Sequence[str | Path],
    published: CorruptedImages,
    dataset: PreparedDataset,
    folder: str | Path,
    images: int | None = None,
    corruptions: Iterable[str] = tuple(CORRUPTIONS),
    *,
    seed: int = 0,
    processes: int = 1,
    announce: Callable[[str], None] = print,
) -> None:
    """Write the published images, in the form in which `generation.generate` writes its own, and which they are.

    The i-th image of each severity is made of the i-th prepared test image. Of arrays `test_order` says where that was
    in the source's order, and the published labels must be its label there. Of files the name says it where test images
    are files too; otherwise the i-th image is one of the same class, another for each i.

    Images of up to 64 pixels become arrays; larger ones stay in files, of which those wanted are unpacked, and
    `<corruption>.json` lists them. Corruptions that files lack are generated.

    Args:
        archives: the tars, in the order of the sources.
        published: their description.
        dataset: the prepared data set.
        folder: where `<corruption>.npy` or `.json` and their checksums go.
        images: how many of the first prepared test images are wanted; None for all.
        corruptions: names in `CORRUPTIONS`.
        seed: of the images that are generated.
        processes: how many generate side by side.
        announce: takes one line for each corruption.

    Raises:
        InputError: an archive is missing, damaged, or not made of this data set's test images.
    """
    archives, folder, corruptions = [Path(path) for path in archives], Path(folder), list(corruptions)
    for source, archive in zip(published.sources, archives, strict=True):
        verify(source, archive)
    if published.layout == "arrays":
        (archive,) = archives
        checksums = _take_arrays(archive, dataset, folder, images, corruptions, announce)
    else:
        checksums = _take_files(archives, published.resize, dataset, folder, images, corruptions, announce)
    taken = list(checksums)
    missing = [corruption for corruption in corruptions if corruption not in checksums]
    if missing:
        generate(dataset.images("test")[:images], folder, seed, missing, processes, announce)
        checksums |= read_json(folder / CHECKSUMS_FILE)
    write_json(folder / CHECKSUMS_FILE, checksums)
    write_json(folder / PUBLISHED_FILE, {"corruptions": taken})


def _take_arrays(
    archive: Path,
    dataset: PreparedDataset,
    folder: Path,
    images: int | None,
    corruptions: list[str],
    announce: Callable[[str], None],
) -> dict[str, str]:
    """Write arrays of CIFAR-10-C's layout, and return their checksums by corruption."""
    order, labels = dataset.array("test_order"), dataset.labels("test")
    top = archive.stem
    ((_, content),) = read_files(archive, [f"{top}/labels.npy"])
    published = _array(content, f"{top}/labels.npy in {archive}")
    if published.shape != (len(SEVERITIES) * len(order),) or not all(
        np.array_equal(block[order], labels) for block in published.reshape(len(SEVERITIES), -1)
    ):
        raise InputError(
            f"the labels in {archive} are not those of {dataset.name}'s test images in {dataset.folder}: "
            "prepare the data set again, or generate the corruptions"
        )
    wanted = {f"{top}/{corruption}.npy": corruption for corruption in corruptions}
    shape = (len(published), *dataset.images("test").shape[1:])
    checksums = {}
    for number, (name, content) in enumerate(read_files(archive, wanted), start=1):
        corrupted = _array(content, f"{name} in {archive}")
        if corrupted.dtype != np.uint8 or corrupted.shape != shape:
            raise InputError(
                f"{name} in {archive} holds {corrupted.dtype} {list(corrupted.shape)} where uint8 {list(shape)} is "
                "needed: get a whole copy"
            )
        blocks = corrupted.reshape(len(SEVERITIES), len(order), *shape[1:])[:, order[:images]]
        checksums[wanted[name]] = _save(folder / f"{wanted[name]}.npy", blocks.reshape(-1, *shape[1:]))
        announce(_line(number, len(wanted), wanted[name]))
    return checksums


def _take_files(
    archives: list[Path],
    resize: int | None,
    dataset: PreparedDataset,
    folder: Path,
    images: int | None,
    corruptions: list[str],
    announce: Callable[[str], None],
) -> dict[str, str]:
    """Write what ImageNet-C's layout holds of the corruptions, and return the checksums by corruption."""
    # By corruption the archive, and by severity and "class/image" the name in it.
    found: dict[str, tuple[Path, dict[tuple[int, str], str]]] = {}
    for archive in archives:
        for name in list_files(archive):
            match = _IMAGE.fullmatch(name)
            if match and match["corruption"] in corruptions:
                names = found.setdefault(match["corruption"], (archive, {}))[1]
                names[int(match["severity"]), match["image"]] = name
    if not found:
        raise InputError(f"{archives[0]} holds no <corruption>/<severity>/<class>/<image>: get the published archive")
    test_images, labels = dataset.images("test"), dataset.labels("test")
    own = [PurePosixPath(name).name for name in test_images.names] if isinstance(test_images, ImageFiles) else []
    classes = [dataset.classes[label] for label in labels][:images]
    size = test_images.shape[1]
    checksums = {}
    for number, corruption in enumerate(filter(found.__contains__, corruptions), start=1):
        archive, names = found[corruption]
        chosen = _match_images(f"{corruption} in {archive}", names, own, classes)
        wanted = {names[severity, image]: (severity, image) for severity in SEVERITIES for image in chosen}
        if size <= LARGEST_IN_ARRAYS:
            rows = {name: row for row, name in enumerate(wanted)}
            array = np.empty((len(wanted), size, size, 3), dtype=np.uint8)
            for name, content in read_files(archive, rows):
                array[rows[name]] = decode_image(content, f"{name} in {archive}", size, resize)
            checksums[corruption] = _save(folder / f"{corruption}.npy", array)
        else:
            targets = {name: f"{corruption}/{severity}/{image}" for name, (severity, image) in wanted.items()}
            extract(archive, folder / FILES_FOLDER, targets)
            index = folder / f"{corruption}.json"
            write_json(index, {"size": size, "names": list(targets.values())})
            checksums[corruption] = sha256(index)
        announce(_line(number, len(found), corruption))
    return checksums


def _match_images(where: str, names: dict[tuple[int, str], str], own: list[str], classes: list[str]) -> list[str]:
    """Return the "class/image" that stands for each test image.

    Args:
        where: what to call the published images in messages.
        names: theirs, by severity and "class/image".
        own: the names of all test images, where they have some.
        classes: of each of the first test images the class.
    """
    published = sorted({image for _, image in names})
    for severity in SEVERITIES:
        for image in published:
            if (severity, image) not in names:
                raise InputError(f"{where} lacks {severity}/{image}: get a whole copy")
    by_name = {PurePosixPath(image).name: image for image in published}
    if own and set(own) <= by_name.keys():
        chosen = [by_name[name] for name in own[: len(classes)]]
        for image, label in zip(chosen, classes, strict=True):
            if image.partition("/")[0] != label:
                raise InputError(f"{where} has {image}, but the test image is a {label}: generate the corruptions")
        return chosen
    images_by_class = defaultdict(list)
    for image in reversed(published):
        images_by_class[image.partition("/")[0]].append(image)
    chosen = []
    for label in classes:
        if not images_by_class[label]:
            raise InputError(f"{where} has fewer images of the class {label} than are tested: generate the corruptions")
        chosen.append(images_by_class[label].pop())
    return chosen


def _line(number: int, count: int, corruption: str) -> str:
    return f"corruption {number:2d}/{count}  {corruption:<17}  published"


def _save(file: Path, array: np.ndarray) -> str:
    with replacing(file) as temporary:
        np.save(temporary, array, allow_pickle=False)
    return sha256(file)


def _array(content: bytes, name: str) -> np.ndarray:
    with reading(name, "get a whole copy"):
        # Of a zip or a pickle numpy's load would make something else.
        return np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
