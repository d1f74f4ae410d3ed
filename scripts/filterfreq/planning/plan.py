"""The plan: what is due, what it will take, and the words for it; and how far a run is. Imports no torch."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tabulate import tabulate

from filterfreq.planning.due import Dag, Job
from filterfreq.planning.estimates import (
    CALIBRATED,
    MEASURED,
    UNKNOWN,
    Estimate,
    Estimator,
    wall_seconds,
)
from filterfreq.planning.records import Calibration, read_plan
from filterfreq.runtime.files import write_json
from filterfreq.runtime.jobs import is_at_work

GPUS = (1, 8, 32)
"""How many GPUs the wall time is given for where nothing says how many there are."""

STAGES = (
    "data",
    "pretrained",
    "train",
    "derive",
    "evaluate",
    "over_training",
    "fit",
    "gan",
    "detect",
    "analyse",
    "publish",
    "leaderboard",
)
"""The files of rules, in the order that data flows."""

# Tables and figures, of which there are many rules that take seconds.
_IN_ONE_LINE = ("publish", "leaderboard")
_STATES = ("finished", "running", "failed", "interrupted", "waiting")
_MISSING = "–"


def make_plan(dag: Dag, calibration: Calibration, gpus: Sequence[int] = ()) -> dict[str, Any]:
    """Return the plan of what is due.

    Args:
        dag: the jobs.
        calibration: what was measured on the device that they will run on.
        gpus: for how many GPUs to give the wall time; by default those of the machine, or `GPUS` on a cluster.

    Returns:
        JSON-ready: `stages` and `rules`, in the order that data flows, each with `jobs`, `submissions` (cluster jobs,
        groups counted once), `sources` (jobs by where their time is from), `gpu_hours`, `core_hours` (cores reserved x
        time), `is_bound`, `bytes` of results and `download`, and of these `without_bytes` and `without_download`, the
        jobs that they are not known of; of `rules` also the fewest and the most `passes` of a job, see `Estimate`, or
        None; `total` of these; `wall_hours` by number of GPUs; and `planned`, one entry
        for each job, with the time `made` at which it was.
    """
    estimator = Estimator(dag, calibration)
    estimates = {index: estimator.estimate(job) for index, job in enumerate(dag.jobs) if job.due}
    by_rule: dict[str, list[int]] = defaultdict(list)
    by_stage: dict[str, list[int]] = defaultdict(list)
    for index in estimates:
        by_rule[dag.jobs[index].rule].append(index)
        by_stage[dag.jobs[index].stage].append(index)
    rules = [
        {
            "rule": rule,
            "stage": dag.jobs[indices[0]].stage,
            "passes": _passes(estimates[index] for index in indices),
            **_summary(dag, estimates, indices),
        }
        for rule, indices in by_rule.items()
    ]
    stages = [{"stage": stage, **_summary(dag, estimates, indices)} for stage, indices in by_stage.items()]
    on_gpu = any(dag.jobs[index].gpus for index in estimates)
    numbers = gpus or ((dag.gpus,) if dag.gpus is not None or dag.cores is not None else GPUS) if on_gpu else (None,)
    made = datetime.now(UTC).isoformat(timespec="seconds")
    return {
        "made": made,
        "device": calibration.device,
        "stages": sorted(stages, key=_order),
        "rules": sorted(rules, key=_order),
        "total": _summary(dag, estimates, list(estimates)),
        "wall_hours": {
            str(number): wall_seconds(dag.jobs, lambda index: estimates[index].seconds or 0.0, number, dag.cores) / 3600
            for number in numbers
        },
        "cores": dag.cores,
        "planned": [{**_entry(dag.jobs[index], estimate), "made": made} for index, estimate in estimates.items()],
    }


def write_plan(plan: dict[str, Any], dag: Dag, path: str | Path) -> None:
    """Write a plan whole or not at all; jobs of the plan before it that ran since keep their entries.

    So a plan that is made again during a run does not forget what was planned of its beginning. What the DAG does not
    have, as after a change of the config or with other targets, is forgotten.

    Args:
        plan: what `make_plan` returned.
        dag: what it was made of.
        path: where the plan is kept, `dag.plan`.

    Raises:
        InputError: the disk is full, or the plan before it is damaged.
    """
    before = read_plan(path)["planned"] if Path(path).exists() else []
    finished = {job.benchmark for job in dag.jobs if not job.due}
    kept = [entry for entry in before if entry["benchmark"] in finished]
    write_json(path, {**plan, "planned": [*plan["planned"], *kept]}, indent=1)


def describe_plan(plan: dict[str, Any]) -> str:
    """Return a plan as text for a terminal."""
    header = ["stage", "jobs", "passes each", "GPU h", "core h", "time is", "results", "download"]
    rows = []
    for stage in plan["stages"]:
        rules = [entry for entry in plan["rules"] if entry["stage"] == stage["stage"]]
        rows.append(_row(stage["stage"], stage, rules[0]["passes"] if len(rules) == 1 else None))
        if len(rules) > 1 and stage["stage"] not in _IN_ONE_LINE:
            rows += [_row(f"  {entry['rule']}", entry, entry["passes"]) for entry in rules]
    total = plan["total"]
    rows.append(_row("total", total))
    alignment = ("left", "right", "right", "right", "right", "left", "right", "right")
    options = {"preserve_whitespace": True, "disable_numparse": True}
    lines = [tabulate(rows, headers=header, tablefmt="simple", colalign=alignment, **options), ""]
    unknown = total["sources"].get(UNKNOWN, 0)
    if any(entry["passes"] for entry in plan["rules"]):
        lines.append("Passes are forward passes of one image through a network, of attacks at most, in each job.")
    if total["submissions"]:
        lines.append(
            f"{total['jobs']:,} jobs: {total['submitted']:,} of them in {total['submissions']:,} submissions to the "
            f"cluster, the others where Snakemake runs."
        )
    for gpus, hours in plan["wall_hours"].items() if unknown < total["jobs"] else ():
        parts = [f"{gpus} GPU{'s' * (gpus != '1')}"] if gpus != "None" else []
        parts += [f"{plan['cores']} core{'s' * (plan['cores'] != 1)}"] if plan["cores"] else []
        parts = parts or ["room for every job that can run"]
        lines.append(
            f"Wall time with {' and '.join(parts)}: {_bound_sign(unknown)}{_hours(hours)} h, without queueing."
        )
    if total["is_bound"]:
        lines.append("<= is an upper bound: attacks spare images that are misclassified, or were broken before;")
        lines.append("~ has both such jobs and some of unknown length.")
    if unknown:
        jobs = "1 job is" if unknown == 1 else f"{unknown:,} jobs are"
        lines.append(f"{jobs} of unknown length and counted as nothing; >= says where.")
    if plan["device"]:
        lines.append(f"Calibrated on {plan['device']}; measured: medians of finished jobs like them.")
    else:
        lines.append(
            "Nothing is calibrated: snakemake calibrate, with the same profile or config, takes some seconds for each "
            "model."
        )
    return "\n".join(lines) + "\n"


def describe_status(dag: Dag, calibration: Calibration) -> str:
    """Return how far a run is as text: jobs by rule that are finished, running, failed and waiting, what is left.

    What is on disk says it: outputs, and the logs of the jobs that are due. A job that holds the lock on its log is
    running. Of the others, one whose log is older than the lock of the Snakemake that is at work waits for it; one
    whose log has an error has failed; one whose log has no end was interrupted: it was killed or stopped, or its node
    is gone.

    What a log cannot tell: whether a job that failed or was interrupted will be tried again, or is in Slurm's queue
    again already. Where locks do not reach from one machine to another, jobs at work elsewhere count as interrupted;
    where there are none at all, those that have no end count as running while Snakemake is at work.
    """
    estimator = Estimator(dag, calibration)
    since = _locked_since() if dag.locked else None
    counts: dict[str, Counter] = defaultdict(Counter)
    seconds: dict[str, float] = defaultdict(float)
    unknown: Counter = Counter()
    stages = {}
    failed = []
    for job in dag.jobs:
        name = job.stage if job.stage in _IN_ONE_LINE else job.rule
        stages[name] = job.stage
        state = _state(job, since)
        counts[name][state] += 1
        if state == "failed":
            failed.append(job.log)
        if job.due:
            estimate = estimator.estimate(job)
            seconds[name] += estimate.seconds or 0.0
            unknown[name] += estimate.seconds is None
    names = sorted(stages, key=lambda name: STAGES.index(stages[name]))
    counts["total"] = sum(counts.values(), Counter())
    seconds["total"], unknown["total"] = sum(seconds.values()), unknown.total()
    rows = [
        [name, counts[name].total(), *(counts[name][state] or _MISSING for state in _STATES)]
        for name in (*names, "total")
    ]
    for row in rows:
        row.append(_time_left(seconds[row[0]], unknown[row[0]]))
    header = ["rule", "jobs", *_STATES, "job hours left"]
    alignment = ["left", *["right"] * (len(header) - 1)]
    lines = [
        tabulate([list(map(str, row)) for row in rows], header, "simple", disable_numparse=True, colalign=alignment),
        "",
        "Snakemake is at work in this folder." if dag.locked else "Snakemake is not at work in this folder.",
    ]
    lines += [f"failed: {log}" for log in failed]
    return "\n".join(lines) + "\n"


def _summary(dag: Dag, estimates: dict[int, Estimate], indices: list[int]) -> dict[str, Any]:
    jobs = [(dag.jobs[index], estimates[index]) for index in indices]
    submissions = [job.submission for job, _ in jobs if job.submission is not None]
    known = [(job, estimate) for job, estimate in jobs if estimate.seconds is not None]
    return {
        "jobs": len(jobs),
        "submitted": len(submissions),
        "submissions": len(set(submissions)),
        "sources": dict(Counter(estimate.source for _, estimate in jobs)),
        "gpu_hours": sum(job.gpus * estimate.seconds for job, estimate in known) / 3600,
        "core_hours": sum(job.threads * estimate.seconds for job, estimate in known) / 3600,
        "is_bound": any(estimate.is_bound for _, estimate in jobs),
        "bytes": sum(estimate.bytes or 0 for _, estimate in jobs),
        "without_bytes": sum(estimate.bytes is None for _, estimate in jobs),
        "download": sum(estimate.download or 0 for _, estimate in jobs),
        "without_download": sum(estimate.download is None for _, estimate in jobs),
    }


def _passes(estimates: Iterable[Estimate]) -> list[int] | None:
    """The fewest and the most passes of some jobs, of those of which they are known."""
    known = [estimate.passes for estimate in estimates if estimate.passes is not None]
    return [min(known), max(known)] if known else None


def _entry(job: Job, estimate: Estimate) -> dict[str, Any]:
    return {
        "rule": job.rule,
        "stage": job.stage,
        "wildcards": job.wildcards,
        "benchmark": job.benchmark,
        "record": job.record,
        **estimate._asdict(),
    }


def _order(entry: dict[str, Any]) -> int:
    return STAGES.index(entry["stage"])


def _row(name: str, entry: dict[str, Any], passes: list[int] | None = None) -> list[str]:
    sources = entry["sources"]
    unknown = sources.get(UNKNOWN, 0)
    prefix = "<= " if entry["is_bound"] and not unknown else _bound_sign(unknown)
    if entry["is_bound"] and unknown:
        # A bound from above of some jobs, and nothing of others.
        prefix = "~ "
    nothing = unknown == entry["jobs"]
    named = [source for source in (MEASURED, CALIBRATED, UNKNOWN) if source in sources]
    said = [source if len(named) == 1 else f"{source} {sources[source]:,}" for source in named]
    return [
        name,
        f"{entry['jobs']:,}",
        " to ".join(f"{count:,}" for count in dict.fromkeys(passes or [])) or _MISSING,
        _MISSING if nothing or not entry["gpu_hours"] else prefix + _hours(entry["gpu_hours"]),
        _MISSING if nothing else prefix + _hours(entry["core_hours"]),
        ", ".join(said),
        _bytes(entry["bytes"], entry["without_bytes"], entry["jobs"]),
        _bytes(entry["download"], entry["without_download"], entry["jobs"]),
    ]


def _time_left(seconds: float, unknown: int) -> str:
    if not seconds:
        return "unknown" if unknown else _MISSING
    return _bound_sign(unknown) + _hours(seconds / 3600)


def _bound_sign(unknown: int) -> str:
    return ">= " if unknown else ""


def _hours(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 100 else f"{hours:.3g}" if hours >= 0.1 else f"{hours:.3f}"


def _bytes(count: int, unknown: int, jobs: int) -> str:
    if unknown == jobs and jobs:
        return "unknown"
    if not count:
        return _MISSING
    power = min(max(len(str(count)) - 1, 3) // 3, 4)
    return f"{_bound_sign(unknown)}{count / 1000**power:.3g} {('kB', 'MB', 'GB', 'TB')[power - 1]}"


def _state(job: Job, since: float | None) -> str:
    if not job.due:
        return "finished"
    try:
        at_work = is_at_work(job.log)
        written, lines = Path(job.log).stat().st_mtime, Path(job.log).read_text("utf-8", "replace").splitlines()
    except OSError:
        return "waiting"
    if at_work:
        return "running"
    if since is not None and written < since:
        return "waiting"
    if any(line.startswith(("error: ", "error in rule ")) for line in lines):
        return "failed"
    if any(line.startswith("started in ") for line in lines):
        # Finished once, and due again.
        return "waiting"
    return "running" if at_work is None and since is not None else "interrupted"


def _locked_since() -> float:
    return min((lock.stat().st_mtime for lock in _locks()), default=0.0)


def _locks() -> Iterable[Path]:
    return Path(".snakemake/locks").glob("*.lock")
