"""Fits and GANs: networks that are no classifiers, as grids of networks, variants and seeds."""

import itertools
from collections.abc import Mapping
from typing import Any, NamedTuple

from jsonschema.protocols import Validator

from filterfreq.fits.registry import FITS, Fit
from filterfreq.gans.registry import GANS
from filterfreq.runtime.errors import InputError, run_check
from filterfreq.runtime.schemas import check_schema
from filterfreq.study.config_checks import check_number
from filterfreq.study.datasets import Datasets
from filterfreq.study.variants import Variants, sort_keys, swept_name


class FitRun(NamedTuple):
    """One network that learns one function: what identifies it among all others, and names its folder."""

    fit: str
    network: str
    variant: str
    seed: int


class FitRepeats(NamedTuple):
    """Repeats of one network and function that are trained as one net: their seeds, such as "0-9", name the folder."""

    fit: str
    network: str
    variant: str
    seeds: str


class GanRun(NamedTuple):
    """One generator and its discriminator: what identifies them among all others, and names their folder."""

    gan: str
    network: str
    variant: str
    seed: int


GridRun = FitRun | GanRun

_KINDS: dict[str, Mapping[str, Fit]] = {"fits": FITS, "gans": GANS}
_EQUATION = "equation"  # stands in the column of networks
_RUNS: dict[str, type[FitRun] | type[GanRun]] = {"fits": FitRun, "gans": GanRun}


class Fits:
    """The section `fits` or `gans` of a config, and the runs that it asks for.

    Attributes:
        section: its name.
        kinds: what there is to learn in it.
        runs: of each entry, by its name, in the config's order.

    Args:
        config: one that fits its schema.
        schema: of configs.
        section: "fits" or "gans".

    Raises:
        InputError: an entry has not the settings of one kind of fit, or they do not fit each other; the sentence names
            the key.
    """

    def __init__(self, config: Mapping[str, Any], schema: Validator, section: str = "fits") -> None:
        self.section, self.kinds = section, _KINDS[section]
        self._entries = config.get(section, {})
        self._variants: dict[str, Variants] = {}
        self._networks: dict[str, Mapping[str, Any]] = {}
        self.runs: dict[str, list[GridRun]] = {}
        if self._entries and section in config["experiments"]:
            raise InputError(f"experiments.{section}: results of {section} are kept under this name, choose another")
        for name, entry in self._entries.items():
            where = f"{section}.{name}"
            kinds = [kind for kind in self.kinds if kind in entry]
            if len(kinds) != 1:
                said = f"has the settings of {' and '.join(kinds)}" if kinds else "does not say what is learned"
                raise InputError(f"{where}: {said}, give those of one: {', '.join(self.kinds)}")
            variants = self._config_variants(where, kinds[0], entry)
            self._variants[name] = self._swept_variants(where, kinds[0], entry.get("sweep", {}), variants, schema)
            if self.seeds_at_once(name) > 1 and not self.kinds[kinds[0]].trains_together:
                raise InputError(f"{where}.seeds_at_once: repeats of {kinds[0]} are trained one by one, leave it out")
            self._networks[name] = self._checked_networks(where, kinds[0], entry, self._variants[name])
            axes = list(self._networks[name]), list(self._variants[name]), entry["seeds"]
            check_number(where, "runs", *axes)
            self.runs[name] = [_RUNS[section](name, *values) for values in itertools.product(*axes)]
            _check_labels(where, self.labels(name))

    def kind(self, name: str) -> str:
        """Return what an entry learns, a key of `kinds`."""
        return next(kind for kind in self.kinds if kind in self._entries[name])

    def labels(self, name: str) -> dict[str, str]:
        """Return the variants of an entry with their labels, in the config's order."""
        return {variant: settings["label"] for variant, settings in self._variants[name].items()}

    def settings(self, name: str) -> dict[str, dict[str, Any]]:
        """Return the variants of an entry with all their settings, in the config's order."""
        return {
            variant: {key: value for key, value in settings.items() if key != "label"}
            for variant, settings in self._variants[name].items()
        }

    @property
    def datasets(self) -> list[str]:
        """The data sets of all runs, in the config's order; functions have none."""
        settings = [settings for name in self.runs for settings in self.settings(name).values()]
        return list(dict.fromkeys(entry["dataset"] for entry in settings if "dataset" in entry))

    def seeds_at_once(self, name: str) -> int:
        """Return how many repeats of an entry are trained as one net."""
        return self._entries[name].get("seeds_at_once", 1)

    def repeats(self, run: FitRun) -> FitRepeats:
        """Return the repeats that a run is trained with, whether all of them are asked for or not.

        They hang on its own seed alone, so that its results do not change with what else is asked for.
        """
        size = self.seeds_at_once(run.fit)
        first = run.seed // size * size
        return FitRepeats(*run[:3], f"{first}-{first + size - 1}")

    def spec(self, run: GridRun | FitRepeats) -> dict[str, Any]:
        """Return everything that fixes the results of a run, or of repeats that are trained as one net."""
        name = run[0]
        together: dict[str, Any] = {}
        if isinstance(run, FitRepeats):
            first, last = map(int, run.seeds.split("-"))
            together = {"seeds": list(range(first, last + 1))}
        elif isinstance(run, FitRun) and self.seeds_at_once(name) > 1:
            together = {"seeds_at_once": self.seeds_at_once(name)}
        return {
            "run": run._asdict(),
            **together,
            "kind": self.kind(name),
            "network": sort_keys(self._networks[name][run.network]),
            "settings": sort_keys(self.settings(name)[run.variant]),
        }

    def _checked_networks(
        self, where: str, kind: str, entry: Mapping[str, Any], variants: Variants
    ) -> Mapping[str, Any]:
        """Return the networks of an entry by name; of an equation, which has none, one that is nominal."""
        fit = self.kinds[kind]
        if not fit.has_networks:
            if "networks" in entry:
                raise InputError(f"{where}.networks: {kind} is solved without a network, leave this out")
            return {_EQUATION: {}}
        if "networks" not in entry:
            raise InputError(f"{where}: 'networks' is missing, name at least one network there")
        for network, settings in itertools.product(entry["networks"], variants.values()):
            try:
                if fit.check_network is not None:
                    fit.check_network(settings, entry["networks"][network])
            except InputError as error:
                raise InputError(f"{where}.networks.{network}.{error}") from error
        return entry["networks"]

    def _config_variants(self, where: str, kind: str, entry: Mapping[str, Any]) -> Variants:
        """Return the variants of an entry, each with all settings and a label."""
        self._check_settings(f"{where}.{kind}", kind, entry[kind])
        found: Variants = {}
        for name, changes in entry.get("variants", {"plain": {}}).items():
            found[name] = {"label": name, **entry[kind], **changes}
            self._check_settings(f"{where}.variants.{name}", kind, found[name])
        return found

    def _swept_variants(
        self, where: str, kind: str, sweep: Mapping[str, list[Any]], variants: Variants, schema: Validator
    ) -> Variants:
        """Return the variants that a sweep makes: of each one for every combination of values."""
        check_number(f"{where}.sweep", "variants", variants, *sweep.values())
        settings = schema.schema["properties"][self.section]["additionalProperties"]["properties"][kind]["properties"]
        found: Variants = {}
        for base, *values in itertools.product(variants, *sweep.values()):
            changes = {key: value for key, value in zip(sweep, values, strict=True) if variants[base].get(key) != value}
            variant = {**variants[base], **changes}
            for key, value in changes.items():
                setting = schema.evolve(schema={**settings[key], "$defs": schema.schema["$defs"]})
                check_schema(setting, value, f"{where}.sweep.{key}")
                variant["label"] += ", " + settings[key]["sweep_label"].format(value)
            self._check_settings(f"{where}.sweep", kind, variant)
            found.setdefault(swept_name(f"{where}.sweep", base, changes), variant)
        return found

    def _check_settings(self, where: str, kind: str, settings: Mapping[str, Any]) -> None:
        check = self.kinds[kind].check
        try:
            if check is not None:
                check(settings)
        except InputError as error:
            raise InputError(f"{where}.{error}") from error


def check_arrays(datasets: Datasets, name: str, where: str, taker: str) -> None:
    """Check that a data set has prepared arrays to train on.

    Args:
        datasets: what there is.
        name: of the data set.
        where: the key that names it.
        taker: what takes them, for the sentence.

    Raises:
        InputError: it is unknown, is for evaluation alone, or its images stay in files; the sentence names the key.
    """
    run_check(datasets.dataset, name, where)
    datasets.check_training_images(name, where)
    if datasets.dataset(name).storage == "files":
        raise InputError(
            f"{where}: the images of {name} stay in files, and {taker} takes prepared arrays: choose a data set that "
            "has them"
        )


def check_fits(datasets: Datasets, fits: Fits) -> None:
    """Check the data set of each variant of each fit that has one, and the settings that hang on it.

    Raises:
        InputError: see `check_arrays`, or a setting asks for what the data set has not; the sentence names the key.
    """
    for name in fits.runs:
        kind = fits.kind(name)
        for settings in fits.settings(name).values():
            if "dataset" not in settings:
                continue
            check_arrays(datasets, settings["dataset"], f"fits.{name}.{kind}.dataset", "a fit")
            check = fits.kinds[kind].check_images
            try:
                if check is not None:
                    entry = datasets.dataset(settings["dataset"])
                    check(settings, entry, datasets.class_names(entry.name))
            except InputError as error:
                raise InputError(f"fits.{name}.{kind}.{error}") from error


def _check_labels(where: str, labels: Mapping[str, str]) -> None:
    """Refuse two variants that figures could not tell apart."""
    names: dict[str, str] = {}
    for name, label in labels.items():
        other = names.setdefault(label, name)
        if other != name:
            raise InputError(
                f"{where}.variants: '{other}' and '{name}' have the same label {label!r}, give one of them another"
            )
