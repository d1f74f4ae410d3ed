"""The report's captions say what a table or figure is of, and are reStructuredText."""

import re
from pathlib import Path
from types import SimpleNamespace

import jinja2
import pytest
import yaml
from docutils.core import publish_parts

from filterfreq.data.registry import get_dataset
from filterfreq.publishing.captions import shown
from filterfreq.study.study import Study

ROOT = Path(__file__).parents[2]
# Of no evaluation of several seeds.
OF_IMAGES = {"figure_samples", "figure_perturbations", "figure_corruption_samples"}


@pytest.mark.parametrize(
    ("changes", "suites", "said"),
    [
        ({}, ["clean", "adversarial", "autoattack"], "; test images: clean 1,000, adversarial 16, autoattack 2 and 4"),
        ({"corruption": {}}, ["corruption", "cue_conflict"], "; test images: corruption 1,000"),
        ({"corruption": {"images": 5000}}, ["corruption"], "; test images: corruption 1,000"),
        ({}, ["filters"], ""),
    ],
)
def test_captions_name_data_set_models_seeds_and_images(changes, suites, said):
    config = yaml.safe_load((ROOT / "tests" / "workflow" / "tiny.yaml").read_text())
    config["evaluation"] |= changes
    study = Study(config, ROOT / "schemas" / "config.schema.yaml")
    assert shown(study, "tiny", "texdigits", suites) == f"Data set ``texdigits``, model ``resnet_8_2``, seed 0{said}."


def test_captions_say_all_where_the_number_is_not_known():
    config = yaml.safe_load((ROOT / "tests" / "workflow" / "tiny.yaml").read_text())
    config["data"] = {"datasets": {"own": {"kind": "imagefolder", "path": "own", "image_size": 32, "test": "test"}}}
    config["experiments"]["tiny"]["datasets"] = ["own"]
    del config["evaluation"]["cue_conflict"], config["evaluation"]["out_of_distribution"]
    study = Study(config, ROOT / "schemas" / "config.schema.yaml")
    assert shown(study, "tiny", "own", ["clean", "adversarial"]).endswith("images: clean all, adversarial up to 16.")


def test_captions_say_which_part_of_imagenet_is_here(tmp_path):
    for label in (3, 999):
        folder = tmp_path / "val" / get_dataset("imagenet").classes[label]
        folder.mkdir(parents=True)
        (folder / "one.jpg").touch()
    config = yaml.safe_load((ROOT / "configs" / "imagenet.yaml").read_text())
    config["data"] = {"raw": {"imagenet": str(tmp_path)}}
    config["checkpoints"] = {
        "mine": {"source": "file", "path": "mine.pt", "architecture": "resnet_20", "normalisation": "none"}
    }
    config["checkpoints"]["mine"]["normalisation"] = "dataset"
    config["experiments"] = {"part": {"datasets": ["imagenet"], "checkpoints": ["mine"]}}
    study = Study(config, ROOT / "schemas" / "config.schema.yaml")
    assert shown(study, "part", "imagenet", ["clean", "out_of_distribution"]).endswith(
        "; test images (2 of 50,000 validation images, of 2 of 1,000 classes): clean all."
    )


@pytest.mark.parametrize("file", sorted((ROOT / "report").glob("*_*.rst")), ids=lambda file: file.stem)
def test_every_caption_names_what_is_shown(file):
    kind, _, name = file.stem.partition("_")
    rule = f"{'draw' if kind == 'figure' else 'tabulate'}_{name}"
    rules = "".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    body = re.search(rf"^rule {rule}:\n(.*?)(?=^rule |\Z)", rules, re.DOTALL | re.MULTILINE)[1]
    params = {"extent": "Of a-1, these are 4 of 9 validation images."} if "extent=" in body else {}
    params |= {"shown": "Data set ``a-1``, model ``net_``, seed 0, 1."} if "shown=" in body else {}
    given = SimpleNamespace(
        wildcards=SimpleNamespace(dataset="a-1", experiment="main"), params=SimpleNamespace(**params)
    )
    text = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(file.read_text()).render(snakemake=given)
    page = publish_parts(text, writer="html", settings_overrides={"report_level": 1, "halt_level": 2})["body"]
    if file.stem != "table_plan":
        assert "a-1" in page
        assert ("seed 0, 1" in page) is (file.stem not in OF_IMAGES)
        assert ("4 of 9 validation images" in page) is (file.stem in OF_IMAGES)
    if kind == "figure" and name not in ("scorecard", "samples", "perturbations", "corruption_samples"):
        assert "from the lowest to the highest" in page
