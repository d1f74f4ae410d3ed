"""Train one run, from where it was if it was interrupted: in this process, or in one for each of several GPUs."""

from filterfreq.models.device import use_device
from filterfreq.runtime.jobs import job, stop_requests
from filterfreq.runtime.machine import training_processes
from filterfreq.training.job import TrainingJob, run_training
from filterfreq.training.launch import launch

with job(snakemake) as logger:
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
        snapshot_epochs=snakemake.params.snapshot_epochs,
    )
    if processes == 1:
        device = use_device(compute, training.threads)
        run_training(training, device, stop_requests(), logger.info)
    else:
        launch(training)
