"""Whether a data set has what the suites `response_frequency` and `filtered_response` ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from filterfreq.evaluation.response_settings import complete_settings
from filterfreq.runtime.errors import InputError

if TYPE_CHECKING:
    from filterfreq.study.study import Study


def check_responses(study: Study, datasets: list[str], where: str) -> None:
    """Check that each data set has the images of each split that a suite asks for.

    Raises:
        InputError: it has none, or where their number is known fewer.
    """
    suite = where.rpartition(".")[2]
    for dataset in datasets:
        settings, entry = study.settings(suite, dataset), study.dataset(dataset)
        for split in settings.get("split", ["train"]):
            if split == "train" and entry.evaluation_only:
                raise InputError(
                    f"{where}.split: {dataset} has no training images, as it is evaluation_only: write split: [test], "
                    f"or evaluation.datasets.{dataset}.{suite}: false"
                )
            there, kind = (entry.train_size, "training") if split == "train" else (entry.test_size, "test")
            if there and settings.get("images", 0) > there:
                raise InputError(
                    f"{where}.images: {settings['images']} is more than the {there} {kind} images of {dataset}: "
                    "lower it, or leave it out for all"
                )


def check_response_frequency(study: Study, datasets: list[str], where: str) -> None:
    """Check what `check_responses` does, and that each data set has the class and a grid with the frequencies wanted.

    Raises:
        InputError: that does, or it has no such class, or neither the config nor the paper says which frequencies are
            measured, or a frequency is none of the grid's.
    """
    check_responses(study, datasets, where)
    for dataset in datasets:
        settings = study.settings(where.rpartition(".")[2], dataset)
        try:
            label = complete_settings(settings, dataset)["class"]
        except InputError as error:
            raise InputError(f"{where}.{error}") from error
        classes = len(study.class_names(dataset))
        # Those of an archive are counted by the jobs that have read it.
        if classes and label >= classes:
            raise InputError(f"{where}.class: {dataset} has no class {label}, give one of 0 to {classes - 1}")
