"""Annotations in COCO's form, and their images in folders and archives."""

import json
import zipfile
from copy import deepcopy

import numpy as np
import pytest
from evaluation.detection.objects import BOX, annotations
from PIL import Image

from filterfreq.data.annotations import ObjectImages, first_images, read_annotations
from filterfreq.runtime.errors import InputError

MADE = annotations((1, 1, BOX), (2, 2, BOX), images=3)


def write(tmp_path, content) -> str:
    file = tmp_path / "objects.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(file)


def test_annotations_are_read_from_a_file_and_from_an_archive(tmp_path):
    more = {**MADE, "info": {"year": 2017}, "licenses": []}
    assert read_annotations(write(tmp_path, more)) == MADE
    archive = tmp_path / "annotations.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("annotations/captions.json", "{}")
        opened.writestr("annotations/instances.json", json.dumps(MADE))
    assert read_annotations(archive, "annotations/instances.json") == MADE
    with pytest.raises(InputError, match=r"annotations\.zip lacks annotations/none\.json"):
        read_annotations(archive, "annotations/none.json")


def test_the_first_images_are_those_of_the_lowest_numbers():
    mixed = {**MADE, "images": MADE["images"][::-1]}
    found = first_images(mixed, 2)
    assert [image["id"] for image in found["images"]] == [1, 2]
    assert found["annotations"] == MADE["annotations"]
    assert [entry["image_id"] for entry in first_images(mixed, 1)["annotations"]] == [1]
    assert first_images(MADE, None) == MADE


def test_images_without_boxes_of_single_objects_are_refused():
    crowd = deepcopy(MADE)
    for entry in crowd["annotations"]:
        entry["iscrowd"] = 1
    for content in ({**MADE, "annotations": []}, crowd):
        with pytest.raises(InputError, match="have no boxes of single objects on 3 images"):
            first_images(content, None)


def change(key: str, number: int, **values) -> dict:
    changed = deepcopy(MADE)
    changed[key][number] |= values
    return changed


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("no json", "objects.json is no JSON ("),
        ("[]", "objects.json: it: "),
        ("NaN", "NaN is no number"),
        ({**MADE, "images": []}, "objects.json: images"),
        ({"images": MADE["images"]}, "'categories' is missing"),
        (change("annotations", 0, bbox=[1, 2, 3]), "annotations.0.bbox: "),
        (change("annotations", 0, bbox=[1, 2, -3, 4]), "annotations.0.bbox.2: -3 is out of range"),
        (change("annotations", 0, image_id=9), "object 1 has the image_id 9, which images lack"),
        (change("annotations", 1, category_id=7), "object 2 has the category_id 7, which categories lack"),
        (change("annotations", 1, id=1), "annotations have the id 1 2 times"),
        (change("images", 1, id=1), "images have the id 1 2 times"),
        (change("images", 1, file_name="1.png"), "images have the file_name '1.png' 2 times"),
    ],
)
def test_what_is_no_annotation_is_refused_in_one_sentence(tmp_path, content, said):
    with pytest.raises(InputError) as caught:
        read_annotations(write(tmp_path, content))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"none\.json is missing"):
        read_annotations(tmp_path / "none.json")


@pytest.fixture
def folder(tmp_path):
    """Two images of different sizes, one of them grey."""
    folder = tmp_path / "images"
    folder.mkdir()
    Image.fromarray(np.full((4, 9, 3), (1, 2, 3), np.uint8)).save(folder / "1.png")
    Image.fromarray(np.full((7, 5), 8, np.uint8)).save(folder / "2.png")
    return folder


@pytest.mark.parametrize("above", ["", "val/", None])
def test_images_are_read_from_a_folder_or_an_archive_with_or_without_a_folder_around_them(folder, tmp_path, above):
    path = folder
    if above is not None:
        path = tmp_path / "images.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(folder.iterdir()):
                archive.write(file, f"{above}{file.name}")
    images = dict(ObjectImages(path, ["2.png", "1.png"]).read(["1.png", "2.png"]))
    assert (images["1.png"] == np.full((4, 9, 3), (1, 2, 3))).all()
    assert (images["2.png"] == np.full((7, 5, 3), 8)).all()


def test_images_that_are_missing_or_are_none_are_refused(folder):
    with pytest.raises(InputError, match=r"images lacks 3.png, which the annotations name"):
        ObjectImages(folder, ["1.png", "3.png"])
    # Of several folders none is taken for granted.
    for name in ("a", "b"):
        (folder / name).mkdir()
        (folder / name / "4.png").write_bytes((folder / "1.png").read_bytes())
    with pytest.raises(InputError, match=r"lacks 4\.png"):
        ObjectImages(folder, ["4.png"])
    assert len(list(ObjectImages(folder, ["a/4.png"]).read(["a/4.png"]))) == 1
    (folder / "1.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"1.png is no readable image"):
        list(ObjectImages(folder, ["1.png"]).read(["1.png"]))
