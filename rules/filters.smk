# What the rules that read filters ask: of files of filters, and of an experiment's models.

from filterfreq.publishing.filter_frames import shown_batch_norm
from filterfreq.publishing.published_filters import BATCH_NORM as PUBLISHED_BATCH_NORM
from filterfreq.publishing.published_filters import SHIFT as PUBLISHED_SHIFT


def onnx_files(wildcards):
    """The ONNX file that is all there is of a run's model, with that of its weights where they lie beside it.

    None of an HDF5 file, which may have 72 GB: Snakemake would read it whole after each job of a model in it.
    """
    source = study.source(wildcards.variant)
    path = Path(source["path"]).expanduser()
    beside = path.with_name(f"{path.name}.data")  # as torch's exporter calls it
    return [] if "name" in source else [str(path), *([str(beside)] if beside.is_file() else [])]


def hdf5_state(wildcards):
    """What changes with the HDF5 file that has a run's filters, as of images that are used where they lie."""
    source = study.source(wildcards.variant)
    if "name" not in source:
        return []
    found = Path(source["path"]).expanduser().stat()
    return [found.st_size, found.st_mtime_ns]


def pooled_runs(wildcards):
    """The runs of an experiment whose filters are measured, on all of its data sets."""
    return [run for run in study.experiments[wildcards.experiment] if "filter_quality" in study.suites_of(run)]


def pooled_filter_sources(wildcards):
    """The entry of each of them of which a file of filters is all there is, else none."""
    return [study.source(run.variant) if study.is_filter_file(run) else None for run in pooled_runs(wildcards)]


def pooled_filter_files(wildcards):
    """Their weights, or ONNX files, and records, those they are made of, and what is measured of their filters."""
    runs = pooled_runs(wildcards)
    return {
        "weights": [
            file
            for run in runs
            for file in (onnx_files(run) if study.is_filter_file(run) else [WEIGHTS.format(**run._asdict())])
        ],
        "records": [run_record(run) for run in runs],
        "made_of": [file for run in runs for file in made_of(run)],
        "results": [
            AGGREGATED.format(experiment=wildcards.experiment, dataset=dataset, suite="filter_quality")
            for dataset in dict.fromkeys(run.dataset for run in runs)
        ],
    }


def basis_runs(wildcards):
    """The runs whose filters make the basis: those of the experiment's pairs, each once, or else all."""
    pairs = study.pairs[wildcards.experiment]
    return list(dict.fromkeys(run for pair in pairs for run in pair)) or pooled_runs(wildcards)


def pooled_batch_norms(wildcards):
    """The one way of treating batch norm that is shown of them, a list without any where they have none in common.

    Beside published values it is the way of these.
    """
    datasets = dict.fromkeys(run.dataset for run in basis_runs(wildcards))
    measured = [study.settings("filter_quality", dataset)["batch_norm"] for dataset in datasets]
    common = set(measured[0]).intersection(*measured) if measured else set()
    compared = {pair.treatment.dataset for pair in study.pairs[wildcards.experiment]}
    preferred = [PUBLISHED_BATCH_NORM] if compared & set(PUBLISHED_SHIFT) else []
    return [shown_batch_norm(common, *preferred)] if common else []


MOST_SHOWN = 8


def shown_runs(wildcards):
    """The runs of an experiment on a data set whose filters pictures show, at most eight that have some.

    Where it names pairs, both runs of the first pair of each treatment, and otherwise the first run of each variant.
    """
    classifiers = study.classifiers_of(wildcards.experiment, wildcards.dataset)
    measured = [run for run in pooled_runs(wildcards) if run in classifiers]
    first = {}
    for pair in study.pairs_of(wildcards.experiment, wildcards.dataset):
        if set(pair) <= set(measured):
            first.setdefault(pair.treatment.variant, [pair.control, pair.treatment])
    if not first:
        for run in measured:
            first.setdefault(run.variant, [run])
    shown = []
    for runs in first.values():
        both = list(dict.fromkeys([*shown, *runs]))
        shown = both if len(both) <= MOST_SHOWN else shown
    return shown


def shown_filter_files(wildcards):
    """Their weights and records, those they are made of, and where it was attacked the images of the baseline."""
    runs = shown_runs(wildcards)
    found = {
        "weights": [WEIGHTS.format(**run._asdict()) for run in runs],
        "records": [RECORD.format(**run._asdict()) for run in runs],
        "made_of": [file for run in runs for file in made_of(run)],
    }
    if has_perturbed_images(wildcards.experiment, wildcards.dataset):
        baseline = study.baseline(wildcards.experiment)
        candidates = study.classifiers_of(wildcards.experiment, wildcards.dataset)
        attacked = next((run for run in candidates if run.variant == baseline), runs[0])
        found["perturbations"] = PERTURBATIONS.format(**attacked._asdict())
    return found
