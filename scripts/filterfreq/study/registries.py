"""Whether the entries of registries are what they must be, in one sentence where they are not; before any work.

An entry stands in a registry, its code in a module, and the schema of its settings in a folder of `schemas`.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filterfreq.data.registry import DATASETS
from filterfreq.data.shifted.registry import SHIFTED_SETS
from filterfreq.evaluation.columns import RESERVED
from filterfreq.evaluation.registry import STAGES, SUITES, Measurement, Suite, check_texts
from filterfreq.fits.registry import FITS, Fit
from filterfreq.gans.registry import GANS
from filterfreq.models.registry import FAMILIES
from filterfreq.models.surgery.registry import SURGERY
from filterfreq.runtime.errors import InputError, unknown_name
from filterfreq.runtime.modules import check_function, check_module
from filterfreq.study.schema import config_schema
from filterfreq.training.registry import INTERVENTIONS, Entry

_FILES = {
    "suites": "evaluation/registry.py",
    "interventions": "training/registry.py",
    "surgery": "models/surgery/registry.py",
    "fits": "fits/registry.py",
    "gans": "gans/registry.py",
}
"""The registries, by the folder of `schemas` that has a file for each entry."""

# How the references of a suite are called.
_CALLS = {
    "run": ["job"],
    "run_snapshots": ["jobs", "progress"],
    "why_not": ["study", "dataset"],
    "why_not_run": ["study", "run"],
    "check": ["study", "datasets", "where"],
    "remarks": ["study"],
}


def check_registries(
    schema: Path,
    suites: Mapping[str, Suite] = SUITES,
    interventions: Mapping[str, Entry] = INTERVENTIONS,
    surgery: Mapping[str, str] = SURGERY,
    fits: Mapping[str, Fit] = FITS,
    gans: Mapping[str, Fit] = GANS,
) -> None:
    """Check all entries: the schemas and functions that they need are there, and their fields mean something.

    Nothing that entries name is imported.

    Args:
        schema: `schemas/config.schema.yaml`, beside which the folders of schemas lie.
        suites: those of `filterfreq.evaluation.registry`.
        interventions: those of `filterfreq.training.registry`.
        surgery: those of `filterfreq.models.surgery.registry`.
        fits: those of `filterfreq.fits.registry`.
        gans: those of `filterfreq.gans.registry`.

    Raises:
        InputError: one is not so; the sentence begins with the file that is to be changed.
    """
    for folder, entries in zip(_FILES, (suites, interventions, surgery, fits, gans), strict=True):
        _check_files(schema.parent, folder, entries)
    composed = config_schema(schema).schema
    variant = composed["$defs"]["variant"]["properties"]
    for name, suite in suites.items():
        with _entry(_FILES["suites"], name):
            _check_suite(name, suite, composed["properties"]["evaluation"]["properties"][name])
    for name, entry in interventions.items():
        with _entry(_FILES["interventions"], name):
            _check_intervention(entry, variant[name], variant)
    for name, reference in surgery.items():
        with _entry(_FILES["surgery"], name):
            _check_surgery(reference, variant[name])
    for folder, entries in (("fits", fits), ("gans", gans)):
        for name, fit in entries.items():
            with _entry(_FILES[folder], name):
                _check_fit(name, fit, suites if folder == "fits" else {**suites, **fits})
    for folder, measured in (("suites", suites), ("fits", fits), ("gans", gans)):
        _check_types(folder, measured)
    _check_models_and_data()


def check_inputs(known: Collection[str], suites: Mapping[str, Suite] = SUITES) -> None:
    """Check that suites read only what there is to read.

    Args:
        known: the names of what there is.
        suites: those of `filterfreq.evaluation.registry`.

    Raises:
        InputError: an entry names something else.
    """
    for name, suite in suites.items():
        for given in suite.inputs:
            if given not in known:
                with _entry(_FILES["suites"], name):
                    raise unknown_name("input", given, known)


@contextmanager
def _entry(file: str, name: str) -> Iterator[None]:
    """Have sentences begin with an entry and the file that it stands in."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{file}, entry {name!r}: {error}") from error


def _check_files(schemas: Path, folder: str, entries: Collection[str]) -> None:
    """Check that each entry has a schema and each schema an entry."""
    there = {path.stem for path in (schemas / folder).glob("*.yaml")}
    for name in entries:
        with _entry(_FILES[folder], name):
            if not (isinstance(name, str) and name.isidentifier()):
                raise InputError("a name can have letters, digits and _ alone: write it so")
            if name not in there:
                raise InputError(f"the schema of its settings is missing: write {schemas.name}/{folder}/{name}.yaml")
    for name in sorted(there.difference(entries)):
        raise InputError(
            f"{schemas.name}/{folder}/{name}.yaml: {_FILES[folder]} has no entry {name!r}: write one, or move "
            "this file elsewhere"
        )


def _check_suite(name: str, suite: Suite, schema: Mapping[str, Any]) -> None:
    _check_measurement(suite, Suite)
    for field, call in _CALLS.items():
        if (reference := getattr(suite, field)) is not None:
            file = check_function(reference, call)
            if field == "run":
                check_module(file)
    if suite.stage not in STAGES:
        raise unknown_name("stage", suite.stage, STAGES)
    for field in ("inputs", "attacks", "given_as_inputs"):
        if (value := getattr(suite, field)) is not None:
            check_texts(field, value)
    if suite.passes is not None and not callable(suite.passes):
        raise InputError(f"passes is {suite.passes!r}, write a function of evaluation/passes.py")
    for key in suite.given_as_inputs:
        if key not in schema.get("properties", {}):
            raise InputError(f"given_as_inputs: {unknown_name('setting', key, schema.get('properties', {}))}")
    for key in suite.attacks or ():
        if key not in schema.get("required", ()):
            raise InputError(f"attacks: schemas/suites/{name}.yaml does not list {key!r} under required: add it there")
        schema = schema.get("properties", {}).get(key, {})


def _check_fit(name: str, fit: Any, others: Mapping[str, Measurement]) -> None:
    """Check an entry of what is neither a suite nor named as one."""
    if name in others:
        what = "fit" if isinstance(others[name], Fit) else "suite"
        raise InputError(f"there is a {what} of this name, whose results it would be taken for: choose another")
    _check_measurement(fit, Fit)
    check_module(check_function(fit.run, ["job"]))
    if fit.check is not None and not callable(fit.check):
        raise InputError(f"check is {fit.check!r}, write a function")


def _check_measurement(entry: Any, kind: type[Measurement]) -> None:
    """Check what an entry says of results."""
    if not isinstance(entry, kind):
        raise InputError(f"it is {entry!r}, write it as {kind.__name__}(...)")
    if not entry.metrics:
        raise InputError("metrics: it measures nothing, name at least one")
    for name, metric in entry.metrics.items():
        for key in (*metric.keys, *metric.optional):
            if key in RESERVED or not key.isidentifier():
                raise InputError(f"metrics: {name}: the key {key!r} is a column of results or no name: choose another")
        if not metric.lowest < metric.highest:
            raise InputError(f"metrics: {name}: lowest is {metric.lowest} and highest {metric.highest}: raise highest")
    keys = [key for metric in entry.metrics.values() for key in (*metric.keys, *metric.optional)]
    for key, kind_of_number in entry.types.items():
        if key not in keys:
            raise InputError(f"types: {unknown_name('key of parameters', key, dict.fromkeys(keys))}")
        if kind_of_number not in (int, float):
            raise InputError(
                f"types: {key} is {kind_of_number!r}, write int or float, or leave it out where it is text"
            )


def _check_types(folder: str, entries: Mapping[str, Measurement]) -> None:
    """Check that a key is of one type, and a metric in one range, in all results that are read together."""
    said: dict[tuple[str, str], tuple[str, Any]] = {}
    for name, entry in entries.items():
        keys = {key for metric in entry.metrics.values() for key in (*metric.keys, *metric.optional)}
        facts = {("key", key): getattr(entry.types.get(key, str), "__name__", "") for key in keys}
        facts |= {("metric", key): (metric.lowest, metric.highest) for key, metric in entry.metrics.items()}
        for (what, key), value in facts.items():
            other, known = said.setdefault((what, key), (name, value))
            if known != value:
                with _entry(_FILES[folder], name):
                    raise InputError(
                        f"the {what} {key!r} is {value} here and {known} in {other!r}: make them the same, or give "
                        "this one another name"
                    )


def _check_intervention(entry: Any, schema: Mapping[str, Any], variant: Collection[str]) -> None:
    if not isinstance(entry, Entry):
        raise InputError(f"it is {entry!r}, write it as Entry(...)")
    given = ["settings", "file"] if entry.reads_file else ["settings"]
    check_module(check_function(f"{entry.module}:intervention", given))
    for field in ("excludes", "needs"):
        check_texts(field, getattr(entry, field))
        for key in getattr(entry, field):
            if key not in variant:
                raise InputError(f"{field}: {unknown_name('key of a variant', key, variant)}")
    for key in entry.strengths:
        if key not in schema.get("properties", {}):
            raise InputError(f"strengths: {unknown_name('setting', key, schema.get('properties', {}))}")


def _check_surgery(reference: Any, schema: Mapping[str, Any]) -> None:
    if schema.get("type") != "object":
        check_module(check_function(reference, ["classifier", "setting"]))
        return
    given = {key: key in schema.get("required", ()) for key in schema.get("properties", {})}
    check_module(check_function(reference, ["classifier"], given))


def _check_models_and_data() -> None:
    """Check that what builds models and prepares data is there."""
    for family in FAMILIES:
        with _entry("models/registry.py", family.form):
            groups = range(re.compile(family.pattern).groups)
            check_function(family.builder, ["num_classes", *(f"group_{number + 1}" for number in groups)])
    for file, entries in (("data/registry.py", DATASETS), ("data/shifted/registry.py", SHIFTED_SETS)):
        for name, entry in entries.items():
            with _entry(file, name):
                check_function(entry.prepare, ["raw_folder", "output_folder", "seed", "entry"])
