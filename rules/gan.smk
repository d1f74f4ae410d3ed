# Generators and discriminators: one job per run, and all runs of a GAN side by side.


localrules:
    aggregate_gan,
    write_table_of_gan,
    draw_figure_of_gan,


rule train_gan:
    input:
        dataset=gan_dataset(DATASET),
        arrays=ancient(gan_dataset(ARRAYS)),
    output:
        results=GAN_RESULTS,
        record=GAN_RECORD,
        generator=GENERATOR,
        samples=GAN_SAMPLES,
    log:
        "results/logs/train_gan/{gan}/{network}/{variant}/seed-{seed}.log",
    benchmark:
        "results/benchmarks/train_gan/{gan}/{network}/{variant}/seed-{seed}.tsv"
    conda:
        "../envs/train.yaml"
    threads: compute("train")["threads"]
    resources:
        mem_mb=resource_by_attempt("train", "mem_mb"),
        runtime=resource_by_attempt("train", "runtime"),
        gpu=min(1, compute("train")["gpu"]),
    params:
        spec=lambda wildcards: study.gans.spec(gan_run(wildcards)),
        code=code("train_gan", gan_modules),
    script:
        "../scripts/train_gan.py"


rule measure_gan:
    input:
        generator=GENERATOR,
        dataset=gan_dataset(DATASET),
        arrays=ancient(gan_dataset(ARRAYS)),
        weights=gan_classifier(WEIGHTS),
        record=gan_classifier(RECORD),
    output:
        GAN_DISTANCE,
    log:
        "results/logs/measure_gan/{gan}/{network}/{variant}/seed-{seed}.log",
    benchmark:
        "results/benchmarks/measure_gan/{gan}/{network}/{variant}/seed-{seed}.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: compute("evaluate")["threads"]
    resources:
        mem_mb=resource_by_attempt("evaluate", "mem_mb"),
        runtime=resource_by_attempt("evaluate", "runtime"),
        gpu=compute("evaluate")["gpu"],
    params:
        spec=lambda wildcards: study.gans.spec(gan_run(wildcards)),
        classifier=lambda wildcards: "/".join(map(str, classifier_of(study, gan_run(wildcards))[1:])),
        images=lambda wildcards: compared_images(study, wildcards.gan),
        code=code("measure_gan"),
    script:
        "../scripts/measure_gan.py"


use rule aggregate_fit as aggregate_gan with:
    input:
        gan_measurements,
    output:
        AGGREGATED_GAN,
    log:
        "results/logs/aggregate_gan/{gan}.log",
    benchmark:
        "results/benchmarks/aggregate_gan/{gan}.tsv"
    params:
        runs=lambda wildcards: [list(run) for _, run in measured_gans(wildcards.gan)],
        kind=lambda wildcards: study.gans.kind(wildcards.gan),
        code=code("aggregate_fit"),


use rule write_table as write_table_of_gan with:
    output:
        [f"{TABLE_OF_GAN}.{form}" for form in TABLE_FORMS if form != "html"],
        report_output("table", f"{TABLE_OF_GAN}.html", "gans"),
    log:
        "results/logs/write_table/gans/{gan}/{name}.log",
    benchmark:
        "results/benchmarks/write_table/gans/{gan}/{name}.tsv"
    wildcard_constraints:
        name=product_names("table", "gan"),


use rule draw_figure as draw_figure_of_gan with:
    output:
        png=f"{FIGURE_OF_GAN}.png",
        pdf=f"{FIGURE_OF_GAN}.pdf",
        html=report_output("figure", f"{FIGURE_OF_GAN}.html", "gans"),
    log:
        "results/logs/draw_figure/gans/{gan}/{name}.log",
    benchmark:
        "results/benchmarks/draw_figure/gans/{gan}/{name}.tsv"
    wildcard_constraints:
        name=product_names("figure", "gan"),
