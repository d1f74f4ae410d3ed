"""A folder of images as a data set of the config, and raw files that lie elsewhere, through the workflow."""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from filterfreq.data.registry import get_dataset
from filterfreq.data.shifted.prepared import PreparedShift
from filterfreq.data.shifted.registry import downloads
from filterfreq.evaluation.corruptions import CORRUPTIONS
from filterfreq.models.registry import build

ENTRY = "\ndata:\n  datasets:\n    animals: {{kind: imagefolder, path: {path}, image_size: 32, {split}}}\n"
PREPARED = "results/data/animals/dataset.json"


class Work:
    """A folder to run the workflow in, with a config of its own."""

    def __init__(self, project, folder: Path) -> None:
        self.project, self.folder = project, folder
        self.config = folder / "animals.yaml"

    def configure(self, data: str, dataset: str = "animals") -> None:
        text = (self.project.folder / "tiny.yaml").read_text().replace("[texdigits]", f"[{dataset}]")
        for of_texdigits in ("  cue_conflict: {}\n", "    sets: [texdigits-silhouettes, texdigits-edges]\n"):
            assert of_texdigits in text
            text = text.replace(of_texdigits, "")
        self.config.write_text(text.replace("  out_of_distribution:\n    images: 50\n", "") + data)

    def run(self, *arguments):
        return self.project.snakemake(*arguments, "--directory", str(self.folder), config=str(self.config))

    def due(self, *arguments) -> Counter:
        return self.project.plan(*arguments, "--directory", str(self.folder), config=str(self.config)).jobs


@pytest.fixture
def work(fresh, tmp_path) -> Work:
    return Work(fresh, tmp_path)


@pytest.fixture
def animals(tmp_path) -> Path:
    rng = np.random.default_rng(0)
    for name in ("ant", "bee"):
        (tmp_path / "animals" / name).mkdir(parents=True)
        for number in range(20):
            pixels = rng.integers(0, 256, (40, 48, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "animals" / name / f"{number}.png")
    return tmp_path / "animals"


def test_a_folder_goes_through_every_evaluation_and_its_changes_are_noticed(work, animals):
    work.configure(ENTRY.format(path="animals", split="test_fraction: 0.3"))
    (animals / "bee" / "20.heic").write_bytes(b"")
    plan = work.due()
    assert plan["prepare"] == plan["corrupt"] == 1
    assert plan["download"] == plan["evaluate_cue_conflict"] == 0
    for suite in ("clean", "adversarial", "autoattack", "corruption"):
        assert plan[f"evaluate_{suite}"] == 2
    result = "results/runs/animals/resnet_8_2/plain/seed-0/evaluations/clean.csv"
    outcome = work.run(result)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "animals,resnet_8_2,plain,0,clean,accuracy,split=test," in (work.folder / result).read_text()
    log = work.folder / "results/logs/prepare/animals.log"
    assert "animals: left out of the class folders, by suffix: 1 .heic\n" in log.read_text()

    assert work.due(PREPARED) == Counter()
    os.utime(animals / "ant" / "3.png", ns=(1, 1))
    assert work.due(PREPARED) == {"prepare": 1}


def test_images_in_files_go_through_every_evaluation_too(work, animals):
    for name in ("cat", "dog"):  # AutoAttack needs four classes
        shutil.copytree(animals / "ant", animals / name)
    work.configure(ENTRY.format(path="animals", split="test_fraction: 0.3, storage: files, resize: 36"))
    run = "results/runs/animals/resnet_8_2/plain/seed-0"
    results = [f"{run}/evaluations/{suite}.csv" for suite in ("clean", "autoattack", "corruption")]
    outcome = work.run(*results, "figure_samples", "figure_corruption_samples")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    for file in results:
        assert "animals,resnet_8_2,plain,0," in (work.folder / file).read_text()
    assert not list((work.folder / "results/data/animals").rglob("*images*"))

    assert work.due(PREPARED) == Counter()
    Image.new("RGB", (32, 32)).save(animals / "ant" / "more.png")
    assert work.due(PREPARED) == {"prepare": 1}


def test_images_of_other_distributions_are_prepared_once_and_shown(work, animals):
    """A folder beside the data set's own with one of its classes left out; a model of ImageNet, on two of its."""
    (animals / "cow").mkdir()
    for number in range(4):
        Image.new("RGB", (40, 40), (60 * number, 0, 0)).save(animals / "cow" / f"{number}.png")
    for number, name in enumerate(("ant", "cow", "ant", "cow", "ant")):
        (work.folder / "others" / name).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (50, 40), (0, 0, 50 * number)).save(work.folder / "others" / name / f"{number}.png")
    (work.folder / "others" / "ant" / "5.heic").write_bytes(b"")
    images = ["edges/bear/bear1", "edges/dog/dog1", "stimuli/bear/bear1-dog1", "stimuli/dog/dog1-bear1"]
    images += [f"part/val/{get_dataset('imagenet').classes[label]}/one" for label in (0, 999)]
    for name in images:
        (work.folder / name).parent.mkdir(parents=True)
        Image.new("RGB", (224, 224)).save(work.folder / f"{name}.png")
    state = build("resnet_8_2", 1000).state_dict()
    state["fc.bias"][:] = 0
    state["fc.bias"][999] = 100  # the answer to everything
    torch.save(state, work.folder / "brought.pt")
    work.configure(ENTRY.format(path="animals", split="test_fraction: 0.3"))
    config = yaml.safe_load(work.config.read_text())
    config["experiments"]["part"] = {"datasets": ["imagenet"], "checkpoints": ["brought"]}
    config["checkpoints"] = {
        "brought": {"source": "file", "path": "brought.pt", "architecture": "resnet_8_2", "normalisation": "none"}
    }
    config["checkpoints"]["brought"]["normalisation"] = "none"
    config["evaluation"] |= {"out_of_distribution": {"images": 50, "sets": ["others"]}, "cue_conflict": {}}
    shifted = {"others": {"shift_of": "animals", "path": "others"}, "edges": {"path": "edges"}}
    config["data"] |= {"raw": {"imagenet": "part"}, "shifted": shifted | {"cue-conflict": {"path": "stimuli"}}}
    work.config.write_text(yaml.safe_dump(config))
    of_imagenet = "results/runs/imagenet/resnet_8_2/brought/seed-0/evaluations/clean.csv"
    result = "results/runs/animals/resnet_8_2/plain/seed-0/evaluations/out_of_distribution.csv"
    shown = [f"results/data/imagenet/shifted/{name}" for name in ("edges", "cue-conflict")]
    targets = [result, of_imagenet, "results/tables/part/imagenet/shape_bias.txt", *shown]
    assert work.due(*targets) == {
        "prepare": 2,
        "train": 1,
        "convert_checkpoint": 1,
        "prepare_shifted": 3,
        "evaluate_out_of_distribution": 1,
        "evaluate_clean": 1,
        "evaluate_cue_conflict": 1,
        "aggregate": 1,
        "table_shape_bias": 1,
    }
    outcome = work.run(*targets)
    said = outcome.stdout + outcome.stderr
    assert outcome.returncode == 0, said
    assert "evaluation.cue_conflict: not for animals: there are cue-conflict images of texdigits and" in said
    assert "evaluation.out_of_distribution: not for imagenet: sets has only others, for models of animals's" in said
    assert "data.shifted.edges: nothing that the config asks for uses it" in said
    rows = [line.split(",")[5:9] for line in (work.folder / result).read_text().splitlines()[1:]]
    assert [(metric, parameter, n) for metric, parameter, _, n in rows] == [
        ("accuracy", "set=others", "5"),
        ("expected_calibration_error", "set=others", "5"),
    ]
    # One of the two images is of the class that is always answered, whose label is that among all 1,000.
    assert "imagenet,resnet_8_2,brought,0,clean,accuracy,split=test,0.5,2," in (work.folder / of_imagenet).read_text()
    assert PreparedShift(work.folder / shown[1]).images().shape == (2, 224, 224, 3)
    assert work.due(*targets) == Counter()
    os.utime(work.folder / "others" / "ant" / "0.png", ns=(1, 1))
    log = work.folder / "results/logs/prepare_shifted/animals/others.log"
    assert "others: left out of the class folders, by suffix: 1 .heic\n" in log.read_text()
    (work.folder / "edges").rename(work.folder / "moved")  # with its times: large images are used where they lie
    work.config.write_text(work.config.read_text().replace("path: edges", "path: moved"))
    assert work.due(*targets) == {"prepare_shifted": 2, "evaluate_out_of_distribution": 1}


def test_an_archive_is_an_input(work, animals):
    archive = work.folder / "animals.tar"
    with tarfile.open(archive, "w") as opened:
        opened.add(animals, "animals")
    work.configure(ENTRY.format(path=archive, split="train: ., test_fraction: 0.3"))
    outcome = work.run(PREPARED)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert work.due(PREPARED) == Counter()
    with tarfile.open(archive, "a") as opened:
        opened.add(animals / "ant" / "0.png", "animals/ant/more.png")
    assert work.due(PREPARED) == {"prepare": 1}


def test_too_few_classes_for_autoattack_in_an_archive_are_said_before_any_training(work, animals):
    """They are known once it has been prepared, which stays; of a folder they are counted at the start."""
    with tarfile.open(work.folder / "animals.tar", "w") as opened:
        opened.add(animals, "animals")
    work.configure(ENTRY.format(path=work.folder / "animals.tar", split="train: ., test_fraction: 0.3"))
    text = work.config.read_text().replace(", attacks: [apgd-ce]", "")
    work.config.write_text(text)
    run = "results/runs/animals/resnet_8_2/plain/seed-0/run.json"
    outcome = work.run(run)
    said = (
        "evaluation.autoattack: animals cannot have it: its attacks need at least 4 classes, and there are 2: write "
        "attacks: [apgd-ce, fab, fab-t, square], or some of these, in each entry of "
        "evaluation.datasets.animals.autoattack, or autoattack: false in evaluation.datasets.animals"
    )
    assert outcome.returncode == 1
    assert said in (work.folder / "results/logs/train/animals/resnet_8_2/plain/seed-0.log").read_text()
    work.config.write_text(text.replace("    texdigits:\n", "    animals: {autoattack: false}\n    texdigits:\n"))
    assert work.due(run) == {"train": 1}
    work.config.write_text(text.replace("animals.tar", "animals"))
    outcome = work.run("--dry-run", run)
    assert f"The config is refused. {said}" in outcome.stdout + outcome.stderr


@pytest.mark.parametrize(
    ("data", "dataset", "message"),
    [
        (
            ENTRY.format(path="nowhere", split="test: test"),
            "animals",
            "data.datasets.animals.path: there is no nowhere, neither folder nor archive",
        ),
        (
            "\ndata: {raw: {cifar10: nowhere}}\n",
            "cifar10",
            "data.raw.cifar10: there is no folder nowhere, for cifar-10-binary.tar.gz",
        ),
        (
            "\ndata: {raw: {cifar: nowhere}}\n",
            "cifar10",
            "data.raw.cifar: unknown data set 'cifar': did you mean 'cifar10'",
        ),
        (
            ENTRY.format(path="animals", split="test: ../test"),
            "animals",
            "data.datasets.animals.test: '../test' cannot stand here: write it as it lies inside the path",
        ),
    ],
)
def test_what_is_not_there_stops_before_any_work(work, data, dataset, message):
    work.configure(data, dataset)
    outcome = work.run()
    assert outcome.returncode == 1
    said = outcome.stdout + outcome.stderr
    assert f"The config is refused. {message}" in said
    assert "Traceback" not in said
    assert not (work.folder / "results").exists()


def test_what_the_user_has_yet_to_get_stops_a_run_but_no_plan(work):
    work.configure("\ndata: {raw: {imagenet: nowhere}}\n", "imagenet")
    command = [sys.executable, "scripts/plan.py", "--directory", str(work.folder), "--configfile", str(work.config)]
    planned = subprocess.run(command, cwd=work.project.folder, capture_output=True, text=True, timeout=120)
    said = "data.raw.imagenet: there is no folder nowhere, for ILSVRC2012_img_train.tar: get ILSVRC2012_img_train.tar, "
    assert planned.returncode == 0, planned.stderr
    assert f"Before this can run: {said}" in planned.stdout
    outcome = work.run()
    assert outcome.returncode == 1
    assert f"The run is refused. {said}" in outcome.stdout + outcome.stderr
    assert not (work.folder / "results" / "data").exists()


def test_raw_files_elsewhere_are_used_in_place_of_a_download_and_checked(work):
    (work.folder / "mine").mkdir()
    (source,) = get_dataset("cifar10").sources
    with open(work.folder / "mine" / source.file, "wb") as file:
        file.truncate(source.size)
    work.configure("\ndata: {raw: {cifar10: mine}}\n", "cifar10")
    assert work.due("results/data/cifar10/dataset.json") == {"prepare": 1}
    outcome = work.run("results/data/cifar10/dataset.json")
    assert outcome.returncode == 1
    assert (
        f"error: mine/cifar-10-binary.tar.gz has {source.size} bytes and not the checksum"
        in outcome.stdout + outcome.stderr
    )
    assert (work.folder / "mine" / "cifar-10-binary.tar.gz").stat().st_size == source.size
    # Of torchvision's folder the unpacked files are asked for, and no archive.
    (work.folder / "mine" / "cifar-10-binary.tar.gz").unlink()
    for file in source.forms[-1]:
        path = work.folder / "mine" / file.folder / file.file
        path.parent.mkdir(exist_ok=True)
        with open(path, "wb") as content:
            content.truncate(file.size)
    assert work.due("results/data/cifar10/dataset.json") == {"prepare": 1}


def test_published_corruptions_are_downloaded_where_the_config_wants_them(work):
    target = "results/data/cifar10/corruptions"
    work.configure("", "cifar10")
    assert work.due(target) == {"download": 1, "prepare": 1, "corrupt": 1}
    work.configure("\ndata: {corruptions: published}\n", "cifar10")
    assert work.due(target) == {"download": 2, "prepare": 1, "reorder_corruptions": 1}
    work.configure("\ndata: {corruptions: published}\n", "mnist")
    assert work.due("results/data/mnist/corruptions") == {"download": 4, "prepare": 1, "corrupt": 1}


def test_raw_files_elsewhere_and_published_corruptions_become_the_prepared_images(unstarted, tmp_path):
    """CIFAR-10 in its own layout but with 5 training and 20 test images, whose checksums the registry is given."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (25, 3, 32, 32), dtype=np.uint8)
    labels = (np.arange(25) % 10).astype(np.uint8)
    records = [bytes([label]) + image.tobytes() for label, image in zip(labels, pixels, strict=True)]
    members = {f"cifar-10-batches-bin/data_batch_{part}.bin": records[part - 1] for part in range(1, 6)}
    members["cifar-10-batches-bin/test_batch.bin"] = b"".join(records[5:])
    write_tar(tmp_path / "mine" / "cifar-10-binary.tar.gz", "w:gz", members)
    test_images = pixels[5:].transpose(0, 2, 3, 1)
    arrays = {name: np.concatenate([test_images // severity for severity in range(1, 6)]) for name in CORRUPTIONS}
    arrays["labels"] = np.tile(labels[5:], 5)
    members = {f"CIFAR-10-C/{name}.npy": npy(array) for name, array in arrays.items()}
    write_tar(tmp_path / "mine" / "CIFAR-10-C.tar", "w", members)

    registry, shifted = "scripts/filterfreq/data/registry.py", "scripts/filterfreq/data/shifted/registry.py"
    for source in downloads("cifar10").values():
        content = (tmp_path / "mine" / source.file).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        of_corruptions = source.file == "CIFAR-10-C.tar"
        unstarted.edit(shifted if of_corruptions else registry, source.checksum, f"sha256:{digest}")
        unstarted.edit(shifted if of_corruptions else registry, f"{source.size:_}", str(len(content)))
    unstarted.edit(registry, "train_size=50_000,\n            test_size=10_000", "train_size=5, test_size=20")
    work = Work(unstarted, tmp_path)
    work.configure("\ndata: {raw: {cifar10: mine}, corruptions: published}\n", "cifar10")
    target = "results/data/cifar10/corruptions"
    assert work.due(target) == {"prepare": 1, "reorder_corruptions": 1}
    outcome = work.run(target)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr

    clean = np.load(tmp_path / "results/data/cifar10/arrays/test_images.npy")
    assert sorted(image.tobytes() for image in clean) == sorted(image.tobytes() for image in test_images)
    # The config evaluates corruptions on the first 4 test images.
    expected = np.concatenate([clean[:4] // severity for severity in range(1, 6)])
    for name in CORRUPTIONS:
        np.testing.assert_array_equal(np.load(tmp_path / target / f"{name}.npy"), expected)
    assert work.due(target) == Counter()


def npy(array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def write_tar(path, mode, members) -> None:
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
