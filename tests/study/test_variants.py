import ast
import re
import shutil
from copy import deepcopy
from pathlib import Path

import pytest
from study_configs import FREE, SCHEMA, put

import filterfreq.study
from filterfreq.data.registry import get_dataset
from filterfreq.runtime.errors import InputError
from filterfreq.study.experiments import Run
from filterfreq.study.study import Study
from filterfreq.training.registry import INTERVENTIONS, Entry


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
    training = study.spec(Run("texdigits", "resnet_8", "dct", 0))["training"]
    assert (training["epochs"], training["batch_size"]) == (8, 64)
    assert training["augmentation"] == get_dataset("texdigits").augmentation
    assert study.spec(Run("texdigits", "resnet_8", "plain", 0))["training"]["augmentation"] == "flip"


def test_penalties_of_an_experiment_are_read_from_settings(config):
    put(config, "experiments/demo/sweep", {"penalty.strength": [0.01, 0.1]})
    put(config, "variants/dct-penalty/mixup", 0.2)
    penalties = Study(config, SCHEMA).penalties("demo", "texdigits")
    highest = {"kind": "highest", "layers": "all"}
    # Without a variant that mixes images and has no penalty, what is beside the penalty has no label.
    mixed, signal = "decomposition: weight, mixup: 0.2", "decomposition: signal"
    assert penalties == {
        "dct-penalty": {**highest, "strength": 0.01, "beside": mixed},
        "dct-penalty_strength-0.1": {**highest, "strength": 0.1, "beside": mixed},
        "dct-signal-penalty": {**highest, "strength": 0.01, "beside": signal},
        "dct-signal-penalty_strength-0.1": {**highest, "strength": 0.1, "beside": signal},
    }
    del config["variants"]["dct-penalty"]["mixup"]
    assert Study(config, SCHEMA).penalties("demo", "texdigits")["dct-penalty"]["beside"] == "DCT"


class TestTrainingOfAVariant:
    RUN = Run("texdigits", "resnet_8", "large", 0)

    @pytest.fixture
    def config(self, config):
        config["training"]["models"] = {"resnet_8": {"epochs": 7, "batch_size": 64, "learning_rate": 0.02}}
        config["training"]["datasets"] = {"texdigits": {"epochs": 8, "learning_rate": 0.03}}
        config["variants"]["large"] = {"training": {"epochs": 9, "ema": 0.9, "augmentation": "flip"}}
        config["experiments"]["demo"] |= {"models": ["resnet_8"], "variants": ["plain", "large"]}
        return config

    def test_it_wins_over_all_others(self, config):
        study = Study(config, SCHEMA)
        assert study.spec(self.RUN) == {
            "run": self.RUN._asdict(),
            "variant": {},
            "training": {
                **config["training"]["default"],
                "augmentation": "flip",
                "batch_size": 64,
                "ema": 0.9,
                "epochs": 9,
                "learning_rate": 0.03,
            },
        }
        assert study.spec(self.RUN._replace(variant="plain"))["training"]["epochs"] == 8

    def test_it_can_be_swept_where_a_variant_has_the_section(self, config):
        config["variants"]["dct"]["training"] = {}
        sweep = {"training.batch_size": [16, 64], "training.optimizer": ["sgd"]}
        config["experiments"]["demo"] |= {"variants": ["plain", "dct"], "sweep": sweep}
        study = Study(config, SCHEMA)
        assert study.labels("demo", "texdigits") == {
            "plain": "plain",
            "dct_batch_size-16_optimizer-sgd": "DCT, batch size 16, sgd",
            "dct_batch_size-64_optimizer-sgd": "DCT, batch size 64, sgd",
        }
        training = study.spec(self.RUN._replace(variant="dct_batch_size-16_optimizer-sgd"))["training"]
        assert (training["batch_size"], training["optimizer"], training["epochs"]) == (16, "sgd", 8)

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"batch": 1}, r"variants\.large\.training: unknown key 'batch'"),
            ({"epochs": 0}, r"variants\.large\.training\.epochs: 0 is out of range"),
            ({"optimizer": "adahessian", "accumulate": 2}, r"training of texdigits/resnet_8/large: accumulate works"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, config, settings, message):
        config["variants"]["large"]["training"] = settings
        with pytest.raises(InputError, match=message):
            Study(config, SCHEMA)

    def test_an_augmentation_is_said_once(self, config):
        config["variants"]["large"]["augmentation"] = "crop"
        message = (
            r"^variants\.large\.training\.augmentation: variants\.large\.augmentation says it already, leave one out$"
        )
        with pytest.raises(InputError, match=message):
            Study(config, SCHEMA)

    def test_a_wrong_value_of_a_sweep_is_refused(self, config):
        config["experiments"]["demo"]["sweep"] = {"training.batch_size": [0]}
        with pytest.raises(InputError, match=r"^experiments\.demo\.sweep\.training\.batch_size: 0 is out of range"):
            Study(config, SCHEMA)

    def test_it_is_told_beside_a_penalty(self, config):
        penalised = {"decomposition": "weight", "penalty": {"kind": "all", "strength": 1, "layers": "all"}}
        config["variants"]["large"] |= penalised
        penalties = Study(config, SCHEMA).penalties("demo", "texdigits")
        assert penalties["large"]["beside"] == "augmentation: flip, decomposition: weight, ema: 0.9, epochs: 9"


@pytest.fixture
def toy_schema(tmp_path, monkeypatch):
    """The schema of configs with one more intervention, whose entry has checks of its own."""

    def check(where: str, variant: dict, size: int | None) -> None:
        if variant["toy"] == size:
            raise InputError(f"{where}.toy: {size} is the side of the images, take another")

    def conflict(value: int, training: dict) -> str | None:
        return "a toy needs batches: set batch_size to more" if training["batch_size"] <= value else None

    monkeypatch.setitem(INTERVENTIONS, "toy", Entry("nowhere.toy", excludes=("mixup",), check=check, conflict=conflict))
    shutil.copytree(SCHEMA.parent, tmp_path / "schemas")
    (tmp_path / "schemas/interventions/toy.yaml").write_text("{type: integer, minimum: 1}")
    return tmp_path / "schemas" / SCHEMA.name


@pytest.mark.parametrize(
    ("variant", "sentence"),
    [
        ({"toy": 3}, None),
        ({"toy": 0}, "variants.plain.toy: 0 is out of range, it must be at least 1"),
        ({"toy": 32}, "variants.plain.toy: 32 is the side of the images, take another"),
        (
            {"jensen_shannon": 12, "augmentation_policy": "autoaugment"},
            "variants.plain.jensen_shannon: belongs to AugMix, set augmentation_policy to augmix or leave it out",
        ),
        (
            {"adversarial_training": {"attack": "fgsm", "norm": "linf", "epsilon": "1/255", "steps": 3}},
            "variants.plain.adversarial_training.steps: means nothing to the attack fgsm, leave it out",
        ),
        (
            {"adversarial_training": FREE, "training": {"accumulate": 2}},
            "training of texdigits/resnet_8_8/plain: accumulate works neither with free adversarial training nor with",
        ),
        ({"toy": 3, "mixup": 0.1}, "variants.plain: toy and mixup cannot be combined, leave one out"),
        (
            {"toy": 3, "training": {"batch_size": 2}},
            "training of texdigits/resnet_8_8/plain: a toy needs batches: set batch_size to more",
        ),
    ],
)
def test_an_intervention_brings_its_checks_with_its_entry(config, toy_schema, variant, sentence):
    config["variants"]["plain"] = variant
    if sentence is None:
        assert Study(config, toy_schema).spec(Run("texdigits", "resnet_8_8", "plain", 0))["variant"] == variant
    else:
        with pytest.raises(InputError, match=f"^{re.escape(sentence)}"):
            Study(config, toy_schema)


@pytest.mark.parametrize(
    ("variants", "beside"),
    [
        # Of the variant without noise the label; of a sweep alone that of its base, with what else was swept.
        (["plain", "noisy"], {"noisy": "plain", "noisy_rate-0.4": "plain"}),
        (["dct", "noisy"], {"noisy": "With noise", "noisy_rate-0.4": "With noise"}),
        (["dct", "smooth"], {"smooth": "S", "smooth_rate-0.4": "S"}),
    ],
)
def test_methods_of_a_sweep_of_label_noise(config, variants, beside):
    config["variants"]["noisy"] = {"label": "With noise", "labels": {"noise": "symmetric", "rate": 0}}
    config["variants"]["smooth"] = {"label": "S", "label_smoothing": 0.1, "labels": {"noise": "symmetric", "rate": 0}}
    config["experiments"]["demo"] |= {"variants": variants, "sweep": {"labels.rate": [0, 0.4]}}
    config["variants"]["shuffled"] = {"labels": "shuffled"}
    config["experiments"]["other"] = {**config["experiments"]["demo"], "variants": ["shuffled"]}
    del config["experiments"]["other"]["sweep"]
    found = Study(config, SCHEMA).data_settings("demo", "texdigits", "labels")
    assert {name: one["beside"] for name, one in found.items()} == beside


def test_what_a_study_checks_names_no_intervention():
    """Adding one leaves `study/` as it is; the penalty is named where tables and figures compare its settings."""
    folder = Path(filterfreq.study.__file__).parent
    named = {
        (file.stem, node.value)
        for file in folder.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        # A section of the config is called data, too.
        if isinstance(node, ast.Constant) and node.value in {*INTERVENTIONS, "free", "replays"} - {"data"}
    }
    assert named == {("study", "penalty")}


# A variant that is swept, and what is said of it where the value of its key is wrong.
_FAR = {"attack": "fgsm", "norm": "l2", "epsilon": "300"}


@pytest.mark.parametrize(
    ("variant", "sweep", "sentence"),
    [
        (
            {"adversarial_training": {**_FAR, "epsilon": "1/2"}},
            {"adversarial_training.epsilon": ["1/4", "300"]},
            "experiments.demo.sweep.adversarial_training.epsilon: epsilon 300 bounds nothing",
        ),
        (
            {"adversarial_training": _FAR, "training": {}},
            {"training.epochs": [3, 4]},
            "variants.plain.adversarial_training.epsilon: epsilon 300 bounds nothing",
        ),
        (
            {"training": {"snapshots": [3]}},
            {"training.epochs": [3, 2]},
            "experiments.demo.sweep: training of texdigits/resnet_8_8, 'plain' with training.epochs: 2: snapshots ",
        ),
        (
            {"training": {"accumulate": 2}},
            {"training.optimizer": ["adahessian"]},
            "experiments.demo.sweep: training of texdigits/resnet_8_8, 'plain' with training.optimizer: adahessian: ",
        ),
        (
            {"training": {"batch_size": 8}, "label": "plain"},
            {"training.batch_size": [8, 16]},
            "experiments.demo.variants: 'dct' and 'plain' with training.batch_size: 16 have the same label",
        ),
    ],
)
def test_what_is_wrong_with_a_sweep_is_said_with_its_key_and_value(config, variant, sweep, sentence):
    config["variants"] |= {"plain": variant, "dct": config["variants"]["dct"] | {"label": "plain, batch size 16"}}
    config["experiments"]["demo"] |= {"variants": ["dct", "plain"], "sweep": sweep}
    config["evaluation"] = {"batch_size": 8, "clean": {}}
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}"):
        Study(config, SCHEMA)
