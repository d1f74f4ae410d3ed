"""Whether checkpoints that are files of filters are what their entries and the study's settings say."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filterfreq.data.registry import DATASETS
from filterfreq.runtime.errors import InputError, list_some, unknown_name
from filterfreq.study.customary_epsilons import CUSTOMARY_EPSILONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from filterfreq.evaluation.filters.database import DatabaseModel
    from filterfreq.study.study import Study

_HDF5 = b"\x89HDF\r\n\x1a\n"
_ONNX_VERSION = 0x08  # of protocol buffers: the field 1, a whole number
_FOLDED = "folded"  # as filterfreq.evaluation.filters.database has it, which imports more than planning needs


def is_hdf5(path: Path) -> bool:
    """Return whether a file begins as HDF5 files do.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        return file.read(len(_HDF5)) == _HDF5


def may_be_onnx(path: Path) -> bool:
    """Return whether a file begins as ONNX files do, with the version of their format, a number below 128.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        start = file.read(2)
    return len(start) == 2 and start[0] == _ONNX_VERSION and 0 < start[1] < 128


def models_of_file(path: Path) -> dict[str, DatabaseModel]:
    """Return what the table of an HDF5 file of filters says of its models, by name, read once in a process.

    Raises:
        InputError: the file lacks a part or says what cannot be.
        OSError: it cannot be read.
    """
    return _read_models(path, path.resolve(), path.stat().st_mtime_ns)


@cache
def _read_models(path: Path, absolute: Path, modified: int) -> dict[str, DatabaseModel]:
    """Read them again where the same name is another file, or a changed one."""
    # Most studies have no such file, and would wait for what reads it.
    from filterfreq.evaluation.filters.database import read_models

    return {model.name: model for model in read_models(path)}


def accuracies_in_file(entry: Mapping[str, Any], dataset: str) -> dict[str, Any]:
    """Return the accuracies that an HDF5 file of filters gives for one of its models.

    Args:
        entry: a checkpoint that is such a model.
        dataset: what it was trained on.

    Returns:
        A `filterfreq.models.robustbench_models.PublishedAccuracies` as a mapping; empty where the file gives no clean
        accuracy. That under attack is RobustBench's, of its L∞ leaderboard.
    """
    model = models_of_file(Path(entry["path"]).expanduser())[entry["name"]]
    if math.isnan(model.clean_accuracy):
        return {}
    found = {"clean": model.clean_accuracy / 100, "robust": None, "norm": "", "epsilon": ""}
    if not math.isnan(model.robust_accuracy):
        epsilon = CUSTOMARY_EPSILONS.get(dataset, CUSTOMARY_EPSILONS["cifar10"])["linf"]
        found |= {"robust": model.robust_accuracy / 100, "norm": "linf", "epsilon": epsilon}
    return found


def check_name_given(where: str, entry: Mapping[str, Any]) -> None:
    """Refuse a name of a model in a file that holds one, and a file of several models without the name of one.

    Args:
        where: the key of the checkpoint, which the sentence begins with.
        entry: a checkpoint that is a file of filters and lies there.

    Raises:
        InputError: it is such a one.
    """
    has_several = is_hdf5(Path(entry["path"]).expanduser())
    if has_several and "name" not in entry:
        raise InputError(
            f"{where}.name: is missing, and {entry['path']} is an HDF5 file of several models: write the name of one, "
            "from the column model of the file's table meta"
        )
    if not has_several and "name" in entry:
        raise InputError(f"{where}.name: {entry['path']} is an ONNX file, which holds one model: leave name out")


def check_names(study: Study) -> None:
    """Check that HDF5 files of filters have the models that checkpoints in use name, and the parts that they need.

    Reads the table of each such file once, and no filters.

    Raises:
        InputError: a file lacks a part or says what cannot be, or has no model of that name.
    """
    wanted: dict[Path, list[str]] = {}
    for name in dict.fromkeys(run.variant for run in study.runs if study.is_filter_file(run)):
        entry = study.checkpoints[name]
        if "name" in entry:
            wanted.setdefault(Path(entry["path"]).expanduser(), []).append(name)
    for path, names in wanted.items():
        try:
            known = models_of_file(path)
        except InputError as error:
            raise InputError(f"checkpoints.{names[0]}.path: {error}") from error
        for name in names:
            if (model := study.checkpoints[name]["name"]) not in known:
                raise InputError(f"checkpoints.{name}.name: {unknown_name(f'model of {path}', model, known)}")
            _check_dataset(study, name, known[model].dataset)


def _check_dataset(study: Study, name: str, dataset: str) -> None:
    """Refuse a model on another data set than the one of the registry that its file says it was trained on."""
    elsewhere = [run.dataset for run in study.runs if run.variant == name and run.dataset != dataset]
    if dataset in DATASETS and elsewhere:
        raise InputError(
            f"checkpoints.{name}: {study.checkpoints[name]['path']} says that this model was trained on {dataset}, and "
            f"an experiment has it on {elsewhere[0]}: list it in one of {dataset}"
        )


def check_batch_norm(study: Study, datasets: list[str], where: str) -> None:
    """Check that filters are not wanted with batch norm separate of a file that has it folded, as HDF5 files do.

    Of an ONNX file its job knows that.

    Raises:
        InputError: they are.
    """
    names = dict.fromkeys(
        run.variant
        for dataset in datasets
        for run in study.runs_on(dataset)
        if "name" in study.checkpoints.get(run.variant, {})
        and study.is_filter_file(run)
        and "filter_quality" in study.suites_of(run)
        and study.settings("filter_quality", dataset)["batch_norm"] != [_FOLDED]
    )
    if names:
        raise InputError(
            f"{where}.batch_norm: asks for separate, but of {list_some(names)} there are only filters with batch norm "
            f"folded: write [{_FOLDED}], here or in evaluation.datasets for the data sets of these checkpoints"
        )
