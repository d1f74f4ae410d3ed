"""Detections: the section of a config that has detectors measured on components of images."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from filterfreq.data.objects import OBJECT_DATASETS, ObjectDataset
from filterfreq.evaluation.detection.registry import DETECTORS
from filterfreq.models.file_kinds import WHOLE_COPY, check_kind
from filterfreq.runtime.errors import InputError, unknown_name

_WEIGHTS = ("weights", "path", "url")
_DEFAULTS = {"images": None, "mask": "strict", "rescale": "none", "clip": False, "batch_size": 1}
_OF_PASSES = ("components", "mask", "rescale", "clip", "batch_size")


class DetectionRun(NamedTuple):
    """One detector on one data set: what names its folder."""

    detection: str


class DetectionFiles(NamedTuple):
    """Where the images and the annotations of a data set lie.

    Attributes:
        images: a folder or an archive.
        annotations: a JSON file, or an archive that has it.
        member: the file's name in that archive.
    """

    images: str
    annotations: str
    member: str | None


class Detections:
    """The section `detection` of a config.

    Attributes:
        runs: its entries in the config's order.

    Args:
        config: one that fits its schema.

    Raises:
        InputError: a detector, its weights or a data set is unknown, or keys contradict each other; the sentence names
            the key.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._entries = {name: {**_DEFAULTS, **entry} for name, entry in config.get("detection", {}).items()}
        self._raw = config.get("data", {}).get("raw", {})
        self.runs = [DetectionRun(name) for name in self._entries]
        if self._entries and "detection" in config["experiments"]:
            raise InputError("experiments.detection: results of detection are kept under this name, choose another")
        for name in self._entries:
            self._check(name)
            source, checkpoint = self.source(name), self.checkpoint(name)
            if checkpoint is not None and checkpoint in config.get("checkpoints", {}):
                raise InputError(
                    f"checkpoints.{checkpoint}: the files of detection.{name} ({source['source']}) are kept under this "
                    "name, choose another"
                )

    def source(self, name: str) -> dict[str, Any]:
        """Return where the weights of an entry are from, in the form of an entry of the config's `checkpoints`."""
        entry = self._entries[name]
        if "weights" in entry:
            return {"name": entry["detector"], "source": "torchvision", "weights": entry["weights"]}
        return {"source": "file"} | {key: entry[key] for key in ("path", "sha256", "url") if key in entry}

    def checkpoint(self, name: str) -> str | None:
        """Return the name that an entry's weights are downloaded under; None where they are a file on this machine."""
        entry = self._entries[name]
        if "path" in entry:
            return None
        return f"{entry['detector']}-{entry['weights']}" if "weights" in entry else f"detector-{name}"

    @property
    def checkpoints(self) -> dict[str, dict[str, Any]]:
        """Where downloaded weights are from, by the name that they are downloaded under."""
        named = {self.checkpoint(name): self.source(name) for name in self._entries}
        return {name: source for name, source in named.items() if name is not None}

    def dataset(self, name: str) -> str:
        """Return the name of an entry's data set."""
        dataset = self._entries[name]["dataset"]
        return dataset if isinstance(dataset, str) else dataset["name"]

    def known_dataset(self, name: str) -> ObjectDataset | None:
        """Return what is known of an entry's data set; None of one's own."""
        dataset = self._entries[name]["dataset"]
        return OBJECT_DATASETS[dataset] if isinstance(dataset, str) else None

    def own_files(self, name: str) -> DetectionFiles | None:
        """Return where the data set of an entry lies, if that is on this machine already and not downloaded.

        A folder that `data.raw` names may hold the images unpacked, and so the annotations.
        """
        dataset = self._entries[name]["dataset"]
        if not isinstance(dataset, str):
            return DetectionFiles(*(str(Path(dataset[key]).expanduser()) for key in ("images", "annotations")), None)
        if dataset not in self._raw:
            return None
        known, folder = OBJECT_DATASETS[dataset], Path(self._raw[dataset]).expanduser()
        images, annotations = folder / known.image_folder, folder / known.annotation_file
        return DetectionFiles(
            str(images if images.is_dir() else folder / known.images.file),
            str(annotations if annotations.is_file() else folder / known.annotations.file),
            None if annotations.is_file() else known.annotation_file,
        )

    def image_count(self, name: str) -> int | None:
        """Return on how many images an entry is measured; None where that is not known before they are read."""
        known, wanted = self.known_dataset(name), self._entries[name]["images"]
        return None if known is None else min(known.size, wanted or known.size)

    def spec(self, run: DetectionRun) -> dict[str, Any]:
        """Return everything that fixes a run's results."""
        entry = self._entries[run.detection]
        return {
            "run": {"detection": run.detection, "dataset": self.dataset(run.detection), "detector": entry["detector"]},
            "source": self.source(run.detection),
            "images": entry["images"],
            "settings": {key: entry[key] for key in _OF_PASSES},
        }

    def check_files(self) -> None:
        """Check that what the section says lies on the disk does.

        Raises:
            InputError: a file is missing or is not what it should be; the sentence names the key.
        """
        for name, entry in self._entries.items():
            where = f"detection.{name}"
            if "path" in entry:
                path = Path(entry["path"]).expanduser()
                if not path.is_file():
                    raise InputError(f"{where}.path: there is no file {path}")
                try:
                    check_kind(path, WHOLE_COPY)
                except InputError as error:
                    raise InputError(f"{where}.path: {error}") from error
            files = self.own_files(name)
            key = f"data.raw.{entry['dataset']}" if isinstance(entry["dataset"], str) else f"{where}.dataset"
            for file in (files.images, files.annotations) if files else ():
                if not Path(file).exists():
                    raise InputError(f"{key}: there is no {file}")

    def check_content(self) -> None:
        """Check the annotations of data sets of one's own, and that their images are there.

        Raises:
            InputError: they are not; the sentence names the key.
        """
        own = {name: entry for name, entry in self._entries.items() if self.known_dataset(name) is None}
        if not own:
            return
        # Only here, because what decodes images takes a while to import.
        from filterfreq.data.annotations import ObjectImages, first_images, read_annotations

        for name, entry in own.items():
            if files := self.own_files(name):
                try:
                    found = first_images(read_annotations(files.annotations, files.member), entry["images"])
                    ObjectImages(files.images, [image["file_name"] for image in found["images"]])
                except InputError as error:
                    raise InputError(f"detection.{name}.dataset: {error}") from error

    def _check(self, name: str) -> None:
        """Check what an entry says of detector, weights and data set."""
        entry, where = self._entries[name], f"detection.{name}"
        if entry["detector"] not in DETECTORS:
            raise InputError(f"{where}.detector: {unknown_name('detector', entry['detector'], DETECTORS)}")
        given = [key for key in _WEIGHTS if key in entry]
        if len(given) != 1:
            said = f"has {' and '.join(given)}" if given else "does not say which weights its detector has"
            raise InputError(f"{where}: {said}, give one of weights, path and url")
        if "sha256" in entry and "url" not in entry:
            raise InputError(f"{where}.sha256: it is of a file that is downloaded, leave it out or give a url")
        known = DETECTORS[entry["detector"]]
        if "weights" in entry and entry["weights"] not in known:
            raise InputError(f"{where}.weights: {unknown_name('weights', entry['weights'], known)}")
        dataset = entry["dataset"]
        if isinstance(dataset, str) and dataset not in OBJECT_DATASETS:
            raise InputError(f"{where}.dataset: {unknown_name('data set of objects', dataset, OBJECT_DATASETS)}")
        if not isinstance(dataset, str) and dataset["name"] in OBJECT_DATASETS:
            raise InputError(f"{where}.dataset.name: {dataset['name']!r} is in the registry: give yours another name")
