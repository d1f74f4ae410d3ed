"""Experiments that want some of the suites alone."""

from copy import deepcopy

import pytest
from study_configs import LOCAL, ROOT, SCHEMA, TRANSFER

from filterfreq.runtime.errors import InputError
from filterfreq.study.claims_files import claims_of_study
from filterfreq.study.experiments import Run
from filterfreq.study.measurable import remarks
from filterfreq.study.study import Study
from filterfreq.study.targets import check_target

PATTERNS = (
    "results/runs/{dataset}/{model}/{variant}/seed-{seed}/evaluations/{suite}.csv",
    "results/aggregated/{experiment}/{dataset}/{suite}.csv",
)
PLAIN = Run("texdigits", "resnet_8_8", "plain", 0)


@pytest.fixture
def limited(config) -> dict:
    """The demo, and an experiment that has a run of it and one of another seed, and wants accuracies alone."""
    demo = config["experiments"]["demo"]
    config["experiments"]["more"] = {**demo, "variants": ["plain", "dct"], "seeds": [0, 7], "suites": ["clean"]}
    config["experiments"]["demo"] = {**demo, "variants": ["plain"]}
    del config["claims"]
    return config


def test_a_run_has_the_suites_of_all_its_experiments(limited):
    study = Study(limited, SCHEMA)
    every = study.suites("texdigits")
    assert len(every) > 3
    assert study.suites_of(PLAIN) == study.suites_in("demo", "texdigits") == every
    assert study.suites_of(PLAIN._replace(seed=7)) == study.suites_of(PLAIN._replace(variant="dct")) == ["clean"]
    assert study.suites_in("more", "texdigits") == ["clean"]


def test_a_suite_that_no_experiment_on_a_data_set_wants_is_not_measured_there(limited):
    limited["experiments"]["demo"]["suites"] = ["clean", "filters"]
    study = Study(limited, SCHEMA)
    assert study.suites("texdigits") == ["clean", "filters"]
    said = [line for line in remarks(study) if line.endswith("as no experiment has it among its suites")]
    asked = [name for name in (*limited["evaluation"],) if name not in ("batch_size", "datasets", "clean", "filters")]
    assert {line.partition(":")[0] for line in said} == {f"evaluation.{name}" for name in asked}


@pytest.mark.parametrize(
    ("suites", "message"),
    [
        (["clear"], "experiments.more.suites: unknown suite 'clear': did you mean 'clean'?"),
        (
            ["clean", "spectra"],
            "experiments.more.suites: spectra is not asked for on texdigits: add evaluation.spectra",
        ),
        ([], "experiments.more.suites: "),
    ],
)
def test_suites_that_cannot_be_wanted_are_refused(limited, suites, message):
    limited["experiments"]["more"]["suites"] = suites
    with pytest.raises(InputError) as error:
        Study(limited, SCHEMA)
    assert str(error.value).startswith(message)


def test_attacks_need_no_source_for_runs_that_are_not_attacked(limited):
    limited["evaluation"]["transfer"] = TRANSFER | {"source": "dct"}
    limited["experiments"]["demo"]["variants"] = ["plain", "dct"]
    limited["experiments"]["more"] |= {"variants": ["plain"], "seeds": [7]}
    Study(deepcopy(limited), SCHEMA)
    del limited["experiments"]["more"]["suites"]
    with pytest.raises(InputError, match="no experiment has the variant 'dct' of resnet_8_8 on texdigits with seed 7"):
        Study(limited, SCHEMA)


def test_runs_that_are_not_asked_for_a_suite_are_not_said_to_lack_it(limited):
    limited["checkpoints"] = {"local": {**LOCAL, "path": str(ROOT / "config.yaml"), "model": "other"}}
    limited["evaluation"]["transfer"] = TRANSFER
    limited["experiments"]["more"] = {"datasets": ["texdigits"], "checkpoints": ["local"], "suites": ["clean"]}
    assert not [said for said in remarks(Study(deepcopy(limited), SCHEMA)) if "transfer" in said]
    del limited["experiments"]["more"]["suites"]
    assert [said for said in remarks(Study(limited, SCHEMA)) if "transfer: not for the checkpoints local" in said]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "results/runs/texdigits/resnet_8_8/dct/seed-0/evaluations/filters.csv",
            "filters is not in experiments.more.suites: add it there",
        ),
        ("results/aggregated/more/texdigits/filters.csv", "filters is not in experiments.more.suites: add it there"),
        ("results/runs/texdigits/resnet_8_8/plain/seed-0/evaluations/filters.csv", None),
        ("results/aggregated/demo/texdigits/filters.csv", None),
        ("results/aggregated/more/texdigits/clean.csv", None),
    ],
)
def test_targets_of_suites_that_are_not_wanted_are_refused(limited, target, message):
    study = Study(limited, SCHEMA)
    if message is None:
        check_target(study, target, PATTERNS)
    else:
        with pytest.raises(InputError) as error:
            check_target(study, target, PATTERNS)
        assert str(error.value) == f"there is no {target} to make: {message}"


def test_claims_on_suites_that_are_not_wanted_are_left_out_and_said(limited):
    limited["claims"] = ["claims/filter_frequency.yaml"]
    schema = ROOT / "schemas" / "claims.schema.yaml"
    claims, left_out = claims_of_study(Study(deepcopy(limited), SCHEMA), [ROOT], schema)
    assert all(claim["measure"]["suite"] == "clean" for claim in claims.values())
    assert "(dct and plain with adversarial)" in left_out[0]
    del limited["experiments"]["more"]["suites"]
    more, _ = claims_of_study(Study(limited, SCHEMA), [ROOT], schema)
    assert len(more) > len(claims)
