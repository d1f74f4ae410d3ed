"""Whether what a config says lies on the disk does."""

from functools import partial
from pathlib import Path

from filterfreq.data.raw_files import check_there
from filterfreq.data.registry import Dataset, ImageFolder
from filterfreq.evaluation.registry import SUITES
from filterfreq.models.file_kinds import WHOLE_COPY, check_kind
from filterfreq.runtime.errors import InputError, run_check
from filterfreq.runtime.files import reading
from filterfreq.study.config_checks import is_filter_file
from filterfreq.study.filter_files import check_name_given, is_hdf5, may_be_onnx
from filterfreq.study.study import Study


def check_files(study: Study) -> None:
    """Check that what the config says lies on the disk does, for the data sets of its runs, but `absent_raw_data`.

    Raises:
        InputError: a folder, an archive, a raw file or a checkpoint is missing, or a checkpoint is seen to be none.
    """
    for name in dict.fromkeys(run.variant for run in study.all_runs if study.is_downloaded(run)):
        entry = study.checkpoints[name]
        if "path" in entry:
            path = Path(entry["path"]).expanduser()
            run_check(partial(_check_checkpoint, holds_filters=is_filter_file(entry)), path, f"checkpoints.{name}.path")
            if is_filter_file(entry):
                check_name_given(f"checkpoints.{name}", entry)
    study.detections.check_files()
    raw, shown = _raw_folders(study), _shown_datasets(study)
    for name in dict.fromkeys([*study.datasets, *study.fits.datasets, *study.gans.datasets, *shown]):
        entry = study.dataset(name)
        if isinstance(entry, ImageFolder) and entry.path and not Path(entry.path).expanduser().exists():
            raise InputError(f"data.datasets.{name}.path: there is no {entry.path}, neither folder nor archive")
        if entry.fetch and name not in raw and (name in shown or study.needs_images(name)):
            possible = [name for name, suite in SUITES.items() if not suite.needs_images]
            without = f"; without them a config can ask for {', '.join(possible)} of checkpoints alone"
            raise InputError(
                f"data set {name} cannot be downloaded here: {entry.fetch}, and name the folder in data.raw.{name}"
                f"{without if entry.is_known else ''}"
            )
        for shifted in filter(None, [*study.shifted_sets(name), study.stimuli(name)]):
            for key in ("path", "responses"):
                folder = getattr(shifted, key)
                if folder and not Path(folder).expanduser().exists():
                    raise InputError(f"data.shifted.{shifted.name}.{key}: there is no {folder}")
            run_check(study.shifted_extent, shifted, f"data.shifted.{shifted.name}")
        if (folder := study.image_folder(name)) is not None:
            _check_training_folder(entry, folder)
        elif name in raw and not entry.fetch:
            _check_raw_files(entry, raw[name], ", put it there or leave the key out")


def absent_raw_data(study: Study) -> dict[str, str]:
    """Return a sentence for each data set that users have to get themselves and that is not in the folder they named.

    A dry run and a plan can do without it; only its preparation cannot.
    """
    raw, absent = _raw_folders(study), {}
    for name in dict.fromkeys([*study.datasets, *study.fits.datasets, *study.gans.datasets, *_shown_datasets(study)]):
        entry = study.dataset(name)
        if name in raw and entry.fetch and study.image_folder(name) is None:
            try:
                if not entry.sources:
                    raise InputError(
                        f"data.raw.{name}: there is no {' and '.join(entry.folders)} in {raw[name]}: {entry.fetch}"
                    )
                _check_raw_files(entry, raw[name], f": {entry.fetch}")
            except InputError as error:
                absent[name] = str(error)
    return absent


def _raw_folders(study: Study) -> dict[str, str]:
    return study.config.get("data", {}).get("raw", {})


def _shown_datasets(study: Study) -> list[str]:
    """The data sets whose test images are shifted sets of others."""
    return [entry.dataset for name in study.datasets for entry in study.shifted_sets(name) if entry.dataset]


def _check_raw_files(entry: Dataset, folder: str, remedy: str) -> None:
    for source in entry.sources:
        check = partial(check_there, source, remedy=remedy)
        run_check(check, Path(folder).expanduser(), f"data.raw.{entry.name}")


def _check_checkpoint(path: Path, holds_filters: bool) -> None:
    if path.is_dir():
        raise InputError(f"{path} is a folder: name the file of {'filters' if holds_filters else 'weights'} in it")
    if not path.is_file():
        raise InputError(f"there is no {path}")
    with reading(path, WHOLE_COPY):
        holds_several = holds_filters and is_hdf5(path)
    if not holds_several:
        check_kind(path, WHOLE_COPY)
    if holds_filters and not holds_several and not may_be_onnx(path):
        raise InputError(
            f"{path} is neither an HDF5 nor an ONNX file: give the data set of filters as it is published, or a model "
            "as torch.onnx.export writes it"
        )


def _check_training_folder(entry: Dataset, folder: Path) -> None:
    """Refuse a folder without some or all of the class folders to train on, before anything is prepared of it."""
    if entry.evaluation_only:
        return
    if isinstance(entry, ImageFolder):
        # Of most archives and some folders, everything lies in one folder; its preparation looks there.
        train, test = (folder / (name or ".") for name in (entry.train, entry.test))
        if test.is_dir() and not train.exists():
            raise InputError(
                f"data.datasets.{entry.name}: there is no {entry.train} in {folder}: name in train the folder to "
                "train on, or say evaluation_only: true to evaluate models alone"
            )
    elif entry.test_folder:
        found = sum(path.is_dir() for path in (folder / entry.folders[0]).iterdir())
        if found < entry.num_classes:
            raise InputError(
                f"data.raw.{entry.name}: {entry.folders[0]} in {folder} has folders of {found} classes and not of "
                f"{entry.num_classes}: get a whole copy, or to evaluate models alone name a folder that has "
                f"{entry.test_folder} and no {entry.folders[0]}"
            )
