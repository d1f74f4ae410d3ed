"""The jobs of a study as Snakemake itself sees them: what is there, what is due, and how it would be submitted."""

import io
from collections.abc import Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snakemake import cli
from snakemake.api import DAGApi

from filterfreq.planning.costs import TRAINING_RULES
from filterfreq.runtime.command_line import check_command_line
from filterfreq.runtime.errors import InputError
from filterfreq.study.study import Study

# Makes the plan's own table, which is no part of it; targets run nothing.
_LEFT_OUT = {"tabulate_plan", "calibrate"}


@dataclass(frozen=True)
class Job:
    """One job.

    Attributes:
        rule: its rule.
        stage: the file of rules that it stands in, such as "train".
        wildcards: their values by name.
        threads: processor cores that it reserves.
        gpus: GPUs that it reserves.
        outputs: its output files.
        benchmark: where Snakemake writes how long it took.
        log: where it says what it does.
        due: whether it is yet to run.
        submission: the number of the cluster job that runs it, the same for a whole group; None where Snakemake runs.
        needs: the indices, in the list of jobs, of those that have to run before.
    """

    rule: str
    stage: str
    wildcards: dict[str, str]
    threads: int
    gpus: int
    outputs: tuple[str, ...]
    benchmark: str
    log: str
    due: bool
    submission: int | None
    needs: tuple[int, ...]

    @property
    def record(self) -> str | None:
        """The `run.json` that a training, of a GAN too, or a fit writes; None of other jobs."""
        files = self.outputs if self.rule in (*TRAINING_RULES, "fit", "fit_repeats", "train_gan") else ()
        return next((file for file in files if Path(file).name == "run.json"), None)


@dataclass(frozen=True)
class Dag:
    """All jobs behind some targets.

    Attributes:
        study: the config's study.
        jobs: its jobs, each after those that it needs.
        cores: processor cores of the machine that runs all jobs, None where a cluster does or none are given.
        gpus: GPUs of that machine, likewise.
        locked: whether Snakemake is at work in this folder, or was when it was killed.
        folder: the working directory, which all paths are relative to.
        plan: where the study's plan is kept.
    """

    study: Study
    jobs: list[Job]
    cores: int | None
    gpus: int | None
    locked: bool
    folder: Path
    plan: str

    @property
    def due(self) -> list[Job]:
        """The jobs that are yet to run."""
        return [job for job in self.jobs if job.due]


def read_dag(arguments: Sequence[str]) -> Dag:
    """Have Snakemake make the DAG of its command line in a dry run, and return its jobs.

    Args:
        arguments: Snakemake's own, such as ["paper", "--profile", "profiles/slurm"].

    Raises:
        InputError: a config is too large or no YAML, or Snakemake refuses it or the arguments; what it says is its own.
    """
    workflows: list[Any] = []
    said = io.StringIO()
    execute = DAGApi.execute_workflow

    def remember_workflow(api: DAGApi, *positional: Any, **named: Any) -> None:
        execute(api, *positional, **named)
        workflows.append(api.workflow_api._workflow)

    check_command_line(arguments)
    # The API has no way to ask for the jobs of a command line, which is where profiles are read.
    DAGApi.execute_workflow = remember_workflow
    try:
        parser, given = cli.parse_args([*arguments, "--dry-run", "--quiet", "all"])
        clusters = given.executor not in (None, "local")
        # A dry run would take one core where none are given, and cut the threads of all jobs down to it.
        cores, given.cores = given.cores, given.cores or 10**6
        # What a running or killed job has left is due.
        given.rerun_incomplete = True
        # A dry run lists every job, however quiet it is to be.
        with redirect_stderr(said), redirect_stdout(said):
            accepted = cli.args_to_api(given, parser)
    except OSError as error:
        raise InputError(f"Snakemake cannot plan this: {error}") from error
    finally:
        DAGApi.execute_workflow = execute
    if not accepted or not workflows:
        raise InputError(f"Snakemake cannot plan this: {' '.join(said.getvalue().split())}")
    with chdir(workflows[0].workdir_init):
        return _dag(workflows[0], clusters, cores)


def _dag(workflow: Any, clusters: bool, cores: int | None) -> Dag:
    dag = workflow.dag
    due = set(dag.needrun_jobs(exclude_finished=False))
    wanted = [job for job in dag.toposorted() for job in sorted(job, key=str)]
    wanted = [job for job in wanted if not job.rule.norun and job.rule.name not in _LEFT_OUT]
    indices = {job: index for index, job in enumerate(wanted)}
    submissions: dict[int, int] = {}
    jobs = []
    for job in wanted:
        submission = None
        if clusters and job in due and (job.group is not None or job.rule.name not in workflow._localrules):
            unit = dag.get_job_group(job) if job.group is not None else job
            submission = submissions.setdefault(id(unit), len(submissions))
        jobs.append(
            Job(
                rule=job.rule.name,
                stage=Path(str(job.rule.snakefile)).stem,
                wildcards=dict(job.wildcards_dict),
                threads=job.threads,
                gpus=int(job.resources.get("gpu", 0)),
                outputs=tuple(map(str, job.output)),
                benchmark=str(job.benchmark),
                log=str(job.log[0]),
                due=job in due,
                submission=submission,
                needs=tuple(indices[other] for other in dag.dependencies[job] if other in indices),
            )
        )
    gpus = getattr(workflow.resource_settings.resources.get("gpu"), "value", None)
    return Dag(
        study=workflow.globals["study"],
        jobs=jobs,
        cores=None if clusters else cores,
        gpus=None if clusters else gpus,
        locked=workflow.persistence.locked,
        folder=Path(workflow.workdir_init),
        plan=workflow.globals["PLAN"],
    )
