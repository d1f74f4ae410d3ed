import re
from copy import deepcopy

import pytest
import yaml
from study_configs import CARMON, LOCAL, RESNET50, SCHEMA, part

from filterfreq.runtime.errors import InputError
from filterfreq.study.experiments import Run
from filterfreq.study.pairs import Pair
from filterfreq.study.study import Study

MODEL = "resnet_8_8"  # the demo's
OTHER = {**LOCAL, "path": "other.pt", "label": "other"}


def run(variant, seed=0, model=MODEL, dataset="texdigits") -> Run:
    return Run(dataset, model, variant, seed)


def pairs_of(config, *pairs, **changes) -> list[Pair]:
    config["experiments"]["demo"] |= {"pairs": list(pairs), **changes}
    return Study(config, SCHEMA).pairs["demo"]


@pytest.fixture
def mixed(config) -> dict:
    """Two variants of one model and two seeds, beside three models from files."""
    config["checkpoints"] = {"local": {**LOCAL, "label": "mine"}, "other": OTHER, "third": {**OTHER, "label": "third"}}
    config["experiments"]["demo"] |= {"variants": ["plain", "dct"], "seeds": [0, 1], "checkpoints": ["local", "other"]}
    config["evaluation"].pop("transfer", None)
    return config


def test_variants_that_are_trained_here_are_paired_by_model_and_seed(mixed):
    mixed["experiments"]["demo"]["models"] = [MODEL, "resnet_8_2"]
    pair = {"treatment": "dct", "control": "plain"}
    models = (MODEL, "resnet_8_2")
    by_run = [Pair(run("dct", seed, model), run("plain", seed, model)) for model in models for seed in (0, 1)]
    assert pairs_of(mixed, pair) == by_run
    # What a side says holds of it alone; the other follows in the rest.
    of_model = {"treatment": {"variant": "dct", "model": MODEL}, "control": "plain"}
    assert pairs_of(mixed, of_model) == by_run[:2]
    to_seed = {"treatment": "dct", "control": {"variant": "plain", "seed": 0}}
    assert pairs_of(mixed, to_seed) == [
        Pair(run("dct", seed, model), run("plain", 0, model)) for model in models for seed in (0, 1)
    ]


def test_downloaded_models_are_paired_with_one_run_that_is_named(mixed):
    plain = {"variant": "plain", "model": MODEL, "seed": 1}
    found = pairs_of(mixed, *({"treatment": name, "control": plain} for name in ("local", "other")))
    files = [run(name, 0, "resnet_8_2") for name in ("local", "other")]
    assert found == [Pair(treatment, run("plain", 1)) for treatment in files]
    # A control that was downloaded serves every run of a treatment.
    assert pairs_of(mixed, {"treatment": "dct", "control": "other"}) == [
        Pair(run("dct", seed), files[1]) for seed in (0, 1)
    ]
    assert pairs_of(mixed, {"treatment": "local", "control": "other"}, {"treatment": "local", "control": plain}) == [
        Pair(*files),
        Pair(files[0], run("plain", 1)),
    ]


def test_each_data_set_of_an_experiment_has_its_own_pairs(mixed):
    mixed["experiments"]["demo"]["datasets"] = ["texdigits", "mnist"]
    found = pairs_of(mixed, {"treatment": "dct", "control": "plain"})
    assert len(found) == 4
    assert all(pair.treatment.dataset == pair.control.dataset for pair in found)
    study = Study(mixed, SCHEMA)
    assert study.pairs_of("demo", "mnist") == [
        Pair(run("dct", seed, dataset="mnist"), run("plain", seed, dataset="mnist")) for seed in (0, 1)
    ]
    assert study.counting("demo") == "each_pair"


def test_an_experiment_without_pairs_has_none(config):
    study = Study(config, SCHEMA)
    assert study.pairs == {"demo": []}
    assert study.pairs_of("demo", "texdigits") == []


def test_the_pairs_that_docs_show_are_pairs(config):
    (text,) = re.findall(r"^```yaml\n(.*?)^```", part("docs/extending.md", "Pairs"), re.DOTALL | re.MULTILINE)
    config["variants"]["normal"] = {}
    config["checkpoints"] = {"carmon2019": CARMON, "wang2023": {**CARMON, "name": "Wang2023Better_WRN-28-10"}}
    config |= {"experiments": yaml.safe_load(text)["experiments"], "evaluation": {"batch_size": 8, "clean": {}}}
    treatments = [pair.treatment.variant for pair in Study(config, SCHEMA).pairs["lens"]]
    assert treatments == ["carmon2019", "wang2023"]


ONE, TWO = ({"treatment": name, "control": {"variant": "plain", "seed": 0}} for name in ("local", "other"))


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([], "pairs: is empty, give at least one value"),
        ([{"treatment": "dct"}], "pairs.0: 'control' is missing"),
        ([{**ONE, "dataset": "mnist"}], "pairs.0: unknown key 'dataset': choose one of treatment, control"),
        (
            [{**ONE, "treatment": 5}],
            "pairs.0.treatment: 5 is a number, it must be text or a mapping: write the name of a variant or "
            "checkpoint, or {variant: plain, model: resnet_20, seed: 0}",
        ),
        ([{**ONE, "control": {"seed": 0}}], "pairs.0.control: 'variant' is missing"),
        (
            [ONE, {**TWO, "treatment": "othr"}],
            "pairs.1.treatment: unknown variant of the experiment 'othr': did you mean",
        ),
        ([{**ONE, "treatment": "third"}], "pairs.0.treatment: unknown variant of the experiment 'third': "),
        (
            [{**ONE, "control": {"variant": "plain", "model": "resnet_8_88"}}],
            "pairs.0.control.model: unknown model of plain 'resnet_8_88': did you mean 'resnet_8_8'?",
        ),
        (
            [{**ONE, "control": {"variant": "plain", "seed": 7}}],
            "pairs.0.control.seed: unknown seed of plain '7': choose one of 0, 1",
        ),
        (
            [ONE, {**TWO, "control": "plain"}],
            "pairs.1.control: 'plain' has 2 runs on texdigits, and 'other' does not say which one it is compared with: "
            "add seed (0, 1)",
        ),
        (
            [ONE, TWO, ONE],
            "pairs.2: the pair texdigits/resnet_8_2/local/seed-0 against texdigits/resnet_8_8/plain/seed-0 is",
        ),
        (
            [ONE, {**TWO, "control": "other"}],
            "pairs.1.control: texdigits/resnet_8_2/other/seed-0 is the treatment itself,",
        ),
    ],
)
def test_wrong_pairs_are_one_sentence(mixed, pairs, message):
    with pytest.raises(InputError) as refused:
        pairs_of(mixed, *pairs)
    assert str(refused.value).startswith(f"experiments.demo.{message}")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("counting", [{}, {"controls": "once"}])
def test_one_pair_alone_is_taken(mixed, counting):
    assert len(pairs_of(mixed, ONE, **counting)) == 1


def test_controls_that_count_once_must_be_several(mixed):
    with pytest.raises(
        InputError, match=r"^experiments\.demo\.controls: once makes one observation of the 2 pairs on te"
    ):
        pairs_of(mixed, ONE, TWO, controls="once")
    other = {**TWO, "control": {"variant": "plain", "seed": 1}}
    assert len(pairs_of(mixed, ONE, other, controls="once")) == 2
    assert Study(mixed, SCHEMA).counting("demo") == "once"
    with pytest.raises(InputError, match=r"^experiments\.demo\.controls: 'twice' is none of each_pair, once"):
        pairs_of(mixed, ONE, other, controls="twice")
    del mixed["experiments"]["demo"]["pairs"]
    mixed["experiments"]["demo"]["controls"] = "once"
    with pytest.raises(
        InputError, match=r"^experiments\.demo\.controls: there are no pairs whose controls could count"
    ):
        Study(mixed, SCHEMA)


def test_models_of_two_data_sets_are_no_pair(downloaded):
    """RobustBench says of its models, and torchvision of its own, what they were trained on; of a file nobody knows."""
    experiment = downloaded["experiments"]["pairs"] | {"datasets": ["svhn"]}
    downloaded["checkpoints"] |= {"again": {**CARMON, "label": "again"}, "other": OTHER}
    named = [{"treatment": "carmon", "control": "again"}, {"treatment": "carmon", "control": "local"}]
    downloaded["experiments"]["pairs"] = experiment | {
        "checkpoints": ["carmon", "again", "local", "other"],
        "pairs": named,
    }
    downloaded["evaluation"] = {"batch_size": 8, "clean": {}}
    assert len(Study(deepcopy(downloaded), SCHEMA).pairs["pairs"]) == 2
    downloaded["checkpoints"]["again"] |= {"dataset": "cifar100", "name": "Cui2020Learnable_34_10_LBGAT0"}
    downloaded["data"] = {"datasets": {"own": {"kind": "imagefolder", "path": "a", "image_size": 32, "test": "test"}}}
    downloaded["experiments"]["pairs"]["datasets"] = ["own"]
    with pytest.raises(InputError) as refused:
        Study(downloaded, SCHEMA)
    assert str(refused.value) == (
        "experiments.pairs.pairs.0: 'carmon' was trained on cifar10 and 'again' on cifar100: pair two models of one "
        "data set"
    )
    downloaded["checkpoints"]["again"] = {**RESNET50, "label": "again"}
    with pytest.raises(InputError, match="was trained on cifar10 and 'again' on imagenet"):
        Study(downloaded, SCHEMA)


@pytest.fixture
def included(mixed) -> dict:
    """An experiment that includes two on two data sets, which have other models each."""
    demo = mixed["experiments"]["demo"]
    first = demo | {"pairs": [ONE, TWO]}
    second = demo | {"datasets": ["mnist"], "pairs": [{"treatment": "dct", "control": "plain"}]}
    del second["checkpoints"]
    mixed["experiments"] = {"both": {"includes": ["first", "second"]}, "first": first, "second": second}
    return mixed


def test_an_experiment_that_includes_others_has_their_runs_and_pairs(included):
    study = Study(included, SCHEMA)
    assert list(study.experiments) == ["both", "first", "second"]
    assert study.experiments["both"] == study.experiments["first"] + study.experiments["second"] == study.runs
    assert study.pairs["both"] == study.pairs["first"] + study.pairs["second"]
    assert [pair.treatment.variant for pair in study.pairs_of("both", "mnist")] == ["dct", "dct"]
    assert list(study.labels("both", "mnist")) == ["plain", "dct"]
    assert study.baseline("both") == "plain"


def test_an_experiment_that_includes_others_wants_the_suites_that_each_of_them_wants(included):
    first, second = (included["experiments"][name] for name in ("first", "second"))
    first["suites"] = ["clean"]
    second |= {"datasets": ["texdigits"], "seeds": [2, 3], "suites": ["clean", "corruption"]}
    study = Study(included, SCHEMA)
    assert study.suites_of(run("dct", 0)) == ["clean"]
    assert study.suites_of(run("dct", 2)) == ["clean", "corruption"] == study.suites_in("both", "texdigits")
    assert [study.wants("both", suite) for suite in ("corruption", "adversarial")] == [True, False]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"datasets": ["mnist"]},
            "both.datasets: an experiment that includes others has theirs alone, leave datasets out",
        ),
        (
            {"includes": ["frist"]},
            "both.includes.0: unknown experiment with runs of its own 'frist': did you mean 'first'?",
        ),
        (
            {"includes": ["first", "both"]},
            "both.includes.1: unknown experiment with runs of its own 'both': choose one of first, second",
        ),
        ({"baseline": "dtc"}, "both.baseline: unknown variant 'dtc': did you mean 'dct'?"),
        (
            {"controls": "once"},
            "both.controls: once makes one observation of the 2 pairs on texdigits, which have one ",
        ),
    ],
)
def test_what_an_experiment_cannot_include_is_one_sentence(included, changes, message):
    included["experiments"]["both"] |= changes
    with pytest.raises(InputError) as refused:
        Study(included, SCHEMA)
    assert str(refused.value).startswith(f"experiments.{message}")
