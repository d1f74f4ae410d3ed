"""Accuracy on the test images."""

from filterfreq.data.scratch import open_dataset
from filterfreq.evaluation.accuracy import evaluate_clean
from filterfreq.evaluation.results import write_results
from filterfreq.models.checkpoints import load_checkpoint
from filterfreq.models.device import use_device
from filterfreq.runtime.jobs import evaluation_batch_size, job

with job(snakemake) as logger:
    device = use_device(snakemake.config["compute"], snakemake.threads)
    dataset = open_dataset(snakemake.input.dataset, snakemake.threads, snakemake.config["compute"], logger.info)
    classifier, record = load_checkpoint(snakemake.input.record)
    rows = evaluate_clean(
        classifier, dataset.images("test"), dataset.labels("test"), evaluation_batch_size(snakemake), device
    )
    write_results(snakemake.output[0], record["run"], "clean", rows)
