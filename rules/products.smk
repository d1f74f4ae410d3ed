# What tables and figures show, which of them the config asks for, and their files.
# Each says of itself what it needs, in its file in scripts/filterfreq/publishing; here stands what the names in there mean.
from collections.abc import Callable
from typing import NamedTuple

from filterfreq.publishing.registry import CLAIMED, read_products

TABLE_FORMS = ("csv", "md", "tex", "html", "txt")
FIGURE_FORMS = ("png", "pdf")

claimed = {claim["measure"]["suite"] for claim in claims.values()} - {"clean"}
claimed_suites = [suite for suite in SUITES if suite in claimed]


# Conditions: what an experiment must have on a data set, beside suites.


class Condition(NamedTuple):
    """A condition of experiment and data set, and what is said to be lacking where it holds nowhere."""

    holds: Callable[[str, str], bool]
    lacking: str


def has_trained_runs(experiment, dataset):
    return bool(trained(experiment, dataset))


def has_images(experiment, dataset):
    return study.has_images(dataset)


def has_perturbations(experiment, dataset):
    return study.settings("perturbations", dataset) is not None


def has_claims(experiment, dataset):
    return bool(claims_of(experiment, dataset))


def sweeps_strength_or_depth(experiment, dataset):
    return is_swept(experiment, dataset, "strength") or is_swept(experiment, dataset, "depth")


def sweeps_kind(experiment, dataset):
    return is_swept(experiment, dataset, "kind")


def is_swept(experiment, dataset, setting):
    """Whether the penalties of an experiment's variants differ in a setting."""
    return len({penalty[setting] for penalty in study.penalties(experiment, dataset).values()}) > 1


def pairs_baseline(experiment, dataset):
    """Whether an experiment has another variant of a model and seed that it has the baseline of."""
    runs = study.runs_of(experiment, dataset)
    baseline = study.baseline(experiment)
    pairs = {(run.model, run.seed) for run in runs if run.variant == baseline}
    return any(run.variant != baseline and (run.model, run.seed) in pairs for run in runs)


def claims_of(experiment, dataset):
    """The claims on two variants of an experiment."""
    variants = set(study.labels(experiment, dataset))
    return {name: claim for name, claim in claims.items() if {claim["treatment"], claim["control"]} <= variants}


CONDITIONS = {
    "trained": Condition(has_trained_runs, "a run that is trained here"),
    "images_here": Condition(has_images, "a data set with images of its own"),
    "perturbations_shown": Condition(has_perturbations, "perturbations"),
    "claims_tested": Condition(has_claims, "both variants of a claim in a file that the key claims names"),
    "strength_or_depth_swept": Condition(sweeps_strength_or_depth, "a sweep of penalty.strength or penalty.depth"),
    "kind_swept": Condition(sweeps_kind, "a sweep of penalty.kind"),
    "baseline_paired": Condition(pairs_baseline, "another variant of a model and seed that the baseline has"),
}


# Parameters: what a product's function can take. A product is made again for those alone that its label takes.


def shown_datasets(wildcards):
    """The data set of a job, or all data sets of its experiment."""
    return [wildcards.dataset] if "dataset" in wildcards.keys() else datasets_of(wildcards.experiment)


def labels(wildcards):
    """The labels of an experiment's variants, in the config's order."""
    return {
        name: label
        for dataset in shown_datasets(wildcards)
        for name, label in study.labels(wildcards.experiment, dataset).items()
    }


def baseline(wildcards):
    """The variant that corruption errors and differences are relative to."""
    return study.baseline(wildcards.experiment)


def main_epsilons(wildcards):
    """The epsilon of each norm that tables and figures of one epsilon show on a data set."""
    return study.main_epsilons(wildcards.dataset)


def main_epsilons_by_dataset(wildcards):
    """The same for each data set of an experiment."""
    return {dataset: study.main_epsilons(dataset) for dataset in shown_datasets(wildcards)}


def published_accuracies(wildcards):
    """What is published of an experiment's models on a data set."""
    return study.published_accuracies(wildcards.experiment, wildcards.dataset)


def published_accuracies_by_dataset(wildcards):
    """The same for each data set of an experiment."""
    experiment = wildcards.experiment
    return {dataset: study.published_accuracies(experiment, dataset) for dataset in shown_datasets(wildcards)}


def penalties(wildcards):
    """The settings of the penalty of an experiment's variants that have one, in the config's order."""
    return study.penalties(wildcards.experiment, wildcards.dataset)


def tested_claims(wildcards):
    """The claims on two variants of an experiment on a data set."""
    return claims_of(wildcards.experiment, wildcards.dataset)


def shown_attack(wildcards):
    """The settings of the attack whose perturbations are shown."""
    return study.settings("perturbations", wildcards.dataset)


def extent(wildcards):
    """A sentence for captions about each data set of which only a part is here; empty where there is none."""
    return captions.extent(study, shown_datasets(wildcards))


def extent_with_shifted(wildcards):
    """The same of one data set, and of the shifted sets that are shown to its models and have some of their classes."""
    sets = study.shifted_sets(wildcards.dataset)
    parts = [
        f"{entry.name} has {part}, which alone are answers to its images."
        for entry in sets
        if (part := study.shifted_extent(entry))
    ]
    return " ".join(filter(None, [extent(wildcards), *parts]))


PARAMETERS = {
    "labels": labels,
    "baseline": baseline,
    "epsilons": main_epsilons,
    "epsilons_by_dataset": main_epsilons_by_dataset,
    "published": published_accuracies,
    "published_by_dataset": published_accuracies_by_dataset,
    "penalties": penalties,
    "claims": tested_claims,
    "attack": shown_attack,
    "extent": extent,
    "extent_with_shifted": extent_with_shifted,
}


# Inputs: what a product can read, as functions of the product and the wildcards of its job.


def aggregated_results(product, wildcards):
    """The aggregated suites that a product shows."""
    return [
        AGGREGATED.format(experiment=wildcards.experiment, dataset=dataset, suite=suite)
        for dataset in shown_datasets(wildcards)
        if is_possible(product, wildcards.experiment, dataset)
        for suite in shown_suites(product, wildcards.experiment, dataset)
    ]


def aggregated_histories(product, wildcards):
    """The training histories of an experiment's runs, one file for each data set."""
    experiment = wildcards.experiment
    return [AGGREGATED_HISTORY.format(experiment=experiment, dataset=name) for name in shown_datasets(wildcards)]


def training_records(product, wildcards):
    """The records of an experiment's runs that are trained here."""
    datasets = shown_datasets(wildcards)
    return [RECORD.format(**run._asdict()) for name in datasets for run in trained(wildcards.experiment, name)]


def prepared_images(product, wildcards):
    """The prepared images of each data set."""
    datasets = shown_datasets(wildcards)
    return {
        "dataset": [DATASET.format(dataset=name) for name in datasets],
        "arrays": [ancient(ARRAYS.format(dataset=name)) for name in datasets],
    }


def perturbed_images(product, wildcards):
    """The prepared images, and the adversarial examples of each variant's first run, in the order of the variants."""
    first = {}
    for dataset in shown_datasets(wildcards):
        for run in study.runs_of(wildcards.experiment, dataset):
            first.setdefault(run.variant, PERTURBATIONS.format(**run._asdict()))
    return {**prepared_images(product, wildcards), "perturbations": list(first.values())}


def corrupted_images(product, wildcards):
    """The prepared images, and the same under corruptions."""
    datasets = shown_datasets(wildcards)
    return {
        **prepared_images(product, wildcards),
        "corrupted": [ancient(CORRUPTED.format(dataset=name)) for name in datasets],
        "corrupted_record": [CORRUPTED_RECORD.format(dataset=name) for name in datasets],
    }


INPUTS = {
    "results": aggregated_results,
    "history": aggregated_histories,
    "records": training_records,
    "images": prepared_images,
    "perturbations": perturbed_images,
    "corrupted_images": corrupted_images,
}

KNOWN = {"suite": SUITES, "parameter": PARAMETERS, "kind of input": INPUTS, "condition": CONDITIONS}

try:
    PRODUCTS = read_products(KNOWN)
except InputError as error:
    raise WorkflowError(f"A table or figure is refused: {error}") from error

TABLES = [target for target, product in PRODUCTS.items() if product.kind == "table"]
FIGURES = [target for target, product in PRODUCTS.items() if product.kind == "figure"]


def product_names(kind, over):
    """A regular expression of the names of all tables or figures of a data set, or of an experiment."""
    names = [product.name for product in PRODUCTS.values() if product.kind == kind and product.label.over == over]
    return "|".join(names) or "(?!)"


def product_of(kind, wildcards):
    """The product that a job makes."""
    return PRODUCTS[f"{kind}_{wildcards.name}"]


def product_inputs(kind, wildcards):
    """What a job reads; a path that was asked for by name may be of what the config cannot make."""
    product = product_of(kind, wildcards)
    if not any(is_possible(product, wildcards.experiment, dataset) for dataset in shown_datasets(wildcards)):
        raise WorkflowError(nothing_to_make(product))
    return INPUTS[product.label.reads](product, wildcards)


def product_arguments(kind, wildcards):
    """What a job hands to its product's function, by name."""
    return {name: PARAMETERS[name](wildcards) for name in product_of(kind, wildcards).label.takes}


def product_note(kind, wildcards):
    """What a table's own caption ends with."""
    name = product_of(kind, wildcards).label.note
    return PARAMETERS[name](wildcards) if name else ""


def product_modules(kind, wildcards):
    """The module that makes a product."""
    return [product_of(kind, wildcards).module]


def product_caption(kind, wildcards):
    """What the report says of a product."""
    product = product_of(kind, wildcards)
    experiment = wildcards.experiment
    suites = {
        dataset: shown_suites(product, experiment, dataset)
        for dataset in shown_datasets(wildcards)
        if is_possible(product, experiment, dataset)
    }
    return captions.caption(study, product, experiment, suites)


def in_report(kind, file):
    """An output that `snakemake --report` shows, with its caption and where it is listed."""

    def entry(wildcards):
        name, title = "all", product_of(kind, wildcards).label.title
        if "dataset" in wildcards.keys():
            part = study.extent(wildcards.dataset)
            name = f"{wildcards.dataset} ({part})" if part else wildcards.dataset
        return {kind: title, "data set": name}

    category = f"{kind.capitalize()}s"
    return report(file, caption="../report/product.rst", category=category, subcategory="{experiment}", labels=entry)


def shown_suites(product, experiment, dataset):
    """The suites that a product shows of an experiment on a data set."""
    available = study.suites_in(experiment, dataset)
    named = [name for suite in product.label.shows for name in (claimed_suites if suite == CLAIMED else [suite])]
    return [suite for suite in named if suite in available]


def is_possible(product, experiment, dataset):
    """Whether an experiment has all that a product of this data set cannot do without."""
    when = product.label.when
    needs = set(product.label.needs) <= set(study.suites_in(experiment, dataset))
    return needs and (not when or CONDITIONS[when].holds(experiment, dataset))


def possible_pairs(product):
    """The pairs of experiment and data set that a product can be made of."""
    return [
        (experiment, dataset)
        for experiment in study.experiments
        for dataset in datasets_of(experiment)
        if is_possible(product, experiment, dataset)
    ]


def product_files(target):
    """The files of one table or figure, over all experiments and data sets."""
    product = PRODUCTS[target]
    patterns = {
        "table": {"dataset": TABLE, "experiment": TABLE_OF_EXPERIMENT},
        "figure": {"dataset": FIGURE, "experiment": FIGURE_OF_EXPERIMENT},
    }
    pattern = patterns[product.kind][product.label.over]
    files = [
        f"{pattern.format(experiment=experiment, dataset=dataset, name=product.name)}.{form}"
        for experiment, dataset in possible_pairs(product)
        for form in (TABLE_FORMS if product.kind == "table" else FIGURE_FORMS)
    ]
    return list(dict.fromkeys(files))


def shown_evaluations(target):
    """The evaluations that a table or figure shows."""
    product = PRODUCTS[target]
    files = [
        EVALUATION.format(**run._asdict(), suite=suite)
        for experiment, dataset in (possible_pairs(product) if product.label.reads == "results" else [])
        for run in study.runs_of(experiment, dataset)
        for suite in study.suites_of(run)
        if suite in shown_suites(product, experiment, dataset)
    ]
    return list(dict.fromkeys(files))


def target_files(*targets):
    """Tables and figures, and the evaluations behind them.

    Snakemake does not miss an intermediate file as long as what was made of it is there; asked for by name, a deleted
    evaluation is made again, and then all that hangs on it.
    """
    return list(dict.fromkeys(file for name in targets for file in (*product_files(name), *shown_evaluations(name))))


def requested_files(target, wildcards):
    """The same for a target that was asked for by name, where having nothing to make is a mistake."""
    files = target_files(target)
    if not files:
        raise WorkflowError(nothing_to_make(PRODUCTS[target]))
    return files


def nothing_to_make(product):
    """The sentence that says what the config lacks for a product."""
    label = product.label
    measured = {suite for dataset in study.datasets for suite in study.suites(dataset)}
    lacking = [f"evaluation.{suite}" for suite in label.needs if suite not in measured]
    if not lacking and label.when:
        lacking = [CONDITIONS[label.when].lacking]
    lacking = lacking or [f"{' and '.join(label.needs)} on one data set of an experiment"]
    return (
        f"There is no {product.target} to make: the config's experiments, data sets and evaluations lack what it shows "
        f"({', '.join(lacking)})."
    )


def plan_files():
    """The table of what was planned beside what it took, where a plan was made."""
    return [f"{TABLE_OF_PLAN}.{form}" for form in TABLE_FORMS] if Path(PLAN).exists() else []


def requested_plan_files(wildcards):
    """The same for a target that was asked for by name."""
    if not plan_files():
        raise WorkflowError("There is no table_plan to make: no plan was made, by make plan or python scripts/plan.py.")
    return plan_files()


def everything():
    """All tables and figures, and every evaluation of every run, side by side, also of a suite that nothing shows."""
    every = [EVALUATION.format(**run._asdict(), suite=suite) for run in study.runs for suite in study.suites_of(run)]
    aggregated = [
        AGGREGATED.format(experiment=experiment, dataset=dataset, suite=suite)
        for experiment in study.experiments
        for dataset in datasets_of(experiment)
        for suite in study.suites_in(experiment, dataset)
    ]
    return list(dict.fromkeys([*target_files(*PRODUCTS), *every, *aggregated]))
