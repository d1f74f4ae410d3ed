"""List the test images that a run finds from their high component and not from their low one, with some of them."""

from dataclasses import asdict

import numpy as np

from filterfreq.data.scratch import open_dataset
from filterfreq.evaluation.only_high import find_only_high
from filterfreq.evaluation.results import write_table
from filterfreq.evaluation.settings import evaluation_settings
from filterfreq.models.checkpoints import load_checkpoint
from filterfreq.models.device import use_device
from filterfreq.runtime.files import replacing_with_checksum
from filterfreq.runtime.jobs import job

with job(snakemake) as logger:
    compute, settings = snakemake.config["compute"], snakemake.params.settings
    device = use_device(compute, snakemake.threads)
    dataset = open_dataset(snakemake.input.dataset, snakemake.threads, compute, logger.info)
    classifier, _ = load_checkpoint(snakemake.input.record)
    table, examples = find_only_high(
        classifier,
        dataset.images("test")[: settings.get("images")],
        dataset.labels("test")[: settings.get("images")],
        settings,
        dataset.classes,
        evaluation_settings(snakemake.config, snakemake.wildcards.dataset)["batch_size"],
        device,
    )
    with replacing_with_checksum(snakemake.output.examples) as temporary:
        np.savez(temporary, **asdict(examples))
    write_table(snakemake.output.table, table)
