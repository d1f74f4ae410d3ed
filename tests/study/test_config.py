import math
from copy import deepcopy
from datetime import date

import pytest
from study_configs import APGD, CARMON, FOLDER, LOCAL, RESNET50, SCHEMA, TRANSFER, WITH_TAG, put

from filterfreq.runtime.errors import InputError
from filterfreq.study.study import Study


@pytest.mark.parametrize("section", ["variants", "checkpoints", "experiments", "training/models", "evaluation"])
@pytest.mark.parametrize(("key", "kind"), [(5, "a number"), (0.5, "a number"), (True, "yes or no"), (None, "nothing")])
def test_a_name_that_yaml_takes_for_something_else_is_refused(config, section, key, kind):
    put(config, f"{section}", {**config.get(section, {}), key: {}} if "/" not in section else {key: {}})
    with pytest.raises(
        InputError, match=rf"^{section.replace('/', '.')}: the name {key} is not text to YAML, but {kind}: "
    ):
        Study(config, SCHEMA)


@pytest.mark.parametrize(("method", "decomposition"), [("oni", {}), ("convnorm", {"decomposition": "weight"})])
def test_convolutions_that_cannot_be_normalised_are_refused_before_any_job(config, method, decomposition):
    config["variants"]["normalised"] = {"label": "new", "normalisation": {"method": method}, **decomposition}
    grid = {"models": ["lowres_efficientnet_b0"], "variants": ["normalised"]}
    config["experiments"]["demo"] = {**config["experiments"]["demo"], **grid}
    with pytest.raises(InputError, match=r"experiments\.demo\.models: lowres_efficientnet_b0 has layers that do more"):
        Study(config, SCHEMA)


@pytest.mark.parametrize("section", ["variants", "checkpoints", "experiments"])
def test_a_name_that_is_too_long_for_a_folder_is_refused(config, section):
    name = "v" * 300
    put(config, section, {**config.get(section, {}), name: {}})
    with pytest.raises(InputError, match=r"the text has 300 characters, it must have at most 100") as caught:
        Study(config, SCHEMA)
    assert all(len(line) < 200 for line in str(caught.value).splitlines())


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
        ("experiments/demo/variants", ["dct-penaltie"], r"experiments\.demo\.variants: unknown variant.*dct-penalty"),
        ("experiments/demo/baseline", "wod", r"experiments\.demo\.baseline: unknown variant 'wod'"),
        ("experiments/demo/seeds", [], r"experiments\.demo\.seeds: is empty"),
        ("experiments/demo/seeds", [0, 0], r"experiments\.demo\.seeds: has the same value twice"),
        ("experiments/demo/seeds", [-1], r"experiments\.demo\.seeds\.0: -1 is out of range, it must be at least 0"),
        ("experiments/demo/sedes", [0], r"experiments\.demo: unknown key 'sedes': did you mean 'seeds'"),
        (
            "variants/dct-penalty/penalty/kind",
            "higest",
            r"variants\.dct-penalty\.penalty\.kind: 'higest' is none of highest",
        ),
        ("variants/dct-penalty/penalty/strength", -0.01, r"variants\.dct-penalty\.penalty\.strength: -0\.01 is out of"),
        (
            "variants/dct-penalty/penalty/layers",
            3,
            r"variants\.dct-penalty\.penalty\.layers: 3 is none of all, half, third, first",
        ),
        (
            "variants/dct-penalty/penalty/depth",
            3,
            r"^variants\.dct-penalty\.penalty: the key 'depth' has another name now: write layers, with all for 1,",
        ),
        (
            "experiments/demo/sweep",
            {"penalty.depth": [1, 3]},
            r"^experiments\.demo\.sweep: the key 'penalty\.depth' has another name now: write penalty\.layers, with",
        ),
        (
            "variants/plain/penalty",
            {"kind": "all", "strength": 1, "layers": "all"},
            r"^variants\.plain\.penalty\.kind: 'all' is of DCT coefficients and needs decomposition beside penalty: "
            r"write that, take the kind smooth, or leave penalty out$",
        ),
        (
            "variants/dct/decompositon",
            "weight",
            r"variants\.dct: unknown key 'decompositon': did you mean 'decomposition'",
        ),
        ("training/default/optimizer", "lion", r"training\.default\.optimizer: 'lion' is none of sgd, adam, adagrad"),
        ("training/default/epochs", "six", r"training\.default\.epochs: 'six' is text, it must be a whole number"),
        ("training/models", {"resnet9": {}}, r"training\.models\.resnet9: unknown model"),
        ("training/datasets", {"mnits": {}}, r"training\.datasets\.mnits: unknown data set"),
        ("evaluation/adversarial/attacks", [], r"evaluation\.adversarial\.attacks: is empty"),
        ("evaluation/autoattack/0/epsilons", ["2\\255"], r"autoattack\.0\.epsilons\.0: .* cannot stand here"),
        ("evaluation/nonsense", {}, r"evaluation: unknown key 'nonsense': choose one of batch_size, .*, transfer$"),
        ("evaluation/corruptions", {}, r"evaluation: unknown key 'corruptions': did you mean 'corruption'"),
        (
            "evaluation/autoattack/0/epsilons",
            ["8"],
            r"autoattack\.0\.epsilons\.0: epsilon 8 bounds nothing, .* as in 8/255$",
        ),
        (
            "evaluation/autoattack/0/epsilons",
            ["1"],
            r"autoattack\.0\.epsilons\.0: epsilon 1 bounds nothing, .* as in 1/255$",
        ),
        ("evaluation/autoattack/0/epsilons", ["9/8"], r"epsilons\.0: epsilon 9/8 bounds nothing, .* as in 8/255$"),
        (
            "evaluation/autoattack/0/epsilons",
            [8],
            r"epsilons\.0: 8 is a number, it must be text: write a fraction such as 8/255",
        ),
        ("evaluation/autoattack/0/epsilons", [0.03], r"0\.03 is a number, it must be text: .* in quotes such as"),
        ("evaluation/autoattack/0/epsilons", ["8/0"], r"epsilons\.0: '8/0' cannot stand here: .* such as 8/255"),
        ("evaluation/autoattack/0/epsilons", ["-8/255"], r"epsilons\.0: '-8/255' cannot stand here: .* above 0"),
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
            "evaluation/adaptive",
            {"norm": "linf", "epsilons": ["2/255", "8"]},
            r"evaluation\.adaptive\.epsilons\.1: epsilon 8 bounds nothing, .* as in 8/255$",
        ),
        (
            "evaluation/adaptive",
            {"norm": "linf", "epsilons": ["8/255"], "eot": "always"},
            r"evaluation\.adaptive\.eot: 'always' cannot stand here: write auto, or a list of numbers such as \[1, 5",
        ),
        ("evaluation/adaptive", {"norm": "linf"}, r"evaluation\.adaptive: 'epsilons' is missing"),
        (
            "evaluation/regions",
            {"norm": "linf", "epsilon": "8"},
            r"evaluation\.regions\.epsilon: epsilon 8 bounds nothing, .* as in 8/255$",
        ),
        ("evaluation/regions", {"norm": "linf"}, r"evaluation\.regions: 'epsilon' is missing"),
        ("evaluation/line_spectrum", {}, r"evaluation\.line_spectrum: 'length' is missing"),
        ("evaluation/line_spectrum", {"length": 0}, r"evaluation\.line_spectrum\.length: 0 "),
        ("evaluation/line_spectrum", {"length": 8, "points": 8}, r"evaluation\.line_spectrum\.points: 8 "),
        ("evaluation/line_spectrum", {"length": 8, "unit": "grey"}, r"evaluation\.line_spectrum\.unit: 'grey' "),
        (
            "evaluation/datasets",
            {"texdigits": {"autoattack": [{"norm": "linf", "epsilons": ["8"]}]}},
            r"evaluation\.datasets\.texdigits\.autoattack\.0\.epsilons\.0: epsilon 8 bounds nothing",
        ),
        (
            "evaluation/perturbations",
            {"attack": "fgsm", "norm": "linf", "epsilon": "4"},
            r"^evaluation\.perturbations\.epsilon: epsilon 4 bounds nothing",
        ),
        (
            "evaluation/datasets",
            {"texdigits": {"perturbations": {"attack": "fgsm", "norm": "linf", "epsilon": "4"}}},
            r"^evaluation\.datasets\.texdigits\.perturbations\.epsilon: epsilon 4 bounds nothing",
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
        ("evaluation/autoattack/0/epsilons", ["0"], r"evaluation\.autoattack\.0\.epsilons\.0: '0' cannot stand here"),
        (
            "evaluation/autoattack/0/epsilons",
            ["0.0/255"],
            r"evaluation\.autoattack\.0\.epsilons\.0: .* cannot stand here",
        ),
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
        ("evaluation/autoattack", 8, r"autoattack: 8 is a number, it must be a list: write a list of entries"),
        (
            "evaluation/autoattack",
            APGD,
            r"autoattack: \{.*\} is a mapping, it must be a list: write a list of entries, as in \[\{norm: ",
        ),
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
        (
            "evaluation/autoattack",
            False,
            r"^evaluation\.autoattack: false stands for one data set alone: leave autoattack out here, or write "
            r"autoattack: false in evaluation\.datasets\.NAME",
        ),
        ("evaluation/perturbations", False, r"^evaluation\.perturbations: false stands for one data set alone"),
        ("evaluation/main_epsilons", False, r"^evaluation\.main_epsilons: False is yes or no, it must be a mapping"),
        ("evaluation/clean", True, r"^evaluation\.clean: True is yes or no, it must be a mapping"),
        (
            "evaluation/datasets",
            {"texdigits": {"clean": True}},
            r"^evaluation\.datasets\.texdigits\.clean: true says nothing of its settings: write them, leave clean out",
        ),
        ("evaluation/datasets", {"texdigits": {"clean": 0}}, r"texdigits\.clean: 0 is a number, it must be a mapping"),
        ("evaluation/datasets", {"texdigits": {"clean": None}}, r"texdigits\.clean: has no value, write one"),
        ("evaluation/datasets", {"texdigits": {"clean": "false"}}, r"texdigits\.clean: 'false' is text, it must be a"),
        ("evaluation/datasets", {"texdigits": False}, r"evaluation\.datasets\.texdigits: False is yes or no"),
        (
            "evaluation/datasets",
            {"texdigits": {"main_epsilons": False}},
            r"texdigits\.main_epsilons: False is yes or no, it must be a mapping",
        ),
        ("evaluation/datasets", {"texdigit": {}}, r"evaluation\.datasets\.texdigit: unknown data set .*'texdigits'"),
        ("evaluation/datasets", {"cifar10": {"clear": {}}}, r"evaluation\.datasets\.cifar10: unknown key 'clear'"),
        (
            "evaluation/datasets",
            {"texdigits": {"autoattack": [{"norm": "linf"}]}},
            r"evaluation\.datasets\.texdigits\.autoattack\.0: 'epsilons' is missing",
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
        ("variants/dct/label", "plain", r"experiments\.demo\.variants: 'plain' and 'dct' have the same label 'plain'"),
        ("training/default/learning_rate", math.nan, r"training\.default\.learning_rate: nan is no finite number"),
        ("variants/dct-penalty/penalty/strength", math.inf, r"penalty\.strength: inf is no finite number"),
        ("data/datasets", {"a": {**FOLDER, "background": "red"}}, "data.datasets.a.background: 'red' is none of white"),
        (
            "data/shifted",
            {"a": {"shift_of": "cifar10", "path": "a", "upright": 1}},
            "1 is a number, it must be true or false",
        ),
        ("experiments/demo/seeds", [2**63], r"experiments\.demo\.seeds\.0: the number has more than 63 bits"),
        ("experiments/demo/seeds", [int("9" * 4000)], r"experiments\.demo\.seeds\.0: the number has more than 63 bits"),
        ("experiments/demo/seeds", [0, 0.0], r"experiments\.demo\.seeds: has the same value twice"),
        ("experiments/demo/seeds", [1.0], r"seeds\.0: 1\.0 has a point, it must be a whole number: write 1"),
        ("experiments/demo/seeds", [True], r"seeds\.0: True is yes or no, it must be a whole number"),
        (
            "training/default/epochs",
            10**9,
            r"training\.default\.epochs: 1000000000 is out of range, it must be at most",
        ),
        ("training/default/learning_rate", 1e300, r"learning_rate: 1e\+300 is out of range, it must be at most 1000"),
        ("training/default/batch_size", 2**62, r"training\.default\.batch_size: 4611686018427387904 is out of range"),
        ("evaluation/batch_size", 2**62, r"evaluation\.batch_size: 4611686018427387904 is out of range"),
        ("compute/train/threads", 2**40, r"compute\.train\.threads: 1099511627776 is out of range"),
        (
            "evaluation/autoattack/0/epsilons",
            ["9" * 5000],
            r"epsilons\.0: the text has 5000 characters, it must have at",
        ),
        (
            "evaluation/autoattack/0/epsilons",
            ["9" * 400],
            r"epsilons\.0: the text has 400 characters, it must have at most 20",
        ),
        ("evaluation/autoattack/0/epsilons", ["1e400"], r"epsilons\.0: '1e400' cannot stand here"),
        ("evaluation/autoattack/0/epsilons", ["inf/255"], r"epsilons\.0: 'inf/255' cannot stand here"),
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
        ("variants/plain/labels", "shufled", r"variants\.plain\.labels: .*shuffled"),
        ("variants/plain/labels", {"noise": "symmetric"}, r"variants\.plain\.labels: 'rate' is missing"),
        (
            "variants/plain/labels",
            {"noise": "asymmetric", "rate": 1.5},
            r"variants\.plain\.labels\.rate: 1\.5 is out of range",
        ),
        (
            "variants/plain/labels",
            {"noise": "symmetric", "rate": 0.5, "flips": "released"},
            r"variants\.plain\.labels\.flips: symmetric noise flips no classes: take asymmetric, or leave flips out",
        ),
        ("variants/plain/data", {"fraction": 0}, r"variants\.plain\.data\.fraction: 0 is out of range"),
        ("variants/plain/data", {"fraction": 1.5}, r"variants\.plain\.data\.fraction: 1\.5 is out of range"),
        (
            "variants/plain/data",
            {"fraction": 0.002},
            r"variants\.plain\.data\.fraction: 0\.002 of 4000 training images cannot have each of 10 classes: set it "
            r"to 0\.0025 or more",
        ),
        ("variants/plain/validation", {"fraction": 1}, r"variants\.plain\.validation\.fraction: 1 is out of range"),
        (
            "variants/plain/validation",
            {"fraction": 0.1, "held_out": "no"},
            r"variants\.plain\.validation\.held_out: 'no'",
        ),
        ("variants/plain/component", {"pass": "low"}, r"variants\.plain\.component: 'radius' is missing"),
        (
            "variants/plain/component",
            {"pass": "low", "radius": 0},
            r"variants\.plain\.component\.radius: 0 is out of range, it must be greater than 0",
        ),
        *(
            (
                "variants/plain/component",
                {"pass": kind, "radius": 23},
                rf"variants\.plain\.component\.radius: 23 leaves {left}, as images of 32 pixels end at 22\.6 cycles",
            )
            for kind, left in (("low", "all of each image"), ("high", "nothing of any image"))
        ),
        (
            "variants/plain",
            {"component": {"pass": "high", "radius": 8}, "gaussian_noise": 0.1},
            r"variants\.plain: gaussian_noise and component cannot be combined, leave one out",
        ),
        (
            "variants/plain-fgsm/component",
            {"pass": "high", "radius": 8},
            r"variants\.plain-fgsm: component and adversarial_training cannot be combined, leave one out",
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
                ("pgd", {"steps": 2, "free_protocol": "liu2021"}, r"\.free_protocol: means nothing to the attack pgd"),
                ("fgsm", {"steps": 2}, r"\.steps: means nothing to the attack fgsm, leave it out"),
                ("pgd", {"steps": 2, "replays": 2}, r"\.replays: means nothing to the attack pgd, leave it out"),
            )
        ),
        ("training/default/ema", 1, r"training\.default\.ema: 1 "),
        ("training/default/accumulate", 0, r"training\.default\.accumulate: 0 is out of range"),
        (
            "perturbations",
            {},
            r"^config: the key 'perturbations' has another name now: write evaluation\.perturbations$",
        ),
        ("compute/device", "gpu", r"compute\.device: 'gpu' is none of auto, cpu, cuda"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_key(config, path, value, message):
    put(config, path, value)
    with pytest.raises(InputError, match=message) as caught:
        Study(config, SCHEMA)
    assert "\n" not in str(caught.value)


def test_a_missing_key_is_named(config):
    del config["training"]["default"]["epochs"]
    with pytest.raises(InputError, match=r"training\.default: 'epochs' is missing"):
        Study(config, SCHEMA)


def test_the_resources_of_a_stage_may_be_missing_where_no_job_takes_them(config):
    for stage, key in (("train", "experiments.demo"), ("attack", "evaluation.adversarial")):
        resources = config["compute"].pop(stage)
        with pytest.raises(
            InputError, match=rf"^compute: '{stage}' is missing, which {key} needs: write its threads, "
        ):
            Study(config, SCHEMA)
        config["compute"][stage] = resources
    del config["compute"]["attack"]
    config["evaluation"] = {"batch_size": 10, "clean": {}}
    assert Study(config, SCHEMA).runs


def test_scratch_is_a_folder_of_the_nodes(config):
    for scratch in ("/scratch", "$TMPDIR", "~/local"):
        config["compute"]["scratch"] = scratch
        Study(config, SCHEMA)
    config["compute"]["scratch"] = "scratch"
    with pytest.raises(InputError, match=r"compute\.scratch: 'scratch' is no absolute path: name a folder"):
        Study(config, SCHEMA)


@pytest.mark.parametrize("key", ["raw/cifar10", "datasets/own/path", "shifted/others/path", "shifted/others/responses"])
def test_paths_that_cannot_be_are_refused(config, key):
    config["data"] = {
        "raw": {"cifar10": "raw"},
        "datasets": {"own": {"kind": "imagefolder", "path": "own", "image_size": 32, "test_fraction": 0.5}},
        "shifted": {"others": {"shift_of": "own", "path": "others"}},
    }
    Study(deepcopy(config), SCHEMA)
    put(config, f"data/{key}", "sets/{dataset}")
    with pytest.raises(InputError, match=rf"data\.{key.replace('/', '.')}: 'sets/{{dataset}}' has a brace"):
        Study(config, SCHEMA)
    for path, sentence in (
        ("sets/" + "ü" * 128, ".* is longer than a path or a name"),
        ("sets/" * 810, ".* is longer than a path or a name"),
        ("sets/" * 850, "the text has 4250 characters"),
    ):
        put(config, f"data/{key}", path)
        with pytest.raises(InputError, match=rf"data\.{key.replace('/', '.')}: {sentence}"):
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
        ({**LOCAL, "sha256": "12"}, r"checkpoints\.one\.sha256: '12' cannot stand here"),
        ({**LOCAL, "rename": {}}, r"checkpoints\.one\.rename: is empty, give at least one value"),
        (
            {**LOCAL, "rename": {"a": 1}},
            r"checkpoints\.one\.rename\.a: 1 is a number, it must be text: write what stands",
        ),
        (
            {**LOCAL, "rename": {"a.": "b"}},
            r"checkpoints\.one\.rename: 'a\.' cannot stand here: write what stands between",
        ),
        ({**LOCAL, "rename": {1: "b"}}, r"checkpoints\.one\.rename: the name 1 is not text to YAML"),
        ({**CARMON, "rename": {"a": "b"}}, r"checkpoints\.one\.rename: means nothing to the source robustbench"),
    ],
)
def test_a_wrong_checkpoint_is_one_sentence(downloaded, entry, message):
    downloaded["checkpoints"] = {"one": entry}
    downloaded["experiments"]["pairs"]["checkpoints"] = ["one"]
    with pytest.raises(InputError, match=message) as refusal:
        Study(downloaded, SCHEMA)
    assert "\n" not in str(refusal.value)
