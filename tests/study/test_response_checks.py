"""What the suites `response_frequency` and `filtered_response` cannot have is refused before the first job."""

import pytest
from study_configs import SCHEMA

from filterfreq.runtime.errors import InputError
from filterfreq.study.study import Study

GRID = {"highest": 0.4}
DELTAS = {"deltas": [3]}


def study_of(config, suite, settings, dataset="texdigits") -> Study:
    (experiment,) = config["experiments"].values()
    experiment["datasets"] = [dataset]
    config["evaluation"] = {"batch_size": 8, "clean": {}, suite: settings}
    return Study(config, SCHEMA)


@pytest.mark.parametrize(
    ("suite", "settings", "dataset", "sentence"),
    [
        (
            "response_frequency",
            {},
            "texdigits",
            r"\.highest: it is missing, and the paper has grids of frequencies for mnist and cifar10 alone, none for "
            "texdigits: add it$",
        ),
        (
            "response_frequency",
            {**GRID, "chosen": "paper"},
            "texdigits",
            r"\.chosen: the paper chooses no frequencies for texdigits, only for mnist and cifar10: write peaks, or ",
        ),
        (
            "response_frequency",
            {"highest": 0.2},
            "mnist",
            r"\.chosen: 0\.3 is beyond the highest frequency of the grid, 0\.2: raise highest, or leave it out",
        ),
        (
            "response_frequency",
            {**GRID, "points": 5, "chosen": [0, 0.11, 0.12]},
            "texdigits",
            r"\.chosen: 0\.11 and 0\.12 have the same nearest point of 5: leave one out, or raise points",
        ),
        (
            "response_frequency",
            {**GRID, "class": 10},
            "texdigits",
            r"\.class: texdigits has no class 10, give one of 0 to 9$",
        ),
        (
            "response_frequency",
            {**GRID, "images": 4001},
            "texdigits",
            r"\.images: 4001 is more than the 4000 training images of texdigits: lower it",
        ),
        (
            "filtered_response",
            {**DELTAS, "split": ["test", "train"], "images": 1001},
            "texdigits",
            r"\.images: 1001 is more than the 1000 test images of texdigits: lower it",
        ),
        ("response_frequency", {**GRID, "points": 1}, "texdigits", r"\.points: 1 is out of range"),
        ("response_frequency", {**GRID, "chosen": []}, "texdigits", r"\.chosen: "),
        ("response_frequency", {**GRID, "chosen": "peak"}, "texdigits", r"\.chosen: .*'peak'"),
        ("filtered_response", {}, "texdigits", r": 'deltas' is missing"),
        ("filtered_response", {"deltas": [0]}, "texdigits", r"\.deltas\.0: 0 is out of range"),
    ],
)
def test_what_no_data_set_has_is_one_sentence(config, suite, settings, dataset, sentence):
    with pytest.raises(InputError, match=rf"^evaluation\.{suite}{sentence}"):
        study_of(config, suite, settings, dataset)


def test_training_images_that_there_are_none_of(config):
    config["experiments"] = {"own": {"datasets": ["own"], "checkpoints": ["some"]}}
    checkpoint = {"source": "file", "path": "some.pt", "architecture": "resnet_8", "normalisation": "none"}
    config["checkpoints"] = {"some": checkpoint}
    own = {"kind": "imagefolder", "path": "own", "image_size": 32, "evaluation_only": True}
    config["data"] = {"datasets": {"own": own}}
    config["evaluation"] = {"batch_size": 8, "filtered_response": DELTAS}
    with pytest.raises(InputError, match=r"^evaluation\.filtered_response\.split: own has no training images"):
        Study(config, SCHEMA)
    config["evaluation"]["filtered_response"] = {**DELTAS, "split": ["test"]}
    assert Study(config, SCHEMA).suites("own") == ["filtered_response"]


def test_what_there_is_is_taken(config):
    study = study_of(config, "response_frequency", {**GRID, "class": 9, "chosen": [0, 0.2, 0.4]})
    assert study.suites("texdigits") == ["clean", "response_frequency"]
