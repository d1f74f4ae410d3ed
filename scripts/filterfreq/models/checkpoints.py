"""Checkpoints: `model.safetensors` with `run.json` beside it."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path

import safetensors.torch
from torch import Tensor

from filterfreq.models import registry
from filterfreq.models.classifier import Classifier
from filterfreq.models.state_fit import check_fit
from filterfreq.models.surgery import composition
from filterfreq.models.surgery.registry import apply_decomposition, apply_surgery
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import reading, replacing, sha256, write_json
from filterfreq.runtime.schemas import read_record
from filterfreq.runtime.text import one_line

WEIGHTS_FILE = "model.safetensors"
RECORD_FILE = "run.json"


def save_checkpoint(
    folder: str | Path, classifier: Classifier, record: dict, changed: Collection[str] | None = None
) -> None:
    """Write `model.safetensors` and then `run.json`, each whole or not at all.

    The weights are the backbone's state dict, under the architecture's own names, with `coefficients` where a layer is
    decomposed. Equal weights give equal bytes.

    Args:
        folder: the run's folder, made when it is missing.
        classifier: the trained model, on any device.
        record: JSON-ready; holds "run" (dataset, model, variant, seed) and "classifier" (architecture, num_classes,
            mean, std, decomposition: None, "weight" or "signal", and the settings of each change that it was trained
            with), and of a derived run "derived" (the settings of its surgery), from which `load_checkpoint` rebuilds
            the model, and whatever else is known of the run.
            "checkpoint" (file, sha256) is added in the file.
        changed: the names of the tensors to write, where the record says in "checkpoint" which other run the rest is
            `unchanged_in` (its record, relative to the folder, and the sha256 of its weights); all unless given.

    Raises:
        InputError: a weight is not finite, or the disk is full.
    """
    folder = Path(folder)
    state = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in classifier.backbone.state_dict().items()
        if changed is None or name in changed
    }
    _check_finite(state, f"the model of {folder}", "train with a lower learning_rate, or take other weights")
    with replacing(folder / WEIGHTS_FILE) as temporary:
        # safetensors writes metadata in no fixed order, so there is at most this one key; and its own save_file would
        # hide a full disk behind an error of its own.
        temporary.write_bytes(safetensors.torch.save(state, metadata={"format": "pt"}))
    checkpoint = {"file": WEIGHTS_FILE, "sha256": sha256(folder / WEIGHTS_FILE)}
    write_json(folder / RECORD_FILE, record | {"checkpoint": record.get("checkpoint", {}) | checkpoint})


def load_checkpoint(path: str | Path, compose: bool = True) -> tuple[Classifier, dict]:
    """Rebuild the classifier that `save_checkpoint` wrote.

    Args:
        path: the run's `run.json`.
        compose: return plain convolutions with the same outputs instead of DCT layers.

    Returns:
        The classifier on the CPU in eval mode, a stochastic one with the seed of the run; and the record.

    Raises:
        InputError: one of the two files is missing or damaged, or one of those of the run that a derived one shares
            tensors with; the weights do not have the recorded checksum, are not finite or do not fit the recorded
            architecture, or the architecture is unknown.
    """
    path = Path(path)
    if path.name != RECORD_FILE:
        right = path / RECORD_FILE if path.is_dir() else path.with_name(RECORD_FILE)
        raise InputError(
            f"{path} is not the record of a run: give {right}, which names the weights beside it; a model of others is "
            "an entry of the config's checkpoints, with source: file"
        )
    record = read_record(path, "run")
    settings, checkpoint = record["classifier"], record["checkpoint"]
    architecture = settings["architecture"]
    weights = path.parent / checkpoint["file"]
    try:
        backbone = apply_decomposition(registry.build(architecture, settings["num_classes"]), settings["decomposition"])
        classifier = Classifier(backbone, settings["mean"], settings["std"])
        # What was made of another model may have other layers; the weights in them come after this.
        for changes in (settings, record.get("derived", {})):
            classifier = apply_surgery(classifier, changes)
    except InputError as error:
        raise InputError(f"{path} names a model that cannot be built: {error}") from error
    except Exception as error:  # whatever the model's library raises
        raise InputError(
            f"{path} names a model that cannot be built ({type(error).__name__}: {one_line(error, 200)}): take the "
            "environment and the version of the code that wrote it"
        ) from error
    state = _read_weights(weights, checkpoint["sha256"], path)
    if "unchanged_in" in checkpoint:
        unchanged = _read_source(path, checkpoint["unchanged_in"])
        # A change may have taken layers away.
        state = {name: unchanged[name] for name in classifier.backbone.state_dict() if name in unchanged} | state
    remedy = f"the weights are whole, put back the {RECORD_FILE} that was written with them, or have the run made again"
    check_fit(state, classifier.backbone.state_dict(), weights, architecture, remedy)
    _check_finite(state, str(weights), "delete it and run again")
    classifier.backbone.load_state_dict(state)
    if compose:
        classifier.backbone = composition.compose(classifier.backbone)
    classifier.seed_draws(record["run"]["seed"])
    return classifier.eval(), record


def _read_weights(weights: Path, checksum: str, record: Path) -> dict[str, Tensor]:
    if not weights.is_file():
        raise InputError(f"{weights} is missing, though {record} names it: put it back, or have the run made again")
    with reading(weights, "delete it and run again"):
        if sha256(weights) != checksum:
            raise InputError(
                f"{weights} is truncated or was changed, its SHA-256 is not the one in {record}: "
                "delete it and run again"
            )
        return safetensors.torch.load_file(weights)


def _read_source(path: Path, unchanged_in: Mapping[str, str]) -> dict[str, Tensor]:
    """Return the composed tensors of the run that a derived one shares some with, as its record at `path` says."""
    # As Snakemake writes the path of it.
    source = Path(os.path.normpath(path.parent / unchanged_in["record"]))
    if not source.is_file():
        raise InputError(
            f"{source} is missing, of whose model {path} has only what differs: put it back, or have both runs made "
            "again"
        )
    found = read_record(source, "run")["checkpoint"]
    if "unchanged_in" in found:
        raise InputError(
            f"{path} is made of {source}, which has only what differs from a third run: have it made of that one"
        )
    if found["sha256"] != unchanged_in["sha256"]:
        raise InputError(
            f"{source.with_name(found['file'])} is not what {path} was made of, its SHA-256 is another: delete {path} "
            "and run again"
        )
    return load_checkpoint(source)[0].backbone.state_dict()


def _check_finite(state: Mapping[str, Tensor], what: str, remedy: str) -> None:
    """Refuse weights of which evaluations would make an accuracy as of any others.

    Raises:
        InputError: one is infinite or no number.
    """
    for name, tensor in state.items():
        if not tensor.isfinite().all():
            raise InputError(f"{what} has numbers that are not finite, in {name}: {remedy}")
