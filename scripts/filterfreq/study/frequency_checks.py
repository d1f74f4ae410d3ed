"""Whether what suites ask for of frequencies is in the spectrum of a data set's images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from filterfreq.evaluation.corruptions.sets import DEFAULT_CORRUPTIONS, corruption_names
from filterfreq.runtime.errors import InputError

if TYPE_CHECKING:
    from filterfreq.study.study import Study


def check_highest_frequency(study: Study, datasets: list[str], where: str) -> None:
    """Check that a suite's square of frequencies is in the spectrum of each data set's images.

    Raises:
        InputError: it is larger.
    """
    for dataset in datasets:
        highest = study.settings(where.rpartition(".")[2], dataset).get("highest_frequency", 0)
        side = study.dataset(dataset).image_size
        if highest > side // 2:
            raise InputError(
                f"{where}.highest_frequency: {highest} is beyond the frequencies of {dataset}, whose images of {side} "
                f"pixels end at {side // 2} cycles: lower it, or leave it out for all frequencies"
            )


def check_bandwidths(study: Study, datasets: list[str], where: str) -> None:
    """Check that bandwidths of noise are at most the side of each data set's images, beyond which nothing changes.

    Raises:
        InputError: one is larger, or it is the complement of one that leaves no frequency.
    """
    for dataset in datasets:
        bandwidths = study.settings(where.rpartition(".")[2], dataset)["bandwidths"]
        side = study.dataset(dataset).image_size
        for kind, its_bandwidths in bandwidths.items():
            # An even side has one frequency more than the largest odd square below it.
            largest = side - side % 2 - 1 if kind == "complement" else side + 1 - side % 2
            _check_bandwidth(f"{where}.bandwidths.{kind}", max(its_bandwidths), largest, dataset, side)


def check_spectra(study: Study, datasets: list[str], where: str) -> None:
    """Check that the corruptions whose spectra are asked for are made, and the bandwidth of their energy.

    Raises:
        InputError: a corruption is unknown or not made, or made of images that are not the test images, or the
            bandwidth is larger than the spectrum.
    """
    for dataset in datasets:
        settings = study.settings(where.rpartition(".")[2], dataset)
        try:
            corruption_names(settings.get("corruptions", DEFAULT_CORRUPTIONS))
        except InputError as error:
            raise InputError(f"{where}.corruptions: {error}") from error
        if study.evaluation(dataset).get("corruption", False) is False:
            raise InputError(
                f"{where}: no images of {dataset} are corrupted without the suite corruption, and it measures their "
                "spectra: add evaluation.corruption"
            )
        published = study.published_corruptions.get(dataset)
        if published is not None and published.layout == "files":
            raise InputError(
                f"{where}: the published corrupted images of {dataset} were cut and saved as JPEG apart from its test "
                "images, and less these they would show that too: leave out data.corruptions, or write "
                f"evaluation.datasets.{dataset}.spectra: false"
            )
        side = study.dataset(dataset).image_size
        # The spectrum and one more, as the highest frequency of an even side is its own mirror.
        largest = side + 1 - side % 2
        _check_bandwidth(f"{where}.bandwidth", settings.get("bandwidth", 0), largest, dataset, side)


def _check_bandwidth(where: str, bandwidth: int, largest: int, dataset: str, side: int) -> None:
    if bandwidth > largest:
        raise InputError(
            f"{where}: {bandwidth} is too large for {dataset}, whose images of {side} pixels have {side} frequencies "
            f"on each axis: give at most {largest}"
        )
