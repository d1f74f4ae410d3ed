"""Whose a run is: no study makes a run again that another one, of other config files, had made with other settings."""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from filterfreq.runtime.errors import InputError, list_some
from filterfreq.runtime.files import read_json
from filterfreq.runtime.text import one_line
from filterfreq.study.detections import DetectionRun
from filterfreq.study.experiments import Run
from filterfreq.study.fits import FitRun, GanRun
from filterfreq.study.study import Study

AnyRun = Run | FitRun | GanRun | DetectionRun

_LONGEST_VALUE = 60  # characters
_NOT_SET = "not set"


def check_owners(study: Study, config_files: Sequence[str], record_path: Callable[[AnyRun], str | Path]) -> None:
    """Check that each finished run of a study has its settings, or was made by the study itself.

    A study that changes its own settings makes its runs again. Of a record that cannot be read, or does not say which
    config files it was made for, the run counts as the study's own.

    Args:
        study: the config's.
        config_files: those of the study, as `filterfreq.runtime.provenance.environment` puts them into records.
        record_path: returns where the `run.json` of a run lies, whether it is there or not.

    Raises:
        InputError: another study has made a run with other settings; the sentence names the first of such runs, and the
            variants and checkpoints of all.
    """
    foreign = []
    in_grids = itertools.chain.from_iterable(runs for grid in study.grids.values() for runs in grid.runs.values())
    for run in (*study.all_runs, *in_grids, *study.detections.runs):
        path = Path(record_path(run))
        record = _read(path)
        owner = _owner(record)
        if owner is None or owner == [*config_files]:
            continue
        if difference := _difference(record, _spec(study, run)):
            foreign.append((run, path.parent, " and ".join(owner), difference))
    if foreign:
        run, folder, owner, difference = foreign[0]
        were = f"and {len(foreign) - 1} more were" if foreign[1:] else "was"
        entry = _entry(study, run)
        names = list(dict.fromkeys(f"'{_name(other)}'" for other, *_ in foreign))
        renamed = f"the {entry} {names[0]} another name" if len(names) == 1 else f"{list_some(names)} other names"
        folders = (
            f"{folder} elsewhere to have it" if len(foreign) == 1 else f"{folder} and the others elsewhere to have them"
        )
        raise InputError(
            f"{folder} {were} made for {owner} with other settings ({difference}): give {renamed} in this config, or "
            f"move {folders} made again"
        )


def _spec(study: Study, run: AnyRun) -> dict[str, Any]:
    if isinstance(run, DetectionRun):
        return study.detections.spec(run)
    if isinstance(run, GanRun):
        return study.gans.spec(run)
    return study.fits.spec(run) if isinstance(run, FitRun) else study.spec(run)


def _entry(study: Study, run: AnyRun) -> str:
    """What the config has of a run under a name of its own, in words."""
    if isinstance(run, DetectionRun):
        return "detection"
    return "variant" if isinstance(run, FitRun | GanRun) or not study.is_downloaded(run) else "checkpoint"


def _name(run: AnyRun) -> str:
    return run.detection if isinstance(run, DetectionRun) else run.variant


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        return read_json(path)
    except InputError:
        return {}


def _owner(record: dict[str, Any]) -> list[str] | None:
    """The config files that a run was made for, or None where its record does not say it."""
    provenance = record.get("provenance")
    owner = provenance.get("config") if isinstance(provenance, dict) else None
    return owner if isinstance(owner, list) and all(isinstance(file, str) for file in owner) else None


def _difference(made: Any, wanted: Any, key: str = "") -> str | None:
    """The first setting that a record has another value of than a spec, in words; None where there is none."""
    if isinstance(wanted, dict) and isinstance(made, dict | None):
        made = made or {}
        names = [*wanted, *(made if key else ())]  # a record has more than the spec
        differences = (_difference(made.get(name), wanted.get(name), f"{key}.{name}".strip(".")) for name in names)
        return next(filter(None, differences), None)
    if made == wanted:
        return None
    was, is_now = (_NOT_SET if value is None else one_line(value, _LONGEST_VALUE) for value in (made, wanted))
    return f"{key} was {was} and is {is_now}"
