# Models that others trained: to the same weights and records as trained ones, so that nothing after this tells them apart.


# Its variants are the config's checkpoints.
ruleorder: convert_checkpoint > train_with_snapshots > train
# Of files of filters nothing is converted: they are measured as they are.
ruleorder: measure_filter_file > evaluate_filter_quality


localrules:
    download_checkpoint,


rule download_checkpoint:
    output:
        # Not removed before: files that are there already are checked, against what is recorded of them too.
        record=update(DOWNLOAD),
        files=update(directory(DOWNLOADED)),
    log:
        "results/logs/download_checkpoint/{checkpoint}.log",
    benchmark:
        "results/benchmarks/download_checkpoint/{checkpoint}.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=resource_by_attempt("data", "runtime"),
    params:
        source=lambda wildcards: study.source(wildcards.checkpoint),
    script:
        "../scripts/download_checkpoint.py"


rule convert_checkpoint:
    input:
        unpack(checkpoint_files),
        dataset=class_names_file,
    output:
        weights=WEIGHTS,
        record=RECORD,
    log:
        "results/logs/convert_checkpoint/{dataset}/{model}/{variant}/seed-{seed}.log",
    benchmark:
        "results/benchmarks/convert_checkpoint/{dataset}/{model}/{variant}/seed-{seed}.tsv"
    wildcard_constraints:
        variant="|".join(map(re.escape, (name for name in study.checkpoints if name not in study.filter_files)))
        or "(?!)",
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=resource_by_attempt("evaluate", "mem_mb"),
        runtime=resource_by_attempt("evaluate", "runtime"),
    params:
        spec=lambda wildcards: study.spec(job_run(wildcards)),
        code=code("convert_checkpoint", checkpoint_modules),
    script:
        "../scripts/convert_checkpoint.py"


rule measure_filter_file:
    input:
        onnx_files,
    output:
        results=EVALUATION.replace("{suite}", "filter_quality"),
        record=FILTER_RECORD,
    log:
        "results/logs/measure_filter_file/{dataset}/{model}/{variant}/seed-{seed}.log",
    benchmark:
        "results/benchmarks/measure_filter_file/{dataset}/{model}/{variant}/seed-{seed}.tsv"
    wildcard_constraints:
        variant="|".join(map(re.escape, study.filter_files)) or "(?!)",
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=resource_by_attempt("evaluate", "mem_mb"),
        runtime=resource_by_attempt("evaluate", "runtime"),
    params:
        spec=lambda wildcards: study.spec(job_run(wildcards)),
        state=hdf5_state,
        batch_norm=lambda wildcards: study.settings("filter_quality", wildcards.dataset)["batch_norm"],
        code=code("measure_filter_file"),
    script:
        "../scripts/measure_filter_file.py"
