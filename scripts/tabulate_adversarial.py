"""Write the table `adversarial` as CSV, Markdown and LaTeX."""

from filterfreq.evaluation.results import read_results
from filterfreq.jobs import job
from filterfreq.publishing.tables import adversarial_table

with job(snakemake):
    table = adversarial_table(read_results(snakemake.input), snakemake.params.labels)
    table.write(snakemake.output.csv, snakemake.output.markdown, snakemake.output.latex)
