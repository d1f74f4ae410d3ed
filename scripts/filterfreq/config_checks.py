"""What a config or a file of claims must be, in one sentence where it is not.

All functions raise `InputError`; `where` and `path` name the place that the sentence begins with.
"""

import math
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from filterfreq.epsilon import parse_epsilon
from filterfreq.errors import InputError, unknown
from filterfreq.models.registry import architecture_of
from filterfreq.text import is_one_line, one_line

# What each source of a checkpoint needs, and what it understands beside that.
_KEYS_OF_SOURCES = {
    "robustbench": ({"dataset", "threat_model", "name"}, set()),
    "timm": ({"name"}, {"sha256"}),
    "torchvision": ({"name", "weights"}, {"sha256"}),
    "file": ({"architecture"}, {"path", "url", "sha256", "format", "mean", "std"}),
}

# What a checkpoint is shown by, whatever its source.
SHOWN = ("label", "model")

_KINDS = {
    bool: "yes or no",
    int: "a number",
    float: "a number",
    type(None): "nothing",
    date: "a date",
    datetime: "a date",
}

# Names that services give to what opens their addresses: access_token, sig, X-Amz-Signature, api_key.
_SECRET = re.compile(r"token|secret|passw|signature|credential|auth(?!or)|^sig$|^key$|[_-]key", re.IGNORECASE)

_KEYS_OF_ATTACKS = {
    "fgsm": {"random_start"},
    "pgd": {"random_start", "steps", "relative_step_size"},
    "free": {"replays"},
}


def check_schema(validator: Draft202012Validator, instance: dict, where: str, *, prefix_only: bool = False) -> None:
    """Refuse what does not fit a schema, with the one thing that is best to say of it.

    Args:
        validator: the schema's, or that of a part of it.
        instance: what was read.
        where: its name, for what is wrong with the whole of it.
        prefix_only: `where` is the place, whatever the key within `instance`.
    """
    errors = list(validator.iter_errors(instance))
    if not errors:
        return
    # A misspelt key is missing under its right name too; the unknown one is the better thing to say.
    error = next((error for error in errors if error.validator == "additionalProperties"), best_match(errors))
    path = where if prefix_only else ".".join([*(str(part) for part in error.absolute_path)]) or where
    raise InputError(f"{path}: {_sentence(error)}")


def check_variant(where: str, variant: dict) -> None:
    """Refuse keys of a variant that contradict each other, or that mean nothing beside the others."""
    attack = variant.get("adversarial_training")
    if attack is not None:
        allowed = {"attack", "norm", "epsilon"} | _KEYS_OF_ATTACKS[attack["attack"]]
        for key in attack:
            if key not in allowed:
                raise InputError(
                    f"{where}.adversarial_training.{key}: means nothing to the attack {attack['attack']}, leave it out"
                )
    if "jensen_shannon" in variant and variant["augmentation_policy"] != "augmix":
        raise InputError(
            f"{where}.jensen_shannon: belongs to AugMix, set augmentation_policy to augmix or leave it out"
        )
    exclusive = [key for key in ("mixup", "jensen_shannon", "adversarial_training") if key in variant]
    if len(exclusive) > 1:
        raise InputError(f"{where}: {' and '.join(exclusive)} cannot be combined, leave one out")


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
    explained(architecture_of, entry, where)


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


def check_text(value: Any, path: list[str]) -> None:
    """Refuse keys that are no text, and keys and values of more than one line: they stand in logs, tables, commands."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise InputError(
                    f"{'.'.join(path) or 'config'}: the name {key} is not text to YAML, but "
                    f"{_KINDS.get(type(key), 'something else')}: write it in quotes, as in '{key}'"
                )
            check_text(key, path)
            check_text(item, [*path, str(key)])
    elif isinstance(value, list):
        for number, item in enumerate(value):
            check_text(item, [*path, str(number)])
    elif isinstance(value, str) and not is_one_line(value):
        raise InputError(
            f"{'.'.join(path) or 'config'}: {value!r} holds a control character or a second line, remove it"
        )


def check_finite(value: Any, path: list[str]) -> None:
    """Refuse numbers that YAML knows and no setting can be: infinity and what is no number."""
    if isinstance(value, dict):
        for key, item in value.items():
            check_finite(item, [*path, str(key)])
    elif isinstance(value, list):
        for number, item in enumerate(value):
            check_finite(item, [*path, str(number)])
    elif isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{'.'.join(path)}: {value} is no finite number")


def check_distinct(attacks: list[dict], where: str) -> None:
    """Refuse two attacks that have an epsilon in common and else the same name in the results."""
    seen: set[tuple] = set()
    for number, attack in enumerate(attacks):
        # AutoAttack's name is that of its attacks, or its own.
        name = attack.get("attack") or tuple(attack.get("attacks", ["autoattack"]))
        for epsilon in attack["epsilons"]:
            key = (name, attack.get("steps"), attack["norm"], parse_epsilon(epsilon))
            if key in seen:
                raise InputError(
                    f"{where}.{number}: an attack with the same steps, norm and epsilon {epsilon} is there already, "
                    "leave one out"
                )
            seen.add(key)


def _sentence(error: ValidationError) -> str:
    value = error.instance
    match error.validator:
        case "additionalProperties":
            known = error.schema.get("properties", {})
            name = next(key for key in value if key not in known)
            return str(unknown("key", name, known))
        case "enum":
            return f"{value!r} is none of {', '.join(str(choice) for choice in error.validator_value)}"
        case "minItems" | "minProperties":
            return "is empty, give at least one value"
        case "minimum" | "exclusiveMinimum":
            relation = "at least" if error.validator == "minimum" else "greater than"
            return f"{value} is out of range, it must be {relation} {error.validator_value}"
        case "required" | "dependentRequired":
            return error.message.replace(" is a required property", " is missing")
        case "uniqueItems":
            return "has the same value twice"
        case "maxLength":
            return f"{one_line(value, 60)!r} has {len(value)} characters, write {error.validator_value} at most"
        case "pattern":
            return f"{value!r} is not of the form that is expected here (see schemas/config.schema.yaml)"
        case "type":
            return f"{value!r} is not of type {error.validator_value}"
        case _:
            return error.message


def explained(check: Callable[[Any], object], name: Any, where: str) -> None:
    """Call a check that may refuse a name, and say where in the config the name stands."""
    try:
        check(name)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
