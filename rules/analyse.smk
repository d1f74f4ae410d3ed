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
