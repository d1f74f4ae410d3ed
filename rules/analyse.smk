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
    threads: compute("evaluate")["threads"]
    resources:
        mem_mb=resource_by_attempt("evaluate", "mem_mb"),
        runtime=resource_by_attempt("evaluate", "runtime"),
    params:
        runs=lambda wildcards: [list(run) for run in pooled_runs(wildcards)],
        basis_runs=lambda wildcards: [list(run) for run in basis_runs(wildcards)],
        batch_norms=pooled_batch_norms,
        sources=pooled_filter_sources,
        image_sizes=lambda wildcards: [study.dataset(run.dataset).image_size for run in pooled_runs(wildcards)],
        code=code("pool_filters"),
    script:
        "../scripts/pool_filters.py"


rule show_filters:
    input:
        unpack(shown_filter_files),
    output:
        SHOWN_FILTERS,
    log:
        "results/logs/show_filters/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/show_filters/{experiment}/{dataset}.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=resource_by_attempt("evaluate", "mem_mb"),
        runtime=resource_by_attempt("evaluate", "runtime"),
    params:
        runs=lambda wildcards: [list(run) for run in shown_runs(wildcards)],
        image_size=lambda wildcards: study.dataset(wildcards.dataset).image_size,
        code=code("show_filters"),
    script:
        "../scripts/show_filters.py"
