"""Models that others trained, through the workflow beside one that is trained here."""

import json
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from jsonschema import Draft202012Validator
from PIL import Image

from filterfreq.evaluation.reading import read_results
from filterfreq.models.checkpoints import load_checkpoint
from filterfreq.models.classifier import Classifier
from filterfreq.models.external_files import convert_option_a_resnet, read_external_state
from filterfreq.models.registry import build
from filterfreq.runtime.files import sha256

SHARED = Path(__file__).parents[3] / "shared" / "data"
PUBLISHED = {"resnet_20": "resnet20-12fca82f.th", "resnet_56": "resnet56-4bfd9763.th"}
EXPERIMENTS = """
beside:
  datasets: [texdigits]
  models: [resnet_8_2]
  variants: [plain]
  seeds: [0]
  checkpoints: [brought, wide, wide-low]
  pairs:
    - {treatment: brought, control: plain}
    - {treatment: wide-low, control: {variant: plain, model: resnet_8_2, seed: 0}}
alone:
  datasets: [texdigits]
  checkpoints: [wide, far]
  baseline: wide
"""
CHECKPOINTS = """
brought: {source: file, path: brought.pt, architecture: resnet_8_2, normalisation: dataset, label: brought along}
wide: {source: file, path: wide.pt, architecture: resnet_8_4, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25]}
far: {source: robustbench, dataset: cifar10, threat_model: Linf, name: Rebuffi2021Fixing_R18_ddpm}
"""


DERIVED = {"from": "wide", "low_pass_kernels": {"below": 1, "layers": "all"}}


class Work:
    """The finished study's trained model and its data set, with checkpoints and a model made from one beside it."""

    def __init__(self, project) -> None:
        self.project, self.folder = project, project.folder
        for seed, (file, name) in enumerate({"brought.pt": "resnet_8_2", "wide.pt": "resnet_8_4"}.items()):
            torch.manual_seed(seed)
            torch.save(build(name, 10).state_dict(), self.folder / file)
        self.configure()

    def configure(self, **of_wide) -> None:
        """Write the config: the finished study's, but for its experiments and its further suites."""
        config = yaml.safe_load((self.folder / "tiny.yaml").read_text())
        checkpoints = yaml.safe_load(CHECKPOINTS)
        checkpoints["wide"] |= of_wide
        suites = ("batch_size", "clean", "transfer", "filters")
        config["variants"]["wide-low"] = DERIVED
        config |= {"experiments": yaml.safe_load(EXPERIMENTS), "checkpoints": checkpoints}
        config["evaluation"] = {suite: config["evaluation"][suite] for suite in suites}
        (self.folder / "brought.yaml").write_text(yaml.safe_dump(config))

    def run(self, *arguments):
        return self.project.snakemake(*arguments, config="brought.yaml")

    def due(self, *arguments) -> Counter:
        return self.project.plan(*arguments, config="brought.yaml").jobs


@pytest.fixture(scope="module")
def work(shared_project) -> Work:
    return Work(shared_project)


def test_the_plan(work):
    jobs = work.due()
    assert jobs["prepare"] == jobs["train"] == 0  # what is trained here is there already
    assert jobs["convert_checkpoint"] == 3
    assert jobs["download_checkpoint"] == 1
    assert jobs["derive"] == 1
    assert jobs["evaluate_clean"] == jobs["evaluate_filters"] == 4
    assert jobs["evaluate_transfer"] == 1  # resnet_8_2 alone has the source
    assert jobs["aggregate_history"] == jobs["table_costs"] == 1
    assert jobs["figure_dct_energy"] == jobs["table_main"] == 2
    assert jobs["table_differences"] == 1  # alone has no two variants of one model
    assert jobs["table_pairs"] == 1


def test_downloaded_models_stand_beside_trained_ones(work):
    targets = [f"results/tables/beside/texdigits/{name}.csv" for name in ("main", "costs", "pairs", "differences")]
    targets += ["results/figures/beside/texdigits/dct_energy.png", "results/aggregated/beside/texdigits/transfer.csv"]
    outcome = work.run(*targets)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr

    runs = work.folder / "results/runs/texdigits"
    classifier, record = load_checkpoint(runs / "resnet_8_2/brought/seed-0/run.json")
    original = torch.load(work.folder / "brought.pt", weights_only=True)
    assert all(torch.equal(value, original[name]) for name, value in classifier.backbone.state_dict().items())
    schema = yaml.safe_load((work.project.folder / "schemas/run.schema.yaml").read_text())
    Draft202012Validator(schema).validate(record)
    assert record["provenance"]["files"] == {"brought.pt": {"sha256": sha256(work.folder / "brought.pt")}}
    trained = json.loads((runs / "resnet_8_2/plain/seed-0/run.json").read_text())
    assert record["classifier"]["mean"] == trained["classifier"]["mean"]
    assert record["assumed"]["normalisation"] == "the data set's"
    log = work.folder / "results/logs/convert_checkpoint/texdigits/resnet_8_2/brought/seed-0.log"
    assert "read as resnet_8_2, weights: the only ones of the file; normalisation: the data set's (" in log.read_text()
    assert json.loads((runs / "resnet_8_4/wide/seed-0/run.json").read_text())["classifier"]["mean"] == [0.5] * 3

    derived, record = load_checkpoint(runs / "resnet_8_4/wide-low/seed-0/run.json")
    assert record["derived"] == DERIVED
    assert derived.mean.flatten().tolist() == [0.5] * 3
    kernel = derived.backbone.conv1.weight
    torch.testing.assert_close(kernel, kernel.mean(dim=(2, 3), keepdim=True).expand_as(kernel), rtol=0, atol=1e-6)

    main = pd.read_csv(work.folder / targets[0])
    rows = set(zip(main["model"], main["variant"], strict=True))
    assert rows == {
        ("resnet_8_2", "plain"),
        ("resnet_8_2", "brought"),
        ("resnet_8_4", "wide"),
        ("resnet_8_4", "wide-low"),
    }
    costs = pd.read_csv(work.folder / targets[1])
    assert set(costs["variant"]) == {"plain"}
    accuracies = main.set_index(["model", "variant"])["mean"]
    plain = accuracies["resnet_8_2", "plain"]
    treatments = [accuracies["resnet_8_2", "brought"], accuracies["resnet_8_4", "wide-low"]]
    pairs, differences = (pd.read_csv(work.folder / file) for file in targets[2:4])
    assert pairs[["treatment_variant", "control_variant", "treatment", "control"]].to_numpy().tolist() == [
        [name, "plain", treatment, plain] for name, treatment in zip(("brought", "wide-low"), treatments, strict=True)
    ]
    assert differences["difference"].item() == pytest.approx(np.mean(treatments) - plain)
    assert (differences["pairs"].item(), differences["controls"].item()) == (2, 1)
    transfer = read_results([work.folder / "results/aggregated/beside/texdigits/transfer.csv"])
    assert set(transfer["variant"]) == {"plain", "brought"}

    assert work.due(*targets) == Counter()
    torch.save(build("resnet_8_2", 10).state_dict(), work.folder / "brought.pt")
    again = work.due(targets[0])
    assert (again["convert_checkpoint"], again["train"], again["evaluate_clean"]) == (1, 0, 1)


def test_a_change_of_a_checkpoint_makes_again_what_it_touches(work):
    record = "results/runs/texdigits/resnet_8_4/wide/seed-0/run.json"
    assert work.run(record).returncode == 0
    work.configure(label="another")
    assert work.due(record) == Counter()
    work.configure(path="brought.pt")
    assert work.due(record) == {"convert_checkpoint": 1}
    outcome = work.run(record)
    work.configure()
    assert outcome.returncode == 1
    assert "error: brought.pt does not fit resnet_8_4 with 10 classes" in outcome.stdout + outcome.stderr
    assert not (work.folder / record).exists()


def test_a_downloaded_file_is_checked_and_kept(work):
    """A file of RobustBench's that was put where its download would be; there is no network in this test."""
    file = work.folder / "results/checkpoints/far/files/cifar10/Linf/Rebuffi2021Fixing_R18_ddpm.pt"
    file.parent.mkdir(parents=True)
    state = build("robustbench_cifar10_Linf_Rebuffi2021Fixing_R18_ddpm", 10).state_dict()
    torch.save(state, file)
    result = "results/runs/texdigits/robustbench/far/seed-0/run.json"
    outcome = work.run(result)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr

    classifier, record = load_checkpoint(work.folder / result)
    assert all(torch.equal(value, state[name]) for name, value in classifier.backbone.state_dict().items())
    packages = record["provenance"]["packages"]
    assert packages["robustbench"] == "1.1.1"
    assert {"timm", "torchvision"} <= packages.keys()
    (download,) = record["provenance"]["files"].values()
    assert download["sha256"] == sha256(file)
    assert work.due(result) == Counter()

    with open(file, "r+b") as damaged:
        damaged.seek(1000)
        damaged.write(b"\0\1")
    outcome = work.run(result, "--forcerun", "download_checkpoint")
    assert outcome.returncode == 1
    assert "but https://drive.google.com" in outcome.stdout + outcome.stderr
    assert file.is_file()


def test_published_checkpoints_on_a_folder_of_images(fresh, tmp_path):
    """They are right on the images on which the models are that read these files without the workflow.

    On all 10,000 the ResNet-20 has the accuracy that was measured elsewhere (tests/models/test_external_files.py).
    """
    if not (SHARED / "cifar10_jpeg.tar.xz").is_file() or not (SHARED / "checkpoints").is_dir():
        pytest.skip(f"the test images and the checkpoints are not at {SHARED}")
    # A tenth of the test images, and a hundredth of the training images, which nothing but their figure uses.
    with tarfile.open(SHARED / "cifar10_jpeg.tar.xz") as archive:
        members = [m for m in archive if m.name.endswith("0.jpg" if m.name.startswith("test/") else "00.jpg")]
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # since Python 3.11.4
        archive.extractall(tmp_path / "images", members)
    checkpoints = "".join(
        f"""
  {name}:
    source: file
    path: {SHARED / "checkpoints" / file}
    format: option_a_resnet
    architecture: {name}_option_a
    model: option_a
    mean: [0.485, 0.456, 0.406]
    std: [0.229, 0.224, 0.225]"""
        for name, file in PUBLISHED.items()
    )
    config = tmp_path / "published.yaml"
    config.write_text(
        f"""
experiments:
  published: {{datasets: [cifar10-jpeg], checkpoints: [resnet_20, resnet_56]}}
checkpoints: {checkpoints}
data:
  datasets:
    cifar10-jpeg: {{kind: imagefolder, path: {tmp_path / "images"}, image_size: 32, train: train, test: test}}
evaluation:
  batch_size: 500
  clean: {{}}
  filters: {{}}
compute:
  device: cpu
  train: {{threads: 1, mem_mb: 2000, runtime: 10}}
  attack: {{threads: 2, mem_mb: 2000, runtime: 10}}
  evaluate: {{threads: 2, mem_mb: 2000, runtime: 10}}
  data: {{threads: 2, mem_mb: 2000, runtime: 10}}
  publish: {{threads: 1, mem_mb: 1000, runtime: 10}}
"""
    )
    outcome = fresh.snakemake("--directory", str(tmp_path), config=str(config))
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr

    results = read_results([tmp_path / "results/aggregated/published/cifar10-jpeg/clean.csv"])
    accuracies = results[results["metric"] == "accuracy"].set_index("variant")
    files = sorted((tmp_path / "images" / "test").rglob("*.jpg"))
    classes = sorted({file.parent.name for file in files})
    images = torch.from_numpy(np.stack([np.asarray(Image.open(file)) for file in files])).permute(0, 3, 1, 2) / 255
    labels = torch.tensor([classes.index(file.parent.name) for file in files])
    assert (accuracies["n"] == len(files)).all()
    for name, file in PUBLISHED.items():
        architecture, state = convert_option_a_resnet(read_external_state(SHARED / "checkpoints" / file)[0])
        classifier = Classifier(build(architecture, 10), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)).eval()
        classifier.backbone.load_state_dict(state)
        with torch.inference_mode():
            found = torch.cat([classifier(batch).argmax(1) for batch in images.split(200)])
        assert accuracies["value"][name] == (found == labels).double().mean() > 0.75
    assert (tmp_path / "results/figures/published/cifar10-jpeg/dct_energy.png").is_file()
    assert (tmp_path / "results/tables/published/cifar10-jpeg/differences.csv").is_file()
    assert not (tmp_path / "results/tables/published/cifar10-jpeg/costs.csv").exists()
