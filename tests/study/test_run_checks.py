from copy import deepcopy

import pytest
import yaml
from study_configs import CARMON, FREE, LOCAL, ROOT, SCHEMA, TRANSFER, put

from filterfreq.runtime.errors import InputError
from filterfreq.study.study import Study


def test_attacks_transfer_only_from_models_that_are_trained(config):
    config["evaluation"]["transfer"] = TRANSFER
    Study(config, SCHEMA)
    config["experiments"]["more"] = {**config["experiments"]["demo"], "variants": ["dct"], "seeds": [7]}
    with pytest.raises(
        InputError, match=r"transfer\.source: .*'plain' of resnet_8_8 on texdigits with seed 7, .*'dct'"
    ):
        Study(config, SCHEMA)


class TestMainEpsilons:
    def test_they_are_customary_unless_given(self, config):
        config["evaluation"]["datasets"] = {"mnist": {"main_epsilons": {"linf": "2/255"}}}
        study = Study(config, SCHEMA)
        assert study.main_epsilons("cifar10") == {"linf": "8/255", "l2": "0.5"}
        assert study.main_epsilons("imagenet") == {"linf": "4/255", "l2": "3"}
        assert study.main_epsilons("mnist") == {"linf": "2/255", "l2": "2"}
        assert study.main_epsilons("texdigits") == {}

    @pytest.mark.parametrize("section", ["evaluation", "evaluation/datasets/texdigits"])
    @pytest.mark.parametrize(
        ("norm", "epsilon", "message"),
        [
            (
                "linf",
                "8/255",
                r"8/255 is not among the epsilons of adversarial fgsm on texdigits \(1/255, 2/255, 4/255\)",
            ),
            ("linf", "4/255", r"4/255 is not among the epsilons of autoattack apgd-ce on texdigits \(2/255\): add it"),
            ("l2", "0.5", r"0\.5 is not among the epsilons of adversarial pgd-10 on texdigits \(0\.25\)"),
        ],
    )
    def test_one_that_an_attack_lacks_is_refused(self, config, section, norm, epsilon, message):
        config["evaluation"]["datasets"] = {"texdigits": {}}
        put(config, f"{section}/main_epsilons", {norm: epsilon})
        with pytest.raises(InputError, match=rf"{section.replace('/', '.')}\.main_epsilons\.{norm}: {message}"):
            Study(config, SCHEMA)

    def test_an_attack_from_another_start_is_another_attack(self, config):
        config["evaluation"]["main_epsilons"] = {"l2": "0.25"}
        attacks = config["evaluation"]["adversarial"]["attacks"]
        attacks.append({**attacks[-1], "random_start": False, "epsilons": ["0.5"]})
        with pytest.raises(InputError, match=r"0\.25 is not among the epsilons of adversarial pgd-10-from-image on"):
            Study(config, SCHEMA)

    def test_one_of_a_norm_without_attacks_is_refused(self, config):
        config["evaluation"]["adversarial"]["attacks"].pop()
        config["evaluation"]["main_epsilons"] = {"linf": "2/255", "l2": "0.25"}
        with pytest.raises(InputError, match=r"evaluation\.main_epsilons\.l2: no attack of this norm is measured on"):
            Study(config, SCHEMA)

    def test_a_number_is_the_same_however_it_is_written(self, config):
        config["evaluation"]["main_epsilons"] = {"l2": "1/4"}
        Study(config, SCHEMA)

    def test_the_demo_says_which(self):
        study = Study(yaml.safe_load((ROOT / "configs" / "demo" / "core.yaml").read_text()), SCHEMA)
        assert study.main_epsilons("texdigits") == {"linf": "2/255", "l2": "0.25"}

    @pytest.mark.parametrize("name", ["config", "configs/robustbench", "configs/imagenet"])
    def test_our_studies_measure_what_is_customary(self, name):
        config = yaml.safe_load((ROOT / f"{name}.yaml").read_text())
        for dataset in dict.fromkeys(run.dataset for run in Study(deepcopy(config), SCHEMA).runs):
            customary = Study(deepcopy(config), SCHEMA).main_epsilons(dataset)
            norms = {"imagenet": ["linf"]}.get(dataset, customary)
            config["evaluation"].setdefault("datasets", {}).setdefault(dataset, {})
            config["evaluation"]["datasets"][dataset] = {
                **config["evaluation"]["datasets"][dataset],
                "main_epsilons": {norm: customary[norm] for norm in norms},
            }
        Study(config, SCHEMA)


@pytest.mark.parametrize(
    ("variant", "training", "compiled", "message"),
    [
        ({"adversarial_training": FREE}, {"accumulate": 2}, False, "accumulate works neither with free"),
        ({}, {"accumulate": 2, "optimizer": "adahessian"}, False, "accumulate works neither"),
        ({"adversarial_training": FREE}, {"optimizer": "adahessian"}, False, "adahessian does not work with free"),
        (
            {},
            {"optimizer": "adahessian"},
            True,
            r"adahessian .* torch\.compile cannot: leave compute\.on_gpu\.compile out",
        ),
    ],
)
def test_what_a_run_cannot_do_together_is_refused(config, variant, training, compiled, message):
    config["variants"]["plain"] = variant
    config["training"]["datasets"] = {"texdigits": training}
    config["compute"]["on_gpu"] = {"compile": compiled}
    with pytest.raises(InputError, match=rf"training of texdigits/resnet_8_8/plain: {message}"):
        Study(config, SCHEMA)


def test_what_several_processes_cannot_do_is_refused(config):
    config["compute"]["train"]["processes"] = 2
    Study(config, SCHEMA)
    config["compute"]["on_gpu"] = {"compile": True}
    with pytest.raises(InputError, match=r"torch\.compile does not get along with batch normalisation over several"):
        Study(config, SCHEMA)
    config["compute"]["on_gpu"] = {}
    config["training"]["default"]["optimizer"] = "adahessian"
    with pytest.raises(InputError, match="adahessian differentiates twice, which processes that share a batch cannot"):
        Study(config, SCHEMA)
    config["compute"]["train"]["nodes"] = 3
    with pytest.raises(InputError, match=r"compute\.train: 2 processes or GPUs cannot be spread evenly over 3 nodes"):
        Study(config, SCHEMA)


@pytest.mark.parametrize(
    ("norm", "epsilon"),
    [("linf", epsilon) for epsilon in ("8/255", "0.5", "0.05/1", "254/255", "1.25/255")]
    + [("l2", epsilon) for epsilon in ("8/255", "0.5", "1", "10", "55.4")],
)
def test_epsilons_that_are_fine(config, norm, epsilon):
    put(config, "evaluation/autoattack", [{"norm": norm, "epsilons": [epsilon]}])
    Study(config, SCHEMA)


def test_a_ball_in_which_small_images_lie_bounds_large_ones(config):
    put(config, "evaluation/datasets", {"mnist": {"autoattack": [{"norm": "l2", "epsilons": ["60"]}]}})
    Study(config, SCHEMA)  # no experiment has them
    put(config, "experiments/demo/datasets", ["texdigits", "mnist"])
    with pytest.raises(
        InputError, match=r"^evaluation\.datasets\.mnist\.autoattack\.0\.epsilons\.0: epsilon 60 bounds"
    ):
        Study(config, SCHEMA)
    put(config, "experiments/demo/datasets", ["texdigits", "imagenet"])
    put(config, "evaluation/datasets", {"imagenet": {"autoattack": [{"norm": "l2", "epsilons": ["60"]}]}})
    Study(config, SCHEMA)


def test_a_checkpoint_and_a_variant_have_different_names(config):
    config["checkpoints"] = {"plain": CARMON}
    with pytest.raises(InputError, match=r"checkpoints\.plain: there is a variant of this name"):
        Study(config, SCHEMA)


class TestOverTraining:
    @pytest.fixture
    def config(self, config) -> dict:
        """With snapshots of all trainings, measured with the suite `clean`."""
        config["training"]["default"]["snapshots"] = [2, 1]
        config["evaluation"]["over_training"] = ["clean"]
        return config

    def test_the_suites_of_runs_that_have_snapshots(self, config):
        config["evaluation"]["over_training"] = ["filters", "clean"]
        config["variants"]["low"] = {"from": "plain", "low_pass_kernels": {"below": 2, "layers": "first"}}
        config["checkpoints"] = {"local": LOCAL}
        config["experiments"]["demo"] |= {"variants": ["plain", "dct", "low"], "checkpoints": ["local"]}
        config["variants"]["dct"] = {**config["variants"]["dct"], "training": {"snapshots": []}}
        study = Study(config, SCHEMA)
        measured = {run.variant: study.suites_over_training(run) for run in study.runs}
        assert measured == {"plain": ["filters", "clean"], "dct": [], "low": [], "local": []}
        assert {tuple(study.snapshots(run)) for run in study.runs if run.variant == "plain"} == {("epoch-1", "epoch-2")}

    def test_a_batch_beyond_the_last_is_refused(self, config):
        """Of 4,000 images."""
        settings = config["training"]["default"]
        last = settings["epochs"] * -(-4000 // settings["batch_size"])
        settings["snapshots"] = {"epochs": [0, 1], "batches": [1, last]}
        run = Study(deepcopy(config), SCHEMA).runs[0]
        assert Study(deepcopy(config), SCHEMA).snapshots(run) == ["batch-1", f"batch-{last}", "epoch-0", "epoch-1"]
        # Of a tenth of the images there are a tenth of the batches, rounded up.
        few = deepcopy(config)
        few["variants"]["plain"]["data"] = {"fraction": 0.1}
        with pytest.raises(InputError, match=rf"snapshots names batch {last}, the last one is \d+: name batches"):
            Study(few, SCHEMA)
        settings["snapshots"]["batches"].append(last + 1)
        message = rf"training of texdigits/.*: snapshots names batch {last + 1}, the last one is {last}: name batches"
        with pytest.raises(InputError, match=message):
            Study(config, SCHEMA)

    @pytest.mark.parametrize(
        ("snapshots", "message"),
        [
            ([-1], r"snapshots\.0: "),
            ({"batches": [0]}, r"snapshots\.batches\.0: "),
            ({"steps": [1]}, r"snapshots: .*steps"),
            (3, r"snapshots: .*write the epochs as"),
        ],
    )
    def test_what_is_no_list_of_epochs_or_batches_is_refused(self, config, snapshots, message):
        config["training"]["default"]["snapshots"] = snapshots
        with pytest.raises(InputError, match=message):
            Study(config, SCHEMA)

    def test_without_snapshots_it_is_refused(self, config):
        del config["training"]["default"]["snapshots"]
        with pytest.raises(InputError, match=r"over_training: no training .* keeps snapshots: name epochs in"):
            Study(config, SCHEMA)

    def test_an_unknown_suite_is_refused(self, config):
        config["evaluation"]["over_training"] = ["claen"]
        with pytest.raises(InputError, match=r"over_training: unknown suite 'claen': did you mean 'clean'\?"):
            Study(config, SCHEMA)

    def test_a_suite_that_no_run_with_snapshots_has_is_refused(self, config):
        config["evaluation"]["over_training"] = ["out_of_distribution"]
        config["evaluation"].pop("out_of_distribution", None)
        message = r"over_training: no run with snapshots has the suite out_of_distribution: ask for evaluation"
        with pytest.raises(InputError, match=message):
            Study(config, SCHEMA)

    def test_a_suite_that_only_another_data_set_can_have_is_refused(self, config):
        config["evaluation"]["over_training"] = ["cue_conflict"]
        config["experiments"]["more"] = {**config["experiments"]["demo"], "datasets": ["mnist"]}
        config["training"]["default"]["snapshots"] = []
        config["training"]["datasets"] = {"mnist": {"snapshots": [1]}}
        with pytest.raises(InputError, match=r"over_training: no run with snapshots has the suite cue_conflict"):
            Study(config, SCHEMA)

    def test_snapshots_that_go_before_they_are_measured_are_refused(self, config):
        config["training"]["keep_snapshots"] = False
        Study(deepcopy(config), SCHEMA)
        del config["evaluation"]["over_training"]
        with pytest.raises(InputError, match=r"training\.keep_snapshots: it is false, and nothing measures the"):
            Study(config, SCHEMA)
