"""The cost model: what each job does, in the units that a calibration measures. Imports no torch."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from filterfreq.data.shifted.prepared import RECORD as SHIFTED_RECORD
from filterfreq.evaluation.corruptions import CORRUPTIONS, SEVERITIES
from filterfreq.planning.records import unit_key
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.schemas import read_record
from filterfreq.study.experiments import Run
from filterfreq.study.study import Study

UPPER_BOUNDS = ("evaluate_adversarial", "evaluate_transfer", "evaluate_autoattack")
"""Rules whose cost is an upper bound, because attacks leave out the images that are misclassified already."""

# Settings of a variant that say how strongly something is done, not how much work it is.
_STRENGTHS = {"penalty": "strength", "adversarial_training": "epsilon"}
# Settings of training that change the work of one batch.
_OF_A_BATCH = ("batch_size", "accumulate", "optimizer", "augmentation", "ema")
# Where the number of a data set's classes is not known, which matters to the last layer alone.
_CLASSES = 10


class Passes(NamedTuple):
    """How often a network is applied to each image: forward, and backward from the logits to the image."""

    forward: float
    backward: float

    def __add__(self, other: "Passes") -> "Passes":
        return Passes(self.forward + other.forward, self.backward + other.backward)

    def times(self, count: float) -> "Passes":
        """Return so many times as many."""
        return Passes(self.forward * count, self.backward * count)


class Work(NamedTuple):
    """What one job of an evaluation does, in passes over all its images.

    Attributes:
        own: passes of the evaluated model.
        source: passes of the model that attacks are transferred from.
    """

    own: Passes
    source: Passes = Passes(0, 0)


def attack_passes(attack: Mapping[str, Any]) -> Passes:
    """Return the passes of FGSM or PGD per image and epsilon, without those that judge the result."""
    steps = attack["steps"] if attack["attack"] == "pgd" else 1
    return Passes(steps, steps)


def autoattack_passes(attacks: Sequence[str] | None, classes: int) -> Passes:
    """Return the passes of AutoAttack per image and epsilon where the image withstands all of its attacks.

    Croce and Hein, Reliable Evaluation of Adversarial Robustness with an Ensemble of Diverse Parameter-free Attacks,
    ICML 2020: APGD and FAB take 100 steps, targeted ones towards each of at most 9 classes, Square 5,000 queries. The
    forward passes between the steps are those of the package pyautoattack, 8 of them before the first attack.

    Args:
        attacks: as in `filterfreq.evaluation.autoattack.evaluate_autoattack`.
        classes: number of logits.
    """
    targets = min(9, classes - 1)
    known = {
        "apgd-ce": Passes(103, 101),
        "apgd-dlr": Passes(103, 101),
        "apgd-t": Passes(2 + 102 * targets, 101 * targets),
        "fab": Passes(204, 100 * classes),
        "fab-t": Passes(2 + 203 * targets, 100 * targets),
        "square": Passes(5004, 0),
    }
    return sum((known[attack] for attack in attacks or ("apgd-ce", "apgd-t", "fab-t", "square")), Passes(8, 0))


class CostModel:
    """Says for the jobs of a study what they do; what cannot be known before a data set is prepared is None.

    Args:
        study: the validated config.
        data: the folder of prepared data.
    """

    def __init__(self, study: Study, data: str = "results/data") -> None:
        self.study = study
        self.data = data
        self._records: dict[str, dict] = {}

    def size(self, dataset: str, split: str) -> int | None:
        """Return the number of images of a data set's "train", "test" or "cue_conflict" split."""
        known = {"train": self.study.dataset(dataset).train_size, "test": self.study.dataset(dataset).test_size}
        if known.get(split) is not None:
            return known[split]
        record = self._record(f"{dataset}/dataset.json", "dataset")
        if f"{split}_labels" in record.get("arrays", {}):
            return record["arrays"][f"{split}_labels"]["shape"][0]
        if split in record.get("files", {}):
            return record["files"][split]["length"]
        if split == "cue_conflict" and "cue_conflict_shapes" in record.get("arrays", {}):
            return record["arrays"]["cue_conflict_shapes"]["shape"][0]
        return None

    def classes(self, dataset: str) -> int:
        """Return the number of a data set's classes; ten where it is not known yet."""
        known = self.study.dataset(dataset).classes or self._record(f"{dataset}/dataset.json", "dataset").get("classes")
        return len(known or range(_CLASSES))

    def training_unit(self, run: Run) -> dict[str, Any]:
        """Return what a calibration measures of a training: all that changes the work of one batch.

        Runs with equal units take equally long per image: that is seeds, and strengths of a penalty.
        """
        spec = self.study.spec(run)
        variant = {
            key: {name: item for name, item in value.items() if name != _STRENGTHS.get(key)}
            if isinstance(value, dict)
            else value
            for key, value in spec["variant"].items()
        }
        on_gpu = self.study.config["compute"].get("on_gpu", {})
        return {
            "kind": "train",
            "model": run.model,
            "variant": variant,
            "training": {key: spec["training"][key] for key in _OF_A_BATCH if key in spec["training"]},
            "image_size": self.study.dataset(run.dataset).image_size,
            "train_size": self.study.dataset(run.dataset).train_resize or self.study.dataset(run.dataset).image_size,
            "on_gpu": {key: on_gpu[key] for key in ("precision", "compile", "deterministic") if key in on_gpu},
        }

    def evaluation_unit(self, run: Run) -> dict[str, Any]:
        """Return what a calibration measures of all evaluations: the filters are composed, so no decomposition."""
        return {
            "kind": "evaluate",
            "model": self.study.architecture(run),
            "image_size": self.study.dataset(run.dataset).image_size,
            "batch_size": self.study.evaluation_batch_size(run.dataset),
        }

    def corruption_unit(self, dataset: str) -> dict[str, Any]:
        """Return what a calibration measures of making corrupted images."""
        return {"kind": "corrupt", "image_size": self.study.dataset(dataset).image_size}

    def units(self) -> list[dict[str, Any]]:
        """Return all distinct units of the study, each with the number of classes to measure it with."""
        found: dict[str, dict[str, Any]] = {}
        for run in self.study.all_runs:
            units = [self.evaluation_unit(run)]
            if self.study.is_trained(run):
                units.append(self.training_unit(run))
            if "corruption" in self.study.suites_of(run):
                units.append(self.corruption_unit(run.dataset))
            for unit in units:
                entry = found.setdefault(unit_key(unit), {"unit": unit, "classes": 0})
                entry["classes"] = max(entry["classes"], self.classes(run.dataset))
        return list(found.values())

    def epochs(self, run: Run) -> int:
        """Return how often a training goes through its images; free training replays each batch instead."""
        spec = self.study.spec(run)
        replays = spec["variant"].get("adversarial_training", {}).get("replays", 1)
        return math.ceil(spec["training"]["epochs"] / replays)

    def work(self, suite: str, run: Run) -> Work | None:
        """Return the passes of a suite, or of the perturbations that are shown, on one run; None: not known yet.

        Every image counts as classified correctly, and as withstanding every attack: an upper bound for attacks.
        """
        settings = self.study.settings("perturbations" if suite == "perturb" else suite, run.dataset)
        size = self.size(run.dataset, "test")
        match suite:
            case "cue_conflict":
                stimuli = self.study.stimuli(run.dataset)
                images = self._shifted_size(run.dataset, stimuli.name) if stimuli else None
                images = images or self.size(run.dataset, "cue_conflict")
                return None if images is None else Work(Passes(images, 0))
            case "out_of_distribution":
                names = [entry.name for entry in self.study.shifted_sets(run.dataset)]
                sizes = [self._shifted_size(run.dataset, name) for name in names]
                if None in sizes:
                    return None
                return Work(Passes(sum(_shown(images, settings) for images in sizes), 0))
            case "perturb":
                return Work((attack_passes(settings) + Passes(2, 0)).times(settings.get("images", 3)))
        if size is None:
            return None
        match suite:
            case "clean":
                return Work(Passes(size, 0))
            case "corruption":
                return Work(Passes((1 + len(CORRUPTIONS) * len(SEVERITIES)) * _shown(size, settings), 0))
            case "frequency_filtered":
                return Work(Passes(sum(map(len, settings["radii"].values())) * _shown(size, settings), 0))
            case "adversarial" | "transfer":
                images = _shown(size, settings)
                epsilons = [(attack, len(attack["epsilons"])) for attack in settings["attacks"]]
                attacks = sum((attack_passes(attack).times(count) for attack, count in epsilons), Passes(0, 0))
                # As they are, images are classified by the suite and by the attacks.
                judged = Passes(2 + sum(count for _, count in epsilons), 0)
                if suite == "transfer":
                    return Work(judged.times(images), attacks.times(images))
                return Work((attacks + judged).times(images))
            case "autoattack":
                entries = settings if isinstance(settings, list) else [settings]
                passes = Passes(sum({_shown(size, entry) for entry in entries}), 0)
                for entry in entries:
                    one = autoattack_passes(entry.get("attacks"), self.classes(run.dataset))
                    passes += one.times(len(entry["epsilons"]) * _shown(size, entry))
                return Work(passes)
        raise ValueError(f"unknown suite {suite!r}")

    def _shifted_size(self, dataset: str, name: str) -> int | None:
        record = self._record(f"{dataset}/shifted/{name}/{SHIFTED_RECORD}", "set")
        if not record:
            return None
        other = record["images"].get("dataset")
        return self.size(self.study.shifted(name).dataset, "test") if other else len(record["labels"])

    def _record(self, path: str, kind: str) -> dict:
        """Return the record of what is prepared, which is read once for all jobs; nothing where there is none."""
        if path not in self._records:
            try:
                self._records[path] = read_record(f"{self.data}/{path}", kind)
            except InputError:
                # Not prepared yet, or to be prepared again.
                self._records[path] = {}
        return self._records[path]


def image_bytes(count: int, image_size: int) -> int:
    """Return the size of so many stored images, uint8 with three channels."""
    return int(np.prod([count, image_size, image_size, 3], dtype=np.int64))


def _shown(size: int, settings: Mapping[str, Any]) -> int:
    """How many of so many images a suite takes."""
    return min(size, settings.get("images") or size)
