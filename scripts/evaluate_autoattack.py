"""Accuracy under AutoAttack or some of its attacks."""

from pathlib import Path

from filterfreq.data.scratch import open_dataset
from filterfreq.evaluation.accuracy import evaluate_before
from filterfreq.evaluation.autoattack import evaluate_autoattack
from filterfreq.evaluation.progress import Progress
from filterfreq.evaluation.results import write_results
from filterfreq.models.checkpoints import load_checkpoint
from filterfreq.models.device import use_device
from filterfreq.runtime.jobs import job

with job(snakemake) as logger:
    device = use_device(snakemake.config["compute"], snakemake.threads)
    dataset = open_dataset(snakemake.input.dataset, snakemake.threads, snakemake.config["compute"], logger.info)
    classifier, record = load_checkpoint(snakemake.input.record)
    images, labels = dataset.images("test"), dataset.labels("test")
    settings = snakemake.params.settings
    progress = Progress(
        Path(snakemake.output[0]).with_suffix(".progress.json"),
        [dict(snakemake.params.items()), record["checkpoint"], dataset.record, device.type, snakemake.threads],
        logger.info,
    )
    batch_size = snakemake.params.batch_size
    entries = settings if isinstance(settings, list) else [settings]
    rows = []
    for count in sorted({min(entry.get("images", len(labels)), len(labels)) for entry in entries}):
        rows += evaluate_before(classifier, images[:count], labels[:count], batch_size, device)
    for entry in entries:
        count = entry.get("images")
        rows += evaluate_autoattack(
            classifier,
            images[:count],
            labels[:count],
            entry["norm"],
            entry["epsilons"],
            batch_size,
            device,
            seed=record["run"]["seed"],
            attacks=entry.get("attacks"),
            progress=progress,
        )
    write_results(snakemake.output[0], record["run"], "autoattack", rows)
    progress.remove()
