"""Measure one run, or each snapshot of its training, with one suite."""

from pathlib import Path

import torch

from filterfreq.evaluation.job import SuiteJob
from filterfreq.evaluation.registry import ON_DEVICE, SUITES, load
from filterfreq.evaluation.results import check_rows, prepend_parameter, write_results
from filterfreq.evaluation.settings import evaluation_settings
from filterfreq.models.checkpoints import RECORD_FILE, load_checkpoint
from filterfreq.models.device import use_device
from filterfreq.runtime.jobs import job

with job(snakemake) as logger:
    name, compute = snakemake.params.suite, snakemake.config["compute"]
    suite, inputs, output = SUITES[name], dict(snakemake.input.items()), Path(snakemake.output[0])
    device = use_device(compute, snakemake.threads) if suite.stage in ON_DEVICE else torch.device("cpu")
    # The record of each model, the CSV that it would have alone, and what its rows have beside the suite's parameters.
    models = [
        (Path(inputs["snapshots"], f"epoch-{epoch}", RECORD_FILE), f"{name}-epoch-{epoch}.csv", {"epoch": epoch})
        for epoch in snakemake.params.get("epochs", ())
    ] or [(inputs["record"], output.name, {})]
    rows, progress_files = [], []
    for record_file, own_output, pairs in models:
        classifier, record = load_checkpoint(record_file)
        suite_job = SuiteJob(
            classifier=classifier,
            record=record,
            parameters=dict(snakemake.params.items()),
            batch_size=evaluation_settings(snakemake.config, snakemake.wildcards.dataset)["batch_size"],
            device=device,
            inputs={**inputs, "record": str(record_file)},
            output=output.with_name(own_output),
            threads=snakemake.threads,
            compute=compute,
            announce=logger.info,
        )
        found = load(suite.run)(suite_job)
        check_rows(found, suite.run, suite.metrics)
        rows += prepend_parameter(found, **pairs)
        progress_files.append(suite_job.progress_file)
    write_results(output, record["run"], name, rows)
    # Of all models until all are measured: an interrupted job goes on from there.
    for file in progress_files:
        file.unlink(missing_ok=True)
