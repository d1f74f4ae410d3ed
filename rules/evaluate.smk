# One job per run and suite; each writes one tidy CSV. Every suite sees the same interface, whatever trained the model.
# How many images are evaluated at a time is a parameter of attacks alone, whose random draws are made batch by batch; the
# other scripts read it from the config, so that a change of it runs nothing again.


rule evaluate_clean:
    input:
        dataset=DATASET,
        arrays=ancient(ARRAYS),
        weights=WEIGHTS,
        record=RECORD,
    output:
        of_suite("clean"),
    log:
        "results/logs/evaluate_clean/{dataset}/{model}/{variant}/seed-{seed}.log",
    benchmark:
        "results/benchmarks/evaluate_clean/{dataset}/{model}/{variant}/seed-{seed}.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: compute("evaluate")["threads"]
    resources:
        mem_mb=growing("evaluate", "mem_mb"),
        runtime=growing("evaluate", "runtime"),
        gpu=compute("evaluate")["gpu"],
    params:
        code=code("evaluate_clean"),
    script:
        "../scripts/evaluate_clean.py"


rule evaluate_adversarial:
    input:
        dataset=DATASET,
        arrays=ancient(ARRAYS),
        weights=WEIGHTS,
        record=RECORD,
    output:
        of_suite("adversarial"),
    log:
        "results/logs/evaluate_adversarial/{dataset}/{model}/{variant}/seed-{seed}.log",
    benchmark:
        "results/benchmarks/evaluate_adversarial/{dataset}/{model}/{variant}/seed-{seed}.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: compute("attack")["threads"]
    resources:
        mem_mb=growing("attack", "mem_mb"),
        runtime=growing("attack", "runtime"),
        gpu=compute("attack")["gpu"],
    params:
        settings=settings_of("adversarial"),
        batch_size=evaluation_batch_size,
        code=code("evaluate_adversarial"),
    script:
        "../scripts/evaluate_adversarial.py"


rule evaluate_autoattack:
    input:
        dataset=DATASET,
        arrays=ancient(ARRAYS),
        weights=WEIGHTS,
        record=RECORD,
    output:
        of_suite("autoattack"),
    log:
        "results/logs/evaluate_autoattack/{dataset}/{model}/{variant}/seed-{seed}.log",
    benchmark:
        "results/benchmarks/evaluate_autoattack/{dataset}/{model}/{variant}/seed-{seed}.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: compute("attack")["threads"]
    resources:
        mem_mb=growing("attack", "mem_mb"),
        runtime=growing("attack", "runtime"),
        gpu=compute("attack")["gpu"],
    params:
        settings=settings_of("autoattack"),
        batch_size=evaluation_batch_size,
        code=code("evaluate_autoattack"),
    script:
        "../scripts/evaluate_autoattack.py"


rule evaluate_transfer:
    input:
        dataset=DATASET,
        arrays=ancient(ARRAYS),
        weights=WEIGHTS,
        record=RECORD,
        source_weights=of_source(WEIGHTS),
        source_record=of_source(RECORD),
    output:
        of_suite("transfer"),
    log:
        "results/logs/evaluate_transfer/{dataset}/{model}/{variant}/seed-{seed}.log",
    benchmark:
        "results/benchmarks/evaluate_transfer/{dataset}/{model}/{variant}/seed-{seed}.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: compute("attack")["threads"]
    resources:
        mem_mb=growing("attack", "mem_mb"),
        runtime=growing("attack", "runtime"),
        gpu=compute("attack")["gpu"],
    params:
        settings=settings_of("transfer"),
        batch_size=evaluation_batch_size,
        code=code("evaluate_transfer"),
    script:
        "../scripts/evaluate_transfer.py"


rule evaluate_corruption:
    input:
        dataset=DATASET,
        arrays=ancient(ARRAYS),
        weights=WEIGHTS,
        record=RECORD,
        corrupted=ancient(CORRUPTED),
        corrupted_record=CORRUPTED_RECORD,
    output:
        of_suite("corruption"),
    log:
        "results/logs/evaluate_corruption/{dataset}/{model}/{variant}/seed-{seed}.log",
    benchmark:
        "results/benchmarks/evaluate_corruption/{dataset}/{model}/{variant}/seed-{seed}.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: compute("evaluate")["threads"]
    resources:
        mem_mb=growing("evaluate", "mem_mb"),
        runtime=growing("evaluate", "runtime"),
        gpu=compute("evaluate")["gpu"],
    params:
        settings=settings_of("corruption"),
        code=code("evaluate_corruption"),
    script:
        "../scripts/evaluate_corruption.py"


rule evaluate_frequency_filtered:
    input:
        dataset=DATASET,
        arrays=ancient(ARRAYS),
        weights=WEIGHTS,
        record=RECORD,
    output:
        of_suite("frequency_filtered"),
    log:
        "results/logs/evaluate_frequency_filtered/{dataset}/{model}/{variant}/seed-{seed}.log",
    benchmark:
        "results/benchmarks/evaluate_frequency_filtered/{dataset}/{model}/{variant}/seed-{seed}.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: compute("evaluate")["threads"]
    resources:
        mem_mb=growing("evaluate", "mem_mb"),
        runtime=growing("evaluate", "runtime"),
        gpu=compute("evaluate")["gpu"],
    params:
        settings=settings_of("frequency_filtered"),
        code=code("evaluate_frequency_filtered"),
    script:
        "../scripts/evaluate_frequency_filtered.py"


rule evaluate_out_of_distribution:
    input:
        dataset=classes_known_by,
        shifted=ancient(shifted_sets(SHIFTED)),
        shifted_records=shifted_sets(SHIFTED_RECORD),
        weights=WEIGHTS,
        record=RECORD,
    output:
        of_suite("out_of_distribution"),
    log:
        "results/logs/evaluate_out_of_distribution/{dataset}/{model}/{variant}/seed-{seed}.log",
    benchmark:
        "results/benchmarks/evaluate_out_of_distribution/{dataset}/{model}/{variant}/seed-{seed}.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: compute("evaluate")["threads"]
    resources:
        mem_mb=growing("evaluate", "mem_mb"),
        runtime=growing("evaluate", "runtime"),
        gpu=compute("evaluate")["gpu"],
    params:
        # Not the sets, which are inputs: they may be for other data sets too.
        images=lambda wildcards: study.settings("out_of_distribution", wildcards.dataset).get("images"),
        code=code("evaluate_out_of_distribution"),
    script:
        "../scripts/evaluate_out_of_distribution.py"


rule evaluate_cue_conflict:
    input:
        unpack(cue_conflict_images),
        weights=WEIGHTS,
        record=RECORD,
    output:
        of_suite("cue_conflict"),
    log:
        "results/logs/evaluate_cue_conflict/{dataset}/{model}/{variant}/seed-{seed}.log",
    benchmark:
        "results/benchmarks/evaluate_cue_conflict/{dataset}/{model}/{variant}/seed-{seed}.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: compute("evaluate")["threads"]
    resources:
        mem_mb=growing("evaluate", "mem_mb"),
        runtime=growing("evaluate", "runtime"),
        gpu=compute("evaluate")["gpu"],
    params:
        code=code("evaluate_cue_conflict"),
    script:
        "../scripts/evaluate_cue_conflict.py"


rule perturb:
    input:
        dataset=DATASET,
        arrays=ancient(ARRAYS),
        weights=WEIGHTS,
        record=RECORD,
    output:
        PERTURBATIONS,
    log:
        "results/logs/perturb/{dataset}/{model}/{variant}/seed-{seed}.log",
    benchmark:
        "results/benchmarks/perturb/{dataset}/{model}/{variant}/seed-{seed}.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: compute("evaluate")["threads"]
    resources:
        mem_mb=growing("evaluate", "mem_mb"),
        runtime=growing("evaluate", "runtime"),
        gpu=compute("evaluate")["gpu"],
    params:
        settings=settings_of("perturbations"),
        code=code("perturb"),
    script:
        "../scripts/perturb.py"
