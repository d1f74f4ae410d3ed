# Models made of other runs' without training: to weights and records like theirs, so that nothing after tells them apart.


# Its variants are those with `from`.
ruleorder: derive > train_with_snapshots > train


rule derive:
    input:
        weights=source_file(WEIGHTS),
        record=source_file(RECORD),
    output:
        weights=WEIGHTS,
        record=RECORD,
    log:
        "results/logs/derive/{dataset}/{model}/{variant}/seed-{seed}.log",
    benchmark:
        "results/benchmarks/derive/{dataset}/{model}/{variant}/seed-{seed}.tsv"
    wildcard_constraints:
        variant="|".join(map(re.escape, study.derived_variants)) or "(?!)",
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=resource_by_attempt("evaluate", "mem_mb"),
        # Seconds, whatever evaluations take.
        runtime=lambda wildcards, attempt: 2 * attempt,
    params:
        spec=lambda wildcards: study.spec(job_run(wildcards)),
        code=code("derive", derived_modules),
    script:
        "../scripts/derive.py"
