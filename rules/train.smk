# One job per run: data set x model x variant x seed.


ruleorder: train_with_snapshots > train


rule train:
    input:
        unpack(intervention_files),
        dataset=DATASET,
        arrays=ancient(ARRAYS),
    output:
        weights=WEIGHTS,
        record=RECORD,
        history=HISTORY,
    log:
        "results/logs/train/{dataset}/{model}/{variant}/seed-{seed}.log",
    benchmark:
        "results/benchmarks/train/{dataset}/{model}/{variant}/seed-{seed}.tsv"
    conda:
        "../envs/train.yaml"
    threads: compute("train")["threads"]
    resources:
        **node_resources("train"),
        mem_mb=resource_by_attempt("train", "mem_mb"),
        runtime=resource_by_attempt("train", "runtime"),
        gpu=compute("train")["gpu"],
    params:
        spec=lambda wildcards: study.spec(job_run(wildcards)),
        snapshot_names=kept_snapshots,
        code=code("train", trained_modules),
    script:
        "../scripts/train.py"


# A rule of its own: of a finished job that had no such output, Snakemake would no longer compare settings and code.
use rule train as train_with_snapshots with:
    output:
        snapshots=snapshots_folder(),
        weights=WEIGHTS,
        record=RECORD,
        history=HISTORY,
    wildcard_constraints:
        dataset=datasets_of_runs_with_snapshots(),
