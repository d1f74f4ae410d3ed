"""Whether a config is valid: by its schema, and then entry by entry, whatever the experiments make of the entries."""

from collections.abc import Iterator
from typing import Any

from jsonschema.protocols import Validator

from filterfreq.data.objects import OBJECT_DATASETS
from filterfreq.evaluation.registry import SUITES
from filterfreq.models.registry import check_architecture
from filterfreq.runtime.errors import InputError, run_check
from filterfreq.runtime.schemas import check_schema, check_values
from filterfreq.runtime.yaml_files import check_extent
from filterfreq.study.config_checks import check_checkpoint, check_distinct, check_variant
from filterfreq.study.datasets import Datasets
from filterfreq.study.derived import check_derived, is_derived
from filterfreq.study.measurable import remedy, requested_suites

_LONGEST_PATH, _LONGEST_NAME = 4000, 255  # bytes, of a path and of a name in it


def check_form(config: dict[str, Any], schema: Validator) -> None:
    """Check that a config is what its schema says.

    Args:
        config: the parsed config.
        schema: as `filterfreq.study.schema.config_schema` returns it.

    Raises:
        InputError: it is too large, or a key or value does not fit; the sentence names the key.
    """
    check_extent(config)
    check_values(config, [])
    _check_switches(config.get("evaluation"))
    check_schema(schema, config, "config", every=True)
    if not {"experiments", "fits", "gans", "detection"} & config.keys():
        raise InputError(
            "config: it has neither experiments nor fits nor gans nor detection: write what is to be made under one of "
            "these keys"
        )
    for key, stage in _stages(config):
        if stage not in config["compute"]:
            raise InputError(f"compute: {stage!r} is missing, which {key} needs: write its threads, mem_mb and runtime")


def _check_switches(evaluation: Any) -> None:
    """Refuse yes or no in place of a suite's settings, but for the `false` of one data set."""
    general = evaluation if isinstance(evaluation, dict) else {}
    datasets = general.get("datasets")
    for name in (*SUITES, "perturbations"):
        if general.get(name) is False:
            raise InputError(
                f"evaluation.{name}: false stands for one data set alone: leave {name} out here, or write "
                f"{name}: false in evaluation.datasets.NAME for the data set that shall not have it"
            )
        for dataset, own in (datasets if isinstance(datasets, dict) else {}).items():
            if isinstance(own, dict) and own.get(name) is True:
                raise InputError(
                    f"evaluation.datasets.{dataset}.{name}: true says nothing of its settings: write them, leave "
                    f"{name} out to have those of evaluation.{name}, or write false to have none on {dataset}"
                )


def _stages(config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The keys that some studies have, each with the stage whose resources its jobs take."""
    for name, experiment in config.get("experiments", {}).items():
        if "models" in experiment:
            yield f"experiments.{name}", "train"
    evaluation = config.get("evaluation", {})
    for scope in (evaluation, *evaluation.get("datasets", {}).values()):
        for name in requested_suites(scope):
            if SUITES[name].stage == "attack":
                yield f"evaluation.{name}", "attack"
    for name in config.get("detection", {}):
        yield f"detection.{name}", "evaluate"


def fill_defaults(config: dict[str, Any]) -> dict[str, Any]:
    """Return a valid config with what it may leave out: sections that fits alone do not need, resources of a stage."""
    stages = ("train", "attack", "evaluate", "fit", "data", "publish")
    resources = {stage: {"threads": 1, "mem_mb": 2000, "runtime": 60} for stage in stages}
    return {"experiments": {}, "evaluation": {}, **config, "compute": {**resources, **config["compute"]}}


def check_entries(config: dict[str, Any], datasets: Datasets) -> None:
    """Check what a config of the right form says of data sets, attacks, variants and checkpoints.

    Args:
        config: one that `check_form` has accepted.
        datasets: those of its section `data`.

    Raises:
        InputError: a name is unknown, or keys contradict each other; the sentence names the key.
    """
    _check_paths(config)
    for section in ("datasets", "raw"):
        for name in datasets.data.get(section, {}):
            if section == "datasets" or name not in OBJECT_DATASETS:
                run_check(datasets.dataset, name, f"data.{section}.{name}")
    training = config.get("training", {})
    for name in training.get("models", {}):
        run_check(check_architecture, name, f"training.models.{name}")
    for name in training.get("datasets", {}):
        run_check(datasets.dataset, name, f"training.datasets.{name}")
    _check_attacks(config["evaluation"], datasets)
    _check_shifted(config["evaluation"], datasets)
    for name, variant in config.get("variants", {}).items():
        check_variant(f"variants.{name}", variant)
        if is_derived(variant):
            check_derived(f"variants.{name}", variant, config["variants"], config.get("checkpoints", {}))
    for name, entry in config.get("checkpoints", {}).items():
        check_checkpoint(f"checkpoints.{name}", entry)


def _check_paths(config: dict[str, Any]) -> None:
    """Refuse paths that no file can have, or in which Snakemake would take words in braces for wildcards."""
    scratch = config["compute"].get("scratch")
    if scratch is not None and not scratch.startswith(("/", "~", "$")):
        raise InputError(f"compute.scratch: {scratch!r} is no absolute path: name a folder of each node's own disk")
    for where, path in _paths(config):
        if "{" in path or "}" in path:
            raise InputError(f"{where}: {path!r} has a brace, which Snakemake reads as a wildcard's: rename it")
        if len(path.encode()) > _LONGEST_PATH or max(len(part.encode()) for part in path.split("/")) > _LONGEST_NAME:
            raise InputError(f"{where}: {path!r} is longer than a path or a name in one can be: correct it")


def _paths(config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The paths of raw files, checkpoints, data sets, shifted sets and detections, each after its key."""
    data = config.get("data", {})
    for name, path in data.get("raw", {}).items():
        yield f"data.raw.{name}", path
    sections = {"checkpoints": config.get("checkpoints", {})}
    sections |= {f"data.{section}": data.get(section, {}) for section in ("datasets", "shifted")}
    detection = config.get("detection", {})
    sections["detection"] = detection
    own = {name: entry["dataset"] for name, entry in detection.items() if isinstance(entry["dataset"], dict)}
    sections |= {f"detection.{name}": {"dataset": entry} for name, entry in own.items()}
    for section, entries in sections.items():
        for name, entry in entries.items():
            for key in ("path", "responses", "images", "annotations"):
                if isinstance(entry.get(key), str):
                    yield f"{section}.{name}.{key}", entry[key]


def _check_attacks(evaluation: dict[str, Any], datasets: Datasets) -> None:
    """Refuse attacks that the results could not tell apart."""
    scopes = {"evaluation": evaluation}
    for name, suites in evaluation.get("datasets", {}).items():
        run_check(datasets.dataset, name, f"evaluation.datasets.{name}")
        scopes[f"evaluation.datasets.{name}"] = suites
    for where, suites in scopes.items():
        for name in requested_suites(suites):
            attacks = SUITES[name].listed_attacks(suites[name])
            if attacks is not None:
                check_distinct(attacks, ".".join([where, name, *SUITES[name].attacks]))


def _check_shifted(evaluation: dict[str, Any], datasets: Datasets) -> None:
    """Refuse shifted sets that there are not, or that are another data set's than the one they are asked for."""
    for name in datasets.data.get("shifted", {}):
        run_check(datasets.shifted_set, name, f"data.shifted.{name}")
    for name in evaluation.get("out_of_distribution", {}).get("sets", []):
        run_check(datasets.shifted_set, name, "evaluation.out_of_distribution.sets")
    for dataset, suites in evaluation.get("datasets", {}).items():
        where = f"evaluation.datasets.{dataset}.out_of_distribution.sets"
        for name in (suites.get("out_of_distribution") or {}).get("sets", []):
            run_check(datasets.shifted_set, name, where)
            if not datasets.is_shifted_for(name, dataset):
                base = datasets.shifted_set(name).shift_of
                raise InputError(
                    f"{where}: {name} is a shift of {base}, leave it out{remedy(datasets, dataset, [base])}"
                )
