# What the rules of trainings and of suites over training ask about snapshots: the weights of chosen epochs and batches.


def snapshots_folder():
    """The folder of a training's snapshots.

    Where it is not there, the training is made again; so it is once snapshots are asked for, but not where they were
    removed because they are not to be kept.
    """
    folder = directory(SNAPSHOTS)
    return folder if study.keeps_snapshots else temp(folder)


def datasets_of_runs_with_snapshots():
    """What the wildcard `dataset` of a run with snapshots is, by what follows it in the paths of such runs."""
    followed = {f"{run.dataset}/{run.model}/{run.variant}/seed-{run.seed}/" for run in study.runs_with_snapshots}
    return f"(?={'|'.join(map(re.escape, sorted(followed)))})[^/]+" if followed else "(?!)"


def kept_snapshots(wildcards, output):
    """The snapshots that a training keeps.

    A function of the output, so that Snakemake does not compare what it returns: others alone train nothing again.
    """
    return study.snapshots(job_run(wildcards))


def measured_snapshots(wildcards):
    """The snapshots that are measured: a parameter of suites, which measure again where it changes."""
    return study.snapshots(job_run(wildcards))


def runs_over_training(wildcards):
    """The runs of an experiment on a data set whose snapshots a suite measures."""
    runs = (
        study.runs_of(wildcards.experiment, wildcards.dataset)
        if study.wants(wildcards.experiment, wildcards.suite)
        else []
    )
    return [run for run in runs if wildcards.suite in study.suites_over_training(run)]


def snapshot_evaluation_files(wildcards):
    """What a suite has measured of their snapshots."""
    return [OVER_TRAINING.format(**run._asdict(), suite=wildcards.suite) for run in runs_over_training(wildcards)]


def refuse_incomplete_snapshots():
    """Stop where snapshots lack one that the config has come to ask for: they cost their training once more."""
    lacking = {}
    for run in study.runs_with_snapshots:
        folder = Path(SNAPSHOTS.format(**run._asdict()))
        if folder.is_dir() and (missing := [name for name in study.snapshots(run) if not (folder / name).is_dir()]):
            lacking[folder] = run, missing[0].replace("-", " ")
    if lacking:
        run, missing = next(iter(lacking.values()))
        raise WorkflowError(
            f"The config is refused. training of {run.dataset}/{run.model}/{run.variant}: snapshots names {missing}, "
            f"which is lacking in {', '.join(map(str, lacking))}: move these elsewhere to have the runs trained again, "
            "with all their snapshots, or leave it out."
        )


if workflow.is_main_process:
    refuse_incomplete_snapshots()
