# What the jobs of a suite read, and what they are given. Those that measure snapshots ask `study.of_snapshots`.


def own_test_images(study, wildcards):
    """A data set's own images."""
    return {"dataset": DATASET.format(**wildcards), "arrays": ancient(ARRAYS.format(**wildcards))}


def corrupted_test_images(study, wildcards):
    """The corrupted test images of a data set."""
    return {
        "corrupted": ancient(CORRUPTED.format(**wildcards)),
        "corrupted_record": CORRUPTED_RECORD.format(**wildcards),
    }


def shifted_images(study, wildcards):
    """The shifted sets that are shown to a data set's models, and what names its classes."""
    names = [{"dataset": wildcards.dataset, "shifted": entry.name} for entry in study.shifted_sets(wildcards.dataset)]
    return {
        "dataset": class_names_file(wildcards),
        "shifted": [ancient(SHIFTED.format(**name)) for name in names],
        "shifted_records": [SHIFTED_RECORD.format(**name) for name in names],
    }


def cue_conflict_images(study, wildcards):
    """A data set's own images of the suite cue_conflict, or the published stimuli with observers' answers."""
    stimuli = study.stimuli(wildcards.dataset)
    if stimuli is None:
        return own_test_images(study, wildcards)
    name = {"dataset": wildcards.dataset, "shifted": stimuli.name}
    found = {
        "stimuli": ancient(SHIFTED.format(**name)),
        "stimuli_record": SHIFTED_RECORD.format(**name),
    }
    if stimuli.responses:
        try:
            found["responses"] = response_files(stimuli.responses)
        except InputError as error:
            raise WorkflowError(f"data.shifted.{stimuli.name}.responses: {error}") from error
    return found


def source_model(study, wildcards):
    """The run that attacks on another run are transferred from."""
    source = {**wildcards, "variant": study.settings("transfer", wildcards.dataset)["source"]}
    return {
        "source_weights": WEIGHTS.format(**source),
        "source_record": RECORD.format(**source),
        "source_made_of": made_of(Run(**source)),
    }


def undefended_model(study, wildcards):
    """The run that a derived run is made from, which attacks on it are transferred from; nothing of other runs."""
    run = job_run(wildcards)
    if not study.is_derived(run):
        return {}
    source = study.source_run(run)._asdict()
    return {"source_weights": WEIGHTS.format(**source), "source_record": RECORD.format(**source)}


def perturbed_images_of_source(study, wildcards):
    """Images of a data set before and after an attack on the source of the suite first_layer."""
    source = study.settings("first_layer", wildcards.dataset)["source"]
    return {"perturbations": PERTURBATIONS.format(**study.first_run(wildcards.dataset, source)._asdict())}


SUITE_INPUTS = {
    "images": own_test_images,
    "corrupted": corrupted_test_images,
    "shifted": shifted_images,
    "cue_conflict": cue_conflict_images,
    "source": source_model,
    "undefended": undefended_model,
    "perturbed": perturbed_images_of_source,
}

try:
    check_inputs(SUITE_INPUTS)
except InputError as error:
    raise WorkflowError(f"An entry is refused. {error}") from error


def bind(function, *values):
    """A function of the wildcards, as `partial` would make it, whose parameters Snakemake reads faster, job by job."""
    return lambda wildcards: function(*values, wildcards)


def bind_with_attempt(function, *values):
    """The same of the wildcards and of how many times a job has been tried."""
    return lambda wildcards, attempt: function(*values, wildcards, attempt)


def suite_inputs(study, suite, wildcards):
    """An input function: what a suite reads beside the model."""
    found = {}
    for name in SUITES[suite].inputs:
        found |= SUITE_INPUTS[name](study, wildcards)
    return found


def suite_settings(study, suite, wildcards):
    """A parameter: the settings of a suite, but for those that are inputs and may be for other data sets too."""
    settings = study.settings(suite, wildcards.dataset)
    if SUITES[suite].takes_image_size:
        settings = {**settings, "image_size": study.dataset(wildcards.dataset).image_size}
    inputs = SUITES[suite].given_as_inputs
    return {key: value for key, value in settings.items() if key not in inputs} if inputs else settings


def suite_batch_size(suite):
    """A parameter: how many images are attacked at a time, which other suites' results do not depend on.

    These read it from the config, so that a change of it runs nothing again.
    """
    if SUITES[suite].stage != "attack":
        return None
    return lambda wildcards: study.evaluation_batch_size(wildcards.dataset)


def suite_code(suite):
    """A parameter that changes with the content of what measures a suite."""
    return script_code("run_suite", (SUITES[suite].module,))


def suite_compute(suite):
    """Threads, memory, minutes and GPUs of a suite's jobs."""
    stage = SUITES[suite].stage
    if stage in ON_DEVICE:
        return compute(stage)
    # Seconds on one core, whatever other evaluations take.
    return {**compute("evaluate"), "threads": 1, "runtime": 2, "gpu": 0}


def suite_resource(suite, resource, wildcards, attempt):
    """Memory or minutes of a suite's jobs, so many times as the job has been tried."""
    return attempt * suite_compute(suite)[resource]


def aggregated_runs(wildcards):
    """The runs that have a suite; of spectra also the images, which are of no run."""
    of_images = [[wildcards.dataset, "", "", 0]] if wildcards.suite == "spectra" else []
    return of_images + [list(run) for run in evaluated_runs(wildcards)]


def aggregated_files(wildcards):
    """Their results."""
    of_images = [IMAGE_SPECTRA.format(**wildcards)] if wildcards.suite == "spectra" else []
    return of_images + evaluation_files(wildcards)
