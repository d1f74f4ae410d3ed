# One job per run and suite measures all snapshots of the run's training; each writes one CSV like that of a suite, with
# the epoch as a further parameter, which between two epochs is a fraction.


localrules:
    aggregate_over_training,


for suite in study.snapshot_suites:

    rule:
        name:
            f"over_training_{suite}"
        input:
            unpack(bind(suite_inputs, study.of_snapshots, suite)),
            # Of a folder the time alone would be compared; the final weights are others whenever a snapshot is.
            snapshots=ancient(SNAPSHOTS),
            weights=WEIGHTS,
        output:
            OVER_TRAINING.replace("{suite}", suite),
        log:
            f"results/logs/over_training_{suite}/{{dataset}}/{{model}}/{{variant}}/seed-{{seed}}.log",
        benchmark:
            f"results/benchmarks/over_training_{suite}/{{dataset}}/{{model}}/{{variant}}/seed-{{seed}}.tsv"
        conda:
            "../envs/evaluate.yaml"
        threads: suite_compute(suite)["threads"]
        resources:
            mem_mb=bind_with_attempt(suite_resource, suite, "mem_mb"),
            runtime=bind_with_attempt(suite_resource, suite, "runtime"),
            gpu=suite_compute(suite)["gpu"],
        params:
            suite=suite,
            snapshots=measured_snapshots,
            settings=bind(suite_settings, study.of_snapshots, suite),
            batch_size=suite_batch_size(suite),
            code=suite_code(suite),
        script:
            "../scripts/run_suite.py"


rule aggregate_over_training:
    input:
        snapshot_evaluation_files,
    output:
        AGGREGATED_OVER_TRAINING,
    log:
        "results/logs/aggregate_over_training/{experiment}/{dataset}/{suite}.log",
    benchmark:
        "results/benchmarks/aggregate_over_training/{experiment}/{dataset}/{suite}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=resource_by_attempt("publish", "mem_mb"),
        runtime=resource_by_attempt("publish", "runtime"),
    params:
        runs=lambda wildcards: [list(run) for run in runs_over_training(wildcards)],
        code=code("aggregate"),
    script:
        "../scripts/aggregate.py"
