import math
from copy import deepcopy
from datetime import date
from pathlib import Path

import pytest
import yaml

from filterfreq.data.batches import POLICIES
from filterfreq.data.registry import AUGMENTATIONS, get_dataset
from filterfreq.evaluation.frequency_filtered import PASSES
from filterfreq.models.penalty import KINDS
from filterfreq.runtime.errors import InputError
from filterfreq.study.config import SUITES, Run, Study
from filterfreq.study.schema import config_schema
from filterfreq.training.attack_names import AUTOATTACKS
from filterfreq.training.attacks import NORMS, TRAINING_ATTACKS
from filterfreq.training.optimization import OPTIMIZERS, SCHEDULES

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "schemas" / "config.schema.yaml"


TRANSFER = {"source": "plain", "attacks": [{"attack": "fgsm", "norm": "linf", "epsilons": ["2/255"]}]}

FOLDER = {"kind": "imagefolder", "path": "a", "image_size": 32, "test": "test"}
APGD = {"norm": "linf", "epsilons": ["2/255"], "attacks": ["apgd-ce"]}


@pytest.fixture
def config() -> dict:
    """The demo's, with the penalty on the signal decomposition too, but without the main table's epsilons."""
    config = yaml.safe_load((ROOT / "profiles" / "demo" / "demo.yaml").read_text())
    del config["evaluation"]["main_epsilons"]
    weight = config["variants"]["wd-penalty"]
    config["variants"]["sd-penalty"] = {**deepcopy(weight), "label": "SD + penalty", "decomposition": "signal"}
    config["experiments"]["demo"]["variants"].append("sd-penalty")
    return config


def put(config: dict, path: str, value) -> None:
    *parents, last = path.split("/")
    for key in parents:
        config = config[key]
    config[last] = value


@pytest.mark.parametrize("section", ["variants", "checkpoints", "experiments", "training/models", "evaluation"])
@pytest.mark.parametrize(("key", "kind"), [(5, "a number"), (0.5, "a number"), (True, "yes or no"), (None, "nothing")])
def test_a_name_that_yaml_takes_for_something_else_is_refused(config, section, key, kind):
    put(config, f"{section}", {**config.get(section, {}), key: {}} if "/" not in section else {key: {}})
    with pytest.raises(
        InputError, match=rf"^{section.replace('/', '.')}: the name {key} is not text to YAML, but {kind}: "
    ):
        Study(config, SCHEMA)


@pytest.mark.parametrize("section", ["variants", "checkpoints", "experiments"])
def test_a_name_that_is_too_long_for_a_folder_is_refused(config, section):
    name = "v" * 300
    put(config, section, {**config.get(section, {}), name: {}})
    with pytest.raises(InputError, match=r"the text has 300 characters, it must have at most 100") as caught:
        Study(config, SCHEMA)
    assert len(str(caught.value)) < 200


def test_a_sweep_whose_names_are_too_long_for_a_folder_is_refused(config):
    name = "v" * 100
    config["variants"][name] = config["variants"]["wd-penalty"]
    sweep = {"penalty.strength": [0.1 + 0.2], "penalty.kind": ["all"], "penalty.depth": [3]}
    config["experiments"]["demo"] |= {"variants": [name], "sweep": sweep}
    assert len(Study(config, SCHEMA).runs) == 2
    sweep |= {"label_smoothing": [1 / 3], "mixup": [1 / 3], "gaussian_noise": [1 / 3]}
    config["variants"][name] |= {"label_smoothing": 0.1, "mixup": 1, "gaussian_noise": 1}
    with pytest.raises(InputError, match=r"^experiments\.demo\.sweep: 'v+.*' is the name of a folder and has 2\d\d"):
        Study(config, SCHEMA)


def test_the_demo_and_the_paper_are_valid(config):
    assert len(Study(config, SCHEMA).runs) == 5 * len(config["experiments"]["demo"]["seeds"])
    paper = Study(yaml.safe_load((ROOT / "config.yaml").read_text()), SCHEMA)
    assert len(paper.runs) == len(set(paper.runs))


def test_every_experiment_of_the_paper_stands_alone():
    paper = yaml.safe_load((ROOT / "config.yaml").read_text())
    for name, experiment in paper["experiments"].items():
        study = Study({**paper, "experiments": {name: experiment}}, SCHEMA)
        # The radii of the attacks are those of the data set, and the transferred attacks are among those on itself.
        for run in study.runs:
            attacks = study.settings("adversarial", run.dataset)["attacks"]
            assert all(attack in attacks for attack in study.settings("transfer", run.dataset)["attacks"])


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "experiments/demo/datasets",
            ["texdigit"],
            r"experiments\.demo\.datasets: unknown data set 'texdigit'.*texdigits",
        ),
        ("experiments/demo/models", ["resnet_9"], r"experiments\.demo\.models: unknown model 'resnet_9'"),
        ("experiments/demo/models", ["resnet_21"], r"experiments\.demo\.models: unknown model 'resnet_21'"),
        (
            "experiments/demo/models",
            ["resnet_8_sp"],
            r"experiments\.demo\.models: resnet_8_sp has nothing to decompose",
        ),
        ("experiments/demo/models", ["timm_resnt18"], r"experiments\.demo\.models: .* did you mean timm_resnet18"),
        ("experiments/demo/variants", ["wd-penaltie"], r"experiments\.demo\.variants: unknown variant.*wd-penalty"),
        ("experiments/demo/baseline", "wod", r"experiments\.demo\.baseline: unknown variant 'wod'"),
        ("experiments/demo/seeds", [], r"experiments\.demo\.seeds: is empty"),
        ("experiments/demo/seeds", [0, 0], r"experiments\.demo\.seeds: has the same value twice"),
        ("experiments/demo/seeds", [-1], r"experiments\.demo\.seeds\.0: -1 is out of range, it must be at least 0"),
        ("experiments/demo/sedes", [0], r"experiments\.demo: unknown key 'sedes': did you mean 'seeds'"),
        (
            "variants/wd-penalty/penalty/kind",
            "higest",
            r"variants\.wd-penalty\.penalty\.kind: 'higest' is none of highest",
        ),
        ("variants/wd-penalty/penalty/strength", -0.01, r"variants\.wd-penalty\.penalty\.strength: -0\.01 is out of"),
        ("variants/wd-penalty/penalty/depth", 4, r"variants\.wd-penalty\.penalty\.depth: 4 is none of 1, 2, 3"),
        ("variants/plain/penalty", {"kind": "all", "strength": 1, "depth": 1}, r"variants\.plain: .*decomposition"),
        (
            "variants/wd/decompositon",
            "weight",
            r"variants\.wd: unknown key 'decompositon': did you mean 'decomposition'",
        ),
        ("training/default/optimizer", "lion", r"training\.default\.optimizer: 'lion' is none of sgd, adam, adagrad"),
        ("training/default/epochs", "six", r"training\.default\.epochs: 'six' is not of type integer"),
        ("training/models", {"resnet9": {}}, r"training\.models\.resnet9: unknown model"),
        ("training/datasets", {"mnits": {}}, r"training\.datasets\.mnits: unknown data set"),
        ("evaluation/adversarial/attacks", [], r"evaluation\.adversarial\.attacks: is empty"),
        ("evaluation/autoattack/epsilons", ["2\\255"], r"evaluation\.autoattack\.epsilons\.0: .* not of the form"),
        ("evaluation/corruptions", {}, r"evaluation: unknown key 'corruptions': did you mean 'corruption'"),
        (
            "evaluation/autoattack/epsilons",
            ["8"],
            r"autoattack\.epsilons\.0: epsilon 8 bounds nothing, .* as in 8/255$",
        ),
        (
            "evaluation/autoattack/epsilons",
            ["1"],
            r"autoattack\.epsilons\.0: epsilon 1 bounds nothing, .* as in 1/255$",
        ),
        ("evaluation/autoattack/epsilons", ["9/8"], r"epsilons\.0: epsilon 9/8 bounds nothing, .* as in 8/255$"),
        (
            "evaluation/autoattack/epsilons",
            [8],
            r"epsilons\.0: 8 is not of type string: write a fraction such as 8/255",
        ),
        ("evaluation/autoattack/epsilons", [0.03], r"epsilons\.0: 0\.03 is not of type string: .* in quotes such as"),
        ("evaluation/autoattack/epsilons", ["8/0"], r"epsilons\.0: '8/0' is not of the form .* such as 8/255"),
        ("evaluation/autoattack/epsilons", ["-8/255"], r"epsilons\.0: '-8/255' is not of the form .* above 0"),
        (
            "evaluation/autoattack",
            [APGD, {"norm": "l2", "epsilons": ["0.5", "128"]}],
            r"autoattack\.1\.epsilons\.1: epsilon 128 bounds nothing, .* images of 32 x 32 pixels are 55\.43 apart",
        ),
        (
            "evaluation/adversarial/attacks",
            [{"attack": "fgsm", "norm": "linf", "epsilons": ["2/255", "4"]}],
            r"evaluation\.adversarial\.attacks\.0\.epsilons\.1: epsilon 4 bounds nothing",
        ),
        (
            "evaluation/transfer",
            {"source": "plain", "attacks": [{"attack": "fgsm", "norm": "linf", "epsilons": ["2"]}]},
            r"evaluation\.transfer\.attacks\.0\.epsilons\.0: epsilon 2 bounds nothing",
        ),
        (
            "evaluation/datasets",
            {"texdigits": {"autoattack": {"norm": "linf", "epsilons": ["8"]}}},
            r"evaluation\.datasets\.texdigits\.autoattack\.epsilons\.0: epsilon 8 bounds nothing",
        ),
        (
            "perturbations",
            {"attack": "fgsm", "norm": "linf", "epsilon": "4"},
            r"^perturbations\.epsilon: epsilon 4 bounds nothing",
        ),
        (
            "variants/plain/adversarial_training",
            {"attack": "fgsm", "norm": "linf", "epsilon": "8"},
            r"^variants\.plain\.adversarial_training\.epsilon: epsilon 8 bounds nothing",
        ),
        (
            "variants/plain/adversarial_training",
            {"attack": "fgsm", "norm": "l2", "epsilon": "56"},
            r"^variants\.plain\.adversarial_training\.epsilon: epsilon 56 bounds nothing",
        ),
        ("variants/plain/gaussian_noise", 25, r"gaussian_noise: 25 is out of range, .* divide grey levels by 255"),
        (
            "evaluation/adversarial/attacks",
            [{"attack": "fgsm", "norm": "linf", "steps": 10, "epsilons": ["2/255"]}],
            r"evaluation\.adversarial\.attacks\.0\.steps: means nothing to the attack fgsm, leave it out",
        ),
        ("evaluation/autoattack/epsilons", ["0"], r"evaluation\.autoattack\.epsilons\.0: '0' is not of the form"),
        ("evaluation/autoattack/epsilons", ["0.0/255"], r"evaluation\.autoattack\.epsilons\.0: .* not of the form"),
        (
            "evaluation/adversarial/attacks",
            [{"attack": "pgd", "norm": "linf", "epsilons": ["1/255"]}],
            r"evaluation\.adversarial\.attacks\.0: 'steps' is missing",
        ),
        (
            "evaluation/adversarial/attacks",
            [
                {"attack": "pgd", "norm": "linf", "steps": 5, "epsilons": ["2/255"]},
                {"attack": "pgd", "norm": "linf", "steps": 5, "epsilons": ["4/510"], "relative_step_size": 1.0},
            ],
            r"adversarial\.attacks\.1: an attack with the same steps, start, norm and epsilon 4/510 is there",
        ),
        ("evaluation/frequency_filtered", {"radii": {}}, r"evaluation\.frequency_filtered\.radii: is empty"),
        ("evaluation/frequency_filtered", {"radii": {"low": [0]}}, r"radii\.low\.0: 0 is out of range, .* than 0"),
        ("evaluation/frequency_filtered", {"radii": {"band": [4]}}, r"frequency_filtered\.radii: unknown key 'band'"),
        (
            "evaluation/out_of_distribution",
            {"sets": ["cifar10.2"]},
            r"evaluation\.out_of_distribution\.sets: unknown shifted set 'cifar10\.2': did you mean 'cifar10\.1'",
        ),
        ("evaluation/out_of_distribution", {"sets": ["edges"]}, r"sets: shifted set 'edges' is not downloaded: clone"),
        ("evaluation/out_of_distribution", {"sets": []}, r"evaluation\.out_of_distribution\.sets: is empty"),
        (
            "evaluation/datasets",
            {"texdigits": {"out_of_distribution": {"sets": ["cifar10.1"]}}},
            r"evaluation\.datasets\.texdigits\.out_of_distribution\.sets: cifar10\.1 is a shift of cifar10, leave",
        ),
        ("data/shifted", {"mine": {"shift_of": "cifar10"}}, r"data\.shifted\.mine: .* needs shift_of, a data set, and"),
        ("data/shifted", {"mine": {}}, r"data\.shifted\.mine: is empty"),
        ("evaluation/transfer", TRANSFER | {"source": "plane"}, r"transfer\.source: unknown variant 'plane'.*'plain'"),
        ("evaluation/transfer", {"source": "plain"}, r"evaluation\.transfer: 'attacks' is missing"),
        (
            "evaluation/transfer",
            TRANSFER | {"attacks": 2 * TRANSFER["attacks"]},
            r"evaluation\.transfer\.attacks\.1: an attack with the same",
        ),
        (
            "evaluation/autoattack",
            [APGD, {"norm": "l3", "epsilons": ["0.5"]}],
            r"evaluation\.autoattack\.1\.norm: 'l3' is none of linf, l2",
        ),
        ("evaluation/autoattack", [], r"evaluation\.autoattack: is empty"),
        ("evaluation/autoattack", 8, r"evaluation\.autoattack: 8 is not of type object"),
        (
            "evaluation/autoattack",
            [APGD, APGD],
            r"evaluation\.autoattack\.1: an attack with the same steps, start, norm and epsilon 2/255 is there already",
        ),
        (
            "evaluation/autoattack",
            [{**APGD, "images": 16}, {**APGD, "images": 7, "epsilons": ["4/255"]}],
            r"evaluation\.autoattack\.1\.images: apgd-ce in the norm linf sees 7 images here and 16 before: give",
        ),
        ("evaluation/datasets", {"texdigit": {}}, r"evaluation\.datasets\.texdigit: unknown data set .*'texdigits'"),
        ("evaluation/datasets", {"cifar10": {"clear": {}}}, r"evaluation\.datasets\.cifar10: unknown key 'clear'"),
        (
            "evaluation/datasets",
            {"texdigits": {"autoattack": {"norm": "linf"}}},
            r"evaluation\.datasets\.texdigits\.autoattack: 'epsilons' is missing",
        ),
        (
            "evaluation/datasets",
            {"cifar10": {"adversarial": {"attacks": 2 * TRANSFER["attacks"]}}},
            r"evaluation\.datasets\.cifar10\.adversarial\.attacks\.1: an attack with the same",
        ),
        (
            "variants/plain-fgsm/adversarial_training",
            {"attack": "pgd", "norm": "l2", "epsilon": "0.5"},
            r"variants\.plain-fgsm\.adversarial_training: 'steps' is missing",
        ),
        ("variants/wd/label", "plain", r"experiments\.demo\.variants: 'plain' and 'wd' have the same label 'plain'"),
        ("training/default/learning_rate", math.nan, r"training\.default\.learning_rate: nan is no finite number"),
        ("variants/wd-penalty/penalty/strength", math.inf, r"penalty\.strength: inf is no finite number"),
        ("data/datasets", {"a": {**FOLDER, "background": "red"}}, "data.datasets.a.background: 'red' is none of white"),
        ("data/shifted", {"a": {"shift_of": "cifar10", "path": "a", "upright": 1}}, "upright: 1 is not of type bool"),
        ("experiments/demo/seeds", [2**63], r"experiments\.demo\.seeds\.0: the number has more than 63 bits"),
        ("experiments/demo/seeds", [int("9" * 4000)], r"experiments\.demo\.seeds\.0: the number has more than 63 bits"),
        ("experiments/demo/seeds", [0, 0.0], r"experiments\.demo\.seeds: has the same value twice"),
        ("experiments/demo/seeds", [1.0], r"experiments\.demo\.seeds\.0: 1\.0 is not of type integer"),
        ("experiments/demo/seeds", [True], r"experiments\.demo\.seeds\.0: True is not of type integer"),
        (
            "training/default/epochs",
            10**9,
            r"training\.default\.epochs: 1000000000 is out of range, it must be at most",
        ),
        ("training/default/learning_rate", 1e300, r"learning_rate: 1e\+300 is out of range, it must be at most 1000"),
        ("training/default/batch_size", 2**62, r"training\.default\.batch_size: 4611686018427387904 is out of range"),
        ("evaluation/batch_size", 2**62, r"evaluation\.batch_size: 4611686018427387904 is out of range"),
        ("compute/train/threads", 2**40, r"compute\.train\.threads: 1099511627776 is out of range"),
        ("evaluation/autoattack/epsilons", ["9" * 5000], r"epsilons\.0: the text has 5000 characters, it must have at"),
        (
            "evaluation/autoattack/epsilons",
            ["9" * 400],
            r"epsilons\.0: the text has 400 characters, it must have at most 20",
        ),
        ("evaluation/autoattack/epsilons", ["1e400"], r"epsilons\.0: '1e400' is not of the form"),
        ("evaluation/autoattack/epsilons", ["inf/255"], r"epsilons\.0: 'inf/255' is not of the form"),
        (
            "variants/plain/label",
            "x" * 5000,
            r"variants\.plain\.label: the text has 5000 characters, it must have at most",
        ),
        ("variants/plain/label", "", r"variants\.plain\.label: is empty, write something"),
        ("variants/plain/label", b"x", r"variants\.plain\.label: a bytes means nothing here"),
        ("variants/plain/label", date(2001, 1, 1), r"variants\.plain\.label: a date means nothing here"),
        ("variants/plain/label", {"a"}, r"variants\.plain\.label: a set means nothing here"),
        ("training/models", {5: {}}, r"training\.models: the name 5 is not text to YAML, but a number"),
        ("training/models", {None: {}}, r"training\.models: the name None is not text to YAML, but nothing"),
        ("training/models", {int("9" * 4000): {}}, r"training\.models: the number has more than 63 bits"),
        ("variants/plain/mixup", 0, r"variants\.plain\.mixup: 0 is out of range, it must be greater than 0"),
        ("variants/plain/label_smoothing", 1, r"variants\.plain\.label_smoothing: 1 "),
        ("variants/plain/jensen_shannon", 12, r"variants\.plain: .*augmentation_policy"),
        (
            "variants/plain",
            {"augmentation_policy": "autoaugment", "jensen_shannon": 12},
            r"variants\.plain\.jensen_shannon: belongs to AugMix",
        ),
        ("variants/plain-fgsm/mixup", 1, r"variants\.plain-fgsm: mixup and adversarial_training cannot be combined"),
        (
            "variants/plain",
            {"augmentation_policy": "augmix", "jensen_shannon": 12, "mixup": 1},
            r"variants\.plain: mixup and jensen_shannon cannot be combined, leave one out",
        ),
        *(
            (
                "variants/plain-fgsm/adversarial_training",
                {"attack": attack, "norm": "linf", "epsilon": "1/255", **keys},
                rf"variants\.plain-fgsm\.adversarial_training{message}",
            )
            for attack, keys, message in (
                ("free", {}, ": 'replays' is missing"),
                ("free", {"replays": 2, "random_start": True}, r"\.random_start: means nothing to the attack free"),
                ("fgsm", {"steps": 2}, r"\.steps: means nothing to the attack fgsm, leave it out"),
                ("pgd", {"steps": 2, "replays": 2}, r"\.replays: means nothing to the attack pgd, leave it out"),
            )
        ),
        ("training/default/ema", 1, r"training\.default\.ema: 1 "),
        ("training/default/accumulate", 0, r"training\.default\.accumulate: 0 is out of range"),
        ("compute/device", "gpu", r"compute\.device: 'gpu' is none of auto, cpu, cuda"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_key(config, path, value, message):
    put(config, path, value)
    with pytest.raises(InputError, match=message) as caught:
        Study(config, SCHEMA)
    assert "\n" not in str(caught.value)


def test_attacks_transfer_only_from_models_that_are_trained(config):
    config["evaluation"]["transfer"] = TRANSFER
    Study(config, SCHEMA)
    config["experiments"]["more"] = {**config["experiments"]["demo"], "variants": ["wd"], "seeds": [7]}
    with pytest.raises(InputError, match=r"transfer\.source: .*'plain' of resnet_8_8 on texdigits with seed 7, .*'wd'"):
        Study(config, SCHEMA)


def test_a_data_set_may_have_evaluations_of_its_own(config):
    config["experiments"]["demo"]["datasets"] = ["texdigits", "cifar10"]
    before = Study(deepcopy(config), SCHEMA)
    config["evaluation"]["datasets"] = {"cifar10": {"autoattack": [APGD], "transfer": TRANSFER}}
    after = Study(config, SCHEMA)
    for suite in SUITES:
        assert after.settings(suite, "texdigits") == before.settings(suite, "texdigits")
    assert after.suites("texdigits") == before.suites("texdigits")
    assert after.settings("autoattack", "cifar10") == [APGD]
    assert after.settings("adversarial", "cifar10") == before.settings("adversarial", "cifar10")
    assert set(after.suites("cifar10")) - set(before.suites("cifar10")) == {"transfer"}


def test_autoattack_in_several_norms(config):
    entries = [
        APGD,
        {**APGD, "norm": "l2"},
        {**APGD, "attacks": ["apgd-ce", "square"]},
        {"norm": "linf", "epsilons": ["2/255"]},
    ]
    config["evaluation"]["autoattack"] = entries
    assert Study(config, SCHEMA).settings("autoattack", "texdigits") == entries


class TestMainEpsilons:
    def test_they_are_customary_unless_given(self, config):
        config["evaluation"]["datasets"] = {"mnist": {"main_epsilons": {"linf": "2/255"}}}
        study = Study(config, SCHEMA)
        assert study.main_epsilons("cifar10") == {"linf": "8/255", "l2": "0.5"}
        assert study.main_epsilons("imagenet") == {"linf": "4/255", "l2": "3"}
        assert study.main_epsilons("mnist") == {"linf": "2/255", "l2": "2"}
        assert study.main_epsilons("texdigits") == {}

    @pytest.mark.parametrize("place", ["evaluation", "evaluation/datasets/texdigits"])
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
    def test_one_that_an_attack_lacks_is_refused(self, config, place, norm, epsilon, message):
        config["evaluation"]["datasets"] = {"texdigits": {}}
        put(config, f"{place}/main_epsilons", {norm: epsilon})
        with pytest.raises(InputError, match=rf"{place.replace('/', '.')}\.main_epsilons\.{norm}: {message}"):
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
        study = Study(yaml.safe_load((ROOT / "profiles" / "demo" / "demo.yaml").read_text()), SCHEMA)
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


FREE = {"attack": "free", "norm": "linf", "epsilon": "4/255", "replays": 4}


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


def test_numbers_of_a_variant_can_be_swept(config):
    config["variants"]["mixed"] = {"label": "mixed", "mixup": 0.2}
    config["variants"]["free"] = {"label": "free", "adversarial_training": FREE}
    config["experiments"]["demo"] |= {
        "variants": ["plain", "mixed", "free"],
        "sweep": {"mixup": [0.2, 1], "adversarial_training.replays": [8]},
    }
    study = Study(config, SCHEMA)
    assert study.labels("demo", "texdigits") == {
        "plain": "plain",
        "mixed": "mixed",
        "mixed_mixup-1": "mixed, mixup α = 1",
        "free_replays-8": "free, 8 replays",
    }
    assert study.spec(Run("texdigits", "resnet_8_8", "mixed_mixup-1", 0))["variant"] == {"mixup": 1}


def test_a_missing_key_is_named(config):
    del config["training"]["default"]["epochs"]
    with pytest.raises(InputError, match=r"training\.default: 'epochs' is missing"):
        Study(config, SCHEMA)


def test_a_sweep_adds_exactly_its_runs(config):
    before = Study(deepcopy(config), SCHEMA).runs
    put(config, "experiments/demo/sweep", {"penalty.strength": [0.01, 0.1]})
    after = Study(config, SCHEMA)
    added = set(after.runs) - set(before)
    assert set(before) <= set(after.runs)
    seeds = config["experiments"]["demo"]["seeds"]
    assert added == {
        Run("texdigits", config["experiments"]["demo"]["models"][0], f"{base}_strength-0.1", seed)
        for base in ("wd-penalty", "sd-penalty")
        for seed in seeds
    }
    added_spec = after.spec(next(iter(sorted(added))))
    assert added_spec["variant"]["penalty"] == {"kind": "highest", "strength": 0.1, "depth": 1}
    assert after.labels("demo", "texdigits")["wd-penalty_strength-0.1"] == "WD + penalty, λ = 0.1"


def test_penalties_of_an_experiment_are_read_from_settings(config):
    put(config, "experiments/demo/sweep", {"penalty.strength": [0.01, 0.1]})
    put(config, "variants/wd-penalty/mixup", 0.2)
    penalties = Study(config, SCHEMA).penalties("demo", "texdigits")
    highest = {"kind": "highest", "depth": 1}
    # Without a variant that mixes images and has no penalty, what is beside the penalty has no label.
    mixed, sd = "decomposition: weight, mixup: 0.2", "decomposition: signal"
    assert penalties == {
        "wd-penalty": {**highest, "strength": 0.01, "beside": mixed},
        "wd-penalty_strength-0.1": {**highest, "strength": 0.1, "beside": mixed},
        "sd-penalty": {**highest, "strength": 0.01, "beside": sd},
        "sd-penalty_strength-0.1": {**highest, "strength": 0.1, "beside": sd},
    }
    del config["variants"]["wd-penalty"]["mixup"]
    assert Study(config, SCHEMA).penalties("demo", "texdigits")["wd-penalty"]["beside"] == "WD"


def test_experiments_share_their_runs(config):
    config["experiments"]["again"] = deepcopy(config["experiments"]["demo"])
    study = Study(config, SCHEMA)
    assert study.experiments["again"] == study.experiments["demo"] == study.runs


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        ({"penalty.strength": [0.1, -1]}, r"experiments\.demo\.sweep\.penalty\.strength: -1 is out of range"),
        (
            {"adversarial_training.epsilon": ["2/255", "8"]},
            r"^experiments\.demo\.sweep\.adversarial_training\.epsilon: epsilon 8 bounds nothing",
        ),
        (
            {"adversarial_training.replays": [2]},
            r"^experiments\.demo\.sweep\.adversarial_training\.replays: means nothing to the attack",
        ),
        ({"penalty.strength": []}, r"experiments\.demo\.sweep\.penalty\.strength: is empty"),
        ({"penalty.kind": ["high"]}, r"experiments\.demo\.sweep\.penalty\.kind: 'high' is none of"),
        ({"penalty.strenght": [1]}, r"experiments\.demo\.sweep: unknown key 'penalty\.strenght': did you mean"),
    ],
)
def test_a_wrong_sweep_is_refused(config, sweep, message):
    put(config, "experiments/demo/sweep", sweep)
    with pytest.raises(InputError, match=message):
        Study(config, SCHEMA)


def test_lists_that_ask_for_too_much_are_refused_before_anything_is_made(config):
    sweep = {
        "penalty.strength": [n / 100 for n in range(1000)],
        "penalty.depth": [1, 2, 3],
        "penalty.kind": ["all"] * 99,
    }
    put(config, "experiments/demo/sweep", sweep)
    with pytest.raises(InputError, match=r"penalty\.kind: has the same value twice"):
        Study(config, SCHEMA)
    sweep["penalty.kind"] = [f"kind {n}" for n in range(99)]
    with pytest.raises(
        InputError, match=r"experiments\.demo\.sweep: asks for 297000 variants, more than 100000: shorten"
    ):
        Study(config, SCHEMA)
    del sweep["penalty.kind"], sweep["penalty.strength"]
    put(config, "experiments/demo/seeds", list(range(60_000)))
    with pytest.raises(InputError, match=r"experiments\.demo: asks for \d+ runs, more than 100000: shorten its lists"):
        Study(config, SCHEMA)


def test_many_objects_in_a_list_take_no_time(config):
    """Compared each with each, they would take an hour."""
    put(config, "experiments/demo/seeds", [{"a": number} for number in range(40_000)])
    with pytest.raises(InputError, match=r"experiments\.demo\.seeds\.\d+: .* is not of type integer"):
        Study(config, SCHEMA)


def test_a_sweep_that_touches_no_variant_is_refused(config):
    put(config, "experiments/demo/variants", ["plain", "wd"])
    put(config, "experiments/demo/sweep", {"penalty.depth": [1]})
    with pytest.raises(InputError, match=r"sweep\.penalty\.depth: none of the experiment's variants has .*'penalty'"):
        Study(config, SCHEMA)


def test_settings_go_from_general_to_particular(config):
    config["training"]["models"] = {"resnet_8": {"epochs": 7, "batch_size": 64}}
    config["training"]["datasets"] = {"texdigits": {"epochs": 8}}
    config["variants"]["plain"]["augmentation"] = "flip"
    config["experiments"]["demo"]["models"] = ["resnet_8"]
    study = Study(config, SCHEMA)
    training = study.spec(Run("texdigits", "resnet_8", "wd", 0))["training"]
    assert (training["epochs"], training["batch_size"]) == (8, 64)
    assert training["augmentation"] == get_dataset("texdigits").augmentation
    assert study.spec(Run("texdigits", "resnet_8", "plain", 0))["training"]["augmentation"] == "flip"


def test_larger_images_have_a_batch_size_of_their_own(config):
    put(config, "evaluation/datasets", {"flowers102": {"batch_size": 32}})
    study = Study(config, SCHEMA)
    assert study.evaluation_batch_size("flowers102") == 32
    assert study.evaluation_batch_size("texdigits") == config["evaluation"]["batch_size"]
    assert study.settings("adversarial", "flowers102") == study.settings("adversarial", "texdigits")


def test_scratch_is_a_folder_of_the_nodes(config):
    for scratch in ("/scratch", "$TMPDIR", "~/local"):
        config["compute"]["scratch"] = scratch
        Study(config, SCHEMA)
    config["compute"]["scratch"] = "scratch"
    with pytest.raises(InputError, match=r"compute\.scratch: 'scratch' is no absolute path: name a folder"):
        Study(config, SCHEMA)


@pytest.mark.parametrize(
    "place", ["raw/cifar10", "datasets/own/path", "shifted/others/path", "shifted/others/responses"]
)
def test_paths_that_cannot_be_are_refused(config, place):
    config["data"] = {
        "raw": {"cifar10": "raw"},
        "datasets": {"own": {"kind": "imagefolder", "path": "own", "image_size": 32, "test_fraction": 0.5}},
        "shifted": {"others": {"shift_of": "own", "path": "others"}},
    }
    Study(deepcopy(config), SCHEMA)
    put(config, f"data/{place}", "sets/{dataset}")
    with pytest.raises(InputError, match=rf"data\.{place.replace('/', '.')}: 'sets/{{dataset}}' has a brace"):
        Study(config, SCHEMA)
    for path, sentence in (
        ("sets/" + "ü" * 128, ".* is longer than a path or a name"),
        ("sets/" * 810, ".* is longer than a path or a name"),
        ("sets/" * 850, "the text has 4250 characters"),
    ):
        put(config, f"data/{place}", path)
        with pytest.raises(InputError, match=rf"data\.{place.replace('/', '.')}: {sentence}"):
            Study(config, SCHEMA)


@pytest.mark.parametrize(
    ("name", "raw", "there", "message"),
    [
        (
            "imagenet",
            None,
            [],
            "data set imagenet cannot be downloaded here: get ILSVRC2012_img_train.tar, .*_val.tar and",
        ),
        (
            "imagenet",
            ".",
            [],
            "data.raw.imagenet: there is no ILSVRC2012_img_train.tar in .*: get ILSVRC2012_img_train",
        ),
        ("imagenet", ".", ["train"], "data.raw.imagenet: there is no ILSVRC2012_img_train.tar in"),
        ("imagenet", ".", ["train", "val"], "data.raw.imagenet: train in .* has folders of 0 classes and not of 1000"),
        ("imagenet", ".", [f"train/{name}" for name in get_dataset("imagenet").classes] + ["val"], None),
        ("grocerystore", None, [], "cannot be downloaded here: clone .*, and name the folder in data.raw.grocerystore"),
        ("grocerystore", ".", ["train"], "data.raw.grocerystore: there is no train and test in .*: clone https"),
        ("grocerystore", ".", ["train", "test"], None),
    ],
)
def test_what_users_have_to_get_is_said_before_anything_runs(config, tmp_path, name, raw, there, message):
    put(config, "experiments/demo/datasets", [name])
    del config["evaluation"]["cue_conflict"]
    for folder in there:
        (tmp_path / folder).mkdir(parents=True)
    if raw is not None:
        config["data"] = {"raw": {name: str(tmp_path / raw)}}
    study = Study(config, SCHEMA)
    if message is None:
        study.check_files()
        assert study.image_folder(name) == tmp_path
    else:
        with pytest.raises(InputError, match=message):
            study.check_files()


def test_the_imagenet_study_is_complete():
    file = yaml.safe_load((SCHEMA.parents[1] / "configs" / "imagenet.yaml").read_text())
    study = Study(file, SCHEMA)
    assert len(study.runs) == 8
    assert "clean" in study.suites("imagenet")
    spec = study.spec(Run("imagenet", "timm_resnet50", "plain", 0))
    assert spec["training"]["augmentation"] == "resized_crop_flip"
    convnext = study.spec(Run("imagenet", "timm_convnext_tiny", "plain", 0))["training"]
    assert convnext["batch_size"] * convnext["accumulate"] == 4096
    with pytest.raises(InputError, match=r"data\.raw\.imagenet: there is no ILSVRC2012_img_train\.tar in data/i"):
        study.check_files()


@pytest.mark.parametrize(
    ("norm", "epsilon"),
    [("linf", epsilon) for epsilon in ("8/255", "0.5", "0.05/1", "254/255", "1.25/255")]
    + [("l2", epsilon) for epsilon in ("8/255", "0.5", "1", "10", "55.4")],
)
def test_epsilons_that_are_fine(config, norm, epsilon):
    put(config, "evaluation/autoattack", {"norm": norm, "epsilons": [epsilon]})
    Study(config, SCHEMA)


def test_a_ball_in_which_small_images_lie_bounds_large_ones(config):
    put(config, "evaluation/datasets", {"mnist": {"autoattack": {"norm": "l2", "epsilons": ["60"]}}})
    Study(config, SCHEMA)  # no experiment has them
    put(config, "experiments/demo/datasets", ["texdigits", "mnist"])
    with pytest.raises(InputError, match=r"^evaluation\.datasets\.mnist\.autoattack\.epsilons\.0: epsilon 60 bounds"):
        Study(config, SCHEMA)
    put(config, "experiments/demo/datasets", ["texdigits", "imagenet"])
    put(config, "evaluation/datasets", {"imagenet": {"autoattack": {"norm": "l2", "epsilons": ["60"]}}})
    Study(config, SCHEMA)


@pytest.mark.parametrize("same", [False, True])
def test_attacks_that_start_elsewhere_are_two(config, same):
    attack = {"attack": "pgd", "norm": "l2", "steps": 5, "epsilons": ["0.5"]}
    put(config, "evaluation/adversarial/attacks", [attack, {**attack, "random_start": same}])
    if same:
        with pytest.raises(InputError, match="an attack with the same steps, start, norm and epsilon"):
            Study(config, SCHEMA)
    else:
        Study(config, SCHEMA)


def test_the_schema_knows_what_the_package_knows():
    definitions = config_schema(SCHEMA).schema
    parts = definitions["$defs"]
    assert tuple(parts["penalty"]["properties"]["kind"]["enum"]) == KINDS
    assert tuple(parts["augmentation"]["enum"]) == AUGMENTATIONS
    assert tuple(parts["norm"]["enum"]) == NORMS
    assert tuple(parts["variant"]["properties"]["adversarial_training"]["properties"]["attack"]["enum"]) == (
        TRAINING_ATTACKS
    )
    assert tuple(parts["variant"]["properties"]["augmentation_policy"]["enum"]) == POLICIES
    assert tuple(parts["training_settings"]["properties"]["optimizer"]["enum"]) == OPTIMIZERS
    assert tuple(parts["training_settings"]["properties"]["schedule"]["enum"]) == SCHEDULES
    evaluation = definitions["properties"]["evaluation"]["properties"]
    assert set(evaluation) == {"batch_size", "main_epsilons", "datasets", *SUITES}
    assert set(parts["autoattack_entry"]["properties"]["attacks"]["items"]["enum"]) == set(AUTOATTACKS)
    assert set(evaluation["frequency_filtered"]["properties"]["radii"]["properties"]) == set(PASSES)


CARMON = {"source": "robustbench", "dataset": "cifar10", "threat_model": "Linf", "name": "Carmon2019Unlabeled"}
WITH_TAG = {"source": "timm", "name": "resnet50.a1_in1k"}
RESNET50 = {"source": "torchvision", "name": "resnet50", "weights": "IMAGENET1K_V2"}
LOCAL = {"source": "file", "path": "m.pt", "architecture": "resnet_8_2", "normalisation": "none"}


@pytest.fixture
def downloaded(config) -> dict:
    config["checkpoints"] = {"carmon": dict(CARMON), "local": {**LOCAL, "label": "mine"}}
    config["experiments"] = {"pairs": {"datasets": ["texdigits"], "checkpoints": ["carmon", "local"]}}
    del config["variants"], config["training"]
    config["evaluation"].pop("transfer", None)
    return config


def test_checkpoints_are_runs_without_any_training(downloaded):
    study = Study(downloaded, SCHEMA)
    runs = [Run("texdigits", "robustbench", "carmon", 0), Run("texdigits", "resnet_8_2", "local", 0)]
    assert study.runs == runs
    assert study.labels("pairs", "texdigits") == {"carmon": "carmon", "local": "mine"}
    assert study.baseline("pairs") == "carmon"
    assert study.spec(runs[1]) == {"run": runs[1]._asdict(), "source": LOCAL}
    with pytest.raises(InputError, match=r"checkpoints\.local\.path: there is no m\.pt"):
        study.check_files()


@pytest.mark.parametrize(
    ("entry", "model"),
    [
        (WITH_TAG, "timm_resnet50"),
        (RESNET50, "torchvision_resnet50"),
        ({**CARMON, "model": "wideresnet_28_10"}, "wideresnet_28_10"),
        ({**LOCAL, "format": "option_a_resnet", "architecture": "resnet_20_option_a"}, "resnet_20_option_a"),
        ({**WITH_TAG, "weights": "model_ema"}, "timm_resnet50"),
    ],
)
@pytest.mark.slow
def test_a_checkpoint_counts_as_its_architecture_or_what_the_entry_says(downloaded, entry, model):
    downloaded["data"] = {
        "datasets": {"pets": {"kind": "imagefolder", "path": "pets", "image_size": 64, "test": "test"}}
    }
    downloaded["checkpoints"] = {"one": entry}
    del downloaded["evaluation"]["cue_conflict"]
    downloaded["experiments"]["pairs"] = {"datasets": ["pets"], "checkpoints": ["one"]}
    assert Study(downloaded, SCHEMA).runs == [Run("pets", model, "one", 0)]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({**CARMON, "name": "Carmon2019"}, "did you mean Carmon2019Unlabeled"),
        ({**CARMON, "threat_model": "L1"}, r"threat_model: 'L1' is none of Linf, L2, corruptions"),
        ({**CARMON, "weights": "x"}, r"checkpoints\.one\.weights: means nothing to the source robustbench"),
        ({"source": "robustbench", "name": "Standard"}, "dataset and threat_model missing, which the source robustb"),
        ({"source": "zoo"}, r"checkpoints\.one\.source: 'zoo' is none of robustbench"),
        ({**WITH_TAG, "name": "resnet50.a1"}, "unknown weights 'resnet50.a1', timm's resnet50 has the tags"),
        ({**RESNET50, "weights": "V2"}, "unknown weights 'V2', torchvision's resnet50 has IMAGENET1K_V1"),
        ({**LOCAL, "architecture": "resnet_9"}, r"checkpoints\.one: unknown model 'resnet_9'"),
        ({**LOCAL, "url": "https://example.org/m.pt"}, r"checkpoints\.one: give either a path or a url"),
        ({"source": "file", "architecture": "resnet_8", "url": "http://example.org/m.pt"}, r"one\.url: 'http:"),
        ({"source": "file", "architecture": "resnet_8", "url": "https://example.org"}, r"one\.url: 'https:"),
        ({"source": "file", "architecture": "resnet_8", "url": "https://example.org/a/.."}, r"one\.url: 'https:"),
        ({"source": "file", "architecture": "resnet_8", "url": "https://example.org/?m.pt"}, r"one\.url: 'https:"),
        ({**LOCAL, "mean": [0.5, 0.5, 0.5]}, "give both mean and std, or neither"),
        (
            {**LOCAL, "mean": [0, 0, 0], "std": [1, 1, 1]},
            r"\.one: says twice how its model normalises images",
        ),
        (
            {key: value for key, value in LOCAL.items() if key != "normalisation"},
            r"\.one: does not say how its model normalises images: give mean and std, or normalisation: none",
        ),
        ({**LOCAL, "normalisation": "imagenet"}, r"one\.normalisation: 'imagenet' is none of none, dataset"),
        (
            {**LOCAL, "architecture": "robustbench_cifar10_Linf_Standard", "normalisation": "dataset"},
            r"one: RobustBench's models normalise images themselves: give normalisation: none",
        ),
        ({**WITH_TAG, "normalisation": "none"}, r"one\.normalisation: means nothing to the source timm"),
        ({**LOCAL, "mean": [123.7, 116.3, 103.5], "std": [1, 1, 1]}, r"one\.mean\.\d: 1\d\d\.\d is out of range"),
        ({**LOCAL, "mean": [0, 0, 0], "std": [0, 0, 0]}, r"one\.std\.\d: 0 is out of range"),
        ({**LOCAL, "sha256": "12"}, r"checkpoints\.one\.sha256: '12' is not of the form"),
    ],
)
def test_a_wrong_checkpoint_is_one_sentence(downloaded, entry, message):
    downloaded["checkpoints"] = {"one": entry}
    downloaded["experiments"]["pairs"]["checkpoints"] = ["one"]
    with pytest.raises(InputError, match=message) as refusal:
        Study(downloaded, SCHEMA)
    assert "\n" not in str(refusal.value)


def test_images_may_stay_in_0_to_1(downloaded):
    scale = {"mean": [0, 0, 0], "std": [1, 1, 1]}
    del downloaded["checkpoints"]["local"]["normalisation"]
    downloaded["checkpoints"]["local"] |= scale
    downloaded["data"] = {"datasets": {"a": FOLDER | scale}}
    study = Study(downloaded, SCHEMA)
    assert study.source("local")["mean"] == [0, 0, 0]
    assert (study.dataset("a").mean, study.dataset("a").std) == ((0, 0, 0), (1, 1, 1))


@pytest.mark.parametrize(
    ("experiment", "message"),
    [
        ({"checkpoints": ["carmen"]}, r"experiments\.pairs\.checkpoints: unknown checkpoint 'carmen'.*carmon"),
        ({"baseline": "plain", "checkpoints": ["carmon"]}, r"experiments\.pairs\.baseline: unknown variant 'plain'"),
        ({}, r"experiments\.pairs: gives neither models with variants and seeds, nor checkpoints"),
        ({"models": ["resnet_8"]}, r"experiments\.pairs: 'variants' is a dependency of 'models'"),
        (
            {"models": ["resnet_8"], "variants": ["a"], "seeds": [0]},
            "training: is missing, but experiments.pairs trains",
        ),
        ({"datasets": ["cifar100"], "checkpoints": ["carmon"]}, "'carmon' knows 10 classes and cifar100 has 100"),
    ],
)
def test_a_wrong_experiment_of_checkpoints_is_one_sentence(downloaded, experiment, message):
    downloaded["experiments"]["pairs"] = {"datasets": ["texdigits"], **experiment}
    with pytest.raises(InputError, match=message):
        Study(downloaded, SCHEMA)


def test_a_checkpoint_and_a_variant_have_different_names(config):
    config["checkpoints"] = {"plain": CARMON}
    with pytest.raises(InputError, match=r"checkpoints\.plain: there is a variant of this name"):
        Study(config, SCHEMA)


def test_a_downloaded_model_takes_part_in_transfer_where_its_model_has_the_source(config):
    config["evaluation"]["transfer"] = TRANSFER
    config["checkpoints"] = {"carmon": CARMON, "local": LOCAL}
    experiment = config["experiments"]["demo"]
    config["checkpoints"]["local"] = {**LOCAL, "model": experiment["models"][0]}
    experiment["checkpoints"] = ["carmon", "local"]
    study = Study(config, SCHEMA)
    having = {run.variant for run in study.runs if "transfer" in study.suites_of(run)}
    assert having == {*study.variants, "local"}
    assert "transfer" in study.suites_in("demo", "texdigits")


def test_robustbench_s_config_is_valid():
    study = Study(yaml.safe_load((ROOT / "configs" / "robustbench.yaml").read_text()), SCHEMA)
    assert all(study.is_downloaded(run) for run in study.runs)
    assert {study.baseline(name) for name in study.experiments} == {"standard"}
    published = study.published_accuracies("wideresnet-28-10", "cifar10")
    assert list(published) == list(study.labels("wideresnet-28-10", "cifar10"))
    assert published["carmon2019"] == {"clean": 0.8969, "robust": 0.5953, "norm": "linf", "epsilon": "8/255"}
    assert {entry["epsilon"] for entry in published.values()} == {"8/255", "0.5"}


def test_the_published_stimuli_are_for_models_of_imagenet_once_it_is_said_where_they_lie(config, tmp_path):
    assert Study(config, SCHEMA).stimuli("imagenet") is None
    config["data"]["shifted"] = {"cue-conflict": {"path": str(tmp_path), "responses": "nowhere"}}
    study = Study(config, SCHEMA)
    assert study.stimuli("imagenet").path == str(tmp_path)
    assert study.stimuli("texdigits") is None


def test_a_folder_of_a_shifted_set_that_is_not_there_is_named(config, tmp_path):
    config["data"]["shifted"] = {"mine": {"shift_of": "texdigits", "path": "nowhere"}}
    config["evaluation"]["out_of_distribution"] = {"sets": ["mine"]}
    with pytest.raises(InputError, match=r"data\.shifted\.mine\.path: there is no nowhere"):
        Study(config, SCHEMA).check_files()
