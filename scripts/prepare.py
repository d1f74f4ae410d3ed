"""Turn the raw files of a data set into memory-mapped arrays, or into an index of its image files."""

from pathlib import Path

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.raw_files import locate
from filterfreq.data.registry import get_dataset, prepare_dataset
from filterfreq.runtime.jobs import job

with job(snakemake) as logger:
    dataset = get_dataset(snakemake.wildcards.dataset, snakemake.config.get("data"))
    folder = Path(snakemake.output.dataset).parent
    given = snakemake.config.get("data", {}).get("raw", {}).get(dataset.name)
    if given is not None:
        raw_folder = Path(given).expanduser()
    else:
        raw_folder = Path(snakemake.input.raw[0]).parent if snakemake.input.raw else folder
    for source in dataset.sources if given is not None else ():
        files = locate(source, raw_folder)
        if files[0].source is not source:
            logger.info(
                "%s: the content of %s, from %s", dataset.name, source.file, ", ".join(str(file.path) for file in files)
            )
    prepare_dataset(dataset, raw_folder, folder, snakemake.params.seed)
    for remark in PreparedDataset(folder).record.get("remarks", ()):
        logger.info("%s: %s", dataset.name, remark)
