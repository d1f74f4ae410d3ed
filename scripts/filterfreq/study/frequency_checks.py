"""Whether what suites and variants ask for of frequencies is in the spectrum of a data set's images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from filterfreq.evaluation.corruptions.sets import DEFAULT_CORRUPTIONS, corruption_names
from filterfreq.frequencies.bands import largest_bandwidth
from filterfreq.runtime.errors import InputError

if TYPE_CHECKING:
    from filterfreq.study.study import Study


def check_highest_frequency(study: Study, datasets: list[str], where: str) -> None:
    """Check that each data set has the images, and in its spectrum the square of frequencies, that a suite asks for.

    Raises:
        InputError: there are fewer, or the square is larger.
    """
    for dataset in datasets:
        _check_images(study, dataset, where)
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
        InputError: one is larger, or it is the complement of one that leaves no frequency, or there are fewer images
            than asked for.
    """
    for dataset in datasets:
        _check_images(study, dataset, where)
        bandwidths = study.settings(where.rpartition(".")[2], dataset)["bandwidths"]
        for band, its_bandwidths in bandwidths.items():
            _check_bandwidth(study, dataset, f"{where}.bandwidths.{band}", band, max(its_bandwidths))


def check_spectra(study: Study, datasets: list[str], where: str) -> None:
    """Check that the corruptions whose spectra are asked for are made, and the bandwidth of their energy.

    Raises:
        InputError: a corruption is unknown or not made, or made of images that are not the test images, or the
            bandwidth is larger than the spectrum, or there are fewer images than asked for.
    """
    for dataset in datasets:
        _check_images(study, dataset, where)
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
        _check_bandwidth(study, dataset, f"{where}.bandwidth", "corner", settings.get("bandwidth", 0))


def check_front_end(study: Study, dataset: str, variant: str) -> None:
    """Check that the bandwidth of a variant's front end means something on the images of a data set.

    Args:
        study: the config.
        dataset: one that the variant has runs of.
        variant: any variant of the config, by name.

    Raises:
        InputError: it is larger than their side, or it is the complement of one that leaves no frequency.
    """
    settings = study.variants[variant].get("front_end")
    if settings is not None:
        where = f"variants.{variant}.front_end.bandwidth"
        _check_bandwidth(study, dataset, where, settings["band"], settings["bandwidth"])


def _check_bandwidth(study: Study, dataset: str, where: str, band: str, bandwidth: int) -> None:
    side = study.dataset(dataset).image_size
    largest = largest_bandwidth(band, side)
    if bandwidth > largest:
        raise InputError(
            f"{where}: {bandwidth} is too large for {dataset}, whose images of {side} pixels have {side} frequencies "
            f"on each axis: give at most {largest}"
        )


def _check_images(study: Study, dataset: str, where: str) -> None:
    """Refuse more images than a data set has to test on, where that is known before its files are read."""
    wanted, there = study.settings(where.rpartition(".")[2], dataset).get("images", 0), study.dataset(dataset).test_size
    if there and wanted > there:
        raise InputError(
            f"{where}.images: {wanted} is more than the {there} test images of {dataset}: lower it, or leave it out "
            "for all"
        )
