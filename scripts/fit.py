"""Run one fit, from where it was if it was interrupted."""

from pathlib import Path

from filterfreq.fits.job import FitJob, run_fit
from filterfreq.models.device import use_device
from filterfreq.runtime.jobs import job, stop_requests

with job(snakemake) as logger:
    compute = snakemake.config["compute"]
    fit = FitJob(
        spec=snakemake.params.spec,
        code=snakemake.params.code,
        device=use_device(compute, snakemake.threads),
        state_file=Path(snakemake.output.record).with_name("training_state.pt"),
        stop=stop_requests(),
        announce=logger.info,
        dataset=Path(snakemake.input.dataset).parent if snakemake.input.dataset else None,
    )
    run_fit(fit, snakemake.output.results, snakemake.output.record, compute)
