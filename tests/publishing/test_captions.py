"""The report's captions say what a table or figure is of, and are reStructuredText."""

from pathlib import Path
from types import SimpleNamespace

import jinja2
import pytest
import yaml
from docutils.core import publish_parts

from filterfreq.data.registry import get_dataset
from filterfreq.publishing.captions import caption, describe_runs, detection_caption, fit_caption
from filterfreq.publishing.registry import read_products
from filterfreq.study.study import Study

ROOT = Path(__file__).parents[2]
PRODUCTS = read_products()
TINY = ROOT / "tests" / "workflow" / "tiny.yaml"
# Of no evaluation of several seeds.
OF_IMAGES = {
    *("figure_samples", "figure_perturbations", "figure_corruption_samples", "figure_first_filters"),
    "figure_filters",
    "figure_components",
    "table_corruption_energy",
}


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
    assert (
        describe_runs(study, "tiny", "texdigits", suites)
        == f"Data set ``texdigits``, model ``resnet_8_2``, seed 0{said}."
    )


def test_captions_say_all_where_the_number_is_not_known():
    config = yaml.safe_load((ROOT / "tests" / "workflow" / "tiny.yaml").read_text())
    config["data"] = {"datasets": {"own": {"kind": "imagefolder", "path": "own", "image_size": 32, "test": "test"}}}
    config["experiments"]["tiny"]["datasets"] = ["own"]
    del config["evaluation"]["cue_conflict"], config["evaluation"]["out_of_distribution"]
    study = Study(config, ROOT / "schemas" / "config.schema.yaml")
    assert describe_runs(study, "tiny", "own", ["clean", "adversarial"]).endswith(
        "images: clean all, adversarial up to 16."
    )


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
    assert describe_runs(study, "part", "imagenet", ["clean", "out_of_distribution"]).endswith(
        "; test images (2 of 50,000 validation images, of 2 of 1,000 classes): clean all."
    )


def rendered(name: str, **params: str) -> str:
    """What the report shows of one of its captions."""
    template = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(
        (ROOT / f"report/{name}.rst").read_text()
    )
    text = template.render(snakemake=SimpleNamespace(params=SimpleNamespace(**params)))
    return publish_parts(text, writer="html", settings_overrides={"report_level": 1, "halt_level": 2})["body"]


OF_DATA = {
    target: product
    for target, product in PRODUCTS.items()
    if product.label.over in ("dataset", "experiment") and product.label.reads != "nothing"
}
OF_DETECTIONS = {target: product for target, product in PRODUCTS.items() if product.label.over == "detection"}
OF_FITS = {target: product for target, product in PRODUCTS.items() if product.label.over in ("fit", "gan")}


@pytest.mark.parametrize("product", OF_FITS.values(), ids=OF_FITS)
def test_captions_of_fits_and_gans_name_networks_and_seeds(product):
    file = {"fit": "learning", "gan": "gans"}[product.label.over]
    config = yaml.safe_load((ROOT / "configs" / "demo" / f"{file}.yaml").read_text(encoding="utf-8"))
    study = Study(config, ROOT / "schemas" / "config.schema.yaml")
    grid = study.grids[product.label.over]
    fit = next(name for name in grid.runs if grid.kind(name) in product.label.needs)
    page = rendered("product", caption=fit_caption(study, product, fit))
    assert "{" not in page
    for name in (fit, *(run.network for run in grid.runs[fit]), f"seed {grid.runs[fit][0].seed}"):
        assert name in page


@pytest.mark.parametrize("product", OF_DETECTIONS.values(), ids=OF_DETECTIONS)
@pytest.mark.parametrize(("images", "said"), [(None, "5,000 images"), (20, "20 images")])
def test_captions_of_detections_name_detector_data_and_images(product, images, said):
    resources = {"threads": 1, "mem_mb": 1, "runtime": 1}
    entry = {"detector": "retinanet_resnet50_fpn", "weights": "COCO_V1", "dataset": "coco-val2017"}
    entry |= {"components": {"low": [128]}} | ({"images": images} if images else {})
    compute = {"device": "cpu", "publish": resources, "evaluate": resources}
    study = Study({"detection": {"one": entry}, "compute": compute}, ROOT / "schemas" / "config.schema.yaml")
    page = rendered("product", caption=detection_caption(study, product, "one"))
    assert "{" not in page
    for name in ("one", "retinanet_resnet50_fpn", "coco-val2017", said):
        assert name in page


# Computed from settings alone.
OF_NOTHING = {target for target, product in PRODUCTS.items() if product.label.reads == "nothing"}


@pytest.mark.parametrize("target", sorted(OF_NOTHING))
def test_captions_of_what_shows_no_model_name_none(target):
    study = Study(yaml.safe_load(TINY.read_text()), ROOT / "schemas" / "config.schema.yaml")
    page = rendered("product", caption=caption(study, PRODUCTS[target], "tiny", {"texdigits": []}))
    assert ("texdigits" if PRODUCTS[target].label.over == "dataset" else "tiny") in page
    assert "{" not in page
    assert not any(said in page for said in ("resnet", "seed 0", "test images", "validation images"))


@pytest.mark.parametrize("product", OF_DATA.values(), ids=OF_DATA)
def test_every_caption_names_what_is_shown(product, monkeypatch):
    study = Study(yaml.safe_load(TINY.read_text()), ROOT / "schemas" / "config.schema.yaml")
    monkeypatch.setattr(study, "extent", lambda dataset: "4 of 9 validation images")
    page = rendered("product", caption=caption(study, product, "tiny", {"texdigits": ["clean"]}))
    of_images = product.target in OF_IMAGES
    assert "texdigits" in page
    assert "{" not in page
    assert ("seed 0" in page) is not of_images
    assert "4 of 9 validation images" in page
    of_means = ("scorecard", "fourier_heat_map", "energy_slopes", "spectra")
    of_means += ("side_by_side", "frequencies_and_robustness", "response_frequency", "filtered_response")
    of_means += ("filter_pca", "filter_coefficients", "filter_shift")  # which pool models
    if product.kind == "figure" and product.name not in of_means and not of_images:
        assert "from the lowest to the highest" in page


def test_the_plans_caption_is_restructured_text():
    assert "make plan" in rendered("table_plan")


def test_captions_name_the_models_that_are_shown():
    """A file of filters has no accuracy."""
    config = yaml.safe_load(TINY.read_text())
    config["checkpoints"] = {"published": {"source": "filters", "path": "dataset.h5", "name": "m"}}
    config["experiments"]["tiny"]["checkpoints"] = ["published"]
    config["evaluation"]["filter_quality"] = {"batch_norm": ["folded"]}
    study = Study(config, ROOT / "schemas" / "config.schema.yaml")
    named = {suite: describe_runs(study, "tiny", "texdigits", [suite]) for suite in ("filters", "filter_quality")}
    assert named["filters"] == "Data set ``texdigits``, model ``resnet_8_2``, seed 0."
    assert named["filter_quality"] == "Data set ``texdigits``, model ``resnet_8_2``, ``filters``, seed 0."
