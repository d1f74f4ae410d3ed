from copy import deepcopy

import pytest
import yaml
from study_configs import APGD, CARMON, FOLDER, LOCAL, ROOT, SCHEMA, TRANSFER, put

from filterfreq.evaluation.registry import SUITES
from filterfreq.study.experiments import Run
from filterfreq.study.file_checks import absent_raw_data, check_files
from filterfreq.study.study import Study


def test_the_demo_and_the_paper_are_valid(config):
    assert len(Study(config, SCHEMA).runs) == 5 * len(config["experiments"]["demo"]["seeds"])
    paper = Study(yaml.safe_load((ROOT / "config.yaml").read_text()), SCHEMA)
    assert len(paper.runs) == len(set(paper.runs))


@pytest.mark.parametrize("name", ["fourier", "fourier-imagenet", "imagenet", "post_averaging", "robustbench"])
def test_what_two_studies_share_is_one_run(name):
    """Or the second would be refused, because another run lies there."""
    paper, other = (
        Study(yaml.safe_load((ROOT / file).read_text()), SCHEMA) for file in ("config.yaml", f"configs/{name}.yaml")
    )
    shared = set(paper.all_runs) & set(other.all_runs)
    expected = {"fourier": {"plain", "dct", "dct-penalty", "plain-fgsm"}, "post_averaging": {"plain", "plain-pgd"}}
    assert {run.variant for run in shared} == expected.get(name, set())
    for run in shared:
        assert other.spec(run) == paper.spec(run)


def test_every_experiment_of_the_paper_stands_alone():
    paper = yaml.safe_load((ROOT / "config.yaml").read_text())
    for name, experiment in paper["experiments"].items():
        study = Study({**paper, "experiments": {name: experiment}}, SCHEMA)
        # The radii of the attacks are those of the data set, and the transferred attacks are among those on itself.
        for run in study.runs:
            attacks = study.settings("adversarial", run.dataset)["attacks"]
            assert all(attack in attacks for attack in study.settings("transfer", run.dataset)["attacks"])


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


def test_larger_images_have_a_batch_size_of_their_own(config):
    put(config, "evaluation/datasets", {"flowers102": {"batch_size": 32}})
    study = Study(config, SCHEMA)
    assert study.evaluation_batch_size("flowers102") == 32
    assert study.evaluation_batch_size("texdigits") == config["evaluation"]["batch_size"]
    assert study.settings("adversarial", "flowers102") == study.settings("adversarial", "texdigits")


def test_the_imagenet_study_is_complete():
    file = yaml.safe_load((SCHEMA.parents[1] / "configs" / "imagenet.yaml").read_text())
    study = Study(file, SCHEMA)
    assert len(study.runs) == 8
    assert "clean" in study.suites("imagenet")
    spec = study.spec(Run("imagenet", "timm_resnet50", "plain", 0))
    assert spec["training"]["augmentation"] == "resized_crop_flip"
    convnext = study.spec(Run("imagenet", "timm_convnext_tiny", "plain", 0))["training"]
    assert convnext["batch_size"] * convnext["accumulate"] == 4096
    check_files(study)
    said = "data.raw.imagenet: there is no folder data/imagenet, for ILSVRC2012_img_train.tar"
    assert absent_raw_data(study)["imagenet"].startswith(said)


def test_images_may_stay_in_0_to_1(downloaded):
    scale = {"mean": [0, 0, 0], "std": [1, 1, 1]}
    del downloaded["checkpoints"]["local"]["normalisation"]
    downloaded["checkpoints"]["local"] |= scale
    downloaded["data"] = {"datasets": {"a": FOLDER | scale}}
    study = Study(downloaded, SCHEMA)
    assert study.source("local")["mean"] == [0, 0, 0]
    assert (study.dataset("a").mean, study.dataset("a").std) == ((0, 0, 0), (1, 1, 1))


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


def test_accuracies_are_published_of_both_sides_of_the_lens_s_pairs_on_imagenet():
    study = Study(yaml.safe_load((ROOT / "configs" / "lens.yaml").read_text()), SCHEMA)
    published = study.published_accuracies("lens-imagenet", "imagenet")
    assert list(published) == list(study.labels("lens-imagenet", "imagenet"))
    assert published["resnet50"] == {"clean": 0.8037, "robust": None, "norm": "", "epsilon": ""}
    pairs = study.pairs_of("lens-imagenet", "imagenet")
    # The means of the paper's table.
    assert sum(published[pair.control.variant]["clean"] for pair in pairs) / 5 == pytest.approx(0.7846, abs=5e-5)
    assert sum(published[pair.treatment.variant]["robust"] for pair in pairs) / 5 == pytest.approx(0.3078, abs=5e-5)


def test_the_published_stimuli_are_for_models_of_imagenet_once_it_is_said_where_they_lie(config, tmp_path):
    assert Study(config, SCHEMA).stimuli("imagenet") is None
    config["data"]["shifted"] = {"cue-conflict": {"path": str(tmp_path), "responses": "nowhere"}}
    study = Study(config, SCHEMA)
    assert study.stimuli("imagenet").path == str(tmp_path)
    assert study.stimuli("texdigits") is None
