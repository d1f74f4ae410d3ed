# Networks that learn functions: one job per run, or per so many repeats, and all runs of a fit side by side.


localrules:
    take_repeat,
    aggregate_fit,


rule fit:
    input:
        dataset=fit_dataset(DATASET),
        arrays=ancient(fit_dataset(ARRAYS)),
    output:
        results=FIT_RESULTS,
        record=FIT_RECORD,
    log:
        "results/logs/fit/{fit}/{network}/{variant}/seed-{seed}.log",
    benchmark:
        "results/benchmarks/fit/{fit}/{network}/{variant}/seed-{seed}.tsv"
    wildcard_constraints:
        fit=rf"(?!(?:{FITTED_TOGETHER})/)[A-Za-z0-9.-]+",
    conda:
        "../envs/train.yaml"
    threads: compute("fit")["threads"]
    resources:
        mem_mb=resource_by_attempt("fit", "mem_mb"),
        runtime=resource_by_attempt("fit", "runtime"),
        gpu=compute("fit")["gpu"],
    params:
        spec=lambda wildcards: study.fits.spec(fit_run(wildcards)),
        code=code("fit", fit_modules),
    script:
        "../scripts/fit.py"


# Repeats as one net.
use rule fit as fit_repeats with:
    output:
        results=FIT_REPEATS_RESULTS,
        record=FIT_REPEATS_RECORD,
    log:
        "results/logs/fit_repeats/{fit}/{network}/{variant}/seeds-{seeds}.log",
    benchmark:
        "results/benchmarks/fit_repeats/{fit}/{network}/{variant}/seeds-{seeds}.tsv"
    wildcard_constraints:
        fit=FITTED_TOGETHER,
    params:
        spec=lambda wildcards: study.fits.spec(
            FitRepeats(wildcards.fit, wildcards.network, wildcards.variant, wildcards.seeds)
        ),
        code=code("fit", fit_modules),


rule take_repeat:
    input:
        results=repeats_file(FIT_REPEATS_RESULTS),
        record=repeats_file(FIT_REPEATS_RECORD),
    output:
        results=FIT_RESULTS,
        record=FIT_RECORD,
    log:
        "results/logs/take_repeat/{fit}/{network}/{variant}/seed-{seed}.log",
    benchmark:
        "results/benchmarks/take_repeat/{fit}/{network}/{variant}/seed-{seed}.tsv"
    wildcard_constraints:
        fit=FITTED_TOGETHER,
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=resource_by_attempt("publish", "mem_mb"),
        runtime=resource_by_attempt("publish", "runtime"),
    params:
        spec=lambda wildcards: study.fits.spec(fit_run(wildcards)),
        code=code("take_repeat"),
    script:
        "../scripts/take_repeat.py"


rule aggregate_fit:
    input:
        fit_files,
    output:
        AGGREGATED_FIT,
    log:
        "results/logs/aggregate_fit/{fit}.log",
    benchmark:
        "results/benchmarks/aggregate_fit/{fit}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=resource_by_attempt("publish", "mem_mb"),
        runtime=resource_by_attempt("publish", "runtime"),
    params:
        runs=lambda wildcards: [list(run) for run in study.fits.runs[wildcards.fit]],
        kind=lambda wildcards: study.fits.kind(wildcards.fit),
        code=code("aggregate_fit"),
    script:
        "../scripts/aggregate_fit.py"
