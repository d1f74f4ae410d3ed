"""Train one GAN, from where it was if it was interrupted."""

from pathlib import Path

from filterfreq.fits.job import run_fit
from filterfreq.gans.job import GanJob
from filterfreq.gans.registry import GANS
from filterfreq.models.device import use_device
from filterfreq.runtime.jobs import job, stop_requests

with job(snakemake) as logger:
    compute = snakemake.config["compute"]
    gan = GanJob(
        spec=snakemake.params.spec,
        code=snakemake.params.code,
        device=use_device(compute, snakemake.threads),
        state_file=Path(snakemake.output.record).with_name("training_state.pt"),
        stop=stop_requests(),
        announce=logger.info,
        dataset=Path(snakemake.input.dataset).parent,
        generator=Path(snakemake.output.generator),
        samples=Path(snakemake.output.samples),
    )
    run_fit(gan, snakemake.output.results, snakemake.output.record, compute, GANS)
