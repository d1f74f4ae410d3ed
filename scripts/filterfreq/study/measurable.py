"""Which of what a config asks for can be measured: the rest is refused, or said before the first job.

What stands under `evaluation` is for every data set that can have it; where one cannot, that is said. What no data set
of the experiments can have, or one that it is asked for by name cannot, is refused.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from filterfreq.data.registry import DATASETS, ImageFolder
from filterfreq.data.shifted.registry import CUE_CONFLICT, PUBLISHED_CORRUPTIONS, SHIFTED_SETS
from filterfreq.runtime.errors import InputError
from filterfreq.training.attack_names import AUTOATTACKS, fewest_classes

if TYPE_CHECKING:
    from filterfreq.study.study import Study

WITHOUT_IMAGES = ("out_of_distribution", "cue_conflict", "filters")
"""Suites that models of ImageNet can have without any of its images."""

_UNUSED = "nothing that the config asks for uses it"

WITHOUT_FILTERS = "there is no convolution of 3 x 3 or more"
"""Why an architecture cannot have the suite `filters`, as the rest of a sentence."""

_WHERE = "evaluation.out_of_distribution.sets"


def why_not(study: Study, suite: str, dataset: str) -> str | None:
    """Return why a data set cannot have a suite, as the rest of a sentence; None where it can."""
    if suite == "out_of_distribution" and not study.shifted_sets(dataset):
        names = study.evaluation(dataset).get("out_of_distribution", {}).get("sets", [])
        bases = dict.fromkeys(study.shifted(name).shift_of for name in names)
        return (
            f"sets has only {_listed(names)}, for models of {_listed(bases)}'s classes{remedy(study, dataset, bases)}"
        )
    if suite == "cue_conflict" and not study.dataset(dataset).cue_conflict and study.stimuli(dataset) is None:
        if not study.dataset(dataset).has_classes_of("imagenet"):
            return (
                "there are cue-conflict images of texdigits and, for models of ImageNet's classes, those of "
                f"data.shifted.{CUE_CONFLICT}{remedy(study, dataset, ['imagenet'])}"
            )
        return f"the stimuli are missing, {SHIFTED_SETS[CUE_CONFLICT].how} as data.shifted.{CUE_CONFLICT}.path"
    if suite == "autoattack":
        return _too_few_classes(study, dataset)
    if suite == "filters" and dataset in study.models_without_filters:
        return f"{WITHOUT_FILTERS} in {_listed(study.models_without_filters[dataset])}"
    return None


def check_measurable(study: Study) -> None:
    """Check that what a config asks for is measured on at least one data set, and where one is named on that.

    Raises:
        InputError: something is not; the sentence says why.
    """
    for dataset in study.datasets:
        for suite in _own(study, dataset):
            _refuse(study, suite, [dataset], f"evaluation.datasets.{dataset}.{suite}")
    for suite in study.config["evaluation"]:
        _refuse(study, suite, _general(study, suite), f"evaluation.{suite}")
    for name in study.config["evaluation"].get("out_of_distribution", {}).get("sets", []):
        _refuse_set(study, name)


def remarks(study: Study) -> list[str]:
    """Return sentences about what a config has and nothing comes of, each to be said once before the first job."""
    left_out = [*_not_measured(study), *_not_transferred(study), *_not_analysed(study)]
    return [*left_out, *_not_shown(study), *_beyond(study), *_generated(study), *_unused(study)]


def _too_few_classes(study: Study, dataset: str) -> str | None:
    """Why AutoAttack, or the subsets of it that the config asks for, cannot attack models of a data set."""
    settings = study.evaluation(dataset).get("autoattack", [])
    entries = settings if isinstance(settings, list) else [settings]
    found = len(study.class_names(dataset))
    fewest = max((fewest_classes(entry.get("attacks")) for entry in entries), default=0)
    if not found or found >= fewest:
        return None
    possible = [attack for attack in AUTOATTACKS if fewest_classes([attack]) <= found]
    return (
        f"its attacks need at least {fewest} classes, and there are {found}: say attacks: [{', '.join(possible)}] or "
        f"some of these in evaluation.datasets.{dataset}.autoattack"
    )


def _refuse(study: Study, suite: str, datasets: list[str], where: str) -> None:
    """Refuse a suite that none of some data sets can have."""
    reasons = {dataset: why_not(study, suite, dataset) for dataset in datasets}
    if reasons and None not in reasons.values():
        said = "; ".join(f"{_listed(names)} cannot have it: {reason}" for reason, names in _grouped(reasons).items())
        raise InputError(f"{where}: {said}; otherwise leave it out")
    runs = [run for dataset in datasets for run in study.runs_on(dataset)] if suite == "transfer" else []
    if runs and not any(suite in study.suites_of(run) for run in runs):
        source = study.settings("transfer", datasets[0])["source"]
        models = _listed(dict.fromkeys(run.model for run in runs))
        raise InputError(
            f"{where}.source: no experiment has '{source}' as a variant of {models}, to make attacks on: take one that "
            "has, or leave transfer out"
        )


def _refuse_set(study: Study, name: str) -> None:
    """Refuse a shifted set that is shown to the models of no data set."""
    general = _general(study, "out_of_distribution")
    if any(study.is_shifted_for(name, dataset) for dataset in general):
        return
    base = study.shifted(name).shift_of
    if any(study.is_shifted_for(name, dataset) for dataset in study.datasets):
        raise InputError(f"{_WHERE}: {name} is shown to no model, as evaluation.datasets has sets for {base}")
    remedies = {found for dataset in general if (found := remedy(study, dataset, [base]))}
    raise InputError(
        f"{_WHERE}: {name} is for models of {base}'s classes, and no experiment has a data set of them: leave it out"
        f"{min(remedies, default='')}"
    )


def _own(study: Study, dataset: str) -> dict:
    """What is asked of one data set by name."""
    return study.config["evaluation"].get("datasets", {}).get(dataset, {})


def _general(study: Study, suite: str) -> list[str]:
    """The data sets that a suite under `evaluation` is for: those that have no settings of their own for it."""
    return [dataset for dataset in study.datasets if suite not in _own(study, dataset)]


def remedy(study: Study, dataset: str, bases: Iterable[str]) -> str:
    """Return how a data set of the config may have the classes of others, as the rest of a sentence.

    Args:
        study: the config.
        dataset: the data set.
        bases: the names of the others.

    Returns:
        Nothing where it is said to have some, or is of the registry.
    """
    entry = study.dataset(dataset)
    known = [base for base in bases if base in DATASETS and DATASETS[base].classes]
    if not known or entry.classes_of or not isinstance(entry, ImageFolder) or entry.name in DATASETS:
        return ""
    return (
        f"; where the class folders of {dataset} are named like those of {known[0]}, say classes: {known[0]} in "
        f"data.datasets.{dataset}"
    )


def _not_measured(study: Study) -> list[str]:
    said = []
    for suite in study.config["evaluation"]:
        reasons = {dataset: why_not(study, suite, dataset) for dataset in study.datasets}
        missing = {dataset: reason for dataset, reason in reasons.items() if reason is not None}
        said += [
            f"evaluation.{suite}: not for {_listed(names)}: {reason}" for reason, names in _grouped(missing).items()
        ]
    return said


def _not_transferred(study: Study) -> list[str]:
    asked = {dataset for dataset in study.datasets if "transfer" in study.suites(dataset)}
    missing = [
        run.variant
        for run in study.runs
        if run.dataset in asked and study.is_downloaded(study.origin(run)) and "transfer" not in study.suites_of(run)
    ]
    if not missing:
        return []
    return [
        f"evaluation.transfer: not for the checkpoints {_listed(dict.fromkeys(missing))}: no experiment has the source "
        "as a variant of the model that they count as"
    ]


def _not_analysed(study: Study) -> list[str]:
    asked = {dataset for dataset in study.datasets if "filters" in study.suites(dataset)}
    missing = [run.model for run in study.runs if run.dataset in asked and not study.has_filters(run)]
    if not missing:
        return []
    return [f"evaluation.filters: not for {_listed(dict.fromkeys(missing))}: {WITHOUT_FILTERS} in it"]


def _not_shown(study: Study) -> list[str]:
    """Variants and checkpoints that an experiment has others made from, and not themselves."""
    made: dict[str, dict[str, None]] = defaultdict(dict)
    for run in study.runs:
        if not study.has_run(study.origin(run)):
            made[study.origin(run).variant][run.variant] = None
    return [
        f"experiments: {source} is made only for {_listed(names)}, and not evaluated: list it as well to compare them"
        for source, names in made.items()
    ]


def _beyond(study: Study) -> list[str]:
    """Radii of frequency filters around all frequencies that a data set's images have."""
    said = []
    for dataset in study.datasets:
        settings = study.settings("frequency_filtered", dataset) or {"radii": {}}
        side = study.dataset(dataset).image_size
        last = math.sqrt(2) * (side // 2)
        for kind, is_done in (("low", "kept"), ("high", "left out")):
            beyond = [f"{radius:g}" for radius in settings["radii"].get(kind, []) if radius > last]
            if beyond:
                said.append(
                    f"evaluation.frequency_filtered.radii.{kind}: with {_listed(beyond)} all frequencies of {dataset} "
                    f"are {is_done}, as its images of {side} pixels end at {last:.1f} cycles per image"
                )
    return said


def _generated(study: Study) -> list[str]:
    """Data sets whose corrupted images are made here although the config wants published ones."""
    if study.config.get("data", {}).get("corruptions") != "published":
        return []
    if not any("corruption" in study.suites(name) for name in study.datasets):
        return [f"data.corruptions: {_UNUSED}"]
    names = [
        name for name in study.datasets if name not in PUBLISHED_CORRUPTIONS and "corruption" in study.suites(name)
    ]
    return [f"data.corruptions: made here for {_listed(names)}, of which nobody has published any"] if names else []


def _unused(study: Study) -> list[str]:
    """Entries about data sets, shifted sets, checkpoints and models that no experiment has or no evaluation shows."""
    shifted = {entry.name: entry for dataset in study.datasets for entry in study.shifted_sets(dataset)}
    stimuli = [dataset for dataset in study.datasets if "cue_conflict" in study.suites(dataset)]
    shown = {*shifted, *(entry.name for entry in map(study.stimuli, stimuli) if entry)}
    used = {*study.datasets, *(entry.dataset for entry in shifted.values())}
    data = study.config.get("data", {})
    sections = {
        "data.datasets": (data.get("datasets", {}), used),
        "data.raw": (data.get("raw", {}), used),
        "data.shifted": (data.get("shifted", {}), shown),
        "evaluation.datasets": (study.config["evaluation"].get("datasets", {}), used),
        "training.datasets": (study.config.get("training", {}).get("datasets", {}), used),
        "checkpoints": (study.checkpoints, {run.variant for run in study.all_runs}),
        "training.models": (study.config.get("training", {}).get("models", {}), {run.model for run in study.runs}),
    }
    return [
        f"{section}.{name}: {_UNUSED}"
        for section, (names, used_names) in sections.items()
        for name in names
        if name not in used_names
    ]


def _grouped(reasons: dict[str, str]) -> dict[str, list[str]]:
    """Data sets by the reason that they have in common."""
    groups: dict[str, list[str]] = defaultdict(list)
    for dataset, reason in reasons.items():
        groups[reason].append(dataset)
    return groups


def _listed(names: list[str] | dict[str, None]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
