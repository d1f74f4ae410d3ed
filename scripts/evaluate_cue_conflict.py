"""Shape bias where shape and texture disagree."""

from pathlib import Path

from filterfreq.compute import use_device
from filterfreq.data.arrays import PreparedDataset
from filterfreq.evaluation.accuracy import evaluate_cue_conflict
from filterfreq.evaluation.results import write_results
from filterfreq.jobs import job
from filterfreq.models.checkpoints import load_checkpoint

with job(snakemake):
    device = use_device(snakemake.config["compute"], snakemake.threads)
    dataset = PreparedDataset(Path(snakemake.input.dataset).parent)
    classifier, record = load_checkpoint(snakemake.input.record)
    rows = evaluate_cue_conflict(
        classifier,
        dataset.images("cue_conflict"),
        dataset.array("cue_conflict_shapes"),
        dataset.array("cue_conflict_textures"),
        dataset.classes,
        snakemake.params.batch_size,
        device,
    )
    write_results(snakemake.output[0], record["run"], "cue_conflict", rows)
