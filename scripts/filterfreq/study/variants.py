"""Variants: the bundles that a config names, those that sweeps make of them, and what each is in a run's spec."""

import itertools
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any, NamedTuple

from jsonschema.protocols import Validator

from filterfreq.runtime.errors import InputError
from filterfreq.runtime.schemas import check_schema
from filterfreq.study.config_checks import check_number, check_variant
from filterfreq.study.schema import sweep_labels, variant_schema

Variants = dict[str, dict[str, Any]]

_LONGEST_NAME = 200  # characters of a variant; file systems take 255 bytes


class Swept(NamedTuple):
    """What a sweep made a variant of.

    Attributes:
        where: the sweep's key in the config, such as `experiments.bandwidths.sweep`.
        base: the variant that it changed.
        values: those that it changed, by keys such as `front_end.bandwidth`.
    """

    where: str
    base: str
    values: dict[str, Any]


def config_variants(config: Mapping[str, Any]) -> Variants:
    """Return the variants that a config names, each with a label: its name unless given."""
    return {name: {"label": name, **deepcopy(variant)} for name, variant in config.get("variants", {}).items()}


def sweep_variants(
    where: str, variants: Variants, bases: Iterable[str], sweep: Mapping[str, list], schema: Validator
) -> tuple[Variants, dict[str, Swept]]:
    """Return the variants of an experiment: of each that it lists those that its sweep makes, or the variant itself.

    A sweep changes the settings of the variants that have its keys' sections, be they empty; of several keys, every
    combination makes a variant. A value that a variant has already makes no new one.

    Args:
        where: the experiment's key in the config, which sentences begin with.
        variants: by name, each with its label.
        bases: the names of those that the experiment lists.
        sweep: its lists of values for keys such as `penalty.kind`.
        schema: of configs.

    Returns:
        The variants by name, and of those that the sweep makes what it makes them of.

    Raises:
        InputError: a value does not fit, a name gets too long, or no variant has a key's section.
    """
    found: Variants = {}
    swept: dict[str, Swept] = {}
    used: set[str] = set()
    for base in bases:
        keys = [key for key in sweep if _has_section(variants[base], key)]
        used.update(keys)
        check_number(f"{where}.sweep", "variants", *(sweep[key] for key in keys))
        for values in itertools.product(*(sweep[key] for key in keys)):
            settings = dict(zip(keys, values, strict=True))
            name, variant, changed = _change_variant(where, base, variants[base], settings, schema)
            found.setdefault(name, variant)
            if changed:
                swept[name] = Swept(f"{where}.sweep", base, changed)
    for key in sweep:
        if key not in used:
            section = key.split(".")[0]
            raise InputError(f"{where}.sweep.{key}: none of the experiment's variants has the section '{section}'")
    return found, swept


def _has_section(variant: Mapping[str, Any], key: str) -> bool:
    """Whether a variant has what a key of a sweep changes, such as `dropout`, or a mapping for `penalty.kind`."""
    section, dot, _ = key.partition(".")
    return section in variant and (not dot or isinstance(variant[section], Mapping))


def _change_variant(
    where: str, name: str, base: dict[str, Any], settings: Mapping[str, Any], schema: Validator
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return the variant that some settings make of another, after its name and before those that it had not."""
    variant = deepcopy(base)
    labels, variant_validator = sweep_labels(schema), variant_schema(schema)
    changed = {}
    for key, value in settings.items():
        section, _, setting = key.rpartition(".")
        part = variant[section] if section else variant
        if part.get(setting) == value:
            continue
        part[setting] = value
        check_schema(variant_validator, variant, f"{where}.sweep.{key}", prefix_only=True)
        check_variant(f"{where}.sweep", variant)
        changed[key] = value
        variant["label"] += ", " + labels[key].format(value)
    named = {key.rpartition(".")[2]: value for key, value in changed.items()}
    return swept_name(f"{where}.sweep", name, named), variant, changed


def swept_name(where: str, base: str, changes: Mapping[str, Any]) -> str:
    """Return the name of the variant that a sweep makes of another: `base_setting-value`.

    Args:
        where: the sweep's key in the config.
        base: the other's name.
        changes: the settings that differ.

    Raises:
        InputError: it is too long.
    """
    name = base + "".join(f"_{setting}-{str(value).replace('/', 'of')}" for setting, value in changes.items())
    if len(name) > _LONGEST_NAME:
        raise InputError(
            f"{where}: '{name}' is the name of a folder and has {len(name)} characters, of {_LONGEST_NAME} at most: "
            f"give '{base}' a shorter name, or sweep over less at once"
        )
    return name


def trained_variant(bundle: Mapping[str, Any], image_size: int) -> dict[str, Any]:
    """Return what a run's spec says of its variant: its bundle less what is among the training's settings, or a label.

    Convolutional normalisation is of one image size, which is a part of its settings there.

    Args:
        bundle: of a variant that is trained.
        image_size: height and width of the data set's images, in pixels.
    """
    variant = {key: value for key, value in bundle.items() if key not in ("label", "training", "augmentation")}
    normalisation = variant.get("normalisation")
    if isinstance(normalisation, Mapping) and normalisation["method"] == "convnorm":
        variant["normalisation"] = {**normalisation, "image_size": image_size}
    return variant


def training_settings(
    training: Mapping[str, Any], model: str, dataset: str, variant: Mapping[str, Any], augmentation: str
) -> dict[str, Any]:
    """Return the settings of a training: of all, of the model, of the data set and of the variant, the later ones win.

    Args:
        training: the config's section.
        model: the run's model.
        dataset: its data set.
        variant: its variant.
        augmentation: that of the data set, where nothing else is said.
    """
    settings = {
        "augmentation": augmentation,
        **training["default"],
        **training.get("models", {}).get(model, {}),
        **training.get("datasets", {}).get(dataset, {}),
        **variant.get("training", {}),
    }
    return settings | {key: variant[key] for key in ("augmentation",) if key in variant}


def compared_settings(variants: Variants, labels: Mapping[str, str], section: str) -> dict[str, dict[str, Any]]:
    """Return the settings that variants have in a section, such as `penalty`, in the order of their labels.

    `beside` is what a variant does else: the label of the variant that differs from it in this section alone, or the
    settings in words.

    Args:
        variants: by name; those without a label are left out.
        labels: of the variants that are compared.
        section: a key of variants whose value is a mapping.
    """
    compared = {name: variants[name] for name in labels if name in variants}
    others = {name: _besides(section, variant) for name, variant in compared.items()}
    without = {others[name]: labels[name] for name, variant in compared.items() if section not in variant}
    return {
        name: {**variant[section], "beside": without.get(others[name], others[name])}
        for name, variant in compared.items()
        if section in variant
    }


def compared_methods(
    variants: Variants,
    labels: Mapping[str, str],
    section: str,
    swept: Mapping[str, Swept],
    config: Mapping[str, Any],
) -> dict[str, dict[str, Any]]:
    """Return what `compared_settings` returns, with the label of a method as `beside`.

    Where no variant is without the section, that is the label of what a sweep changed, and what else it changed there.

    Args:
        variants: by name; those whose section is no mapping are left out.
        labels: of the variants that are compared.
        section: a key of variants.
        swept: of variants that a sweep makes what it makes them of.
        config: the study's.
    """
    compared = {name: one for name, one in variants.items() if isinstance(one.get(section, {}), Mapping)}
    without = {label for name, label in labels.items() if section not in variants.get(name, {})}
    found = compared_settings(compared, labels, section)
    for name, settings in found.items():
        if settings["beside"] not in without:
            base, changed = (swept[name].base, swept[name].values) if name in swept else (name, {})
            others = [f"{key}: {value}" for key, value in changed.items() if not key.startswith(f"{section}.")]
            settings["beside"] = ", ".join([config["variants"][base].get("label", base), *others])
    return found


def _besides(section: str, variant: Mapping[str, Any]) -> str:
    """What a variant does beside a section, in words."""
    settings = {key: value for key, value in variant.items() if key not in ("label", section, "training")}
    return ", ".join(f"{key}: {value}" for key, value in sort_keys(settings | variant.get("training", {})).items())


def sort_keys(value: Any) -> Any:
    """The same with all keys sorted: a parameter that Snakemake compares must not depend on the order in the file."""
    if isinstance(value, dict):
        return {key: sort_keys(value[key]) for key in sorted(value)}
    return [sort_keys(item) for item in value] if isinstance(value, list) else value
