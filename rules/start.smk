# What is refused before the first job: said at once, not by a job that comes after hours.

import time

from snakemake.logging import logger

from filterfreq.runtime.errors import unknown_name
from filterfreq.runtime.machine import has_gpu
from filterfreq.runtime.messages import JobNames
from filterfreq.study.measurable import remarks
from filterfreq.study.ownership import check_owners
from filterfreq.study.targets import check_target


def refuse_unknown_names_in_targets():
    """Stop where a path that was asked for names what the config lacks.

    Snakemake tells the targets only once it has built the DAG, in which such a path would end in a traceback.
    """
    if "--cleanup-metadata" in sys.argv:  # of what a config has no more
        return
    run_path = "{rule}/{dataset}/{model}/{variant}/seed-{seed}."
    fit_path = "fit/{fit}/{network}/{variant}/seed-{seed}."
    gan_path = "train_gan/{gan}/{network}/{variant}/seed-{seed}."
    patterns = (
        *(
            AGGREGATED_FIT,
            TABLE_OF_FIT,
            FIGURE_OF_FIT,
            FIT,
            f"results/logs/{fit_path}log",
            f"results/benchmarks/{fit_path}tsv",
        ),
        *(AGGREGATED_GAN, TABLE_OF_GAN, FIGURE_OF_GAN, GAN),
        *(f"results/logs/{gan_path}log", f"results/benchmarks/{gan_path}tsv"),
        *(DETECTION, TABLE_OF_DETECTION, FIGURE_OF_DETECTION),
        *(OVER_TRAINING, EVALUATION, RUN, f"results/logs/{run_path}log", f"results/benchmarks/{run_path}tsv"),
        *(AGGREGATED_OVER_TRAINING, AGGREGATED, TABLE, FIGURE, TABLE_OF_EXPERIMENT, FIGURE_OF_EXPERIMENT),
        *(DOWNLOADED, DOWNLOAD),
        *(SHIFTED_RECORD, SHIFTED, CORRUPTED_RECORD, CORRUPTED, RAW, ARRAYS, DATASET),
    )
    for target in sys.argv[1:]:
        try:
            check_target(study, target, patterns)
        except InputError as error:
            raise WorkflowError(f"The target is refused: {error}") from error


def refuse_runs_of_other_studies():
    """Stop where a run would overwrite one that another config file asked for with other settings."""
    try:
        check_owners(study, CONFIG_FILES, run_record)
    except InputError as error:
        raise WorkflowError(f"The config is refused. {error}") from error


def refuse_without_gpu():
    """Stop where jobs that are due here need a GPU and this machine has none."""
    due = {job.rule.name for job in workflow.dag.needrun_jobs()}
    names = [name for name, suite in SUITES.items() if suite.stage in ON_DEVICE]
    suites = {f"{kind}_{name}" for name in names for kind in ("evaluate", "over_training")}
    fits = {"fit", "fit_repeats", "train_gan", "measure_gan"}
    on_device = due & {*TRAINING_RULES, *fits, "perturb", "list_only_high", "detect", "calibrate", *suites}
    if config["compute"]["device"] == "cuda" and on_device and workflow.local_exec and not has_gpu():
        raise WorkflowError(
            "compute.device is cuda but this machine has no GPU: "
            "run on one, submit the jobs to a cluster, or set it to cpu or auto."
        )


def refuse_without_raw_data():
    """Stop where a data set is to be prepared whose raw files the user has yet to get."""
    due = {job.wildcards.dataset for job in workflow.dag.needrun_jobs() if job.rule.name == "prepare"}
    for dataset, sentence in absent.items():
        if dataset in due:
            raise WorkflowError(f"The run is refused. {sentence}")


def refuse_inputs_from_the_future():
    """Stop where an input is from the future: at the end of its job, Snakemake would refuse and delete what it made."""
    if workflow.touch:
        return
    inputs = {Path(file) for job in workflow.dag.needrun_jobs() for file in job.input}
    stamps = {path: path / ".snakemake_timestamp" if path.is_dir() else path for path in inputs}
    late = [str(path) for path, stamp in stamps.items() if stamp.exists() and stamp.stat().st_mtime > time.time() + 1]
    if late:
        raise WorkflowError(
            f"{min(late)} is newer than this machine's clock{f', and {len(late) - 1} more' if late[1:] else ''}: "
            "correct the clock or, where it is right, set the times of all results to now with "
            "snakemake --touch --forceall, which takes what is there for up to date."
        )


def cancel_listed_jobs():
    """Cancel the jobs that Ctrl-C left at work on a cluster.

    While Snakemake asks how its jobs fare it holds them in no list, and an interruption just then cancels none. Once it
    has ended, all that have not are listed again; a job that is cancelled already bears to be cancelled twice.
    """
    executor = workflow.scheduler and workflow.scheduler._executor
    jobs = getattr(executor, "active_jobs", [])
    if jobs:
        executor.cancel_jobs(list(jobs))


def refuse_commands_in_paths():
    """Stop before jobs are submitted where a path of theirs holds what a shell would run.

    The executor for Slurm gives sbatch the job's command in double quotes, between which a shell still runs $(...).
    """
    paths = [workflow.workdir_init, workflow.main_snakefile, *workflow.overwrite_configfiles]
    for path in () if workflow.local_exec else map(str, paths):
        if set(path) & set('$`"\\\n'):
            raise WorkflowError(
                f"{path!r} holds a character that a shell would not leave alone in a cluster's job "
                '($, `, ", \\ or the end of a line): rename it, or run without a cluster.'
            )


def say_what_is_not_measured():
    """Say what the config has and nothing comes of."""
    for remark in [*claims_left_out, *remarks(study)]:
        logger.info(remark)


def say_what_is_to_be_got():
    """Say which raw files a run will need that are not there."""
    for sentence in absent.values():
        logger.warning(f"Before this can run: {sentence}.")


def say_that_the_default_profile_is_not_read():
    """Say what Snakemake does otherwise where it has taken another workflow profile than this workflow's."""
    if "FILTERFREQ_DEFAULT_PROFILE" not in os.environ:
        profile = Path(workflow.basedir, "profiles", "default").resolve()
        logger.warning(
            "This workflow's own profiles/default is not read, without which copied or touched files make finished "
            f"results due: give --workflow-profile {profile}, and a profile of yours with --profile."
        )


def refuse_unknown_tables_and_figures():
    """Stop where a table or figure is asked for by a name that none has: Snakemake would not say which there are."""
    targets = [rule.name for rule in workflow.rules if re.fullmatch(r"(table|figure)_\w+", rule.name)]
    for word in sys.argv[1:]:
        is_folder = Path(workflow.workdir_init, word).exists()  # as the value of --directory
        if re.fullmatch(r"(table|figure)_\w+", word) and word not in targets and not is_folder:
            raise WorkflowError(f"The target is refused: {unknown_name('table or figure', word, targets)}")


def refuse_report_of_what_is_missing():
    """Stop before a report of results that are not all here; Snakemake would stop at the first one, after warnings."""
    words = sys.argv[1:]
    options = {word.partition("=")[0] for word in words}
    if "--report" not in options or "--report-after-run" in options:
        return
    if "--report" in words:
        del words[words.index("--report") : words.index("--report") + 2]  # with the file that it is written to
    parts = {"tables": TABLES, "figures": FIGURES} | {target: [target] for target in PRODUCTS}
    others = {rule.name for rule in workflow.rules} - parts.keys() - {"all", "paper"}
    if others & set(words):  # Snakemake alone knows what they show
        return
    paths = [word for word in words if word.startswith("results/")]
    asked = [file for word in words if word in parts for file in target_files(*parts[word])] + paths
    asked = asked or everything()
    missing = [file for file in asked if not Path(file).exists()]
    configs = " and ".join(CONFIG_FILES)
    if asked and len(missing) == len(asked):
        raise WorkflowError(
            f"The report is refused: nothing that it would show of {configs} has been made: run the same command "
            "without --report first, or make demo, which makes the demo and its report."
        )
    if missing:
        raise WorkflowError(
            f"The report is refused: {len(missing)} results of {configs} are missing, such as {missing[0]}: make them "
            "first, with the same command without --report, or give the profile or config of the study that is here, "
            "as in snakemake --profile profiles/demo --report report.html after the demo."
        )


if workflow.is_main_process:
    logger.addFilter(JobNames(lambda: workflow.dag.needrun_jobs(exclude_finished=False)))
    refuse_unknown_names_in_targets()
    refuse_runs_of_other_studies()
    say_that_the_default_profile_is_not_read()
    say_what_is_not_measured()
    say_what_is_to_be_got()
