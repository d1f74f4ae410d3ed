from copy import deepcopy

import pytest
from study_configs import CARMON, LOCAL, RESNET50, SCHEMA, put

from filterfreq.planning.costs import CostModel
from filterfreq.runtime.errors import InputError
from filterfreq.study.experiments import Run
from filterfreq.study.file_checks import check_files
from filterfreq.study.measurable import remarks
from filterfreq.study.study import Study
from filterfreq.study.targets import check_target

LOW = {"low_pass_kernels": {"below": 2, "layers": "first"}}
RUN = Run("texdigits", "resnet_8_8", "plain-low", 0)
PATTERN = "results/runs/{dataset}/{model}/{variant}/seed-{seed}"


@pytest.fixture
def derived(config) -> dict:
    """The demo with a variant that is made from one that it has."""
    config["variants"]["plain-low"] = {"from": "plain", **LOW}
    config["experiments"]["demo"]["variants"].append("plain-low")
    return config


@pytest.fixture
def checkpoints_config(downloaded) -> dict:
    """Checkpoints alone, and a variant that is made from one of them."""
    downloaded["variants"] = {"carmon-low": {"from": "carmon", **LOW}}
    downloaded["experiments"]["pairs"]["checkpoints"] = ["carmon", "carmon-low", "local"]
    return downloaded


def refusal(config) -> str:
    with pytest.raises(InputError) as caught:
        Study(config, SCHEMA)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_derived_run_is_made_from_the_run_of_its_own_data_set_model_and_seed(derived):
    study = Study(derived, SCHEMA)
    assert RUN in study.runs
    assert study.is_derived(RUN)
    assert not study.is_trained(RUN)
    assert not study.is_downloaded(RUN)
    assert study.source_run(RUN) == study.origin(RUN) == RUN._replace(variant="plain")
    assert study.origin(RUN._replace(variant="dct")) == RUN._replace(variant="dct")
    assert study.spec(RUN) == {"run": RUN._asdict(), "derived": {"from": "plain", **LOW}}
    assert study.architecture(RUN) == "resnet_8_8"
    assert study.derived_variants == ["plain-low"]
    assert study.all_runs == study.runs


def test_a_derived_run_has_the_suites_of_any_other(derived):
    study = Study(derived, SCHEMA)
    assert study.suites_of(RUN) == study.suites_of(RUN._replace(variant="plain"))
    assert study.labels("demo", "texdigits")["plain-low"] == "plain-low"
    assert "plain-low" not in study.penalties("demo", "texdigits")


def test_averages_of_an_experiment_name_what_they_are_made_from(derived):
    averaging = {"directions": "random", "count": 2, "radius": 6}
    derived["variants"]["averaged"] = {"from": "plain", "post_averaging": averaging}
    derived["variants"]["low-averaged"] = {"from": "plain", **LOW, "post_averaging": {**averaging, "radius": 0}}
    derived["experiments"]["demo"]["variants"] += ["averaged", "low-averaged"]
    derived["variants"]["plain"]["label"] = "undefended"
    study = Study(derived, SCHEMA)
    # Another variant differs from the second one in the average alone.
    assert study.averages("demo", "texdigits") == {
        "averaged": {**averaging, "from": "plain", "beside": "undefended"},
        "low-averaged": {**averaging, "radius": 0, "from": "plain", "beside": "plain-low"},
    }
    derived["experiments"]["demo"]["variants"].remove("plain")
    assert Study(derived, SCHEMA).averages("demo", "texdigits")["averaged"]["beside"] == "undefended"


def test_derived_variants_leave_the_specs_and_units_of_others_alone(derived):
    with_it = Study(deepcopy(derived), SCHEMA)
    del derived["variants"]["plain-low"]
    derived["experiments"]["demo"]["variants"].remove("plain-low")
    without = Study(derived, SCHEMA)
    assert [run for run in with_it.runs if run.variant != "plain-low"] == without.runs
    assert all(with_it.spec(run) == without.spec(run) for run in without.runs)
    units = CostModel(with_it).units()
    derivations = [unit for unit in units if unit["unit"]["kind"] == "derive"]
    assert len(derivations) == 1
    assert [unit for unit in units if unit not in derivations] == CostModel(without).units()


def test_a_source_that_no_experiment_has_is_made_and_said(derived):
    derived["variants"]["hidden"] = {"label_smoothing": 0.1}
    put(derived, "variants/plain-low/from", "hidden")
    study = Study(derived, SCHEMA)
    hidden = RUN._replace(variant="hidden")
    assert hidden not in study.runs
    assert hidden in study.all_runs
    assert "hidden" not in study.labels("demo", "texdigits")
    assert study.spec(hidden)["variant"] == {"label_smoothing": 0.1}
    assert [line for line in remarks(study) if "hidden" in line] == [
        "experiments: hidden is made only for plain-low, and not evaluated: list it as well to compare them"
    ]
    units = [entry["unit"] for entry in CostModel(study).units()]
    assert any(unit.get("variant", {}).keys() == {"label_smoothing"} for unit in units)


def test_a_source_that_no_experiment_has_is_checked_like_others(derived):
    derived["variants"]["hidden"] = {
        "adversarial_training": {"attack": "free", "norm": "linf", "epsilon": "4/255", "replays": 4}
    }
    put(derived, "variants/plain-low/from", "hidden")
    put(derived, "training/default/accumulate", 2)
    derived["experiments"]["demo"]["variants"] = ["plain", "plain-low"]
    assert "training of texdigits/resnet_8_8/hidden: accumulate works neither with free" in refusal(derived)


def test_what_a_decomposition_needs_is_asked_of_the_source(derived):
    put(derived, "variants/plain-low/from", "dct")
    put(derived, "experiments/demo", {**derived["experiments"]["demo"], "variants": ["plain", "plain-low"]})
    put(derived, "experiments/demo/models", ["resnet_20_sp"])
    assert "experiments.demo.models: resnet_20_sp has nothing to decompose" in refusal(derived)


def test_a_sweep_makes_variants_of_a_derived_one(derived):
    put(derived, "experiments/demo/sweep", {"low_pass_kernels.below": [1, 2, 3]})
    study = Study(derived, SCHEMA)
    labels = study.labels("demo", "texdigits")
    names = ["plain-low_below-1", "plain-low", "plain-low_below-3"]
    assert [name for name in labels if name.startswith("plain-low")] == names
    assert labels["plain-low_below-3"] == "plain-low, DCT below 3"
    swept = study.spec(RUN._replace(variant="plain-low_below-3"))["derived"]
    assert swept == {"from": "plain", "low_pass_kernels": {"below": 3, "layers": "first"}}
    assert sorted(study.derived_variants) == sorted(names)


def test_the_weight_of_neighbours_is_swept(derived):
    derived["variants"]["smooth"] = {"from": "dct", "smooth_kernels": {"rho": 1}}
    put(derived, "experiments/demo/variants", ["plain", "dct", "smooth"])
    put(derived, "experiments/demo/sweep", {"smooth_kernels.rho": [0, 0.5, 1], "smooth_kernels.layers": ["all"]})
    study = Study(derived, SCHEMA)
    labels = study.labels("demo", "texdigits")
    assert [*labels][2:] == [f"smooth{rho}_layers-all" for rho in ("_rho-0", "_rho-0.5", "")]
    assert labels["smooth_rho-0.5_layers-all"] == "smooth, ρ = 0.5, smoothed layers: all"
    swept = study.spec(RUN._replace(variant="smooth_rho-0_layers-all"))["derived"]
    assert swept == {"from": "dct", "smooth_kernels": {"rho": 0, "layers": "all"}}


@pytest.mark.parametrize(
    ("variant", "message"),
    [
        ({"from": "plian", **LOW}, "variants.low.from: unknown variant 'plian': did you mean 'plain'?"),
        ({"from": "plain-low", **LOW}, "variants.low.from: 'plain-low' is derived itself: name a variant that"),
        (
            {"from": "low", **LOW},
            "variants.low.from: a variant is not made from itself: name another one that is trained, or a checkpoint",
        ),
        ({"from": "plain"}, "variants.low: changes nothing of 'plain', say what is changed: low_pass_kernels"),
        (
            {"from": "plain", **LOW, "mixup": 0.2},
            "variants.low.mixup: a variant with `from` is not trained: leave",
        ),
        (
            {"from": "plain", **LOW, "penalty": {"kind": "all", "strength": 1, "layers": "all"}},
            "variants.low.penalty: a variant with `from` is not trained: leave penalty out, or give it to the variant",
        ),
        (
            {"from": "plain", **LOW, "dropout": 0.5},
            "variants.low.dropout: a variant with `from` is not trained: leave dropout out, or give it to the variant",
        ),
        (
            {"from": "plain", "normalisation": "none"},
            "variants.low.normalisation: a variant with `from` is not trained",
        ),
        ({"from": "plain", **LOW, "labels": "shuffled"}, "variants.low.labels: a variant with `from` is not trained:"),
        ({"from": "plain", **LOW, "jensen_shannon": 12}, "variants.low.jensen_shannon: a variant with `from` is not"),
        ({"from": "plain", **LOW, "training": {"epochs": 2}}, "variants.low.training: a variant with `from` is not"),
        (
            LOW,
            "variants.low: low_pass_kernels changes a finished model: say which one by from: <variant or checkpoint>",
        ),
        (
            {"from": "plain", "low_pass_kernels": {"below": 0, "layers": "first"}},
            "variants.low.low_pass_kernels.below: 0 is out of range, it must be at least 1",
        ),
        (
            {"from": "plain", "low_pass_kernels": {"below": 2, "layers": "last"}},
            "variants.low.low_pass_kernels.layers: 'last' is none of first, all",
        ),
        ({"from": "plain", "low_pass_kernels": {"below": 2}}, "variants.low.low_pass_kernels: 'layers' is missing"),
        (
            {"from": "plain", "smooth_kernels": {"rho": -1}},
            "variants.low.smooth_kernels.rho: -1 is out of range, it must be at least 0",
        ),
        (
            {"from": "plain", "post_averaging": {"directions": "random", "count": 15, "radius": -1}},
            "variants.low.post_averaging.radius: -1 is out of range, it must be at least 0",
        ),
        (
            {"from": "plain", "post_averaging": {"directions": "random", "count": 0, "radius": 6}},
            "variants.low.post_averaging.count: 0 directions have no points to average over",
        ),
        (
            {"smooth_kernels": {"rho": 1}},
            "variants.low: smooth_kernels changes a finished model: say which one by from",
        ),
    ],
)
def test_a_wrong_derived_variant_is_one_sentence(derived, variant, message):
    derived["variants"]["low"] = variant
    assert message in refusal(derived)


def test_a_checkpoint_can_be_the_source(checkpoints_config):
    study = Study(checkpoints_config, SCHEMA)
    carmon, low, local = study.runs
    assert low == carmon._replace(variant="carmon-low")
    assert local.variant == "local"
    assert study.is_derived(low)
    assert study.source_run(low) == carmon
    assert study.architecture(low) == study.architecture(carmon)
    assert study.spec(low) == {"run": low._asdict(), "derived": {"from": "carmon", **LOW}}
    assert study.published_accuracies("pairs", "texdigits") == {}


def test_labels_of_a_downloaded_model_cannot_be_shuffled(checkpoints_config):
    checkpoints_config["variants"]["carmon-low"]["labels"] = "shuffled"
    assert refusal(checkpoints_config).startswith("variants.carmon-low.labels: a variant with `from` is not trained")
    del checkpoints_config["variants"]["carmon-low"]["labels"]
    checkpoints_config["checkpoints"]["carmon"]["labels"] = "shuffled"
    assert refusal(checkpoints_config).startswith("checkpoints.carmon: unknown key 'labels'")


def test_a_checkpoint_that_no_experiment_has_can_be_the_source(checkpoints_config):
    checkpoints_config["checkpoints"]["local"]["path"] = "nowhere.pt"
    checkpoints_config["variants"]["local-low"] = {"from": "local", **LOW}
    checkpoints_config["experiments"]["pairs"]["checkpoints"] = ["local-low"]
    study = Study(checkpoints_config, SCHEMA)
    assert [run.variant for run in study.all_runs] == ["local-low", "local"]
    assert not [line for line in remarks(study) if line.startswith("checkpoints.local:")]
    with pytest.raises(InputError, match=r"checkpoints\.local\.path: there is no nowhere\.pt"):
        check_files(study)


def test_a_sweep_makes_variants_of_what_is_made_from_a_checkpoint(checkpoints_config):
    put(checkpoints_config, "experiments/pairs/sweep", {"low_pass_kernels.below": [2, 1]})
    variants = [run.variant for run in Study(checkpoints_config, SCHEMA).runs]
    assert variants == ["carmon", "carmon-low", "carmon-low_below-1", "local"]


def test_models_made_from_checkpoints_need_no_images_to_train_on(config):
    """As checkpoints themselves: ImageNet's models can be shown other images without any of its own."""
    config["checkpoints"] = {"r50": dict(RESNET50)}
    config["variants"] = {"r50-low": {"from": "r50", **LOW}}
    config["experiments"] = {"i": {"datasets": ["imagenet"], "checkpoints": ["r50", "r50-low"]}}
    config["evaluation"] = {"batch_size": 1, "filters": {}}
    config.pop("perturbations", None)
    assert not Study(config, SCHEMA).needs_images("imagenet")


def test_the_list_of_an_experiment_that_a_derived_variant_belongs_into_is_said(derived):
    derived["checkpoints"] = {"carmon": dict(CARMON), "local": dict(LOCAL)}
    derived["variants"]["carmon-low"] = {"from": "carmon", **LOW}
    derived["experiments"]["demo"]["checkpoints"] = ["plain-low"]
    assert "checkpoints: 'plain-low' is made from the variant 'plain', list it under variants" in refusal(derived)
    del derived["experiments"]["demo"]["checkpoints"]
    derived["experiments"]["demo"]["variants"].append("carmon-low")
    assert "variants: 'carmon-low' is made from the checkpoint 'carmon', list it under checkpoints" in refusal(derived)


def test_targets_of_derived_runs_are_known(checkpoints_config):
    study = Study(checkpoints_config, SCHEMA)
    model = study.runs[0].model
    check_target(study, f"results/runs/texdigits/{model}/carmon-low/seed-0", [PATTERN])
    for variant in ("carmon-low", "carmon"):
        with pytest.raises(InputError, match=f"'{variant}' is not trained here and has no history, ask for its run"):
            check_target(study, f"results/runs/texdigits/{model}/{variant}/seed-0/history.csv", [PATTERN])
    with pytest.raises(InputError, match="unknown model 'resnet_20'"):
        check_target(study, "results/runs/texdigits/resnet_20/carmon-low/seed-0", [PATTERN])
