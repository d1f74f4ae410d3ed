"""The cost model: what each job does, in the units that a calibration measures. Imports no torch."""

from typing import Any

import numpy as np

from filterfreq.data.shifted.prepared import RECORD as SHIFTED_RECORD
from filterfreq.evaluation.adaptive_settings import applicable
from filterfreq.evaluation.detection.registry import passes
from filterfreq.evaluation.passes import (
    Passes,
    Work,
    averaged_work,
    draws_anew,
    frequency_filtered_passes,
    passes_of_attack,
)
from filterfreq.evaluation.registry import SUITES
from filterfreq.planning.records import unit_key
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.schemas import read_record
from filterfreq.study.detections import DetectionRun
from filterfreq.study.experiments import Run
from filterfreq.study.study import Study
from filterfreq.training.epochs import count_epochs
from filterfreq.training.fractions import most_trained_images, most_validation_images
from filterfreq.training.registry import CHOOSING_IMAGES, strengths_of

# Settings of training that change the work of one batch.
_OF_A_BATCH = ("batch_size", "accumulate", "optimizer", "augmentation", "ema")
_OF_A_GPU = ("precision", "compile", "cuda_graphs", "deterministic")
# Where the number of a data set's classes is not known, which matters to the last layer alone.
_CLASSES = 10

TRAINING_RULES = ("train", "train_with_snapshots")
"""The rules whose jobs are trainings."""


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
            key: {name: item for name, item in value.items() if name not in strengths_of(key)}
            if isinstance(value, dict)
            else value
            for key, value in spec["variant"].items()
            if key not in CHOOSING_IMAGES
        }
        on_gpu = self.study.config["compute"].get("on_gpu", {})
        return {
            "kind": "train",
            "model": run.model,
            "variant": variant,
            "training": {key: spec["training"][key] for key in _OF_A_BATCH if key in spec["training"]},
            "image_size": self.study.dataset(run.dataset).image_size,
            "train_size": self.study.dataset(run.dataset).train_resize or self.study.dataset(run.dataset).image_size,
            "on_gpu": {key: on_gpu[key] for key in _OF_A_GPU if key in on_gpu},
        }

    def evaluation_unit(self, run: Run) -> dict[str, Any]:
        """Return what a calibration measures of all evaluations: the filters are composed, so no decomposition."""
        return {
            "kind": "evaluate",
            "model": self.study.architecture(run),
            "image_size": self.study.dataset(run.dataset).image_size,
            "batch_size": self.study.evaluation_batch_size(run.dataset),
        }

    def derivation_unit(self, run: Run) -> dict[str, Any]:
        """Return what a calibration measures of a derived run: its changes of a model, whatever its source learned."""
        changes = {key: value for key, value in self.study.spec(run)["derived"].items() if key != "from"}
        return {"kind": "derive", "model": self.study.architecture(run), "changes": changes}

    def corruption_unit(self, dataset: str) -> dict[str, Any]:
        """Return what a calibration measures of making corrupted images."""
        return {"kind": "corrupt", "image_size": self.study.dataset(dataset).image_size}

    def units(self) -> list[dict[str, Any]]:
        """Return all distinct units of the study, each with the number of classes to measure it with."""
        found: dict[str, dict[str, Any]] = {}
        for run in self.study.all_runs:
            if self.study.is_filter_file(run):
                continue
            units = [self.evaluation_unit(run)]
            if self.study.is_trained(run):
                units.append(self.training_unit(run))
            if self.study.is_derived(run):
                units.append(self.derivation_unit(run))
            if "corruption" in self.study.suites_of(run):
                units.append(self.corruption_unit(run.dataset))
            for unit in units:
                entry = found.setdefault(unit_key(unit), {"unit": unit, "classes": 0})
                entry["classes"] = max(entry["classes"], self.classes(run.dataset))
        return list(found.values())

    def images_of_epoch(self, run: Run) -> tuple[int | None, int | None]:
        """Return how many images an epoch of a training trains on, and how many it measures the accuracy of."""
        train, test = (self.size(run.dataset, split) for split in ("train", "test"))
        if train is None or test is None:
            return None, None
        return self._split_size(run, "train"), test + most_validation_images(train, self.study.variants[run.variant])

    def epochs(self, run: Run) -> int:
        """Return how often a training goes through its images; free training replays each batch instead."""
        return count_epochs(self.study.spec(run))

    def kept_snapshots(self, run: Run) -> int:
        """Return how many snapshots of a training stay on the disk."""
        return len(self.study.snapshots(run)) if self.study.keeps_snapshots else 0

    def work(self, suite: str, run: Run) -> Work | None:
        """Return the passes of a suite on one run; None: not known yet, or not planned.

        Every image counts as classified correctly, and as withstanding every attack: an upper bound for attacks.
        """
        count, sizes = SUITES[suite].passes, self._sizes(suite, run)
        if count is None or None in sizes:
            return None
        side, settings = self.study.dataset(run.dataset).image_size, self.study.settings(suite, run.dataset)
        variant = self.study.variants.get(run.variant, {})
        if suite == "adaptive":
            has_draws = draws_anew(variant)
            settings = applicable(settings, has_draws, self.study.is_derived(run))
            settings |= {} if has_draws else {"draws": 1}
        work = count(settings, sizes, self.classes(run.dataset), side)
        return averaged_work(work, variant)

    def attacked_run(self, suite: str | None, run: Run) -> Run:
        """Return the run that a suite's attacks on a run are transferred from; the run itself where none are."""
        if suite == "transfer":
            return run._replace(variant=self.study.settings("transfer", run.dataset)["source"])
        return self.study.origin(run) if suite == "adaptive" else run

    def work_of_perturbations(self, run: Run) -> Work:
        """Return the passes of the perturbations that are shown."""
        settings = self.study.settings("perturbations", run.dataset)
        return Work((passes_of_attack(settings) + Passes(2, 0)).times(settings.get("images", 16)))

    def work_of_only_high(self, run: Run) -> Work | None:
        """Return the passes of the list of images that are found from their high component and not from their low one.

        Each image is shown as it is, and its two components at each radius that both have.
        """
        settings, size = self.study.settings("frequency_filtered", run.dataset), self.size(run.dataset, "test")
        common = [radius for radius in settings["radii"]["low"] if radius in settings["radii"]["high"]]
        listed = {**settings, "radii": {"low": common, "high": common}, "svd": (), "only_high": True}
        return None if size is None else frequency_filtered_passes(listed, [size], self.classes(run.dataset), 0)

    def work_of_detection(self, detection: str) -> Work | None:
        """Return the passes of a detector: of each image whole, and of each of its components."""
        images, detections = self.study.detections.image_count(detection), self.study.detections
        shown = len(passes(detections.spec(DetectionRun(detection))["settings"]["components"]))
        return None if images is None else Work(Passes(images * shown, 0))

    def _sizes(self, suite: str, run: Run) -> list[int | None]:
        """How many images each set has that a suite shows to the model of a run."""
        dataset = run.dataset
        inputs, settings = SUITES[suite].inputs, self.study.settings(suite, dataset)
        splits = SUITES[suite].splits
        splits = settings.get("split", splits) if isinstance(settings, dict) else splits
        sizes = [self._split_size(run, split) for split in splits] if "images" in inputs else []
        if "shifted" in inputs:
            sizes += [self._shifted_size(dataset, entry.name) for entry in self.study.shifted_sets(dataset)]
        if "cue_conflict" in inputs:
            stimuli = self.study.stimuli(dataset)
            sizes.append((stimuli and self._shifted_size(dataset, stimuli.name)) or self.size(dataset, "cue_conflict"))
        return sizes

    def _split_size(self, run: Run, split: str) -> int | None:
        """How many images a suite sees of a split: of training images those that the run was trained on."""
        size, variant = self.size(run.dataset, split), self.study.variants.get(run.variant, {})
        return (
            size if size is None or split == "test" else most_trained_images(size, self.classes(run.dataset), variant)
        )

    def _shifted_size(self, dataset: str, name: str) -> int | None:
        record = self._record(f"{dataset}/shifted/{name}/{SHIFTED_RECORD}", "set")
        if not record:
            return None
        other = record["images"].get("dataset")
        return self.size(self.study.shifted_set(name).dataset, "test") if other else len(record["labels"])

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
