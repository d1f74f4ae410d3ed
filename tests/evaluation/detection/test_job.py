"""Detection by a simple detector: what is shown to it, in which order, and how an interrupted job goes on."""

import numpy as np
import pytest
import torch
from evaluation.detection.objects import SETTINGS, annotations
from PIL import Image
from torch import nn

from filterfreq.data.annotations import ObjectImages
from filterfreq.evaluation.detection import job as job_module
from filterfreq.evaluation.detection.components import component, to_image
from filterfreq.evaluation.detection.examples import SHOWN_SCORE, gather_examples
from filterfreq.evaluation.detection.job import DetectionJob, detect
from filterfreq.evaluation.detection.parts import Parts, read_arrays
from filterfreq.evaluation.detection.registry import Pass
from filterfreq.evaluation.detection.scoring import score
from filterfreq.runtime.errors import InputError, StoppedError

SIZES = {1: (12, 30), 2: (25, 10), 3: (16, 16), 4: (9, 40), 5: (20, 21)}


class Brightest(nn.Module):
    """Finds one box on each image: around it all, of category 2, whose score is the image's mean red."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Module()
        self.head.classification_head = nn.Module()
        self.head.classification_head.num_classes = 3
        self.seen: list[list[torch.Tensor]] = []

    def forward(self, images: list[torch.Tensor]) -> list[dict[str, torch.Tensor]]:
        self.seen.append(images)
        assert not self.training
        return [
            {
                "boxes": torch.tensor([[0.0, 1.0, image.shape[2], image.shape[1]]]),
                "labels": torch.tensor([2]),
                "scores": image[0].mean()[None],
            }
            for image in images
        ]


@pytest.fixture
def images(tmp_path) -> ObjectImages:
    """Images of five sizes."""
    folder = tmp_path / "images"
    folder.mkdir()
    generator = np.random.default_rng(0)
    for number, (height, width) in SIZES.items():
        pixels = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return ObjectImages(folder, [f"{number}.png" for number in SIZES])


def make_job(images: ObjectImages, tmp_path, fingerprint: str = "a", **settings) -> DetectionJob:
    return DetectionJob(
        detector=Brightest(),
        settings={**SETTINGS, **settings},
        annotations=annotations((1, 2, (0, 0, 5, 5)), images=len(SIZES)),
        images=images,
        device=torch.device("cpu"),
        fingerprint=fingerprint,
        parts=tmp_path / "parts",
    )


def test_each_image_is_shown_whole_and_then_its_components(images, tmp_path):
    job = make_job(images, tmp_path, batch_size=2)
    found = detect(job).detections()
    assert found.keys() == {"original", "low-4"}
    assert [len(batch) for batch in job.detector.seen] == [2, 2, 2, 2, 1, 1]
    for number, (height, width) in SIZES.items():
        [(name, pixels)] = images.read([f"{number}.png"])
        assert name == f"{number}.png"
        whole = to_image(pixels, "cpu")
        low = component(whole, Pass("low", 4), "strict", "none", clip=False)
        for kind, image in (("original", whole), ("low-4", low)):
            row = found[kind][number - 1]
            assert row[:5].tolist() == [number, 0, 1, width, height - 1]
            assert row[5:].tolist() == [pytest.approx(image[0].mean().item()), 2]
    # The mean is in the low component.
    np.testing.assert_allclose(found["original"][:, 5], found["low-4"][:, 5], atol=1e-6)


def test_what_was_interrupted_goes_on_and_ends_with_the_same_bytes(images, tmp_path, monkeypatch):
    monkeypatch.setattr(job_module, "_IMAGES_OF_A_PART", 2)
    whole = tmp_path / "whole.npz"
    detect(make_job(images, tmp_path / "other")).save(whole)

    asked = iter([False, False, True])
    stopped = make_job(images, tmp_path)
    object.__setattr__(stopped, "stop", lambda: next(asked))
    with pytest.raises(StoppedError, match=r"^stopped after 2 of 5 images, run again") as caught:
        detect(stopped)
    assert caught.value.progressed

    lines: list[str] = []
    again = make_job(images, tmp_path)
    object.__setattr__(again, "announce", lines.append)
    parts = detect(again)
    assert len(again.detector.seen) == 2 * 3
    assert lines[0] == f"goes on after 2 images, kept in {tmp_path / 'parts'}"
    assert lines[1:] == ["4 of 5 images"]
    parts.save(tmp_path / "resumed.npz")
    assert (tmp_path / "resumed.npz").read_bytes() == whole.read_bytes()
    assert read_arrays(whole).keys() == {"original", "low-4"}
    parts.remove()
    assert not (tmp_path / "parts").exists()


def test_parts_of_another_job_and_damaged_ones_are_not_used(images, tmp_path, monkeypatch):
    monkeypatch.setattr(job_module, "_IMAGES_OF_A_PART", 2)
    detect(make_job(images, tmp_path))
    assert len(Parts(tmp_path / "parts", "a").done) == 5
    assert Parts(tmp_path / "parts", "b").done == set()
    second = tmp_path / "parts" / "000001.npz"
    second.write_bytes(second.read_bytes()[:-30])
    assert len(Parts(tmp_path / "parts", "a").done) == 2  # and none of those after it
    again = make_job(images, tmp_path)
    assert len(detect(again).detections()["original"]) == 5
    assert len(again.detector.seen) == 2 * 3


def test_detections_that_were_changed_are_refused(images, tmp_path):
    file = tmp_path / "detections.npz"
    detect(make_job(images, tmp_path)).save(file)
    with np.load(file) as arrays:
        changed = {name: arrays[name] + 1 for name in arrays.files}
    np.savez(file, **changed)
    with pytest.raises(InputError, match=r"detections\.npz"):
        read_arrays(file)
    file.write_bytes(b"no zip")
    with pytest.raises(InputError, match="is damaged or not what it should be"):
        read_arrays(file)


def test_a_category_that_the_detector_lacks_is_refused(images, tmp_path):
    job = make_job(images, tmp_path)
    job.annotations["categories"].append({"id": 3, "name": "fork"})
    with pytest.raises(InputError, match=r"have category 3, but the detector's categories are 0 to 2: number"):
        detect(job)
    assert job.detector.seen == []


def test_examples_are_what_gains_most(images, tmp_path):
    objects = annotations((2, 2, (0, 1, 10, 24)), (3, 2, (0, 1, 16, 15)), (4, 2, (0, 1, 40, 8)), images=5)
    detections = detect(make_job(images, tmp_path)).detections()
    detections["original"] = detections["original"][detections["original"][:, 0] != 4]  # not found there
    detections["low-4"][3, 5] = SHOWN_SCORE
    detections["low-4"][2, 5] = SHOWN_SCORE - 0.01
    _, image_map = score(objects, detections, SETTINGS)
    examples = gather_examples(objects, images, detections, image_map, SETTINGS)
    assert [str(examples[f"{row}/file_name"]) for row in range(3)] == ["4.png", "2.png", "3.png"]
    assert [float(examples[f"0/{name}/precision"]) for name in ("original", "low-4")] == [0, pytest.approx(1)]
    assert examples["0/original/boxes"].shape == (0, 6)
    assert examples["0/low-4/boxes"].tolist() == [[0, 1, 40, 8, 2, SHOWN_SCORE]]
    assert examples["2/low-4/boxes"].shape == (0, 6)
    assert examples["0/truth"].tolist() == [[0, 1, 40, 8, 2]]
    assert examples["0/original/pixels"].shape == (9, 40, 3)
    [(_, pixels)] = images.read(["4.png"])
    assert (examples["0/original/pixels"] == pixels).all()
    assert dict(zip(examples["categories"].tolist(), examples["names"].tolist(), strict=True)) == {1: "cup", 2: "spoon"}
