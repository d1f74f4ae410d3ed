from copy import deepcopy

import pytest
from study_configs import CARMON, FREE, LOCAL, RESNET50, SCHEMA, WITH_TAG, put

from filterfreq.runtime.errors import InputError
from filterfreq.study.experiments import Run
from filterfreq.study.file_checks import check_files
from filterfreq.study.study import Study


def test_a_sweep_whose_names_are_too_long_for_a_folder_is_refused(config):
    name = "v" * 100
    config["variants"][name] = config["variants"]["dct-penalty"]
    sweep = {"penalty.strength": [0.1 + 0.2], "penalty.kind": ["all"], "penalty.layers": ["third"]}
    config["experiments"]["demo"] |= {"variants": [name], "sweep": sweep}
    assert len(Study(config, SCHEMA).runs) == 2
    sweep |= {"label_smoothing": [1 / 3], "mixup": [1 / 3], "gaussian_noise": [1 / 3]}
    config["variants"][name] |= {"label_smoothing": 0.1, "mixup": 1, "gaussian_noise": 1}
    with pytest.raises(InputError, match=r"^experiments\.demo\.sweep: 'v+.*' is the name of a folder and has 2\d\d"):
        Study(config, SCHEMA)


def test_numbers_of_a_variant_can_be_swept(config):
    config["variants"]["mixed"] = {"label": "mixed", "mixup": 0.2}
    config["variants"]["free"] = {"label": "free", "adversarial_training": FREE}
    config["experiments"]["demo"] |= {
        "variants": ["plain", "mixed", "free"],
        "sweep": {"mixup": [0.2, 1], "adversarial_training.replays": [8]},
    }
    study = Study(config, SCHEMA)
    assert study.labels("demo", "texdigits") == {
        "plain": "plain",
        "mixed": "mixed",
        "mixed_mixup-1": "mixed, mixup α = 1",
        "free_replays-8": "free, 8 replays",
    }
    assert study.spec(Run("texdigits", "resnet_8_8", "mixed_mixup-1", 0))["variant"] == {"mixup": 1}


def test_a_sweep_adds_exactly_its_runs(config):
    before = Study(deepcopy(config), SCHEMA).runs
    put(config, "experiments/demo/sweep", {"penalty.strength": [0.01, 0.1]})
    after = Study(config, SCHEMA)
    added = set(after.runs) - set(before)
    assert set(before) <= set(after.runs)
    seeds = config["experiments"]["demo"]["seeds"]
    assert added == {
        Run("texdigits", config["experiments"]["demo"]["models"][0], f"{base}_strength-0.1", seed)
        for base in ("dct-penalty", "dct-signal-penalty")
        for seed in seeds
    }
    added_spec = after.spec(next(iter(sorted(added))))
    assert added_spec["variant"]["penalty"] == {"kind": "highest", "strength": 0.1, "layers": "all"}
    assert after.labels("demo", "texdigits")["dct-penalty_strength-0.1"] == "DCT + penalty, λ = 0.1"


def test_experiments_share_their_runs(config):
    config["experiments"]["again"] = deepcopy(config["experiments"]["demo"])
    study = Study(config, SCHEMA)
    assert study.experiments["again"] == study.experiments["demo"] == study.runs


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        ({"penalty.strength": [0.1, -1]}, r"experiments\.demo\.sweep\.penalty\.strength: -1 is out of range"),
        (
            {"adversarial_training.epsilon": ["2/255", "8"]},
            r"^experiments\.demo\.sweep\.adversarial_training\.epsilon: epsilon 8 bounds nothing",
        ),
        (
            {"adversarial_training.replays": [2]},
            r"^experiments\.demo\.sweep\.adversarial_training\.replays: means nothing to the attack",
        ),
        ({"penalty.strength": []}, r"experiments\.demo\.sweep\.penalty\.strength: is empty"),
        ({"penalty.kind": ["high"]}, r"experiments\.demo\.sweep\.penalty\.kind: 'high' is none of"),
        ({"penalty.strenght": [1]}, r"experiments\.demo\.sweep: unknown key 'penalty\.strenght': did you mean"),
    ],
)
def test_a_wrong_sweep_is_refused(config, sweep, message):
    put(config, "experiments/demo/sweep", sweep)
    with pytest.raises(InputError, match=message):
        Study(config, SCHEMA)


def test_lists_that_ask_for_too_much_are_refused_before_anything_is_made(config):
    sweep = {
        "penalty.strength": [n / 100 for n in range(1000)],
        "penalty.layers": ["all", "half", "third"],
        "penalty.kind": ["all"] * 99,
    }
    put(config, "experiments/demo/sweep", sweep)
    with pytest.raises(InputError, match=r"penalty\.kind: has the same value twice"):
        Study(config, SCHEMA)
    sweep["penalty.kind"] = [f"kind {n}" for n in range(99)]
    with pytest.raises(
        InputError, match=r"experiments\.demo\.sweep: asks for 297000 variants, more than 100000: shorten"
    ):
        Study(config, SCHEMA)
    del sweep["penalty.kind"], sweep["penalty.strength"]
    put(config, "experiments/demo/seeds", list(range(60_000)))
    with pytest.raises(InputError, match=r"experiments\.demo: asks for \d+ runs, more than 100000: shorten its lists"):
        Study(config, SCHEMA)


@pytest.mark.slow
def test_many_objects_in_a_list_take_no_time(config):
    """Compared each with each, they would take an hour."""
    put(config, "experiments/demo/seeds", [{"a": number} for number in range(40_000)])
    with pytest.raises(InputError, match=r"experiments\.demo\.seeds\.\d+: .* it must be a whole number"):
        Study(config, SCHEMA)


def test_a_sweep_that_touches_no_variant_is_refused(config):
    put(config, "experiments/demo/variants", ["plain", "dct"])
    put(config, "experiments/demo/sweep", {"penalty.layers": ["all"]})
    with pytest.raises(InputError, match=r"sweep\.penalty\.layers: none of the experiment's variants has .*'penalty'"):
        Study(config, SCHEMA)


def test_checkpoints_are_runs_without_any_training(downloaded):
    study = Study(downloaded, SCHEMA)
    runs = [Run("texdigits", "robustbench", "carmon", 0), Run("texdigits", "resnet_8_2", "local", 0)]
    assert study.runs == runs
    assert study.labels("pairs", "texdigits") == {"carmon": "carmon", "local": "mine"}
    assert study.baseline("pairs") == "carmon"
    assert study.spec(runs[1]) == {"run": runs[1]._asdict(), "source": LOCAL}
    with pytest.raises(InputError, match=r"checkpoints\.local\.path: there is no m\.pt"):
        check_files(study)


@pytest.mark.parametrize(
    ("entry", "model"),
    [
        (WITH_TAG, "timm_resnet50"),
        (RESNET50, "torchvision_resnet50"),
        ({**CARMON, "model": "wideresnet_28_10"}, "wideresnet_28_10"),
        ({**LOCAL, "format": "option_a_resnet", "architecture": "resnet_20_option_a"}, "resnet_20_option_a"),
        ({**WITH_TAG, "weights": "model_ema"}, "timm_resnet50"),
    ],
)
@pytest.mark.slow
def test_a_checkpoint_counts_as_its_architecture_or_what_the_entry_says(downloaded, entry, model):
    downloaded["data"] = {
        "datasets": {"pets": {"kind": "imagefolder", "path": "pets", "image_size": 64, "test": "test"}}
    }
    downloaded["checkpoints"] = {"one": entry}
    del downloaded["evaluation"]["cue_conflict"]
    downloaded["experiments"]["pairs"] = {"datasets": ["pets"], "checkpoints": ["one"]}
    assert Study(downloaded, SCHEMA).runs == [Run("pets", model, "one", 0)]


def test_an_architecture_of_another_number_of_classes_is_refused(config):
    """RobustBench's architectures are built for their data set alone."""
    put(config, "experiments/demo/models", ["robustbench_cifar100_Linf_Rice2020Overfitting"])
    with pytest.raises(InputError, match=r"^experiments\.demo\.models: robustbench_\w+ has 100 classes, not 10"):
        Study(config, SCHEMA)


@pytest.mark.parametrize(
    ("experiment", "message"),
    [
        ({"checkpoints": ["carmen"]}, r"experiments\.pairs\.checkpoints: unknown checkpoint 'carmen'.*carmon"),
        ({"baseline": "plain", "checkpoints": ["carmon"]}, r"experiments\.pairs\.baseline: unknown variant 'plain'"),
        ({}, r"experiments\.pairs: gives neither models with variants and seeds, nor checkpoints"),
        ({"models": ["resnet_8"]}, r"experiments\.pairs: 'variants' is missing, which 'models' needs"),
        (
            {"models": ["resnet_8"], "variants": ["a"], "seeds": [0]},
            "training: is missing, but experiments.pairs trains",
        ),
        ({"datasets": ["cifar100"], "checkpoints": ["carmon"]}, "'carmon' knows 10 classes and cifar100 has 100"),
    ],
)
def test_a_wrong_experiment_of_checkpoints_is_one_sentence(downloaded, experiment, message):
    downloaded["experiments"]["pairs"] = {"datasets": ["texdigits"], **experiment}
    with pytest.raises(InputError, match=message):
        Study(downloaded, SCHEMA)
