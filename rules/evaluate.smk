# One job per run and suite; each writes one tidy CSV. Every suite sees the same interface, whatever trained the model.
# What differs between suites stands in their registry, filterfreq/evaluation/registry.py.


for suite in SUITES:

    rule:
        name:
            f"evaluate_{suite}"
        input:
            unpack(bind(suite_inputs, study, suite)),
            weights=WEIGHTS,
            record=RECORD,
            made_of=made_of_wildcards,
        output:
            EVALUATION.replace("{suite}", suite),
        log:
            f"results/logs/evaluate_{suite}/{{dataset}}/{{model}}/{{variant}}/seed-{{seed}}.log",
        benchmark:
            f"results/benchmarks/evaluate_{suite}/{{dataset}}/{{model}}/{{variant}}/seed-{{seed}}.tsv"
        conda:
            "../envs/evaluate.yaml"
        threads: suite_compute(suite)["threads"]
        resources:
            mem_mb=bind_with_attempt(suite_resource, suite, "mem_mb"),
            runtime=bind_with_attempt(suite_resource, suite, "runtime"),
            gpu=suite_compute(suite)["gpu"],
        params:
            suite=suite,
            settings=bind(suite_settings, study, suite),
            batch_size=suite_batch_size(suite),
            code=suite_code(suite),
        script:
            "../scripts/run_suite.py"


rule perturb:
    input:
        dataset=DATASET,
        arrays=ancient(ARRAYS),
        weights=WEIGHTS,
        record=RECORD,
        made_of=made_of_wildcards,
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
        mem_mb=resource_by_attempt("evaluate", "mem_mb"),
        runtime=resource_by_attempt("evaluate", "runtime"),
        gpu=compute("evaluate")["gpu"],
    params:
        settings=lambda wildcards: study.settings("perturbations", wildcards.dataset),
        code=code("perturb"),
    script:
        "../scripts/perturb.py"


rule list_only_high:
    input:
        dataset=DATASET,
        arrays=ancient(ARRAYS),
        weights=WEIGHTS,
        record=RECORD,
        made_of=made_of_wildcards,
    output:
        table=ONLY_HIGH,
        examples=ONLY_HIGH_EXAMPLES,
    log:
        "results/logs/list_only_high/{dataset}/{model}/{variant}/seed-{seed}.log",
    benchmark:
        "results/benchmarks/list_only_high/{dataset}/{model}/{variant}/seed-{seed}.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: compute("evaluate")["threads"]
    resources:
        mem_mb=resource_by_attempt("evaluate", "mem_mb"),
        runtime=resource_by_attempt("evaluate", "runtime"),
        gpu=compute("evaluate")["gpu"],
    params:
        settings=only_high_settings,
        code=code("list_only_high"),
    script:
        "../scripts/list_only_high.py"
