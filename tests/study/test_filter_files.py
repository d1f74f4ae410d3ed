"""Checkpoints that are files of filters: what is measured of them, and what is refused before the first job."""

from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from onnx import helper
from oracles.filter_database import write_models
from study_configs import LOCAL, SCHEMA, TRANSFER, put

from filterfreq.evaluation.filters.filter_layer import FilterLayer
from filterfreq.planning.costs import CostModel
from filterfreq.runtime.errors import InputError
from filterfreq.study.claims_files import can_test, claims_of_study
from filterfreq.study.file_checks import check_files
from filterfreq.study.filter_files import check_names
from filterfreq.study.measurable import remarks
from filterfreq.study.study import Study
from filterfreq.study.targets import check_target

RUN = "results/runs/{dataset}/{model}/{variant}/seed-{seed}"
HDF5 = {"source": "filters", "path": "dataset.h5", "name": "m"}
ONNX = {"source": "filters", "path": "m.onnx", "model": "resnet_8_2"}


@pytest.fixture
def filters_config(downloaded) -> dict:
    """A model of somebody's, and beside it filters of an HDF5 and of an ONNX file."""
    downloaded["checkpoints"] = {"published": dict(HDF5), "exported": dict(ONNX), "local": dict(LOCAL)}
    downloaded["experiments"]["pairs"] |= {"checkpoints": ["published", "exported", "local"]}
    downloaded["evaluation"] = {
        "batch_size": 8,
        "clean": {},
        "filters": {},
        "filter_quality": {"batch_norm": ["folded"]},
    }
    return downloaded


@pytest.fixture
def files(tmp_path, monkeypatch) -> Path:
    """The files of that config, as far as a plan reads them."""
    monkeypatch.chdir(tmp_path)
    layer = FilterLayer("conv1", 0, 0, 0.0, np.ones((2, 3, 3, 3), np.float32))
    write_models(tmp_path / "dataset.h5", {"m": [layer], "other-model": [layer]})
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [], [])
    (tmp_path / "m.onnx").write_bytes(helper.make_model(graph).SerializeToString())
    (tmp_path / "m.pt").write_bytes(b"PK\x03\x04")
    return tmp_path


def refusal(config: dict) -> str:
    with pytest.raises(InputError) as caught:
        Study(config, SCHEMA)
    return str(caught.value)


def test_filter_quality_alone_measures_them(filters_config):
    study = Study(filters_config, SCHEMA)
    published, exported, local = study.runs
    assert (published.model, exported.model) == ("filters", "resnet_8_2")
    assert [study.is_filter_file(run) for run in study.runs] == [True, True, False]
    assert study.suites_of(published) == study.suites_of(exported) == ["filter_quality"]
    assert study.suites_of(local) == ["clean", "filters", "filter_quality"]
    assert study.classifiers_of("pairs", "texdigits") == [local]
    assert study.spec(published) == {"run": published._asdict(), "source": HDF5}
    assert study.baseline("pairs") == "local"  # although it comes last
    said = [line for line in remarks(study) if "a file of filters" in line]
    assert said == [
        f"evaluation.{suite}: not for the checkpoints published and exported: a file of filters has no model"
        for suite in ("clean", "filters")
    ]


def test_a_plan_has_nothing_to_time_of_them(filters_config):
    models = {entry["unit"]["model"] for entry in CostModel(Study(filters_config, SCHEMA)).units()}
    assert models == {"resnet_8_2"}
    filters_config["experiments"]["pairs"]["checkpoints"] = ["published"]
    del filters_config["evaluation"]["clean"], filters_config["evaluation"]["filters"]
    study = Study(filters_config, SCHEMA)
    assert CostModel(study).units() == []
    assert study.baseline("pairs") == "published"


def test_of_a_data_set_that_shows_nothing_no_image_is_needed(filters_config):
    filters_config["experiments"] = {"i": {"datasets": ["imagenet"], "checkpoints": ["published"]}}
    filters_config["checkpoints"] = {"published": {**HDF5, "dataset": "imagenet"}}
    for suite in ("clean", "filters"):
        del filters_config["evaluation"][suite]
    assert not Study(filters_config, SCHEMA).needs_images("imagenet")


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (
            "checkpoints/published",
            {"source": "filters"},
            "checkpoints.published: path missing, which the source filters",
        ),
        (
            "checkpoints/exported/architecture",
            "resnet_20",
            "exported.architecture: means nothing to the source filters",
        ),
        ("checkpoints/exported/normalisation", "none", "exported.normalisation: means nothing to the source filters"),
        ("checkpoints/exported/url", "https://a.org/m.onnx", "exported.url: means nothing to the source filters"),
        ("checkpoints/published/dataset", "cifar1", "checkpoints.published.dataset: "),
        ("checkpoints/published/dataset", "cifar100", "'published' knows 100 classes and texdigits has 10"),
        (
            "experiments/pairs/baseline",
            "published",
            "experiments.pairs.baseline: 'published' is a file of filters, and the baseline is what corruption errors",
        ),
        (
            "variants",
            {"low": {"from": "exported", "low_pass_kernels": {"below": 2, "layers": "all"}}},
            "variants.low.from: 'exported' is a file of filters, of which no model can be made",
        ),
        (
            "evaluation/transfer",
            {**TRANSFER, "source": "published"},
            "evaluation.transfer.source: 'published' is a file of filters, which has no model to make attacks on",
        ),
        (
            "evaluation/first_layer",
            {"source": "published"},
            "evaluation.first_layer.source: 'published' is a file of filters, which has no model to make attacks on",
        ),
        (
            "evaluation/filter_quality/batch_norm",
            ["separate"],
            "evaluation.filter_quality.batch_norm: asks for separate, but of published there are only filters with",
        ),
        (
            "evaluation/filter_quality/batch_norm",
            ["folded", "separate"],
            "filter_quality.batch_norm: asks for separate",
        ),
        (
            "evaluation/datasets",
            {"texdigits": {"filter_quality": {"batch_norm": ["separate", "folded"]}}},
            "evaluation.datasets.texdigits.filter_quality.batch_norm: asks for separate, but of published there",
        ),
    ],
)
def test_what_cannot_be_is_one_sentence(filters_config, path, value, sentence):
    put(filters_config, path, value)
    assert sentence in refusal(filters_config)
    assert "\n" not in refusal(filters_config)


def test_suites_that_need_a_model_are_refused_where_there_is_none(filters_config):
    filters_config["experiments"]["pairs"]["checkpoints"] = ["published", "exported"]
    assert "evaluation.clean: texdigits cannot have it: its checkpoints are files of filters" in refusal(filters_config)
    filters_config["evaluation"] = {"batch_size": 8, "filter_quality": {"batch_norm": ["folded"]}}
    assert Study(filters_config, SCHEMA).suites("texdigits") == ["filter_quality"]


def test_what_an_onnx_file_holds_is_known_to_its_job(filters_config):
    filters_config["experiments"]["pairs"]["checkpoints"] = ["exported", "local"]
    filters_config["evaluation"]["filter_quality"]["batch_norm"] = ["separate", "folded"]
    assert Study(filters_config, SCHEMA).suites_of(Study(filters_config, SCHEMA).runs[0]) == ["filter_quality"]


def test_files_that_are_right_are_let_through(filters_config, files):
    study = Study(filters_config, SCHEMA)
    check_files(study)
    check_names(study)


@pytest.mark.parametrize(
    ("checkpoint", "content", "sentence"),
    [
        ("published", None, "checkpoints.published.path: there is no {path}"),
        ("exported", None, "checkpoints.exported.path: there is no {path}"),
        ("exported", b"", "checkpoints.exported.path: {path} is empty"),
        ("exported", b"<!DOCTYPE html>", "checkpoints.exported.path: {path} is a page of the web"),
        ("exported", b"version https://git-lfs", "checkpoints.exported.path: {path} is a pointer of Git LFS"),
        ("exported", b"\x1f\x8b", "checkpoints.exported.path: {path} is compressed"),
        ("exported", b"PK\x03\x04", "checkpoints.exported.path: {path} is neither an HDF5 nor an ONNX file"),
        ("published", b"\x80\x02", "checkpoints.published.path: {path} is neither an HDF5 nor an ONNX file"),
        ("published", b"\x08\x07", "checkpoints.published.name: {path} is an ONNX file, which holds one model"),
        (
            "exported",
            b"\x89HDF\r\n\x1a\n",
            "checkpoints.exported.name: is missing, and {path} is an HDF5 file of several models",
        ),
        ("local", b"\x89HDF\r\n\x1a\n", "checkpoints.local.path: {path} is an HDF5 file, as Keras writes it"),
    ],
)
def test_files_that_are_seen_to_be_wrong_are_refused(filters_config, files, checkpoint, content, sentence):
    path = filters_config["checkpoints"][checkpoint]["path"]
    if content is None:
        Path(path).unlink()
    else:
        Path(path).write_bytes(content)
    with pytest.raises(InputError) as caught:
        check_files(Study(filters_config, SCHEMA))
    assert str(caught.value).startswith(sentence.format(path=path))
    if content is None:
        Path(path).mkdir()
        with pytest.raises(InputError, match=r"\.path: \S+ is a folder: name the file of filters in it"):
            check_files(Study(filters_config, SCHEMA))


def test_models_that_an_hdf5_file_does_not_have_are_refused(filters_config, files):
    filters_config["checkpoints"]["published"]["name"] = "other-modle"
    with pytest.raises(InputError, match=r"checkpoints\.published\.name: unknown model of dataset\.h5 .*'other-model'"):
        check_names(Study(filters_config, SCHEMA))
    write_models(files / "dataset.h5", {"n": [FilterLayer("", 0, 0, 0.0, np.ones((1, 1, 3, 3)))]})
    filters_config["checkpoints"]["published"]["name"] = "m"
    with pytest.raises(InputError, match=r"checkpoints\.published\.name: unknown model of dataset\.h5 'm': .*'?n'?$"):
        check_names(Study(filters_config, SCHEMA))
    filters_config["checkpoints"]["published"]["name"] = "n"
    write_models(files / "dataset.h5", {"n": [FilterLayer("", 0, 0, 0.0, np.ones((1, 1, 3, 3)))]}, "cifar100")
    with pytest.raises(InputError, match=r"^checkpoints\.published: dataset\.h5 says .* trained on cifar100, and"):
        check_names(Study(filters_config, SCHEMA))
    (files / "dataset.h5").write_bytes((files / "dataset.h5").read_bytes()[:2000])
    with pytest.raises(InputError, match=r"^checkpoints\.published\.path: dataset\.h5 is damaged or not what it"):
        check_names(Study(filters_config, SCHEMA))


@pytest.mark.parametrize("file", ["model.safetensors", "run.json", "perturbations.npz"])
def test_what_only_a_model_has_is_no_target(filters_config, file):
    study, folder = Study(filters_config, SCHEMA), "results/runs/texdigits/filters/published/seed-0"
    with pytest.raises(
        InputError, match=f"'published' is a file of filters and has no {file}, ask for its evaluations"
    ):
        check_target(study, f"{folder}/{file}", [RUN])
    check_target(study, f"{folder}/filters.json", [RUN])
    check_target(study, f"{folder}/evaluations/filter_quality.csv", [f"{RUN}/evaluations/{{suite}}.csv", RUN])
    with pytest.raises(InputError, match=r"evaluation\.clean is not for published: a file of filters has no model"):
        check_target(study, f"{folder}/evaluations/clean.csv", [f"{RUN}/evaluations/{{suite}}.csv", RUN])


def test_claims_are_tested_where_their_suites_are_measured(filters_config):
    pairs = [{"treatment": "published", "control": name} for name in ("local", "exported")]
    put(filters_config, "experiments/pairs/pairs", pairs)
    study = Study(filters_config, SCHEMA)
    claims = {suite: {"measure": {"suite": suite, "metric": "m"}} for suite in ("clean", "filter_quality")}
    over = {suite: can_test(study, {**claim, "over": "pairs"}, "pairs", "texdigits") for suite, claim in claims.items()}
    sides = {"treatment": "exported", "control": "local"}
    named = {suite: can_test(study, {**claim, **sides}, "pairs", "texdigits") for suite, claim in claims.items()}
    assert over == named == {"clean": False, "filter_quality": True}


def test_claims_on_filters_that_are_not_measured_are_refused(filters_config, tmp_path):
    root = SCHEMA.parents[1]
    schema, lens = root / "schemas" / "claims.schema.yaml", (root / "claims" / "lens.yaml").read_text()
    (tmp_path / "separate.yaml").write_text(lens.replace("batch_norm: shown", "batch_norm: separate"))
    pairs = [{"treatment": "published", "control": name} for name in ("local", "exported")]
    put(filters_config, "experiments/pairs/pairs", pairs)
    put(filters_config, "claims", ["claims/lens.yaml"])
    claims, _ = claims_of_study(Study(filters_config, SCHEMA), [root], schema)
    assert {claim["measure"]["suite"] for claim in claims.values()} == {"filter_quality"}
    put(filters_config, "claims", ["separate.yaml"])
    with pytest.raises(InputError, match=r"where\.batch_norm: 'separate' is not measured, .* has folded"):
        claims_of_study(Study(filters_config, SCHEMA), [tmp_path], schema)
    unfolded = deepcopy(filters_config)
    unfolded["experiments"]["pairs"] |= {"checkpoints": ["exported", "local", "more"]}
    unfolded["checkpoints"]["more"] = {**ONNX, "path": "more.onnx"}
    put(unfolded, "experiments/pairs/pairs", [{"treatment": name, "control": "local"} for name in ("exported", "more")])
    unfolded["evaluation"]["filter_quality"]["batch_norm"] = ["separate"]
    claims, _ = claims_of_study(Study(unfolded, SCHEMA), [tmp_path], schema)
    assert {claim["measure"]["suite"] for claim in claims.values()} == {"filter_quality"}


def test_the_accuracies_that_an_hdf5_file_gives_are_published_ones(filters_config, files):
    study = Study(filters_config, SCHEMA)
    (dataset,) = study.datasets
    # The file that the oracle writes has no accuracy under attack.
    assert study.published_accuracies("pairs", dataset)["published"] == {
        "clean": 0.9,
        "robust": None,
        "norm": "",
        "epsilon": "",
    }
    assert "exported" not in study.published_accuracies("pairs", dataset)
