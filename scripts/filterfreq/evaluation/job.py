"""What a suite is given to measure one model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.image_files import ImageFiles
from filterfreq.data.labels import load_labels
from filterfreq.data.scratch import open_dataset
from filterfreq.data.stored_indices import load_indices
from filterfreq.evaluation.progress import Progress
from filterfreq.runtime.files import read_json

_T = TypeVar("_T")


@dataclass(frozen=True)
class SuiteJob:
    """One model, and what a suite measures it with.

    A suite is a module of `filterfreq.evaluation.suites` with a function `run`, which takes this and returns rows as
    `filterfreq.evaluation.results.fraction` and `quantity` make them.

    Attributes:
        classifier: float images N x C x H x W in [0, 1] to logits.
        record: the record of the run, the content of its `run.json`.
        parameters: those of the rule: `settings` are the suite's from the config, and `code` names its code.
        batch_size: how many images to take at a time.
        device: where to compute.
        inputs: the rule's named inputs, each a path or a list of paths.
        output: the CSV to be written; the progress is kept beside it.
        threads: processor cores, as many image files are decoded at once.
        compute: the config's section `compute`.
        announce: takes one line for the job's log.
        opened: what `read_once` has read, which the snapshots of a run share.
    """

    classifier: nn.Module
    record: Mapping[str, Any]
    parameters: Mapping[str, Any]
    batch_size: int
    device: torch.device
    inputs: Mapping[str, Any]
    output: Path
    threads: int
    compute: Mapping[str, Any]
    announce: Callable[[str], None]
    opened: dict[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> Any:
        """The suite's settings, as its schema describes them."""
        return self.parameters["settings"]

    @property
    def settings_beside_images(self) -> dict[str, Any]:
        """The suite's settings without `images`, which says how many images `images` are."""
        return {key: value for key, value in self.settings.items() if key != "images"}

    def read_once(self, name: str, read: Callable[[], _T]) -> _T:
        """Return what `read` returns, which is called once for all snapshots of a run: images, or what checks them.

        Args:
            name: what is read.
            read: takes nothing of the model that is measured.
        """
        if name not in self.opened:
            self.opened[name] = read()
        return self.opened[name]

    @property
    def dataset(self) -> PreparedDataset:
        """The run's prepared data set, from node-local scratch where there is one.

        Raises:
            InputError: it is missing or damaged.
        """
        return self.read_once(
            "dataset", lambda: open_dataset(self.inputs["dataset"], self.threads, self.compute, self.announce)
        )

    @property
    def images(self) -> np.ndarray | ImageFiles:
        """The test images that the setting `images` asks for, or all: uint8, N x H x W x C."""
        return self.images_of("test")

    @property
    def labels(self) -> np.ndarray:
        """The labels of `images`, int64, N."""
        return self.labels_of("test")

    def images_of(self, split: str) -> np.ndarray | ImageFiles:
        """Return the same of a split, "test" or "train": of training images those that the run was trained on.

        Raises:
            InputError: see `load_indices`.
        """
        images = self.dataset.images(split)
        return images[self._chosen(split, len(images))]

    def labels_of(self, split: str) -> np.ndarray:
        """Return the labels of `images_of`, int64, N: of training images those that the run was trained with.

        Raises:
            InputError: see `load_labels`.
        """
        labels = self.dataset.labels(split)
        if split == "train":
            labels = load_labels(Path(self.inputs["weights"]).parent, self.record, labels)
        return labels[self._chosen(split, len(labels))]

    def _chosen(self, split: str, available: int) -> slice | np.ndarray:
        """Which images of a split the suite sees."""
        wanted, trained = self.settings.get("images"), None
        if split == "train":
            trained = load_indices(Path(self.inputs["weights"]).parent, self.record, "trained_on", available)
        if trained is None:
            return chosen_images(split, available, wanted)
        return trained[chosen_images(split, len(trained), wanted)]

    @property
    def fingerprint(self) -> list[Any]:
        """What identifies the code, settings, inputs and device that results are of; JSON-ready."""
        files = [file for file in self.inputs.values() if isinstance(file, str) and file.endswith(".json")]
        # Of a run its weights count, and not when they were trained.
        contents = [content.get("checkpoint", content) for content in map(read_json, files)]
        return [dict(self.parameters), contents, self.device.type, self.threads]

    @cached_property
    def progress(self) -> Progress:
        """What an interrupted job of the same fingerprint has done."""
        return Progress(self.progress_file, self.fingerprint, self.announce)

    @property
    def progress_file(self) -> Path:
        """Where `progress` keeps it, to be removed once the result is written."""
        return self.output.with_suffix(".progress.json")


def chosen_images(split: str, available: int, wanted: int | None) -> slice:
    """Return which images of a split an evaluation of some of them sees.

    Test images are in an order that was drawn, or in that of their publication: the first ones. Training images may
    lie class by class, as those of folders do: as many that are evenly spaced.

    Args:
        split: "test" or "train".
        available: how many images it has.
        wanted: how many to see, at least 1; None for all.
    """
    if split == "test" or wanted is None or wanted >= available:
        return slice(wanted)
    step = available // wanted
    return slice(0, wanted * step, step)
