from copy import deepcopy

import pytest
from study_configs import SCHEMA, TRANSFER

from filterfreq.runtime.errors import InputError
from filterfreq.study.measurable import remarks
from filterfreq.study.study import Study

FILTERED = {"radii": {"low": [4, 8], "high": [8]}, "rescale": "released"}
OWN = {"radii": {"low": [6]}, "split": ["test"]}


@pytest.fixture
def config(config) -> dict:
    """With snapshots of all trainings, that two suites measure, one of them with settings of its own."""
    config["training"]["default"]["snapshots"] = [1, 2]
    config["evaluation"]["frequency_filtered"] = FILTERED
    config["evaluation"]["over_training"] = ["clean", {"frequency_filtered": OWN}]
    return config


def test_own_settings_replace_those_of_the_suite_for_snapshots_alone(config):
    study = Study(config, SCHEMA)
    assert study.settings("frequency_filtered", "texdigits") == FILTERED
    assert study.of_snapshots.settings("frequency_filtered", "texdigits") == OWN
    assert study.of_snapshots.settings("clean", "texdigits") == study.settings("clean", "texdigits")
    assert study.snapshot_suites == study.of_snapshots.snapshot_suites == ["clean", "frequency_filtered"]
    for run in study.runs:
        assert study.suites_over_training(run) == ["clean", "frequency_filtered"]
        assert study.of_snapshots.spec(run) == study.spec(run)


def test_without_own_settings_snapshots_are_asked_for_what_all_models_are(config):
    config["evaluation"]["over_training"] = ["clean", "frequency_filtered"]
    study = Study(config, SCHEMA)
    assert study.of_snapshots is study


def test_they_hold_for_each_data_set_that_has_the_suite(config):
    config["experiments"]["more"] = {**config["experiments"]["demo"], "datasets": ["mnist", "cifar10"]}
    config["evaluation"]["datasets"] = {
        "mnist": {"frequency_filtered": {"radii": {"low": [3]}}},
        "cifar10": {"frequency_filtered": False},
    }
    study = Study(config, SCHEMA).of_snapshots
    found = {name: study.settings("frequency_filtered", name) for name in ("texdigits", "mnist", "cifar10")}
    assert found == {"texdigits": OWN, "mnist": OWN, "cifar10": None}


def test_attacks_on_snapshots_need_not_be_those_of_the_main_tables(config):
    attack = {"attack": "fgsm", "norm": "linf", "epsilons": ["2/255"]}
    config["evaluation"] |= {"adversarial": {"attacks": [attack]}, "main_epsilons": {"linf": "2/255"}}
    own = {"attacks": [{**attack, "epsilons": ["1/255"]}]}
    config["evaluation"]["over_training"] = [{"adversarial": own}]
    assert Study(config, SCHEMA).of_snapshots.settings("adversarial", "texdigits") == own


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        (
            {"frequency_filtered": {"radii": {"low": [100]}, "split": ["test"], "masc": "strict"}},
            r"^evaluation\.over_training\.1\.frequency_filtered: .*masc",
        ),
        ({"frequency_filtered": {"split": ["test"]}}, r"^evaluation\.over_training\.1\.frequency_filtered: 'radii'"),
        (
            {"frequency_filtered": {"radii": {"low": [0]}}},
            r"^evaluation\.over_training\.1\.frequency_filtered\.radii\.low\.0: 0 is out of range",
        ),
        (
            {"frequency_filtered": {"radii": {"low": [8]}, "svd": [33]}},
            r"^evaluation\.over_training\.1\.frequency_filtered\.svd: ",
        ),
        ({"frequency_filtred": OWN}, r"^evaluation\.over_training\.1: unknown key 'frequency_filtred'"),
        ({"frequency_filtered": OWN, "filters": {}}, r"^evaluation\.over_training\.1: "),
        ({}, r"^evaluation\.over_training\.1: "),
        ({"clean": {}}, r"^evaluation\.over_training: it has the suite clean twice: leave one of them out$"),
        (
            {"band_noise": {"norm": 1, "bandwidths": {"low": [3]}}},
            r"^evaluation\.over_training: no run with snapshots has the suite band_noise",
        ),
        (
            {"corruption": {"images": 4}},
            r"^evaluation\.over_training\.1\.corruption: corrupted images are made once, for the models and for their ",
        ),
        (
            {"transfer": TRANSFER | {"source": "nothing"}},
            r"^evaluation\.over_training\.1\.transfer\.source: .*'nothing'",
        ),
    ],
)
def test_own_settings_that_are_wrong_are_one_sentence(config, entry, sentence):
    config["evaluation"] |= {"corruption": {}, "transfer": TRANSFER}
    config["evaluation"].pop("band_noise", None)
    Study(deepcopy(config), SCHEMA)
    config["evaluation"]["over_training"][1] = entry
    with pytest.raises(InputError, match=sentence):
        Study(config, SCHEMA)


def test_of_a_data_set_with_settings_too_the_sentence_names_those_of_snapshots(config):
    config["evaluation"]["datasets"] = {"texdigits": {"frequency_filtered": FILTERED}}
    config["evaluation"]["over_training"][1] = {"frequency_filtered": {"radii": {"low": [8]}, "svd": [33]}}
    with pytest.raises(InputError, match=r"^evaluation\.over_training\.1\.frequency_filtered\.svd: "):
        Study(config, SCHEMA)


def test_what_snapshots_lose_and_what_filters_nothing_is_said(config):
    config["evaluation"]["over_training"][1] = {"frequency_filtered": {"radii": {"low": [46]}}}
    said = remarks(Study(config, SCHEMA))
    begins = "evaluation.over_training.1.frequency_filtered"
    assert any(one.startswith(f"{begins}.radii.low: with 46 all frequencies of texdigits are kept") for one in said)
    assert not any(one.startswith("evaluation.frequency_filtered.radii.low: with") for one in said)
    for key in ("rescale", "radii.high"):
        lost = (
            f"evaluation.frequency_filtered.{key}: not for snapshots: {begins} replaces evaluation.frequency_filtered "
            "as a whole, repeat there what shall hold"
        )
        assert lost in said
