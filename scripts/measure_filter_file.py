"""Measure the filters of a model of which a file of filters is all that there is, and record where they are from."""

from pathlib import Path

from filterfreq.evaluation.filters.filter_file import read_filter_file
from filterfreq.evaluation.filters.rows import filter_rows
from filterfreq.evaluation.results import write_results
from filterfreq.runtime.files import sha256, write_json
from filterfreq.runtime.jobs import job
from filterfreq.runtime.provenance import environment

with job(snakemake):
    spec, file = snakemake.params.spec, snakemake.input.file
    rows = [
        row
        for batch_norm in snakemake.params.batch_norm
        for row in filter_rows(read_filter_file(spec["source"], batch_norm), batch_norm)
    ]
    # A data set of filters is too large to be read as a whole for one of its models.
    checksum = {} if "name" in spec["source"] else {"sha256": sha256(file)}
    provenance = {
        **environment("onnx", "h5py"),
        "code": snakemake.params.code,
        "file": {"size": Path(file).stat().st_size, **checksum},
    }
    write_results(snakemake.output.results, spec["run"], "filter_quality", rows)
    write_json(snakemake.output.record, {**spec, "provenance": provenance})
