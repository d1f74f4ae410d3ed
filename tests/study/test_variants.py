from copy import deepcopy

from study_configs import SCHEMA, put

from filterfreq.data.registry import get_dataset
from filterfreq.study.experiments import Run
from filterfreq.study.study import Study


def test_optional_keys_leave_the_specs_of_other_runs_alone(config):
    """A finished run is trained again when its spec changes: it holds what the config says, and nothing besides."""
    run = Run("texdigits", "resnet_8_8", "plain", 0)
    before = Study(deepcopy(config), SCHEMA).spec(run)
    assert before["variant"] == {}
    assert set(before["training"]) == {*config["training"]["default"], "augmentation"}
    config["variants"]["mixed"] = {"mixup": 0.2, "label_smoothing": 0.1, "augmentation_policy": "augmix"}
    config["experiments"]["demo"]["variants"].append("mixed")
    study = Study(config, SCHEMA)
    assert study.spec(run) == before
    assert study.spec(run._replace(variant="mixed"))["variant"] == config["variants"]["mixed"]


def test_settings_go_from_general_to_particular(config):
    config["training"]["models"] = {"resnet_8": {"epochs": 7, "batch_size": 64}}
    config["training"]["datasets"] = {"texdigits": {"epochs": 8}}
    config["variants"]["plain"]["augmentation"] = "flip"
    config["experiments"]["demo"]["models"] = ["resnet_8"]
    study = Study(config, SCHEMA)
    training = study.spec(Run("texdigits", "resnet_8", "wd", 0))["training"]
    assert (training["epochs"], training["batch_size"]) == (8, 64)
    assert training["augmentation"] == get_dataset("texdigits").augmentation
    assert study.spec(Run("texdigits", "resnet_8", "plain", 0))["training"]["augmentation"] == "flip"


def test_penalties_of_an_experiment_are_read_from_settings(config):
    put(config, "experiments/demo/sweep", {"penalty.strength": [0.01, 0.1]})
    put(config, "variants/wd-penalty/mixup", 0.2)
    penalties = Study(config, SCHEMA).penalties("demo", "texdigits")
    highest = {"kind": "highest", "depth": 1}
    # Without a variant that mixes images and has no penalty, what is beside the penalty has no label.
    mixed, sd = "decomposition: weight, mixup: 0.2", "decomposition: signal"
    assert penalties == {
        "wd-penalty": {**highest, "strength": 0.01, "beside": mixed},
        "wd-penalty_strength-0.1": {**highest, "strength": 0.1, "beside": mixed},
        "sd-penalty": {**highest, "strength": 0.01, "beside": sd},
        "sd-penalty_strength-0.1": {**highest, "strength": 0.1, "beside": sd},
    }
    del config["variants"]["wd-penalty"]["mixup"]
    assert Study(config, SCHEMA).penalties("demo", "texdigits")["wd-penalty"]["beside"] == "WD"
