"""Detection in the workflow: downloads from a server, a detector of random weights, and boxes whose mAP is known."""

import hashlib
import json
import zipfile
from collections import Counter
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import torchvision
from PIL import Image
from servers import serving

from filterfreq.evaluation.detection.registry import DETECTION
from filterfreq.evaluation.reading import read_results

CONFIG = """
detection:
  made:
    detector: retinanet_resnet50_fpn
    url: {url}
    dataset: coco-val2017
    images: 2
    components: {{low: [8], high: [8]}}
compute:
  device: cpu
  evaluate: {{threads: 2, mem_mb: 4000, runtime: 10}}
  publish: {{threads: 1, mem_mb: 1000, runtime: 10}}
"""
PRODUCTS = Counter(["table_detection", "figure_detection"])
MEASURED = Counter(["score_detections"]) + PRODUCTS
MOST = 100  # detections of a category on an image that COCO's measures count
# Flat, so that the detector, which scales the longer side to 1,333 pixels, has little to do.
SIZE = (20, 160)


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


def make_detector(file: Path) -> torch.nn.Module:
    """A detector of random weights that finds much of category 1 and nothing of 0, and its file."""
    torch.manual_seed(0)
    detector = torchvision.models.get_model(
        "retinanet_resnet50_fpn", weights=None, weights_backbone=None, num_classes=2
    )
    with torch.no_grad():
        layer = detector.head.classification_head.cls_logits
        layer.weight.mul_(30)
        layer.bias.copy_(torch.tensor([-9.0, 0.0]).repeat(9))
    torch.save(detector.state_dict(), file)
    return detector.eval()


def make_images(web: Path, detector: torch.nn.Module) -> None:
    """Archives as COCO has them, of three images on which the objects are what the detector finds."""
    generator = np.random.default_rng(0)
    images, objects = [], []
    with zipfile.ZipFile(web / "val2017.zip", "w") as archive:
        for number in (1, 2, 3):
            pixels = generator.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
            pixels[5:15, 40:90] = (200, 30, 30)
            Image.fromarray(pixels).save(web / "image.png")
            archive.write(web / "image.png", f"val2017/{number:012}.png")
            images.append({"id": number, "file_name": f"{number:012}.png"})
            with torch.no_grad():
                [found] = detector([torch.from_numpy(pixels).permute(2, 0, 1).float() / 255])
            boxes = found["boxes"].double()[:MOST]
            boxes[:, 2:] -= boxes[:, :2]
            assert (boxes[:, 2:] > 0).all()
            assert len(boxes) == MOST
            objects += [{"image_id": number, "category_id": 1, "bbox": box} for box in boxes.tolist()]
    for number, entry in enumerate(objects, start=1):
        entry |= {"id": number, "area": entry["bbox"][2] * entry["bbox"][3], "iscrowd": 0}
    content = {"images": images, "annotations": objects, "categories": [{"id": 1, "name": "red_box"}]}
    with zipfile.ZipFile(web / "annotations_trainval2017.zip", "w") as archive:
        archive.writestr("annotations/instances_val2017.json", json.dumps(content))


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.slow
def test_detection_from_downloads_to_table_and_figure(unstarted, tmp_path):
    web, folder = tmp_path / "web", unstarted.folder
    web.mkdir()
    make_images(web, make_detector(tmp_path / "detector.pt"))
    weights = f"detector-{digest(tmp_path / 'detector.pt')[:8]}.pt"
    (tmp_path / "detector.pt").rename(web / weights)
    registry = "scripts/filterfreq/data/objects.py"
    for name, path, checksum, size in (
        (
            "val2017.zip",
            "zips/val2017.zip",
            "4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05",
            815585330,
        ),
        (
            "annotations_trainval2017.zip",
            "annotations/annotations_trainval2017.zip",
            "113a836d90195ee1f884e704da6304dfaaecff1f023f49b6ca93c4aaae470268",
            252907541,
        ),
    ):
        unstarted.edit(registry, path, name)
        unstarted.edit(registry, checksum, digest(web / name))
        unstarted.edit(registry, f"{size:_}", str((web / name).stat().st_size))

    with serving(partial(Handler, directory=web), tmp_path, "good") as server:
        unstarted.edit(registry, "https://s3.amazonaws.com/images.cocodataset.org/", f"{server.address}/")
        (folder / "tiny.yaml").write_text(CONFIG.format(url=f"{server.address}/{weights}"))
        computed = Counter({"download": 2, "download_checkpoint": 1, "detect": 1, "score_detections": 1})
        assert unstarted.plan().jobs == computed + PRODUCTS
        assert unstarted.plan("table_detection").jobs == computed + Counter(["table_detection"])
        trusting = ("env", f"REQUESTS_CA_BUNDLE={tmp_path / 'certificate.pem'}")
        outcome = unstarted.snakemake(prefix=trusting)
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert unstarted.plan().jobs == Counter()

    results = read_results([folder / "results/detection/made/results.csv"], suite="detection", known=DETECTION)
    precisions = results[results["metric"] == "mAP"].set_index("pass")["value"]
    assert precisions["original"] == pytest.approx(1)
    assert 0 <= precisions["high"] < 1
    assert precisions["low"] < 1
    assert set(results[results["metric"] == "mAP"]["n"]) == {2}
    better = results[results["metric"] == "better_than_original"]
    assert better["value"].tolist() == [0, 0]
    assert pd.read_csv(folder / "results/detection/made/better_than_original.csv").empty
    record = json.loads((folder / "results/detection/made/run.json").read_text())
    assert record["settings"]["components"] == {"low": [8], "high": [8]}
    assert record["images_done"] == 2
    assert record["provenance"]["files"]["images"] == digest(web / "val2017.zip")
    assert not (folder / "results/detection/made/detections.parts").exists()
    table = (folder / "results/tables/detection/made/detection.txt").read_text()
    assert "retinanet_resnet50_fpn on 2 images of coco-val2017" in " ".join(table.split())
    assert "100.0" in table
    assert (folder / "results/figures/detection/made/detection.png").stat().st_size > 1000

    # Nothing is downloaded again, and only what hangs on a change is due.
    unstarted.edit("tiny.yaml", "images: 2", "mask: non_strict\n    images: 2")
    assert unstarted.plan().jobs == MEASURED + Counter(["detect"])
    unstarted.edit("tiny.yaml", "mask: non_strict\n    ", "")
    with open(folder / "scripts/filterfreq/evaluation/detection/scoring.py", "a") as file:
        file.write("\n# changed\n")
    assert unstarted.plan().jobs == MEASURED

    # What another study has made with other settings is not overwritten.
    (folder / "other.yaml").write_text((folder / "tiny.yaml").read_text().replace("[8]", "[4]"))
    refused = unstarted.snakemake("--dry-run", config="other.yaml")
    said = refused.stdout + refused.stderr
    assert "results/detection/made was made for tiny.yaml with other settings" in said
    assert "give the detection 'made' another name" in said


def test_what_is_not_there_is_refused_at_planning(unstarted):
    (unstarted.folder / "tiny.yaml").write_text(CONFIG.format(url="https://127.0.0.1/detector-01234567.pt"))
    for target, said in (
        ("results/detection/none/results.csv", "unknown detection 'none'"),
        ("results/tables/detection/none/detection.csv", "unknown detection 'none'"),
    ):
        refused = unstarted.snakemake("--dry-run", target)
        assert refused.returncode == 1
        assert said in refused.stdout + refused.stderr
        assert "Traceback" not in refused.stdout + refused.stderr
    refused = unstarted.snakemake("--dry-run", "table_main")
    assert "There is no table_main to make" in refused.stdout + refused.stderr
    unstarted.edit("tiny.yaml", "dataset: coco-val2017", "dataset: {name: own, images: images, annotations: own.json}")
    refused = unstarted.snakemake("--dry-run")
    assert "The config is refused. detection.made.dataset: there is no images" in refused.stdout + refused.stderr
    (unstarted.folder / "images").mkdir()
    content = {"images": [{"id": 1, "file_name": "1.png"}], "categories": [{"id": 1, "name": "a"}], "annotations": []}
    (unstarted.folder / "own.json").write_text(json.dumps(content))
    refused = unstarted.snakemake("--dry-run")
    assert "have no boxes of single objects on 1 images" in refused.stdout + refused.stderr
    content["annotations"] = [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1], "area": 1}]
    (unstarted.folder / "own.json").write_text(json.dumps(content))
    refused = unstarted.snakemake("--dry-run")
    assert "images lacks 1.png, which the annotations name" in refused.stdout + refused.stderr
