"""From the config to the runs it asks for, and to the sentence that says what is wrong with it."""

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

from jsonschema.protocols import Validator

from filterfreq.data.imagefolder import class_folders, describe_known_classes
from filterfreq.data.imagenet import describe_part
from filterfreq.data.registry import Dataset, ImageFolder, get_dataset
from filterfreq.data.shifted.classes import check_known, meanings
from filterfreq.data.shifted.registry import (
    CUE_CONFLICT,
    PUBLISHED_CORRUPTIONS,
    CorruptedImages,
    ShiftedSet,
    get_shifted,
)
from filterfreq.models.registry import (
    architecture_of,
    check_architecture,
    check_decomposable,
    has_spatial_filters,
)
from filterfreq.models.robustbench_models import CLASSES, published_accuracies
from filterfreq.runtime.errors import InputError, unknown
from filterfreq.runtime.machine import training_processes
from filterfreq.runtime.schemas import check_schema, check_values
from filterfreq.runtime.yaml_files import check_extent
from filterfreq.study.config_checks import (
    SHOWN,
    check_attack,
    check_checkpoint,
    check_distinct,
    check_main_epsilon,
    check_variant,
    explained,
)
from filterfreq.study.customary_epsilons import CUSTOMARY_EPSILONS
from filterfreq.study.measurable import WITHOUT_IMAGES, check_measurable, remedy, why_not
from filterfreq.study.schema import config_schema
from filterfreq.training.epsilon import check_bounds

SUITES = (
    "clean",
    "adversarial",
    "autoattack",
    "transfer",
    "corruption",
    "frequency_filtered",
    "out_of_distribution",
    "cue_conflict",
    "filters",
)

# Of one experiment; Snakemake takes minutes for the jobs of a thousand.
_MOST_RUNS = 100_000
_SWEEP_LABELS = {
    "penalty.kind": "{}",
    "penalty.strength": "λ = {}",
    "penalty.depth": "depth {}",
    "adversarial_training.epsilon": "ε = {}",
    "adversarial_training.replays": "{} replays",
    "label_smoothing": "smoothing {}",
    "mixup": "mixup α = {}",
    "gaussian_noise": "noise σ = {}",
}

# The tags of timm's weights end with what they were trained on last.
_TIMM_OF_IMAGENET = re.compile(r"\..*in1k(_\d+)?$")

_LONGEST_NAME = 200  # characters of a variant; file systems take 255 bytes


class Run(NamedTuple):
    """One model: what identifies it among all others, and names its folder."""

    dataset: str
    model: str
    variant: str
    seed: int


class Study:
    """A validated config and the runs it asks for.

    Attributes:
        variants: the bundle of each variant in use, those that sweeps make included, in the config's order.
        checkpoints: the entry of each downloaded model in use, by name.
        experiments: for each experiment its runs in the config's order, without repeats.
        runs: the union of all experiments' runs, without repeats.

    Args:
        config: the parsed config.
        schema: `schemas/config.schema.yaml`.

    Raises:
        InputError: a key, name or value does not fit; the sentence names the key.
    """

    def __init__(self, config: dict, schema: Path) -> None:
        self.config = config
        self._extents: dict[str, str] = {}
        self._class_names: dict[str, Sequence[str]] = {}
        self._suites: dict[str, list[str]] = {}
        validator = config_schema(schema)
        check_extent(config)
        check_values(config, [])
        check_schema(validator, config, "config")
        self._check_paths()
        self._check_datasets()
        self._check_training_names()
        self._check_attacks()
        self._check_shifted()
        for name, variant in config.get("variants", {}).items():
            check_variant(f"variants.{name}", variant)
        for name, entry in config.get("checkpoints", {}).items():
            check_checkpoint(f"checkpoints.{name}", entry)
        self.variants = deepcopy(config.get("variants", {}))
        self.checkpoints = config.get("checkpoints", {})
        for name, variant in self.variants.items():
            variant.setdefault("label", name)
        of_variants = validator.evolve(
            schema={**validator.schema["$defs"]["variant"], "$defs": validator.schema["$defs"]}
        )
        self.experiments = {
            name: self._runs(f"experiments.{name}", experiment, of_variants)
            for name, experiment in config["experiments"].items()
        }
        for name in self.checkpoints:
            if name in self.variants:
                raise InputError(f"checkpoints.{name}: there is a variant of this name, choose another")
        self._check_labels()
        self.runs = list(dict.fromkeys(itertools.chain.from_iterable(self.experiments.values())))
        self._all_runs = frozenset(self.runs)
        self._check_sources()
        self._check_main_epsilons()
        self._check_radii()
        self._check_training()
        check_measurable(self)

    @property
    def datasets(self) -> list[str]:
        """The data sets of all runs, in the config's order."""
        return list(dict.fromkeys(run.dataset for run in self.runs))

    def dataset(self, name: str) -> Dataset:
        """The entry of a data set, of the registry or of the config.

        Raises:
            InputError: there is none.
        """
        return get_dataset(name, self.config.get("data"))

    def shifted(self, name: str, dataset: str | None = None) -> ShiftedSet:
        """The entry of a shifted set, of the registry or of the config, as it is shown to the models of a data set.

        Raises:
            InputError: there is none, the config lacks its folder, or it is for other models than the data set's.
        """
        return get_shifted(name, self.config.get("data"), dataset)

    def is_shifted_for(self, name: str, dataset: str) -> bool:
        """Whether a shifted set is named like the classes of a data set."""
        return self.dataset(dataset).has_classes_of(self.shifted(name).shift_of)

    def shifted_sets(self, dataset: str) -> list[ShiftedSet]:
        """The shifted sets that the config wants shown to the models of a data set."""
        names = self.evaluation(dataset).get("out_of_distribution", {}).get("sets", [])
        return [self.shifted(name, dataset) for name in names if self.is_shifted_for(name, dataset)]

    def stimuli(self, dataset: str) -> ShiftedSet | None:
        """The published cue-conflict stimuli for the models of a data set, where the config says where they lie."""
        if CUE_CONFLICT not in self.config.get("data", {}).get("shifted", {}):
            return None
        return self.shifted(CUE_CONFLICT, dataset) if self.is_shifted_for(CUE_CONFLICT, dataset) else None

    @property
    def published_corruptions(self) -> dict[str, CorruptedImages]:
        """The published corrupted images of the runs' data sets, where there are some and the config wants them."""
        wanted = self.config.get("data", {}).get("corruptions") == "published"
        names = dict.fromkeys(run.dataset for run in self.runs if wanted)
        return {name: PUBLISHED_CORRUPTIONS[name] for name in names if name in PUBLISHED_CORRUPTIONS}

    def image_folder(self, name: str) -> Path | None:
        """The folder that a data set's images lie in as they are, or None where they come in raw files."""
        entry = self.dataset(name)
        if isinstance(entry, ImageFolder) and entry.path:
            folder = Path(entry.path).expanduser()
            return folder if folder.is_dir() else None
        raw = self.config.get("data", {}).get("raw", {}).get(name)
        return Path(raw).expanduser() if raw is not None and entry.is_ready(raw) else None

    def extent(self, name: str) -> str:
        """Which part of a data set's test images is here, for captions; empty where all are.

        Raises:
            InputError: the folder that the config names holds no class folders, or others.
        """
        if name not in self._extents:
            entry, folder = self.dataset(name), self.image_folder(name)
            self._extents[name] = ""
            if folder is not None and entry.evaluation_only:
                if entry.test_folder:
                    self._extents[name] = describe_part(folder, entry)
                elif isinstance(entry, ImageFolder) and entry.classes_of:
                    self._extents[name] = describe_known_classes(folder, entry)
        return self._extents[name]

    def shifted_extent(self, entry: ShiftedSet) -> str:
        """How many classes of its models a shifted set has, for captions; empty where all, or that is not known here.

        Args:
            entry: as `shifted_sets` returns it.

        Raises:
            InputError: a class folder is none of the classes.
        """
        known = meanings(entry.folders, entry.base_classes or self.class_names(entry.shift_of))
        found: Sequence[str] = []
        if entry.dataset:
            found = self.class_names(entry.dataset)
        elif entry.path and (folder := Path(entry.path).expanduser()).is_dir():
            found = class_folders(folder, None if entry.folder == "." else entry.folder)
        if not known or not found:
            return ""
        check_known(entry.name, found, known)
        return f"{len(found):,} of {len(known):,} classes" if len(found) < len(known) else ""

    def class_names(self, name: str) -> Sequence[str]:
        """The names of a data set's classes; empty where they are not known before its files are read."""
        if name not in self._class_names:
            entry, folder = self.dataset(name), self.image_folder(name)
            names: Sequence[str] = entry.classes
            if not names and isinstance(entry, ImageFolder) and folder is not None:
                names = class_folders(folder, entry.train or entry.test)
            self._class_names[name] = names
        return self._class_names[name]

    def has_filters(self, run: Run) -> bool:
        """Whether a run's model is not known to lack spatial filters, which the suite `filters` analyses."""
        return has_spatial_filters(self.architecture(run))

    @cached_property
    def models_without_filters(self) -> dict[str, list[str]]:
        """The models of each data set none of whose runs has filters to analyse."""
        having = {run.dataset for run in self.runs if self.has_filters(run)}
        found: dict[str, dict[str, None]] = {}
        for run in self.runs:
            if run.dataset not in having:
                found.setdefault(run.dataset, {})[run.model] = None
        return {dataset: [*models] for dataset, models in found.items()}

    def architecture(self, run: Run) -> str:
        """The architecture of a run's model, which a checkpoint may show under another name."""
        return architecture_of(self.checkpoints[run.variant]) if self.is_downloaded(run) else run.model

    def check_files(self) -> None:
        """Check that what the config says lies on the disk does, for the data sets of its runs.

        Raises:
            InputError: a folder, an archive, a raw file or a checkpoint is missing.
        """
        for name in dict.fromkeys(run.variant for run in self.runs if self.is_downloaded(run)):
            path = self.checkpoints[name].get("path")
            if path and not Path(path).expanduser().is_file():
                raise InputError(f"checkpoints.{name}.path: there is no {path}")
        raw = self.config.get("data", {}).get("raw", {})
        # Shifted sets may be the test images of others.
        shown = [entry.dataset for name in self.datasets for entry in self.shifted_sets(name) if entry.dataset]
        for name in dict.fromkeys([*self.datasets, *shown]):
            entry = self.dataset(name)
            if isinstance(entry, ImageFolder) and entry.path and not Path(entry.path).expanduser().exists():
                raise InputError(f"data.datasets.{name}.path: there is no {entry.path}, neither folder nor archive")
            if entry.fetch and name not in raw and (name in shown or self.needs_images(name)):
                without = f"; without them a config can ask for {', '.join(WITHOUT_IMAGES)} of checkpoints alone"
                raise InputError(
                    f"data set {name} cannot be downloaded here: {entry.fetch}, and name the folder in data.raw.{name}"
                    f"{without if entry.is_known else ''}"
                )
            for shifted in filter(None, [*self.shifted_sets(name), self.stimuli(name)]):
                for key in ("path", "responses"):
                    folder = getattr(shifted, key)
                    if folder and not Path(folder).expanduser().exists():
                        raise InputError(f"data.shifted.{shifted.name}.{key}: there is no {folder}")
                explained(self.shifted_extent, shifted, f"data.shifted.{shifted.name}")
            if (folder := self.image_folder(name)) is not None:
                self._check_training_folder(entry, folder)
                continue
            if entry.fetch and not entry.sources:
                raise InputError(
                    f"data.raw.{name}: there is no {' and '.join(entry.folders)} in {raw[name]}: {entry.fetch}"
                )
            for source in entry.sources if name in raw else ():
                if not Path(raw[name], source.file).expanduser().is_file():
                    remedy = f": {entry.fetch}" if entry.fetch else ", put it there or leave the key out"
                    raise InputError(f"data.raw.{name}: there is no {source.file} in {raw[name]}{remedy}")

    @staticmethod
    def _check_training_folder(entry: Dataset, folder: Path) -> None:
        """Refuse a folder without some or all of the class folders to train on, before anything is prepared of it."""
        if entry.evaluation_only:
            return
        if isinstance(entry, ImageFolder):
            # Of most archives and some folders, everything lies in one folder; its preparation looks there.
            train, test = (folder / (name or ".") for name in (entry.train, entry.test))
            if test.is_dir() and not train.exists():
                raise InputError(
                    f"data.datasets.{entry.name}: there is no {entry.train} in {folder}: name in train the folder to "
                    "train on, or say evaluation_only: true to evaluate models alone"
                )
        elif entry.test_folder:
            found = sum(path.is_dir() for path in (folder / entry.folders[0]).iterdir())
            if found < entry.num_classes:
                raise InputError(
                    f"data.raw.{entry.name}: {entry.folders[0]} in {folder} has folders of {found} classes and not of "
                    f"{entry.num_classes}: get a whole copy, or to evaluate models alone name a folder that has "
                    f"{entry.test_folder} and no {entry.folders[0]}"
                )

    def _check_paths(self) -> None:
        """Refuse paths that no file can have, or in which Snakemake would take words in braces for wildcards."""
        data = self.config.get("data", {})
        paths = {f"data.raw.{name}": path for name, path in data.get("raw", {}).items()}
        entries = {f"checkpoints.{name}": entry for name, entry in self.config.get("checkpoints", {}).items()}
        for section in ("datasets", "shifted"):
            entries |= {f"data.{section}.{name}": entry for name, entry in data.get(section, {}).items()}
        for where, entry in entries.items():
            paths |= {f"{where}.{key}": entry[key] for key in ("path", "responses") if key in entry}
        scratch = self.config["compute"].get("scratch")
        if scratch is not None and not scratch.startswith(("/", "~", "$")):
            raise InputError(f"compute.scratch: {scratch!r} is no absolute path: name a folder of each node's own disk")
        for where, path in paths.items():
            if "{" in path or "}" in path:
                raise InputError(f"{where}: {path!r} has a brace, which Snakemake reads as a wildcard's: rename it")
            if len(path.encode()) > 4000 or max(len(part.encode()) for part in path.split("/")) > 255:
                raise InputError(f"{where}: {path!r} is longer than a path or a name in one can be: correct it")

    def _check_datasets(self) -> None:
        for section in ("datasets", "raw"):
            for name in self.config.get("data", {}).get(section, {}):
                explained(self.dataset, name, f"data.{section}.{name}")

    def _check_training_names(self) -> None:
        training = self.config.get("training", {})
        for name in training.get("models", {}):
            explained(check_architecture, name, f"training.models.{name}")
        for name in training.get("datasets", {}):
            explained(self.dataset, name, f"training.datasets.{name}")

    def _check_attacks(self) -> None:
        """Refuse attacks that the results could not tell apart."""
        evaluation = self.config["evaluation"]
        for name in evaluation.get("datasets", {}):
            explained(self.dataset, name, f"evaluation.datasets.{name}")
        scopes = {"evaluation": evaluation}
        scopes |= {f"evaluation.datasets.{name}": suites for name, suites in evaluation.get("datasets", {}).items()}
        for where, suites in scopes.items():
            for suite in ("adversarial", "transfer"):
                check_distinct(suites.get(suite, {}).get("attacks", []), f"{where}.{suite}.attacks")
            if isinstance(suites.get("autoattack"), list):
                check_distinct(suites["autoattack"], f"{where}.autoattack")

    def _check_shifted(self) -> None:
        """Refuse shifted sets that there are not, or that are another data set's than the one they are asked for."""
        for name in self.config.get("data", {}).get("shifted", {}):
            explained(self.shifted, name, f"data.shifted.{name}")
        evaluation = self.config["evaluation"]
        for name in evaluation.get("out_of_distribution", {}).get("sets", []):
            explained(self.shifted, name, "evaluation.out_of_distribution.sets")
        for dataset, suites in evaluation.get("datasets", {}).items():
            where = f"evaluation.datasets.{dataset}.out_of_distribution.sets"
            for name in suites.get("out_of_distribution", {}).get("sets", []):
                explained(self.shifted, name, where)
                if not self.is_shifted_for(name, dataset):
                    base = self.shifted(name).shift_of
                    raise InputError(
                        f"{where}: {name} is a shift of {base}, leave it out{remedy(self, dataset, [base])}"
                    )

    def _check_sources(self) -> None:
        """Refuse attacks that transfer from a model that no experiment has."""
        for run in self.runs:
            transfer = self.evaluation(run.dataset).get("transfer")
            if transfer is None:
                continue
            source = transfer["source"]
            if source not in self.variants | self.checkpoints:
                raise InputError(
                    f"evaluation.transfer.source: {unknown('variant', source, self.variants | self.checkpoints)}"
                )
            if not self.is_downloaded(run) and run._replace(variant=source) not in self._all_runs:
                raise InputError(
                    f"evaluation.transfer.source: no experiment has the variant '{source}' of {run.model} "
                    f"on {run.dataset} with seed {run.seed}, to attack '{run.variant}' from: add it to one"
                )

    def _check_main_epsilons(self) -> None:
        """Refuse epsilons of the main tables that an attack is not measured at."""
        evaluation = self.config["evaluation"]
        for dataset in self.datasets:
            own = "main_epsilons" in evaluation.get("datasets", {}).get(dataset, {})
            where = f"evaluation.datasets.{dataset}" if own else "evaluation"
            for norm, epsilon in self.evaluation(dataset).get("main_epsilons", {}).items():
                bounded = partial(check_bounds, norm=norm, size=self.dataset(dataset).image_size)
                explained(bounded, epsilon, f"{where}.main_epsilons.{norm}")
                attacks: dict[str, list[dict]] = {"adversarial": [], "autoattack": []}
                for suite, _, attack in self.attacks(dataset):
                    if suite in attacks and attack["norm"] == norm:
                        attacks[suite].append(attack)
                check_main_epsilon(f"{where}.main_epsilons.{norm}", epsilon, attacks, dataset)

    def _check_radii(self) -> None:
        """Refuse attacks that mean nothing on a data set: keys of other attacks, a ball around all images."""
        for dataset in self.datasets:
            for _, where, attack in self.attacks(dataset):
                check_attack(where, attack, self.dataset(dataset).image_size)
        for run in self.runs:
            attack = self.variants.get(run.variant, {}).get("adversarial_training")
            if attack is not None:
                where = f"variants.{run.variant}.adversarial_training"
                check_attack(where, attack, self.dataset(run.dataset).image_size)

    def attacks(self, dataset: str) -> Iterator[tuple[str, str, dict]]:
        """The attacks on models of a data set, each after the section that it is of and its place in the config."""
        own = self.config["evaluation"].get("datasets", {}).get(dataset, {})
        evaluation = self.evaluation(dataset)
        for suite in ("adversarial", "transfer", "autoattack"):
            settings = evaluation.get(suite, {})
            where = f"evaluation.datasets.{dataset}.{suite}" if suite in own else f"evaluation.{suite}"
            if suite != "autoattack":
                where, settings = f"{where}.attacks", settings.get("attacks", [])
            if isinstance(settings, dict):
                if settings:
                    yield suite, where, settings
            else:
                for number, attack in enumerate(settings):
                    yield suite, f"{where}.{number}", attack
        if "perturbations" in self.config:
            yield "perturbations", "perturbations", self.config["perturbations"]

    def _check_training(self) -> None:
        """Refuse what a variant and the training settings of its runs cannot do together."""
        compute = self.config["compute"]
        compiled = compute.get("on_gpu", {}).get("compile", False)
        processes, _ = training_processes(compute["device"], compute["train"])
        for run in dict.fromkeys(run._replace(seed=0) for run in self.runs if not self.is_downloaded(run)):
            settings = self.spec(run)["training"]
            free = self.variants[run.variant].get("adversarial_training", {}).get("attack") == "free"
            second_order = settings["optimizer"] == "adahessian"
            problem = None
            if settings.get("accumulate", 1) > 1 and (free or second_order):
                problem = "accumulate works neither with free adversarial training nor with adahessian: set it to 1"
            elif second_order and free:
                problem = "adahessian does not work with free adversarial training: take another optimizer"
            elif second_order and compiled:
                problem = (
                    "adahessian differentiates twice, which torch.compile cannot: leave compute.on_gpu.compile out"
                )
            elif compiled and processes > 1:
                problem = (
                    "torch.compile does not get along with batch normalisation over several processes: "
                    "leave compute.on_gpu.compile out, or set compute.train.gpu and processes to 1"
                )
            elif second_order and processes > 1:
                problem = (
                    "adahessian differentiates twice, which processes that share a batch cannot: "
                    "set compute.train.gpu and processes to 1"
                )
            if problem is not None:
                raise InputError(f"training of {run.dataset}/{run.model}/{run.variant}: {problem}")

    def _check_labels(self) -> None:
        """Refuse two variants of one experiment that its tables and figures could not tell apart."""
        for experiment, runs in self.experiments.items():
            variants = dict.fromkeys(run.variant for run in runs)
            names: dict[str, str] = {}
            for variant in variants:
                label = self._label(variant)
                other = names.setdefault(label, variant)
                if other != variant:
                    raise InputError(
                        f"experiments.{experiment}.variants: '{other}' and '{variant}' have the same label "
                        f"{label!r}, give one of them another"
                    )

    def _runs(self, where: str, experiment: dict, of_variants: Validator) -> list[Run]:
        for name in experiment["datasets"]:
            explained(self.dataset, name, f"{where}.datasets")
        if "models" not in experiment and "checkpoints" not in experiment:
            raise InputError(f"{where}: gives neither models with variants and seeds, nor checkpoints")
        runs = self._grid(where, experiment, of_variants) if "models" in experiment else []
        runs += self._downloaded(where, experiment)
        known = dict.fromkeys(run.variant for run in runs)
        baseline = experiment.get("baseline")
        if baseline is not None and baseline not in known:
            raise InputError(f"{where}.baseline: {unknown('variant', baseline, known)}")
        return runs

    def _downloaded(self, where: str, experiment: dict) -> list[Run]:
        """The runs of an experiment's checkpoints, one on each of its data sets."""
        names = experiment.get("checkpoints", [])
        for name in names:
            if name not in self.checkpoints:
                raise InputError(f"{where}.checkpoints: {unknown('checkpoint', name, self.checkpoints)}")
            entry = self.checkpoints[name]
            of_imagenet = entry["source"] == "torchvision" or (
                entry["source"] == "timm" and _TIMM_OF_IMAGENET.search(entry["name"])
            )
            base = entry.get("dataset", "imagenet" if of_imagenet else "")
            classes = CLASSES.get(base)
            for dataset in experiment["datasets"]:
                there = len(self.class_names(dataset))
                if classes and there and classes != there:
                    raise InputError(
                        f"{where}.checkpoints: '{name}' knows {classes} classes and {dataset} has {there}, "
                        f"list it in an experiment of its own{remedy(self, dataset, [base])}"
                    )
        return [
            Run(dataset, self._model(name), name, 0)
            for dataset, name in itertools.product(experiment["datasets"], names)
        ]

    def _model(self, checkpoint: str) -> str:
        entry = self.checkpoints[checkpoint]
        default = "robustbench" if entry["source"] == "robustbench" else architecture_of(entry)
        return entry.get("model", default)

    def _grid(self, where: str, experiment: dict, of_variants: Validator) -> list[Run]:
        if "training" not in self.config:
            raise InputError(f"training: is missing, but {where} trains models")
        for name in experiment["datasets"]:
            self.check_trainable(name, where)
        for name in experiment["models"]:
            explained(check_architecture, name, f"{where}.models")
        for name in experiment["variants"]:
            if name not in self.config.get("variants", {}):
                raise InputError(f"{where}.variants: {unknown('variant', name, self.config.get('variants', {}))}")
            if "decomposition" in self.config["variants"][name]:
                for model in experiment["models"]:
                    explained(check_decomposable, model, f"{where}.models")
        variants = self._swept(where, experiment, of_variants)
        axes = experiment["datasets"], experiment["models"], variants, experiment["seeds"]
        self._check_number(where, "runs", *axes)
        return [Run(*values) for values in itertools.product(*axes)]

    def check_trainable(self, dataset: str, where: str) -> None:
        """Check that a data set has images to train on.

        Raises:
            InputError: it is for evaluation alone; the sentence begins with `where`.
        """
        entry = self.dataset(dataset)
        if entry.evaluation_only:
            raw = self.config.get("data", {}).get("raw", {}).get(dataset)
            because = f"data.raw.{dataset} ({raw}) has no training images" if raw else "it is evaluation_only"
            raise InputError(f"{where}: no model can be trained on {dataset}, as {because}: list checkpoints instead")

    @staticmethod
    def _check_number(where: str, what: str, *axes: Sequence) -> None:
        """Refuse a product of lists that is larger than Snakemake can go through, before it is made."""
        number = math.prod(map(len, axes))
        if number > _MOST_RUNS:
            raise InputError(f"{where}: asks for {number} {what}, more than {_MOST_RUNS}: shorten its lists")

    def _swept(self, where: str, experiment: dict, of_variants: Validator) -> list[str]:
        sweep = experiment.get("sweep", {})
        used: set[str] = set()
        names: list[str] = []
        for base in experiment["variants"]:
            keys = [key for key in sweep if key.split(".")[0] in self.config["variants"][base]]
            used.update(keys)
            self._check_number(f"{where}.sweep", "variants", *(sweep[key] for key in keys))
            for values in itertools.product(*(sweep[key] for key in keys)):
                names.append(self._add_variant(where, base, dict(zip(keys, values, strict=True)), of_variants))
        for key in sweep:
            if key not in used:
                section = key.split(".")[0]
                raise InputError(f"{where}.sweep.{key}: none of the experiment's variants has the section '{section}'")
        return list(dict.fromkeys(names))

    def _add_variant(self, where: str, base: str, settings: dict, of_variants: Validator) -> str:
        """Add the variant that `settings` make of `base`; a value the base has already makes no new variant."""
        variant = deepcopy(self.variants[base])
        name = base
        for key, value in settings.items():
            section, _, setting = key.rpartition(".")
            settings_of = variant[section] if section else variant
            if settings_of.get(setting) == value:
                continue
            settings_of[setting] = value
            check_schema(of_variants, variant, f"{where}.sweep.{key}", prefix_only=True)
            check_variant(f"{where}.sweep", variant)
            name += f"_{setting}-{str(value).replace('/', 'of')}"
            variant["label"] += ", " + _SWEEP_LABELS[key].format(value)
        if len(name) > _LONGEST_NAME:
            raise InputError(
                f"{where}.sweep: '{name}' is the name of a folder and has {len(name)} characters, of {_LONGEST_NAME} "
                f"at most: give '{base}' a shorter name, or sweep over less at once"
            )
        self.variants.setdefault(name, variant)
        return name

    def spec(self, run: Run) -> dict:
        """Everything that fixes a run's training: its variant without the label, and its settings.

        Of a downloaded model, where it comes from.
        """
        if self.is_downloaded(run):
            return {"run": run._asdict(), "source": self.source(run.variant)}
        variant = {key: value for key, value in self.variants[run.variant].items() if key != "label"}
        training = self.config["training"]
        settings = {
            "augmentation": self.dataset(run.dataset).augmentation,
            **training["default"],
            **training.get("models", {}).get(run.model, {}),
            **training.get("datasets", {}).get(run.dataset, {}),
        }
        settings["augmentation"] = variant.pop("augmentation", settings["augmentation"])
        return {"run": run._asdict(), "variant": _in_order(variant), "training": _in_order(settings)}

    def source(self, checkpoint: str) -> dict:
        """What fixes a checkpoint's files and what is made of them: its entry but for how it is shown."""
        return _in_order({key: value for key, value in self.checkpoints[checkpoint].items() if key not in SHOWN})

    def is_downloaded(self, run: Run) -> bool:
        """Whether a run is a model that others trained."""
        return run.variant in self.checkpoints

    def settings(self, section: str, dataset: str) -> dict | list | None:
        """The settings of a suite on a data set, or of the perturbations that are shown; None where there are none."""
        found = self.evaluation(dataset).get(section, self.config.get(section))
        return None if found is None else _in_order(found)

    def main_epsilons(self, dataset: str) -> dict[str, str]:
        """The epsilon of each norm that the main tables show: what the config says, or what is customary."""
        return {**CUSTOMARY_EPSILONS.get(dataset, {}), **self.evaluation(dataset).get("main_epsilons", {})}

    def published_accuracies(self, experiment: str, dataset: str) -> dict[str, dict[str, Any]]:
        """What RobustBench has published of an experiment's models that it measured on this data set, by variant.

        Each is a `filterfreq.models.robustbench_models.Published` as a mapping.
        """
        found = {}
        for name in self.labels(experiment, dataset):
            entry = self.checkpoints.get(name, {})
            if entry.get("source") == "robustbench" and entry["dataset"] == dataset:
                published = published_accuracies(dataset, entry["threat_model"]).get(entry["name"])
                found |= {name: published._asdict()} if published else {}
        return found

    def evaluation(self, dataset: str) -> dict:
        """The suites that are asked for on a data set, with their settings."""
        evaluation = self.config["evaluation"]
        return {**evaluation, **evaluation.get("datasets", {}).get(dataset, {})}

    def evaluation_batch_size(self, dataset: str) -> int:
        """How many images of a data set are evaluated at a time."""
        return self.evaluation(dataset)["batch_size"]

    def suites(self, dataset: str) -> list[str]:
        """The suites that the config asks for and the data set can serve."""
        # They are asked for again and again, for each run and product.
        if dataset not in self._suites:
            wanted = [suite for suite in SUITES if suite in self.evaluation(dataset)]
            self._suites[dataset] = [suite for suite in wanted if why_not(self, suite, dataset) is None]
        return [*self._suites[dataset]]

    def needs_images(self, dataset: str) -> bool:
        """Whether something is asked for that a data set's own images are needed for.

        Downloaded models of one whose classes are known without its files can be shown other images.
        """
        if not self.dataset(dataset).is_known or any(not self.is_downloaded(run) for run in self.runs_on(dataset)):
            return True
        return bool(set(self.suites(dataset)) - set(WITHOUT_IMAGES)) or "perturbations" in self.config

    def has_images(self, dataset: str) -> bool:
        """Whether a data set's own images are downloaded, or the config says where they lie."""
        return not self.dataset(dataset).is_known or dataset in self.config.get("data", {}).get("raw", {})

    def runs_on(self, dataset: str) -> list[Run]:
        """The runs of all experiments on a data set."""
        return [run for run in self.runs if run.dataset == dataset]

    def suites_of(self, run: Run) -> list[str]:
        """The suites of a run: those of its data set that its model can have.

        Attacks are not transferred to a downloaded model beside which no experiment has the source as a variant of the
        same model; `filters` is not for architectures without any.
        """
        found = self.suites(run.dataset)
        if "transfer" in found:
            source = self.evaluation(run.dataset)["transfer"]["source"]
            if run._replace(variant=source) not in self._all_runs:
                found.remove("transfer")
        if "filters" in found and not self.has_filters(run):
            found.remove("filters")
        return found

    def suites_in(self, experiment: str, dataset: str) -> list[str]:
        """The suites that at least one run of an experiment on a data set has."""
        found = set().union(*(self.suites_of(run) for run in self.runs_of(experiment, dataset)))
        return [suite for suite in self.suites(dataset) if suite in found]

    def runs_of(self, experiment: str, dataset: str) -> list[Run]:
        """The runs of one experiment on one data set."""
        return [run for run in self.experiments[experiment] if run.dataset == dataset]

    def labels(self, experiment: str, dataset: str) -> dict[str, str]:
        """The variants of one experiment on one data set with their labels, in the config's order."""
        return {run.variant: self._label(run.variant) for run in self.runs_of(experiment, dataset)}

    def _label(self, variant: str) -> str:
        entry = self.checkpoints.get(variant) or self.variants[variant]
        return entry.get("label", variant)

    def penalties(self, experiment: str, dataset: str) -> dict[str, dict[str, Any]]:
        """The penalties of an experiment's variants on a data set: kind, strength and depth, in the config's order.

        `beside` is what a variant does else: the label of the experiment's variant that differs from it in the penalty
        alone, or the settings in words.
        """
        labels = self.labels(experiment, dataset)
        variants = {name: self.variants[name] for name in labels if name in self.variants}
        others = {
            name: ", ".join(
                f"{key}: {value}" for key, value in _in_order(variant).items() if key not in ("label", "penalty")
            )
            for name, variant in variants.items()
        }
        unpenalised = {others[name]: labels[name] for name, variant in variants.items() if "penalty" not in variant}
        return {
            name: {**variant["penalty"], "beside": unpenalised.get(others[name], others[name])}
            for name, variant in variants.items()
            if "penalty" in variant
        }

    def baseline(self, experiment: str) -> str:
        """The variant that an experiment's corruption errors are relative to."""
        return self.config["experiments"][experiment].get("baseline", self.experiments[experiment][0].variant)


def _in_order(value: Any) -> Any:
    """The same with all keys sorted: a parameter that Snakemake compares must not depend on the order in the file."""
    if isinstance(value, dict):
        return {key: _in_order(value[key]) for key in sorted(value)}
    return [_in_order(item) for item in value] if isinstance(value, list) else value
