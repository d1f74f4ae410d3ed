"""Accuracy on adversarial examples made on another model."""

from pathlib import Path

from filterfreq.data.scratch import open_dataset
from filterfreq.evaluation.accuracy import evaluate_before
from filterfreq.evaluation.adversarial import evaluate_transfer
from filterfreq.evaluation.progress import Progress
from filterfreq.evaluation.results import write_results
from filterfreq.models.checkpoints import load_checkpoint
from filterfreq.models.device import use_device
from filterfreq.runtime.jobs import job

with job(snakemake) as logger:
    device = use_device(snakemake.config["compute"], snakemake.threads)
    dataset = open_dataset(snakemake.input.dataset, snakemake.threads, snakemake.config["compute"], logger.info)
    classifier, record = load_checkpoint(snakemake.input.record)
    source, source_record = load_checkpoint(snakemake.input.source_record)
    settings = snakemake.params.settings
    progress = Progress(
        Path(snakemake.output[0]).with_suffix(".progress.json"),
        [
            dict(snakemake.params.items()),
            [record["checkpoint"], source_record["checkpoint"]],
            dataset.record,
            device.type,
            snakemake.threads,
        ],
        logger.info,
    )
    count = settings.get("images")
    images, labels = dataset.images("test")[:count], dataset.labels("test")[:count]
    batch_size = snakemake.params.batch_size
    rows = evaluate_before(classifier, images, labels, batch_size, device)
    rows += evaluate_transfer(
        classifier,
        source,
        settings["source"],
        images,
        labels,
        settings["attacks"],
        batch_size,
        device,
        seed=record["run"]["seed"],
        progress=progress,
    )
    write_results(snakemake.output[0], record["run"], "transfer", rows)
    progress.remove()
