"""Train one run, from its last finished epoch if it was interrupted."""

import json
from pathlib import Path

import pandas as pd

from filterfreq.compute import describe_device, is_deterministic, peak_memory_mb, use_device, use_precision
from filterfreq.data.scratch import open_dataset
from filterfreq.files import replacing
from filterfreq.jobs import job, stop_requests
from filterfreq.models.checkpoints import save_checkpoint
from filterfreq.models.registry import libraries
from filterfreq.provenance import environment
from filterfreq.training.event_log import EventLog
from filterfreq.training.loop import HISTORY_COLUMNS, Trainer, build_classifier, count_parameters

with job(snakemake) as logger:
    spec = snakemake.params.spec
    compute = snakemake.config["compute"]
    device = use_device(compute, snakemake.threads)
    precision = use_precision(compute, device)
    compiled = device.type == "cuda" and compute.get("on_gpu", {}).get("compile", False)
    dataset = open_dataset(snakemake.input.dataset, snakemake.threads, snakemake.config["compute"], logger.info)
    folder = Path(snakemake.output.record).parent
    state_file = folder / "training_state.pt"
    fingerprint = json.dumps(
        [spec, snakemake.params.code, dataset.checksums, snakemake.threads, device.type, precision],
        sort_keys=True,
    )
    classifier = build_classifier(spec, dataset)
    events = EventLog(folder / "tensorboard") if compute.get("tensorboard", False) else None

    def announce(line: str) -> None:
        """Say a line, and put the epochs finished by then into the event log."""
        logger.info(line)
        if events is not None:
            events.update(trainer.history)

    # A GPU leaves the job's threads to decode images; on a CPU they take turns with the network.
    workers = snakemake.threads if device.type == "cuda" else 0
    trainer = Trainer(
        classifier,
        spec,
        dataset,
        device,
        state_file,
        fingerprint,
        announce,
        precision,
        compiled,
        workers,
        stop_requests(),
    )
    history = trainer.train()
    if events is not None:
        events.close()

    with replacing(snakemake.output.history) as temporary:
        pd.DataFrame(history, columns=list(HISTORY_COLUMNS)).to_csv(temporary, index=False)
    record = {
        **spec,
        "classifier": {
            "architecture": spec["run"]["model"],
            "num_classes": dataset.num_classes,
            "mean": list(dataset.mean),
            "std": list(dataset.std),
            "decomposition": spec["variant"].get("decomposition"),
        },
        "metrics": {**history[-1], "parameters": count_parameters(classifier)},
        "provenance": {
            **environment(*libraries(spec["run"]["model"])),
            "code": snakemake.params.code,
            "data": dataset.checksums,
            "device": describe_device(device),
            "precision": precision,
            "compiled": compiled,
            "deterministic": is_deterministic(compute, device),
            "seconds": round(trainer.seconds, 3),
            "peak_memory_mb": round(peak_memory_mb(device), 1),
        },
    }
    save_checkpoint(folder, trainer.result, record)
    state_file.unlink()
