# What tables and figures show, which of them the config asks for, and their files.

TABLE_FORMS = ("csv", "md", "tex", "html", "txt")

claimed = {claim["measure"]["suite"] for claim in claims.values()} - {"clean"}
claimed_suites = [suite for suite in SUITES if suite in claimed]

# What a table or figure shows is made of the suites that it cannot do without, and of those that add to it.
TABLES = {
    "table_main": (["clean"], ["adversarial", "autoattack", "corruption", "cue_conflict"]),
    "table_paper": (["clean"], ["adversarial", "autoattack", "corruption", "cue_conflict"]),
    "table_differences": (["clean"], ["adversarial", "autoattack", "corruption", "cue_conflict"]),
    "table_adversarial": (["adversarial"], ["clean", "autoattack"]),
    "table_corruptions": (["corruption"], ["clean"]),
    "table_shape_bias": (["cue_conflict"], []),
    "table_out_of_distribution": (["out_of_distribution"], ["clean", "corruption", "cue_conflict"]),
    "table_ablation": (["clean"], ["adversarial", "autoattack", "corruption", "cue_conflict"]),
    "table_penalties": (["clean"], ["adversarial", "autoattack", "corruption", "cue_conflict"]),
    "table_transfer": (["transfer"], ["clean", "adversarial"]),
    "table_calibration": (["corruption"], ["clean"]),
    "table_costs": ([], []),
    "table_scorecard": (["clean"], claimed_suites),
}
FIGURES = {
    "figure_accuracy_epsilon": (["adversarial"], ["clean", "autoattack"]),
    "figure_corruptions": (["corruption"], []),
    "figure_frequency_filtered": (["frequency_filtered"], []),
    "figure_shape_bias": (["cue_conflict"], []),
    "figure_dct_energy": (["filters"], []),
    "figure_ablation": (["clean"], ["adversarial", "corruption"]),
    "figure_penalties": (["clean"], ["adversarial", "corruption"]),
    "figure_transfer": (["transfer"], ["clean", "adversarial"]),
    "figure_calibration": (["corruption"], ["clean"]),
    "figure_scorecard": (["clean"], claimed_suites),
    "figure_training_curves": ([], []),
    "figure_samples": ([], []),
    "figure_perturbations": ([], []),
    "figure_corruption_samples": ([], []),
}
# What figures that show no evaluation take their settings from.
SETTINGS = {"figure_perturbations": "perturbations", "figure_corruption_samples": "corruption"}
# What only training makes: not to be had of downloaded models.
OF_TRAINING = ("table_costs", "figure_training_curves")

# What some need beside suites, to be named where it is missing.
NEEDED = {
    **SETTINGS,
    **dict.fromkeys(OF_TRAINING, "a run that is trained here"),
    **dict.fromkeys(["table_ablation", "figure_ablation"], "a sweep of penalty.strength or penalty.depth"),
    **dict.fromkeys(["table_penalties", "figure_penalties"], "a sweep of penalty.kind"),
    **dict.fromkeys(["table_scorecard", "figure_scorecard"], "both variants of a claim in a file that the key claims names"),
    "table_differences": "another variant of a model and seed that the baseline has",
}


def is_possible(product, experiment, dataset):
    """Whether an experiment has all that a table or figure of this data set cannot do without."""
    needed, _ = (TABLES | FIGURES)[product]
    return set(needed) <= set(study.suites_in(experiment, dataset)) and (
        product not in SETTINGS or study.settings(SETTINGS[product], dataset) is not None
    )


def claims_of(experiment, dataset):
    """The claims on two variants of an experiment."""
    variants = set(study.labels(experiment, dataset))
    return {name: claim for name, claim in claims.items() if {claim["treatment"], claim["control"]} <= variants}


def is_swept(experiment, dataset, *settings):
    """Whether the penalties of an experiment's variants differ in one of some settings."""
    penalties = study.penalties(experiment, dataset).values()
    return any(len({penalty[setting] for penalty in penalties}) > 1 for setting in settings)


def is_compared(experiment, dataset):
    """Whether an experiment has another variant of a model and seed that it has the baseline of."""
    runs = study.runs_of(experiment, dataset)
    baseline = study.baseline(experiment)
    pairs = {(run.model, run.seed) for run in runs if run.variant == baseline}
    return any(run.variant != baseline and (run.model, run.seed) in pairs for run in runs)


def is_shown(product, experiment, dataset):
    """Whether an experiment has what a table or figure compares."""
    if product in OF_TRAINING:
        return bool(trained(experiment, dataset))
    if product == "figure_samples":
        return study.has_images(dataset)
    if product.endswith("scorecard"):
        return bool(claims_of(experiment, dataset))
    if product.endswith("ablation"):
        return is_swept(experiment, dataset, "strength", "depth")
    if product.endswith("penalties"):
        return is_swept(experiment, dataset, "kind")
    return product != "table_differences" or is_compared(experiment, dataset)


def shown_in(product):
    """The experiments and data sets that a table or figure is made of."""
    return [
        (experiment, dataset)
        for experiment in study.experiments
        for dataset in datasets_of(experiment)
        if is_possible(product, experiment, dataset) and is_shown(product, experiment, dataset)
    ]


def products(product):
    """The files of one table or figure, over all experiments and data sets; `table_paper` is one for each experiment."""
    kind, _, name = product.partition("_")
    pattern, suffixes = (TABLE, TABLE_FORMS) if kind == "table" else (FIGURE, ("png", "pdf"))
    if product == "table_paper":
        pattern = TABLE_OF_EXPERIMENT
    files = [
        f"{pattern.format(experiment=experiment, dataset=dataset, name=name)}.{suffix}"
        for experiment, dataset in shown_in(product)
        for suffix in suffixes
    ]
    return list(dict.fromkeys(files))


def evaluations(product):
    """The evaluations that a table or figure shows."""
    needed, optional = (TABLES | FIGURES)[product]
    files = [
        of_suite(suite).format(**run._asdict())
        for experiment, dataset in shown_in(product)
        for run in study.runs_of(experiment, dataset)
        for suite in study.suites_of(run)
        if suite in (*needed, *optional)
    ]
    return list(dict.fromkeys(files))


def plan_tables():
    """The table of what was planned beside what it took, where a plan was made."""
    return [f"{named(TABLE_OF_PLAN, 'plan')}.{form}" for form in TABLE_FORMS] if Path(PLAN).exists() else []


def plan_tables_by_name(wildcards):
    """The same for a target that was asked for by name."""
    if not plan_tables():
        raise WorkflowError("There is no table_plan to make: no plan was made, by make plan or python scripts/plan.py.")
    return plan_tables()


def everything():
    """All tables and figures, and every evaluation of every run, side by side, also of a suite that nothing shows."""
    every = [of_suite(suite).format(**run._asdict()) for run in study.runs for suite in study.suites_of(run)]
    aggregated = [
        AGGREGATED.format(experiment=experiment, dataset=dataset, suite=suite)
        for experiment in study.experiments
        for dataset in datasets_of(experiment)
        for suite in study.suites_in(experiment, dataset)
    ]
    return list(dict.fromkeys([*wanted(*TABLES, *FIGURES), *every, *aggregated]))


def wanted(*names):
    """Tables and figures, and the evaluations behind them.

    Snakemake does not miss an intermediate file as long as what was made of it is there; asked for by name, a deleted
    evaluation is made again, and then all that hangs on it.
    """
    return list(dict.fromkeys(file for name in names for file in (*products(name), *evaluations(name))))


def wanted_by_name(product, wildcards):
    """The same for a target that was asked for by name, where having nothing to make is a mistake."""
    files = wanted(product)
    if not files:
        needed, _ = (TABLES | FIGURES)[product]
        asked = [suite for suite in needed if any(suite in study.suites(dataset) for dataset in study.datasets)]
        lacking = [f"evaluation.{suite}" for suite in needed if suite not in asked]
        lacking = lacking or [NEEDED.get(product, "those of one experiment")]
        raise WorkflowError(
            f"There is no {product} to make: the config's experiments, data sets and evaluations lack what it shows "
            f"({', '.join(lacking)})."
        )
    return files


def aggregated_suites(product, experiment, dataset):
    """The aggregated suites of one data set that a table or figure reads."""
    needed, optional = (TABLES | FIGURES)[product]
    available = study.suites_in(experiment, dataset)
    return [
        AGGREGATED.format(experiment=experiment, dataset=dataset, suite=suite)
        for suite in (*needed, *optional)
        if suite in available
    ]


def aggregated_inputs(product):
    """An input function: what a table or figure of one data set reads."""
    return lambda wildcards: aggregated_suites(product, wildcards.experiment, wildcards.dataset)


def shown(product):
    """A parameter: what a table or figure of one data set shows, for its caption in the report."""
    return lambda wildcards: shown_of(product, wildcards.experiment, wildcards.dataset)


def shown_over_datasets(product):
    """The same of a table of all data sets of an experiment."""
    return lambda wildcards: " ".join(
        shown_of(product, wildcards.experiment, dataset)
        for dataset in datasets_of(wildcards.experiment)
        if is_possible(product, wildcards.experiment, dataset)
    )


def shown_of(product, experiment, dataset):
    """What a table or figure shows of one data set."""
    needed, optional = (TABLES | FIGURES)[product]
    suites = [suite for suite in study.suites_in(experiment, dataset) if suite in (*needed, *optional)]
    return captions.shown(study, experiment, dataset, suites)


def aggregated_over_datasets(product):
    """An input function: what a table of all data sets of an experiment reads."""
    return lambda wildcards: [
        file
        for dataset in datasets_of(wildcards.experiment)
        if is_possible(product, wildcards.experiment, dataset)
        for file in aggregated_suites(product, wildcards.experiment, dataset)
    ]


def named(pattern, file):
    """The pattern of one table or figure."""
    return pattern.replace("{name}", file)


def tables_without_html(name, pattern=TABLE):
    """The patterns of a table's forms, but for the one that the report shows."""
    return [named(pattern, f"{name}.{form}") for form in TABLE_FORMS if form != "html"]


def published(pattern, file, title):
    """An output that `snakemake --report` shows, with its caption and place."""
    kind = "Figures" if pattern == FIGURE else "Tables"

    def data_set(wildcards):
        part = study.extent(wildcards.dataset)
        return f"{wildcards.dataset} ({part})" if part else wildcards.dataset

    return report(
        named(pattern, file),
        caption=f"../report/{kind[:-1].lower()}_{Path(file).stem}.rst",
        category=kind,
        subcategory="{experiment}",
        labels=lambda wildcards: {
            kind[:-1].lower(): title,
            "data set": "all" if pattern == TABLE_OF_EXPERIMENT else data_set(wildcards),
        },
    )
