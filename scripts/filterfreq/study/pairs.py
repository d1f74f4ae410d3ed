"""Pairs: two runs of an experiment on one data set, a treatment and the control that it is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from filterfreq.runtime.errors import InputError, list_some, unknown_name
from filterfreq.study.experiments import Run, trained_on

if TYPE_CHECKING:
    from collections.abc import Mapping

    from filterfreq.study.study import Study

_NARROWING = ("model", "seed")  # what tells the runs of a variant apart


class Pair(NamedTuple):
    """Two runs on one data set: one that something was done to, and one to compare it with."""

    treatment: Run
    control: Run


def expand_pairs(study: Study, experiment: str) -> list[Pair]:
    """Return the pairs of runs that an experiment names, or those that it includes, on each of its data sets.

    A treatment of several runs, as of a variant with several seeds, makes a pair of each. What its control leaves out,
    model or seed, is then the treatment's, where both are trained here; else the control must be one run.

    Args:
        study: one whose runs are known.
        experiment: the name of one of its experiments.

    Raises:
        InputError: it says how controls count and has no pairs; an entry names no run of the experiment, a control that
            could be several, a run and itself, models trained on two data sets, or a pair that is there already; or
            controls that count once make one observation of several pairs.
    """
    settings = study.config["experiments"][experiment]
    pairs = dict.fromkeys(pair for other in settings.get("includes", []) for pair in expand_pairs(study, other))
    entries = settings.get("pairs", [])
    where = f"experiments.{experiment}.pairs"
    runs = study.experiments[experiment] if entries else []
    datasets = dict.fromkeys(run.dataset for run in runs)
    for number, entry in enumerate(entries):
        for dataset in datasets:
            on_dataset = [run for run in runs if run.dataset == dataset]
            for pair in _pairs_of_entry(study, f"{where}.{number}", entry, on_dataset):
                if pair in pairs:
                    names = " against ".join(map(_name, pair))
                    raise InputError(f"{where}.{number}: the pair {names} is there already, leave one out")
                pairs[pair] = None
    if "controls" in settings and not pairs:
        raise InputError(
            f"experiments.{experiment}.controls: there are no pairs whose controls could count, leave it out"
        )
    for dataset in dict.fromkeys(pair.treatment.dataset for pair in pairs):
        _check_observations(study, experiment, [pair for pair in pairs if pair.treatment.dataset == dataset])
    return list(pairs)


def _pairs_of_entry(study: Study, where: str, entry: Mapping[str, Any], runs: list[Run]) -> list[Pair]:
    """The pairs that one entry makes of the runs on one data set."""
    treatments = _find_runs(f"{where}.treatment", entry["treatment"], runs)
    controls = _find_runs(f"{where}.control", entry["control"], runs)
    left_out = [key for key in _NARROWING if isinstance(entry["control"], str) or key not in entry["control"]]
    pairs = []
    for treatment in treatments:
        possible = controls
        if not any(study.is_downloaded(study.origin(run)) for run in (treatment, controls[0])):
            possible = [
                run for run in controls if all(getattr(run, key) == getattr(treatment, key) for key in left_out)
            ]
        if len(possible) != 1:
            known = {key: dict.fromkeys(str(getattr(run, key)) for run in controls) for key in left_out}
            told = [f"{key} ({list_some(values)})" for key, values in known.items() if len(values) > 1]
            raise InputError(
                f"{where}.control: {controls[0].variant!r} has {len(controls)} runs on {treatment.dataset}, and "
                f"{treatment.variant!r} does not say which one it is compared with: add {' and '.join(told)}"
            )
        pair = Pair(treatment, *possible)
        _check_pair(study, where, pair)
        pairs.append(pair)
    return pairs


def _find_runs(where: str, named: str | Mapping[str, Any], runs: list[Run]) -> list[Run]:
    """The runs that a side of an entry names, at least one."""
    wanted = {"variant": named} if isinstance(named, str) else named
    for key in ("variant", *_NARROWING):
        if key in wanted:
            known = dict.fromkeys(getattr(run, key) for run in runs)
            if wanted[key] not in known:
                path = where if isinstance(named, str) else f"{where}.{key}"
                what = f"{key} of the experiment" if key == "variant" else f"{key} of {wanted['variant']}"
                raise InputError(f"{path}: {unknown_name(what, wanted[key], map(str, known))}")
            runs = [run for run in runs if getattr(run, key) == wanted[key]]
    return runs


def _check_pair(study: Study, where: str, pair: Pair) -> None:
    """Refuse a run and itself, and models that are known to be trained on two data sets."""
    if pair.treatment == pair.control:
        raise InputError(
            f"{where}.control: {_name(pair.control)} is the treatment itself, name what it is compared with"
        )
    bases = [_trained_on(study, run) for run in pair]
    if all(bases) and len(set(bases)) > 1:
        raise InputError(
            f"{where}: {pair.treatment.variant!r} was trained on {bases[0]} and {pair.control.variant!r} on "
            f"{bases[1]}: pair two models of one data set"
        )


def _trained_on(study: Study, run: Run) -> str:
    """The data set that a run's model was trained on, or nothing."""
    origin = study.origin(run)
    return trained_on(study.checkpoints[origin.variant]) if study.is_downloaded(origin) else run.dataset


def _check_observations(study: Study, experiment: str, pairs: list[Pair]) -> None:
    """Refuse several pairs on one data set that are counted as one observation, which has no interval.

    One pair alone is taken: what needs more of them says so in its row.
    """
    dataset = pairs[0].treatment.dataset
    if len(pairs) > 1 and study.counting(experiment) == "once" and len({pair.control for pair in pairs}) == 1:
        raise InputError(
            f"experiments.{experiment}.controls: once makes one observation of the {len(pairs)} pairs on {dataset}, "
            "which have one control, and one has no interval: write each_pair, or add a pair with another control"
        )


def _name(run: Run) -> str:
    return f"{run.dataset}/{run.model}/{run.variant}/seed-{run.seed}"
