"""How long due jobs will take and how large their results will be, and where each figure is from. Imports no torch."""

import heapq
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from filterfreq.data.shifted.registry import downloads
from filterfreq.evaluation.corruptions import CORRUPTIONS, SEVERITIES
from filterfreq.evaluation.detection.registry import BYTES_OF_AN_IMAGE
from filterfreq.evaluation.passes import Work
from filterfreq.evaluation.registry import SUITES, suite_of_rule, suite_over_training
from filterfreq.planning.costs import TRAINING_RULES, CostModel, image_bytes
from filterfreq.planning.due import Dag, Job
from filterfreq.planning.records import Calibration, read_seconds
from filterfreq.runtime.machine import training_processes
from filterfreq.study.experiments import Run

MEASURED, CALIBRATED, UNKNOWN = "measured", "calibrated", "unknown"

# The benchmark files of jobs with these wildcards in common stand for each other.
_COMPARED_BY = ("dataset", "model", "fit", "gan", "network", "variant", "detection")


class Estimate(NamedTuple):
    """What one job will take.

    Attributes:
        seconds: wall time; None where it is unknown.
        source: where this is from: `MEASURED`, `CALIBRATED` or `UNKNOWN`.
        is_bound: whether it is an upper bound.
        bytes: size of the results; None where it is unknown.
        download: bytes to download; None where it is unknown, 0 of jobs that download nothing.
        passes: how many images a network is applied to, forward, each as often as it is; of attacks at most. None where
            it is unknown, and of jobs that measure no network.
    """

    seconds: float | None
    source: str
    is_bound: bool
    bytes: int | None
    download: int | None
    passes: int | None = None


class Estimator:
    """Estimates the jobs of one DAG.

    Args:
        dag: the jobs.
        calibration: what was measured beside them.
    """

    def __init__(self, dag: Dag, calibration: Calibration) -> None:
        self.calibration = calibration
        self.model = CostModel(dag.study)
        self._model_of_snapshots = CostModel(dag.study.of_snapshots)
        self._seconds: dict[tuple, list[float]] = defaultdict(list)
        self._bytes: dict[tuple, list[int]] = defaultdict(list)
        # A job that is due again has a benchmark file of what it was before.
        for job in dag.jobs:
            if not job.due and (seconds := read_seconds(job.benchmark, job.record)) is not None:
                self._seconds[_comparison_key(job)].append(seconds)
                self._bytes[_comparison_key(job)].append(sum(map(_size, job.outputs)))

    def estimate(self, job: Job) -> Estimate:
        """Return what a due job will take: as finished jobs of its kind did, or else by the cost model."""
        known = _comparison_key(job)
        work = self._work(job)
        download, passes = _download_bytes(job), work and round(work.own.forward + work.source.forward)
        if known in self._seconds:
            seconds, size = median(self._seconds[known]), int(median(self._bytes[known]))
            return Estimate(seconds, MEASURED, False, size, download, passes)
        seconds = self._calculate(job, work)
        source = UNKNOWN if seconds is None else CALIBRATED
        suite = SUITES.get(suite_of_rule(job.rule) or suite_over_training(job.rule))
        # Attacks leave out the images that are misclassified already.
        is_bound = seconds is not None and suite is not None and suite.stage == "attack"
        return Estimate(seconds, source, is_bound, self._size(job), download, passes)

    def _work(self, job: Job) -> Work | None:
        """The passes of a job that measures a network, or its snapshots; None of others, and where it is unknown."""
        if job.rule == "perturb":
            return self.model.work_of_perturbations(_run(job))
        if job.rule == "list_only_high":
            return self.model.work_of_only_high(_run(job))
        if job.rule == "detect":
            return self.model.work_of_detection(job.wildcards["detection"])
        if suite := suite_of_rule(job.rule):
            return self.model.work(suite, _run(job))
        if suite := suite_over_training(job.rule):
            work, snapshots = self._model_of(job).work(suite, _run(job)), len(self.model.study.snapshots(_run(job)))
            return work and Work(work.own.times(snapshots), work.source.times(snapshots))
        return None

    def _calculate(self, job: Job, passes: Work | None) -> float | None:
        if job.rule == "corrupt":
            images = self._corrupted_images(job)
            each = self.calibration.find_value(self.model.corruption_unit(job.wildcards["dataset"]), "corrupt")
            work = None if each is None or images is None else each * images / job.threads
        elif job.rule in TRAINING_RULES:
            work = self._training_seconds(job)
        elif job.rule == "detect":
            work = None  # no detector is timed
        else:
            work = passes and self._evaluation_seconds(passes, job)
        return None if work is None else self.calibration.seconds_to_start + work

    def _training_seconds(self, job: Job) -> float | None:
        """Epochs x (training images x seconds of the training loop + images of its tests x seconds of a forward pass).

        Unknown of several processes: the loop was timed in one, and how much faster several are depends on what
        connects them.
        """
        compute = self.model.study.config["compute"]
        processes, _ = training_processes(compute["device"], {**compute["train"], "gpu": job.gpus})
        if processes > 1:
            return None
        run = _run(job)
        sizes = self.model.images_of_epoch(run)
        each = self.calibration.find_value(self.model.training_unit(run), "train")
        forward = self.calibration.find_value(self.model.evaluation_unit(run), "forward")
        if None in (*sizes, each, forward):
            return None
        return self.model.epochs(run) * (sizes[0] * each + sizes[1] * forward)

    def _model_of(self, job: Job) -> CostModel:
        """The cost model that has the settings of a job's suite."""
        return self._model_of_snapshots if suite_over_training(job.rule) else self.model

    def _evaluation_seconds(self, work: Work, job: Job) -> float | None:
        """Passes x seconds of a pass, forward and backward, of the model and of the source of transferred attacks."""
        run, model = _run(job), self._model_of(job)
        source = model.attacked_run(suite_of_rule(job.rule) or suite_over_training(job.rule), run)
        seconds = 0.0
        for passes, shown in ((work.own, run), (work.source, source)):
            unit = model.evaluation_unit(shown)
            forward, backward = (self.calibration.find_value(unit, name) for name in ("forward", "backward"))
            if forward is None or backward is None:
                return None
            seconds += passes.forward * forward + passes.backward * backward
        return seconds

    def _size(self, job: Job) -> int | None:
        """Bytes of what is large among the results: raw files, arrays, corrupted images, weights."""
        study = self.model.study
        match job.rule:
            case "download":
                return _download_bytes(job)
            case "prepare":
                entry = study.dataset(job.wildcards["dataset"])
                if entry.storage == "files" or None in (entry.train_size, entry.test_size):
                    return None
                train = image_bytes(entry.train_size, entry.train_resize or entry.image_size)
                return train + image_bytes(entry.test_size, entry.image_size)
            case "corrupt" | "reorder_corruptions":
                images = self._corrupted_images(job)
                if images is None:
                    return None
                size = study.dataset(job.wildcards["dataset"]).image_size
                return image_bytes(images * len(CORRUPTIONS) * len(SEVERITIES), size)
            case rule if rule in TRAINING_RULES:
                size = self.calibration.find_value(self.model.training_unit(_run(job)), "weight_bytes")
                return None if size is None else int(size) * (1 + self.model.kept_snapshots(_run(job)))
            case "detect":
                work = self._work(job)
                return work and work.own.forward * BYTES_OF_AN_IMAGE
            case "derive":
                size = self.calibration.find_value(self.model.derivation_unit(_run(job)), "weight_bytes")
                return None if size is None else int(size)
            case "prepare_shifted" | "download_checkpoint" | "convert_checkpoint":
                return None
            case _:
                # Small files: some kilobytes each, of figures up to a megabyte.
                return 0

    def _corrupted_images(self, job: Job) -> int | None:
        size = self.model.size(job.wildcards["dataset"], "test")
        wanted = self.model.study.evaluation(job.wildcards["dataset"]).get("corruption", {}).get("images")
        return None if size is None else min(size, wanted or size)


def wall_seconds(
    jobs: Sequence[Job], seconds: Callable[[int], float], gpus: int | None, cores: int | None = None
) -> float:
    """Return how long jobs take side by side, each as soon as what it needs is done and it has its cores and GPUs.

    Args:
        jobs: all jobs, each after those that it needs; what is not due takes no time.
        seconds: the wall time of the job of an index.
        gpus: how many there are; None for as many as are wanted.
        cores: processor cores, likewise.
    """
    limits = {"gpus": gpus, "threads": cores}
    free = {name: limit for name, limit in limits.items() if limit is not None}
    followers: dict[int, list[int]] = defaultdict(list)
    for index, job in enumerate(jobs):
        for other in job.needs:
            followers[other].append(index)
    # What is larger than the machine gets all of it, as in Snakemake.
    wanted = [tuple(min(getattr(job, name), free[name]) if job.due else 0 for name in free) for job in jobs]
    missing = [len(job.needs) for job in jobs]
    # Jobs that want the same wait in one line.
    ready: dict[tuple[int, ...], deque[int]] = defaultdict(deque)
    for index, count in enumerate(missing):
        if count == 0:
            ready[wanted[index]].append(index)
    running: list[tuple[float, int]] = []
    now = 0.0
    while running or any(ready.values()):
        for demand, line in ready.items():
            while line and all(count <= free[name] for name, count in zip(free, demand, strict=True)):
                index = line.popleft()
                for name, count in zip(free, demand, strict=True):
                    free[name] -= count
                heapq.heappush(running, (now + (seconds(index) if jobs[index].due else 0.0), index))
        now, done = heapq.heappop(running)
        for name, count in zip(free, wanted[done], strict=True):
            free[name] += count
        for follower in followers[done]:
            missing[follower] -= 1
            if missing[follower] == 0:
                ready[wanted[follower]].append(follower)
    return now


def _comparison_key(job: Job) -> tuple:
    """Jobs for which this is equal take about as long as each other; what shows results takes about as long always."""
    if "experiment" in job.wildcards:
        return job.rule, job.wildcards.get("name")
    return (job.rule, *(job.wildcards.get(name) for name in _COMPARED_BY), *_other_wildcards(job))


def _other_wildcards(job: Job) -> Iterable[str]:
    return (job.wildcards[name] for name in ("shifted", "file", "checkpoint") if name in job.wildcards)


def _run(job: Job) -> Run:
    values = job.wildcards
    return Run(values["dataset"], values["model"], values["variant"], int(values["seed"]))


def _download_bytes(job: Job) -> int | None:
    if job.rule == "download_checkpoint":
        return None
    if job.rule != "download":
        return 0
    source = downloads(job.wildcards["dataset"]).get(job.wildcards["file"])
    return source and source.size


def _size(path: str) -> int:
    """The size of a file, or of all files in a folder."""
    file = Path(path)
    if file.is_dir():
        return sum(each.stat().st_size for each in file.rglob("*") if each.is_file())
    return file.stat().st_size if file.exists() else 0
