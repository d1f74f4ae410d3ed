"""The schemas of settings that lie in files of their own, one for each suite, intervention, surgery, fit and GAN."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from filterfreq.runtime.errors import InputError, unknown_name
from filterfreq.runtime.schemas import check_schema
from filterfreq.runtime.yaml_files import read_yaml

_JSON_SCHEMA = Draft202012Validator(Draft202012Validator.META_SCHEMA)
# Of JSON Schema, and what this project reads beside that.
_KEYWORDS = (
    *Draft202012Validator.VALIDATORS,
    *("then", "else", "title", "description", "default", "examples", "$comment"),
    *("hint", "refused", "renamed", "sweep_label"),
)
_WITH_SCHEMA = ("items", "additionalProperties", "propertyNames", "contains", "not", "if", "then", "else")
_WITH_SCHEMAS = ("allOf", "anyOf", "oneOf", "prefixItems", "properties", "patternProperties", "dependentSchemas")
_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")
_DEFINITIONS = "#/$defs/"


def read_fragments(folder: Path, definitions: Collection[str]) -> dict[str, dict[str, Any]]:
    """Read the schemas of a folder, by the names of their files.

    Args:
        folder: it has a file `<key>.yaml` for each key.
        definitions: the names of the `$defs` that they may refer to.

    Raises:
        InputError: one is no YAML or no schema, has a keyword that means nothing, or refers to nothing; the sentence
            names the file and where in it.
    """
    fragments = {}
    for path in sorted(folder.glob("*.yaml")):
        file = f"{folder.parent.name}/{folder.name}/{path.name}"
        fragment = read_yaml(path, "correct it")
        if not isinstance(fragment, dict):
            raise InputError(f"{file}: it is no schema: write one, beginning with type: object")
        try:
            _check_keywords(fragment, definitions)
            check_schema(_JSON_SCHEMA, fragment, "it")
        except InputError as error:
            raise InputError(f"{file}: {error}") from error
        fragments[path.stem] = fragment
    return fragments


def _check_keywords(fragment: dict[str, Any], definitions: Collection[str]) -> None:
    """Check what JSON Schema leaves unsaid: that keywords, references and labels mean something."""
    for where, schema in _schemas(fragment):
        for keyword in schema:
            if keyword not in _KEYWORDS:
                raise InputError(f"{where}{keyword}: {unknown_name('keyword', keyword, _KEYWORDS)}")
        types = schema.get("type", [])
        for name in types if isinstance(types, list) else [types]:
            if name not in _TYPES:
                raise InputError(f"{where}type: {unknown_name('type', name, _TYPES)}")
        if "$ref" in schema:
            name = str(schema["$ref"]).removeprefix(_DEFINITIONS)
            if schema["$ref"] != f"{_DEFINITIONS}{name}":
                raise InputError(f"{where}$ref: {schema['$ref']!r} is no reference, write one as '{_DEFINITIONS}count'")
            if name not in definitions:
                raise InputError(f"{where}$ref: {unknown_name('definition of config.schema.yaml', name, definitions)}")
        if schema.get("additionalProperties") is False and isinstance(schema.get("required"), list):
            properties = schema.get("properties", {})
            for name in schema["required"]:
                if name not in properties:
                    raise InputError(f"{where}required: {unknown_name('property', name, properties)}")
        if "sweep_label" in schema and not _has_one_gap(schema["sweep_label"]):
            said = schema["sweep_label"]
            raise InputError(f"{where}sweep_label: {said!r} has not one {{}}, which stands for the value: write it")
        if not isinstance(schema.get("renamed", {}), dict):
            raise InputError(f"{where}renamed: it is {schema['renamed']!r}, write {{old key: new key}}")


def _schemas(schema: Any, where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """A schema and those in it, each after the keys that lead to it."""
    if not isinstance(schema, dict):
        return
    yield where, schema
    for keyword in _WITH_SCHEMA:
        yield from _schemas(schema.get(keyword), f"{where}{keyword}.")
    for keyword in _WITH_SCHEMAS:
        inner = schema.get(keyword)
        named = inner.items() if isinstance(inner, dict) else enumerate(inner if isinstance(inner, list) else ())
        for name, part in named:
            yield from _schemas(part, f"{where}{keyword}.{name}.")


def _has_one_gap(label: Any) -> bool:
    try:
        return label.format("a") != label.format("b")
    except (AttributeError, IndexError, KeyError, ValueError):
        return False
