"""What the report's captions say of a table or figure beside its title."""

from collections.abc import Iterable, Mapping

from filterfreq.publishing.registry import NOTHING, ProductFile
from filterfreq.study.detections import DetectionRun
from filterfreq.study.study import Study

# What is read of models; else it is of images.
_OF_MODELS = ("history", "records", "over_training", "filter_coefficients")  # beside results

_ENTRIES = {"fit": "Fit", "gan": "GAN"}

# Of the others, a table or figure says itself on how many images it stands.
_OF_TEST_IMAGES = ("clean", "adversarial", "autoattack", "transfer", "adaptive", "corruption", "frequency_filtered")


def caption(study: Study, product: ProductFile, experiment: str, suites: Mapping[str, Iterable[str]]) -> str:
    """Return what the report says of a table or figure, as reStructuredText.

    Args:
        study: the validated config.
        product: the table or figure.
        experiment: one of the config's experiments.
        suites: by data set, those that are shown.

    Returns:
        The product's own caption, then what `describe_runs` says of each data set; of images, what `extent` says. It
        stands alone of a product that reads nothing.
    """
    own = product.caption.format(experiment=experiment, dataset=", ".join(suites))
    if product.label.reads_results or product.label.reads in _OF_MODELS:
        asked = study.of_snapshots if product.label.reads == "over_training" else study
        details = " ".join(describe_runs(asked, experiment, dataset, names) for dataset, names in suites.items())
    else:
        details = "" if product.label.reads == NOTHING else extent(study, suites)
    return f"{own} {details}".rstrip()


def fit_caption(study: Study, product: ProductFile, name: str) -> str:
    """Return what the report says of a figure of a fit or a GAN: its own caption, networks and seeds.

    Args:
        study: the validated config.
        product: the table or figure.
        name: of the fit or the GAN.

    Returns:
        reStructuredText.
    """
    over = product.label.over
    runs = study.grids[over].runs[name]
    networks = ", ".join(f"``{network}``" for network in dict.fromkeys(run.network for run in runs))
    seeds = ", ".join(str(seed) for seed in sorted({run.seed for run in runs}))
    return f"{product.caption.format(**{over: name})} {_ENTRIES[over]} ``{name}``, network {networks}, seed {seeds}."


def detection_caption(study: Study, product: ProductFile, detection: str) -> str:
    """Return what the report says of what is shown of a detection: its own caption, detector, data set and images."""
    spec = study.detections.spec(DetectionRun(detection))
    images = study.detections.image_count(detection) or spec["images"]
    said = f"{images:,} images" if images else "all images"
    detector, dataset = spec["run"]["detector"], spec["run"]["dataset"]
    return f"{product.caption.format(detection=detection)} Detector ``{detector}``, data set ``{dataset}``, {said}."


def extent(study: Study, datasets: Iterable[str]) -> str:
    """Return a sentence about each data set of which only a part is here; empty where there is none."""
    return " ".join(f"Of {name}, these are {part}." for name in datasets if (part := study.extent(name)))


def describe_runs(study: Study, experiment: str, dataset: str, suites: Iterable[str]) -> str:
    """Name data set, models, seeds and numbers of test images, or which part is here, as reStructuredText.

    Args:
        study: the validated config.
        experiment: one of its experiments.
        dataset: one of the experiment's data sets.
        suites: those that are shown; runs that have none of them are left out.
    """
    suites, every = [*suites], study.runs_of(experiment, dataset)
    runs = [run for run in every if not {*suites}.isdisjoint(study.suites_of(run))] or every
    models = ", ".join(f"``{model}``" for model in dict.fromkeys(run.model for run in runs))
    seeds = ", ".join(str(seed) for seed in sorted({run.seed for run in runs}))
    images = [f"{suite} {_images(study, suite, dataset)}" for suite in suites if suite in _OF_TEST_IMAGES]
    part = f" ({extent})" if (extent := study.extent(dataset)) else ""
    tested = f"; test images{part}: {', '.join(images)}" if images else ""
    return f"Data set ``{dataset}``, model {models}, seed {seeds}{tested}."


def _images(study: Study, suite: str, dataset: str) -> str:
    """How many test images a suite sees; where the number of a data set's is not known, "all", or the most."""
    settings = study.settings(suite, dataset)
    entries = settings if isinstance(settings, list) else [settings]
    size = study.dataset(dataset).test_size
    counts = {min(filter(None, (entry.get("images"), size)), default=None) for entry in entries}
    known = [f"{count:,}" if size else f"up to {count:,}" for count in sorted(filter(None, counts))]
    return " and ".join(known + ["all"] * (None in counts))
