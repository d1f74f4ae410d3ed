"""What a config's section `data`, and the registries behind it, say of data sets and shifted sets."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from filterfreq.data.registry import Dataset, ImageFolder, get_dataset
from filterfreq.data.shifted.classes import check_known, meanings
from filterfreq.data.shifted.registry import CUE_CONFLICT, ShiftedSet, get_shifted
from filterfreq.runtime.errors import InputError


class Datasets:
    """Data sets and shifted sets, of the registries or of a config.

    Args:
        data: the config's section `data`, empty where it has none.
    """

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self._extents: dict[str, str] = {}
        self._class_names: dict[str, Sequence[str]] = {}

    def dataset(self, name: str) -> Dataset:
        """The entry of a data set, of the registry or of the config.

        Raises:
            InputError: there is none.
        """
        return get_dataset(name, self.data)

    def shifted_set(self, name: str, dataset: str | None = None) -> ShiftedSet:
        """The entry of a shifted set, of the registry or of the config, as it is shown to the models of a data set.

        Raises:
            InputError: there is none, the config lacks its folder, or it is for other models than the data set's.
        """
        return get_shifted(name, self.data, dataset)

    def is_shifted_for(self, name: str, dataset: str) -> bool:
        """Whether a shifted set is named like the classes of a data set."""
        return self.dataset(dataset).has_classes_of(self.shifted_set(name).shift_of)

    def stimuli(self, dataset: str) -> ShiftedSet | None:
        """The published cue-conflict stimuli for the models of a data set, where the config says where they lie."""
        if CUE_CONFLICT not in self.data.get("shifted", {}):
            return None
        return self.shifted_set(CUE_CONFLICT, dataset) if self.is_shifted_for(CUE_CONFLICT, dataset) else None

    def image_folder(self, name: str) -> Path | None:
        """The folder that a data set's images lie in as they are, or None where they come in raw files."""
        entry = self.dataset(name)
        if isinstance(entry, ImageFolder) and entry.path:
            folder = Path(entry.path).expanduser()
            return folder if folder.is_dir() else None
        raw = self.data.get("raw", {}).get(name)
        return Path(raw).expanduser() if raw is not None and entry.is_ready(raw) else None

    def extent(self, name: str) -> str:
        """Which part of a data set's test images is here, for captions; empty where all are.

        Raises:
            InputError: the folder that the config names holds no class folders, or others.
        """
        if name not in self._extents:
            entry, folder = self.dataset(name), self.image_folder(name)
            self._extents[name] = ""
            if folder is not None and entry.evaluation_only:
                from filterfreq.data.imagefolder import describe_known_classes
                from filterfreq.data.imagenet import describe_part

                if entry.test_folder:
                    self._extents[name] = describe_part(folder, entry)
                elif isinstance(entry, ImageFolder) and entry.classes_of:
                    self._extents[name] = describe_known_classes(folder, entry)
        return self._extents[name]

    def shifted_extent(self, entry: ShiftedSet) -> str:
        """How many classes of its models a shifted set has, for captions; empty where all, or that is not known here.

        Args:
            entry: as `shifted_sets` returns it.

        Raises:
            InputError: a class folder is none of the classes.
        """
        known = meanings(entry.folders, entry.base_classes or self.class_names(entry.shift_of))
        found: Sequence[str] = []
        if entry.dataset:
            found = self.class_names(entry.dataset)
        elif entry.path and (folder := Path(entry.path).expanduser()).is_dir():
            found = _class_folders(folder, None if entry.folder == "." else entry.folder)
        if not known or not found:
            return ""
        check_known(entry.name, found, known)
        return f"{len(found):,} of {len(known):,} classes" if len(found) < len(known) else ""

    def class_names(self, name: str) -> Sequence[str]:
        """The names of a data set's classes; empty where they are not known before its files are read."""
        if name not in self._class_names:
            entry, folder = self.dataset(name), self.image_folder(name)
            names: Sequence[str] = entry.classes
            if not names and isinstance(entry, ImageFolder) and folder is not None:
                names = _class_folders(folder, entry.train or entry.test)
            self._class_names[name] = names
        return self._class_names[name]

    def check_training_images(self, dataset: str, where: str) -> None:
        """Check that a data set has images to train on.

        Raises:
            InputError: it is for evaluation alone; the sentence begins with `where`.
        """
        entry = self.dataset(dataset)
        if entry.evaluation_only:
            raw = self.data.get("raw", {}).get(dataset)
            because = f"data.raw.{dataset} ({raw}) has no training images" if raw else "it is evaluation_only"
            raise InputError(f"{where}: no model can be trained on {dataset}, as {because}: list checkpoints instead")

    def has_images(self, dataset: str) -> bool:
        """Whether a data set's own images are downloaded, or the config says where they lie."""
        return not self.dataset(dataset).is_known or dataset in self.data.get("raw", {})


def _class_folders(path: Path, folder: str | None) -> Sequence[str]:
    # Planning mostly needs no images, and what reads and downloads them takes a third of a second to import.
    from filterfreq.data.imagefolder import class_folders

    return class_folders(path, folder)
