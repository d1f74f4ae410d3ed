from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from filterfreq.data.batches import to_images
from filterfreq.data.labels import LABELS_FILE, load_labels
from filterfreq.data.noise import save_deviations
from filterfreq.data.stored_indices import load_indices
from filterfreq.models.checkpoints import load_checkpoint, save_checkpoint
from filterfreq.models.derivation import derive
from filterfreq.runtime.errors import InputError, StoppedError
from filterfreq.runtime.files import read_json, sha256
from filterfreq.training.execution import Execution
from filterfreq.training.history import read_history
from filterfreq.training.job import TrainingJob, run_training
from filterfreq.training.loop import Trainer
from filterfreq.training.snapshots import Snapshots
from filterfreq.training.state import StateFile
from filterfreq.training.untrained import build_classifier

CPU = torch.device("cpu")
FREE = {"attack": "free", "norm": "linf", "epsilon": "4/255", "replays": 2}


def made_job(folder: Path, spec: dict, dataset, snapshots=(), **changed) -> TrainingJob:
    return TrainingJob(
        spec=spec,
        code="code",
        compute={"device": "cpu"},
        threads=1,
        dataset=str(dataset.folder / "dataset.json"),
        record=str(folder / "run.json"),
        history=str(folder / "history.csv"),
        log=str(folder / "log"),
        snapshots=str(folder / "snapshots") if snapshots else "",
        snapshot_names=snapshots,
        **changed,
    )


def train(job: TrainingJob, stop_after: int | None = None) -> list[str]:
    """Train, and return what was said; stopped after so many batches of this start, if any."""
    said: list[str] = []
    batches = iter(range(10**6))
    run_training(job, CPU, lambda: stop_after is not None and next(batches) >= stop_after, said.append)
    return said


def contents(folder: Path, *names: str) -> list[bytes]:
    return [(folder / name).read_bytes() for name in names or ("model.safetensors", "history.csv")]


@pytest.mark.parametrize(("variant", "training"), [({}, {"ema": 0.9}), ({"adversarial_training": FREE}, {"epochs": 8})])
def test_a_training_with_snapshots_ends_with_the_same_bytes_as_one_without(
    tiny_dataset, tiny_spec, tmp_path, variant, training
):
    spec = {**tiny_spec, "variant": variant, "training": {**tiny_spec["training"], **training}}
    train(made_job(tmp_path / "without", spec, tiny_dataset))
    train(made_job(tmp_path / "with", spec, tiny_dataset, ("epoch-1", "epoch-4")))
    assert contents(tmp_path / "with") == contents(tmp_path / "without")
    assert not (tmp_path / "without" / "snapshots").exists()
    assert sorted(file.name for file in (tmp_path / "with").iterdir()) == [
        *("history.csv", "history.csv.sha256", "model.safetensors", "run.json", "snapshots")
    ]
    with_record, without_record = (read_json(tmp_path / name / "run.json") for name in ("with", "without"))
    for record in (with_record, without_record):
        for key in ("seconds", "peak_memory_mb"):
            del record["provenance"][key]
    assert with_record == without_record

    snapshots = tmp_path / "with" / "snapshots"
    assert sorted(file.name for file in snapshots.iterdir()) == ["epoch-1", "epoch-4"]
    assert contents(snapshots / "epoch-4", "model.safetensors") == contents(tmp_path / "with", "model.safetensors")


def test_a_snapshot_is_the_checkpoint_of_a_training_that_went_so_far(tiny_dataset, tiny_spec, tmp_path):
    """With a schedule that does not depend on the number of epochs."""
    spec = {**tiny_spec, "training": {**tiny_spec["training"], "schedule": "step", "epochs": 3}}
    train(made_job(tmp_path / "long", spec, tiny_dataset, ("epoch-2",)))
    shorter = {**spec, "training": {**spec["training"], "epochs": 2}}
    train(made_job(tmp_path / "short", shorter, tiny_dataset))
    snapshot = tmp_path / "long" / "snapshots" / "epoch-2"
    assert contents(snapshot, "model.safetensors") == contents(tmp_path / "short", "model.safetensors")
    found, record = load_checkpoint(snapshot / "run.json")
    expected, short = load_checkpoint(tmp_path / "short" / "run.json")
    assert record["metrics"] == short["metrics"]
    assert record["run"] == spec["run"]
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(found(images), expected(images))


def test_a_resumed_training_keeps_the_snapshots_that_it_has(tiny_dataset, tiny_spec, tmp_path):
    straight, stopped = (
        made_job(tmp_path / name, tiny_spec, tiny_dataset, ("epoch-1", "epoch-3")) for name in ("straight", "stopped")
    )
    train(straight)
    with pytest.raises(StoppedError):
        train(stopped, stop_after=5)  # of three batches an epoch
    first = tmp_path / "stopped" / "unfinished_snapshots" / "epoch-1" / "model.safetensors"
    made = first.stat().st_mtime_ns
    assert not (tmp_path / "stopped" / "snapshots").exists()
    assert any("goes on after epoch 1" in line for line in train(stopped))
    kept = tmp_path / "stopped" / "snapshots"
    assert (kept / "epoch-1" / "model.safetensors").stat().st_mtime_ns == made
    files = ("model.safetensors", "history.csv", *(f"snapshots/epoch-{epoch}/model.safetensors" for epoch in (1, 3)))
    assert contents(tmp_path / "stopped", *files) == contents(tmp_path / "straight", *files)


BATCHES = ("batch-2", "batch-4", "epoch-0", "epoch-1")  # of three batches an epoch


def test_snapshots_of_batches_change_nothing_and_are_what_a_training_is_at_that_batch(
    tiny_dataset, tiny_spec, tmp_path
):
    spec = {**tiny_spec, "training": {**tiny_spec["training"], "accumulate": 2, "batch_size": 16, "ema": 0.9}}
    train(made_job(tmp_path / "without", spec, tiny_dataset))
    train(made_job(tmp_path / "with", spec, tiny_dataset, BATCHES))
    assert contents(tmp_path / "with") == contents(tmp_path / "without")
    kept = tmp_path / "with" / "snapshots"
    assert sorted(folder.name for folder in kept.iterdir()) == sorted(BATCHES)
    metrics = {name: load_checkpoint(kept / name / "run.json")[1]["metrics"] for name in BATCHES}
    so_far = [(metrics[name]["epoch"], metrics[name].get("batches")) for name in BATCHES]
    assert so_far == [(0.666667, 2), (1.333333, 4), (0, 0), (1, None)]

    # Before the first batch the weights are those that the seed draws.
    untrained = build_classifier(spec, tiny_dataset).backbone.state_dict()
    found = load_checkpoint(kept / "epoch-0" / "run.json")[0].backbone.state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in untrained.items())

    # A training that stops after two batches has the weights of its state there.
    with pytest.raises(StoppedError):
        train(made_job(tmp_path / "stopped", spec, tiny_dataset), stop_after=2)
    state = torch.load(tmp_path / "stopped" / "training_state.pt", weights_only=True)["averaged"]
    found = load_checkpoint(kept / "batch-2" / "run.json")[0].backbone.state_dict()
    assert all(torch.equal(state[f"module.backbone.{name}"], tensor) for name, tensor in found.items())


@pytest.mark.parametrize("stop_after", [1, 2, 4, 5])
def test_a_training_that_stops_between_batches_has_the_same_snapshots(tiny_dataset, tiny_spec, tmp_path, stop_after):
    straight, stopped = (
        made_job(tmp_path / name, tiny_spec, tiny_dataset, BATCHES) for name in ("straight", "stopped")
    )
    train(straight)
    with pytest.raises(StoppedError):
        train(stopped, stop_after=stop_after)
    first = tmp_path / "stopped" / "unfinished_snapshots" / "epoch-0" / "model.safetensors"
    made = first.stat().st_mtime_ns
    assert any("goes on after" in line for line in train(stopped))
    files = ("model.safetensors", "history.csv", *(f"snapshots/{name}/model.safetensors" for name in BATCHES))
    assert contents(tmp_path / "stopped", *files) == contents(tmp_path / "straight", *files)
    assert (tmp_path / "stopped" / "snapshots" / "epoch-0" / "model.safetensors").stat().st_mtime_ns == made


def test_a_batch_that_a_stopped_training_should_have_and_has_not_is_made(tiny_dataset, tiny_spec, tmp_path):
    with pytest.raises(StoppedError):
        train(made_job(tmp_path, tiny_spec, tiny_dataset, ("epoch-1",)), stop_after=2)
    said = train(made_job(tmp_path, tiny_spec, tiny_dataset, ("batch-1", "epoch-1")))
    assert "the snapshot batch-1 is missing, training starts afresh" in said[0]
    assert sorted(file.name for file in (tmp_path / "snapshots").iterdir()) == ["batch-1", "epoch-1"]


def test_a_batch_beyond_the_last_is_refused_before_the_training(tiny_dataset, tiny_spec, tmp_path):
    with pytest.raises(InputError, match=r"training of tiny/.*: snapshots names batch 13, the last one is 12: name"):
        train(made_job(tmp_path, tiny_spec, tiny_dataset, ("batch-13",)))


def test_a_snapshot_that_a_stopped_training_should_have_and_has_not_is_made(tiny_dataset, tiny_spec, tmp_path):
    with pytest.raises(StoppedError):
        train(made_job(tmp_path, tiny_spec, tiny_dataset, ("epoch-2",)), stop_after=5)
    said = train(made_job(tmp_path, tiny_spec, tiny_dataset, ("epoch-1", "epoch-2")))
    assert "the snapshot epoch-1 is missing, training starts afresh" in said[0]
    assert sorted(file.name for file in (tmp_path / "snapshots").iterdir()) == ["epoch-1", "epoch-2"]


def test_other_epochs_go_on_from_the_same_state(tiny_dataset, tiny_spec, tmp_path):
    with pytest.raises(StoppedError):
        train(made_job(tmp_path, tiny_spec, tiny_dataset, ("epoch-1",)), stop_after=5)
    said = train(made_job(tmp_path, tiny_spec, tiny_dataset, ("epoch-3",)))
    assert "goes on after epoch 1" in said[0]
    assert [file.name for file in (tmp_path / "snapshots").iterdir()] == ["epoch-3"]
    assert not (tmp_path / "unfinished_snapshots").exists()


def test_a_training_that_starts_afresh_keeps_no_older_snapshots(tiny_dataset, tiny_spec, tmp_path):
    with pytest.raises(StoppedError):
        train(made_job(tmp_path, tiny_spec, tiny_dataset, ("epoch-1",)), stop_after=5)
    old = contents(tmp_path / "unfinished_snapshots" / "epoch-1", "model.safetensors")
    changed = {**tiny_spec, "training": {**tiny_spec["training"], "learning_rate": 0.001}}
    assert "starts afresh" in train(made_job(tmp_path, changed, tiny_dataset, ("epoch-1",)))[0]
    assert contents(tmp_path / "snapshots" / "epoch-1", "model.safetensors") != old


def test_a_run_without_snapshots_in_a_study_with_some_has_an_empty_folder(tmp_path):
    snapshots = Snapshots((), tmp_path / "unfinished", tmp_path / "snapshots", lambda measured, seconds: {})
    snapshots.finish()
    assert list(tmp_path.iterdir()) == [tmp_path / "snapshots"]
    snapshots.begin("any", 10, 3)
    assert snapshots.missing({"history": [{}], "finished_batches": 1}) == []


def test_a_front_end_is_trained_and_kept_in_the_record(tiny_dataset, tiny_spec, tmp_path):
    """What passes a low-pass of bandwidth 1 is each channel's mean."""
    front_end = {"band": "low", "bandwidth": 1}
    penalty = {"decomposition": "weight", "penalty": {"kind": "all", "strength": 0.01, "layers": "all"}}
    training = {**tiny_spec["training"], "epochs": 1}
    spec = {**tiny_spec, "variant": {**penalty, "front_end": front_end}, "training": training}
    train(made_job(tmp_path, spec, tiny_dataset))
    classifier, record = load_checkpoint(tmp_path / "run.json")
    assert record["classifier"]["front_end"] == front_end
    assert record["metrics"]["penalty"] > 0

    images = torch.rand(5, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    even = images.mean(dim=(2, 3), keepdim=True).expand_as(images)
    torch.testing.assert_close(classifier(images), classifier(even), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(classifier.backbone(images), classifier.backbone(even), atol=1e-3)


@pytest.mark.parametrize("model", ["hfc_resnet_8", "resnet_8_4"])
@pytest.mark.parametrize("normalisation", ["batch", "none"])
def test_a_model_trained_with_dropout_and_another_normalisation_comes_back_with_it(
    tiny_dataset, tiny_spec, tmp_path, model, normalisation
):
    variant = {"normalisation": normalisation, "dropout": 0.5, "decomposition": "weight"}
    training = {**tiny_spec["training"], "epochs": 1, "image_normalisation": "none", "learning_rate": 1e-4}
    spec = {"run": {**tiny_spec["run"], "model": model}, "variant": variant, "training": training}
    train(made_job(tmp_path, spec, tiny_dataset))
    classifier, record = load_checkpoint(tmp_path / "run.json")
    kept = {key: record["classifier"][key] for key in ("normalisation", "dropout", "mean", "std")}
    assert kept == {"normalisation": normalisation, "dropout": 0.5, "mean": [0.0] * 3, "std": [1.0] * 3}
    assert any(isinstance(layer, nn.BatchNorm2d) for layer in classifier.modules()) == (normalisation == "batch")
    images, labels = (tiny_dataset.array(f"test_{kind}") for kind in ("images", "labels"))
    with torch.no_grad():
        found = classifier(to_images(torch.tensor(images), torch.device("cpu"))).argmax(1)
    assert (found.numpy() == labels).mean() == record["metrics"]["test_accuracy"]


@pytest.mark.parametrize("method", ["convnorm", "oni", "own", "spectral"])
def test_a_model_trained_with_normalised_convolutions_comes_back_from_where_it_was_stopped(
    tiny_dataset, tiny_spec, tmp_path, method
):
    size = {"image_size": 32} if method == "convnorm" else {}
    variant = {
        "normalisation": {"method": method, **size},
        "decomposition": "weight",
        "penalty": {"kind": "all", "strength": 0.01, "layers": "all"},
    }
    training = {**tiny_spec["training"], "epochs": 2, "ema": 0.5}
    spec = {"run": tiny_spec["run"], "variant": variant, "training": training}
    train(made_job(tmp_path / "straight", spec, tiny_dataset))
    with pytest.raises(StoppedError):
        train(made_job(tmp_path / "stopped", spec, tiny_dataset), stop_after=3)
    train(made_job(tmp_path / "stopped", spec, tiny_dataset))
    assert contents(tmp_path / "stopped") == contents(tmp_path / "straight")
    images, labels = (tiny_dataset.array(f"test_{kind}") for kind in ("images", "labels"))
    shown = to_images(torch.tensor(images), CPU)
    for compose in (True, False):
        classifier, record = load_checkpoint(tmp_path / "straight" / "run.json", compose=compose)
        assert record["classifier"]["normalisation"] == variant["normalisation"]
        with torch.no_grad():
            found = classifier(shown).argmax(1)
        assert (found.numpy() == labels).mean() == pytest.approx(record["metrics"]["test_accuracy"], abs=1e-9)
    # A model that is made of this one has the same layers, and what it shares with it is read from there.
    derived = {"run": spec["run"], "derived": {"from": "any", "smooth_kernels": {"rho": 0.0, "layers": "first"}}}
    made, of_derived, changed = derive(tmp_path / "straight" / "run.json", derived, "code", tmp_path / "derived")
    save_checkpoint(tmp_path / "derived", made, of_derived, changed)
    again, _ = load_checkpoint(tmp_path / "derived" / "run.json")
    with torch.no_grad():
        assert torch.equal(again(shown).argmax(1), made(shown).argmax(1))


def test_what_an_intervention_reads_is_in_the_record_and_a_training_on_another_starts_afresh(
    tiny_dataset, tiny_spec, tmp_path
):
    noise = tmp_path / "fog.npy"
    spec = {**tiny_spec, "variant": {"noise_with_spectrum_of": "fog"}}
    straight, stopped, changed = (
        made_job(tmp_path / name, spec, tiny_dataset, files={"noise_with_spectrum_of": str(noise)})
        for name in ("straight", "stopped", "changed")
    )
    save_deviations(noise, np.full((3, 32, 32), 0.05))
    train(straight)
    for job in (stopped, changed):
        with pytest.raises(StoppedError):
            train(job, stop_after=5)
    train(stopped)
    assert contents(tmp_path / "stopped") == contents(tmp_path / "straight")
    assert read_json(tmp_path / "stopped" / "run.json")["provenance"]["data"]["noise_with_spectrum_of"] == sha256(noise)
    save_deviations(noise, np.full((3, 32, 32), 0.1))
    assert any("training starts afresh" in line for line in train(changed))
    assert contents(tmp_path / "changed") != contents(tmp_path / "straight")


def test_the_labels_of_a_training_lie_beside_its_weights_and_its_records_name_them(tiny_dataset, tiny_spec, tmp_path):
    own = tiny_dataset.labels("train")
    spec = {**tiny_spec, "variant": {"labels": "shuffled"}, "training": {**tiny_spec["training"], "epochs": 2}}
    train(made_job(tmp_path / "a", spec, tiny_dataset, ("epoch-1",)))
    record, of_snapshot = (read_json(tmp_path / "a" / name) for name in ("run.json", "snapshots/epoch-1/run.json"))
    assert record["labels"] == {"file": LABELS_FILE, "sha256": sha256(tmp_path / "a" / LABELS_FILE)}
    assert of_snapshot["labels"] == record["labels"]
    labels = load_labels(tmp_path / "a", record, own)
    assert np.array_equal(np.bincount(labels), np.bincount(own))
    assert not np.array_equal(labels, own)

    # The same where a training is stopped and goes on, and with a longer one; others with another seed.
    with pytest.raises(StoppedError):
        train(made_job(tmp_path / "stopped", spec, tiny_dataset), stop_after=2)
    train(made_job(tmp_path / "stopped", spec, tiny_dataset))
    names = (LABELS_FILE, "model.safetensors", "history.csv")
    assert contents(tmp_path / "stopped", *names) == contents(tmp_path / "a", *names)
    train(made_job(tmp_path / "other", {**spec, "run": {**spec["run"], "seed": 1}}, tiny_dataset))
    assert contents(tmp_path / "other", LABELS_FILE) != contents(tmp_path / "a", LABELS_FILE)

    # What is learned are these labels: of a training on the data set's own, nothing is beside the weights.
    train(made_job(tmp_path / "own", {**spec, "variant": {}}, tiny_dataset))
    assert not (tmp_path / "own" / LABELS_FILE).exists()
    assert "labels" not in read_json(tmp_path / "own" / "run.json")
    accuracy = {name: read_json(tmp_path / name / "run.json")["metrics"]["train_accuracy"] for name in ("a", "own")}
    assert accuracy["a"] < 0.5 < accuracy["own"]


def test_what_a_training_chooses_of_the_images_lies_beside_its_weights(tiny_dataset, tiny_spec, tmp_path):
    """It is what it would be with a data set of these images alone, and the history has the accuracy on the others."""
    labels = tiny_dataset.labels("train")
    training = {**tiny_spec["training"], "epochs": 2, "batch_size": 16}
    variant = {"data": {"fraction": 0.5}, "validation": {"fraction": 0.25}, "labels": {"noise": "symmetric", "rate": 1}}
    spec = {**tiny_spec, "variant": variant, "training": training}
    # Of 96 images 48 are three batches.
    train(made_job(tmp_path / "a", spec, tiny_dataset, ("batch-6",)))
    record, of_snapshot = (read_json(tmp_path / "a" / name) for name in ("run.json", "snapshots/batch-6/run.json"))
    for key in ("trained_on", "validated_with", "labels"):
        assert record[key] == of_snapshot[key]
    trained, validation = (load_indices(tmp_path / "a", record, key, 96) for key in ("trained_on", "validated_with"))
    assert np.bincount(labels[trained]).tolist() == [12] * 4
    assert np.bincount(labels[validation]).tolist() == [6] * 4
    assert not set(trained) & set(validation)

    classifier = load_checkpoint(tmp_path / "a" / "run.json")[0].eval()
    with torch.no_grad():
        found = classifier(to_images(torch.tensor(tiny_dataset.images("train")[validation]), CPU)).argmax(1)
    last = read_history(tmp_path / "a" / "history.csv").iloc[-1]
    accuracy = (found.numpy() == labels[validation]).mean()
    assert last["validation_accuracy"] == record["metrics"]["validation_accuracy"] == pytest.approx(accuracy)

    drawn = load_labels(tmp_path / "a", record, labels)
    few = SimpleNamespace(
        **{name: getattr(tiny_dataset, name) for name in ("classes", "num_classes", "mean", "std")},
        images=lambda split: tiny_dataset.images(split)[trained if split == "train" else slice(None)],
        labels=lambda split: drawn[trained] if split == "train" else tiny_dataset.labels(split),
    )
    plain = {**spec, "variant": {}}
    state_file = StateFile(tmp_path / "few.pt", "")
    trainer = Trainer(build_classifier(plain, tiny_dataset), plain, few, Execution(CPU), state_file)
    expected = [{**row, "validation_accuracy": None} for row in trainer.train()]
    assert [{**row, "validation_accuracy": None} for row in history_of(tmp_path / "a")] == expected

    with pytest.raises(StoppedError):
        train(made_job(tmp_path / "stopped", spec, tiny_dataset), stop_after=2)
    train(made_job(tmp_path / "stopped", spec, tiny_dataset))
    names = ("trained_images.npy", "validation_images.npy", "model.safetensors", "history.csv")
    assert contents(tmp_path / "stopped", *names) == contents(tmp_path / "a", *names)


def history_of(folder):
    return read_history(folder / "history.csv").to_dict("records")
