"""Every file that the project writes and reads again, damaged in many ways: read as it was, or refused."""

import json
import random
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import torch
import yaml
from records import record_of

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.labels import load_labels, save_labels
from filterfreq.data.registry import Dataset
from filterfreq.data.saving import save_dataset, save_files
from filterfreq.data.shifted.prepared import PreparedShift, save_shifted
from filterfreq.data.stored_indices import INDICES_FILES, load_indices, save_indices
from filterfreq.evaluation.corruptions.generation import generate
from filterfreq.evaluation.corruptions.stored import find_published, load_corrupted
from filterfreq.evaluation.observers import read_responses
from filterfreq.evaluation.progress import Progress
from filterfreq.evaluation.reading import read_results
from filterfreq.evaluation.results import fraction, write_results
from filterfreq.models.checkpoints import load_checkpoint, save_checkpoint
from filterfreq.models.classifier import Classifier
from filterfreq.models.derivation import derive
from filterfreq.models.registry import build
from filterfreq.planning.records import read_benchmark, read_calibration, read_plan, read_seconds
from filterfreq.publishing.figures.components import read_examples
from filterfreq.publishing.figures.perturbations import read_perturbations
from filterfreq.publishing.tables.costs import tabulate as tabulate_costs
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import replacing_with_checksum, sha256, write_json
from filterfreq.runtime.schemas import SCHEMAS, read_record
from filterfreq.runtime.text import is_one_line
from filterfreq.study.claims_files import load_claims
from filterfreq.study.study import Study
from filterfreq.training.execution import Execution
from filterfreq.training.history import HISTORY_COLUMNS, read_history, write_history
from filterfreq.training.loop import Trainer
from filterfreq.training.state import StateFile
from filterfreq.training.untrained import build_classifier

ROOT = Path(__file__).parents[1]
REFUSED = object()
TINY = Dataset("tiny", ("a", "b"), 32, None, None, (0.5,) * 3, (0.25,) * 3, "none", False, (), "", "none")
RUN = {"dataset": "tiny", "model": "resnet_8_2", "variant": "plain", "seed": 0}
LABELS = np.arange(4) % 2
TRAINING = {"epochs": 1, "batch_size": 2, "optimizer": "sgd", "learning_rate": 0.1, "weight_decay": 0}
TRAINING |= {"schedule": "cosine"}
# Each takes the place of each value in turn; the last two are written without their quotes.
VALUES: list[Any] = [
    None,
    True,
    -1,
    0.5,
    2**63,
    10**4000,
    "",
    "x",
    "../x",
    "a\nb",
    [],
    {},
    [1],
    ["x"],
    [[None]] * 9,
    {"x": 1},
]
VALUES += ["1e999", "NaN"]


class Door(NamedTuple):
    """A file, and what is read of it."""

    file: Path
    read: Callable[[], Any]


def dataset(folder: Path) -> bytes:
    opened = PreparedDataset(folder)
    parts = [np.asarray(opened.images(split)).tobytes() + opened.labels(split).tobytes() for split in ("train", "test")]
    return b"".join(parts) + repr((opened.record, opened.image_size)).encode()


def shifted(folder: Path) -> tuple:
    found = PreparedShift(folder)
    return found.name, found.classes, np.asarray(found.images()).tobytes(), found.labels().tolist()


def checkpoint(path: Path) -> tuple:
    classifier, record = load_checkpoint(path)
    return safetensors.torch.save(classifier.backbone.state_dict()), classifier.mean.tolist(), repr(record)


def costs(path: Path) -> tuple:
    seconds = read_seconds(path.with_name("benchmark.tsv"), path)
    record = read_record(path, "run")
    return seconds, repr(record), frame(tabulate_costs([record], {"v": "v"}, "v").cells)


def frame(table: pd.DataFrame) -> str:
    return table.to_csv()


def state_of(trainer: Callable[[], Trainer]) -> Callable[[], Any]:
    """What a training goes on with; one that starts afresh says so in a line."""

    def read() -> Any:
        resumed = trainer()
        resumed._resume()
        state = resumed.classifier.state_dict().items()
        return resumed.history, resumed.finished_batches, [(name, tensor.tolist()) for name, tensor in state]

    return read


@pytest.fixture(scope="module")
def doors(tmp_path_factory) -> dict[str, Door]:
    folder = tmp_path_factory.mktemp("doors")
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    arrays = {
        f"{split}_{kind}": array
        for split in ("train", "test")
        for kind, array in (("images", images), ("labels", LABELS))
    }
    save_dataset(folder / "arrays", TINY, arrays, seed=0, sources={"a": "b"})
    (folder / "images").mkdir()
    np.save(folder / "images" / "0.png", images)  # never decoded
    splits = [([f"{split}/{number}.png" for number in range(4)], LABELS) for split in ("train", "test")]
    save_files(folder / "files", TINY, folder / "images", *splits, seed=0, sources={})
    identity = {"name": "set", "shift_of": "tiny", "folders": "classes"}
    save_shifted(folder / "set", identity, ["a", "b"], LABELS, images, {})
    torch.manual_seed(0)
    scale = {"mean": [0.5] * 3, "std": [0.25] * 3}
    record = record_of({"architecture": "resnet_8_2", "num_classes": 2, **scale, "decomposition": None})
    save_checkpoint(folder / "run", Classifier(build("resnet_8_2", 2), **scale), record)
    changes = {"from": "plain", "low_pass_kernels": {"below": 2, "layers": "first"}}
    derived = derive(folder / "run" / "run.json", {"run": RUN, "derived": changes}, "code", folder / "derived")
    save_checkpoint(folder / "derived", *derived)
    trained = {**record, "variant": {}, "training": {**TRAINING, "augmentation": "none"}}
    del trained["source"]
    trained["metrics"] = {"epoch": 1, "loss": 1.5, "penalty": 0.0, "train_accuracy": 0.5, "test_accuracy": 0.5}
    trained["metrics"] |= {"parameters": 1000}
    trained["provenance"] = {**record["provenance"], "data": {}, "device": "cpu", "seconds": 1.5, "peak_memory_mb": 9.5}
    checkpoint_of = {"file": "model.safetensors", "sha256": "0" * 64}
    write_json(folder / "trained" / "run.json", {**trained, "checkpoint": checkpoint_of})
    (folder / "trained" / "benchmark.tsv").write_text("s\tmax_rss\n1.5\t1\n")
    generate(images, folder / "corrupted", 0, ["fog"], announce=lambda line: None)
    published = folder / "published"
    write_json(published / "fog.json", {"size": 32, "names": ["fog/1/a/0.png"] * 5})
    write_json(published / "checksums.json", {"fog": sha256(published / "fog.json")})
    write_json(published / "published.json", {"corruptions": ["fog"]})
    result, history, examples = folder / "clean.csv", folder / "history.csv", folder / "perturbations.npz"
    write_results(result, RUN, "clean", [fraction("accuracy", "split=test", 3, 4)])
    write_history(
        history, [dict(zip(HISTORY_COLUMNS, (epoch, 0.1, 1.5, 0.0, 0.5, 0.25), strict=True)) for epoch in (1, 2)]
    )
    predictions = {f"{name}_predictions": LABELS for name in ("clean", "adversarial")}
    with replacing_with_checksum(examples) as temporary:
        np.savez(temporary, clean=np.float32(images / 255), adversarial=np.float32(images / 255), **predictions)
    only_high = folder / "only_high.npz"
    with replacing_with_checksum(only_high) as temporary:
        found = {"radius": np.ones(1), "index": np.zeros(1, np.int64), "images": np.zeros((1, 3, 4, 4, 3), np.float32)}
        found |= {"predictions": np.ones((1, 3), np.int64), "confidences": np.ones((1, 3), np.float32)}
        np.savez(temporary, **found, radii=np.ones(1), counts=np.ones(1, np.int64), total=np.array(4))
    indices = {key: save_indices(folder / "trained", key, np.array([3, 1])) for key in INDICES_FILES}
    own_labels = {"labels": save_labels(folder / "trained", LABELS[::-1])}
    Progress(folder / "progress.json", "model").flags("a", lambda: np.array([True, False, True]))
    device = {"measured": "", "seconds_to_start": 1.5, "units": {"{}": {"train": 0.25}}}
    write_json(folder / "calibration.json", {"devices": {"cpu": device}, "latest": "cpu"})
    entry = {"rule": "train", "benchmark": "b", "record": None, "seconds": 1.5, "source": "measured", "is_bound": False}
    made = "2026-01-02T03:04:05+00:00"
    write_json(folder / "plan.json", {"made": made, "device": "cpu", "planned": [{**entry, "made": made}]})
    files = {"a/m.pt": {"url": "https://x", "sha256": "0" * 64, "size": 3}}
    write_json(folder / "download.json", {"source": {"source": "file"}, "files": files})
    trial = "subject-01,1,1,1.1,bird,bird,0,0001_s5n_s01_0_bird_00_bird3-bird2.png"
    (folder / "responses.csv").write_text(
        f"subj,session,trial,rt,object_response,category,condition,imagename\n{trial}\n"
    )
    (folder / "benchmark.tsv").write_text("s\tmax_rss\n1.5\t1\n")
    (folder / "claims.yaml").write_text(
        "\n".join((ROOT / "claims" / "filter_frequency.yaml").read_text().splitlines()[:30])
    )

    spec = {"run": RUN, "variant": {}, "training": {**TRAINING, "augmentation": "none"}}
    prepared = PreparedDataset(folder / "arrays")

    def trainer() -> Trainer:
        new = build_classifier(spec, prepared)
        return Trainer(new, spec, prepared, Execution(torch.device("cpu")), StateFile(folder / "state.pt", ""))

    trainer().train()
    index = PreparedDataset(folder / "files")
    records = {
        "dataset.json": Door(folder / "arrays" / "dataset.json", lambda: dataset(folder / "arrays")),
        "dataset.json of files": Door(
            folder / "files" / "dataset.json",
            lambda: repr((PreparedDataset(folder / "files").record, PreparedDataset(folder / "files").labels("test"))),
        ),
        "run.json": Door(folder / "run" / "run.json", lambda: checkpoint(folder / "run" / "run.json")),
        "run.json of a derived model": Door(
            folder / "derived" / "run.json", lambda: checkpoint(folder / "derived" / "run.json")
        ),
        "run.json of a training": Door(folder / "trained" / "run.json", lambda: costs(folder / "trained" / "run.json")),
        "set.json": Door(folder / "set" / "set.json", lambda: shifted(folder / "set")),
        "checksums.json": Door(
            folder / "corrupted" / "checksums.json", lambda: load_corrupted(folder / "corrupted" / "fog.npy").tobytes()
        ),
        "fog.json": Door(published / "fog.json", lambda: load_corrupted(published / "fog.npy").names),
        "published.json": Door(published / "published.json", lambda: find_published(published)),
        "progress.json": Door(folder / "progress.json", lambda: Progress(folder / "progress.json", "model").batches),
        "calibration.json": Door(folder / "calibration.json", lambda: read_calibration(folder / "calibration.json")),
        "plan.json": Door(folder / "plan.json", lambda: read_plan(folder / "plan.json")),
        "download.json": Door(folder / "download.json", lambda: read_record(folder / "download.json", "download")),
    }
    others = {
        "array": Door(folder / "arrays" / "arrays" / "test_images.npy", records["dataset.json"].read),
        "labels": Door(folder / "arrays" / "arrays" / "test_labels.npy", records["dataset.json"].read),
        "index": Door(
            folder / "files" / "arrays" / "test_files.csv",
            lambda: (index._check_files("test"), index._index("test")[0], index.labels("test").tolist()),
        ),
        "weights": Door(folder / "run" / "model.safetensors", records["run.json"].read),
        "images.npy": Door(folder / "set" / "images.npy", records["set.json"].read),
        "fog.npy": Door(folder / "corrupted" / "fog.npy", records["checksums.json"].read),
        "clean.csv": Door(result, lambda: frame(read_results([result], [list(RUN.values())], "clean"))),
        "clean.csv.sha256": Door(folder / "clean.csv.sha256", lambda: frame(read_results([result]))),
        "history.csv": Door(history, lambda: frame(read_history(history))),
        "perturbations.npz": Door(
            examples, lambda: [array.tobytes() for array in read_perturbations(examples).values()]
        ),
        "only_high.npz": Door(only_high, lambda: [array.tobytes() for array in read_examples(only_high).values()]),
        "train_labels.npy": Door(
            folder / "trained" / "train_labels.npy",
            lambda: load_labels(folder / "trained", own_labels, LABELS).tolist(),
        ),
        **{
            file: Door(
                folder / "trained" / file,
                lambda key=key: load_indices(folder / "trained", indices, key, len(LABELS)).tolist(),
            )
            for key, file in INDICES_FILES.items()
        },
        "state.pt": Door(folder / "state.pt", state_of(trainer)),
    }
    unprotected = {
        "responses.csv": Door(folder / "responses.csv", lambda: frame(read_responses(folder / "responses.csv"))),
        "benchmark.tsv": Door(folder / "benchmark.tsv", lambda: read_benchmark(folder / "benchmark.tsv")),
        "claims.yaml": Door(
            folder / "claims.yaml", lambda: load_claims(folder / "claims.yaml", ROOT / "schemas" / "claims.schema.yaml")
        ),
    }
    return {"records": records, "others": others, "unprotected": unprotected}


RECORDS = [
    "dataset.json",
    "dataset.json of files",
    "run.json",
    "run.json of a derived model",
    "run.json of a training",
    "set.json",
    "checksums.json",
    "fog.json",
    "published.json",
]
RECORDS += ["progress.json", "calibration.json", "plan.json", "download.json"]
OTHERS = [
    "array",
    "labels",
    "index",
    "weights",
    "images.npy",
    "fog.npy",
    "clean.csv",
    "clean.csv.sha256",
    "history.csv",
]
OTHERS += ["perturbations.npz", "only_high.npz", "train_labels.npy", *INDICES_FILES.values(), "state.pt"]
UNPROTECTED = ["responses.csv", "benchmark.tsv", "claims.yaml"]


def outcome(read: Callable[[], Any]) -> Any:
    """What is read, or that it is refused, in short lines: of a config one for each of its first mistakes."""
    try:
        return read()
    except InputError as error:
        lines = str(error).splitlines()
        assert 0 < len(lines) <= 11
        for line in lines:
            assert is_one_line(line)
            assert 20 < len(line) <= 600
        return REFUSED


def mutations(content: bytes, name: str, count: int):
    """The same mutated contents every time: bits flipped, bytes cut off, left out, put in and doubled."""
    draws = random.Random(name)
    for number in range(count):
        mutated = bytearray(content)
        place = draws.randrange(len(content))
        match number % 8:
            case 0 | 1 | 2 | 3:
                # Half of them in the headers, which are short.
                place = place if number % 2 else place % 256 % len(content)
                mutated[place] ^= 1 << draws.randrange(8)
            case 4:
                del mutated[place:]
            case 5:
                del mutated[place : place + draws.randrange(1, 20)]
            case 6:
                mutated[place:place] = draws.randbytes(draws.randrange(1, 20))
            case 7:
                mutated[place:place] = mutated[place : place + draws.randrange(1, 20)]
        if bytes(mutated) != content:
            yield bytes(mutated)


@pytest.mark.parametrize("name", [*RECORDS, *OTHERS])
def test_what_was_written_is_known_again(doors, name):
    door = (doors["records"] | doors["others"])[name]
    before = door.file.read_bytes()
    expected = door.read()
    # A training and an attack start afresh from what they cannot use.
    allowed = [expected]
    if name in ("state.pt", "progress.json"):
        door.file.unlink()
        allowed.append(door.read())
        assert allowed[0] != allowed[1]
    refused = 0
    try:
        for mutated in mutations(before, name, 24 if name in ("state.pt", "run.json", "weights") else 64):
            door.file.write_bytes(mutated)
            found = outcome(door.read)
            refused += found is REFUSED or found != expected
            assert found is REFUSED or any(found == value for value in allowed), mutated[:200]
    finally:
        door.file.write_bytes(before)
    assert refused > 8
    assert door.read() == expected


@pytest.mark.parametrize("name", UNPROTECTED)
def test_what_others_wrote_is_read_or_refused(doors, name):
    door = doors["unprotected"][name]
    before = door.file.read_bytes()
    try:
        for mutated in mutations(before, name, 64):
            door.file.write_bytes(mutated)
            outcome(door.read)
    finally:
        door.file.write_bytes(before)


def places(value: Any, path: tuple = ()):
    """The keys that lead to each value."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def replaced(content: dict, path: tuple, value: Any) -> dict:
    content = deepcopy(content)
    holder = content
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return content


@pytest.mark.parametrize("checked", [True, False], ids=["checksum", "no checksum"])
@pytest.mark.parametrize("name", RECORDS)
def test_any_value_of_a_record(doors, name, checked):
    """With the checksum nothing else passes; without it, as a user edits it, no value makes more than a sentence."""
    door = doors["records"][name]
    before = door.file.read_text()
    expected = door.read()
    content = json.loads(before)
    if not checked:
        del content["content_sha256"]
    draws = random.Random(name)
    try:
        for path in places(content):
            for value in draws.sample(VALUES, 6):
                text = json.dumps(replaced(content, path, value))
                if value in ("1e999", "NaN"):
                    text = text.replace(f'"{value}"', value)
                door.file.write_text(text)
                found = outcome(door.read)
                if checked and name != "progress.json":
                    assert found is REFUSED or found == expected, (path, value)
    finally:
        door.file.write_text(before)


def test_any_value_of_a_config():
    """The values of the demo's, each by some others: it is a study, or refused in a sentence that is not long."""
    config = yaml.safe_load((ROOT / "configs" / "demo" / "core.yaml").read_text())
    config["variants"]["low"] = {"from": "plain", "low_pass_kernels": {"below": 2, "layers": "first"}}
    config["experiments"]["demo"]["variants"].append("low")
    draws = random.Random(0)
    values = [
        *VALUES,
        float("inf"),
        float("nan"),
        b"x",
        (1, 2),
        {1, 2},
        "1e400",
        "inf/255",
        "9" * 5000,
        "$(x)",
        "ü" * 300,
    ]
    for path in places(config):
        for value in draws.sample(values, 4):
            outcome(lambda path=path, value=value: Study(replaced(config, path, value), SCHEMAS / "config.schema.yaml"))
