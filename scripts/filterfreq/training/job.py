"""One training job: from a spec and a prepared data set to the checkpoint and its record."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from filterfreq.data.scratch import open_dataset
from filterfreq.models.checkpoints import save_checkpoint
from filterfreq.models.device import describe_device, is_deterministic, peak_memory_mb
from filterfreq.models.registry import libraries
from filterfreq.models.surgery.registry import TRAINED_WITH
from filterfreq.runtime.files import sha256
from filterfreq.runtime.provenance import environment
from filterfreq.training.distributed import Processes
from filterfreq.training.event_log import EventLog
from filterfreq.training.execution import configured_execution
from filterfreq.training.history import write_history
from filterfreq.training.loop import Trainer
from filterfreq.training.snapshots import Snapshots
from filterfreq.training.state import StateFile
from filterfreq.training.untrained import build_classifier, count_parameters, image_statistics


@dataclass
class TrainingJob:
    """What a training needs to know, in plain values that another process can be told.

    Attributes:
        spec: the run's spec, as `filterfreq.study.study.Study.spec` makes it.
        code: the version of the code, for the record.
        compute: the config's section `compute`.
        threads: CPU threads on each node.
        dataset: the file dataset.json of the prepared data set.
        record: where `run.json` goes; model and state go beside it.
        history: where the history goes.
        log: the job's log file.
        processes: how many train together.
        nodes: on how many machines, with equally many on each.
        snapshots: the folder for snapshots; empty where there are to be none.
        snapshot_names: which to keep, see `filterfreq.training.snapshot_names`.
        files: what the variant's interventions read, by their keys.
    """

    spec: dict[str, Any]
    code: str
    compute: dict[str, Any]
    threads: int
    dataset: str
    record: str
    history: str
    log: str
    processes: int = 1
    nodes: int = 1
    snapshots: str = ""
    snapshot_names: Sequence[str] = ()
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The folder of the run."""
        return Path(self.record).parent

    @property
    def name(self) -> str:
        """The run in one word, for messages."""
        return "/".join(str(part) for part in self.spec["run"].values())

    @property
    def processes_per_node(self) -> int:
        """How many processes each node has."""
        return self.processes // self.nodes

    @property
    def threads_per_process(self) -> int:
        """How many CPU threads each process has."""
        return max(1, self.threads // self.processes_per_node)


def run_training(
    job: TrainingJob,
    device: torch.device,
    stop: Callable[[], bool],
    announce: Callable[[str], None],
    processes: Processes | None = None,
) -> None:
    """Train, from the saved state if there is one; the first process writes the results.

    Args:
        job: what to train.
        device: where to compute, as `filterfreq.models.device.use_device` has set it up.
        stop: asked before every batch whether to stop.
        announce: takes a line for each epoch.
        processes: those that train together.

    Raises:
        InputError, StoppedError: see `Trainer.train`.
    """
    processes = processes or Processes()
    # A GPU leaves the job's threads to decode images; on a CPU they take turns with the network.
    workers = job.threads_per_process if device.type == "cuda" else 0
    execution = configured_execution(job.compute, device, workers, processes)
    say_once = announce if processes.is_first else lambda line: None
    dataset = open_dataset(job.dataset, job.threads_per_process, job.compute, say_once)
    state_file = job.folder / "training_state.pt"
    read = {**dataset.checksums, **{key: sha256(file) for key, file in job.files.items()}}
    made_by = [read, job.threads_per_process, device.type, execution.precision, job.processes]
    fingerprint = json.dumps([job.spec, job.code, *made_by], sort_keys=True)
    classifier = build_classifier(job.spec, dataset)
    events = None
    if processes.is_first and job.compute.get("tensorboard", False):
        events = EventLog(job.folder / "tensorboard")

    def say(line: str) -> None:
        """Say a line, and put the epochs finished by then into the event log."""
        say_once(line)
        if events is not None:
            events.update(trainer.history)

    def record(measured: Mapping[str, float], seconds: float) -> dict[str, Any]:
        """What is known of the classifier beside its weights; `measured`: such as a row of the history."""
        mean, std = image_statistics(job.spec, dataset)
        return {
            **job.spec,
            **own_files,
            "classifier": {
                "architecture": job.spec["run"]["model"],
                "num_classes": dataset.num_classes,
                "mean": mean,
                "std": std,
                "decomposition": job.spec["variant"].get("decomposition"),
                **{key: value for key, value in job.spec["variant"].items() if key in TRAINED_WITH},
            },
            "metrics": {**measured, "parameters": count_parameters(classifier)},
            "provenance": {
                **environment(*libraries(job.spec["run"]["model"])),
                "code": job.code,
                "data": read,
                "device": describe_device(device),
                "processes": job.processes,
                "nodes": job.nodes,
                "precision": execution.precision,
                "compiled": execution.compiled,
                "cuda_graphs": trainer.captured,
                "deterministic": is_deterministic(job.compute, device),
                "seconds": round(seconds, 3),
                "peak_memory_mb": round(peak_memory_mb(device), 1),
            },
        }

    snapshots = Snapshots(
        job.snapshot_names,
        job.folder / "unfinished_snapshots",
        Path(job.snapshots) if job.snapshots else None,
        record,
    )
    kept = StateFile(state_file, fingerprint)
    trainer = Trainer(classifier, job.spec, dataset, execution, kept, say, stop, snapshots, job.files)
    # Before the first snapshot, whose record names them.
    own_files = {}
    if processes.is_first:
        own_files = trainer.split.save(job.folder)
    history = trainer.train()
    if events is not None:
        events.close()
    if not processes.is_first:
        return

    write_history(job.history, history)
    save_checkpoint(job.folder, trainer.result, record(history[-1], trainer.seconds))
    snapshots.finish()
    state_file.unlink()
