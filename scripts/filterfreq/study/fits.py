"""Fits: networks that learn functions, as grids of networks, variants and seeds."""

import itertools
from collections.abc import Mapping
from typing import Any, NamedTuple

from jsonschema.protocols import Validator

from filterfreq.fits.registry import FITS
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.schemas import check_schema
from filterfreq.study.config_checks import check_number
from filterfreq.study.variants import Variants, sort_keys, swept_name


class FitRun(NamedTuple):
    """One network that learns one function: what identifies it among all others, and names its folder."""

    fit: str
    network: str
    variant: str
    seed: int


class Fits:
    """The section `fits` of a config, and the runs that it asks for.

    Attributes:
        runs: of each entry, by its name, in the config's order.

    Args:
        config: one that fits its schema.
        schema: of configs.

    Raises:
        InputError: an entry has not the settings of one kind of fit, or they do not fit each other; the sentence names
            the key.
    """

    def __init__(self, config: Mapping[str, Any], schema: Validator) -> None:
        self._entries = config.get("fits", {})
        self._variants: dict[str, Variants] = {}
        self.runs: dict[str, list[FitRun]] = {}
        if self._entries and "fits" in config["experiments"]:
            raise InputError("experiments.fits: results of fits are kept under this name, choose another")
        for name, entry in self._entries.items():
            where = f"fits.{name}"
            kinds = [kind for kind in FITS if kind in entry]
            if len(kinds) != 1:
                said = f"has the settings of {' and '.join(kinds)}" if kinds else "does not say what is learned"
                raise InputError(f"{where}: {said}, give those of one: {', '.join(FITS)}")
            variants = _config_variants(where, kinds[0], entry)
            self._variants[name] = _swept_variants(where, kinds[0], entry.get("sweep", {}), variants, schema)
            axes = list(entry["networks"]), list(self._variants[name]), entry["seeds"]
            check_number(where, "runs", *axes)
            self.runs[name] = [FitRun(name, *values) for values in itertools.product(*axes)]
            _check_labels(where, self.labels(name))

    def kind(self, name: str) -> str:
        """Return what an entry learns, a key of `FITS`."""
        return next(kind for kind in FITS if kind in self._entries[name])

    def labels(self, name: str) -> dict[str, str]:
        """Return the variants of an entry with their labels, in the config's order."""
        return {variant: settings["label"] for variant, settings in self._variants[name].items()}

    def spec(self, run: FitRun) -> dict[str, Any]:
        """Return everything that fixes a run's results."""
        variant = self._variants[run.fit][run.variant]
        return {
            "run": run._asdict(),
            "kind": self.kind(run.fit),
            "network": sort_keys(self._entries[run.fit]["networks"][run.network]),
            "settings": sort_keys({key: value for key, value in variant.items() if key != "label"}),
        }


def _config_variants(where: str, kind: str, entry: Mapping[str, Any]) -> Variants:
    """Return the variants of an entry, each with all settings and a label."""
    _check_settings(f"{where}.{kind}", kind, entry[kind])
    found: Variants = {}
    for name, changes in entry.get("variants", {"plain": {}}).items():
        found[name] = {"label": name, **entry[kind], **changes}
        _check_settings(f"{where}.variants.{name}", kind, found[name])
    return found


def _swept_variants(
    where: str, kind: str, sweep: Mapping[str, list[Any]], variants: Variants, schema: Validator
) -> Variants:
    """Return the variants that a sweep makes: of each one for every combination of values."""
    check_number(f"{where}.sweep", "variants", variants, *sweep.values())
    settings = schema.schema["properties"]["fits"]["additionalProperties"]["properties"][kind]["properties"]
    found: Variants = {}
    for base, *values in itertools.product(variants, *sweep.values()):
        changes = {key: value for key, value in zip(sweep, values, strict=True) if variants[base].get(key) != value}
        variant = {**variants[base], **changes}
        for key, value in changes.items():
            setting = schema.evolve(schema={**settings[key], "$defs": schema.schema["$defs"]})
            check_schema(setting, value, f"{where}.sweep.{key}")
            variant["label"] += ", " + settings[key]["sweep_label"].format(value)
        _check_settings(f"{where}.sweep", kind, variant)
        found.setdefault(swept_name(f"{where}.sweep", base, changes), variant)
    return found


def _check_settings(where: str, kind: str, settings: Mapping[str, Any]) -> None:
    check = FITS[kind].check
    try:
        if check is not None:
            check(settings)
    except InputError as error:
        raise InputError(f"{where}.{error}") from error


def _check_labels(where: str, labels: Mapping[str, str]) -> None:
    """Refuse two variants that figures could not tell apart."""
    names: dict[str, str] = {}
    for name, label in labels.items():
        other = names.setdefault(label, name)
        if other != name:
            raise InputError(
                f"{where}.variants: '{other}' and '{name}' have the same label {label!r}, give one of them another"
            )
