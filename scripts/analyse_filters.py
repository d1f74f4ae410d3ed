"""Energy of the learned filters per DCT coefficient."""

from filterfreq.analysis.spectra import filter_spectra, spectra_rows
from filterfreq.evaluation.results import write_results
from filterfreq.models.checkpoints import load_checkpoint
from filterfreq.runtime.jobs import job

with job(snakemake):
    classifier, record = load_checkpoint(snakemake.input.record)
    write_results(snakemake.output[0], record["run"], "filters", spectra_rows(filter_spectra(classifier.backbone)))
