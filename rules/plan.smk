# What the study will cost, measured before, and what it did cost; scripts/plan.py makes the plan itself.


localrules:
    tabulate_plan,


rule calibrate:
    output:
        # Not removed before: what was measured on this device already is kept, and on others too.
        update(CALIBRATION),
    log:
        "results/logs/calibrate.log",
    benchmark:
        "results/benchmarks/calibrate.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: compute("train")["threads"]
    resources:
        mem_mb=resource_by_attempt("train", "mem_mb"),
        runtime=resource_by_attempt("train", "runtime"),
        # Units are timed in one process, also of trainings that have several.
        gpu=min(1, compute("train")["gpu"]),
    params:
        units=lambda wildcards: CostModel(study).units(),
    script:
        "../scripts/calibrate.py"


# After everything else, and nothing waits for it: a plan that is made again runs this alone.
rule tabulate_plan:
    input:
        lambda wildcards: everything(),
        plan=PLAN,
    output:
        [f"{TABLE_OF_PLAN}.{form}" for form in TABLE_FORMS if form != "html"],
        report(
            f"{TABLE_OF_PLAN}.html",
            caption="../report/table_plan.rst",
            category="Tables",
            labels={"table": "Plan and reality", "data set": "all"},
        ),
    log:
        "results/logs/tabulate_plan.log",
    benchmark:
        "results/benchmarks/tabulate_plan.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=resource_by_attempt("publish", "mem_mb"),
        runtime=resource_by_attempt("publish", "runtime"),
    params:
        code=code("tabulate_plan"),
    script:
        "../scripts/tabulate_plan.py"
