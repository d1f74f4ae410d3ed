"""What a config, a file of claims and the records that jobs leave must be, in one sentence where they are not.

All functions raise `InputError`; `where` and `path` name what the sentence begins with.
"""

import json
import math
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from filterfreq.runtime.errors import InputError, unknown_name
from filterfreq.runtime.files import read_json
from filterfreq.runtime.text import is_one_line, one_line

_PACKAGE = Path(__file__).parents[1]
# Beside scripts/ in a checkout; inside the package where it was installed alone.
SCHEMAS = next(path for path in (_PACKAGE / "schemas", _PACKAGE.parents[1] / "schemas") if path.is_dir())

_MOST_TOLD = 10  # mistakes
_LONGEST_PATH = 150  # characters of one in a sentence
_LONGEST_TEXT = 4096  # characters, which is also the longest path on Linux
_DEEPEST = 50  # lists and objects inside each other
# Both by what YAML makes of a word.
_KINDS = {
    bool: "yes or no",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a mapping",
    type(None): "nothing",
    date: "a date",
    datetime: "a date",
}
_TYPES = {
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
_RELATIONS = {
    "minimum": "at least",
    "exclusiveMinimum": "greater than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
}
# The same in C, where it is there: planning waits for it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LARGEST_INTEGER = 2**63 - 1  # of the integers of arrays, tables and seeds


def _is_integer(checker: Any, value: Any) -> bool:
    # JSON schema takes 10.0 for one, too, which no array or range of ours does.
    return isinstance(value, int) and not isinstance(value, bool)


def _check_unique(validator: Validator, wanted: bool, values: Any, schema: dict) -> Iterator[ValidationError]:
    # jsonschema compares each with each, which takes hours for many objects.
    if wanted and isinstance(values, list):
        alike = {json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else value for value in values}
        if len(alike) < len(values):
            yield ValidationError("has the same value twice")


_Validator = extend(
    Draft202012Validator,
    {"uniqueItems": _check_unique},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)


def load_schema(path: Path) -> Validator:
    """Return the validator of a schema of this project, in which only a number without a point is an integer."""
    return _Validator(yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER))  # noqa: S506


def read_record(path: str | Path, kind: str, remedy: str = "delete it and run again") -> dict[str, Any]:
    """Read JSON that a job of this project has written, and check all that it says.

    Args:
        path: the file.
        kind: its schema is `schemas/<kind>.schema.yaml`.
        remedy: what to do when it cannot be read or says something impossible, for the message.

    Raises:
        InputError: the file is missing, damaged, was changed since it was written, or does not fit its schema.
    """
    record = read_json(path, remedy)
    try:
        check_values(record, [])
        check_schema(_validator(kind), record, "it")
    except InputError as error:
        raise InputError(f"{path} is damaged or not what it should be ({error}): {remedy}") from error
    return record


@cache
def _validator(kind: str) -> Validator:
    return load_schema(SCHEMAS / f"{kind}.schema.yaml")


def check_values(value: Any, path: list[str]) -> None:
    """Refuse what no key and no value can be, whatever the schema says: they stand in logs, tables and commands.

    Lists and objects are at most 50 deep in each other. Keys are text. Text is one line of at most 4,096 characters,
    integers are of 64 bits, numbers are finite, and there is nothing but text, numbers, true, false, null, lists and
    objects.
    """
    where = ".".join(path) or "config"
    if len(path) > _DEEPEST:
        raise InputError(f"{where}: its lists and objects are more than {_DEEPEST} deep in each other: unnest it")
    if isinstance(value, dict):
        for key, item in value.items():
            check_values(key, path)
            if not isinstance(key, str):
                kind = _KINDS.get(type(key), "something else")
                raise InputError(
                    f"{where}: the name {key} is not text to YAML, but {kind}: write it in quotes, as in '{key}'"
                )
            check_values(item, [*path, key])
    elif isinstance(value, list):
        for number, item in enumerate(value):
            check_values(item, [*path, str(number)])
    elif isinstance(value, str):
        if not is_one_line(value):
            raise InputError(f"{where}: {value!r} holds a control character or a second line, remove it")
        if len(value) > _LONGEST_TEXT:
            raise InputError(f"{where}: the text has {len(value)} characters, it must have at most {_LONGEST_TEXT}")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise InputError(f"{where}: {value} is no finite number")
    elif isinstance(value, int):
        if abs(value) > _LARGEST_INTEGER:
            raise InputError(f"{where}: the number has more than 63 bits, it must be at most {_LARGEST_INTEGER}")
    elif value is not None:
        raise InputError(f"{where}: a {type(value).__name__} means nothing here, write text in quotes or a number")


def check_schema(
    validator: Validator, instance: Any, where: str, *, prefix_only: bool = False, every: bool = False
) -> None:
    """Refuse what does not fit a schema, with the one thing that is best to say of it, or with all.

    Args:
        validator: the schema's, or that of a part of it.
        instance: what was read.
        where: its name, for what is wrong with the whole of it.
        prefix_only: `where` is all that the sentence names, whatever the key within `instance`.
        every: tell each mistake, up to ten, in a line of its own.
    """
    errors = _sort_as_written(validator.iter_errors(instance), instance)
    if not errors:
        return
    groups = _group_by_key(errors) if every else [errors]
    path = where if prefix_only else None
    told = [sentence for group in groups for error in _best(group) for sentence in _say(error, where, path)]
    left = len(told) - _MOST_TOLD
    raise InputError(*(told[:_MOST_TOLD] + [f"and {left} more"] * (left > 0) if every else told[:1]))


def _sort_as_written(errors: Iterable[ValidationError], instance: Any) -> list[ValidationError]:
    """The errors in the order in which their values are written."""
    numbers: dict[int, dict] = {}  # of the keys of each mapping

    def position(error: ValidationError) -> list[int]:
        value, found = instance, []
        for part in error.absolute_path:
            if isinstance(value, dict) and id(value) not in numbers:
                numbers[id(value)] = {key: number for number, key in enumerate(value)}
            found.append(part if isinstance(value, list) else numbers[id(value)][part])
            value = value[part]
        return found

    return sorted(errors, key=position)


def _group_by_key(errors: list[ValidationError]) -> list[list[ValidationError]]:
    """The errors of each key; of a list those of its first wrong value, as what is wrong with one often is with all."""
    groups: dict[tuple, list[ValidationError]] = {}
    for error in errors:
        keys = [*error.absolute_path]
        while keys and isinstance(keys[-1], int):
            keys.pop()
        group = groups.setdefault(tuple(keys), [])
        if not group or group[0].absolute_path == error.absolute_path:
            group.append(error)
    return list(groups.values())


def _best(errors: list[ValidationError]) -> list[ValidationError]:
    """The errors of some that are best to tell: of unknown keys, else one and those of missing keys.

    A misspelt key is missing under its right name too; the unknown one is the better thing to say.
    """
    unknown = [error for error in errors if error.validator == "additionalProperties"]
    best = best_match(errors)
    return unknown or [best, *(error for error in errors if error.validator == "required" and error is not best)]


def _say(error: ValidationError, where: str, path: str | None) -> list[str]:
    """What to say of an error: one sentence, or one for each unknown key; `path` replaces the error's own."""
    path = path or one_line(".".join(str(part) for part in error.absolute_path), _LONGEST_PATH) or where
    if error.validator == "additionalProperties":
        unknown = [key for key in error.instance if key not in error.schema.get("properties", {})]
        return [f"{path}: {_sentence_on_key(key, error.schema)}" for key in unknown]
    # What a schema says beside its rules, of values that are written wrongly again and again.
    hint = (
        error.schema.get("hint")
        if error.validator in ("type", "pattern", "anyOf", "oneOf", "not", *_RELATIONS)
        else None
    )
    if error.validator == "type" and not hint:
        hint = _how_to_write(error.instance, error.validator_value)
    return [f"{path}: {_sentence(error)}" + (f": {hint}" if hint else "")]


def _sentence_on_key(name: str, schema: dict) -> str:
    """What to say of a key that a mapping cannot have."""
    # What a schema says of keys that earlier versions had.
    now = schema.get("renamed", {}).get(name)
    if now:
        return f"the key {name!r} has another name now: write {now}"
    # What it says of keys that could be looked for here.
    refused = schema.get("refused", {}).get(name)
    return refused or str(unknown_name("key", name, schema.get("properties", {})))


def _sentence(error: ValidationError) -> str:
    value, wanted = error.instance, error.validator_value
    match error.validator:
        case "enum":
            return f"{value!r} is none of {', '.join(str(choice) for choice in wanted)}"
        case "const":
            return f"{value!r} is not {wanted!r}"
        case "minItems" | "maxItems" if wanted > 1:
            relation = "least" if error.validator == "minItems" else "most"
            return f"has {len(value)} values, it must have at {relation} {wanted}"
        case "minItems" | "minProperties":
            return "is empty, give at least one value"
        case "minLength":
            return "is empty, write something"
        case "maxLength":
            return f"the text has {len(value)} characters, it must have at most {wanted}"
        case rule if rule in _RELATIONS:
            return f"{value} is out of range, it must be {_RELATIONS[rule]} {wanted}"
        case "required":
            return error.message.replace(" is a required property", " is missing")
        case "dependentRequired":
            key, needed = next(
                (key, name) for key in wanted for name in wanted[key] if key in value and name not in value
            )
            return f"{needed!r} is missing, which {key!r} needs: write it, or leave {key!r} out"
        case "pattern":
            return f"{value!r} cannot stand here"
        case "type" if value is None:
            return f"has no value, write one{' ({} for one without settings)' if wanted == 'object' else ''}"
        case "type" if isinstance(value, float) and value.is_integer() and wanted == "integer":
            return f"{value!r} has a point, it must be a whole number"
        case "type":
            types = [wanted] if isinstance(wanted, str) else wanted
            return f"{value!r} is {_KINDS[type(value)]}, it must be {' or '.join(_TYPES[name] for name in types)}"
        case "uniqueItems":
            return error.message
        case _ if isinstance(value, bool | int | float | str):
            return f"{value!r} cannot stand here"
        case _:
            return "this value cannot stand here"


def _how_to_write(value: Any, wanted: str | list[str]) -> str | None:
    """How to write a value of another type than its schema's, where that can be seen."""
    match value, wanted if isinstance(wanted, str) else wanted[0]:
        case float(), "integer" if value.is_integer():
            return f"write {int(value)}"
        case str(), "integer" if isinstance(_number(value), int):
            return f"write {_number(value)}"
        case str(), "number" if _number(value) is not None:
            return f"write {_number(value)}"
        case bool(), "string":
            return "write it in quotes"
        case int() | float(), "string":
            return f"write '{value}'"
        case str() | int() | float(), "array":
            return f"write [{value if isinstance(value, str) else json.dumps(value)}]"
    return None


def _number(text: str) -> int | float | None:
    """The number that a text shows, as in "1e-2", which is no number to YAML; none where it shows none."""
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        return number if math.isfinite(number) else None
    return None
