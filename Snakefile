from functools import partial

from snakemake.utils import min_version

min_version("9.0")


report: "report/workflow.rst"


include: "rules/common.smk"
include: "rules/start.smk"


if "container" in config["compute"]:

    containerized: config["compute"]["container"]


include: "rules/products.smk"
include: "rules/data.smk"
include: "rules/train.smk"
include: "rules/pretrained.smk"
include: "rules/evaluate.smk"
include: "rules/analyse.smk"
include: "rules/publish.smk"
include: "rules/plan.smk"


# Said before the first job, not by one that comes after hours.
onstart:
    refuse_commands_in_paths()
    refuse_without_gpu()
    refuse_what_is_newer_than_now()


onerror:
    cancel_what_still_runs()


localrules:
    all,
    paper,
    tables,
    figures,


rule all:
    default_target: True
    input:
        everything(),
        plan_tables(),


# Everything config.yaml asks for, under the name that says what it is.
rule paper:
    input:
        rules.all.input,


rule tables:
    input:
        wanted(*TABLES),
        plan_tables(),


rule figures:
    input:
        wanted(*FIGURES),


# One target for each table and figure, over all experiments and data sets: table_main, figure_shape_bias, ...
for product in (*TABLES, *FIGURES):

    rule:
        name:
            product
        input:
            partial(wanted_by_name, product),
        localrule: True


rule table_plan:
    input:
        plan_tables_by_name,
    localrule: True
