# Tables and figures, each from what it shows. Cheap, so they run where Snakemake runs.
localrules:
    write_table,
    write_table_of_experiment,
    draw_figure,
    draw_figure_of_experiment,
    write_table_of_fit,
    draw_figure_of_fit,


rule write_table:
    input:
        unpack(partial(product_inputs, "table")),
    output:
        [f"{TABLE}.{form}" for form in TABLE_FORMS if form != "html"],
        report_output("table", f"{TABLE}.html"),
    log:
        "results/logs/write_table/{experiment}/{dataset}/{name}.log",
    benchmark:
        "results/benchmarks/write_table/{experiment}/{dataset}/{name}.tsv"
    wildcard_constraints:
        name=product_names("table", "dataset"),
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=resource_by_attempt("publish", "mem_mb"),
        runtime=resource_by_attempt("publish", "runtime"),
    params:
        arguments=partial(product_arguments, "table"),
        note=partial(product_note, "table"),
        caption=partial(product_caption, "table"),
        code=code("write_table", partial(product_modules, "table")),
    script:
        "../scripts/write_table.py"


rule draw_figure:
    input:
        unpack(partial(product_inputs, "figure")),
    output:
        png=f"{FIGURE}.png",
        pdf=f"{FIGURE}.pdf",
        html=report_output("figure", f"{FIGURE}.html"),
    log:
        "results/logs/draw_figure/{experiment}/{dataset}/{name}.log",
    benchmark:
        "results/benchmarks/draw_figure/{experiment}/{dataset}/{name}.tsv"
    wildcard_constraints:
        name=product_names("figure", "dataset"),
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=resource_by_attempt("publish", "mem_mb"),
        runtime=resource_by_attempt("publish", "runtime"),
    params:
        arguments=partial(product_arguments, "figure"),
        caption=partial(product_caption, "figure"),
        code=code("draw_figure", partial(product_modules, "figure")),
    script:
        "../scripts/draw_figure.py"


# Of a whole experiment.


use rule write_table as write_table_of_experiment with:
    output:
        [f"{TABLE_OF_EXPERIMENT}.{form}" for form in TABLE_FORMS if form != "html"],
        report_output("table", f"{TABLE_OF_EXPERIMENT}.html"),
    log:
        "results/logs/write_table/{experiment}/{name}.log",
    benchmark:
        "results/benchmarks/write_table/{experiment}/{name}.tsv"
    wildcard_constraints:
        name=product_names("table", "experiment"),


use rule draw_figure as draw_figure_of_experiment with:
    output:
        png=f"{FIGURE_OF_EXPERIMENT}.png",
        pdf=f"{FIGURE_OF_EXPERIMENT}.pdf",
        html=report_output("figure", f"{FIGURE_OF_EXPERIMENT}.html"),
    log:
        "results/logs/draw_figure/{experiment}/{name}.log",
    benchmark:
        "results/benchmarks/draw_figure/{experiment}/{name}.tsv"
    wildcard_constraints:
        name=product_names("figure", "experiment"),


# Of a fit.


use rule write_table as write_table_of_fit with:
    output:
        [f"{TABLE_OF_FIT}.{form}" for form in TABLE_FORMS if form != "html"],
        report_output("table", f"{TABLE_OF_FIT}.html", "fits"),
    log:
        "results/logs/write_table/fits/{fit}/{name}.log",
    benchmark:
        "results/benchmarks/write_table/fits/{fit}/{name}.tsv"
    wildcard_constraints:
        name=product_names("table", "fit"),


use rule draw_figure as draw_figure_of_fit with:
    output:
        png=f"{FIGURE_OF_FIT}.png",
        pdf=f"{FIGURE_OF_FIT}.pdf",
        html=report_output("figure", f"{FIGURE_OF_FIT}.html", "fits"),
    log:
        "results/logs/draw_figure/fits/{fit}/{name}.log",
    benchmark:
        "results/benchmarks/draw_figure/fits/{fit}/{name}.tsv"
    wildcard_constraints:
        name=product_names("figure", "fit"),
