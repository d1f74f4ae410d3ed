# Raw files to prepared arrays, the corrupted copies of the test images, and their spectra: once per data set, for all
# models.


# Its wildcard takes only the data sets whose corrupted images are to be the published ones.
ruleorder: reorder_corruptions > corrupt


localrules:
    download,


rule download:
    output:
        # Not removed and not made again by a change of code: a raw file is what its checksum says.
        update(RAW),
    log:
        "results/logs/download/{dataset}/{file}.log",
    benchmark:
        "results/benchmarks/download/{dataset}/{file}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=resource_by_attempt("data", "runtime"),
    script:
        "../scripts/download.py"


rule prepare:
    input:
        raw=raw_files,
    output:
        dataset=DATASET,
        arrays=directory(ARRAYS),
    log:
        "results/logs/prepare/{dataset}.log",
    benchmark:
        "results/benchmarks/prepare/{dataset}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=resource_by_attempt("data", "mem_mb"),
        runtime=resource_by_attempt("data", "runtime"),
    params:
        seed=config.get("data", {}).get("seed", 0),
        entry=dataset_facts,
        code=code("prepare", dataset_modules),
    script:
        "../scripts/prepare.py"


rule prepare_shifted:
    input:
        raw=shifted_files,
    output:
        folder=directory(SHIFTED),
        record=SHIFTED_RECORD,
    log:
        "results/logs/prepare_shifted/{dataset}/{shifted}.log",
    benchmark:
        "results/benchmarks/prepare_shifted/{dataset}/{shifted}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=resource_by_attempt("data", "mem_mb"),
        runtime=resource_by_attempt("data", "runtime"),
    params:
        seed=config.get("data", {}).get("seed", 0),
        entry=shifted_facts,
        code=code("prepare_shifted", shifted_modules),
    script:
        "../scripts/prepare_shifted.py"


rule corrupt:
    input:
        dataset=DATASET,
        arrays=ancient(ARRAYS),
    output:
        folder=directory(CORRUPTED),
        record=CORRUPTED_RECORD,
    log:
        "results/logs/corrupt/{dataset}.log",
    benchmark:
        "results/benchmarks/corrupt/{dataset}.tsv"
    conda:
        "../envs/data.yaml"
    threads: compute("data")["threads"]
    resources:
        mem_mb=resource_by_attempt("data", "mem_mb"),
        runtime=resource_by_attempt("data", "runtime"),
    params:
        images=lambda wildcards: study.evaluation(wildcards.dataset).get("corruption", {}).get("images"),
        corruptions=list(CORRUPTIONS),
        seed=config.get("data", {}).get("seed", 0),
        code=code("corrupt"),
    script:
        "../scripts/corrupt.py"


rule reorder_corruptions:
    input:
        dataset=DATASET,
        arrays=ancient(ARRAYS),
        published=published_archives,
    output:
        folder=directory(CORRUPTED),
        record=CORRUPTED_RECORD,
    log:
        "results/logs/reorder_corruptions/{dataset}.log",
    benchmark:
        "results/benchmarks/reorder_corruptions/{dataset}.tsv"
    wildcard_constraints:
        dataset="|".join(map(re.escape, study.published_corruptions)) or "(?!)",
    conda:
        "../envs/data.yaml"
    threads: compute("data")["threads"]
    resources:
        mem_mb=resource_by_attempt("data", "mem_mb"),
        runtime=resource_by_attempt("data", "runtime"),
    params:
        images=lambda wildcards: study.evaluation(wildcards.dataset).get("corruption", {}).get("images"),
        corruptions=list(CORRUPTIONS),
        seed=config.get("data", {}).get("seed", 0),
        code=code("reorder_corruptions"),
    script:
        "../scripts/reorder_corruptions.py"


rule measure_images:
    input:
        dataset=DATASET,
        arrays=ancient(ARRAYS),
        corrupted=ancient(CORRUPTED),
        corrupted_record=CORRUPTED_RECORD,
    output:
        IMAGE_SPECTRA,
    log:
        "results/logs/measure_images/{dataset}.log",
    benchmark:
        "results/benchmarks/measure_images/{dataset}.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: compute("data")["threads"]
    resources:
        mem_mb=resource_by_attempt("data", "mem_mb"),
        runtime=resource_by_attempt("data", "runtime"),
    params:
        settings=image_settings,
        code=code("measure_images"),
    script:
        "../scripts/measure_images.py"


rule estimate_noise:
    input:
        dataset=DATASET,
        arrays=ancient(ARRAYS),
    output:
        NOISE,
    log:
        "results/logs/estimate_noise/{dataset}/{corruption}.log",
    benchmark:
        "results/benchmarks/estimate_noise/{dataset}/{corruption}.tsv"
    wildcard_constraints:
        corruption="|".join(CORRUPTIONS),
    conda:
        "../envs/data.yaml"
    threads: compute("data")["threads"]
    resources:
        mem_mb=resource_by_attempt("data", "mem_mb"),
        runtime=resource_by_attempt("data", "runtime"),
    params:
        seed=config.get("data", {}).get("seed", 0),
        code=code("estimate_noise"),
    script:
        "../scripts/estimate_noise.py"
