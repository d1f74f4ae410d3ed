import re
from copy import deepcopy

import pytest
from study_configs import SCHEMA, put

from filterfreq.planning.costs import CostModel
from filterfreq.runtime.errors import InputError
from filterfreq.study.experiments import Run
from filterfreq.study.measurable import remarks
from filterfreq.study.study import Study

RUN = Run("texdigits", "resnet_8_8", "high-pass", 0)


@pytest.fixture
def filtered(config) -> dict:
    """The demo with a front end in training, and one before a finished model."""
    config["variants"]["high-pass"] = {"front_end": {"band": "corner", "bandwidth": 15}}
    config["variants"]["plain-low"] = {"from": "plain", "front_end": {"band": "low", "bandwidth": 7}}
    config["experiments"]["demo"]["variants"] += ["high-pass", "plain-low"]
    return config


def test_a_front_end_is_trained_with_or_put_before_a_finished_model(filtered):
    study = Study(filtered, SCHEMA)
    assert study.is_trained(RUN)
    assert study.spec(RUN)["variant"] == {"front_end": {"band": "corner", "bandwidth": 15}}
    derived = RUN._replace(variant="plain-low")
    assert study.is_derived(derived)
    assert study.spec(derived)["derived"] == {"from": "plain", "front_end": {"band": "low", "bandwidth": 7}}
    assert study.suites_of(RUN) == study.suites_of(derived) == study.suites_of(RUN._replace(variant="plain"))


def test_bandwidths_are_swept_and_timed_once(filtered):
    filtered["experiments"]["demo"]["sweep"] = {"front_end.bandwidth": [1, 15, 33]}
    study = Study(filtered, SCHEMA)
    labels = study.labels("demo", "texdigits")
    assert labels["high-pass_bandwidth-33"] == "high-pass, bandwidth 33"
    assert labels["high-pass"] == "high-pass"
    assert labels["plain-low_bandwidth-1"] == "plain-low, bandwidth 1"
    model = CostModel(study, "nowhere")
    assert model.training_unit(RUN) == model.training_unit(RUN._replace(variant="high-pass_bandwidth-33"))
    assert model.training_unit(RUN) != model.training_unit(RUN._replace(variant="plain"))


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("variants/high-pass/front_end/bandwidth", 14, "variants.high-pass.front_end.bandwidth: .*write an odd number"),
        ("variants/high-pass/front_end/bandwidth", 0, "variants.high-pass.front_end.bandwidth: "),
        ("variants/high-pass/front_end/bandwidth", 35,
         "variants.high-pass.front_end.bandwidth: 35 is too large for texdigits, as 33 has all frequencies of images "
         "of 32 pixels already: give at most 33$"),
        ("variants/high-pass/front_end", {"band": "complement", "bandwidth": 33},
         "variants.high-pass.front_end.bandwidth: 33 is too large for texdigits, as it leaves no frequency of .*: give "
         "at most 31$"),
        ("variants/high-pass/front_end", {"band": "high", "bandwidth": 3}, "variants.high-pass.front_end.band: "),
        ("variants/plain-low/front_end/bandwidth", 35, "variants.plain-low.front_end.bandwidth: 35 is too large"),
        ("experiments/demo/sweep", {"front_end.bandwidth": [3, 4]},
         "experiments.demo.sweep.front_end.bandwidth: .*write an odd number"),
        ("experiments/demo/sweep", {"front_end.bandwidth": [3, 35]},
         "experiments.demo.sweep.front_end.bandwidth: 35 is too large for texdigits"),
    ],
)  # fmt: skip
def test_a_filter_that_means_nothing_is_refused(filtered, path, value, said):
    put(filtered, path, value)
    with pytest.raises(InputError, match=f"^{said}") as caught:
        Study(filtered, SCHEMA)
    assert "\n" not in str(caught.value)


def test_a_front_end_without_frequencies_of_an_odd_side_is_refused(filtered):
    del filtered["evaluation"]["cue_conflict"]
    filtered["data"] = {"datasets": {"own": {"kind": "imagefolder", "path": "a", "image_size": 33, "test": "test"}}}
    filtered["experiments"]["demo"] |= {"datasets": ["own"], "sweep": {"front_end.bandwidth": [1, 3]}}
    said = "experiments.demo.sweep.front_end.bandwidth: 1 is too small for own, as it leaves no frequency of images"
    with pytest.raises(InputError, match=f"^{re.escape(said)} of 33 pixels: give at least 3$"):
        Study(filtered, SCHEMA)


def test_a_front_end_that_keeps_all_frequencies_is_said(filtered):
    """Of images of 32 pixels the low-pass of 33 is the identity, and a curve's end."""
    filtered["experiments"]["demo"]["sweep"] = {"front_end.bandwidth": [31, 33]}
    said = "33 leaves images of texdigits as they are, as it keeps all of their frequencies"
    assert remarks(Study(deepcopy(filtered), SCHEMA)).count(f"experiments.demo.sweep.front_end.bandwidth: {said}") == 2
    del filtered["experiments"]["demo"]["sweep"]
    assert not [line for line in remarks(Study(deepcopy(filtered), SCHEMA)) if "front_end" in line]
    filtered["variants"]["plain-low"]["front_end"]["bandwidth"] = 33
    assert f"variants.plain-low.front_end.bandwidth: {said}" in remarks(Study(filtered, SCHEMA))
