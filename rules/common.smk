# From the config to runs, and from runs to paths: no other file builds a path of a run, a table or a figure.

import re
import sys
import time
from functools import cache, partial
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, str(Path(workflow.basedir) / "scripts"))

from filterfreq.config import SUITES, Run, Study, load_claims
from filterfreq.data.archives import class_folders_state, folder_state
from filterfreq.data.registry import ImageFolder
from filterfreq.errors import InputError
from filterfreq.evaluation.corruptions import CORRUPTIONS
from filterfreq.evaluation.observers import response_files
from filterfreq.machine import has_gpu
from filterfreq.models.registry import architecture_module, architecture_of
from filterfreq.planning.costs import CostModel
from filterfreq.provenance import code_version
from filterfreq.submission import tell_jobs, told_config

if workflow.is_main_process:
    tell_jobs(config, ".snakemake/configs")
elif (began_with := told_config()) is not None:
    config.clear()
    config.update(began_with)

try:
    schemas = Path(workflow.basedir) / "schemas"
    study = Study(config, schemas / "config.schema.yaml")
    claims = load_claims(Path(workflow.basedir) / "claims.yaml", schemas / "claims.schema.yaml")
    study.check_files()
except InputError as error:
    raise WorkflowError(f"The config is refused. {error}") from error


RAW = "results/data/{dataset}/raw/{file}"
DATASET = "results/data/{dataset}/dataset.json"
ARRAYS = "results/data/{dataset}/arrays"
RUN = "results/runs/{dataset}/{model}/{variant}/seed-{seed}"
WEIGHTS = f"{RUN}/model.safetensors"
RECORD = f"{RUN}/run.json"
HISTORY = f"{RUN}/history.csv"
PERTURBATIONS = f"{RUN}/perturbations.npz"
EVALUATION = f"{RUN}/evaluations/{{suite}}.csv"
DOWNLOAD = "results/checkpoints/{checkpoint}/download.json"
DOWNLOADED = "results/checkpoints/{checkpoint}/files"
CORRUPTED = "results/data/{dataset}/corruptions"
SHIFTED = "results/data/{dataset}/shifted/{shifted}"
AGGREGATED = "results/aggregated/{experiment}/{dataset}/{suite}.csv"
AGGREGATED_HISTORY = "results/aggregated/{experiment}/{dataset}/history.csv"
TABLE = "results/tables/{experiment}/{dataset}/{name}"
TABLE_OF_EXPERIMENT = "results/tables/{experiment}/{name}"
FIGURE = "results/figures/{experiment}/{dataset}/{name}"
CALIBRATION = "results/calibration.json"
PLAN = "results/plan.json"
TABLE_OF_PLAN = "results/tables/{name}"

TABLE_FORMS = ("csv", "md", "tex", "html", "txt")

claimed = {claim["measure"]["suite"] for claim in claims.values()} - {"clean"}
claimed_suites = [suite for suite in SUITES if suite in claimed]

# What a table or figure shows is made of the suites that it cannot do without, and of those that add to it.
TABLES = {
    "table_main": (["clean"], ["adversarial", "autoattack", "corruption", "cue_conflict"]),
    "table_paper": (["clean"], ["adversarial", "autoattack", "corruption", "cue_conflict"]),
    "table_differences": (["clean"], ["adversarial", "autoattack", "corruption", "cue_conflict"]),
    "table_adversarial": (["adversarial"], ["clean", "autoattack"]),
    "table_corruptions": (["corruption"], ["clean"]),
    "table_shape_bias": (["cue_conflict"], []),
    "table_out_of_distribution": (["out_of_distribution"], ["clean", "corruption", "cue_conflict"]),
    "table_ablation": (["clean"], ["adversarial", "autoattack", "corruption", "cue_conflict"]),
    "table_penalties": (["clean"], ["adversarial", "autoattack", "corruption", "cue_conflict"]),
    "table_transfer": (["transfer"], ["clean", "adversarial"]),
    "table_calibration": (["clean", "corruption"], []),
    "table_costs": ([], []),
    "table_scorecard": (["clean"], claimed_suites),
}
FIGURES = {
    "figure_accuracy_epsilon": (["clean", "adversarial"], ["autoattack"]),
    "figure_corruptions": (["corruption"], []),
    "figure_frequency_filtered": (["frequency_filtered"], []),
    "figure_shape_bias": (["cue_conflict"], []),
    "figure_dct_energy": (["filters"], []),
    "figure_ablation": (["clean"], ["adversarial", "corruption"]),
    "figure_penalties": (["clean"], ["adversarial", "corruption"]),
    "figure_transfer": (["clean", "transfer"], ["adversarial"]),
    "figure_calibration": (["clean", "corruption"], []),
    "figure_scorecard": (["clean"], claimed_suites),
    "figure_training_curves": ([], []),
    "figure_samples": ([], []),
    "figure_perturbations": ([], []),
    "figure_corruption_samples": ([], []),
}
# What figures that show no evaluation take their settings from.
SETTINGS = {"figure_perturbations": "perturbations", "figure_corruption_samples": "corruption"}
# What only training makes: not to be had of downloaded models.
OF_TRAINING = ("table_costs", "figure_training_curves")

# What some need beside suites, to be named where it is missing.
NEEDED = {
    **SETTINGS,
    **dict.fromkeys(OF_TRAINING, "a run that is trained here"),
    **dict.fromkeys(["table_ablation", "figure_ablation"], "a sweep of penalty.strength or penalty.depth"),
    **dict.fromkeys(["table_penalties", "figure_penalties"], "a sweep of penalty.kind"),
    **dict.fromkeys(["table_scorecard", "figure_scorecard"], "both variants of a claim in claims.yaml"),
    "table_differences": "another variant of a model and seed that the baseline has",
}


wildcard_constraints:
    checkpoint=r"[\w.+-]+",
    dataset=r"[A-Za-z0-9.-]+",
    shifted=r"[A-Za-z0-9.-]+",
    model=r"\w+",
    variant=r"[\w.+-]+",
    seed=r"\d+",
    experiment=r"[A-Za-z0-9.+-]+",
    suite=r"\w+",


def what_preparation_reads(wildcards):
    """A data set's entry in the registry, without what does not change its arrays, such as an address."""
    entry = study.dataset(wildcards.dataset)
    sources = [source.checksum for source in entry.sources]
    facts = [entry.classes, entry.image_size, entry.train_size, entry.test_size, entry.mean, entry.std, sources]
    facts += [entry.storage, entry.resize, entry.train_resize]
    if isinstance(entry, ImageFolder):
        facts += [entry.train, entry.test, entry.test_fraction]
    # An archive is an input, whose time Snakemake compares; of a folder it would see the uppermost level alone.
    folder = study.image_folder(wildcards.dataset)
    if folder is not None and entry.storage == "files":
        facts += [str(folder), class_folders_state(folder)]
    elif folder is not None:
        facts.append(folder_state(folder))
    return facts


def raw_file(dataset, source):
    """Where a raw file is downloaded to, or lies already."""
    folder = config.get("data", {}).get("raw", {}).get(dataset)
    if folder is None:
        return RAW.format(dataset=dataset, file=source.file)
    return str(Path(folder).expanduser() / source.file)


def raw_files(wildcards):
    """All raw files of a data set, or the archive that is one; a folder that is one has them under their own names."""
    entry = study.dataset(wildcards.dataset)
    if study.image_folder(wildcards.dataset) is not None:
        return []
    if isinstance(entry, ImageFolder) and entry.path:
        return [str(Path(entry.path).expanduser())]
    return [raw_file(entry.name, source) for source in entry.sources]


def what_shifted_reads(wildcards):
    """A shifted set's entry, as `what_preparation_reads` has a data set's."""
    entry = study.shifted(wildcards.shifted)
    facts = [entry.shift_of, entry.image_size, entry.resize, entry.folder, entry.names, entry.folders, entry.dataset]
    facts += [entry.storage, *(source.checksum for source in entry.sources)]
    folder = Path(entry.path).expanduser() if entry.path else None
    if folder is not None and folder.is_dir():
        # As for data sets: files are used where they lie, and there may be many of them.
        in_files = entry.storage == "files"
        facts += [str(folder), class_folders_state(folder)] if in_files else [folder_state(folder)]
    return facts


def shifted_files(wildcards):
    """What a shifted set is made of: raw files, an archive, or another data set; a folder has its own names."""
    entry = study.shifted(wildcards.shifted)
    if entry.path:
        path = Path(entry.path).expanduser()
        return [] if path.is_dir() else [str(path)]
    if entry.dataset:
        return [DATASET.format(dataset=entry.dataset)]
    return [raw_file(entry.name, source) for source in entry.sources]


def shifted_sets(wildcards):
    """The prepared sets that are shown to a data set's models."""
    names = [entry.name for entry in study.shifted_sets(wildcards.dataset)]
    return [SHIFTED.format(dataset=wildcards.dataset, shifted=name) for name in names]


def classes_known_by(wildcards):
    """The file that names a data set's classes; ImageNet's are known without it, so that its images need not be here."""
    return [] if wildcards.dataset == "imagenet" else DATASET.format(**wildcards)


def cue_conflict_images(wildcards):
    """The images of the suite cue_conflict: a data set's own, or the published stimuli with observers' answers."""
    stimuli = study.stimuli(wildcards.dataset)
    if stimuli is None:
        return {"dataset": DATASET.format(**wildcards), "arrays": ancient(ARRAYS.format(**wildcards))}
    found = {"stimuli": SHIFTED.format(dataset=wildcards.dataset, shifted=stimuli.name)}
    if stimuli.responses:
        try:
            found["responses"] = response_files(stimuli.responses)
        except InputError as error:
            raise WorkflowError(f"data.shifted.{stimuli.name}.responses: {error}") from error
    return found


def published_corruptions(wildcards):
    """The archives of a data set's published corrupted images, downloaded where they lie in no folder of raw files."""
    files = []
    for source in study.published_corruptions[wildcards.dataset].sources:
        there = raw_file(wildcards.dataset, source)
        downloaded = RAW.format(dataset=wildcards.dataset, file=source.file)
        files.append(there if Path(there).is_file() else downloaded)
    return files


def is_possible(product, experiment, dataset):
    """Whether an experiment has all that a table or figure of this data set cannot do without."""
    needed, _ = (TABLES | FIGURES)[product]
    return set(needed) <= set(study.suites_in(experiment, dataset)) and (
        product not in SETTINGS or study.settings(SETTINGS[product], dataset) is not None
    )


def is_claimed(experiment, dataset):
    """Whether an experiment has both variants of at least one claim."""
    variants = set(study.labels(experiment, dataset))
    return any({claim["treatment"], claim["control"]} <= variants for claim in claims.values())


def is_swept(experiment, dataset, *settings):
    """Whether the penalties of an experiment's variants differ in one of some settings."""
    penalties = study.penalties(experiment, dataset).values()
    return any(len({penalty[setting] for penalty in penalties}) > 1 for setting in settings)


def is_compared(experiment, dataset):
    """Whether an experiment has another variant of a model and seed that it has the baseline of."""
    runs = study.runs_of(experiment, dataset)
    baseline = study.baseline(experiment)
    pairs = {(run.model, run.seed) for run in runs if run.variant == baseline}
    return any(run.variant != baseline and (run.model, run.seed) in pairs for run in runs)


def trained(experiment, dataset):
    """The runs of an experiment on a data set that are trained here."""
    return [run for run in study.runs_of(experiment, dataset) if not study.is_downloaded(run)]


def is_shown(product, experiment, dataset):
    """Whether an experiment has what a table or figure compares."""
    if product in OF_TRAINING:
        return bool(trained(experiment, dataset))
    if product.endswith("scorecard"):
        return is_claimed(experiment, dataset)
    if product.endswith("ablation"):
        return is_swept(experiment, dataset, "strength", "depth")
    if product.endswith("penalties"):
        return is_swept(experiment, dataset, "kind")
    return product != "table_differences" or is_compared(experiment, dataset)


def shown_in(product):
    """The experiments and data sets that a table or figure is made of."""
    return [
        (experiment, dataset)
        for experiment in study.experiments
        for dataset in datasets_of(experiment)
        if is_possible(product, experiment, dataset) and is_shown(product, experiment, dataset)
    ]


def products(product):
    """The files of one table or figure, over all experiments and data sets; `table_paper` is one for each experiment."""
    kind, _, name = product.partition("_")
    pattern, suffixes = (TABLE, TABLE_FORMS) if kind == "table" else (FIGURE, ("png", "pdf"))
    if product == "table_paper":
        pattern = TABLE_OF_EXPERIMENT
    files = [
        f"{pattern.format(experiment=experiment, dataset=dataset, name=name)}.{suffix}"
        for experiment, dataset in shown_in(product)
        for suffix in suffixes
    ]
    return list(dict.fromkeys(files))


def datasets_of(experiment):
    """The data sets of an experiment, in the config's order."""
    return list(dict.fromkeys(run.dataset for run in study.experiments[experiment]))


def evaluations(product):
    """The evaluations that a table or figure shows."""
    needed, optional = (TABLES | FIGURES)[product]
    files = [
        of_suite(suite).format(**run._asdict())
        for experiment, dataset in shown_in(product)
        for run in study.runs_of(experiment, dataset)
        for suite in study.suites_of(run)
        if suite in (*needed, *optional)
    ]
    return list(dict.fromkeys(files))


def plan_tables():
    """The table of what was planned beside what it took, where a plan was made."""
    return [f"{named(TABLE_OF_PLAN, 'plan')}.{form}" for form in TABLE_FORMS] if Path(PLAN).exists() else []


def plan_tables_by_name(wildcards):
    """The same for a target that was asked for by name."""
    if not plan_tables():
        raise WorkflowError("There is no table_plan to make: no plan was made, by make plan or python scripts/plan.py.")
    return plan_tables()


def everything():
    """All tables and figures, and every evaluation of every run, side by side, also of a suite that nothing shows."""
    every = [of_suite(suite).format(**run._asdict()) for run in study.runs for suite in study.suites_of(run)]
    aggregated = [
        AGGREGATED.format(experiment=experiment, dataset=dataset, suite=suite)
        for experiment in study.experiments
        for dataset in datasets_of(experiment)
        for suite in study.suites_in(experiment, dataset)
    ]
    return list(dict.fromkeys([*wanted(*TABLES, *FIGURES), *every, *aggregated]))


def wanted(*names):
    """Tables and figures, and the evaluations behind them.

    Snakemake does not miss an intermediate file as long as what was made of it is there; asked for by name, a deleted
    evaluation is made again, and then all that hangs on it.
    """
    return list(dict.fromkeys(file for name in names for file in (*products(name), *evaluations(name))))


def wanted_by_name(product, wildcards):
    """The same for a target that was asked for by name, where having nothing to make is a mistake."""
    files = wanted(product)
    if not files:
        raise WorkflowError(
            f"There is no {product} to make: the config's experiments, data sets and evaluations lack what it shows "
            f"({NEEDED.get(product) or ', '.join((TABLES | FIGURES)[product][0])})."
        )
    return files


def aggregated_suites(product, experiment, dataset):
    """The aggregated suites of one data set that a table or figure reads."""
    needed, optional = (TABLES | FIGURES)[product]
    available = study.suites_in(experiment, dataset)
    return [
        AGGREGATED.format(experiment=experiment, dataset=dataset, suite=suite)
        for suite in (*needed, *optional)
        if suite in available
    ]


def aggregated_inputs(product):
    """An input function: what a table or figure of one data set reads."""
    return lambda wildcards: aggregated_suites(product, wildcards.experiment, wildcards.dataset)


def aggregated_over_datasets(product):
    """An input function: what a table of all data sets of an experiment reads."""
    return lambda wildcards: [
        file
        for dataset in datasets_of(wildcards.experiment)
        if is_possible(product, wildcards.experiment, dataset)
        for file in aggregated_suites(product, wildcards.experiment, dataset)
    ]


def of_suite(suite):
    """The pattern of one suite's evaluations."""
    return EVALUATION.replace("{suite}", suite)


def evaluated(wildcards):
    """The runs of an experiment on a data set that have a suite."""
    runs = study.runs_of(wildcards.experiment, wildcards.dataset)
    return [run for run in runs if wildcards.suite in study.suites_of(run)]


def of_evaluated_runs(wildcards):
    """The evaluations of a suite of all runs of an experiment on a data set that have it."""
    return [EVALUATION.format(**run._asdict(), suite=wildcards.suite) for run in evaluated(wildcards)]


def of_trained_runs(pattern):
    """An input function: a file of each run of an experiment on a data set that is trained here."""
    return lambda wildcards: [
        pattern.format(**run._asdict()) for run in trained(wildcards.experiment, wildcards.dataset)
    ]


def settings_of(section):
    """A parameter: the settings of a suite on the wildcard's data set."""
    return lambda wildcards: study.settings(section, wildcards.dataset)


def evaluation_batch_size(wildcards):
    """How many images of the wildcard's data set are evaluated at a time."""
    return study.evaluation_batch_size(wildcards.dataset)


def of_source(pattern):
    """An input function: a file of the run that attacks on another run are transferred from."""

    def file(wildcards):
        return pattern.format(**{**wildcards, "variant": study.settings("transfer", wildcards.dataset)["source"]})

    return file


def checkpoint_files(wildcards):
    """What a downloaded model is made from: what was downloaded, or the file that lies here."""
    source = study.source(wildcards.variant)
    if "path" in source:
        return {"file": str(Path(source["path"]).expanduser())}
    return {
        "record": DOWNLOAD.format(checkpoint=wildcards.variant),
        "files": DOWNLOADED.format(checkpoint=wildcards.variant),
    }


def first_of_each_variant(wildcards):
    """An experiment's first run of each variant on a data set, the one that the samples show."""
    first = {}
    for run in study.runs_of(wildcards.experiment, wildcards.dataset):
        first.setdefault(run.variant, run)
    return list(first.values())


def labels(wildcards):
    """The labels of an experiment's variants, in the config's order."""
    return study.labels(wildcards.experiment, wildcards.dataset)


def labels_over_datasets(wildcards):
    """The same over all data sets of an experiment."""
    datasets = datasets_of(wildcards.experiment)
    return {name: label for dataset in datasets for name, label in study.labels(wildcards.experiment, dataset).items()}


def penalties(wildcards):
    """The settings of the penalty of an experiment's variants that have one, in the config's order."""
    return study.penalties(wildcards.experiment, wildcards.dataset)


@cache
def script_code(script, chosen=None):
    return code_version(Path(workflow.basedir) / "scripts" / f"{script}.py", *([chosen] if chosen else []))


def code(script):
    """A parameter that changes with the code a script imports: Snakemake itself sees the script alone."""
    return script_code(script)


def code_and_model(script):
    """The same for a script that also builds the wildcard's model."""
    return lambda wildcards: script_code(script, architecture_module(wildcards.model))


def code_and_source(script):
    """The same for a script that also builds the model of the wildcard's checkpoint."""
    return lambda wildcards: script_code(script, architecture_module(architecture_of(study.source(wildcards.variant))))


def code_and_dataset(script):
    """The same for a script that also prepares the wildcard's data set."""
    return lambda wildcards: script_code(script, study.dataset(wildcards.dataset).prepare.partition(":")[0])


def code_and_shifted(script):
    """The same for a script that also prepares the wildcard's shifted set."""
    return lambda wildcards: script_code(script, study.shifted(wildcards.shifted).prepare.partition(":")[0])


def refuse_without_gpu():
    """Stop where jobs that are due here need a GPU and this machine has none."""
    due = {job.rule.name for job in workflow.dag.needrun_jobs()}
    on_device = {name for name in due if name in ("train", "perturb", "calibrate") or name.startswith("evaluate_")}
    if config["compute"]["device"] == "cuda" and on_device and workflow.local_exec and not has_gpu():
        raise WorkflowError(
            "compute.device is cuda but this machine has no GPU: "
            "run on one, submit the jobs to a cluster, or set it to cpu or auto."
        )


def refuse_what_is_newer_than_now():
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


def compute(stage):
    """Threads, memory, minutes and GPUs of a stage's jobs, as the config has them."""
    return {"gpu": 0, **config["compute"][stage]}


def growing(stage, resource):
    """Memory or minutes of a stage's jobs: what the config says, so many times as the job has been tried."""
    return lambda wildcards, attempt: attempt * compute(stage)[resource]


def several_nodes(stage):
    """Resources of jobs on several nodes: to Slurm's plugin what starts its own steps on each node is an MPI job."""
    nodes = compute(stage).get("nodes", 1)
    # Without the last one the plugin would ask for so many tasks for each GPU.
    return {"nodes": nodes, "tasks": nodes, "mpi": "srun", "tasks_per_gpu": 0} if nodes > 1 else {}


def named(pattern, file):
    """The pattern of one table or figure."""
    return pattern.replace("{name}", file)


def tables_without_html(name, pattern=TABLE):
    """The patterns of a table's forms, but for the one that the report shows."""
    return [named(pattern, f"{name}.{form}") for form in TABLE_FORMS if form != "html"]


def published(pattern, file, title):
    """An output that `snakemake --report` shows, with its caption and place."""
    kind = "Figures" if pattern == FIGURE else "Tables"
    return report(
        named(pattern, file),
        caption=f"../report/{kind[:-1].lower()}_{Path(file).stem}.rst",
        category=kind,
        subcategory="{experiment}",
        labels={kind[:-1].lower(): title, "data set": "all" if pattern == TABLE_OF_EXPERIMENT else "{dataset}"},
    )
