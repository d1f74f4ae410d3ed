import json

import pytest
from study_configs import SCHEMA

from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import write_json
from filterfreq.study.ownership import check_owners
from filterfreq.study.study import Study

OTHER = ["configs/demo/core.yaml"]


@pytest.fixture
def runs(config, tmp_path):
    """What says where records lie, beside finished runs of a study like `config` that another config file asked for."""

    def record_path(run):
        return tmp_path.joinpath(*map(str, run), "run.json")

    study = Study(config, SCHEMA)
    for run in study.runs:
        # Written and read, as a record is.
        record = json.loads(json.dumps({**study.spec(run), "provenance": {"config": OTHER}}))
        write_json(record_path(run), record)
    return record_path


def change_record(path, change) -> None:
    record = json.loads(path.read_text())
    del record["content_sha256"]
    change(record)
    write_json(path, record)


def test_a_run_of_another_study_with_other_settings_is_refused(config, runs, tmp_path):
    config["training"]["default"]["epochs"] = 6
    study = Study(config, SCHEMA)
    with pytest.raises(InputError) as caught:
        check_owners(study, ["config.yaml"], runs)
    folder = tmp_path / "texdigits/resnet_8_8/plain/0"
    names = ", ".join(dict.fromkeys(f"'{run.variant}'" for run in study.runs))
    assert str(caught.value) == (
        f"{folder} and {len(study.runs) - 1} more were made for configs/demo/core.yaml with other settings "
        f"(training.epochs was 5 and is 6): give {names} other names in this config, or move {folder} and the others "
        "elsewhere to have them made again"
    )


@pytest.mark.parametrize(
    "config_files", [["configs/demo/core.yaml", "b.yaml"], ["b.yaml", "configs/demo/core.yaml"], ["core.yaml"]]
)
def test_only_all_files_in_their_order_are_the_same_study(config, runs, config_files):
    config["variants"]["plain"]["mixup"] = 1
    with pytest.raises(InputError, match=r"/plain/0 .* \(variant\.mixup was not set and is 1\):"):
        check_owners(Study(config, SCHEMA), config_files, runs)


def test_a_setting_that_is_left_out_is_a_difference(config, runs):
    change_record(runs(Study(config, SCHEMA).runs[0]), lambda record: record["training"].update(ema=0.9))
    with pytest.raises(InputError, match=r"with other settings \(training\.ema was 0\.9 and is not set\): give"):
        check_owners(Study(config, SCHEMA), ["config.yaml"], runs)


def test_a_checkpoint_in_the_folder_of_a_variant_is_refused(downloaded, tmp_path):
    study = Study(downloaded, SCHEMA)
    write_json(tmp_path / "run.json", {"variant": {}, "training": {}, "provenance": {"config": OTHER}})
    with pytest.raises(
        InputError, match=r"\(run\.dataset was not set and is texdigits\).*: give 'carmon', 'local' other names"
    ):
        check_owners(study, ["config.yaml"], lambda run: tmp_path / "run.json")


def test_a_study_makes_its_own_runs_again(config, runs):
    config["training"]["default"]["epochs"] = 6
    check_owners(Study(config, SCHEMA), OTHER, runs)


def test_studies_share_equal_runs_whatever_else_differs(config, runs):
    config["training"]["default"] = dict(reversed(config["training"]["default"].items()))
    config["variants"]["plain"]["label"] = "another"
    config["evaluation"]["batch_size"] += 1
    check_owners(Study(config, SCHEMA), ["config.yaml"], runs)


@pytest.mark.parametrize("provenance", [None, {}, {"config": None}, {"config": "core.yaml"}, {"config": [1]}, "x"])
def test_a_run_that_does_not_say_whose_it_is_may_be_made_again(config, runs, provenance):
    config["training"]["default"]["epochs"] = 6
    study = Study(config, SCHEMA)
    for run in study.runs:
        change_record(runs(run), lambda record: record.update(provenance=provenance))
    check_owners(study, ["config.yaml"], runs)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"provenance": {"config": ["a"]}, "content_sha256": "0"}'])
def test_a_record_that_cannot_be_read_is_left_to_the_job_that_needs_it(config, runs, damage):
    config["training"]["default"]["epochs"] = 6
    study = Study(config, SCHEMA)
    for run in study.runs:
        runs(run).write_text(damage)
    check_owners(study, ["config.yaml"], runs)


def test_what_is_not_there_is_nobodys(config, tmp_path):
    check_owners(Study(config, SCHEMA), ["config.yaml"], lambda run: tmp_path / "nowhere" / "run.json")


def test_derived_runs_and_their_sources_are_a_studys_too(config, tmp_path):
    """A source is made again for what is made from it, although no experiment has it."""
    config["variants"]["hidden"] = {}
    config["variants"]["low"] = {"from": "hidden", "low_pass_kernels": {"below": 2, "layers": "first"}}
    config["experiments"]["demo"]["variants"] = ["plain", "low"]

    def record_path(run):
        return tmp_path / run.variant / str(run.seed) / "run.json"

    study = Study(config, SCHEMA)
    for run in study.all_runs:
        write_json(record_path(run), {**study.spec(run), "provenance": {"config": OTHER}})
    check_owners(study, ["config.yaml"], record_path)
    config["variants"]["low"]["low_pass_kernels"]["below"] = 1
    with pytest.raises(InputError, match=r"/low/0 and 1 .* \(derived\.low_pass_kernels\.below was 2 and is 1\)"):
        check_owners(Study(config, SCHEMA), ["config.yaml"], record_path)
    config["variants"]["low"]["low_pass_kernels"]["below"] = 2
    config["variants"]["hidden"]["mixup"] = 1
    with pytest.raises(InputError, match=r"/hidden/0 and 1 more were .* \(variant\.mixup was not set and is 1\)"):
        check_owners(Study(config, SCHEMA), ["config.yaml"], record_path)
