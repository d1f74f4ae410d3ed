"""Accuracy under each common corruption at each severity."""

from pathlib import Path

from filterfreq.data.arrays import PreparedDataset
from filterfreq.evaluation.accuracy import evaluate_before, evaluate_corruption
from filterfreq.evaluation.corruptions import CORRUPTIONS, load_corrupted, published_among
from filterfreq.evaluation.results import write_results
from filterfreq.models.checkpoints import load_checkpoint
from filterfreq.models.device import use_device
from filterfreq.runtime.jobs import evaluation_batch_size, job

with job(snakemake):
    device = use_device(snakemake.config["compute"], snakemake.threads)
    dataset = PreparedDataset(Path(snakemake.input.dataset).parent)
    classifier, record = load_checkpoint(snakemake.input.record)
    folder = Path(snakemake.input.corrupted)
    corrupted = {name: load_corrupted(folder / f"{name}.npy", snakemake.threads) for name in CORRUPTIONS}
    count = snakemake.params.settings.get("images")
    labels = dataset.labels("test")[:count]
    batch_size = evaluation_batch_size(snakemake)
    rows = evaluate_before(classifier, dataset.images("test")[:count], labels, batch_size, device)
    rows += evaluate_corruption(classifier, corrupted, labels, batch_size, device, published_among(folder))
    write_results(snakemake.output[0], record["run"], "corruption", rows)
