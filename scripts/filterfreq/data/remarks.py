"""Sentences about images, names and classes that may be other than their owner thinks."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import PurePosixPath

import numpy as np

from filterfreq.data.archives import IMAGE_SUFFIXES
from filterfreq.data.image_files import ImageFiles
from filterfreq.data.images import is_transparent, is_turned
from filterfreq.data.registry import DATASETS, ImageFolder, Rendering
from filterfreq.runtime.errors import list_some
from filterfreq.runtime.text import one_line

_LOOKED_AT = 1000  # images in files whose orientation and transparency are looked at


def remarks_on_names(names: Collection[str], splits: Mapping[str, dict[str, list[str]]]) -> list[str]:
    """Return how many files in the class folders are no images, and how many images are in none of these folders.

    Args:
        names: those of all files of a folder or an archive.
        splits: by the folder of the class folders, as for `find_classes`, what that returns.
    """
    used = {name for split in splits.values() for found in split.values() for name in found}
    insides = [path_inside(names, folder).parts for folder in splits]
    suffixes: Counter[str] = Counter()
    elsewhere: Counter[str] = Counter()
    for name in map(PurePosixPath, names):
        if str(name) in used:
            continue
        if name.suffix.lower() in IMAGE_SUFFIXES:
            elsewhere[f"in {name.parent}"] += 1
        elif any(name.parts[: len(parts)] == parts and len(name.parts) > len(parts) + 1 for parts in insides):
            suffixes[name.suffix.lower() or "without"] += 1
    found = []
    if suffixes:
        found.append(f"left out of the class folders, by suffix: {_count_phrase(suffixes)}")
    if elsewhere:
        found.append(f"left out, in no class folder: images, {_count_phrase(elsewhere)}")
    return found


def remarks_on_classes(classes: Collection[str], train: Collection[str] | None, test: Collection[str]) -> list[str]:
    """Return how many classes have no images to train or to test on.

    Args:
        classes: all of them.
        train: those with training images; None where there are none to train on.
        test: those with test images.
    """
    found = []
    for kind, having in (("training", classes if train is None else train), ("test", test)):
        missing = [label for label in classes if label not in having]
        if missing:
            names = one_line(list_some(missing))
            found.append(f"without {kind} images: {len(missing)} of {len(classes)} classes, {names}")
    return found


def remarks_on_statistics(dataset: ImageFolder) -> list[str]:
    """Say so where mean and std are those of the data set that the classes are of, and not measured."""
    known = DATASETS[dataset.classes_of] if dataset.classes_of else None
    if known is None or None in (known.mean, known.std) or (dataset.mean, dataset.std) != (known.mean, known.std):
        return []
    return [f"mean and std are those of {known.name}, whose classes it has"]


def _count_phrase(counts: Counter[str]) -> str:
    return one_line(list_some(f"{number} {what}" for what, number in counts.most_common()))


def remarks_on_images(images: Iterable[tuple[str, bytes]], rendering: Rendering) -> list[str]:
    """Return how many images are turned by their EXIF data, or transparent, and what becomes of them.

    Args:
        images: names and contents of image files.
        rendering: how they are read.

    Raises:
        InputError: one is no image.
    """
    total = turned = transparent = 0
    for name, content in images:
        total += 1
        turned += is_turned(content)
        transparent += is_transparent(content, name)
    found = []
    if turned:
        how = "turned" if rendering.upright else "taken as they lie there (upright: true turns them)"
        found.append(f"with an orientation in their EXIF data, {how}: {turned} of {total} images")
    if transparent:
        how = (
            f"shown on {rendering.background}"
            if rendering.background
            else "taken with the colours stored there (background: white or black shows through)"
        )
        found.append(f"transparent in places, {how}: {transparent} of {total} images")
    return found


def remarks_on_files(files: ImageFiles, seed: int) -> list[str]:
    """Return `remarks_on_images` of a thousand images in files, which the seed draws, or of all."""
    drawn = np.random.default_rng((seed, 3)).permutation(len(files))[:_LOOKED_AT]
    names = [files.names[index] for index in drawn]
    return remarks_on_images(((str(files.folder / name), files.content(name)) for name in names), files.rendering)


def path_inside(names: Collection[str], folder: str) -> PurePosixPath:
    """Return the folder of the class folders, where everything lies in one folder with this one before it.

    Where that one has images and no folder, it is the only class folder itself.
    """
    inside = PurePosixPath(folder)
    if not inside.parts and not any(name.count("/") > 1 for name in names):
        return inside
    tops = {name.partition("/")[0] for name in names if "/" in name}
    return PurePosixPath(*tops, inside) if len(tops) == 1 and inside.parts[:1] != tuple(tops) else inside
