"""What Snakemake's own lines lack, and which of them say nothing to a user."""

import logging
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

_FINISHED = "job_finished"
_NOISE = "Loading script code for rule "


class JobNames(logging.Filter):
    """Names the run in each line on a finished job, and drops the lines on scripts that a report takes up.

    "Finished jobid: 5 (Rule: train)" goes on with ": texdigits/resnet_8_8/plain/seed-0". Everything else passes as it
    is, errors above all.

    Args:
        jobs: returns Snakemake's jobs that run; asked once, when the first has finished.
    """

    def __init__(self, jobs: Callable[[], Iterable[Any]]) -> None:
        super().__init__()
        self._names = cache(lambda: {job.jobid: job_name(job.wildcards) for job in jobs()})

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a line is written."""
        if record.levelno == logging.INFO and str(record.msg).startswith(_NOISE):
            return False
        if str(getattr(record, "event", "")) == _FINISHED and (name := self._names().get(record.job_id)):
            record.msg = f"{record.msg}: {name}"
        return True


def job_name(wildcards: Mapping[str, str]) -> str:
    """Return what a job is of: its wildcards as in paths, "texdigits/resnet_8_8/plain/seed-0"."""
    return "/".join(f"seed-{value}" if key == "seed" else str(value) for key, value in wildcards.items())
