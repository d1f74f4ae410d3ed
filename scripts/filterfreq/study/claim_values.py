"""The values that a claim names: what a parameter can be, and what a study measures."""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from filterfreq.analysis.claim_measures import HIGHEST, SHOWN_BATCH_NORM
from filterfreq.data.shifted.imagenet_categories import CATEGORIES
from filterfreq.evaluation.adaptive_settings import measured_values
from filterfreq.evaluation.corruptions import CORRUPTIONS, SEVERITIES
from filterfreq.evaluation.regions_settings import regions_attack
from filterfreq.evaluation.registry import TYPES
from filterfreq.evaluation.response_settings import PEAKS, complete_settings
from filterfreq.runtime.errors import InputError, list_some, unknown_name
from filterfreq.study.study import Study
from filterfreq.training.attack_names import attack_name
from filterfreq.training.epsilon import parse_epsilon
from filterfreq.training.snapshot_names import parse_snapshot

_NUMBERS = (*TYPES, "epsilon_value")
_FREQUENCIES = ("horizontal", "vertical")
_VALUES: Mapping[str, tuple] = {
    "corruption": tuple(CORRUPTIONS),
    "severity": SEVERITIES,
    "origin": ("generated", "published"),
    "norm": ("linf", "l2"),
    "cue": ("shape", "texture"),
    "pass": ("original", "low", "high"),
    "split": ("test", "train"),
    "mask": ("strict", "non_strict"),
    "rescale": ("none", "released"),
    "part": ("leading", "trailing"),
    "path": ("attack", "random"),
    "output": ("logit", "probability"),
}
_INFINITY = float("inf")
# Of layers, whose number only their models know, the least and the largest value that can be.
_LIMITS: Mapping[str, tuple[float, float]] = {
    "depth": (0, 1),
    "conv_depth_norm": (0, 1),
    "conv_depth": (0, _INFINITY),
    "index": (0, _INFINITY),
}
_LISTED = 40  # values that a sentence lists
# What a claim with one of these keys cannot have beside it.


def check_wanted(where: str, key: str, wanted: Any) -> None:
    """Refuse values that no parameter of that name can have.

    Args:
        where: the key's place in the file, for the message.
        key: the parameter.
        wanted: a value, a list of them, or a range: a mapping with `from` and `to`.

    Raises:
        InputError: one is of another kind than the parameter's.
    """
    if isinstance(wanted, dict):
        if key not in _NUMBERS:
            raise InputError(
                f"{where}: only numbers have a range, as {', '.join(_NUMBERS)}: list the values of {key} instead"
            )
        if wanted.get("from", -_INFINITY) > wanted.get("to", _INFINITY):
            raise InputError(f"{where}: no number lies from {wanted['from']:g} to {wanted['to']:g}, swap them")
        return
    for value in _make_list(wanted):
        if key in _NUMBERS and isinstance(value, str) and not (key in _FREQUENCIES and value == HIGHEST):
            word = f", or the word {HIGHEST}" if key in _FREQUENCIES else ""
            raise InputError(f"{where}: {value!r} is text, write a number without quotes{word}")
        if key in _VALUES and value not in _VALUES[key]:
            raise prefix_error(where, unknown_name(key, value, map(str, _VALUES[key])))
        if key == "epsilon":
            try:
                parse_epsilon(str(value))
            except InputError as error:
                raise prefix_error(where, error) from error


def check_measured(where: str, measure: Mapping[str, Any], study: Study) -> None:
    """Refuse a value that the study asks its suite for and does not measure.

    Args:
        where: the measure's place in the file, for the message.
        measure: as a claim has it, see `schemas/claims.schema.yaml`.
        study: what measures it.

    Raises:
        InputError: a value or a range that no result of the study can have.
    """
    suite = measure["suite"]
    datasets = [dataset for dataset in study.datasets if suite in study.suites(dataset)]
    if "over_training" in measure:
        _check_snapshots(f"{where}.over_training", measure, study)
        study = study.of_snapshots
    for entry in measure.get("where", []) if datasets else []:
        for key, wanted in entry.items():
            path = f"{where}.where.{key}"
            known = _measured_values(study, suite, key, datasets)
            if isinstance(wanted, dict):
                low, high = wanted.get("from", -_INFINITY), wanted.get("to", _INFINITY)
                if key in _LIMITS:
                    _check_limits(path, key, low, high)
                if known is not None and not any(low <= value <= high for value in known):
                    what = list_some(f"{value:g}" for value in known)
                    raise InputError(f"{path}: no {key} that is measured lies in this range, they are {what}")
                continue
            for value in _make_list(wanted) if key in _LIMITS else ():
                _check_limits(path, key, value, value)
            known = known and [*known, *([SHOWN_BATCH_NORM] if key == "batch_norm" else [])]
            known = known and [*known, *([HIGHEST] if key in _FREQUENCIES else [])]
            for value in _make_list(wanted) if known is not None else ():
                as_epsilons = {parse_epsilon(epsilon) for epsilon in known} if key == "epsilon" else ()
                is_there = parse_epsilon(str(value)) in as_epsilons if key == "epsilon" else value in known
                if not is_there:
                    raise _unmeasured(path, suite, value, known)


def _check_limits(where: str, key: str, low: float, high: float) -> None:
    """Refuse a range that no layer of any model can lie in."""
    least, most = _LIMITS[key]
    if low > most or high < least:
        what = f"from {least} to {most}" if most < _INFINITY else f"{least} or more"
        raise InputError(f"{where}: no {key} lies in this range, they are {what}")


def _check_snapshots(where: str, measure: Mapping[str, Any], study: Study) -> None:
    """Refuse an epoch that no training keeps a snapshot of, where the suite measures snapshots.

    The epoch of a batch is known once its training has begun: one that is no whole number is refused nowhere.
    """
    suite, epoch = measure["suite"], measure["over_training"].get("at")
    runs = [run for run in study.runs if suite in study.suites_over_training(run)]
    names = dict.fromkeys(name for run in runs for name in study.snapshots(run))
    epochs = sorted(number for unit, number in map(parse_snapshot, names) if unit == "epoch")
    if runs and epoch is not None and float(epoch).is_integer() and epoch not in epochs:
        raise InputError(
            f"{where}.at: no training keeps a snapshot of epoch {epoch:g}, they do of "
            f"{list_some(map(str, epochs), most=_LISTED)}: correct the claim, or add it to snapshots"
        )


def _unmeasured(where: str, suite: str, value: Any, known: list) -> InputError:
    """The error for a value that a suite could have and the study does not ask for; a misspelt one is offered right."""
    names = [name for name in map(str, known) if _digits(name) == _digits(str(value))]
    close = difflib.get_close_matches(value, names, n=1) if isinstance(value, str) else []
    hint = f"did you mean {close[0]!r}?" if close else "correct the claim, or add it there"
    measured = list_some(map(str, known), most=_LISTED)
    return InputError(f"{where}: {value!r} is not measured, evaluation.{suite} of this config has {measured}: {hint}")


def _digits(text: str) -> str:
    """What must be the same in a text and its misspelling: `pgd-20` is none of `pgd-10`."""
    return re.sub(r"\D", "", text)


def _measured_values(study: Study, suite: str, key: str, datasets: list[str]) -> list | None:
    """Return the values that a parameter has in the results of a suite; None where they are not known beforehand."""
    attacks = [attack for dataset in datasets for of, _, attack in study.attacks(dataset) if of == suite]
    settings = [study.settings(suite, dataset) for dataset in datasets]
    if suite == "regions":
        attacks = [regions_attack(of) | {"epsilons": [of["epsilon"]]} for of in settings]
    known: Iterable | None = _VALUES.get(key)
    if suite == "adaptive" and key not in ("split", "images"):
        known = [value for of in settings for value in measured_values(of)[key]]
    elif key == "attack":
        known = map(attack_name, attacks)
    elif key == "norm":
        known = [attack["norm"] for attack in attacks]
    elif key in ("epsilon", "epsilon_value"):
        known = [epsilon for attack in attacks for epsilon in attack["epsilons"]]
        known = map(parse_epsilon, known) if key == "epsilon_value" else known
    elif key == "source":
        known = [of["source"] for of in settings]
    elif key == "pass":
        known = [kind for of in settings for kind in of["radii"]]
    elif key == "radius":
        known = [radius for of in settings for radii in of["radii"].values() for radius in radii]
    elif suite == "frequency_filtered" and key in ("mask", "rescale"):
        known = [of[key] for of in settings if key in of]
    elif suite == "frequency_filtered" and key == "split":
        known = [split for of in settings for split in of.get(key, ())]
    elif key == "rank":
        known = [rank for of in settings for rank in of.get("svd", ())]
    elif suite == "band_noise" and key == "band":
        known = [kind for of in settings for kind in of["bandwidths"]]
    elif suite == "band_noise" and key == "bandwidth":
        known = [0, *(bandwidth for of in settings for several in of["bandwidths"].values() for bandwidth in several)]
    elif suite == "line_spectrum" and key == "unit":
        known = [of.get("unit", "normalised") for of in settings]
    elif suite == "line_spectrum" and key == "length":
        known = [of["length"] for of in settings]
    elif suite in ("response_frequency", "filtered_response") and key == "output":
        known = [of.get("output", "probability") for of in settings]
    elif suite in ("response_frequency", "filtered_response") and key == "split":
        known = [split for of in settings for split in of.get("split", ["train"])]
    elif suite == "response_frequency" and key == "class":
        known = [of.get("class", 0) for of in settings]
    elif suite == "response_frequency" and key == "chosen":
        chosen = [complete_settings(of, name)["chosen"] for of, name in zip(settings, datasets, strict=True)]
        known = range(max(PEAKS + 1 if one == "peaks" else len(one) for one in chosen))
    elif suite == "filtered_response" and key == "delta":
        known = [delta for of in settings for delta in of["deltas"]]
    elif suite == "filter_quality" and key in _FREQUENCIES:
        known = range(3)  # of 3x3 filters
    elif key == "batch_norm":
        known = [way for of in settings for way in of["batch_norm"]]
    elif key == "set":
        known = [entry.name for dataset in datasets for entry in study.shifted_sets(dataset)]
    elif key == "category":
        own = [study.dataset(dataset) for dataset in datasets]
        known = ["overall"] + [name for entry in own if entry.cue_conflict for name in entry.classes]
        known += [] if all(entry.cue_conflict for entry in own) else CATEGORIES
    return None if known is None else list(dict.fromkeys(known))


def _make_list(wanted: Any) -> list:
    return wanted if isinstance(wanted, list) else [wanted]


def prefix_error(where: str, error: InputError) -> InputError:
    """Return an error whose sentence begins with a key of a claim."""
    return InputError(f"{where}: {error}")
