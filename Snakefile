from snakemake.utils import min_version

min_version("9.0")


report: "report/workflow.rst"


include: "rules/common.smk"
include: "rules/start.smk"


if "container" in config["compute"]:

    containerized: config["compute"]["container"]


include: "rules/labels.smk"
include: "rules/products.smk"
include: "rules/data.smk"
include: "rules/snapshots.smk"
include: "rules/filters.smk"
include: "rules/detection.smk"
include: "rules/train.smk"
include: "rules/pretrained.smk"
include: "rules/derive.smk"
include: "rules/suites.smk"
include: "rules/evaluate.smk"
include: "rules/over_training.smk"
include: "rules/fit.smk"
include: "rules/analyse.smk"
include: "rules/publish.smk"
include: "rules/gan.smk"
include: "rules/detect.smk"
include: "rules/leaderboard.smk"
include: "rules/plan.smk"


# Said before the first job, not by one that comes after hours.
onstart:
    refuse_commands_in_paths()
    refuse_without_raw_data()
    refuse_without_gpu()
    refuse_inputs_from_the_future()


onerror:
    cancel_listed_jobs()


localrules:
    all,
    paper,
    tables,
    figures,


rule all:
    default_target: True
    input:
        everything(),
        leaderboard_files(),
        plan_files(),


# Everything config.yaml asks for, under the name that says what it is.
rule paper:
    input:
        rules.all.input,


rule tables:
    input:
        target_files(*TABLES),
        plan_files(),


rule figures:
    input:
        target_files(*FIGURES),


# One target for each table and figure, over all experiments and data sets: table_main, figure_shape_bias, ...
for target in PRODUCTS:

    rule:
        name:
            target
        input:
            partial(requested_files, target),
        localrule: True


rule table_plan:
    input:
        requested_plan_files,
    localrule: True


if workflow.is_main_process:
    refuse_unknown_tables_and_figures()
    refuse_report_of_what_is_missing()
