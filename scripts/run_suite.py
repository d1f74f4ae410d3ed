"""Measure one run, or each snapshot of its training, with one suite."""

from pathlib import Path

import torch

from filterfreq.evaluation.job import SuiteJob
from filterfreq.evaluation.over_training import measure_snapshots
from filterfreq.evaluation.registry import ON_DEVICE, SUITES, load
from filterfreq.evaluation.results import check_rows, write_results
from filterfreq.evaluation.settings import evaluation_settings
from filterfreq.models.checkpoints import RECORD_FILE, load_checkpoint
from filterfreq.models.device import use_device
from filterfreq.runtime.jobs import job
from filterfreq.runtime.schemas import read_record

with job(snakemake) as logger:
    name, compute = snakemake.params.suite, snakemake.config["compute"]
    suite, inputs, output = SUITES[name], dict(snakemake.input.items()), Path(snakemake.output[0])
    device = use_device(compute, snakemake.threads) if suite.stage in ON_DEVICE else torch.device("cpu")
    opened = {}

    def make_job(record_file: Path, suffix: str = "") -> SuiteJob:
        """The job of the model of a record; what it keeps is beside the output, under its name with a suffix."""
        classifier, record = load_checkpoint(record_file)
        return SuiteJob(
            classifier=classifier,
            record=record,
            parameters=dict(snakemake.params.items()),
            batch_size=evaluation_settings(snakemake.config, snakemake.wildcards.dataset)["batch_size"],
            device=device,
            inputs={**inputs, "record": str(record_file)},
            output=output.with_stem(output.stem + suffix),
            threads=snakemake.threads,
            compute=compute,
            announce=logger.info,
            opened=opened,
        )

    if snapshots := snakemake.params.get("snapshots"):
        files = [Path(inputs["snapshots"], snapshot, RECORD_FILE) for snapshot in snapshots]
        contents = [read_record(file, "run") for file in files]
        records = {content["metrics"]["epoch"]: file for content, file in zip(contents, files, strict=True)}
        run = contents[0]["run"]
        rows, progress_files = measure_snapshots(suite, dict(sorted(records.items())), make_job)
    else:
        suite_job = make_job(Path(inputs["record"]))
        run = suite_job.record["run"]
        rows, progress_files = load(suite.run)(suite_job), [suite_job.progress_file]
        check_rows(rows, suite.run, suite.metrics)
    write_results(output, run, name, rows)
    # Of all models until all are measured: an interrupted job goes on from there.
    for file in progress_files:
        file.unlink(missing_ok=True)
