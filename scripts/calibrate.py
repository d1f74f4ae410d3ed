"""Measure what training steps, passes and corruptions take on this machine, but for what was measured on it already."""

from filterfreq.models.device import use_device
from filterfreq.planning.calibration import calibrate
from filterfreq.runtime.jobs import job, seconds_since_start

started_after = seconds_since_start()

with job(snakemake) as logger:
    compute = snakemake.config["compute"]
    device = use_device(compute, snakemake.threads)
    calibrate(snakemake.params.units, snakemake.output[0], compute, device, started_after, logger.info)
