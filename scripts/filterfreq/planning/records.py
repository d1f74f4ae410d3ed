"""What was measured and is kept: Snakemake's benchmark files, and the calibration. Imports no torch."""

import hashlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from filterfreq.runtime.errors import InputError, unknown_name
from filterfreq.runtime.files import read_json, reading
from filterfreq.runtime.schemas import read_record

CALIBRATION = "results/calibration.json"
"""Where the workflow and scripts/plan.py have what was measured on each device, for all studies."""


@dataclass(frozen=True)
class Calibration:
    """What was measured on one device.

    Attributes:
        device: its name.
        seconds_to_start: what a process takes before it computes.
        units: by `unit_key`, what `filterfreq.planning.calibration.measure` returned.
    """

    device: str | None
    seconds_to_start: float
    units: Mapping[str, Mapping[str, float]]

    def find_value(self, unit: Mapping[str, Any], name: str) -> float | None:
        """Return one of the measured values of a unit; None where it was not measured."""
        return self.units.get(unit_key(unit), {}).get(name)


def read_calibration(path: str | Path, device: str | None = None) -> Calibration:
    """Read what the rule `calibrate` wrote; nothing is measured where there is no such file.

    Args:
        path: `results/calibration.json`.
        device: its name in the file; by default the one that was measured last.

    Raises:
        InputError: the file is damaged, or holds no such device.
    """
    if not Path(path).exists():
        if device is not None:
            raise InputError(f"{path} is missing, so nothing is measured on {device!r}: run snakemake calibrate there")
        return Calibration(None, 0.0, {})
    content = read_record(path, "calibration", "delete it and run snakemake calibrate")
    name = device or content.get("latest")
    if name not in content["devices"]:
        raise unknown_name("device", name, content["devices"])
    found = content["devices"][name]
    return Calibration(name, found["seconds_to_start"], found["units"])


def unit_key(unit: Mapping[str, Any]) -> str:
    """Return the name under which a calibration keeps a unit."""
    return json.dumps(unit, sort_keys=True)


def plan_path(config_files: Sequence[str | Path]) -> str:
    """Return where the plan of a study is kept, `results/plans/<name>/plan.json`: each study has its own.

    Args:
        config_files: the study's, by which it is named: `config.yaml` is config; of one in another folder, or of
            several, a part of their paths' SHA-256 follows the last one's name, so that no two studies have one name.
    """
    paths = [os.path.relpath(file) for file in config_files]
    name = Path(paths[-1]).stem
    if paths != [f"{name}.yaml"]:
        name += f"-{hashlib.sha256(os.fsencode(os.pathsep.join(paths))).hexdigest()[:8]}"
    return f"results/plans/{name}/plan.json"


def read_plan(path: str | Path) -> dict[str, Any]:
    """Read what `filterfreq.planning.plan.write_plan` wrote.

    Raises:
        InputError: the file is missing or damaged, or was written by another version.
    """
    remedy = "delete it and plan again (python scripts/plan.py)"
    plan = read_record(path, "plan", remedy)
    with reading(path, remedy):
        for entry in plan["planned"]:
            datetime.fromisoformat(entry["made"]).timestamp()
    return plan


def read_seconds(benchmark: str | Path, record: str | Path | None) -> float | None:
    """Return the seconds that a finished job took; None where that was not kept, or cannot be read.

    Of a training that was interrupted, the benchmark file has the last part alone, and its record the seconds of all
    epochs; it has not the start of the process, which the benchmark file has. The larger of both is exact where nothing
    was interrupted, and otherwise leaves out what the parts took to start.

    Args:
        benchmark: Snakemake's benchmark file.
        record: the `run.json` of a training; None of other jobs.
    """
    seconds = read_benchmark(benchmark)
    if seconds is None or record is None:
        return seconds
    try:
        epoch_seconds = read_json(record)["provenance"]["seconds"]
    except (InputError, KeyError, TypeError):
        return None
    return max(seconds, epoch_seconds) if isinstance(epoch_seconds, float | int) else None


def read_benchmark(path: str | Path) -> float | None:
    """Return the seconds in one of Snakemake's benchmark files; None where there is none, or none that can be read."""
    try:
        names, values, *_ = Path(path).read_text(encoding="utf-8").splitlines()
        seconds = float(dict(zip(names.split("\t"), values.split("\t"), strict=True))["s"])
    except (OSError, ValueError, KeyError):
        return None
    return seconds if 0 <= seconds < math.inf else None
