"""Write what one repeat of a fit gave, of those that were trained with it as one net."""

from filterfreq.fits.repeat_files import take_repeat
from filterfreq.runtime.jobs import job

with job(snakemake):
    take_repeat(snakemake.input, snakemake.output, snakemake.params.spec)
