"""Write the page with all runs of a study."""

from filterfreq.evaluation.reading import read_results
from filterfreq.publishing.leaderboard import Part, write_leaderboard
from filterfreq.runtime.jobs import job

with job(snakemake):
    parts = [Part(read_results(part["files"]), part["dataset"], **part["shown"]) for part in snakemake.params.parts]
    write_leaderboard(snakemake.output[0], parts, snakemake.params.config, snakemake.params.figures)
