"""The schema of a config: the main one, and a fragment for each suite, intervention, surgery, fit and GAN."""

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from jsonschema.protocols import Validator

from filterfreq.runtime.errors import InputError
from filterfreq.runtime.schemas import load_schema
from filterfreq.study.fragments import read_fragments

_FOLDERS = ("suites", "interventions", "surgery", "fits", "gans")


@cache
def config_schema(path: Path) -> Validator:
    """Return the validator of configs, with the fragments that lie in folders beside the main schema.

    A fragment `<key>.yaml` is the schema of one key's value. It may refer to the `$defs` of the main schema. Settings
    of a variant that have a `sweep_label`, here or in the main schema, are keys of an experiment's `sweep`. Of keys
    that a mapping had in earlier versions, its keyword `renamed` says what to write now. Fragments in

    - `suites` go into `evaluation`, into each entry of `evaluation.datasets`, where the value may be false too, and
      into what `evaluation.over_training` lists,
    - `interventions` and `surgery` go into a variant,
    - `fits` and `gans` go into each entry of these; the entry's variants take the same settings, and its sweep those
      that have a `sweep_label`.

    Args:
        path: the main schema, `schemas/config.schema.yaml`.

    Raises:
        InputError: a fragment is no schema, or of a key that is there already; the sentence names its file.
    """
    validator = load_schema(path)
    schema = validator.schema
    evaluation, variant = schema["properties"]["evaluation"], schema["$defs"]["variant"]
    fragments = {folder: read_fragments(path.parent / folder, schema["$defs"]) for folder in _FOLDERS}
    _add(evaluation, fragments["suites"], "schemas/suites")
    of_one = {key: {"if": {"const": False}, "else": fragment} for key, fragment in fragments["suites"].items()}
    _add(evaluation["properties"]["datasets"]["additionalProperties"], of_one, "schemas/suites")
    _add(evaluation["properties"]["over_training"]["items"], fragments["suites"], "schemas/suites")
    _add(variant, fragments["interventions"], "schemas/interventions")
    _add(variant, fragments["surgery"], "schemas/surgery")
    for section in ("fits", "gans"):
        _add_fits(schema["properties"][section]["additionalProperties"], fragments[section], section)
    sweep = schema["properties"]["experiments"]["additionalProperties"]["properties"]["sweep"]
    sweep["properties"] = {key: {"$ref": "#/$defs/values"} for key in sweep_labels(validator)}
    sweep["refused"] = _unswept(key for key, _ in _variant_settings(validator) if key not in sweep["properties"])
    sweep["renamed"] = {
        f"{key}.{old}": f"{key}.{now}"
        for key, section in _variant_sections(validator)
        for old, now in section.get("renamed", {}).items()
    }
    return validator


def variant_schema(schema: Validator) -> Validator:
    """Return the validator of one variant.

    Args:
        schema: of configs.
    """
    return schema.evolve(schema={**schema.schema["$defs"]["variant"], "$defs": schema.schema["$defs"]})


def sweep_labels(schema: Validator) -> dict[str, str]:
    """Return for each setting of a variant that can be swept, such as `penalty.kind`, the form of its label.

    Args:
        schema: of configs.
    """
    return {key: setting["sweep_label"] for key, setting in _variant_settings(schema) if "sweep_label" in setting}


def _variant_settings(schema: Validator) -> Iterator[tuple[str, dict]]:
    """The keys of a variant and the keys in these, such as `penalty.kind`, each with the schema of its value."""
    for key, section in _variant_sections(schema):
        yield key, section
        for name, setting in section.get("properties", {}).items():
            yield f"{key}.{name}", setting


def _unswept(settings: Iterable[str]) -> dict[str, str]:
    """What to say of each setting that a sweep cannot have."""
    return {key: f"{key!r} cannot be swept: write a variant for each of its values" for key in settings}


def _variant_sections(schema: Validator) -> Iterator[tuple[str, dict]]:
    """The keys of a variant, each with the schema of its value."""
    definitions = schema.schema["$defs"]
    for key, part in definitions["variant"]["properties"].items():
        referred = definitions[part["$ref"].rpartition("/")[2]] if "$ref" in part else {}
        yield key, referred | part


def _add(section: dict, fragments: dict[str, dict], folder: str) -> None:
    """Put the fragments of a folder into the schema of a mapping."""
    known = section.setdefault("properties", {})
    for key, fragment in fragments.items():
        if key in known:
            raise InputError(f"{folder}/{key}.yaml: the config has the key {key!r} there already: choose another name")
        known[key] = fragment


def _add_fits(entry: dict, fragments: dict[str, dict], section: str) -> None:
    """Put fragments into the schema of a fit or a GAN, in whose variants no setting is required."""
    _add(entry, fragments, f"schemas/{section}")
    entry["allOf"] = []
    for kind, fragment in fragments.items():
        settings = fragment.get("properties", {})
        if not settings:
            raise InputError(
                f"schemas/{section}/{kind}.yaml: properties: a {section[:-1]} has settings of its own: write their "
                "schemas"
            )
        label = {"type": "string", "minLength": 1}
        values = {key: {"$ref": "#/$defs/values"} for key, setting in settings.items() if "sweep_label" in setting}
        parts = {
            "variants": {"additionalProperties": _closed_mapping({"label": label, **settings})},
            "sweep": _closed_mapping(values) | {"refused": _unswept(settings.keys() - values.keys())},
        }
        entry["allOf"].append({"if": {"required": [kind]}, "then": {"properties": parts}})


def _closed_mapping(properties: dict[str, dict]) -> dict:
    """The schema of a mapping that has no other keys than these."""
    return {"additionalProperties": False, "properties": properties}
