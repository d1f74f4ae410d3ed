"""Train one run, from where it was if it was interrupted: in this process, or in one for each of several GPUs."""

from pathlib import Path

from filterfreq.data.arrays import PreparedDataset
from filterfreq.evaluation.settings import evaluation_settings
from filterfreq.models.device import use_device
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.jobs import job, stop_requests
from filterfreq.runtime.machine import training_processes
from filterfreq.training.attack_names import why_too_few_classes
from filterfreq.training.job import TrainingJob, run_training
from filterfreq.training.launch import launch
from filterfreq.training.registry import INTERVENTIONS

with job(snakemake) as logger:
    # Of an archive's classes nobody knew before; what cannot be measured is not trained first.
    dataset = PreparedDataset(Path(snakemake.input.dataset).parent)
    attacks = evaluation_settings(snakemake.config, dataset.name).get("autoattack", [])
    if (reason := why_too_few_classes(attacks, dataset.num_classes, dataset.name)) is not None:
        raise InputError(f"evaluation.autoattack: {dataset.name} cannot have it: {reason}")
    compute = snakemake.config["compute"]
    # What a command line or a limit of the machine has made of the config's.
    wanted = {**compute["train"], "gpu": snakemake.resources.gpu}
    processes, nodes = training_processes(compute["device"], wanted)
    training = TrainingJob(
        spec=snakemake.params.spec,
        code=snakemake.params.code,
        compute=compute,
        threads=snakemake.threads,
        dataset=snakemake.input.dataset,
        record=snakemake.output.record,
        history=snakemake.output.history,
        log=snakemake.log[0],
        processes=processes,
        nodes=nodes,
        snapshots=snakemake.output.get("snapshots", ""),
        snapshot_names=snakemake.params.snapshot_names,
        files={key: file for key in INTERVENTIONS if (file := snakemake.input.get(key))},
    )
    if processes == 1:
        device = use_device(compute, training.threads)
        run_training(training, device, stop_requests(), logger.info)
    else:
        launch(training)
