"""Jobs of fits, without a study."""

from pathlib import Path
from typing import Any

import pandas as pd
import torch

from filterfreq.evaluation.reading import read_results
from filterfreq.evaluation.registry import load
from filterfreq.evaluation.results import check_rows, write_results
from filterfreq.fits.job import FitJob, result_keys
from filterfreq.fits.registry import FITS


def job_of(folder: Path, kind: str, settings: dict[str, Any], network: dict[str, Any], seed: int = 0) -> FitJob:
    """A job of one seed."""
    run = {"fit": "one", "network": "small", "variant": "plain", "seed": seed}
    spec = {"run": run, "kind": kind, "network": network, "settings": settings}
    return FitJob(spec, "code", torch.device("cpu"), folder / "training_state.pt")


def results_of(job: FitJob) -> pd.DataFrame:
    """What a job measures, written and read again as the workflow does it."""
    torch.set_num_threads(1)
    kind = job.spec["kind"]
    rows = load(FITS[kind].run)(job)
    check_rows(rows, FITS[kind].run, FITS[kind].metrics)
    path = job.state_file.with_name("results.csv")
    write_results(path, result_keys(job.spec["run"]), kind, rows)
    job.state_file.unlink(missing_ok=True)
    return read_results([path], suite=kind, known=FITS)
