"""The suites that measure snapshots, and the settings that they have for these alone."""

import re
from collections.abc import Mapping
from typing import Any

from filterfreq.evaluation.registry import SUITES
from filterfreq.runtime.errors import InputError

_WHERE = "evaluation.over_training"


def snapshot_suites(config: Mapping[str, Any]) -> list[str]:
    """Return the names of the suites that snapshots are measured with, in the config's order."""
    entries = config["evaluation"].get("over_training", [])
    return [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]


def own_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return for each of these suites that has some its settings for snapshots, by name."""
    entries = config["evaluation"].get("over_training", [])
    return {name: settings for entry in entries if not isinstance(entry, str) for name, settings in entry.items()}


def snapshot_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config that asks of all models what this one asks of snapshots.

    Own settings of a suite replace, as a whole, those of `evaluation` and of each data set that has the suite.

    Args:
        config: one that `filterfreq.study.config.check_form` has accepted.

    Raises:
        InputError: a suite has settings of its own that it cannot have.
    """
    own = own_settings(config)
    for name in own:
        if "corrupted" in SUITES[name].inputs:
            raise InputError(
                f"{_key(config, name)}: corrupted images are made once, for the models and for their snapshots: write "
                f"{name} alone, and say in evaluation.{name} how many are wanted"
            )
    evaluation = _replace(config["evaluation"], own) | {"over_training": snapshot_suites(config)}
    # Of main tables, which show no snapshots.
    evaluation.pop("main_epsilons", None)
    if "datasets" in evaluation:
        evaluation["datasets"] = {
            dataset: {key: value for key, value in _replace(entry, own).items() if key != "main_epsilons"}
            for dataset, entry in evaluation["datasets"].items()
        }
    return {**config, "evaluation": evaluation}


def say_own_keys(config: Mapping[str, Any], sentence: str) -> str:
    """Return a sentence on `snapshot_config` as one on the config: it begins with the key there."""
    for name in own_settings(config):
        begins = rf"evaluation\.(datasets\.[^:]*?\.)?{name}(?=[.:])"
        if re.match(begins, sentence):
            return re.sub(begins, _key(config, name), sentence, count=1)
    return sentence


def _key(config: Mapping[str, Any], suite: str) -> str:
    """The key of a suite's own settings."""
    return f"{_WHERE}.{snapshot_suites(config).index(suite)}.{suite}"


def _replace(section: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """A section `evaluation` with own settings in place of those of the suites that it asks for."""
    return {key: value if value is False else own.get(key, value) for key, value in section.items()}
