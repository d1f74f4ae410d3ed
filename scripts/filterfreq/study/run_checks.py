"""Whether the runs of a study fit each other and their settings, in one sentence where they do not."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from filterfreq.evaluation.registry import SUITES
from filterfreq.runtime.errors import InputError, list_some, run_check, unknown_name
from filterfreq.runtime.machine import training_processes
from filterfreq.study.attacked import check_attacked
from filterfreq.study.config_checks import check_main_epsilon
from filterfreq.study.fits import check_fits
from filterfreq.study.frequency_checks import check_front_end
from filterfreq.study.gans import check_classifiers, check_gans
from filterfreq.training.attack_checks import check_attack_entry
from filterfreq.training.epochs import count_batches, count_epochs
from filterfreq.training.epsilon import check_bounds
from filterfreq.training.fractions import check_fractions, most_trained_images
from filterfreq.training.registry import NO_ACCUMULATION, check_interventions, training_conflict
from filterfreq.training.snapshot_names import snapshots_problem

if TYPE_CHECKING:
    from filterfreq.study.experiments import Run
    from filterfreq.study.study import Study


def check_runs(study: Study) -> None:
    """Check what a study's runs and their settings are together.

    Raises:
        InputError: two of them contradict each other, or one lacks another; the sentence names the key.
    """
    for name in study.checkpoints:
        if name in study.variants:
            raise InputError(f"checkpoints.{name}: there is a variant of this name, choose another")
    _check_labels(study)
    _check_baselines(study)
    _check_suites(study)
    _check_sources(study)
    _check_main_epsilons(study)
    _check_sizes(study)
    _check_training(study)
    _check_snapshots(study)
    _check_over_training(study)
    check_fits(study, study.fits)
    check_gans(study, study.gans)
    check_classifiers(study)


def _check_labels(study: Study) -> None:
    """Refuse two variants of one experiment that its tables and figures could not tell apart."""
    for experiment, runs in study.experiments.items():
        variants = dict.fromkeys(run.variant for run in runs)
        names: dict[str, str] = {}
        for variant in variants:
            label = study.label(variant)
            other = names.setdefault(label, variant)
            if other != variant:
                raise InputError(
                    f"experiments.{experiment}.variants: {study.describe(other)} and {study.describe(variant)} have "
                    f"the same label {label!r}, give one of them another"
                )


def _check_baselines(study: Study) -> None:
    """Refuse a file of filters as what the corruption errors of models are relative to."""
    for experiment, runs in study.experiments.items():
        if study.baseline(experiment) in study.filter_files and not all(map(study.is_filter_file, runs)):
            raise InputError(
                f"experiments.{experiment}.baseline: '{study.baseline(experiment)}' is a file of filters, and the "
                "baseline is what corruption errors are relative to: name a variant or checkpoint with a model, and in "
                "pairs what its filters are compared with"
            )


def _check_suites(study: Study) -> None:
    """Refuse suites of an experiment that there are not, or that no data set of it is asked for."""
    for experiment, entry in study.config["experiments"].items():
        where = f"experiments.{experiment}.suites"
        for name in entry.get("suites", []):
            if name not in (*SUITES, "perturbations"):
                raise InputError(f"{where}: {unknown_name('suite', name, [*SUITES, 'perturbations'])}")
            if not any(name in study.evaluation(dataset) for dataset in entry["datasets"]):
                raise InputError(
                    f"{where}: {name} is not asked for on {list_some(entry['datasets'])}: add evaluation.{name}, or "
                    "leave it out here"
                )


def _check_sources(study: Study) -> None:
    """Refuse attacks that transfer from a model that no experiment has."""
    for run in study.runs:
        transfer = study.evaluation(run.dataset).get("transfer")
        if transfer is None or not study.is_wanted("transfer", run):
            continue
        source = transfer["source"]
        check_attacked(study, "evaluation.transfer.source", source)
        if not study.is_downloaded(study.origin(run)) and not study.has_run(run._replace(variant=source)):
            raise InputError(
                f"evaluation.transfer.source: no experiment has the variant '{source}' of {run.model} "
                f"on {run.dataset} with seed {run.seed}, to attack {study.describe(run.variant)} from: add it to one"
            )


def _check_main_epsilons(study: Study) -> None:
    """Refuse epsilons of the main tables that an attack is not measured at.

    One of all data sets may be of a norm in which some of them, not all, are not attacked.
    """
    evaluation = study.config["evaluation"]
    for dataset in study.datasets:
        own = "main_epsilons" in evaluation.get("datasets", {}).get(dataset, {})
        where = f"evaluation.datasets.{dataset}" if own else "evaluation"
        for norm, epsilon in study.evaluation(dataset).get("main_epsilons", {}).items():
            bounded = partial(check_bounds, norm=norm, size=study.dataset(dataset).image_size)
            run_check(bounded, epsilon, f"{where}.main_epsilons.{norm}")
            attacks = _attacks_in_norm(study, dataset, norm)
            elsewhere = (_attacks_in_norm(study, other, norm) for other in study.datasets)
            if own or any(attacks.values()) or not any(any(found.values()) for found in elsewhere):
                check_main_epsilon(f"{where}.main_epsilons.{norm}", epsilon, attacks, dataset)


def _attacks_in_norm(study: Study, dataset: str, norm: str) -> dict[str, list[dict]]:
    """The attacks of a norm that the main tables show of a data set, by suite."""
    found: dict[str, list[dict]] = {"adversarial": [], "autoattack": []}
    for suite, _, attack in study.attacks(dataset):
        if suite in found and attack["norm"] == norm:
            found[suite].append(attack)
    return found


def _check_sizes(study: Study) -> None:
    """Refuse what means nothing on a data set: keys of other attacks, a ball around all images, a filter of nothing."""
    for dataset in study.datasets:
        for _, where, attack in study.attacks(dataset):
            check_attack_entry(where, attack, study.dataset(dataset).image_size)
    for dataset, variant in dict.fromkeys((run.dataset, run.variant) for run in study.all_runs):
        if variant in study.variants:
            _check_variant(study, dataset, variant)
            check_front_end(study, dataset, variant)


def _check_variant(study: Study, dataset: str, variant: str) -> None:
    """Refuse interventions that mean nothing on the images of a data set, by the key that their settings are from."""
    where = f"variants.{variant}"
    try:
        entry = study.dataset(dataset)
        check_interventions(where, study.variants[variant], entry.image_size)
        check_fractions(where, study.variants[variant], entry.train_size, len(entry.classes))
    except InputError as error:
        if variant not in study.swept or not str(error).startswith(f"{where}."):
            raise
        setting, _, said = str(error).removeprefix(f"{where}.").partition(": ")
        raise InputError(f"{study.setting_key(variant, setting)}: {said}") from error


def _training(study: Study, run: Run) -> str:
    """The training of a run as a sentence begins with it; of a variant that a sweep makes with the sweep's key."""
    if run.variant in study.swept:
        swept = study.swept[run.variant].where
        return f"{swept}: training of {run.dataset}/{run.model}, {study.describe(run.variant)}"
    return f"training of {run.dataset}/{run.model}/{run.variant}"


def _check_training(study: Study) -> None:
    """Refuse what a variant and the training settings of its runs cannot do together."""
    compute = study.config["compute"]
    compiled = compute.get("on_gpu", {}).get("compile", False)
    processes, _ = training_processes(compute["device"], compute["train"])
    for run in dict.fromkeys(run._replace(seed=0) for run in study.all_runs if study.is_trained(run)):
        variant, settings = study.variants[run.variant], study.spec(run)["training"]
        problem = training_conflict(variant, settings) or _execution_conflict(settings, compiled, processes)
        if problem is not None:
            raise InputError(f"{_training(study, run)}: {problem}")


def _execution_conflict(training: Mapping[str, Any], compiled: bool, processes: int) -> str | None:
    """Say why the settings of a training do not go with each other or with how it is computed; None where they do."""
    second_order = training["optimizer"] == "adahessian"
    if second_order and training.get("accumulate", 1) > 1:
        return NO_ACCUMULATION
    if second_order and compiled:
        return "adahessian differentiates twice, which torch.compile cannot: leave compute.on_gpu.compile out"
    if compiled and processes > 1:
        return (
            "torch.compile does not get along with batch normalisation over several processes: "
            "leave compute.on_gpu.compile out, or set compute.train.gpu and processes to 1"
        )
    if second_order and processes > 1:
        return (
            "adahessian differentiates twice, which processes that share a batch cannot: "
            "set compute.train.gpu and processes to 1"
        )
    return None


def _check_snapshots(study: Study) -> None:
    """Refuse snapshots that a training does not come to; of images that are not counted yet the job does."""
    for run in dict.fromkeys(run._replace(seed=0) for run in study.runs_with_snapshots):
        spec, images = study.spec(run), study.dataset(run.dataset).train_size
        if images is not None:
            images = most_trained_images(images, len(study.dataset(run.dataset).classes), spec["variant"])
        batches = None if images is None else count_batches(images, spec["training"])
        problem = snapshots_problem(study.snapshots(run), count_epochs(spec), batches)
        if problem is not None:
            raise InputError(f"{_training(study, run)}: {problem}")


def _check_over_training(study: Study) -> None:
    """Refuse suites over training that measure no snapshots, and snapshots that nothing measures before they go."""
    if study.snapshot_suites and not study.runs_with_snapshots:
        raise InputError(
            "evaluation.over_training: no training of the experiments keeps snapshots: name epochs in "
            "training.default.snapshots, or leave it out"
        )
    for name in study.snapshot_suites:
        if study.snapshot_suites.count(name) > 1:
            raise InputError(f"evaluation.over_training: it has the suite {name} twice: leave one of them out")
        if name not in SUITES:
            raise InputError(f"evaluation.over_training: {unknown_name('suite', name, SUITES)}")
        if not any(name in study.suites_over_training(run) for run in study.runs):
            raise InputError(
                f"evaluation.over_training: no run with snapshots has the suite {name}: ask for evaluation.{name} on a "
                "data set that can have it, or leave it out here"
            )
    if study.runs_with_snapshots and not study.keeps_snapshots and not study.snapshot_suites:
        raise InputError(
            "training.keep_snapshots: it is false, and nothing measures the snapshots before they are removed: name "
            "suites in evaluation.over_training, or leave keep_snapshots out"
        )
