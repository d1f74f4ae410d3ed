"""Experiments: named grids, and the runs that each of them asks for."""

import itertools
import re
from typing import Any, NamedTuple

from jsonschema.protocols import Validator

from filterfreq.models.registry import architecture_of, check_architecture, check_decomposable
from filterfreq.models.robustbench_models import CLASSES
from filterfreq.runtime.errors import InputError, unknown
from filterfreq.study.config_checks import check_number, explained
from filterfreq.study.datasets import Datasets
from filterfreq.study.measurable import remedy
from filterfreq.study.variants import Variants, named_variants, sweep_variants

# The tags of timm's weights end with what they were trained on last.
_TIMM_OF_IMAGENET = re.compile(r"\..*in1k(_\d+)?$")


class Run(NamedTuple):
    """One model: what identifies it among all others, and names its folder."""

    dataset: str
    model: str
    variant: str
    seed: int


def expand(config: dict[str, Any], datasets: Datasets, schema: Validator) -> tuple[Variants, dict[str, list[Run]]]:
    """Expand the grids of a config's experiments.

    Args:
        config: one that is valid by itself.
        datasets: those of its section `data`.
        schema: of configs.

    Returns:
        The variants by name, those that sweeps make included, and for each experiment its runs in the config's order,
        without repeats.

    Raises:
        InputError: an experiment names what is not there or cannot be, or is too large.
    """
    variants = named_variants(config)
    experiments = {}
    for name, experiment in config["experiments"].items():
        where = f"experiments.{name}"
        for dataset in experiment["datasets"]:
            explained(datasets.dataset, dataset, f"{where}.datasets")
        if "models" not in experiment and "checkpoints" not in experiment:
            raise InputError(f"{where}: gives neither models with variants and seeds, nor checkpoints")
        runs = []
        if "models" in experiment:
            _check_grid(where, experiment, config, datasets)
            swept = sweep_variants(where, variants, experiment, schema)
            axes = experiment["datasets"], experiment["models"], list(swept), experiment["seeds"]
            check_number(where, "runs", *axes)
            runs = [Run(*values) for values in itertools.product(*axes)]
            variants = variants | {made: variant for made, variant in swept.items() if made not in variants}
        runs += _downloaded(where, experiment, config.get("checkpoints", {}), datasets)
        known = dict.fromkeys(run.variant for run in runs)
        baseline = experiment.get("baseline")
        if baseline is not None and baseline not in known:
            raise InputError(f"{where}.baseline: {unknown('variant', baseline, known)}")
        experiments[name] = runs
    return variants, experiments


def _check_grid(where: str, experiment: dict[str, Any], config: dict[str, Any], datasets: Datasets) -> None:
    """Refuse data sets, models and variants that cannot be trained."""
    if "training" not in config:
        raise InputError(f"training: is missing, but {where} trains models")
    for name in experiment["datasets"]:
        datasets.check_trainable(name, where)
    for name in experiment["models"]:
        explained(check_architecture, name, f"{where}.models")
    variants = config.get("variants", {})
    for name in experiment["variants"]:
        if name not in variants:
            raise InputError(f"{where}.variants: {unknown('variant', name, variants)}")
        if "decomposition" in variants[name]:
            for model in experiment["models"]:
                explained(check_decomposable, model, f"{where}.models")


def _downloaded(
    where: str, experiment: dict[str, Any], checkpoints: dict[str, dict[str, Any]], datasets: Datasets
) -> list[Run]:
    """The runs of an experiment's checkpoints, one on each of its data sets."""
    names = experiment.get("checkpoints", [])
    for name in names:
        if name not in checkpoints:
            raise InputError(f"{where}.checkpoints: {unknown('checkpoint', name, checkpoints)}")
        entry = checkpoints[name]
        of_imagenet = entry["source"] == "torchvision" or (
            entry["source"] == "timm" and _TIMM_OF_IMAGENET.search(entry["name"])
        )
        base = entry.get("dataset", "imagenet" if of_imagenet else "")
        classes = CLASSES.get(base)
        for dataset in experiment["datasets"]:
            there = len(datasets.class_names(dataset))
            if classes and there and classes != there:
                raise InputError(
                    f"{where}.checkpoints: '{name}' knows {classes} classes and {dataset} has {there}, "
                    f"list it in an experiment of its own{remedy(datasets, dataset, [base])}"
                )
    return [
        Run(dataset, _model(checkpoints[name]), name, 0)
        for dataset, name in itertools.product(experiment["datasets"], names)
    ]


def _model(checkpoint: dict[str, Any]) -> str:
    """The model that a checkpoint counts as."""
    default = "robustbench" if checkpoint["source"] == "robustbench" else architecture_of(checkpoint)
    return checkpoint.get("model", default)
