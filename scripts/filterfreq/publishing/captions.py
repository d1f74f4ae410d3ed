"""What the report's captions say of a table or figure beside its title."""

from collections.abc import Iterable

from filterfreq.study.study import Study

# Of the others, a table or figure says itself on how many images it stands.
_OF_TEST_IMAGES = ("clean", "adversarial", "autoattack", "transfer", "corruption", "frequency_filtered")


def shown(study: Study, experiment: str, dataset: str, suites: Iterable[str]) -> str:
    """Name data set, models, seeds and numbers of test images, or which part is here, as reStructuredText.

    Args:
        study: the validated config.
        experiment: one of its experiments.
        dataset: one of the experiment's data sets.
        suites: those that are shown.
    """
    runs = study.runs_of(experiment, dataset)
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
