"""Experiments: named grids, and the runs that each of them asks for."""

import itertools
import re
from functools import partial
from typing import Any, NamedTuple

from jsonschema.protocols import Validator

from filterfreq.models.registry import (
    architecture_of,
    check_architecture,
    check_classes,
    check_decomposable,
    check_plain_layers,
    linear_units,
)
from filterfreq.models.robustbench_models import CLASSES
from filterfreq.runtime.errors import InputError, run_check, unknown_name
from filterfreq.study.averaging_checks import check_units_of_averages
from filterfreq.study.config_checks import check_number
from filterfreq.study.datasets import Datasets
from filterfreq.study.measurable import remedy
from filterfreq.study.variants import Swept, Variants, config_variants, sweep_variants

# The tags of timm's weights end with what they were trained on last.
_TIMM_OF_IMAGENET = re.compile(r"\..*in1k(_\d+)?$")


class Run(NamedTuple):
    """One model: what identifies it among all others, and names its folder."""

    dataset: str
    model: str
    variant: str
    seed: int


class Expanded(NamedTuple):
    """What a config's experiments ask for.

    Attributes:
        variants: by name, those that sweeps make included.
        swept: of those that sweeps make what they are made of.
        runs: of each experiment, in the config's order, without repeats.
    """

    variants: Variants
    swept: dict[str, Swept]
    runs: dict[str, list[Run]]


def expand(config: dict[str, Any], datasets: Datasets, schema: Validator) -> Expanded:
    """Expand the grids of a config's experiments.

    Args:
        config: one that is valid by itself.
        datasets: those of its section `data`.
        schema: of configs.

    Raises:
        InputError: an experiment names what is not there or cannot be, or is too large.
    """
    variants, checkpoints = config_variants(config), config.get("checkpoints", {})
    swept: dict[str, Swept] = {}
    experiments = {}
    for name, experiment in config["experiments"].items():
        where = f"experiments.{name}"
        if "includes" in experiment:
            _check_included(where, experiment, config)
            experiments[name] = []  # in its order; its runs follow when all others are known
            continue
        for dataset in experiment["datasets"]:
            run_check(datasets.dataset, dataset, f"{where}.datasets")
        if "models" not in experiment and "checkpoints" not in experiment:
            raise InputError(f"{where}: gives neither models with variants and seeds, nor checkpoints")
        if "models" in experiment and "training" not in config:
            raise InputError(f"training: is missing, but {where} trains models")
        _check_names(where, experiment, config)
        listed = [*experiment.get("variants", []), *experiment.get("checkpoints", [])]
        bases = {checkpoint: {} for checkpoint in checkpoints} | variants
        grid, newly_swept = sweep_variants(where, bases, listed, experiment.get("sweep", {}), schema)
        # A model that is made from a checkpoint is of its architecture, and there is one of it.
        sources = {made: variant.get("from", made) for made, variant in grid.items()}
        runs = []
        if "models" in experiment:
            _check_grid(where, experiment, config, datasets)
            in_grid = [made for made, source in sources.items() if source not in checkpoints]
            axes = experiment["datasets"], experiment["models"], in_grid, experiment["seeds"]
            check_number(where, "runs", *axes)
            runs = [Run(*values) for values in itertools.product(*axes)]
        for dataset, (made, source) in itertools.product(experiment["datasets"], sources.items()):
            if source in checkpoints:
                _check_classes(where, source, checkpoints[source], dataset, datasets)
                runs.append(Run(dataset, _model(checkpoints[source]), made, 0))
        for made, variant in grid.items():
            source = checkpoints.get(sources[made])
            # A file of filters has no model, and nothing is made of it.
            if source is not None and source["source"] == "filters":
                continue
            models = [architecture_of(source)] if source else experiment.get("models", [])
            _check_averages(where, made, variant, models, experiment["datasets"], datasets)
        variants |= {made: variant for made, variant in grid.items() if made not in {**variants, **checkpoints}}
        swept = newly_swept | swept
        experiments[name] = runs
    for name, experiment in config["experiments"].items():
        included = [experiments[other] for other in experiment.get("includes", [])]
        experiments[name] += dict.fromkeys(itertools.chain.from_iterable(included))
        known = dict.fromkeys(run.variant for run in experiments[name])
        baseline = experiment.get("baseline")
        if baseline is not None and baseline not in known:
            raise InputError(f"experiments.{name}.baseline: {unknown_name('variant', baseline, known)}")
    return Expanded(variants, swept, experiments)


def _check_included(where: str, experiment: dict[str, Any], config: dict[str, Any]) -> None:
    """Refuse an experiment that includes others and has runs or pairs of its own, or others that include some too."""
    for key in experiment:
        if key not in ("includes", "baseline", "controls"):
            raise InputError(f"{where}.{key}: an experiment that includes others has theirs alone, leave {key} out")
    own = [name for name, other in config["experiments"].items() if "includes" not in other]
    for number, name in enumerate(experiment["includes"]):
        if name not in own:
            raise InputError(f"{where}.includes.{number}: {unknown_name('experiment with runs of its own', name, own)}")


def _check_names(where: str, experiment: dict[str, Any], config: dict[str, Any]) -> None:
    """Refuse variants and checkpoints that there are not, or that stand in the list of the other."""
    variants, checkpoints = config.get("variants", {}), config.get("checkpoints", {})
    for name in experiment.get("variants", []):
        if name not in variants:
            raise InputError(f"{where}.variants: {unknown_name('variant', name, variants)}")
        source = variants[name].get("from")
        if source in checkpoints:
            raise InputError(
                f"{where}.variants: '{name}' is made from the checkpoint '{source}', list it under checkpoints"
            )
    for name in experiment.get("checkpoints", []):
        source = variants.get(name, {}).get("from")
        if source in variants:
            raise InputError(
                f"{where}.checkpoints: '{name}' is made from the variant '{source}', list it under variants"
            )
        if name not in checkpoints and source not in checkpoints:
            raise InputError(f"{where}.checkpoints: {unknown_name('checkpoint', name, checkpoints)}")


def _check_grid(where: str, experiment: dict[str, Any], config: dict[str, Any], datasets: Datasets) -> None:
    """Refuse data sets, models and variants that cannot be trained."""
    for name in experiment["datasets"]:
        datasets.check_training_images(name, where)
    for name in experiment["models"]:
        run_check(check_architecture, name, f"{where}.models")
        for dataset in experiment["datasets"]:
            if number := len(datasets.class_names(dataset)):
                run_check(partial(check_classes, num_classes=number), name, f"{where}.models")
    variants = config["variants"]
    for variant in (variants[name] for name in experiment["variants"]):
        trained = variants[variant["from"]] if "from" in variant else variant
        if "decomposition" in trained:
            for model in experiment["models"]:
                run_check(check_decomposable, model, f"{where}.models")
        normalisation = trained.get("normalisation")
        # A decomposition makes plain layers of convolutions, not of batch normalisations, which convnorm replaces too.
        if isinstance(normalisation, dict) and (
            normalisation["method"] == "convnorm" or "decomposition" not in trained
        ):
            for model in experiment["models"]:
                run_check(check_plain_layers, model, f"{where}.models")


def _check_averages(
    where: str, name: str, variant: dict[str, Any], models: list[str], of_datasets: list[str], datasets: Datasets
) -> None:
    """Refuse averages of models that are known to have too few units for their directions."""
    if "post_averaging" not in variant:
        return
    for dataset, model in itertools.product(of_datasets, models):
        units = linear_units(model, len(datasets.class_names(dataset)))
        if units is not None:
            check_units_of_averages(f"{where}: '{name}' of {model} on {dataset}", variant, units)


def _check_classes(where: str, name: str, checkpoint: dict[str, Any], dataset: str, datasets: Datasets) -> None:
    """Refuse a data set of another number of classes than a checkpoint is known to have."""
    base = trained_on(checkpoint)
    classes, there = CLASSES.get(base), len(datasets.class_names(dataset))
    if classes and there and classes != there:
        raise InputError(
            f"{where}.checkpoints: '{name}' knows {classes} classes and {dataset} has {there}, "
            f"list it in an experiment of its own{remedy(datasets, dataset, [base])}"
        )


def trained_on(checkpoint: dict[str, Any]) -> str:
    """Return the data set that a checkpoint's model was trained on; empty where it is not known."""
    is_imagenet_model = checkpoint["source"] == "torchvision" or (
        checkpoint["source"] == "timm" and _TIMM_OF_IMAGENET.search(checkpoint["name"])
    )
    return checkpoint.get("dataset", "imagenet" if is_imagenet_model else "")


def _model(checkpoint: dict[str, Any]) -> str:
    """The model that a checkpoint counts as."""
    if "model" in checkpoint:
        return checkpoint["model"]
    source = checkpoint["source"]
    return source if source in ("robustbench", "filters") else architecture_of(checkpoint)
