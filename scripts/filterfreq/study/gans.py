"""What a config says of GANs: whether they can be trained on their data sets, and what is compared of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from filterfreq.gans.registry import IMAGE_SIZES
from filterfreq.runtime.errors import InputError
from filterfreq.study.datasets import Datasets
from filterfreq.study.experiments import Run
from filterfreq.study.fits import Fits, GanRun, check_arrays

if TYPE_CHECKING:
    from filterfreq.study.study import Study

_IMAGES = 10_000  # of a Frechet distance, unless given


def check_gans(datasets: Datasets, gans: Fits) -> None:
    """Check the data set of each variant of each GAN.

    Raises:
        InputError: it is unknown, is for evaluation alone, or its images stay in files or have a size that the networks
            do not make; the sentence names the key.
    """
    for name in gans.runs:
        for variant, settings in gans.settings(name).items():
            where = f"gans.{name}.{gans.kind(name)}.dataset"
            check_arrays(datasets, settings["dataset"], where, "a GAN")
            entry = datasets.dataset(settings["dataset"])
            if entry.image_size not in IMAGE_SIZES:
                sizes = " or ".join(str(size) for size in IMAGE_SIZES)
                raise InputError(
                    f"{where}: images of {entry.name} have {entry.image_size} pixels, and generators make {sizes} "
                    f"(variant {variant!r}): choose a data set of that size"
                )


def classifier_of(study: Study, run: GanRun) -> Run | None:
    """Return the run whose features a GAN's images are compared in; None where they are not."""
    named = study.config["gans"][run.gan].get("frechet_classifier")
    if named is None:
        return None
    dataset = study.gans.settings(run.gan)[run.variant]["dataset"]
    return Run(dataset, named["model"], named["variant"], named["seed"])


def compared_images(study: Study, gan: str) -> int:
    """Return how many generated images of a GAN are compared with as many test images, at most."""
    return study.config["gans"][gan]["frechet_classifier"].get("images", _IMAGES)


def check_classifiers(study: Study) -> None:
    """Check that the classifiers of GANs are trained by the experiments.

    Raises:
        InputError: one is not; the sentence names the key.
    """
    for runs in study.gans.runs.values():
        for run in runs:
            named = classifier_of(study, run)
            if named is not None and not (study.has_run(named) and study.is_trained(named)):
                raise InputError(
                    f"gans.{run.gan}.frechet_classifier: no experiment trains {'/'.join(map(str, named))} (data set, "
                    "model, variant, seed): name a run of one, or add it to an experiment"
                )


def gan_methods(gans: Fits, name: str) -> dict[str, dict[str, Any]]:
    """Return what figures compare of a GAN: of each variant its learning rate, and what it is but for that.

    Returns:
        By variant, in the config's order, `method`, a label that variants share which differ in the learning rate
        alone, and `learning_rate`.
    """
    labels, found = gans.labels(name), {}
    methods: dict[str, str] = {}
    for variant, settings in gans.settings(name).items():
        rate = settings["learning_rate"]
        others = json.dumps({**settings, "learning_rate": None}, sort_keys=True)
        label = methods.setdefault(others, labels[variant].removesuffix(f", learning rate {rate}"))
        found[variant] = {"method": label, "learning_rate": rate}
    return found
