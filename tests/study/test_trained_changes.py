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
