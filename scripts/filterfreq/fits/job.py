"""One job of a fit: from its spec to its results and their record."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from filterfreq.data.arrays import PreparedDataset
from filterfreq.evaluation.columns import RUN_COLUMNS
from filterfreq.evaluation.registry import load
from filterfreq.evaluation.results import check_rows, write_results
from filterfreq.fits.registry import FITS, Fit
from filterfreq.models.device import describe_device, is_deterministic, peak_memory_mb
from filterfreq.runtime.files import write_json
from filterfreq.runtime.provenance import environment
from filterfreq.training.state import StateFile


@dataclass
class FitJob:
    """What a fit needs to know.

    Attributes:
        spec: as `filterfreq.study.fits.Fits.spec` makes it.
        code: the version of the code.
        device: where to compute, as `filterfreq.models.device.use_device` has set it up.
        state_file: where the state of an interrupted training is kept.
        stop: asked before every iteration whether to stop.
        announce: takes a line now and then.
        dataset: the folder of the prepared data set; None where the settings name none.
        seconds: what the training took, that before an interruption included; known after it.
    """

    spec: dict[str, Any]
    code: str
    device: torch.device
    state_file: Path
    stop: Callable[[], bool] = lambda: False
    announce: Callable[[str], None] = lambda line: None
    dataset: Path | None = None
    seconds: float = 0.0

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the fit, by the names in its schema."""
        return self.spec["settings"]

    @property
    def seed(self) -> int:
        """The seed of all that is drawn, of a job of one repeat."""
        return self.spec["run"]["seed"]

    @property
    def seeds(self) -> list[int]:
        """The seeds of the repeats that the job trains together, in order; of most jobs one."""
        return self.spec.get("seeds") or [self.seed]

    @property
    def name(self) -> str:
        """The run in one word, for messages."""
        return "/".join(str(part) for part in self.spec["run"].values())

    @property
    def data(self) -> dict[str, str]:
        """The checksums of what is learned from, by name; a function has none."""
        if self.dataset is None:
            return {}
        return {name: self.prepared.checksums[name] for name in ("train_images", "train_labels")}

    @cached_property
    def prepared(self) -> PreparedDataset:
        """The data set, of a job that has one."""
        assert self.dataset is not None, "its settings name no data set"
        return PreparedDataset(self.dataset)

    @cached_property
    def state(self) -> StateFile:
        """What the training goes on from, where the same one was interrupted."""
        made_by = [self.code, torch.get_num_threads(), self.device.type]
        fingerprint = json.dumps([self.spec, *made_by, self.data], sort_keys=True)
        return StateFile(self.state_file, fingerprint)


def result_keys(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stands in the columns that results have for the run of a classifier.

    Args:
        run: the fit or another entry of its kind, network, variant and seed or seeds, in this order.
    """
    return dict(zip(RUN_COLUMNS, run.values(), strict=True))


def run_fit(
    job: FitJob,
    results: str | Path,
    record: str | Path,
    compute: dict[str, Any],
    kinds: Mapping[str, Fit] = FITS,
) -> None:
    """Run a fit, and write its results and then the record, each whole or not at all.

    Args:
        job: the fit.
        results: the CSV file.
        record: the JSON file: the spec, and what made it.
        compute: the config's section `compute`.
        kinds: what there is to run, by the kind in the job's spec.

    Raises:
        InputError: the loss is not finite, or the disk is full.
        StoppedError: the job was asked to stop; its state is kept.
    """
    fit = kinds[job.spec["kind"]]
    rows = load(fit.run)(job)
    for seed in job.seeds if fit.trains_together else [None]:
        check_rows([row for row in rows if row.get("seed") == seed], fit.run, fit.metrics)
    write_results(results, result_keys(job.spec["run"]), job.spec["kind"], rows)
    provenance = {
        **environment(),
        "code": job.code,
        "device": describe_device(job.device),
        "deterministic": is_deterministic(compute, job.device),
        **({"data": job.data} if job.data else {}),
        "seconds": round(job.seconds, 3),
        "peak_memory_mb": round(peak_memory_mb(job.device), 1),
    }
    write_json(record, {**job.spec, "provenance": provenance})
    job.state_file.unlink(missing_ok=True)
