"""Whether the suites that attack one model for others, or show them images that were perturbed for it, can do so."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from filterfreq.models.registry import has_relu
from filterfreq.runtime.errors import InputError, run_check, unknown_name
from filterfreq.study.frequency_checks import check_images
from filterfreq.study.measurable import UnservedRun, join
from filterfreq.training.epsilon import check_bounds

if TYPE_CHECKING:
    from filterfreq.study.experiments import Run
    from filterfreq.study.study import Study


def why_no_source(study: Study, run: Run) -> UnservedRun | None:
    """Return why attacks are not transferred to a run.

    That can be a downloaded model, or one made from it; a trained one without the source is refused.
    """
    source = study.evaluation(run.dataset)["transfer"]["source"]
    if not study.is_downloaded(study.origin(run)) or study.has_run(run._replace(variant=source)):
        return None
    reason = "no experiment has the source as a variant of the model that they count as"
    return UnservedRun(run.variant, reason, "the checkpoints ")


def check_source(study: Study, datasets: list[str], where: str) -> None:
    """Check that attacks are transferred to at least one run of some data sets.

    Raises:
        InputError: they are not, as no experiment has their source.
    """
    runs = [run for dataset in datasets for run in study.runs_on(dataset)]
    if runs and all(why_no_source(study, run) for run in runs):
        source = study.settings("transfer", datasets[0])["source"]
        models = join(dict.fromkeys(run.model for run in runs))
        raise InputError(
            f"{where}.source: no experiment has '{source}' as a variant of {models}, to make attacks on: take one that "
            "has, or leave transfer out"
        )


def check_adaptive(study: Study, datasets: list[str], where: str) -> None:
    """Check that each epsilon of the suite `adaptive` bounds something.

    Raises:
        InputError: one does not, see `check_bounds`.
    """
    for dataset in datasets:
        settings = study.settings("adaptive", dataset)
        bounded = partial(check_bounds, norm=settings["norm"], size=study.dataset(dataset).image_size)
        for number, epsilon in enumerate(settings["epsilons"]):
            run_check(bounded, epsilon, f"{where}.epsilons.{number}")


def check_regions(study: Study, datasets: list[str], where: str) -> None:
    """Check the suite `regions`: that its epsilon bounds something, that there are its images, that models have ReLU.

    Raises:
        InputError: it does not, see `check_bounds`, there are fewer images, or a model is known to have none.
    """
    check_images(study, datasets, where)
    for dataset in datasets:
        settings = study.settings("regions", dataset)
        bounded = partial(check_bounds, norm=settings["norm"], size=study.dataset(dataset).image_size)
        run_check(bounded, settings["epsilon"], f"{where}.epsilon")
        for run in filter(partial(study.is_wanted, "regions"), study.runs_on(dataset)):
            if not study.is_filter_file(run) and not has_relu(study.architecture(run)):
                raise InputError(
                    f"{where}: {run.model} calls no ReLU, so it has no units whose hyperplanes are crossed: name the "
                    "suites of its experiment, without this one"
                )


def check_attacked(study: Study, where: str, source: str) -> None:
    """Check that attacks can be made on what a suite names as their source.

    Args:
        study: the study.
        where: the key that names it.
        source: a variant or checkpoint.

    Raises:
        InputError: it is neither, or has no model.
    """
    known = study.variants | study.checkpoints
    if source not in known:
        raise InputError(f"{where}: {unknown_name('variant', source, known)}")
    if source in study.filter_files:
        raise InputError(
            f"{where}: '{source}' is a file of filters, which has no model to make attacks on: name a variant or "
            "another checkpoint"
        )


def check_perturbed(study: Study, datasets: list[str], where: str) -> None:
    """Check that there are perturbed images for the suite `first_layer` on each data set that has it.

    Raises:
        InputError: its source is unknown or no run of a data set, or nothing perturbs images there.
    """
    for dataset in (dataset for dataset in datasets if "first_layer" in study.suites(dataset)):
        source = study.settings("first_layer", dataset)["source"]
        check_attacked(study, f"{where}.source", source)
        instead = f"or say first_layer: false in evaluation.datasets.{dataset}"
        if study.first_run(dataset, source) is None:
            raise InputError(
                f"{where}.source: no experiment has '{source}' on {dataset}, to attack: take one that it has, {instead}"
            )
        if study.settings("perturbations", dataset) is None:
            raise InputError(f"{where}: nothing perturbs images of {dataset}: add evaluation.perturbations, {instead}")
