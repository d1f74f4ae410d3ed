"""What a config says of GANs: whether they can be trained on their data sets, and what is compared of them."""

import json
from typing import Any

from filterfreq.gans.registry import IMAGE_SIZES
from filterfreq.runtime.errors import InputError, run_check
from filterfreq.study.datasets import Datasets
from filterfreq.study.fits import Fits


def check_gans(datasets: Datasets, gans: Fits) -> None:
    """Check the data set of each variant of each GAN.

    Raises:
        InputError: it is unknown, is for evaluation alone, or its images stay in files or have a size that the networks
            do not make; the sentence names the key.
    """
    for name in gans.runs:
        for variant, settings in gans.settings(name).items():
            where = f"gans.{name}.{gans.kind(name)}.dataset"
            run_check(datasets.dataset, settings["dataset"], where)
            datasets.check_training_images(settings["dataset"], where)
            entry = datasets.dataset(settings["dataset"])
            if entry.storage == "files":
                raise InputError(
                    f"{where}: the images of {entry.name} stay in files, and a GAN takes prepared arrays: choose a "
                    "data set that has them"
                )
            if entry.image_size not in IMAGE_SIZES:
                sizes = " or ".join(str(size) for size in IMAGE_SIZES)
                raise InputError(
                    f"{where}: images of {entry.name} have {entry.image_size} pixels, and generators make {sizes} "
                    f"(variant {variant!r}): choose a data set of that size"
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
