"""Whether what suites and variants ask for of frequencies is in the spectrum of a data set's images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from filterfreq.analysis.slopes import FEWEST_POINTS
from filterfreq.evaluation.corruptions.sets import DEFAULT_CORRUPTIONS, corruption_names
from filterfreq.frequencies.bands import smallest_bandwidth, whole_bandwidth
from filterfreq.runtime.errors import InputError

if TYPE_CHECKING:
    from filterfreq.study.study import Study


def check_images(study: Study, datasets: list[str], where: str) -> None:
    """Check that each data set has the test images that a suite asks for, where it is known how many there are.

    Raises:
        InputError: it has fewer.
    """
    for dataset in datasets:
        wanted = study.settings(where.rpartition(".")[2], dataset).get("images", 0)
        there = study.dataset(dataset).test_size
        if there and wanted > there:
            raise InputError(
                f"{where}.images: {wanted} is more than the {there} test images of {dataset}: lower it, or leave it "
                "out for all"
            )


def check_highest_frequency(study: Study, datasets: list[str], where: str) -> None:
    """Check that each data set has the images, and in its spectrum the square of frequencies, that a suite asks for.

    Raises:
        InputError: there are fewer, or the square is larger.
    """
    for dataset in datasets:
        check_images(study, [dataset], where)
        highest = study.settings(where.rpartition(".")[2], dataset).get("highest_frequency", 0)
        side = study.dataset(dataset).image_size
        if highest > side // 2:
            raise InputError(
                f"{where}.highest_frequency: {highest} is beyond the frequencies of {dataset}, whose images of {side} "
                f"pixels end at {side // 2} cycles: lower it, or leave it out for all frequencies"
            )


def check_norms(study: Study, datasets: list[str], where: str) -> None:
    """Check what `check_highest_frequency` does, and that results can tell a suite's norms apart.

    Raises:
        InputError: that does, or two norms are the same in the six digits that results have.
    """
    check_highest_frequency(study, datasets, where)
    for dataset in datasets:
        written: dict[str, float] = {}
        for norm in study.settings(where.rpartition(".")[2], dataset)["norms"]:
            other = written.setdefault(f"{norm:g}", norm)
            if other != norm:
                raise InputError(
                    f"{where}.norms: {other!r} and {norm!r} are both {norm:g} in the results, which have six digits: "
                    "leave one out"
                )


def check_bandwidths(study: Study, datasets: list[str], where: str) -> None:
    """Check that each bandwidth of noise is another band of the frequencies of each data set's images.

    Raises:
        InputError: one is larger than that of all frequencies, or its band has none, or there are fewer images than
            asked for.
    """
    for dataset in datasets:
        check_images(study, [dataset], where)
        bandwidths = study.settings(where.rpartition(".")[2], dataset)["bandwidths"]
        for band, its_bandwidths in bandwidths.items():
            for bandwidth in its_bandwidths:
                _check_bandwidth(study, dataset, f"{where}.bandwidths.{band}", band, bandwidth)


def check_frequency_filtered(study: Study, datasets: list[str], where: str) -> None:
    """Check that what is asked for of components of each data set's images does not contradict itself.

    Raises:
        InputError: the released rescaling beside the mean or clipping, no radius that both kinds of filter have where
            both are compared, a rank that leaves nothing of one part, or training images of a data set without any.
    """
    for dataset in datasets:
        settings = study.settings(where.rpartition(".")[2], dataset)
        for key in ("clip", "keep_mean"):
            if settings.get("rescale") == "released" and settings.get(key):
                raise InputError(
                    f"{where}.{key}: true contradicts rescale: released, which divides the components as they are by "
                    f"their maximum: leave {key} out, or set rescale to none"
                )
        radii = settings["radii"]
        if settings.get("only_high") and not set(radii.get("low", ())) & set(radii.get("high", ())):
            raise InputError(
                f"{where}.only_high: it compares the two components of a radius, and radii.low and radii.high have "
                "none in common: give both one, or leave only_high out"
            )
        side = study.dataset(dataset).image_size
        for rank in settings.get("svd", ()):
            if rank >= side:
                raise InputError(
                    f"{where}.svd: rank {rank} leaves nothing of the trailing part of images of {dataset}, which have "
                    f"{side} pixels: give at most {side - 1}"
                )
        if "train" in settings.get("split", ()) and study.dataset(dataset).evaluation_only:
            raise InputError(
                f"{where}.split: {dataset} has no training images, as it is evaluation_only: leave train out, or write "
                f"evaluation.datasets.{dataset}.{where.rpartition('.')[2]} with split: [test]"
            )


def check_spectra(study: Study, datasets: list[str], where: str) -> None:
    """Check that the corruptions whose spectra are asked for are made, and the bandwidth of their energy.

    Raises:
        InputError: a corruption is unknown or not made, or made of images that are not the test images, or the
            bandwidth is that of all frequencies or of none, or there are fewer images than asked for.
    """
    for dataset in datasets:
        check_images(study, [dataset], where)
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
        if "bandwidth" not in settings:
            continue
        side, bandwidth = study.dataset(dataset).image_size, settings["bandwidth"]
        _check_not_empty(study, dataset, f"{where}.bandwidth", "corner", bandwidth)
        whole = whole_bandwidth("corner", side)
        if bandwidth >= whole:
            raise InputError(
                f"{where}.bandwidth: {bandwidth} is too large for {dataset}, as its square has all frequencies of "
                f"images of {side} pixels, where each corruption has all of its energy: give at most {whole - 2}"
            )


def check_front_end(study: Study, dataset: str, variant: str) -> None:
    """Check that the bandwidth of a variant's front end means something on the images of a data set.

    Args:
        study: the config.
        dataset: one that the variant has runs of.
        variant: any variant of the config, by name.

    Raises:
        InputError: it is larger than that of all frequencies, or its band has none.
    """
    settings = study.variants[variant].get("front_end")
    if settings is not None:
        where = study.setting_key(variant, "front_end.bandwidth")
        _check_bandwidth(study, dataset, where, settings["band"], settings["bandwidth"])


def front_end_remarks(study: Study) -> list[str]:
    """Return remarks on front ends that leave the images of a data set as they are."""
    said = []
    for dataset, variant in dict.fromkeys((run.dataset, run.variant) for run in study.all_runs):
        settings = study.variants.get(variant, {}).get("front_end")
        if settings is not None and _is_whole(study, dataset, settings["band"], settings["bandwidth"]):
            said.append(
                f"{study.setting_key(variant, 'front_end.bandwidth')}: {settings['bandwidth']} leaves images of "
                f"{dataset} as they are, as it keeps all of their frequencies"
            )
    return said


def band_noise_remarks(study: Study) -> list[str]:
    """Return remarks on bands of noise that have all frequencies of a data set's images."""
    return [
        f"evaluation.band_noise.bandwidths.{band}: {bandwidth} has all frequencies of {dataset}, so that its noise is "
        "white"
        for dataset in study.datasets
        for band, bandwidths in (study.settings("band_noise", dataset) or {"bandwidths": {}})["bandwidths"].items()
        for bandwidth in bandwidths
        if _is_whole(study, dataset, band, bandwidth)
    ]


def spectra_remarks(study: Study) -> list[str]:
    """Return remarks on data sets with too few corruptions for lines through their energies."""
    numbers = {
        dataset: count_energies(study, dataset) for dataset in study.datasets if "spectra" in study.suites(dataset)
    }
    return [
        f"evaluation.spectra.corruptions: no slopes of accuracy against high-frequency energy on {dataset}, as a line "
        f"through {number} corruption{'s' * (number > 1)} says nothing: figure_energy_slopes and table_energy_slopes "
        f"need {FEWEST_POINTS}"
        for dataset, number in numbers.items()
        if number < FEWEST_POINTS
    ]


def count_energies(study: Study, dataset: str) -> int:
    """Return of how many corruptions the suite `spectra` measures the high-frequency energy; 0 without the suite."""
    settings = study.settings("spectra", dataset)
    return 0 if settings is None else len(corruption_names(settings.get("corruptions", DEFAULT_CORRUPTIONS)))


def _is_whole(study: Study, dataset: str, band: str, bandwidth: int) -> bool:
    """Whether a band has all frequencies of a data set's images; a complement that has none is refused."""
    return band != "complement" and bandwidth >= whole_bandwidth(band, study.dataset(dataset).image_size)


def _check_not_empty(study: Study, dataset: str, where: str, band: str, bandwidth: int) -> None:
    side = study.dataset(dataset).image_size
    least = smallest_bandwidth(band, side)
    if bandwidth < least:
        raise InputError(
            f"{where}: {bandwidth} is too small for {dataset}, as it leaves no frequency of images of {side} pixels: "
            f"give at least {least}"
        )


def _check_bandwidth(study: Study, dataset: str, where: str, band: str, bandwidth: int) -> None:
    _check_not_empty(study, dataset, where, band, bandwidth)
    side = study.dataset(dataset).image_size
    whole = whole_bandwidth(band, side)
    if band == "complement" and bandwidth >= whole:
        said, most = f"it leaves no frequency of images of {side} pixels", whole - 2
    elif bandwidth > whole:
        said, most = f"{whole} has all frequencies of images of {side} pixels already", whole
    else:
        return
    raise InputError(f"{where}: {bandwidth} is too large for {dataset}, as {said}: give at most {most}")
