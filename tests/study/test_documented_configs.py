"""What docs say of the config is what it takes."""

import pytest
import yaml
from study_configs import ROOT, SCHEMA, part, write_documented_study

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.registry import prepare_dataset
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.schemas import load_schema
from filterfreq.study.file_checks import check_files
from filterfreq.study.study import Study

OF_LIBRARIES = {"name", "dataset", "threat_model"}  # of sources that are no file


def test_each_key_of_a_checkpoint_from_a_file_is_explained():
    keys = load_schema(SCHEMA).schema["$defs"]["checkpoint"]["properties"].keys() - OF_LIBRARIES
    text = part("docs/methods.md", "Downloaded models")
    assert {key for key in keys if f"`{key}`" not in text and f"`{key}:" not in text} == {"source"}
    formats = load_schema(SCHEMA).schema["$defs"]["checkpoint"]["properties"]["format"]["enum"]
    assert all(f"`{name}`" in text for name in formats)


def test_the_study_of_images_of_one_s_own_is_prepared_as_it_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = yaml.safe_load(write_documented_study(tmp_path).read_text())
    study = Study(config, SCHEMA)
    check_files(study)
    prepare_dataset(study.dataset("flowers"), tmp_path, tmp_path / "out", 0)
    prepared = PreparedDataset(tmp_path / "out")
    assert list(prepared.classes) == ["rose", "tulip"]
    assert {split: prepared.images(split).shape for split in ("train", "test")} == {
        "train": (2, 64, 64, 3),
        "test": (2, 64, 64, 3),
    }
    assert sorted(prepared.images("test")[:, 0, 0, 0]) == [100, 150]


def test_what_the_page_says_of_one_folder_is_taken_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = yaml.safe_load(write_documented_study(tmp_path).read_text())
    entry = config["data"]["datasets"]["flowers"]
    with pytest.raises(InputError, match=r"write test: test where that folder lies beside train, test_fraction: 0\.2"):
        Study({**config, "data": {"datasets": {"flowers": {**entry, "test_fraction": 0.2}}}}, SCHEMA)
    del entry["train"], entry["test"]
    entry["test_fraction"] = 0.2
    check_files(Study(config, SCHEMA))


def test_high_frequency_components_are_studied_on_digits():
    """As the page says; no batch of a snapshot ends an epoch there, whatever the batch size."""
    config = yaml.safe_load((ROOT / "configs" / "hfc.yaml").read_text())
    for experiment in config["experiments"].values():
        experiment["datasets"] = ["mnist"]
    assert Study(config, SCHEMA).runs
