"""Which of what a config asks for can be measured: the rest is refused, or said before the first job.

What stands under `evaluation` is for every data set that can have it; where one cannot, that is said. What no data set
of the experiments can have, or one that it is asked for by name cannot, is refused.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from filterfreq.data.registry import DATASETS, ImageFolder
from filterfreq.data.shifted.registry import CUE_CONFLICT, PUBLISHED_CORRUPTIONS, SHIFTED_SETS
from filterfreq.evaluation.registry import SUITES, load
from filterfreq.frequencies.bands import disc_has_all, highest_radius
from filterfreq.runtime.errors import InputError
from filterfreq.study.frequency_checks import front_end_remarks
from filterfreq.study.over_training import own_settings, say_own_keys
from filterfreq.training.attack_names import why_too_few_classes

if TYPE_CHECKING:
    from filterfreq.study.experiments import Run
    from filterfreq.study.study import Study

_UNUSED = "nothing that the config asks for uses it"
_WITHOUT_FILTERS = "there is no convolution of 3 x 3 or more"
_WHERE = "evaluation.out_of_distribution.sets"


class UnservedRun(NamedTuple):
    """Why one run cannot have a suite that others of its data set have.

    Attributes:
        name: what to call the run.
        reason: the rest of a sentence.
        kind: what its name is one of, where that must be said.
    """

    name: str
    reason: str
    kind: str = ""


def why_not(study: Study, suite: str, dataset: str) -> str | None:
    """Return why a data set cannot have a suite, as the rest of a sentence; None where it can."""
    runs = study.runs_on(dataset)
    if runs and not SUITES[suite].of_filters and all(map(study.is_filter_file, runs)):
        return "its checkpoints are files of filters, and none has a model"
    reference = SUITES[suite].why_not
    return load(reference)(study, dataset) if reference else None


def why_not_run(study: Study, suite: str, run: Run) -> UnservedRun | None:
    """Return why a run cannot have a suite that its data set has; None where it can."""
    if study.is_filter_file(run) and not SUITES[suite].of_filters:
        return UnservedRun(run.variant, "a file of filters has no model", "the checkpoints ")
    reference = SUITES[suite].why_not_run
    return load(reference)(study, run) if reference else None


def why_no_shifted_sets(study: Study, dataset: str) -> str | None:
    """Return why a data set cannot have the suite `out_of_distribution`."""
    if study.shifted_sets(dataset):
        return None
    names = study.evaluation(dataset).get("out_of_distribution", {}).get("sets", [])
    bases = dict.fromkeys(study.shifted_set(name).shift_of for name in names)
    return f"sets has only {join(names)}, for models of {join(bases)}'s classes{remedy(study, dataset, bases)}"


def why_no_stimuli(study: Study, dataset: str) -> str | None:
    """Return why a data set cannot have the suite `cue_conflict`."""
    if study.dataset(dataset).cue_conflict or study.stimuli(dataset) is not None:
        return None
    if not study.dataset(dataset).has_classes_of("imagenet"):
        return (
            "there are cue-conflict images of texdigits and, for models of ImageNet's classes, those of "
            f"data.shifted.{CUE_CONFLICT}{remedy(study, dataset, ['imagenet'])}"
        )
    return f"the stimuli are missing, {SHIFTED_SETS[CUE_CONFLICT].how} as data.shifted.{CUE_CONFLICT}.path"


def why_no_autoattack(study: Study, dataset: str) -> str | None:
    """Return why AutoAttack, or the subsets of it that the config asks for, cannot attack models of a data set."""
    classes = len(study.class_names(dataset))
    # Those of an archive are counted by the jobs that have read it.
    return why_too_few_classes(study.evaluation(dataset).get("autoattack", []), classes, dataset) if classes else None


def why_no_top_5(study: Study, dataset: str) -> str | None:
    """Return why a data set cannot have the suite `top_5`."""
    classes = len(study.class_names(dataset))
    # Those of an archive are counted by the jobs that have read it.
    return f"it has {classes} classes, so that every answer would count" if 0 < classes <= 5 else None


def why_no_filters(study: Study, dataset: str) -> str | None:
    """Return why no model of a data set can have the suite `filters`."""
    models = study.models_without_filters.get(dataset)
    return f"{_WITHOUT_FILTERS} in {join(models)}" if models else None


def why_no_filters_in_model(study: Study, run: Run) -> UnservedRun | None:
    """Return why a run cannot have the suite `filters`."""
    return None if study.has_filters(run) else UnservedRun(run.model, f"{_WITHOUT_FILTERS} in it")


def why_no_filter_graph(study: Study, run: Run) -> UnservedRun | None:
    """Return why a run cannot have the suite `filter_quality`."""
    normalisation = study.variants.get(study.origin(run).variant, {}).get("normalisation")
    if isinstance(normalisation, dict) and normalisation["method"] == "convnorm":
        return UnservedRun(
            run.variant, "an image meets no convolution of its own in a layer of convnorm", "the variants "
        )
    return why_no_filters_in_model(study, run)


def check_shifted_sets(study: Study, datasets: list[str], where: str) -> None:
    """Check that each shifted set that is asked for on all data sets is shown to the models of one.

    Raises:
        InputError: one is shown to none.
    """
    if f"{where}.sets" == _WHERE:
        for name in study.config["evaluation"]["out_of_distribution"]["sets"]:
            _refuse_set(study, name, datasets)


def radius_remarks(study: Study) -> list[str]:
    """Return remarks on radii of frequency filters around all frequencies that a data set's images have."""
    said = []
    for dataset in study.datasets:
        settings = study.settings("frequency_filtered", dataset) or {"radii": {}}
        side, mask = study.dataset(dataset).image_size, settings.get("mask", "strict")
        for kind, is_done in (("low", "kept"), ("high", "left out")):
            beyond = [f"{radius:g}" for radius in settings["radii"].get(kind, []) if disc_has_all(side, radius, mask)]
            if beyond:
                said.append(
                    f"evaluation.frequency_filtered.radii.{kind}: with {join(beyond)} all frequencies of {dataset} "
                    f"are {is_done}, as its images of {side} pixels end at {highest_radius(side):.1f} cycles per "
                    "image"
                )
    return said


def check_measurable(study: Study) -> None:
    """Check that what a config asks for is measured on at least one data set, and where one is named on that.

    Raises:
        InputError: something is not; the sentence says why.
    """
    for dataset in study.datasets:
        for suite in requested_suites(_own_suites(study, dataset)):
            _refuse(study, suite, [dataset], f"evaluation.datasets.{dataset}.{suite}")
    for suite in requested_suites(study.config["evaluation"]):
        _refuse(study, suite, _general_datasets(study, suite), f"evaluation.{suite}")


def remarks(study: Study) -> list[str]:
    """Return sentences about what a config has and nothing comes of, each to be said once before the first job."""
    left_out = [*_unmeasured_suites(study), *_unserved_runs(study), *_unlisted_sources(study)]
    suite_remarks = [said for suite in SUITES.values() if suite.remarks for said in load(suite.remarks)(study)]
    own = own_settings(study.config)
    suite_remarks += [
        say_own_keys(study.config, said)
        for suite in own
        if SUITES[suite].remarks
        for said in load(SUITES[suite].remarks)(study.of_snapshots)
    ]
    return [
        *left_out,
        *suite_remarks,
        *front_end_remarks(study),
        *_replaced_settings(study),
        *_idle_switches(study),
        *_generated_corruptions(study),
        *_unused_entries(study),
    ]


def requested_suites(evaluation: Mapping[str, Any]) -> list[str]:
    """Return the suites that a section `evaluation`, or an entry of its `datasets`, asks for, in the suites' order."""
    return [suite for suite in SUITES if evaluation.get(suite, False) is not False]


def _refuse(study: Study, suite: str, datasets: list[str], where: str) -> None:
    """Refuse a suite that none of some data sets can have."""
    reasons = {dataset: why_not(study, suite, dataset) for dataset in datasets}
    if reasons and None not in reasons.values():
        said = "; ".join(
            f"{join(names)} cannot have it: {reason}" for reason, names in _group_by_reason(reasons).items()
        )
        raise InputError(f"{where}: {said}; otherwise leave it out")
    if check := SUITES[suite].check:
        load(check)(study, datasets, where)


def _refuse_set(study: Study, name: str, general: list[str]) -> None:
    """Refuse a shifted set that is shown to the models of no data set; `general` have no sets of their own.

    One that is for a data set alone on which the suite is switched off waits for that to change.
    """
    waiting = [dataset for dataset in study.datasets if _own_suites(study, dataset).get("out_of_distribution") is False]
    if any(study.is_shifted_for(name, dataset) for dataset in (*general, *waiting)):
        return
    base = study.shifted_set(name).shift_of
    if any(study.is_shifted_for(name, dataset) for dataset in study.datasets):
        raise InputError(f"{_WHERE}: {name} is shown to no model, as evaluation.datasets has sets for {base}")
    remedies = {found for dataset in general if (found := remedy(study, dataset, [base]))}
    raise InputError(
        f"{_WHERE}: {name} is for models of {base}'s classes, and no experiment has a data set of them: leave it out"
        f"{min(remedies, default='')}"
    )


def _own_suites(study: Study, dataset: str) -> dict:
    """What is asked of one data set by name."""
    return study.config["evaluation"].get("datasets", {}).get(dataset, {})


def _general_datasets(study: Study, suite: str) -> list[str]:
    """The data sets that a suite under `evaluation` is for: those that have no settings of their own for it."""
    return [dataset for dataset in study.datasets if suite not in _own_suites(study, dataset)]


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


def _unmeasured_suites(study: Study) -> list[str]:
    said = []
    for suite in requested_suites(study.config["evaluation"]):
        asked = [dataset for dataset in study.datasets if suite in study.evaluation(dataset)]
        reasons = {dataset: why_not(study, suite, dataset) for dataset in asked}
        missing = {dataset: reason for dataset, reason in reasons.items() if reason is not None}
        said += [
            f"evaluation.{suite}: not for {join(names)}: {reason}"
            for reason, names in _group_by_reason(missing).items()
        ]
    return said


def _unlisted_sources(study: Study) -> list[str]:
    """Variants and checkpoints that an experiment has others made from, and not themselves."""
    made: dict[str, dict[str, None]] = defaultdict(dict)
    for run in study.runs:
        if not study.has_run(study.origin(run)):
            made[study.origin(run).variant][run.variant] = None
    return [
        f"experiments: {source} is made only for {join(names)}, and not evaluated: list it as well to compare them"
        for source, names in made.items()
    ]


def _unserved_runs(study: Study) -> list[str]:
    said = []
    for suite in SUITES:
        asked = [run for run in study.runs if suite in study.suites(run.dataset) and study.is_wanted(suite, run)]
        groups: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
        for name, reason, kind in filter(None, (why_not_run(study, suite, run) for run in asked)):
            groups[kind, reason][name] = None
        said += [f"evaluation.{suite}: not for {kind}{join(names)}: {why}" for (kind, why), names in groups.items()]
    return said


def _replaced_settings(study: Study) -> list[str]:
    """Settings of all that do not hold for a data set or for snapshots, which have their own of the same suite."""
    general = study.config["evaluation"]
    replacing = [
        (dataset, f"evaluation.datasets.{dataset}.{key}", key, own)
        for dataset in study.datasets
        for key, own in _own_suites(study, dataset).items()
    ]
    replacing += [
        ("snapshots", say_own_keys(study.config, f"evaluation.{key}:").removesuffix(":"), key, own)
        for key, own in own_settings(study.config).items()
    ]
    return [
        f"evaluation.{key}.{name}: not for {what}: {where} replaces evaluation.{key} as a whole, repeat there what "
        "shall hold"
        for what, where, key, own in replacing
        for name in _lost_keys(general.get(key), own)
    ]


def _idle_switches(study: Study) -> list[str]:
    """What is switched off and nothing asks for, or is asked for and switched off everywhere."""
    general = study.config["evaluation"]
    off = {
        dataset: [key for key, own in _own_suites(study, dataset).items() if own is False] for dataset in study.datasets
    }
    idle = [
        f"evaluation.datasets.{dataset}.{key}: false changes nothing, as evaluation has no {key}"
        for dataset, keys in off.items()
        for key in keys
        if key not in general
    ]
    unused = [key for key in general if off and all(key in keys for keys in off.values())]
    unwanted = [
        key
        for key in (*requested_suites(general), *(["perturbations"] if "perturbations" in general else []))
        if study.experiments and not any(study.wants(experiment, key) for experiment in study.experiments)
    ]
    return [
        *idle,
        *(f"evaluation.{key}: {_UNUSED}, as evaluation.datasets says {key}: false of each" for key in unused),
        *(f"evaluation.{key}: {_UNUSED}, as no experiment has it among its suites" for key in unwanted),
    ]


def _lost_keys(general: Any, own: Any) -> list[str]:
    """The keys of a mapping, and of mappings in it, that another one lacks."""
    if not isinstance(general, dict) or not isinstance(own, dict):
        return []
    inside = [f"{key}.{name}" for key in general if key in own for name in _lost_keys(general[key], own[key])]
    return [*(key for key in general if key not in own), *inside]


def _generated_corruptions(study: Study) -> list[str]:
    """Data sets whose corrupted images are made here although the config wants published ones."""
    if study.config.get("data", {}).get("corruptions") != "published":
        return []
    if not any("corruption" in study.suites(name) for name in study.datasets):
        return [f"data.corruptions: {_UNUSED}"]
    names = [
        name for name in study.datasets if name not in PUBLISHED_CORRUPTIONS and "corruption" in study.suites(name)
    ]
    return [f"data.corruptions: made here for {join(names)}, of which nobody has published any"] if names else []


def _unused_entries(study: Study) -> list[str]:
    """Sections without experiments, and entries that no experiment has or no evaluation shows."""
    if not study.experiments:
        # Detections have claims of their own, and with GANs and some fits they have images under `data`.
        sections = ["variants", "checkpoints", "training", "evaluation"]
        has_images = any(grid.datasets for grid in study.grids.values())
        sections += [] if study.detections.runs else ["claims"] if has_images else ["data", "claims"]
        return [
            f"{section}: {_UNUSED}, as there are no experiments" for section in sections if study.config.get(section)
        ]
    shifted = {entry.name: entry for dataset in study.datasets for entry in study.shifted_sets(dataset)}
    stimuli = [dataset for dataset in study.datasets if "cue_conflict" in study.suites(dataset)]
    shown = {*shifted, *(entry.name for entry in map(study.stimuli, stimuli) if entry)}
    used = {*study.datasets, *(entry.dataset for entry in shifted.values())}
    data = study.config.get("data", {})
    listed = (experiment.get("variants", []) for experiment in study.config["experiments"].values())
    variants = {*itertools.chain.from_iterable(listed), *(run.variant for run in study.all_runs)}
    sections = {
        "data.datasets": (data.get("datasets", {}), used),
        "data.raw": (data.get("raw", {}), used),
        "data.shifted": (data.get("shifted", {}), shown),
        "evaluation.datasets": (study.config["evaluation"].get("datasets", {}), used),
        "training.datasets": (study.config.get("training", {}).get("datasets", {}), used),
        "variants": (study.config.get("variants", {}), variants),
        "checkpoints": (study.checkpoints, variants),
        "training.models": (study.config.get("training", {}).get("models", {}), {run.model for run in study.runs}),
    }
    return [
        f"{section}.{name}: {_UNUSED}"
        for section, (names, used_names) in sections.items()
        for name in names
        if name not in used_names
    ]


def _group_by_reason(reasons: dict[str, str]) -> dict[str, list[str]]:
    """Data sets by the reason that they have in common."""
    groups: dict[str, list[str]] = defaultdict(list)
    for dataset, reason in reasons.items():
        groups[reason].append(dataset)
    return groups


def join(names: list[str] | dict[str, None]) -> str:
    """Return one name or more as a list in a sentence: a, b and c."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
