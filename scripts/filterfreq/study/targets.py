"""What a path of results that somebody asks for by name is made of, held against the config."""

import os
import re
from collections.abc import Iterable, Mapping

from filterfreq.data.objects import OBJECT_DATASETS
from filterfreq.evaluation.registry import SUITES
from filterfreq.models.registry import check_architecture
from filterfreq.runtime.errors import InputError, unknown_name
from filterfreq.study.experiments import Run
from filterfreq.study.measurable import why_not, why_not_run
from filterfreq.study.study import Study

_OF_TRAININGS = ("/history.csv", "/snapshots")
_OF_MODELS = ("/model.safetensors", "/run.json", "/perturbations.npz")


def check_target(study: Study, target: str, patterns: Iterable[str]) -> None:
    """Check the names in a target: a path with one that the config lacks has no settings to be made by.

    Args:
        study: the config's.
        target: a path, or the name of a rule.
        patterns: paths with wildcards such as `{dataset}`; the first that the path or its beginning has counts. What
            has none of them is left to Snakemake.

    Raises:
        InputError: the config has no such data set, experiment, model, variant, suite, shifted set or checkpoint, or
            what is asked for is the history of a run that is not trained.
    """
    path = os.path.normpath(target)
    for pattern in patterns:
        form = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(pattern)) + r"(?=/|$)"
        match = re.match(form, path)
        if match:
            try:
                _check_names(study, match.groupdict())
                if "variant" in match.groupdict() and path.endswith(_OF_TRAININGS):
                    _check_trained(study, match["variant"], os.path.basename(path))
                if match.groupdict().get("variant") in study.filter_files and path.endswith(_OF_MODELS):
                    raise InputError(
                        f"'{match['variant']}' is a file of filters and has no {os.path.basename(path)}, ask for its "
                        "evaluations/filter_quality.csv"
                    )
                if "/over_training/" in pattern:
                    _check_over_training(study, match.groupdict())
            except InputError as error:
                raise InputError(f"there is no {target} to make: {error}") from error
            return


def _check_names(study: Study, names: Mapping[str, str]) -> None:
    for over in names.keys() & study.grids.keys():
        _check_fit(study, names, over)
        return
    if "detection" in names:
        known = [run.detection for run in study.detections.runs]
        if names["detection"] not in known:
            raise unknown_name("detection", names["detection"], known)
        return
    dataset, experiment, variant, suite = (names.get(name) for name in ("dataset", "experiment", "variant", "suite"))
    if experiment is not None and experiment not in study.experiments:
        raise unknown_name("experiment", experiment, study.experiments)
    if dataset is not None and not ("file" in names and dataset in OBJECT_DATASETS):
        study.dataset(dataset)
        if experiment is not None and not study.runs_of(experiment, dataset):
            raise InputError(f"experiments.{experiment} has no runs on {dataset}: add the data set to it")
    if "shifted" in names:
        study.shifted_set(names["shifted"], dataset)
    checkpoints = study.checkpoints | study.detections.checkpoints
    if "checkpoint" in names and names["checkpoint"] not in checkpoints:
        raise unknown_name("checkpoint", names["checkpoint"], checkpoints)
    if variant is not None:
        _check_run(study, dataset, names["model"], variant)
    if suite is not None and suite != "history":
        if suite not in SUITES:
            raise unknown_name("suite", suite, SUITES)
        _check_wanted(study, suite, names)
    if suite is not None and suite != "history" and suite not in study.suites(dataset):
        if suite in study.evaluation(dataset):
            raise InputError(f"evaluation.{suite} is not for {dataset}: {why_not(study, suite, dataset)}")
        if suite in study.config["evaluation"].get("datasets", {}).get(dataset, {}):
            raise InputError(f"evaluation.datasets.{dataset}.{suite} is false: take that out to measure it")
        raise InputError(f"evaluation.{suite} is not asked for on {dataset}: add it to the config")
    if suite is not None and variant is not None:
        reason = why_not_run(study, suite, Run(dataset, names["model"], variant, int(names["seed"])))
        if reason is not None:
            raise InputError(f"evaluation.{suite} is not for {reason.name}: {reason.reason}")


def _check_wanted(study: Study, suite: str, names: Mapping[str, str]) -> None:
    """Refuse a suite that is asked for, but not by the experiment, or by no experiment of the run."""
    if "experiment" in names:
        experiments = [names["experiment"]]
    elif "variant" in names:
        run = Run(names["dataset"], names["model"], names["variant"], int(names["seed"]))
        experiments = (
            []
            if study.is_wanted(suite, run)
            else [name for name in study.experiments if run in study.experiments[name]]
        )
    else:
        return
    if experiments and not any(study.wants(experiment, suite) for experiment in experiments):
        where = " and ".join(f"experiments.{experiment}.suites" for experiment in experiments)
        raise InputError(f"{suite} is not in {where}: add it there")


def _check_run(study: Study, dataset: str, model: str, variant: str) -> None:
    if study.origin(Run(dataset, model, variant, 0)).variant in study.checkpoints:
        models = {run.model for run in study.all_runs if run.variant == variant}
        if model not in models:
            raise unknown_name("model", model, models)
    elif variant not in study.variants:
        raise unknown_name("variant", variant, study.variants | study.checkpoints)
    else:
        check_architecture(model)
        study.check_training_images(dataset, f"variants.{variant}")


def _check_fit(study: Study, names: Mapping[str, str], over: str) -> None:
    """Refuse a run of a fit or a GAN that there is not; which seeds there are is left to Snakemake."""
    name, runs = names[over].removesuffix(".csv"), study.grids[over].runs
    if name not in runs:
        raise unknown_name(over, name, runs)
    for key in names.keys() & {"network", "variant"}:
        known = dict.fromkeys(getattr(run, key) for run in runs[name])
        if names[key] not in known:
            raise unknown_name(key, names[key], known)


def _check_trained(study: Study, variant: str, file: str) -> None:
    """Refuse what only trainings make of a run that is not trained: it would write over the run's model."""
    if variant in (*study.checkpoints, *study.derived_variants):
        raise InputError(
            f"'{variant}' is not trained here and has no {file.removesuffix('.csv')}, ask for its run.json"
        )


def _check_over_training(study: Study, names: Mapping[str, str]) -> None:
    """Refuse a suite over training that no snapshots are measured with, of one run or of an experiment's runs."""
    if "variant" in names:
        runs = [Run(names["dataset"], names["model"], names["variant"], int(names["seed"]))]
    else:
        runs = study.runs_of(names["experiment"], names["dataset"])
    if not any(names["suite"] in study.suites_over_training(run) for run in runs):
        raise InputError(
            f"evaluation.over_training measures no snapshots of {names.get('variant') or names['experiment']} with "
            f"{names['suite']}: add the suite to it, and snapshots to the training"
        )
