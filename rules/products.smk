# Which tables and figures the config asks for, what each shows, and their files.
# Each says of itself what it needs, in its file in scripts/filterfreq/publishing.

from datetime import date

from snakemake.iocontainers import Wildcards
from filterfreq.publishing.registry import CLAIMED, read_products
from filterfreq.publishing.start_page import start_page
from filterfreq.runtime.provenance import git_revision

TABLE_FORMS = ("csv", "md", "tex", "html", "txt")
FIGURE_FORMS = ("png", "pdf", "html")

claimed = {suite for claim in claims.values() for suite in measured_suites(claim)}
claimed_suites = [suite for suite in SUITES if suite in claimed]
claimed_over_training = {suite for claim in claims.values() for suite in suites_over_training(claim)}

KNOWN = {
    "suite": SUITES,
    "fit": FITS,
    "gan": GANS,
    "parameter": PARAMETERS,
    "kind of input": INPUTS,
    "condition": CONDITIONS,
}

# What there are products of beside experiments: an entry of a section of its own.
SECTIONS = ("fit", "gan", "detection")

try:
    PRODUCTS = read_products(KNOWN)
except InputError as error:
    raise WorkflowError(f"A table or figure is refused: {error}") from error

TABLES = [target for target, product in PRODUCTS.items() if product.kind == "table"]
FIGURES = [target for target, product in PRODUCTS.items() if product.kind == "figure"]


def product_names(kind, over):
    """A regular expression of the names of all tables or figures of a data set, an experiment or an entry of a section."""
    names = [product.name for product in PRODUCTS.values() if product.kind == kind and product.label.over == over]
    return "|".join(names) or "(?!)"


def product_of(kind, wildcards):
    """The product that a job makes."""
    return PRODUCTS[f"{kind}_{wildcards.name}"]


def product_inputs(kind, wildcards):
    """What a job reads; a path that was asked for by name may be of what the config cannot make."""
    product = product_of(kind, wildcards)
    if over := entry_of_section(product):
        possible = getattr(wildcards, over) in possible_entries(product)
    else:
        experiment, datasets = wildcards.experiment, shown_datasets(wildcards)
        possible = any(is_possible(product, experiment, dataset) for dataset in datasets)
    if not possible:
        raise WorkflowError(nothing_to_make(product))
    return INPUTS[product.label.reads](product, wildcards)


def product_arguments(kind, wildcards):
    """What a job hands to its product's function, by name."""
    return {name: PARAMETERS[name](wildcards) for name in product_of(kind, wildcards).label.takes}


def product_note(kind, wildcards):
    """What a table's own caption ends with."""
    label = product_of(kind, wildcards).label
    return PARAMETERS[label.note](wildcards) if label.note and label.over not in SECTIONS else ""


def product_modules(kind, wildcards):
    """The module that makes a product."""
    return [product_of(kind, wildcards).module]


def product_caption(kind, wildcards):
    """What the report says of a product."""
    product = product_of(kind, wildcards)
    if product.label.over in study.grids:
        return captions.fit_caption(study, product, wildcards[product.label.over])
    if product.label.over == "detection":
        return captions.detection_caption(study, product, wildcards.detection)
    experiment = wildcards.experiment
    suites = {
        dataset: shown_suites(product, experiment, dataset)
        for dataset in shown_datasets(wildcards)
        if is_possible(product, experiment, dataset)
    }
    return captions.caption(study, product, experiment, suites)


def report_output(kind, file, subcategory="{experiment}"):
    """An output that `snakemake --report` shows, with its caption and where it is listed."""

    def entry(wildcards):
        name, title = "all", product_of(kind, wildcards).label.title
        if "dataset" in wildcards.keys():
            part = study.extent(wildcards.dataset)
            name = f"{wildcards.dataset} ({part})" if part else wildcards.dataset
        elif over := entry_of_section(product_of(kind, wildcards)):
            name = getattr(wildcards, over)
        return {kind: title, "data set": name}

    category = f"{kind.capitalize()}s"
    return report(file, caption="../report/product.rst", category=category, subcategory=subcategory, labels=entry)


def shown_suites(product, experiment, dataset):
    """The suites that a product shows of an experiment on a data set."""
    available = study.suites_in(experiment, dataset)
    named = [name for suite in product.label.shows for name in (claimed_suites if suite == CLAIMED else [suite])]
    return [suite for suite in named if suite in available]


def is_possible(product, experiment, dataset):
    """Whether an experiment has all that a product of this data set cannot do without."""
    when, reads = product.label.when, product.label.reads
    available = (measured_over_training if reads == "over_training" else study.suites_in)(experiment, dataset)
    needs = set(product.label.needs) <= set(available)
    return needs and (not when or CONDITIONS[when].holds(experiment, dataset))


def possible_pairs(product):
    """The pairs of experiment and data set that a product can be made of."""
    return [
        (experiment, dataset)
        for experiment in study.experiments
        for dataset in experiment_datasets(experiment)
        if is_possible(product, experiment, dataset)
    ]


def entry_of_section(product):
    """What a product shows one entry of, such as "fit"; None of those of experiments."""
    return product.label.over if product.label.over in SECTIONS else None


def possible_entries(product):
    """The fits, GANs or detections that a product over these can be made of."""
    if product.label.over == "detection":
        return [run.detection for run in study.detections.runs]
    grid = study.grids[product.label.over]
    return [name for name in grid.runs if grid.kind(name) in product.label.needs]


def product_files(target):
    """The files of one table or figure, over all experiments and data sets, or over all entries of a section."""
    product = PRODUCTS[target]
    patterns = {
        "table": {
            "dataset": TABLE,
            "experiment": TABLE_OF_EXPERIMENT,
            "fit": TABLE_OF_FIT,
            "gan": TABLE_OF_GAN,
            "detection": TABLE_OF_DETECTION,
        },
        "figure": {
            "dataset": FIGURE,
            "experiment": FIGURE_OF_EXPERIMENT,
            "fit": FIGURE_OF_FIT,
            "gan": FIGURE_OF_GAN,
            "detection": FIGURE_OF_DETECTION,
        },
    }
    pattern = patterns[product.kind][product.label.over]
    if over := entry_of_section(product):
        paths = [pattern.format(**{over: entry}, name=product.name) for entry in possible_entries(product)]
    else:
        pairs = possible_pairs(product)
        paths = [pattern.format(experiment=name, dataset=dataset, name=product.name) for name, dataset in pairs]
    forms = TABLE_FORMS if product.kind == "table" else FIGURE_FORMS
    return list(dict.fromkeys(f"{path}.{form}" for path in paths for form in forms))


def shown_evaluations(target):
    """The evaluations, or results of fits, GANs or detection, that a table or figure shows."""
    product = PRODUCTS[target]
    if product.label.over in study.grids:
        grid, pattern = study.grids[product.label.over], GRID_RESULTS[product.label.over]
        return [pattern.format(**run._asdict()) for name in possible_entries(product) for run in grid.runs[name]]
    if product.label.over == "detection":
        return [DETECTION_RESULTS.format(**run._asdict()) for run in study.detections.runs]
    shown = {pair: shown_suites(product, *pair) for pair in possible_pairs(product) if product.label.reads_results}
    files = [
        EVALUATION.format(**run._asdict(), suite=suite)
        for pair, suites in shown.items()
        for run in study.runs_of(*pair)
        for suite in study.suites_of(run)
        if suite in suites
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
    if label.over in study.grids:
        section = study.grids[label.over].section
        return (
            f"There is no {product.target} to make: no entry of the config's {section} has {' or '.join(label.needs)}."
        )
    if label.over == "detection":
        return f"There is no {product.target} to make: the config has no section detection."
    measured = {suite for dataset in study.datasets for suite in study.suites(dataset)}
    lacking = [f"evaluation.{suite}" for suite in label.needs if suite not in measured]
    if not lacking and label.when:
        lacking = [CONDITIONS[label.when].lacking]
    lacking = lacking or [f"{' and '.join(label.needs)} on one data set of an experiment"]
    return (
        f"There is no {product.target} to make: the config's experiments, data sets and evaluations lack what it shows "
        f"({', '.join(lacking)})."
    )


@cache
def leaderboard_parts():
    """What the leaderboard shows: for each experiment and data set its files and what they are shown with."""
    main = PRODUCTS["table_main"]
    found = []
    for experiment, dataset in possible_pairs(main):
        wildcards = Wildcards(fromdict={"experiment": experiment, "dataset": dataset})
        files = INPUTS[main.label.reads](main, wildcards)
        shown = {
            "labels": labels(wildcards),
            "baseline": baseline(wildcards),
            "epsilons": main_epsilons(wildcards),
            "published": published_accuracies(wildcards),
        }
        found.append(
            {
                "files": list(files.values()) if isinstance(files, dict) else list(files),
                "dataset": dataset,
                "shown": shown,
            }
        )
    return found


def leaderboard_figures():
    """The pages of figures that the leaderboard leads to: what each shows, and its address from there."""
    return [
        (f"{product.label.title}: {experiment}, {dataset}", os.path.relpath(page, Path(LEADERBOARD).parent))
        for product in (PRODUCTS[target] for target in FIGURES)
        if product.label.over == "dataset"
        for experiment, dataset in possible_pairs(product)
        for page in [FIGURE.format(experiment=experiment, dataset=dataset, name=product.name) + ".html"]
    ]


def leaderboard_inputs(wildcards):
    """What the leaderboard is made of."""
    files = [file for part in leaderboard_parts() for file in part["files"]]
    if not files:
        raise WorkflowError("There is no leaderboard to make: no experiment has evaluation.clean.")
    return files


def leaderboard_files():
    """The leaderboard, once it was asked for: then it follows what it shows, and is in the report."""
    return [LEADERBOARD] if Path(LEADERBOARD).exists() else []


def plan_files():
    """The table of what was planned beside what it took, where a plan was made."""
    return [f"{TABLE_OF_PLAN}.{form}" for form in TABLE_FORMS] if Path(PLAN).exists() else []


def requested_plan_files(wildcards):
    """The same for a target that was asked for by name."""
    if not plan_files():
        raise WorkflowError("There is no table_plan to make: no plan was made, by make plan or python scripts/plan.py.")
    return plan_files()


def everything():
    """All that a config asks for.

    That is all tables and figures, every evaluation of every run, side by side, also of a suite that nothing shows, the
    same of fits and GANs, what is found better on components, and the snapshots that are to stay.
    """
    every = [EVALUATION.format(**run._asdict(), suite=suite) for run in study.runs for suite in study.suites_of(run)]
    aggregated = [
        AGGREGATED.format(experiment=experiment, dataset=dataset, suite=suite)
        for experiment in study.experiments
        for dataset in experiment_datasets(experiment)
        for suite in study.suites_in(experiment, dataset)
    ]
    over_training = [
        OVER_TRAINING.format(**run._asdict(), suite=suite)
        for run in study.runs
        for suite in study.suites_over_training(run)
    ]
    aggregated += [
        AGGREGATED_OVER_TRAINING.format(experiment=experiment, dataset=run.dataset, suite=suite)
        for experiment, runs in study.experiments.items()
        for run in runs
        for suite in study.suites_over_training(run)
        if study.wants(experiment, suite)
    ]
    fitted = [
        GRID_RESULTS[over].format(**run._asdict())
        for over, grid in study.grids.items()
        for runs in grid.runs.values()
        for run in runs
    ]
    aggregated += [AGGREGATED_FIT.format(fit=fit) for fit in study.fits.runs]
    aggregated += [AGGREGATED_GAN.format(gan=gan) for gan in study.gans.runs]
    detected = [BETTER_IMAGES.format(**run._asdict()) for run in study.detections.runs]
    kept = [SNAPSHOTS.format(**run._asdict()) for run in study.runs_with_snapshots if study.keeps_snapshots]
    return list(
        dict.fromkeys([*target_files(*PRODUCTS), *every, *over_training, *fitted, *aggregated, *detected, *kept])
    )


def report_start_page():
    """What the report begins with: study, date, revision, and the main table of every experiment and data set."""
    tables = {
        f"{experiment} on {dataset}": Path(f"{TABLE.format(experiment=experiment, dataset=dataset, name='main')}.html")
        for experiment, dataset in possible_pairs(PRODUCTS["table_main"])
    }
    experiments = {name: experiment_datasets(name) for name in study.experiments}
    drawing = Path(workflow.basedir) / "docs" / "dag.png"
    return start_page(CONFIG_FILES, experiments, git_revision(), tables, drawing, date.today())
