"""Measure the filters of a model of which a file of filters is all that there is, and record where they are from."""

from filterfreq.evaluation.filters.filter_file import measure_filter_file
from filterfreq.evaluation.results import write_results
from filterfreq.runtime.files import write_json
from filterfreq.runtime.jobs import job
from filterfreq.runtime.provenance import environment

with job(snakemake):
    spec = snakemake.params.spec
    rows, checksum = measure_filter_file(spec["source"], snakemake.params.batch_norm)
    provenance = {**environment("onnx", "h5py"), "code": snakemake.params.code, "filters_sha256": checksum}
    write_results(snakemake.output.results, spec["run"], "filter_quality", rows)
    write_json(snakemake.output.record, {**spec, "provenance": provenance})
