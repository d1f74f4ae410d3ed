"""Write the table `scorecard` in all its forms."""

from filterfreq.analysis.claims import score
from filterfreq.evaluation.results import read_results
from filterfreq.publishing.tables import scorecard_table
from filterfreq.runtime.jobs import job

with job(snakemake):
    scores = score(read_results(snakemake.input), snakemake.params.claims)
    scorecard_table(scores, snakemake.params.labels, snakemake.wildcards.dataset).write(
        snakemake.output, snakemake.params.extent
    )
