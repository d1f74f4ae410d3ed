"""The section `detection` of a config: what it asks for, and what is refused."""

import json
from copy import deepcopy
from pathlib import Path

import pytest
from evaluation.detection.objects import BOX, annotations
from PIL import Image

from filterfreq.data.objects import OBJECT_DATASETS
from filterfreq.planning.costs import CostModel
from filterfreq.runtime.errors import InputError
from filterfreq.study.detections import DetectionFiles, DetectionRun
from filterfreq.study.file_checks import check_files
from filterfreq.study.study import Study

SCHEMA = Path(__file__).parents[2] / "schemas" / "config.schema.yaml"
COCO = {
    "detector": "retinanet_resnet50_fpn",
    "weights": "COCO_V1",
    "dataset": "coco-val2017",
    "components": {"low": [128], "high": [128]},
}
RESOURCES = {"threads": 1, "mem_mb": 1000, "runtime": 10}
COMPUTE = {"device": "cpu", "publish": RESOURCES, "evaluate": RESOURCES}


def make_study(entry: dict | None = None, **sections) -> Study:
    config = {"detection": {"one": COCO if entry is None else entry}, "compute": COMPUTE, **sections}
    return Study(deepcopy(config), SCHEMA)


def changed(**values) -> dict:
    """The entry of COCO with other values; None takes a key out."""
    return {key: value for key, value in {**COCO, **values}.items() if value is not None}


def test_an_entry_is_completed_and_says_all_that_fixes_its_results():
    detections = make_study().detections
    assert detections.runs == [DetectionRun("one")]
    assert detections.spec(DetectionRun("one")) == {
        "run": {"detection": "one", "dataset": "coco-val2017", "detector": "retinanet_resnet50_fpn"},
        "source": {"name": "retinanet_resnet50_fpn", "source": "torchvision", "weights": "COCO_V1"},
        "images": None,
        "settings": {
            "components": {"low": [128], "high": [128]},
            "mask": "strict",
            "rescale": "none",
            "clip": False,
            "batch_size": 1,
        },
    }
    assert detections.own_files("one") is None


def test_weights_are_downloaded_once_as_checkpoints_are():
    study = make_study(
        detection={"one": COCO, "two": changed(mask="non_strict"), "three": changed(weights=None, path="w.pt")}
    )
    source = {"name": "retinanet_resnet50_fpn", "source": "torchvision", "weights": "COCO_V1"}
    assert study.detections.checkpoints == {"retinanet_resnet50_fpn-COCO_V1": source}
    assert study.source("retinanet_resnet50_fpn-COCO_V1") == source
    assert study.detections.checkpoint("three") is None
    url = make_study(changed(weights=None, url="https://127.0.0.1/w-01234567.pt", sha256="0" * 64))
    assert url.source("detector-one") == {
        "source": "file",
        "url": "https://127.0.0.1/w-01234567.pt",
        "sha256": "0" * 64,
    }


def test_a_plan_counts_each_image_whole_and_in_each_component():
    assert CostModel(make_study()).work_of_detection("one").own.forward == 5_000 * 3
    some = make_study(changed(images=20, components={"low": [8, 16]}))
    assert CostModel(some).work_of_detection("one").own.forward == 20 * 3
    own = make_study(changed(dataset={"name": "mine", "images": "a", "annotations": "b"}))
    assert CostModel(own).work_of_detection("one") is None


def test_a_folder_of_raw_files_may_hold_them_unpacked(tmp_path):
    sections = {"data": {"raw": {"coco-val2017": str(tmp_path)}}}
    known = OBJECT_DATASETS["coco-val2017"]
    packed = DetectionFiles(
        str(tmp_path / "val2017.zip"), str(tmp_path / known.annotations.file), known.annotation_file
    )
    study = make_study(**sections)
    assert study.detections.own_files("one") == packed
    with pytest.raises(InputError, match=r"^data.raw.coco-val2017: there is no .*val2017\.zip"):
        check_files(study)
    (tmp_path / "val2017").mkdir()
    (tmp_path / "annotations").mkdir()
    (tmp_path / known.annotation_file).write_text("{}")
    unpacked = DetectionFiles(str(tmp_path / "val2017"), str(tmp_path / known.annotation_file), None)
    assert study.detections.own_files("one") == unpacked
    check_files(study)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (
            changed(detector="retinanet"),
            "detection.one.detector: unknown detector 'retinanet': choose one of retinanet_resnet50_fpn",
        ),
        (changed(weights="COCO_V2"), "detection.one.weights: unknown weights 'COCO_V2': did you mean 'COCO_V1'"),
        (
            changed(weights=None),
            "detection.one: does not say which weights its detector has, give one of weights, path",
        ),
        (changed(path="w.pt"), "detection.one: has weights and path, give one of weights, path and url"),
        (changed(sha256="0" * 64), "detection.one.sha256: it is of a file that is downloaded"),
        (changed(dataset="coco"), "detection.one.dataset: unknown data set of objects 'coco'"),
        (
            changed(dataset={"name": "coco-val2017", "images": "a", "annotations": "b"}),
            "detection.one.dataset.name: 'coco-val2017' is in the registry: give yours another name",
        ),
        (changed(dataset={"name": "mine", "images": "a"}), "detection.one.dataset: 'annotations' is missing"),
        (changed(components={"low": [0]}), "detection.one.components.low.0: 0 is out of range"),
        (changed(components={"high": [-4]}), "detection.one.components.high.0: -4 is out of range"),
        (changed(components={}), "detection.one.components"),
        (changed(components={"all": [4]}), "detection.one.components: unknown key 'all'"),
        (changed(mask="soft"), "detection.one.mask"),
        (changed(images=0), "detection.one.images: 0 is out of range"),
        (changed(components=None), "detection.one: 'components' is missing"),
        (changed(weights=None, path="a{b}"), "detection.one.path: 'a{b}' has a brace"),
        (
            changed(dataset={"name": "mine", "images": "{a}", "annotations": "b"}),
            "detection.one.dataset.images: '{a}' has a brace",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(entry, said):
    with pytest.raises(InputError) as caught:
        make_study(entry)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_names_under_which_something_else_is_kept_are_refused():
    checkpoint = {"source": "torchvision", "name": "resnet18", "weights": "IMAGENET1K_V1"}
    with pytest.raises(InputError, match=r"^checkpoints.retinanet_resnet50_fpn-COCO_V1: the files of detection.one"):
        make_study(checkpoints={"retinanet_resnet50_fpn-COCO_V1": checkpoint})
    with pytest.raises(InputError, match=r"^compute: 'evaluate' is missing, which detection.one needs"):
        make_study(compute={"device": "cpu", "publish": RESOURCES})


@pytest.fixture
def made(tmp_path) -> dict:
    """A data set of one's own, of two images."""
    (tmp_path / "images").mkdir()
    for number in (1, 2):
        Image.new("RGB", (20, 10)).save(tmp_path / "images" / f"{number}.png")
    (tmp_path / "objects.json").write_text(json.dumps(annotations((1, 1, BOX), images=2)))
    (tmp_path / "w.pt").write_bytes(b"PK\3\4")
    dataset = {"name": "made", "images": str(tmp_path / "images"), "annotations": str(tmp_path / "objects.json")}
    return changed(weights=None, path=str(tmp_path / "w.pt"), dataset=dataset)


def test_data_of_ones_own_is_checked_before_any_work(made, tmp_path):
    def check(study: Study) -> None:
        check_files(study)
        study.detections.check_content()

    def refusal() -> str:
        with pytest.raises(InputError) as caught:
            check(make_study(made))
        assert "\n" not in str(caught.value)
        return str(caught.value)

    check(make_study(made))
    (tmp_path / "objects.json").write_text(json.dumps(annotations(images=2)))
    assert refusal().startswith("detection.one.dataset: the annotations have no boxes of single objects on 2 images")
    (tmp_path / "objects.json").write_text(json.dumps(annotations((1, 1, BOX), images=3)))
    assert "images lacks 3.png, which the annotations name" in refusal()
    # Those that are not asked for need not be there.
    make_study(made | {"images": 2}).detections.check_content()
    (tmp_path / "objects.json").unlink()
    assert refusal() == f"detection.one.dataset: there is no {tmp_path / 'objects.json'}"
    (tmp_path / "w.pt").write_text("<html>")
    assert refusal().startswith(f"detection.one.path: {tmp_path / 'w.pt'} is a page of the web")
    (tmp_path / "w.pt").unlink()
    assert refusal() == f"detection.one.path: there is no file {tmp_path / 'w.pt'}"
