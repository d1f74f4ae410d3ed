"""What a config asks for is measured, refused with the reason, or said before the first job."""

import re
from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from filterfreq.data.registry import get_dataset
from filterfreq.evaluation.registry import SUITES
from filterfreq.runtime.errors import InputError
from filterfreq.study.file_checks import check_files
from filterfreq.study.measurable import remarks
from filterfreq.study.study import Study
from filterfreq.study.targets import check_target

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "schemas" / "config.schema.yaml"
WORDNET = get_dataset("imagenet").classes
FGSM = {"attack": "fgsm", "norm": "linf"}


@pytest.fixture
def config(tmp_path) -> dict:
    """Two checkpoints on a folder of ImageNet's classes, with stimuli and natural adversarial images."""
    for name in ("mine/val", "stimuli", "imagenet-a", "raw"):
        (tmp_path / name).mkdir(parents=True)
    for label in (5, 700):
        (tmp_path / "mine/val" / WORDNET[label]).mkdir()
        (tmp_path / "mine/val" / WORDNET[label] / "one.jpg").touch()
    mine = {"kind": "imagefolder", "path": str(tmp_path / "mine"), "image_size": 64, "test": "val"}
    return {
        "experiments": {"one": {"datasets": ["mine"], "checkpoints": ["a", "b"]}},
        "checkpoints": {
            name: {
                "source": "file",
                "path": str(ROOT / "config.yaml"),
                "architecture": "resnet_8_2",
                "normalisation": "none",
                "label": name,
            }
            for name in ("a", "b")
        },
        "evaluation": {"batch_size": 8, "out_of_distribution": {"sets": ["imagenet-a"]}, "cue_conflict": {}},
        "data": {
            "datasets": {"mine": {**mine, "evaluation_only": True, "classes": "imagenet"}},
            "shifted": {
                "cue-conflict": {"path": str(tmp_path / "stimuli")},
                "imagenet-a": {"path": str(tmp_path / "imagenet-a")},
            },
        },
        "compute": yaml.safe_load((ROOT / "tests/workflow/tiny.yaml").read_text())["compute"],
    }


def imagenet_config(config: dict, **raw: str) -> dict:
    config["experiments"]["one"]["datasets"] = ["imagenet"]
    del config["data"]["datasets"]
    return config | {"data": {**config["data"], "raw": raw}}


def test_a_data_set_of_imagenets_classes_has_its_suites(config):
    study = Study(config, SCHEMA)
    check_files(study)
    assert study.suites("mine") == ["out_of_distribution", "cue_conflict"]
    assert study.dataset("mine").num_classes == 1000
    # Sets are shown as the data set's own images; stimuli whole.
    for entry, resize in ((study.shifted_sets("mine")[0], 72), (study.stimuli("mine"), None)):
        assert (entry.shift_of, entry.image_size, entry.resize) == ("mine", 64, None)
        config["data"]["datasets"]["mine"]["resize"] = 72
        assert study.shifted_set(entry.name, "mine").resize == resize
        del config["data"]["datasets"]["mine"]["resize"]
    assert study.stimuli("mine").storage == "files"
    assert remarks(study) == []


@pytest.mark.parametrize(
    ("suite", "reason"),
    [
        (
            "cue_conflict",
            r"mine cannot have it: there are cue-conflict images of texdigits and, for models of ImageNet",
        ),
        ("out_of_distribution", "mine cannot have it: sets has only imagenet-a, for models of imagenet's classes"),
    ],
)
def test_what_no_data_set_can_have_is_refused_with_the_remedy(config, suite, reason):
    del config["data"]["datasets"]["mine"]["classes"]
    for other in {"cue_conflict", "out_of_distribution"} - {suite}:
        del config["evaluation"][other]
    remedy = (
        "; where the class folders of mine are named like those of imagenet, say classes: imagenet in data.datasets"
    )
    with pytest.raises(InputError, match=rf"^evaluation\.{suite}: {reason}.*{remedy}\.mine; otherwise leave it out$"):
        Study(config, SCHEMA)


@pytest.mark.parametrize("name", ["cue-conflict", "imagenet-a"])
def test_a_path_that_is_not_there_is_named(config, name):
    config["data"]["shifted"][name]["path"] = "nowhere"
    with pytest.raises(InputError, match=rf"data\.shifted\.{name}\.path: there is no nowhere"):
        check_files(Study(config, SCHEMA))


def test_a_set_made_of_a_data_set_that_is_not_there_is_named(config, tmp_path):
    other = {**config["data"]["datasets"]["mine"], "path": "nowhere"}
    config["data"]["datasets"]["other"] = other
    config["data"]["shifted"]["others"] = {"shift_of": "mine", "dataset": "other"}
    config["evaluation"]["out_of_distribution"]["sets"].append("others")
    with pytest.raises(InputError, match=r"data\.datasets\.other\.path: there is no nowhere"):
        check_files(Study(config, SCHEMA))


def test_stimuli_that_the_config_does_not_name_are_asked_for(config):
    del config["data"]["shifted"]["cue-conflict"]
    with pytest.raises(
        InputError, match=r"evaluation\.cue_conflict: mine cannot have it: the stimuli are missing, clone"
    ):
        Study(config, SCHEMA)


@pytest.mark.parametrize(
    ("sets", "own", "message"),
    [
        (["imagenet-a", "cifar10.1"], {}, "cifar10.1 is for models of cifar10's classes, and no experiment has a data"),
        (["imagenet-a"], {"out_of_distribution": {"sets": ["imagenet-r"]}}, "imagenet-a is shown to no model"),
    ],
)
def test_each_set_is_shown_to_some_model(config, sets, own, message):
    config["evaluation"] |= {"out_of_distribution": {"sets": sets}, "datasets": {"mine": own}}
    with pytest.raises(InputError, match=rf"^evaluation\.out_of_distribution\.sets: {message}"):
        Study(config, SCHEMA)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"rescale": "released", "clip": True},
            r"clip: true contradicts rescale: released, which .*leave clip",
        ),
        (
            {"rescale": "released", "keep_mean": True},
            r"keep_mean: true contradicts rescale: .*leave keep_mean",
        ),
        (
            {"only_high": True, "radii": {"low": [4], "high": [8]}},
            r"only_high: it .* have none in common: give",
        ),
        ({"only_high": True, "radii": {"low": [4]}}, r"only_high: it compares the two components of a radius"),
        ({"svd": [1, 64]}, r"svd: rank 64 leaves nothing of the trailing part of images of mine, .* at most 63"),
        ({"svd": [0]}, r"svd\.0: 0 is out of range"),
        ({"mask": "open"}, r"mask: 'open' is none of strict, non_strict"),
        ({"split": ["val"]}, r"split\.0: 'val' is none of test, train"),
        ({"split": []}, r"split: is empty"),
    ],
)
def test_contradictions_of_filtered_images_are_one_sentence(config, settings, message):
    radii = {"radii": {"low": [4], "high": [4]}}
    config["evaluation"]["frequency_filtered"] = {**radii, "rescale": "released", "clip": False, "only_high": True}
    Study(deepcopy(config), SCHEMA)
    config["evaluation"]["frequency_filtered"] = {**radii, **settings}
    with pytest.raises(InputError, match=rf"^evaluation\.frequency_filtered\.{message}") as caught:
        Study(config, SCHEMA)
    assert "\n" not in str(caught.value)


def test_what_is_asked_of_one_data_set_is_refused_where_it_cannot_have_it(config):
    config["experiments"]["one"]["datasets"].append("cifar10")
    config["evaluation"]["datasets"] = {"cifar10": {"cue_conflict": {}}}
    with pytest.raises(InputError, match=r"^evaluation\.datasets\.cifar10\.cue_conflict: cifar10 cannot have it"):
        Study(config, SCHEMA)


def test_what_one_of_several_data_sets_cannot_have_is_said_and_the_reason_again_where_it_is_asked_for(config):
    config["experiments"]["one"]["datasets"].append("cifar10")
    config["evaluation"] |= {"clean": {}, "frequency_filtered": {"radii": {"low": [4, 23, 46], "high": [45.2, 46]}}}
    config["evaluation"]["datasets"] = {"mnist": {}}
    config["data"]["raw"] = {"svhn": "nowhere"}
    config["data"]["corruptions"] = "published"
    config["evaluation"]["corruption"] = {}
    study = Study(config, SCHEMA)
    assert study.suites("cifar10") == ["clean", "corruption", "frequency_filtered"]
    said = remarks(study)
    beginnings = [
        "evaluation.out_of_distribution: not for cifar10: sets has only imagenet-a, for models of imagenet's classes",
        "evaluation.cue_conflict: not for cifar10: there are cue-conflict images of texdigits and",
        # sqrt(2) * 32 = 45.25 and sqrt(2) * 16 = 22.6 cycles per image
        "evaluation.frequency_filtered.radii.low: with 46 all frequencies of mine are kept, as its images of 64 pixels",
        "evaluation.frequency_filtered.radii.high: with 46 all frequencies of mine are left out, as its images",
        "evaluation.frequency_filtered.radii.low: with 23 and 46 all frequencies of cifar10 are kept",
        "evaluation.frequency_filtered.radii.high: with 45.2 and 46 all frequencies of cifar10 are left out",
        "data.corruptions: made here for mine, of which nobody has published any",
        "data.raw.svhn: nothing that the config asks for uses it",
        "evaluation.datasets.mnist: nothing that the config asks for uses it",
    ]
    assert [line[: len(start)] for line, start in zip(said, beginnings, strict=True)] == beginnings
    target = "results/runs/cifar10/resnet_8_2/a/seed-0/evaluations/cue_conflict.csv"
    pattern = "results/runs/{dataset}/{model}/{variant}/seed-{seed}/evaluations/{suite}.csv"
    with pytest.raises(InputError, match=r"to make: evaluation\.cue_conflict is not for cifar10: there are cue-"):
        check_target(study, target, [pattern])


def test_transferred_attacks_have_a_model_to_be_made_on_or_are_refused(config):
    attacks = [{"attack": "fgsm", "norm": "linf", "epsilons": ["2/255"]}]
    config["evaluation"]["transfer"] = {"source": "a", "attacks": attacks}
    config["checkpoints"]["b"]["model"] = "other"
    assert remarks(Study(config, SCHEMA))[0].startswith("evaluation.transfer: not for the checkpoints b: no experiment")
    config["experiments"]["one"]["checkpoints"] = ["b"]
    with pytest.raises(InputError, match=r"^evaluation\.transfer\.source: no experiment has 'a' as a variant of other"):
        Study(config, SCHEMA)


@pytest.mark.parametrize(
    ("source", "perturbations", "sentence"),
    [
        ("c", True, "evaluation.first_layer.source: unknown variant 'c': choose one of a, b"),
        (
            "b",
            True,
            "evaluation.first_layer.source: no experiment has 'b' on mine, to attack: take one that it has, or say "
            "first_layer: false in evaluation.datasets.mine",
        ),
        (
            "a",
            False,
            "evaluation.first_layer: nothing perturbs images of mine: add evaluation.perturbations, or say "
            "first_layer: false in evaluation.datasets.mine",
        ),
    ],
)
def test_first_layers_see_images_that_were_perturbed_on_a_model_that_is_there(config, source, perturbations, sentence):
    config["experiments"]["one"]["checkpoints"] = ["a"]
    config["evaluation"] |= {"first_layer": {"source": "a"}, "perturbations": {**FGSM, "epsilon": "2/255"}}
    study = Study(deepcopy(config), SCHEMA)
    assert "first_layer" in study.suites("mine")
    assert study.first_run("mine", "a") == study.runs[0]
    assert not any("first_layer" in said for said in remarks(study))
    config["evaluation"]["first_layer"] = {"source": source}
    if not perturbations:
        del config["evaluation"]["perturbations"]
    with pytest.raises(InputError) as refused:
        Study(deepcopy(config), SCHEMA)
    assert str(refused.value) == sentence
    config["evaluation"]["datasets"] = {"mine": {"first_layer": False}}
    Study(config, SCHEMA)


def test_imagenet_without_images_has_the_suites_that_show_none_of_them(config):
    config = imagenet_config(config)
    study = Study(deepcopy(config), SCHEMA)
    check_files(study)
    assert not study.has_images("imagenet")
    for more in (
        {"clean": {}},
        {"perturbations": {"attack": "fgsm", "norm": "linf", "epsilon": "2/255"}},
    ):
        with pytest.raises(InputError, match=r"data\.raw\.imagenet; without them a config can ask for out_of"):
            check_files(Study(config | {"evaluation": config["evaluation"] | more}, SCHEMA))


@pytest.mark.parametrize(
    ("there", "extent"),
    [
        (
            [f"val/{WORDNET[0]}/a.JPEG", f"val/{WORDNET[9]}/b.JPEG"],
            "2 of 50,000 validation images, of 2 of 1,000 classes",
        ),
        ([f"val/{name}/a.JPEG" for name in WORDNET], "1,000 of 50,000 validation images"),
        (["ILSVRC2012_img_val.tar", "ILSVRC2012_devkit_t12.tar.gz"], ""),
    ],
)
def test_a_part_of_imagenet_is_for_evaluation_and_is_described(config, tmp_path, there, extent):
    for file in there:
        (tmp_path / "raw" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "raw" / file).touch()
    config = imagenet_config(config, imagenet=str(tmp_path / "raw"))
    config["evaluation"]["clean"] = {}
    study = Study(deepcopy(config), SCHEMA)
    check_files(study)
    assert study.dataset("imagenet").evaluation_only
    assert study.extent("imagenet") == extent
    tiny = yaml.safe_load((ROOT / "tests/workflow/tiny.yaml").read_text())
    config["experiments"]["one"] |= {"models": ["resnet_8_2"], "variants": ["plain"], "seeds": [0]}
    config |= {"training": tiny["training"], "variants": tiny["variants"]}
    with pytest.raises(InputError, match=r"^experiments\.one: no model can be trained on imagenet, as data\.raw\."):
        Study(config, SCHEMA)


def test_all_files_of_imagenet_are_for_training_whatever_is_unpacked_beside_them(tmp_path):
    (tmp_path / "val").mkdir()
    entry = get_dataset("imagenet")
    for source in entry.sources:
        assert get_dataset("imagenet", {"raw": {"imagenet": str(tmp_path)}}) != entry
        (tmp_path / source.file).touch()
    assert get_dataset("imagenet", {"raw": {"imagenet": str(tmp_path)}}) == entry


def test_a_training_that_was_asked_for_by_its_path_is_refused_too(config):
    tiny = yaml.safe_load((ROOT / "tests/workflow/tiny.yaml").read_text())
    config |= {"training": tiny["training"], "variants": tiny["variants"]}
    config["experiments"]["two"] = {**tiny["experiments"]["tiny"], "datasets": ["cifar10"]}
    target = "results/runs/mine/resnet_8_2/plain/seed-0/run.json"
    with pytest.raises(InputError, match=r"variants\.plain: no model can be trained on mine, as it is evaluation_only"):
        check_target(Study(config, SCHEMA), target, ["results/runs/{dataset}/{model}/{variant}/seed-{seed}"])


def test_a_folder_without_the_images_to_train_on_is_refused_at_once(config):
    del config["data"]["datasets"]["mine"]["evaluation_only"]
    with pytest.raises(InputError, match=r"data\.datasets\.mine: there is no train in .* evaluation_only: true"):
        check_files(Study(config, SCHEMA))


@pytest.fixture
def trained(tmp_path) -> dict:
    """Models with and without spatial filters, to be trained on a folder of three classes and on CIFAR-10."""
    for name in ("train/a", "train/b", "train/c", "test/a"):
        (tmp_path / "own" / name).mkdir(parents=True)
    config = yaml.safe_load((ROOT / "tests/workflow/tiny.yaml").read_text())
    own = {"kind": "imagefolder", "path": str(tmp_path / "own"), "image_size": 32, "test": "test"}
    config["data"] = {"datasets": {"own": own}}
    config["evaluation"] = {"batch_size": 8, "clean": {}}
    config["variants"] = {"plain": config["variants"]["plain"]}
    config["experiments"] = {
        "one": {"datasets": ["own"], "models": ["resnet_8_2_sp"], "variants": ["plain"], "seeds": [0]}
    }
    return config


@pytest.mark.parametrize(
    ("attacks", "fewest"), [(None, 4), (["square", "apgd-t"], 4), (["apgd-dlr"], 3), (["apgd-ce", "square"], 2)]
)
@pytest.mark.parametrize("classes", [2, 3])
def test_autoattack_is_for_as_many_classes_as_its_attacks_need(trained, tmp_path, attacks, fewest, classes):
    if classes == 2:
        (tmp_path / "own/train/c").rmdir()
    settings = {"norm": "linf", "epsilons": ["2/255"]} | ({"attacks": attacks} if attacks else {})
    trained["evaluation"]["autoattack"] = [settings]
    if classes >= fewest:
        assert Study(trained, SCHEMA).suites("own") == ["clean", "autoattack"]
        return
    message = rf"evaluation\.autoattack: own cannot have it: its attacks need at least {fewest} classes, and there are "
    with pytest.raises(
        InputError,
        match=rf"{message}{classes}: write attacks: \[apgd-ce, .*square\], or some of these, in each entry of "
        r"evaluation\.datasets\.own\.autoattack, or autoattack: false in evaluation\.datasets\.own; otherwise",
    ):
        Study(deepcopy(trained), SCHEMA)
    trained["experiments"]["one"]["datasets"].append("cifar10")
    study = Study(trained, SCHEMA)
    assert (study.suites("own"), study.suites("cifar10")) == (["clean"], ["clean", "autoattack"])
    assert remarks(study)[0].startswith("evaluation.autoattack: not for own: its attacks need")
    # Both ways out.
    for way_out in (False, [settings | {"attacks": ["apgd-ce", "square"]}]):
        trained["evaluation"]["datasets"] = {"own": {"autoattack": way_out}}
        study = Study(deepcopy(trained), SCHEMA)
        assert ("autoattack" in study.suites("own"), "autoattack" in study.suites("cifar10")) == (bool(way_out), True)
        assert not [said for said in remarks(study) if "its attacks need" in said]


@pytest.mark.parametrize(("classes", "suites"), [(5, ["clean"]), (6, ["clean", "top_5"])])
def test_top_5_is_for_more_than_five_classes(trained, tmp_path, classes, suites):
    for name in list("cdefgh")[: classes - 2]:
        (tmp_path / "own/train" / name).mkdir(exist_ok=True)
    trained["experiments"]["one"]["datasets"].append("cifar10")
    trained["evaluation"]["top_5"] = {}
    study = Study(trained, SCHEMA)
    assert (study.suites("own"), study.suites("cifar10")) == (suites, ["clean", "top_5"])
    said = [remark for remark in remarks(study) if "top_5" in remark]
    assert len(said) == (classes == 5)
    if said:
        assert said[0].startswith("evaluation.top_5: not for own: it has 5 classes, so that every answer would count")


@pytest.fixture
def whole(trained) -> dict:
    """All suites of the tiny study, of models of texdigits, which can have each of them, and of CIFAR-10."""
    tiny = yaml.safe_load((ROOT / "tests/workflow/tiny.yaml").read_text())
    del tiny["evaluation"]["datasets"]
    tiny["experiments"]["tiny"]["datasets"] = ["texdigits", "cifar10"]
    return tiny


OF_TINY = yaml.safe_load((ROOT / "tests/workflow/tiny.yaml").read_text())["evaluation"]


@pytest.mark.parametrize("suite", sorted(SUITES.keys() & OF_TINY.keys() - {"out_of_distribution", "cue_conflict"}))
def test_any_suite_can_be_switched_off_on_one_data_set(whole, suite):
    before = Study(deepcopy(whole), SCHEMA)
    whole["evaluation"]["datasets"] = {"texdigits": {suite: False}}
    study = Study(whole, SCHEMA)
    assert study.suites("texdigits") == [name for name in before.suites("texdigits") if name != suite]
    assert study.suites("cifar10") == before.suites("cifar10")
    assert study.settings(suite, "texdigits") is None
    assert not [said for said in remarks(study) if said not in remarks(before)]
    target = f"results/aggregated/tiny/texdigits/{suite}.csv"
    with pytest.raises(InputError, match=rf"evaluation\.datasets\.texdigits\.{suite} is false: take that out"):
        check_target(study, target, ["results/aggregated/{experiment}/{dataset}/{suite}.csv"])


def test_a_suite_that_is_switched_off_on_the_only_data_set_that_can_have_it_is_refused(whole):
    for suite in ("out_of_distribution", "cue_conflict"):
        whole["evaluation"]["datasets"] = {"texdigits": {suite: False}}
        with pytest.raises(
            InputError, match=rf"^evaluation\.{suite}: cifar10 cannot have it: .*; otherwise leave it out$"
        ):
            Study(deepcopy(whole), SCHEMA)
    # Sets of another data set are still shown.
    whole["evaluation"]["datasets"] = {"texdigits": {"out_of_distribution": False}}
    whole["evaluation"]["out_of_distribution"]["sets"].append("cifar10.1")
    study = Study(whole, SCHEMA)
    assert [[entry.name for entry in study.shifted_sets(name)] for name in study.datasets] == [[], ["cifar10.1"]]


def test_perturbations_can_be_switched_off_on_one_data_set(whole):
    whole["evaluation"]["datasets"] = {"texdigits": {"perturbations": False}}
    study = Study(whole, SCHEMA)
    assert study.settings("perturbations", "texdigits") is None
    assert study.settings("perturbations", "cifar10") == whole["evaluation"]["perturbations"]


def test_the_main_epsilons_of_all_data_sets_say_nothing_of_one_without_attacks(whole):
    whole["evaluation"]["adversarial"]["attacks"] = [{"attack": "fgsm", "norm": "linf", "epsilons": ["2/255"]}]
    whole["evaluation"]["main_epsilons"] = {"linf": "2/255"}
    off = {"adversarial": False, "autoattack": False}
    whole["evaluation"]["datasets"] = {"texdigits": off}
    Study(deepcopy(whole), SCHEMA)
    own = {"texdigits": {**off, "main_epsilons": {"linf": "2/255"}}}
    for datasets in (own, {"texdigits": off, "cifar10": off}):
        whole["evaluation"]["datasets"] = datasets
        with pytest.raises(InputError, match=r"main_epsilons\.linf: no attack of this norm is measured on texdigits"):
            Study(deepcopy(whole), SCHEMA)


def test_a_suite_that_is_switched_off_where_that_changes_nothing_or_everything_is_said(whole):
    whole["evaluation"]["datasets"] = {"texdigits": {"filters": False}, "cifar10": {"filters": False}}
    assert (
        "evaluation.filters: nothing that the config asks for uses it, as evaluation.datasets says filters: false of "
        in ("\n".join(remarks(Study(deepcopy(whole), SCHEMA))))
    )
    del whole["evaluation"]["filters"], whole["evaluation"]["datasets"]["cifar10"]
    said = "evaluation.datasets.texdigits.filters: false changes nothing, as evaluation has no filters"
    assert said in remarks(Study(whole, SCHEMA))


def test_filters_are_of_models_that_have_some(trained):
    trained["evaluation"]["filters"] = {}
    message = (
        r"evaluation\.filters: own cannot have it: there is no convolution of 3 x 3 or more in resnet_8_2_sp; other"
    )
    with pytest.raises(InputError, match=message):
        Study(deepcopy(trained), SCHEMA)
    trained["experiments"]["one"]["models"].append("resnet_8_2")
    study = Study(trained, SCHEMA)
    assert {run.model: study.suites_of(run) for run in study.runs} == {
        "resnet_8_2_sp": ["clean"],
        "resnet_8_2": ["clean", "filters"],
    }
    assert remarks(study) == [
        "evaluation.filters: not for resnet_8_2_sp: there is no convolution of 3 x 3 or more in it"
    ]
    pattern = "results/runs/{dataset}/{model}/{variant}/seed-{seed}/evaluations/{suite}.csv"
    target = "results/runs/own/resnet_8_2/plain/seed-0/evaluations/filters.csv"
    check_target(study, target, [pattern])
    check_target(study, target.replace("own", "cifar10"), [pattern])  # of which there are no runs
    with pytest.raises(InputError, match=r"evaluation\.filters is not for resnet_8_2_sp: there is no convolution"):
        check_target(study, target.replace("8_2", "8_2_sp"), [pattern])


def test_every_suite_can_be_asked_of_one_data_set(trained):
    trained["experiments"]["one"] |= {"datasets": ["own", "cifar10"], "models": ["resnet_8_2"]}
    trained["evaluation"] = {
        "batch_size": 8,
        "datasets": {"cifar10": {"clean": {}, "corruption": {"images": 7}, "filters": {}}},
    }
    study = Study(trained, SCHEMA)
    assert (study.suites("own"), study.suites("cifar10")) == ([], ["clean", "corruption", "filters"])
    assert study.evaluation("cifar10")["corruption"] == {"images": 7}


def test_a_shifted_set_of_few_classes_says_so_and_other_classes_are_refused(config, tmp_path):
    for label in WORDNET[:3]:
        (tmp_path / "imagenet-a" / label).mkdir()
    study = Study(deepcopy(config), SCHEMA)
    check_files(study)
    assert study.shifted_extent(study.shifted_sets("mine")[0]) == "3 of 1,000 classes"
    (tmp_path / "imagenet-a" / "Kitty").mkdir()
    message = r"^data\.shifted\.imagenet-a: the shifted set imagenet-a has the class 'Kitty', which is none of the 1000"
    with pytest.raises(InputError, match=message):
        check_files(Study(config, SCHEMA))


def test_a_shifted_set_of_an_own_data_set_is_compared_with_its_class_folders(config, tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / "own" / name).mkdir(parents=True)
    for name in ("a", "c"):
        (tmp_path / "shift" / "test" / name).mkdir(parents=True)
    own = {"kind": "imagefolder", "path": str(tmp_path / "own"), "image_size": 64, "evaluation_only": True}
    config["data"]["datasets"] = {"own": own}
    config["data"]["shifted"] = {"few": {"shift_of": "own", "path": str(tmp_path / "shift")}}
    config["experiments"]["one"]["datasets"] = ["own"]
    config["evaluation"] = {"batch_size": 8, "out_of_distribution": {"sets": ["few"]}}
    study = Study(config, SCHEMA)
    assert study.shifted_extent(study.shifted_sets("own")[0]) == "2 of 3 classes"


def test_a_part_of_known_classes_is_described(config):
    assert Study(config, SCHEMA).extent("mine") == "2 images of 2 of 1,000 classes"


REMEDY = (
    "; where the class folders of mine are named like those of imagenet, say classes: imagenet in data.datasets.mine"
)


@pytest.mark.parametrize(
    "source",
    [
        {"source": "torchvision", "name": "resnet18", "weights": "IMAGENET1K_V1"},
        {"source": "robustbench", "name": "Engstrom2019Robustness", "dataset": "imagenet", "threat_model": "Linf"},
        {"source": "timm", "name": "resnet18.a1_in1k"},
    ],
)
def test_models_of_other_classes_than_a_folders_are_refused_with_the_remedy(config, source):
    del config["data"]["datasets"]["mine"]["classes"]
    config["checkpoints"]["a"] = source
    message = rf"^experiments\.one\.checkpoints: 'a' knows 1000 classes and mine has 2, list it in an .* own{REMEDY}$"
    with pytest.raises(InputError, match=message):
        Study(config, SCHEMA)


def test_a_set_of_other_classes_that_is_asked_of_a_folder_is_refused_with_the_remedy(config):
    del config["data"]["datasets"]["mine"]["classes"]
    config["evaluation"]["datasets"] = {"mine": {"out_of_distribution": {"sets": ["imagenet-a"]}}}
    message = r"^evaluation\.datasets\.mine\.out_of_distribution\.sets: imagenet-a is a shift of imagenet, leave it out"
    with pytest.raises(InputError, match=message + REMEDY):
        Study(config, SCHEMA)


def test_checkpoints_and_published_corruptions_that_nothing_uses_are_said(config):
    config["experiments"]["one"]["checkpoints"] = ["a"]
    config["data"]["corruptions"] = "published"
    assert remarks(Study(config, SCHEMA)) == [
        "data.corruptions: nothing that the config asks for uses it",
        "checkpoints.b: nothing that the config asks for uses it",
    ]


def test_a_variant_that_no_experiment_lists_is_said(trained):
    assert remarks(Study(trained, SCHEMA)) == []
    trained["variants"]["forgotten"] = {}
    assert remarks(Study(trained, SCHEMA)) == ["variants.forgotten: nothing that the config asks for uses it"]


def test_settings_that_those_of_one_data_set_replace_are_said(trained):
    attack = {"attack": "fgsm", "norm": "linf", "epsilons": ["2/255"]}
    general = {
        "main_epsilons": {"linf": "2/255"},
        "adversarial": {"images": 100, "attacks": [attack]},
        "frequency_filtered": {"images": 100, "clip": False, "radii": {"low": [4], "high": [4]}},
    }
    same = {key: deepcopy(general[key]) for key in general} | {"corruption": {"images": 5}}
    trained["evaluation"] |= general | {"datasets": {"own": same}}
    assert remarks(Study(deepcopy(trained), SCHEMA)) == []
    del same["adversarial"]["images"], same["frequency_filtered"]["clip"], same["frequency_filtered"]["radii"]["high"]
    assert remarks(Study(trained, SCHEMA)) == [
        f"evaluation.{suite}.{key}: not for own: evaluation.datasets.own.{suite} replaces evaluation.{suite} "
        "as a whole, repeat there what shall hold"
        for suite, key in (
            ("adversarial", "images"),
            ("frequency_filtered", "clip"),
            ("frequency_filtered", "radii.high"),
        )
    ]


@pytest.mark.parametrize(
    ("suite", "settings", "said"),
    [
        (
            "fourier_heat_map",
            {"norm": 4, "highest_frequency": 17},
            "highest_frequency: 17 is beyond the frequencies of texdigits, whose images of 32 pixels end at 16 cycles",
        ),
        ("fourier_attack", {"norms": [4], "highest_frequency": 17}, "highest_frequency: 17 is beyond the frequencies"),
        (
            "band_noise",
            {"norm": 8, "bandwidths": {"low": [33], "complement": [33]}},
            "bandwidths.complement: 33 is too large for texdigits, as it leaves no frequency of images of 32 pixels: "
            "give at most 31",
        ),
        ("band_noise", {"norm": 8, "bandwidths": {"corner": [35]}}, "bandwidths.corner: 35 is too large for texdigits"),
        (
            "spectra",
            {"bandwidth": 33},
            "bandwidth: 33 is too large for texdigits, as its square has all frequencies of images of 32 pixels, where "
            "each corruption has all of its energy: give at most 31",
        ),
        (
            "fourier_heat_map",
            {"norm": 4, "images": 1001},
            "images: 1001 is more than the 1000 test images of tex",
        ),
        ("fourier_attack", {"norms": [4], "images": 1001}, "images: 1001 is more than"),
        (
            "fourier_attack",
            {"norms": [1, 2.00000001, 4, 2.00000002]},
            "norms: 2.00000001 and 2.00000002 are both 2 in the results, which have six digits: leave one out",
        ),
        ("band_noise", {"norm": 8, "bandwidths": {"low": [3]}, "images": 1001}, "images: 1001 is more than"),
        ("spectra", {"images": 1001}, "images: 1001 is more than"),
        ("regions", {"norm": "linf", "epsilon": "8/255", "images": 1001}, "images: 1001 is more than"),
        ("regions", {"norm": "l2", "epsilon": "56"}, "epsilon: epsilon 56 bounds nothing, for it is in units of"),
        ("line_spectrum", {"length": 24, "images": 1001}, "images: 1001 is more than"),
        ("spectra", {"corruptions": ["fogg"]}, "corruptions: unknown corruption 'fogg': did you mean 'fog'"),
    ],
)
def test_frequencies_and_images_that_there_are_not_are_refused(whole, suite, settings, said):
    whole["experiments"]["tiny"]["datasets"] = ["texdigits"]
    whole["evaluation"][suite] = settings
    with pytest.raises(InputError, match=rf"^evaluation\.{suite}\.{re.escape(said)}"):
        Study(whole, SCHEMA)


def test_regions_of_a_model_without_relu_are_refused(whole):
    whole["experiments"]["tiny"] |= {"datasets": ["texdigits"], "models": ["lowres_efficientnet_b0"]}
    whole["evaluation"]["regions"] = {"norm": "linf", "epsilon": "8/255"}
    with pytest.raises(InputError, match=r"^evaluation\.regions: lowres_efficientnet_b0 calls no ReLU, so .* name the"):
        Study(whole, SCHEMA)
    whole["experiments"]["tiny"]["suites"] = ["clean"]
    assert Study(whole, SCHEMA).runs


@pytest.mark.parametrize(
    ("suite", "settings", "key"),
    [
        ("band_noise", {"norm": 8, "bandwidths": {"corner": [3, 1]}}, "bandwidths.corner"),
        ("spectra", {"bandwidth": 1}, "bandwidth"),
    ],
)
def test_bands_without_frequencies_of_an_odd_side_are_refused(whole, suite, settings, key):
    own = {"kind": "imagefolder", "path": "own", "image_size": 33, "test": "test"}
    whole["data"] = {"datasets": {"own": own}}
    whole["experiments"]["tiny"]["datasets"] = ["own"]
    whole["evaluation"] = {"batch_size": 64, "clean": {}, "corruption": {}, suite: settings}
    said = "1 is too small for own, as it leaves no frequency of images of 33 pixels: give at least 3"
    with pytest.raises(InputError, match=rf"^evaluation\.{suite}\.{re.escape(key)}: {said}$"):
        Study(deepcopy(whole), SCHEMA)
    own["image_size"] = 32
    assert suite in Study(whole, SCHEMA).suites("own")


def test_spectra_of_corruptions_that_are_not_made_are_refused(whole):
    whole["evaluation"]["spectra"] = {}
    del whole["evaluation"]["corruption"]
    said = r"evaluation\.spectra: no images of .* are corrupted .*: add evaluation\.corruption$"
    with pytest.raises(InputError, match=said):
        Study(whole, SCHEMA)


def test_spectra_of_published_jpegs_are_refused(whole):
    whole["evaluation"] = {"batch_size": 64, "clean": {}, "corruption": {}, "spectra": {}}
    whole["data"] = whole.get("data", {}) | {"corruptions": "published"}
    whole["experiments"]["tiny"]["datasets"] = ["cifar10"]
    assert "spectra" in Study(whole, SCHEMA).suites("cifar10")
    whole["experiments"]["tiny"]["datasets"] = ["tinyimagenet"]
    said = (
        r"evaluation\.spectra: the published corrupted images of tinyimagenet were cut .*tinyimagenet\.spectra: false$"
    )
    with pytest.raises(InputError, match=said):
        Study(whole, SCHEMA)


def test_bandwidths_up_to_all_frequencies_are_taken_and_that_of_all_is_said(whole):
    whole["experiments"]["tiny"]["datasets"] = ["texdigits"]
    bandwidths = {"low": [31, 33], "corner": [33], "complement": [31]}
    whole["evaluation"]["band_noise"] = {"norm": 8, "bandwidths": bandwidths}
    study = Study(whole, SCHEMA)
    assert "band_noise" in study.suites("texdigits")
    assert [said for said in remarks(study) if "band_noise" in said] == [
        f"evaluation.band_noise.bandwidths.{band}: 33 has all frequencies of texdigits, so that its noise is white"
        for band in ("corner", "low")
    ]


@pytest.mark.parametrize(("corruptions", "number"), [(["fog"], "1 corruption"), (["fog", "snow"], "2 corruptions")])
def test_too_few_corruptions_for_slopes_are_said(whole, corruptions, number):
    whole["experiments"]["tiny"]["datasets"] = ["texdigits"]
    whole["evaluation"]["spectra"] = {"corruptions": corruptions}
    assert (
        "evaluation.spectra.corruptions: no slopes of accuracy against high-frequency energy on texdigits, as a line "
        f"through {number} says nothing: figure_energy_slopes and table_energy_slopes need 3"
    ) in remarks(Study(deepcopy(whole), SCHEMA))
    whole["evaluation"]["spectra"] = {"corruptions": ["fog", "snow", "frost"]}
    assert not [said for said in remarks(Study(whole, SCHEMA)) if "slopes" in said]


def test_layers_of_convnorm_have_no_filters_that_are_followed():
    config = yaml.safe_load((ROOT / "tests/workflow/tiny.yaml").read_text())
    config["variants"]["flat"] = {"label": "flat", "normalisation": {"method": "convnorm"}}
    config["experiments"]["tiny"]["variants"].append("flat")
    config["evaluation"]["filter_quality"] = {"batch_norm": ["separate"]}
    study = Study(config, SCHEMA)
    (said,) = [remark for remark in remarks(study) if "filter_quality" in remark]
    assert said.startswith("evaluation.filter_quality: not for the variants flat: an image meets no convolution of its")
    measured = {run.variant for run in study.runs if "filter_quality" in study.suites_of(run)}
    assert "plain" in measured
    assert "flat" not in measured
