# All runs of an experiment side by side.


localrules:
    aggregate,
    aggregate_history,


rule aggregate:
    input:
        aggregated_files,
    output:
        AGGREGATED,
    log:
        "results/logs/aggregate/{experiment}/{dataset}/{suite}.log",
    benchmark:
        "results/benchmarks/aggregate/{experiment}/{dataset}/{suite}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=resource_by_attempt("publish", "mem_mb"),
        runtime=resource_by_attempt("publish", "runtime"),
    params:
        runs=aggregated_runs,
        code=code("aggregate"),
    script:
        "../scripts/aggregate.py"


rule aggregate_history:
    input:
        trained_run_files(HISTORY),
    output:
        AGGREGATED_HISTORY,
    log:
        "results/logs/aggregate_history/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/aggregate_history/{experiment}/{dataset}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=resource_by_attempt("publish", "mem_mb"),
        runtime=resource_by_attempt("publish", "runtime"),
    params:
        runs=lambda wildcards: [list(run) for run in trained_runs(wildcards.experiment, wildcards.dataset)],
        code=code("aggregate_history"),
    script:
        "../scripts/aggregate_history.py"


ruleorder: aggregate_history > aggregate


def pooled_runs(wildcards):
    """The runs of an experiment whose filters are measured, on all of its data sets."""
    return [run for run in study.experiments[wildcards.experiment] if "filter_quality" in study.suites_of(run)]


def pooled_filter_files(wildcards):
    """Their weights and records, and what is measured of their filters."""
    runs = pooled_runs(wildcards)
    return {
        "weights": [WEIGHTS.format(**run._asdict()) for run in runs],
        "records": [RECORD.format(**run._asdict()) for run in runs],
        "results": [
            AGGREGATED.format(experiment=wildcards.experiment, dataset=dataset, suite="filter_quality")
            for dataset in dict.fromkeys(run.dataset for run in runs)
        ],
    }


def basis_runs(wildcards):
    """The runs whose filters make the basis: those of the experiment's pairs, each once, or else all."""
    pairs = study.pairs[wildcards.experiment]
    return list(dict.fromkeys(run for pair in pairs for run in pair)) or pooled_runs(wildcards)


rule pool_filters:
    input:
        unpack(pooled_filter_files),
    output:
        counts=FILTER_COEFFICIENTS,
        basis=FILTER_BASIS,
    log:
        "results/logs/pool_filters/{experiment}.log",
    benchmark:
        "results/benchmarks/pool_filters/{experiment}.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=resource_by_attempt("evaluate", "mem_mb"),
        runtime=resource_by_attempt("evaluate", "runtime"),
    params:
        runs=lambda wildcards: [list(run) for run in pooled_runs(wildcards)],
        basis_runs=lambda wildcards: [list(run) for run in basis_runs(wildcards)],
        image_sizes=lambda wildcards: [study.dataset(run.dataset).image_size for run in pooled_runs(wildcards)],
        code=code("pool_filters"),
    script:
        "../scripts/pool_filters.py"


def first_runs(wildcards):
    """The first run of each variant of an experiment on a data set."""
    runs = {}
    for run in study.runs_of(wildcards.experiment, wildcards.dataset):
        runs.setdefault(run.variant, run)
    return runs


def first_layer_files(wildcards):
    """Their weights and records, and the images on which the baseline, or the first variant, was attacked."""
    runs = first_runs(wildcards)
    attacked = runs.get(study.baseline(wildcards.experiment), next(iter(runs.values())))
    return {
        "weights": [WEIGHTS.format(**run._asdict()) for run in runs.values()],
        "records": [RECORD.format(**run._asdict()) for run in runs.values()],
        "perturbations": PERTURBATIONS.format(**attacked._asdict()),
    }


rule show_first_layers:
    input:
        unpack(first_layer_files),
    output:
        FIRST_LAYERS,
    log:
        "results/logs/show_first_layers/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/show_first_layers/{experiment}/{dataset}.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=resource_by_attempt("evaluate", "mem_mb"),
        runtime=resource_by_attempt("evaluate", "runtime"),
    params:
        variants=lambda wildcards: list(first_runs(wildcards)),
        code=code("show_first_layers"),
    script:
        "../scripts/show_first_layers.py"
