"""The schema of a config: the main one, and a fragment for each suite, intervention, surgery and fit."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml
from jsonschema.protocols import Validator

from filterfreq.runtime.schemas import load_schema


@cache
def config_schema(path: Path) -> Validator:
    """Return the validator of configs, with the fragments that lie in folders beside the main schema.

    A fragment `<key>.yaml` is the schema of one key's value. It may refer to the `$defs` of the main schema, and its
    keyword `needs` lists the keys that must stand beside its own. Settings of a variant that have a `sweep_label`, here
    or in the main schema, are keys of an experiment's `sweep`. Of keys that a mapping had in earlier versions, its
    keyword `renamed` says what they are now. Fragments in

    - `suites` go into `evaluation` and into each entry of `evaluation.datasets`,
    - `interventions` and `surgery` go into a variant, where the latter need `from`,
    - `fits` go into each entry of `fits`; the entry's variants take the same settings, and its sweep those that have a
      `sweep_label`.

    Args:
        path: the main schema, `schemas/config.schema.yaml`.
    """
    validator = load_schema(path)
    schema = validator.schema
    evaluation, variant = schema["properties"]["evaluation"], schema["$defs"]["variant"]
    suites = _fragments(path.parent / "suites")
    _add(evaluation, suites)
    _add(evaluation["properties"]["datasets"]["additionalProperties"], suites)
    _add(variant, _fragments(path.parent / "interventions"))
    _add(variant, _fragments(path.parent / "surgery"), needs=["from"])
    _add_fits(schema["properties"]["fits"]["additionalProperties"], _fragments(path.parent / "fits"))
    sweep = schema["properties"]["experiments"]["additionalProperties"]["properties"]["sweep"]
    sweep["properties"] = {key: {"$ref": "#/$defs/values"} for key in sweep_labels(validator)}
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
    labels = {}
    for key, section in _variant_sections(schema):
        settings = {key: section} | {f"{key}.{name}": inner for name, inner in section.get("properties", {}).items()}
        labels |= {name: setting["sweep_label"] for name, setting in settings.items() if "sweep_label" in setting}
    return labels


def _variant_sections(schema: Validator) -> Iterator[tuple[str, dict]]:
    """The keys of a variant, each with the schema of its value."""
    definitions = schema.schema["$defs"]
    for key, part in definitions["variant"]["properties"].items():
        referred = definitions[part["$ref"].rpartition("/")[2]] if "$ref" in part else {}
        yield key, referred | part


def _fragments(folder: Path) -> dict[str, dict]:
    return {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.yaml"))}


def _add(section: dict, fragments: dict[str, dict], needs: list[str] | None = None) -> None:
    """Put fragments into the schema of a mapping; all of them need the keys in `needs`."""
    section.setdefault("properties", {}).update(fragments)
    for key, fragment in fragments.items():
        needed = [*(needs or []), *fragment.get("needs", [])]
        if needed:
            section.setdefault("dependentRequired", {})[key] = needed


def _add_fits(entry: dict, fragments: dict[str, dict]) -> None:
    """Put fragments into the schema of a fit, in whose variants no setting is required."""
    _add(entry, fragments)
    entry["allOf"] = []
    for kind, fragment in fragments.items():
        settings = fragment["properties"]
        label = {"type": "string", "minLength": 1}
        values = {key: {"$ref": "#/$defs/values"} for key, setting in settings.items() if "sweep_label" in setting}
        parts = {
            "variants": {"additionalProperties": _closed_mapping({"label": label, **settings})},
            "sweep": _closed_mapping(values),
        }
        entry["allOf"].append({"if": {"required": [kind]}, "then": {"properties": parts}})


def _closed_mapping(properties: dict[str, dict]) -> dict:
    """The schema of a mapping that has no other keys than these."""
    return {"additionalProperties": False, "properties": properties}
