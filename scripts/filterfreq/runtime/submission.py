"""What Snakemake tells the jobs that it submits or starts, through their environment, which Slurm hands on."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import read_json, replacing, sha256

_CONFIG, _CONFIG_FILES, _BEGAN_IN = "FILTERFREQ_CONFIG", "FILTERFREQ_CONFIG_FILES", "FILTERFREQ_BEGAN_IN"


def tell_jobs(config: Mapping[str, Any], folder: str | Path) -> None:
    """Tell jobs where the workflow began and with which config: they read its files again, which may have changed.

    Args:
        config: what the workflow began with.
        folder: where it is kept, as JSON under its SHA-256.
    """
    content = json.dumps(config, default=str).encode()
    kept = Path(folder, f"{hashlib.sha256(content).hexdigest()}.json").absolute()
    if not _is_whole(kept):
        with replacing(kept) as temporary:
            temporary.write_bytes(content)
    os.environ[_CONFIG] = str(kept)
    os.environ[_BEGAN_IN] = os.environ.get("SLURM_JOB_ID", "")


def told_config() -> dict | None:
    """Return the config that the workflow began with, or None in a job that was not told.

    Raises:
        InputError: the file that was told of is gone or damaged.
    """
    path = os.environ.get(_CONFIG)
    if path is None:
        return None
    if not _is_whole(Path(path)):
        raise InputError(
            f"{path}, which has the config that the workflow began with, is gone or damaged: cancel the workflow's "
            "jobs and start it again"
        )
    return read_json(path)


def tell_config_files(files: Sequence[str]) -> None:
    """Tell scripts which config files the study is of; each Snakemake tells its own, those of jobs too."""
    os.environ[_CONFIG_FILES] = json.dumps([*files])


def told_config_files() -> list[str] | None:
    """Return the config files that the study is of, or None outside of a workflow."""
    files = os.environ.get(_CONFIG_FILES)
    return None if files is None else json.loads(files)


def _is_whole(kept: Path) -> bool:
    """Whether a file that is named by its SHA-256 has it."""
    return kept.is_file() and sha256(kept) == kept.stem


def slurm_job() -> str | None:
    """Return the number of the Slurm job that the workflow submitted and this process is in.

    None outside of Slurm, and in an allocation in which the whole workflow runs.
    """
    number = os.environ.get("SLURM_JOB_ID")
    return None if number is None or os.environ.get(_BEGAN_IN, number) == number else number
