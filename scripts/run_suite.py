"""Measure one model with one suite."""

from pathlib import Path

import torch

from filterfreq.evaluation.job import SuiteJob
from filterfreq.evaluation.registry import ON_DEVICE, SUITES, load
from filterfreq.evaluation.results import write_results
from filterfreq.evaluation.settings import evaluation_settings
from filterfreq.models.checkpoints import load_checkpoint
from filterfreq.models.device import use_device
from filterfreq.runtime.jobs import job

with job(snakemake) as logger:
    name, compute = snakemake.params.suite, snakemake.config["compute"]
    suite = SUITES[name]
    device = use_device(compute, snakemake.threads) if suite.stage in ON_DEVICE else torch.device("cpu")
    classifier, record = load_checkpoint(snakemake.input.record)
    suite_job = SuiteJob(
        classifier=classifier,
        record=record,
        parameters=dict(snakemake.params.items()),
        batch_size=evaluation_settings(snakemake.config, snakemake.wildcards.dataset)["batch_size"],
        device=device,
        inputs=dict(snakemake.input.items()),
        output=Path(snakemake.output[0]),
        threads=snakemake.threads,
        compute=compute,
        announce=logger.info,
    )
    write_results(snakemake.output[0], record["run"], name, load(suite.run)(suite_job))
    suite_job.remove_progress()
