"""What the entries of a config must be beyond what its schema says, in one sentence where they are not.

All functions raise `InputError`; `where` is the key that the sentence begins with.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from filterfreq.models.registry import architecture_of
from filterfreq.models.surgery.registry import SURGERY, TRAINED_WITH
from filterfreq.runtime.errors import InputError, run_check
from filterfreq.study.averaging_checks import check_averaging
from filterfreq.training.attack_names import attack_name
from filterfreq.training.epsilon import parse_epsilon
from filterfreq.training.registry import check_interventions

# Of one experiment; Snakemake takes minutes for the jobs of a thousand.
_MOST_RUNS = 100_000

_NORMALISATION = ("mean", "std", "normalisation")

# What each source of a checkpoint needs, and what it understands beside that.
_KEYS_OF_SOURCES = {
    "robustbench": ({"dataset", "threat_model", "name"}, set()),
    "timm": ({"name"}, {"sha256", "weights"}),
    "torchvision": ({"name", "weights"}, {"sha256"}),
    "file": ({"architecture"}, {"path", "url", "sha256", "format", "weights", "rename", *_NORMALISATION}),
    "filters": ({"path"}, {"name", "dataset"}),
}

# What a checkpoint is shown by, whatever its source.
SHOWN = ("label", "model")

# Names that services give to what opens their addresses: access_token, sig, X-Amz-Signature, api_key.
_SECRET = re.compile(r"token|secret|passw|signature|credential|auth(?!or)|^sig$|^key$|[_-]key", re.IGNORECASE)


def check_variant(where: str, variant: dict) -> None:
    """Refuse keys of a variant that contradict each other, or that mean nothing beside the others.

    Of one with `from`, `filterfreq.study.derived.check_derived` says more.
    """
    check_averaging(where, variant)
    if "from" in variant:
        return
    changes = next((key for key in SURGERY if key in variant and key not in TRAINED_WITH), None)
    if changes is not None:
        raise InputError(f"{where}: {changes} changes a finished model: say which one by from: <variant or checkpoint>")
    check_interventions(where, variant)
    if "augmentation" in variant and "augmentation" in variant.get("training", {}):
        raise InputError(f"{where}.training.augmentation: {where}.augmentation says it already, leave one out")


def is_filter_file(entry: Mapping[str, Any]) -> bool:
    """Whether a checkpoint is a file of filters, from which no model that classifies can be made."""
    return entry.get("source") == "filters"


def check_checkpoint(where: str, entry: dict) -> None:
    """Refuse a checkpoint that lacks what its source needs, has what means nothing to it, or does not exist."""
    needed, possible = _KEYS_OF_SOURCES[entry["source"]]
    for key in entry:
        if key not in {"source", *SHOWN} | needed | possible:
            raise InputError(f"{where}.{key}: means nothing to the source {entry['source']}, leave it out")
    missing = sorted(needed - entry.keys())
    if missing:
        raise InputError(f"{where}: {' and '.join(missing)} missing, which the source {entry['source']} needs")
    if entry["source"] == "file" and ("path" in entry) == ("url" in entry):
        raise InputError(f"{where}: give either a path or a url")
    if "url" in entry:
        _check_credentials(f"{where}.url", entry["url"])
    if ("mean" in entry) != ("std" in entry):
        raise InputError(f"{where}: give both mean and std, or neither")
    if entry["source"] == "file" and ("mean" in entry) == ("normalisation" in entry):
        given = "says twice how" if "mean" in entry else "does not say how"
        raise InputError(
            f"{where}: {given} its model normalises images: give mean and std, or normalisation: none for one that "
            "takes them in [0, 1], or normalisation: dataset for the data set's mean and std"
        )
    if entry.get("architecture", "").startswith("robustbench_") and entry.get("normalisation") != "none":
        raise InputError(f"{where}: RobustBench's models normalise images themselves: give normalisation: none")
    if not is_filter_file(entry):
        run_check(architecture_of, entry, where)


def _check_credentials(where: str, url: str) -> None:
    """Refuse an address that holds a secret: addresses stand in records, logs and reports."""
    parts = urlsplit(url)
    named = [key for key, _ in parse_qsl(f"{parts.query}&{parts.fragment}", keep_blank_values=True)]
    secret = next((key for key in named if _SECRET.search(key)), "a user name" if "@" in parts.netloc else None)
    if secret is not None:
        raise InputError(
            f"{where}: holds a credential ({secret}), which would be written into records and logs: "
            "download the file yourself and give its path"
        )


def check_distinct(attacks: list[dict], where: str) -> None:
    """Refuse two attacks of one name in the results that have an epsilon in common, or other images.

    Accuracies of one attack at several epsilons make a curve, whose points must be of the same images.
    """
    seen: set[tuple] = set()
    images: dict[tuple, int | None] = {}
    for number, attack in enumerate(attacks):
        name = attack_name(attack)
        first = images.setdefault((name, attack["norm"]), attack.get("images"))
        if attack.get("images") != first:
            raise InputError(
                f"{where}.{number}.images: {name} in the norm {attack['norm']} sees {attack.get('images', 'all')} "
                f"images here and {first or 'all'} before: give its entries the same"
            )
        for epsilon in attack["epsilons"]:
            key = (name, attack["norm"], parse_epsilon(epsilon))
            if key in seen:
                raise InputError(
                    f"{where}.{number}: an attack with the same steps, start, norm and epsilon {epsilon} is there "
                    "already, leave one out"
                )
            seen.add(key)


def check_main_epsilon(where: str, epsilon: str, attacks: dict[str, list[dict]], dataset: str) -> None:
    """Refuse an epsilon that not all attacks of its norm are measured at; `attacks` are those, by suite."""
    if not any(attacks.values()):
        raise InputError(f"{where}: no attack of this norm is measured on {dataset}, leave it out")
    for suite, entries in attacks.items():
        measured: dict[str, list[str]] = {}
        for entry in entries:
            measured.setdefault(attack_name(entry), []).extend(entry["epsilons"])
        for name, epsilons in measured.items():
            if parse_epsilon(epsilon) not in map(parse_epsilon, epsilons):
                attack = name if name == suite else f"{suite} {name}"
                raise InputError(
                    f"{where}: {epsilon} is not among the epsilons of {attack} on {dataset} ({', '.join(epsilons)}): "
                    f"add it there, or name one that all attacks have in evaluation.datasets.{dataset}.main_epsilons"
                )


def check_number(where: str, what: str, *axes: Sequence) -> None:
    """Refuse a product of lists that is larger than Snakemake can go through, before it is made."""
    number = math.prod(map(len, axes))
    if number > _MOST_RUNS:
        raise InputError(f"{where}: asks for {number} {what}, more than {_MOST_RUNS}: shorten its lists")
