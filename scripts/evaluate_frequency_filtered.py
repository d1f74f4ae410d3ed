"""Accuracy on low-passed and high-passed test images."""

from filterfreq.data.scratch import open_dataset
from filterfreq.evaluation.frequency_filtered import evaluate_frequency_filtered
from filterfreq.evaluation.results import write_results
from filterfreq.models.checkpoints import load_checkpoint
from filterfreq.models.device import use_device
from filterfreq.runtime.jobs import evaluation_batch_size, job

with job(snakemake) as logger:
    device = use_device(snakemake.config["compute"], snakemake.threads)
    dataset = open_dataset(snakemake.input.dataset, snakemake.threads, snakemake.config["compute"], logger.info)
    classifier, record = load_checkpoint(snakemake.input.record)
    settings = dict(snakemake.params.settings)
    count = settings.pop("images", None)
    rows = evaluate_frequency_filtered(
        classifier,
        dataset.images("test")[:count],
        dataset.labels("test")[:count],
        batch_size=evaluation_batch_size(snakemake),
        device=device,
        **settings,
    )
    write_results(snakemake.output[0], record["run"], "frequency_filtered", rows)
