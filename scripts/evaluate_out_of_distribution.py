"""Accuracy on test images from other distributions."""

from pathlib import Path

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.shifted.classes import class_targets, classes_of
from filterfreq.data.shifted.prepared import PreparedShift
from filterfreq.evaluation.accuracy import evaluate_out_of_distribution
from filterfreq.evaluation.results import write_results
from filterfreq.models.checkpoints import load_checkpoint
from filterfreq.models.device import use_device
from filterfreq.runtime.jobs import evaluation_batch_size, job

with job(snakemake):
    device = use_device(snakemake.config["compute"], snakemake.threads)
    classifier, record = load_checkpoint(snakemake.input.record)
    dataset = snakemake.input.get("dataset")
    prepared = PreparedDataset(Path(dataset).parent) if dataset else None
    classes = classes_of(snakemake.wildcards.dataset, record, prepared)
    count = snakemake.params.images
    sets = {}
    for folder in snakemake.input.shifted:
        shifted = PreparedShift(folder, snakemake.threads)
        sets[shifted.name] = shifted.images()[:count], shifted.labels()[:count], class_targets(shifted, classes)
    rows = evaluate_out_of_distribution(classifier, sets, evaluation_batch_size(snakemake), device)
    write_results(snakemake.output[0], record["run"], "out_of_distribution", rows)
