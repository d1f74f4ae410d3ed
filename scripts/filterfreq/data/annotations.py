"""Images and the boxes of their objects, in COCO's form. Imports no torch.

One JSON file has the images, by number and file name, the categories, by number and name, and the objects, each with
its image, its category and its box: left, top, width and height in pixels (Lin et al., Microsoft COCO: Common Objects
in Context, ECCV 2014; https://cocodataset.org/#format-data).
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from filterfreq.data.archives import list_files, read_files
from filterfreq.data.images import open_image
from filterfreq.runtime.errors import InputError, list_some
from filterfreq.runtime.files import reading
from filterfreq.runtime.schemas import SCHEMAS, check_schema, load_schema

_WHOLE = "replace it by a whole copy"


def read_annotations(path: str | Path, member: str | None = None) -> dict[str, Any]:
    """Read and check annotations in COCO's form.

    Args:
        path: a JSON file, or an archive that has it.
        member: the file's name in the archive.

    Returns:
        Its `images`, `categories` and `annotations`, each a list of mappings as COCO has them.

    Raises:
        InputError: the file is missing, no JSON or not of this form, a number or a file's name stands twice, or an
            object is of an image or a category that is not there.
    """
    path = Path(path)
    where = f"{path}" if member is None else f"{member} in {path}"
    if member is None:
        with reading(path, _WHOLE):
            content = path.read_bytes()
    else:
        content = next(read for _, read in read_files(path, [member]))
    try:
        found = json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is no JSON ({error}): {_WHOLE}") from error
    check_annotations(found, where)
    return {key: found[key] for key in ("images", "categories", "annotations")}


def check_annotations(found: Any, where: str) -> None:
    """Check annotations that were read, as `read_annotations` says; `where` is their file, for the sentence."""
    try:
        check_schema(load_schema(SCHEMAS / "objects.schema.yaml"), found, "it")
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    for key, of in (("images", "id"), ("images", "file_name"), ("categories", "id"), ("annotations", "id")):
        value, count = next(iter(Counter(entry[of] for entry in found[key]).most_common(1)), (None, 0))
        if count > 1:
            raise InputError(f"{where}: {key} have the {of} {value!r} {count} times: give each its own")
    known = {key: {entry["id"] for entry in found[key]} for key in ("images", "categories")}
    for entry in found["annotations"]:
        for key, of in (("image_id", "images"), ("category_id", "categories")):
            if entry[key] not in known[of]:
                raise InputError(
                    f"{where}: object {entry['id']} has the {key} {entry[key]}, which {of} lack: add it there or take "
                    "the object out"
                )


def first_images(annotations: Mapping[str, Any], count: int | None) -> dict[str, Any]:
    """Return annotations of the first images, by their numbers; of all where no count is given.

    Args:
        annotations: as `read_annotations` returns them.
        count: of images.

    Raises:
        InputError: these images have no objects, or crowds alone, which count neither way.
    """
    images = sorted(annotations["images"], key=lambda image: image["id"])[:count]
    kept = {image["id"] for image in images}
    objects = [entry for entry in annotations["annotations"] if entry["image_id"] in kept]
    if all(entry.get("iscrowd") for entry in objects):
        raise InputError(
            f"the annotations have no boxes of single objects on {len(images)} images: there is nothing to be found, "
            "give others, or more images"
        )
    return {**annotations, "images": images, "annotations": objects}


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is no number")


class ObjectImages:
    """The images of annotations, in a folder or an archive, each in its own size.

    Args:
        path: a folder, or a zip or tar. A file lies there by the name that the annotations have, or in one folder.
        file_names: those of the annotations.

    Raises:
        InputError: there is no folder or archive, or it lacks an image.
    """

    def __init__(self, path: str | Path, file_names: Iterable[str]) -> None:
        self.path = Path(path)
        members = list_files(self.path)
        self._members = {name: name for name in members}
        # An archive has most often a folder of its own name around them.
        if len({name.partition("/")[0] for name in members}) == 1:
            self._members |= {name.partition("/")[2]: name for name in members}
        missing = [name for name in file_names if name not in self._members]
        if missing:
            raise InputError(
                f"{self.path} lacks {list_some(missing, most=3)}, which the annotations name: put the images there, or "
                "take them out of the annotations"
            )

    def read(self, file_names: Collection[str]) -> Iterator[tuple[str, np.ndarray]]:
        """Yield names and pixels of some images in the order in which they lie there: uint8, H x W x 3, RGB.

        Raises:
            InputError: a file is no image.
        """
        names = {self._members[name]: name for name in file_names}
        for member, content in read_files(self.path, names):
            yield names[member], np.asarray(open_image(content, f"{self.path}/{member}"))
