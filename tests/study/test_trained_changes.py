"""Variants that are trained with another normalisation, dropout or initial weights, and penalties without DCT."""

import pytest
from study_configs import SCHEMA, put

from filterfreq.planning.costs import CostModel
from filterfreq.runtime.errors import InputError
from filterfreq.study.experiments import Run
from filterfreq.study.study import Study

RUN = Run("texdigits", "resnet_8_8", "plain", 0)
SMOOTH = {"kind": "smooth", "strength": 0.01, "layers": "all"}


def refusal(config) -> str:
    with pytest.raises(InputError) as caught:
        Study(config, SCHEMA)
    return str(caught.value)


def test_changes_are_in_the_spec_of_the_runs_that_have_them_alone(config):
    before = Study(config, SCHEMA).spec(RUN)
    config["variants"]["other"] = {
        "normalisation": "none",
        "dropout": 0.5,
        "penalty": SMOOTH,
        "training": {"initialisation": "xavier", "image_normalisation": "none", "optimizer": "adadelta"},
    }
    config["experiments"]["demo"]["variants"].append("other")
    study = Study(config, SCHEMA)
    assert study.spec(RUN) == before
    spec = study.spec(RUN._replace(variant="other"))
    assert spec["variant"] == {"dropout": 0.5, "normalisation": "none", "penalty": SMOOTH}
    changed = {key: value for key, value in spec["training"].items() if before["training"].get(key) != value}
    assert changed == {"image_normalisation": "none", "initialisation": "xavier", "optimizer": "adadelta"}


def test_they_are_swept(config):
    config["variants"] = {
        "net": {"normalisation": "batch", "dropout": 0.5, "penalty": {**SMOOTH, "strength": 1}, "training": {}}
    }
    config["evaluation"] = {"batch_size": 10, "clean": {}}
    config["experiments"] = {
        "demo": {
            "datasets": ["texdigits"],
            "models": ["hfc_resnet_32"],
            "variants": ["net"],
            "seeds": [0],
            "sweep": {
                "normalisation": ["none", "batch"],
                "dropout": [0.5],
                "penalty.strength": [0.1],
                "training.initialisation": ["xavier"],
                "training.image_normalisation": ["none"],
            },
        }
    }
    config.pop("claims", None)
    labels = Study(config, SCHEMA).labels("demo", "texdigits")
    rest = "λ = 0.1, xavier initialisation, image normalisation: none"
    assert [*labels.values()] == [f"net, normalisation: none, {rest}", f"net, {rest}"]


def test_a_penalty_without_a_decomposition_is_timed_as_such(config):
    config["variants"]["smooth"] = {"penalty": SMOOTH}
    config["experiments"]["demo"]["variants"].append("smooth")
    unit = CostModel(Study(config, SCHEMA), "nowhere").training_unit(RUN._replace(variant="smooth"))
    assert unit["variant"] == {"penalty": {"kind": "smooth", "layers": "all"}}


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("normalisation", "bach", "variants.plain.normalisation: 'bach' is none of none, batch"),
        ("dropout", 1, "variants.plain.dropout: 1 is out of range, it must be less than 1"),
        ("dropout", 0, "variants.plain.dropout: 0 is out of range, it must be greater than 0"),
        ("dropout", "half", "variants.plain.dropout: 'half' is text, it must be a number"),
        ("training", {"initialisation": "he"}, "variants.plain.training.initialisation: 'he' is none of xavier, kaim"),
        (
            "training",
            {"image_normalisation": 0},
            "variants.plain.training.image_normalisation: 0 is none of dataset",
        ),
        ("penalty", {**SMOOTH, "kind": "all"}, "variants.plain.penalty.kind: 'all' is of DCT coefficients and needs"),
    ],
)
def test_what_they_cannot_be_is_one_sentence(config, key, value, said):
    config["variants"]["plain"] = {key: value}
    assert said in refusal(config)


def test_a_sweep_to_a_kind_that_needs_a_decomposition_is_refused(config):
    config["variants"]["smooth"] = {"penalty": SMOOTH}
    config["experiments"]["demo"]["variants"] = ["plain", "smooth"]
    put(config, "experiments/demo/sweep", {"penalty.kind": ["smooth", "highest"]})
    assert "experiments.demo.sweep.penalty.kind: 'highest' is of DCT coefficients and needs decomposition" in refusal(
        config
    )


CONVNORM = {"method": "convnorm", "momentum": 0.1}


def test_convolutional_normalisation_is_of_the_size_of_the_images(config):
    config["variants"]["other"] = {"normalisation": dict(CONVNORM)}
    config["variants"]["weights"] = {"normalisation": {"method": "oni", "iterations": 5}}
    config["experiments"]["demo"]["variants"] += ["other", "weights"]
    study = Study(config, SCHEMA)
    found = {name: study.spec(RUN._replace(variant=name))["variant"] for name in ("other", "weights")}
    assert found["other"] == {"normalisation": {**CONVNORM, "image_size": study.dataset("texdigits").image_size}}
    assert found["weights"] == {"normalisation": {"iterations": 5, "method": "oni"}}


def test_the_settings_of_a_normalisation_are_swept_of_the_variants_that_have_some(config):
    config["variants"]["other"] = {"normalisation": {"method": "oni"}}
    config["variants"]["none"] = {"normalisation": "none"}
    config["experiments"]["demo"]["variants"] = ["plain", "none", "other"]
    put(config, "experiments/demo/sweep", {"normalisation.iterations": [1, 3]})
    labels = [*Study(config, SCHEMA).labels("demo", "texdigits").values()]
    assert labels == ["plain", "none", "other, 1 iterations", "other, 3 iterations"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"method": "convnrom"}, "normalisation.method: 'convnrom' is none of convnorm, oni, own, spectral"),
        ({"affine": True}, "variants.plain.normalisation: 'method' is missing"),
        ({"method": "convnorm", "iterations": 3}, "variants.plain.normalisation: unknown key 'iterations'"),
        ({"method": "spectral", "norm_groups": 3}, "variants.plain.normalisation: unknown key 'norm_groups'"),
        ({"method": "own", "columns": "released"}, "variants.plain.normalisation: unknown key 'columns'"),
        ({"method": "convnorm", "momentum": 0}, "normalisation.momentum: 0 is out of range, it must be greater than 0"),
        ({"method": "oni", "iterations": 0}, "normalisation.iterations: 0 is out of range, it must be at least 1"),
        (3, "variants.plain.normalisation: 3 is a number, it must be text or"),
    ],
)
def test_what_a_normalisation_of_convolutions_cannot_be_is_one_sentence(config, value, said):
    config["variants"]["plain"] = {"normalisation": value}
    assert said in refusal(config)
