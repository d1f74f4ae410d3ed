# From the config to runs, and from runs to paths: no other file builds a path of a run, a table or a figure.

import os
import re
import sys
from functools import cache, partial
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, str(Path(workflow.basedir) / "scripts"))

from filterfreq.runtime.errors import InputError
from filterfreq.runtime.modules import import_modules

REGISTRIES = ("evaluation", "training", "models", "models.surgery", "fits", "gans", "data", "data.shifted")

try:
    # Before what imports them, too.
    import_modules(f"filterfreq.{part}.registry" for part in REGISTRIES)
except InputError as error:
    raise WorkflowError(f"A registry is refused. {error}") from error

from filterfreq.study.claims_files import claims_of_study, measured_suites, suites_over_training
from filterfreq.study.detections import DetectionFiles, DetectionRun
from filterfreq.study.experiments import Run
from filterfreq.study.fits import FitRepeats, FitRun, GanRun
from filterfreq.study.gans import classifier_of, compared_images, gan_methods
from filterfreq.study.file_checks import absent_raw_data, check_files
from filterfreq.study.filter_files import check_names
from filterfreq.study.registries import check_inputs, check_registries
from filterfreq.study.study import Study
from filterfreq.data.archives import class_folders_state, folder_state
from filterfreq.data.raw_files import locate
from filterfreq.data.registry import AS_STORED, ImageFolder
from filterfreq.runtime.environment import make_neutral
from filterfreq.evaluation.corruptions import CORRUPTIONS
from filterfreq.evaluation.corruptions.sets import DEFAULT_CORRUPTIONS, corruption_names
from filterfreq.evaluation.observers import response_files
from filterfreq.evaluation.registry import ON_DEVICE, SUITES
from filterfreq.fits.registry import FITS
from filterfreq.gans.registry import GANS
from filterfreq.runtime.machine import take_hangup_for_termination
from filterfreq.models.registry import architecture_module, architecture_of
from filterfreq.models.surgery.registry import surgery_modules
from filterfreq.training.registry import intervention_modules
from filterfreq.planning.costs import TRAINING_RULES, CostModel
from filterfreq.planning.records import CALIBRATION, plan_path
from filterfreq.runtime.provenance import code_version
from filterfreq.publishing import captions
from filterfreq.runtime.submission import tell_config_files, tell_jobs, told_config
from filterfreq.runtime.yaml_files import check_config_file

takes_default = not {"experiments", "fits", "gans", "detection"} & config.keys()

# As files of claims, it is looked for in the working directory and then beside the Snakefile.
DEFAULT_CONFIG = os.path.relpath(
    "config.yaml" if Path("config.yaml").exists() else Path(workflow.basedir, "config.yaml")
)
CONFIG_FILES = [os.path.relpath(file) for file in workflow.overwrite_configfiles] or [DEFAULT_CONFIG]
tell_config_files(CONFIG_FILES)

try:
    if workflow.is_main_process:
        # Those that a profile names, too, which the command line does not show.
        for file in workflow.overwrite_configfiles:
            check_config_file(os.path.relpath(file))
        if takes_default and Path(DEFAULT_CONFIG).exists():
            check_config_file(DEFAULT_CONFIG)
except InputError as error:
    raise WorkflowError(f"The config is refused. {error}") from error

if takes_default:

    configfile: DEFAULT_CONFIG


take_hangup_for_termination()

# Jobs are started with this process's environment, those of a cluster too.
make_neutral(os.environ, ".snakemake/matplotlib")


@cache
def state_of_images(folder, storage):
    """What changes with the images in a folder: of those used where they lie, which may be many, less is read."""
    return [str(folder), class_folders_state(folder)] if storage == "files" else [folder_state(folder)]


def folder_of_shifted(entry):
    """The folder that a shifted set's images lie in as they are, or None."""
    folder = Path(entry.path).expanduser() if entry.path else None
    return folder if folder is not None and folder.is_dir() else None


def read_image_folders(study):
    """Read what `state_of_images` needs before anything else, because Snakemake would refuse it with a traceback."""
    for name in dict.fromkeys([*study.datasets, *study.fits.datasets, *study.gans.datasets]):
        study.extent(name)
        folders = [(study.image_folder(name), study.dataset(name).storage)]
        shifted = [*study.shifted_sets(name), *filter(None, [study.stimuli(name)])]
        folders += [(folder_of_shifted(entry), entry.storage) for entry in shifted]
        for folder, storage in folders:
            if folder is not None:
                state_of_images(folder, storage)
    for run in study.detections.runs:
        if (files := study.detections.own_files(run.detection)) and Path(files.images).is_dir():
            state_of_images(files.images, "arrays")


schemas = Path(workflow.basedir) / "schemas"

try:
    if workflow.is_main_process:
        check_registries(schemas / "config.schema.yaml")
except InputError as error:
    raise WorkflowError(f"An entry is refused. {error}") from error

try:
    # A job on a cluster reads the Snakefile anew, perhaps days later: it takes the config that the workflow began with.
    if not workflow.is_main_process and (began_with := told_config()) is not None:
        config.clear()
        config.update(began_with)
    study = Study(config, schemas / "config.schema.yaml")
    folders = [Path.cwd(), Path(workflow.basedir)]
    claims, claims_left_out = claims_of_study(study, folders, schemas / "claims.schema.yaml")
    studies = list(dict.fromkeys([study, study.of_snapshots]))
    for asked in studies:
        check_files(asked)
    absent = {name: sentence for asked in studies for name, sentence in absent_raw_data(asked).items()}
    if workflow.is_main_process:
        study.detections.check_content()
        for asked in studies:
            read_image_folders(asked)
        check_names(study)
        tell_jobs(config, ".snakemake/configs")
except InputError as error:
    raise WorkflowError(f"The config is refused. {error}") from error


RAW = "results/data/{dataset}/raw/{file}"
DATASET = "results/data/{dataset}/dataset.json"
ARRAYS = "results/data/{dataset}/arrays"
RUN = "results/runs/{dataset}/{model}/{variant}/seed-{seed}"
WEIGHTS = f"{RUN}/model.safetensors"
RECORD = f"{RUN}/run.json"
FILTER_RECORD = f"{RUN}/filters.json"
HISTORY = f"{RUN}/history.csv"
SNAPSHOTS = f"{RUN}/snapshots"
PERTURBATIONS = f"{RUN}/perturbations.npz"
ONLY_HIGH = f"{RUN}/only_high.csv"
ONLY_HIGH_EXAMPLES = f"{RUN}/only_high.npz"
EVALUATION = f"{RUN}/evaluations/{{suite}}.csv"
OVER_TRAINING = f"{RUN}/evaluations/over_training/{{suite}}.csv"
FIT = "results/fits/{fit}/{network}/{variant}/seed-{seed}"
FIT_RESULTS = f"{FIT}/results.csv"
FIT_RECORD = f"{FIT}/run.json"
FIT_REPEATS = "results/fits/{fit}/{network}/{variant}/seeds-{seeds}"
FIT_REPEATS_RESULTS = f"{FIT_REPEATS}/results.csv"
FIT_REPEATS_RECORD = f"{FIT_REPEATS}/run.json"
GAN = "results/gans/{gan}/{network}/{variant}/seed-{seed}"
GAN_RESULTS = f"{GAN}/results.csv"
GAN_RECORD = f"{GAN}/run.json"
GENERATOR = f"{GAN}/generator.safetensors"
GAN_SAMPLES = f"{GAN}/samples.npz"
GAN_DISTANCE = f"{GAN}/frechet_classifier.csv"
GRID_RESULTS = {"fit": FIT_RESULTS, "gan": GAN_RESULTS}
DETECTION = "results/detection/{detection}"
DETECTIONS = f"{DETECTION}/detections.npz"
DETECTION_RECORD = f"{DETECTION}/run.json"
DETECTION_RESULTS = f"{DETECTION}/results.csv"
BETTER_IMAGES = f"{DETECTION}/better_than_original.csv"
DETECTION_EXAMPLES = f"{DETECTION}/examples.npz"
DOWNLOAD = "results/checkpoints/{checkpoint}/download.json"
DOWNLOADED = "results/checkpoints/{checkpoint}/files"
CORRUPTED = "results/data/{dataset}/corruptions"
CORRUPTED_RECORD = f"{CORRUPTED}.json"
IMAGE_SPECTRA = "results/data/{dataset}/spectra.csv"
NOISE = "results/data/{dataset}/noise/{corruption}.npy"
SHIFTED = "results/data/{dataset}/shifted/{shifted}"
SHIFTED_RECORD = f"{SHIFTED}.json"
AGGREGATED = "results/aggregated/{experiment}/{dataset}/{suite}.csv"
AGGREGATED_OVER_TRAINING = "results/aggregated/{experiment}/{dataset}/over_training/{suite}.csv"
AGGREGATED_HISTORY = "results/aggregated/{experiment}/{dataset}/history.csv"
AGGREGATED_FIT = "results/aggregated/fits/{fit}.csv"
AGGREGATED_GAN = "results/aggregated/gans/{gan}.csv"
FILTER_COEFFICIENTS = "results/aggregated/{experiment}/filter_coefficients.csv"
SHOWN_FILTERS = "results/aggregated/{experiment}/{dataset}/shown_filters.npz"
FILTER_BASIS = "results/aggregated/{experiment}/filter_basis.csv"
TABLE = "results/tables/{experiment}/{dataset}/{name}"
LEADERBOARD = "results/tables/leaderboard.html"
TABLE_OF_EXPERIMENT = "results/tables/{experiment}/{name}"
FIGURE = "results/figures/{experiment}/{dataset}/{name}"
FIGURE_OF_EXPERIMENT = "results/figures/{experiment}/{name}"
TABLE_OF_FIT = "results/tables/fits/{fit}/{name}"
FIGURE_OF_FIT = "results/figures/fits/{fit}/{name}"
TABLE_OF_GAN = "results/tables/gans/{gan}/{name}"
FIGURE_OF_GAN = "results/figures/gans/{gan}/{name}"
TABLE_OF_DETECTION = "results/tables/detection/{detection}/{name}"
FIGURE_OF_DETECTION = "results/figures/detection/{detection}/{name}"

# A plan belongs to the study of its config files: another study's has nothing to show beside these results.
PLAN = plan_path(CONFIG_FILES)
TABLE_OF_PLAN = str(Path(PLAN).parent / "plan")


wildcard_constraints:
    checkpoint=r"[\w.+-]+",
    dataset=r"[A-Za-z0-9.-]+",
    shifted=r"[A-Za-z0-9.-]+",
    model=r"\w+",
    variant=r"[\w.+-]+",
    seed=r"\d+",
    seeds=r"\d+-\d+",
    experiment=r"[A-Za-z0-9.+-]+",
    suite=r"\w+",
    fit=r"[A-Za-z0-9.-]+",
    gan=r"[A-Za-z0-9.-]+",
    detection=r"[A-Za-z0-9.-]+",
    network=r"[A-Za-z0-9.+-]+",


def rendering_facts(entry):
    """What the config says of orientation and transparency of a data set's or a shifted set's images."""
    return [] if entry.rendering == AS_STORED else [entry.rendering._asdict()]


def dataset_facts(wildcards):
    """A data set's entry in the registry, without what does not change its arrays, such as an address."""
    entry = study.dataset(wildcards.dataset)
    sources = [source.checksum for source in entry.sources]
    facts = [entry.classes, entry.image_size, entry.train_size, entry.test_size, entry.mean, entry.std, sources]
    facts += [entry.storage, entry.resize, entry.train_resize]
    if isinstance(entry, ImageFolder):
        facts += [entry.train, entry.test, entry.test_fraction]
    facts += rendering_facts(entry)
    if entry.evaluation_only:
        facts.append("evaluation_only")
    # An archive is an input, whose content Snakemake compares; of a folder it would see the uppermost level alone.
    folder = study.image_folder(wildcards.dataset)
    return facts if folder is None else facts + state_of_images(folder, entry.storage)


def raw_file(dataset, source):
    """Where a raw file is downloaded to, or lies already."""
    folder = config.get("data", {}).get("raw", {}).get(dataset)
    if folder is None:
        return RAW.format(dataset=dataset, file=source.file)
    return str(Path(folder).expanduser() / source.file)


def raw_files(wildcards):
    """All raw files of a data set, or the archive that is one; a folder that is one has them under their own names.

    Those that a user has yet to get are none, so that what comes after them can be planned.
    """
    entry = study.dataset(wildcards.dataset)
    if study.image_folder(wildcards.dataset) is not None or wildcards.dataset in absent:
        return []
    if isinstance(entry, ImageFolder) and entry.path:
        return [str(Path(entry.path).expanduser())]
    folder = config.get("data", {}).get("raw", {}).get(entry.name)
    if folder is None:
        return [raw_file(entry.name, source) for source in entry.sources]
    return [str(file.path) for source in entry.sources for file in locate(source, Path(folder).expanduser())]


def shifted_facts(wildcards):
    """A shifted set's entry, as `dataset_facts` has a data set's."""
    entry = study.shifted_set(wildcards.shifted, wildcards.dataset)
    facts = [entry.shift_of, entry.image_size, entry.resize, entry.folder, entry.names, entry.folders, entry.dataset]
    facts += [entry.storage, *(source.checksum for source in entry.sources)]
    facts += rendering_facts(entry)
    folder = folder_of_shifted(entry)
    return facts if folder is None else facts + state_of_images(folder, entry.storage)


def shifted_files(wildcards):
    """What a shifted set is made of: raw files, an archive, or another data set; a folder has its own names."""
    entry = study.shifted_set(wildcards.shifted)
    if entry.path:
        path = Path(entry.path).expanduser()
        return [] if path.is_dir() else [str(path)]
    if entry.dataset:
        return [DATASET.format(dataset=entry.dataset)]
    return [raw_file(entry.name, source) for source in entry.sources]


def class_names_file(wildcards):
    """The file that names a data set's classes; where they are known without it, its images need not be here."""
    return [] if study.dataset(wildcards.dataset).is_known else DATASET.format(**wildcards)


def published_archives(wildcards):
    """The archives of a data set's published corrupted images, downloaded where they lie in no folder of raw files."""
    files = []
    for source in study.published_corruptions[wildcards.dataset].sources:
        there = raw_file(wildcards.dataset, source)
        downloaded = RAW.format(dataset=wildcards.dataset, file=source.file)
        files.append(there if Path(there).is_file() else downloaded)
    return files


def trained_runs(experiment, dataset):
    """The runs of an experiment on a data set that are trained here."""
    return [run for run in study.runs_of(experiment, dataset) if study.is_trained(run)]


def experiment_datasets(experiment):
    """The data sets of an experiment, in the config's order."""
    return list(dict.fromkeys(run.dataset for run in study.experiments[experiment]))


def evaluated_runs(wildcards):
    """The runs of an experiment on a data set that have a suite."""
    runs = study.runs_of(wildcards.experiment, wildcards.dataset)
    return [run for run in runs if wildcards.suite in study.suites_of(run)]


def evaluation_files(wildcards):
    """The evaluations of a suite of all runs of an experiment on a data set that have it."""
    return [EVALUATION.format(**run._asdict(), suite=wildcards.suite) for run in evaluated_runs(wildcards)]


def trained_run_files(pattern):
    """An input function: a file of each run of an experiment on a data set that is trained here."""
    return lambda wildcards: [
        pattern.format(**run._asdict()) for run in trained_runs(wildcards.experiment, wildcards.dataset)
    ]


def fit_files(wildcards):
    """The results of all runs of a fit."""
    return [FIT_RESULTS.format(**run._asdict()) for run in study.fits.runs[wildcards.fit]]


def fit_run(wildcards):
    """The run of a fit that a job's wildcards name."""
    return FitRun(wildcards.fit, wildcards.network, wildcards.variant, int(wildcards.seed))


def repeats_file(pattern):
    """An input function: a file of the repeats that a run of a fit is trained with."""
    return lambda wildcards: pattern.format(**study.fits.repeats(fit_run(wildcards))._asdict())


# The fits whose repeats are trained as one net, as a regular expression before the end of a folder's name.
FITTED_TOGETHER = "|".join(re.escape(name) for name in study.fits.runs if study.fits.seeds_at_once(name) > 1) or "(?!)"


def gan_files(pattern):
    """An input function: a file of each run of a GAN."""
    return lambda wildcards: [pattern.format(**run._asdict()) for run in study.gans.runs[wildcards.gan]]


def gan_run(wildcards):
    """The run of a GAN that a job's wildcards name."""
    return GanRun(wildcards.gan, wildcards.network, wildcards.variant, int(wildcards.seed))


def fit_dataset(pattern):
    """An input function: a file of the data set that a fit learns from; of a function none."""

    def file(wildcards):
        settings = study.fits.settings(wildcards.fit)[wildcards.variant]
        return pattern.format(**settings) if "dataset" in settings else []

    return file


def gan_dataset(pattern):
    """An input function: a file of the data set that a GAN is trained on."""
    return lambda wildcards: pattern.format(dataset=study.gans.spec(gan_run(wildcards))["settings"]["dataset"])


def gan_measurements(wildcards):
    """The results of each run of a GAN, then its distances from a data set, where these are measured."""
    return [pattern.format(**run._asdict()) for pattern, run in measured_gans(wildcards.gan)]


def measured_gans(gan):
    """The files of results that a GAN's runs have, each as a pattern and a run."""
    runs = study.gans.runs[gan]
    compared = [run for run in runs if classifier_of(study, run) is not None]
    return [(GAN_RESULTS, run) for run in runs] + [(GAN_DISTANCE, run) for run in compared]


def gan_classifier(pattern):
    """An input function: a file of the classifier in whose features a GAN's images are compared."""

    def file(wildcards):
        run = classifier_of(study, gan_run(wildcards))
        if run is None:
            raise WorkflowError(
                f"gans.{wildcards.gan} names no frechet_classifier: write one, a run that is trained here."
            )
        return pattern.format(**run._asdict())

    return file


def checkpoint_files(wildcards):
    """What a downloaded model is made from: what was downloaded, or the file that lies here."""
    source = study.source(wildcards.variant)
    if "path" in source:
        return {"file": str(Path(source["path"]).expanduser())}
    return {
        "record": DOWNLOAD.format(checkpoint=wildcards.variant),
        "files": ancient(DOWNLOADED.format(checkpoint=wildcards.variant)),
    }


def run_record(run):
    """Where the record of a run lies, be it of a model, of a file of filters, of a fit, of a GAN or of a detector."""
    if isinstance(run, DetectionRun):
        return DETECTION_RECORD.format(**run._asdict())
    if isinstance(run, FitRun):
        return FIT_RECORD.format(**run._asdict())
    if isinstance(run, GanRun):
        return GAN_RECORD.format(**run._asdict())
    return (FILTER_RECORD if study.is_filter_file(run) else RECORD).format(**run._asdict())


def job_run(wildcards):
    """The run that a job's wildcards name."""
    return Run(wildcards.dataset, wildcards.model, wildcards.variant, int(wildcards.seed))


def source_file(pattern):
    """An input function: a file of the run that a derived run is made from."""
    return lambda wildcards: pattern.format(**study.source_run(job_run(wildcards))._asdict())


def made_of(run):
    """The weights and the record of the run that a derived run is made from and shares tensors with; none of others."""
    if not study.is_derived(run):
        return []
    return [pattern.format(**study.source_run(run)._asdict()) for pattern in (WEIGHTS, RECORD)]


def made_of_wildcards(wildcards):
    """The same of the run that a job's wildcards name."""
    return made_of(job_run(wildcards))


@cache
def script_code(script, modules=()):
    try:
        return code_version(Path(workflow.basedir) / "scripts" / f"{script}.py", *modules)
    except InputError as error:
        raise WorkflowError(f"The code is refused. {error}") from error


def script_code_for(script, modules, wildcards):
    return script_code(script, tuple(modules(wildcards)))


def code(script, modules=None):
    """A parameter that changes with the content of a script and of the code that it runs.

    `modules` is a function of the wildcards: the modules that the script takes from registries.
    """
    return script_code(script) if modules is None else partial(script_code_for, script, modules)


def trained_modules(wildcards):
    """What builds the wildcard's model, how its variant decomposes it, and what it changes in training."""
    variant = study.variants[wildcards.variant]
    return [architecture_module(wildcards.model), *surgery_modules(variant), *intervention_modules(variant)]


def checkpoint_modules(wildcards):
    """What builds the model of the wildcard's checkpoint."""
    return [architecture_module(architecture_of(study.source(wildcards.variant)))]


def derived_modules(wildcards):
    """What builds the model of a derived run, and what changes it."""
    run = job_run(wildcards)
    return [architecture_module(study.architecture(run)), *surgery_modules(study.variants[run.variant])]


def fit_modules(wildcards):
    """What a fit learns and measures."""
    return [FITS[study.fits.kind(wildcards.fit)].module]


def gan_modules(wildcards):
    """What trains a GAN."""
    return [GANS[study.gans.kind(wildcards.gan)].module]


def dataset_modules(wildcards):
    """What prepares the wildcard's data set."""
    return [study.dataset(wildcards.dataset).prepare.partition(":")[0]]


def shifted_modules(wildcards):
    """What prepares the wildcard's shifted set."""
    return [study.shifted_set(wildcards.shifted).prepare.partition(":")[0]]


def compute(stage):
    """Threads, memory, minutes and GPUs of a stage's jobs, as the config has them."""
    return {"gpu": 0, **study.config["compute"][stage]}


def resource_by_attempt(stage, resource):
    """Memory or minutes of a stage's jobs: what the config says, so many times as the job has been tried."""
    return lambda wildcards, attempt: attempt * compute(stage)[resource]


def node_resources(stage):
    """Resources of jobs on several nodes: to Slurm's plugin what starts its own steps on each node is an MPI job."""
    nodes = compute(stage).get("nodes", 1)
    # Without the last one the plugin would ask for so many tasks for each GPU.
    return {"nodes": nodes, "tasks": nodes, "mpi": "srun", "tasks_per_gpu": 0} if nodes > 1 else {}


# What interventions read beside the images, by the key of a variant, whose value stands for {corruption}.
INTERVENTION_FILES = {"noise_with_spectrum_of": NOISE}


def intervention_files(wildcards):
    """An input function: what the interventions of the wildcard's variant read, if it is one that is trained."""
    variant = study.variants.get(wildcards.variant, {})
    return {
        key: pattern.format(dataset=wildcards.dataset, corruption=variant[key])
        for key, pattern in INTERVENTION_FILES.items()
        if key in variant
    }


def only_high_settings(wildcards):
    """The settings of the suite frequency_filtered that say which images the list has."""
    settings = study.settings("frequency_filtered", wildcards.dataset) or {}
    return {key: value for key, value in settings.items() if key not in ("split", "svd", "only_high")}


def image_settings(wildcards):
    """The settings of the suite spectra that are of images without a model."""
    settings = {"corruptions": DEFAULT_CORRUPTIONS} | (study.settings("spectra", wildcards.dataset) or {})
    wanted = {key: settings[key] for key in SUITES["spectra"].given_as_inputs if key in settings}
    return {**wanted, "corruptions": corruption_names(wanted["corruptions"])}
