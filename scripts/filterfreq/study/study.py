"""A study: what a config asks for, as the rules, the plan and the captions ask about it."""

import itertools
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from filterfreq.data.shifted.registry import PUBLISHED_CORRUPTIONS, CorruptedImages, ShiftedSet
from filterfreq.evaluation.registry import SUITES
from filterfreq.evaluation.settings import evaluation_settings
from filterfreq.models.registry import architecture_of, has_spatial_filters
from filterfreq.models.robustbench_models import PublishedAccuracies, published_accuracies
from filterfreq.models.timm_models import PUBLISHED_CLEAN
from filterfreq.runtime.errors import InputError
from filterfreq.study.config import check_entries, check_form, fill_defaults
from filterfreq.study.config_checks import SHOWN, is_filter_file
from filterfreq.study.customary_epsilons import CUSTOMARY_EPSILONS
from filterfreq.study.datasets import Datasets
from filterfreq.study.derived import is_derived
from filterfreq.study.detections import Detections
from filterfreq.study.experiments import Run, expand
from filterfreq.study.filter_files import accuracies_in_file
from filterfreq.study.fits import Fits
from filterfreq.study.measurable import check_measurable, requested_suites, why_not, why_not_run
from filterfreq.study.over_training import own_settings, say_own_keys, snapshot_config, snapshot_suites
from filterfreq.study.pairs import Pair, expand_pairs
from filterfreq.study.run_checks import check_runs
from filterfreq.study.schema import config_schema
from filterfreq.study.variants import compared_methods, compared_settings, sort_keys, trained_variant, training_settings
from filterfreq.training.snapshot_names import snapshot_names


class Study(Datasets):
    """A validated config and the runs it asks for.

    Attributes:
        config: the parsed config, completed by what it may leave out.
        variants: the bundle of each variant in use, those that sweeps make included, in the config's order.
        swept: of each variant that a sweep makes, what it is made of.
        checkpoints: the entry of each downloaded model in use, by name.
        experiments: for each experiment its runs in the config's order, without repeats.
        runs: the union of all experiments' runs, without repeats.
        all_runs: these, and the runs that derived ones are made from and no experiment has: they are trained or
            downloaded, and in no table.
        fits: the networks that learn functions.
        detections: the detectors that are measured.
        pairs: for each experiment its pairs of runs in the config's order; most have none.
        of_snapshots: the study that has for all models the settings that suites have for snapshots; itself where none
            has its own.

    Args:
        config: the parsed config.
        schema: `schemas/config.schema.yaml`.

    Raises:
        InputError: a key, name or value does not fit; the sentence names the key.
    """

    def __init__(self, config: dict[str, Any], schema: Path) -> None:
        validator = config_schema(schema)
        check_form(config, validator)
        config = fill_defaults(config)
        super().__init__(config.get("data", {}))
        check_entries(config, self)
        self.config = config
        self.checkpoints = config.get("checkpoints", {})
        self.variants, self.swept, self.experiments = expand(config, self, validator)
        self.fits = Fits(config, validator)
        self.detections = Detections(config)
        self.runs = list(dict.fromkeys(itertools.chain.from_iterable(self.experiments.values())))
        self._run_set = frozenset(self.runs)
        self.all_runs = list(dict.fromkeys([*self.runs, *map(self.origin, self.runs)]))
        # Suites are asked for again and again, for each run and product.
        self._suites: dict[str, list[str]] = {}
        self._suites_of_runs: dict[Run, list[str]] = {}
        self._experiments_of_runs: dict[Run, list[str]] = {}
        for name, runs in self.experiments.items():
            # One that includes others asks for nothing that these do not.
            for run in runs if "includes" not in config["experiments"][name] else ():
                self._experiments_of_runs.setdefault(run, []).append(name)
        check_runs(self)
        self.pairs = {name: expand_pairs(self, name) for name in self.experiments}
        check_measurable(self)
        self.of_snapshots = self._make_study_of_snapshots(schema)

    def _make_study_of_snapshots(self, schema: Path) -> "Study":
        """Make `of_snapshots`, by which own settings are checked as those of all models are."""
        if not own_settings(self.config):
            return self
        try:
            return Study(snapshot_config(self.config), schema)
        except InputError as error:
            raise InputError(say_own_keys(self.config, str(error))) from error

    @property
    def datasets(self) -> list[str]:
        """The data sets of all runs, in the config's order."""
        return list(dict.fromkeys(run.dataset for run in self.runs))

    def shifted_sets(self, dataset: str) -> list[ShiftedSet]:
        """The shifted sets that the config wants shown to the models of a data set."""
        names = self.evaluation(dataset).get("out_of_distribution", {}).get("sets", [])
        return [self.shifted_set(name, dataset) for name in names if self.is_shifted_for(name, dataset)]

    @property
    def published_corruptions(self) -> dict[str, CorruptedImages]:
        """The published corrupted images of the runs' data sets, where there are some and the config wants them."""
        wanted = self.data.get("corruptions") == "published"
        names = dict.fromkeys(run.dataset for run in self.runs if wanted)
        return {name: PUBLISHED_CORRUPTIONS[name] for name in names if name in PUBLISHED_CORRUPTIONS}

    def has_run(self, run: Run) -> bool:
        """Whether an experiment has a run."""
        return run in self._run_set

    def runs_on(self, dataset: str) -> list[Run]:
        """The runs of all experiments on a data set."""
        return [run for run in self.runs if run.dataset == dataset]

    def runs_of(self, experiment: str, dataset: str) -> list[Run]:
        """The runs of one experiment on one data set."""
        return [run for run in self.experiments[experiment] if run.dataset == dataset]

    def first_run(self, dataset: str, variant: str) -> Run | None:
        """The first run on a data set that has a variant or is a checkpoint, in the config's order."""
        return next((run for run in self.runs_on(dataset) if run.variant == variant), None)

    def classifiers_of(self, experiment: str, dataset: str) -> list[Run]:
        """The runs of one experiment on one data set that have a model that classifies, all but files of filters."""
        return [run for run in self.runs_of(experiment, dataset) if not self.is_filter_file(run)]

    def labels(self, experiment: str, dataset: str) -> dict[str, str]:
        """The variants of one experiment on one data set with their labels, in the config's order."""
        return {run.variant: self.label(run.variant) for run in self.runs_of(experiment, dataset)}

    def label(self, variant: str) -> str:
        """How a variant or a checkpoint is called in tables and figures."""
        return (self.checkpoints.get(variant) or self.variants[variant]).get("label", variant)

    def setting_key(self, variant: str, setting: str) -> str:
        """The key of the config that a setting of a variant, such as `front_end.bandwidth`, is from."""
        if variant not in self.swept:
            return f"variants.{variant}.{setting}"
        swept = self.swept[variant]
        return f"{swept.where}.{setting}" if setting in swept.values else f"variants.{swept.base}.{setting}"

    def describe(self, variant: str) -> str:
        """A variant as a sentence names it: of one that a sweep makes, the values that it has from there."""
        if variant not in self.swept:
            return f"'{variant}'"
        swept = self.swept[variant]
        return f"'{swept.base}' with {', '.join(f'{key}: {value}' for key, value in swept.values.items())}"

    def baseline(self, experiment: str) -> str:
        """The variant that corruption errors are relative to: what is given, or the first one with a model."""
        runs = self.experiments[experiment]
        first = next((run for run in runs if not self.is_filter_file(run)), runs[0])
        return self.config["experiments"][experiment].get("baseline", first.variant)

    def pairs_of(self, experiment: str, dataset: str) -> list[Pair]:
        """The pairs of one experiment on one data set."""
        return [pair for pair in self.pairs[experiment] if pair.treatment.dataset == dataset]

    def counting(self, experiment: str) -> str:
        """How often a control of several pairs counts: "each_pair" or "once"."""
        return self.config["experiments"][experiment].get("controls", "each_pair")

    def penalties(self, experiment: str, dataset: str) -> dict[str, dict[str, Any]]:
        """The penalties of an experiment's variants on a data set, with `beside`, as `compared_settings` has them."""
        return compared_settings(self.variants, self.labels(experiment, dataset), "penalty")

    def front_ends(self, experiment: str, dataset: str) -> dict[str, dict[str, Any]]:
        """The same of their front ends."""
        return compared_settings(self.variants, self.labels(experiment, dataset), "front_end")

    def data_settings(self, experiment: str, dataset: str, section: str) -> dict[str, dict[str, Any]]:
        """The same of a section of the data that they are trained with, with `beside` as `compared_methods` has it."""
        return compared_methods(self.variants, self.labels(experiment, dataset), section, self.swept, self.config)

    def averages(self, experiment: str, dataset: str) -> dict[str, dict[str, Any]]:
        """The same of their averages round the image, with `from`, whose label is `beside` if nothing else differs."""
        found = compared_settings(self.variants, self.labels(experiment, dataset), "post_averaging")
        for name, settings in found.items():
            source = settings["from"] = self.variants[name]["from"]
            if settings["beside"] == f"from: {source}":
                settings["beside"] = self.label(source)
        return found

    def published_accuracies(self, experiment: str, dataset: str) -> dict[str, dict[str, Any]]:
        """What is published of an experiment's models that were measured on this data set, by variant.

        That is RobustBench's of its models, of timm's what `PUBLISHED_CLEAN` has, and of an HDF5 file of filters what
        it says itself.

        Each is a `filterfreq.models.robustbench_models.PublishedAccuracies` as a mapping.
        """
        found = {}
        for name in self.labels(experiment, dataset):
            entry = self.checkpoints.get(name, {})
            if entry.get("source") == "robustbench" and entry["dataset"] == dataset:
                published = published_accuracies(dataset, entry["threat_model"]).get(entry["name"])
                found |= {name: published._asdict()} if published else {}
            if entry.get("source") == "timm" and dataset == "imagenet" and entry["name"] in PUBLISHED_CLEAN:
                found[name] = PublishedAccuracies(PUBLISHED_CLEAN[entry["name"]], None, "", "")._asdict()
            if entry.get("source") == "filters" and "name" in entry and (given := accuracies_in_file(entry, dataset)):
                found[name] = given
        return found

    def is_downloaded(self, run: Run) -> bool:
        """Whether a run is a model that others trained."""
        return run.variant in self.checkpoints

    @property
    def filter_files(self) -> list[str]:
        """The checkpoints that are filters of a model and nothing more, which no classifier can be made of."""
        return [name for name, entry in self.checkpoints.items() if is_filter_file(entry)]

    def is_filter_file(self, run: Run) -> bool:
        """Whether filters of a run's model are all there is of it."""
        return is_filter_file(self.checkpoints.get(run.variant, {}))

    @property
    def derived_variants(self) -> list[str]:
        """The variants whose models are made from others' without training."""
        return [name for name, variant in self.variants.items() if is_derived(variant)]

    def is_derived(self, run: Run) -> bool:
        """Whether a run's model is made from another run's without training."""
        return is_derived(self.variants.get(run.variant, {}))

    def is_trained(self, run: Run) -> bool:
        """Whether a run's model is trained here, being neither downloaded nor derived."""
        return not self.is_downloaded(run) and not self.is_derived(run)

    def source_run(self, run: Run) -> Run:
        """The run that a derived one is made from: of the same data set, model and seed."""
        return run._replace(variant=self.variants[run.variant]["from"])

    def origin(self, run: Run) -> Run:
        """The run that was trained or downloaded: that which a derived one is made from, or the run itself."""
        return self.source_run(run) if self.is_derived(run) else run

    def source(self, checkpoint: str) -> dict:
        """What fixes a checkpoint's files and what is made of them: its entry but for how it is shown.

        Weights of detectors are downloaded as checkpoints are.
        """
        entry = self.detections.checkpoints.get(checkpoint) or self.checkpoints[checkpoint]
        return sort_keys({key: value for key, value in entry.items() if key not in SHOWN})

    def spec(self, run: Run) -> dict:
        """Everything that fixes a run's training: its variant without the label, and its settings.

        Of a downloaded model, where it comes from; of a derived one, which variant it is made from and how.
        """
        if self.is_downloaded(run):
            return {"run": run._asdict(), "source": self.source(run.variant)}
        bundle = self.variants[run.variant]
        if is_derived(bundle):
            changes = {key: value for key, value in bundle.items() if key != "label"}
            return {"run": run._asdict(), "derived": sort_keys(changes)}
        # What is among the training's settings, or how it is shown.
        variant = trained_variant(bundle, self.dataset(run.dataset).image_size)
        training = training_settings(
            self.config["training"], run.model, run.dataset, bundle, self.dataset(run.dataset).augmentation
        )
        training.pop("snapshots", None)
        return {"run": run._asdict(), "variant": sort_keys(variant), "training": sort_keys(training)}

    def snapshots(self, run: Run) -> list[str]:
        """The names of the snapshots that the training of a run keeps, which are no part of its spec."""
        if not self.is_trained(run):
            return []
        bundle = self.variants[run.variant]
        settings = training_settings(self.config["training"], run.model, run.dataset, bundle, "")
        return snapshot_names(settings.get("snapshots", []))

    @cached_property
    def runs_with_snapshots(self) -> list[Run]:
        """The runs whose trainings keep snapshots."""
        return [run for run in self.all_runs if self.snapshots(run)]

    @property
    def snapshot_suites(self) -> list[str]:
        """The suites that snapshots are measured with."""
        return snapshot_suites(self.config)

    def suites_over_training(self, run: Run) -> list[str]:
        """The suites that the snapshots of a run are measured with: of those that the run has."""
        if not self.snapshot_suites or not self.snapshots(run):
            return []
        possible = self.suites_of(run)
        return [suite for suite in self.snapshot_suites if suite in possible]

    @property
    def keeps_snapshots(self) -> bool:
        """Whether snapshots stay after they have been measured."""
        return self.config.get("training", {}).get("keep_snapshots", True)

    def architecture(self, run: Run) -> str:
        """The architecture of a run's model, which may be shown under another name; files of filters have none."""
        origin = self.origin(run)
        return architecture_of(self.checkpoints[origin.variant]) if self.is_downloaded(origin) else run.model

    def has_filters(self, run: Run) -> bool:
        """Whether a run's model is not known to lack spatial filters, which the suite `filters` analyses."""
        return self.is_filter_file(run) or has_spatial_filters(self.architecture(run))

    @cached_property
    def models_without_filters(self) -> dict[str, list[str]]:
        """The models of each data set none of whose runs has filters to analyse."""
        having = {run.dataset for run in self.runs if self.has_filters(run)}
        found: dict[str, dict[str, None]] = {}
        for run in self.runs:
            if run.dataset not in having:
                found.setdefault(run.dataset, {})[run.model] = None
        return {dataset: [*models] for dataset, models in found.items()}

    def evaluation(self, dataset: str) -> dict:
        """The suites that are asked for on a data set, with their settings."""
        return evaluation_settings(self.config, dataset)

    def settings(self, section: str, dataset: str) -> dict | list | None:
        """The settings of a suite on a data set, or of the perturbations that are shown; None where there are none."""
        found = self.evaluation(dataset).get(section)
        return None if found is None else sort_keys(found)

    def evaluation_batch_size(self, dataset: str) -> int:
        """How many images of a data set are evaluated at a time."""
        return self.evaluation(dataset)["batch_size"]

    def main_epsilons(self, dataset: str) -> dict[str, str]:
        """The epsilon of each norm that the main tables show: what the config says, or what is customary."""
        return {**CUSTOMARY_EPSILONS.get(dataset, {}), **self.evaluation(dataset).get("main_epsilons", {})}

    def attacks(self, dataset: str) -> Iterator[tuple[str, str, dict]]:
        """The attacks on models of a data set, each after its section and its key in the config."""
        own = self.config["evaluation"].get("datasets", {}).get(dataset, {})
        evaluation = self.evaluation(dataset)
        for name, suite in SUITES.items():
            attacks = suite.listed_attacks(evaluation[name]) if name in evaluation else None
            where = f"evaluation.datasets.{dataset}.{name}" if name in own else f"evaluation.{name}"
            for number, attack in enumerate(attacks or ()):
                yield name, ".".join([where, *suite.attacks, str(number)]), attack
        if "perturbations" in evaluation:
            where = f"evaluation.datasets.{dataset}" if "perturbations" in own else "evaluation"
            yield "perturbations", f"{where}.perturbations", evaluation["perturbations"]

    def wants(self, experiment: str, suite: str) -> bool:
        """Whether an experiment wants a suite, or perturbations: one of its `suites`, or any where it names none.

        One that includes others wants what they do.
        """
        settings = self.config["experiments"][experiment]
        if "includes" in settings:
            return any(self.wants(other, suite) for other in settings["includes"])
        return suite in settings.get("suites", (suite,))

    def is_wanted(self, suite: str, run: Run) -> bool:
        """Whether an experiment that has a run wants a suite; all are wanted of a run that no experiment has."""
        experiments = self._experiments_of_runs.get(run)
        return experiments is None or any(self.wants(experiment, suite) for experiment in experiments)

    def suites(self, dataset: str) -> list[str]:
        """The suites that the config asks for, an experiment on the data set wants, and the data set can serve."""
        if dataset not in self._suites:
            asking = [
                name for name, entry in self.config["experiments"].items() if dataset in entry.get("datasets", ())
            ]
            self._suites[dataset] = [
                suite
                for suite in requested_suites(self.evaluation(dataset))
                if (not asking or any(self.wants(experiment, suite) for experiment in asking))
                and why_not(self, suite, dataset) is None
            ]
        return [*self._suites[dataset]]

    def suites_of(self, run: Run) -> list[str]:
        """The suites of a run: those of its data set that one of its experiments wants and its model can have."""
        if run not in self._suites_of_runs:
            found = (suite for suite in self.suites(run.dataset) if self.is_wanted(suite, run))
            self._suites_of_runs[run] = [suite for suite in found if why_not_run(self, suite, run) is None]
        return [*self._suites_of_runs[run]]

    def suites_in(self, experiment: str, dataset: str) -> list[str]:
        """The suites that an experiment wants and at least one of its runs on a data set has."""
        found = set().union(*(self.suites_of(run) for run in self.runs_of(experiment, dataset)))
        return [suite for suite in self.suites(dataset) if suite in found and self.wants(experiment, suite)]

    def needs_images(self, dataset: str) -> bool:
        """Whether something is asked for that a data set's own images are needed for.

        Downloaded models of one whose classes are known without its files can be shown other images.
        """
        origins = map(self.origin, self.runs_on(dataset))
        if not self.dataset(dataset).is_known or any(map(self.is_trained, origins)):
            return True
        suites_need_them = any(SUITES[suite].needs_images for suite in self.suites(dataset))
        return suites_need_them or "perturbations" in self.evaluation(dataset)
