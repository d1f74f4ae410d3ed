"""Shape bias where shape and texture disagree, and of ImageNet's models how far they err as published observers do."""

from filterfreq.data.scratch import open_dataset
from filterfreq.data.shifted.prepared import PreparedShift
from filterfreq.evaluation.accuracy import evaluate_cue_conflict
from filterfreq.evaluation.cue_conflict import evaluate_stimuli
from filterfreq.evaluation.results import write_results
from filterfreq.models.checkpoints import load_checkpoint
from filterfreq.models.device import use_device
from filterfreq.runtime.jobs import evaluation_batch_size, job

with job(snakemake) as logger:
    device = use_device(snakemake.config["compute"], snakemake.threads)
    classifier, record = load_checkpoint(snakemake.input.record)
    batch_size = evaluation_batch_size(snakemake)
    if stimuli := snakemake.input.get("stimuli"):
        responses = snakemake.input.get("responses", [])
        rows = evaluate_stimuli(classifier, PreparedShift(stimuli, snakemake.threads), responses, batch_size, device)
    else:
        dataset = open_dataset(snakemake.input.dataset, snakemake.threads, snakemake.config["compute"], logger.info)
        rows = evaluate_cue_conflict(
            classifier,
            dataset.images("cue_conflict"),
            dataset.array("cue_conflict_shapes"),
            dataset.array("cue_conflict_textures"),
            dataset.classes,
            batch_size,
            device,
        )
    write_results(snakemake.output[0], record["run"], "cue_conflict", rows)
