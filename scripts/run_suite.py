"""Measure one model with one suite."""

from pathlib import Path

from filterfreq.evaluation.job import suite_job
from filterfreq.evaluation.registry import SUITES, load
from filterfreq.evaluation.results import write_results
from filterfreq.runtime.jobs import job

with job(snakemake) as logger:
    name = snakemake.params.suite
    measured = suite_job(snakemake, Path(snakemake.input.record), Path(snakemake.output[0]), logger.info)
    write_results(measured.output, measured.record["run"], name, load(SUITES[name].run)(measured))
    measured.remove_progress()
