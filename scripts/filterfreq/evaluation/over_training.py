"""All snapshots of one training, measured with one suite."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from filterfreq.evaluation.job import SuiteJob
from filterfreq.evaluation.progress import Progress
from filterfreq.evaluation.registry import Suite, load
from filterfreq.evaluation.results import check_rows, prepend_parameter

Rows = list[dict[str, Any]]


def measure_snapshots(
    suite: Suite, records: Mapping[float, Path], make_job: Callable[[Path, str], SuiteJob]
) -> tuple[Rows, list[Path]]:
    """Measure snapshots one after the other, or together where the suite makes the images that they are shown.

    What is measured is kept, so that an interrupted job goes on with the snapshot, or the batch of all, it was at.

    Args:
        suite: the entry in the registry.
        records: the `run.json` of each snapshot, by its epoch, in order.
        make_job: returns the job of the model of a record; also takes what its own files are to be called.

    Returns:
        The rows, each with its epoch, and the files to be removed once they are written.

    Raises:
        InputError: a snapshot is missing or damaged, or what its suite raises.
    """
    rows, files = [], []
    if suite.run_snapshots is not None:
        jobs = [make_job(record, "") for record in records.values()]
        progress = Progress(jobs[0].progress_file, [job.fingerprint for job in jobs], jobs[0].announce)
        found_of_all = load(suite.run_snapshots)(jobs, progress)
        files.append(jobs[0].progress_file)
    else:
        found_of_all = []
        for epoch, record in records.items():
            job = make_job(record, f"-epoch-{epoch}")
            found_of_all.append(job.progress.rows(lambda job=job: load(suite.run)(job)))
            files.append(job.progress_file)
    for epoch, found in zip(records, found_of_all, strict=True):
        check_rows(found, suite.run, suite.metrics)
        rows += prepend_parameter(found, epoch=epoch)
    return rows, files
