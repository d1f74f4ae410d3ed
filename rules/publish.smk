# Tables and figures, each from the aggregated CSVs it shows. Cheap, so they run where Snakemake runs.


localrules:
    tabulate_main,
    tabulate_paper,
    tabulate_differences,
    tabulate_adversarial,
    tabulate_corruptions,
    tabulate_shape_bias,
    tabulate_out_of_distribution,
    tabulate_ablation,
    tabulate_penalties,
    tabulate_transfer,
    tabulate_calibration,
    tabulate_costs,
    tabulate_scorecard,
    draw_accuracy_epsilon,
    draw_corruptions,
    draw_frequency_filtered,
    draw_shape_bias,
    draw_dct_energy,
    draw_ablation,
    draw_penalties,
    draw_transfer,
    draw_calibration,
    draw_scorecard,
    draw_training_curves,
    draw_samples,
    draw_perturbations,
    draw_corruption_samples,


rule tabulate_main:
    input:
        aggregated_inputs("table_main"),
    output:
        tables_without_html("main"),
        published(TABLE, "main.html", "Main results"),
    log:
        "results/logs/tabulate_main/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/tabulate_main/{experiment}/{dataset}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=growing("publish", "mem_mb"),
        runtime=growing("publish", "runtime"),
    params:
        labels=labels,
        baseline=lambda wildcards: study.baseline(wildcards.experiment),
        epsilons=main_epsilons,
        published=published_accuracies,
        shown=shown("table_main"),
        extent=extent,
        code=code("tabulate_main"),
    script:
        "../scripts/tabulate_main.py"


rule tabulate_paper:
    input:
        aggregated_over_datasets("table_paper"),
    output:
        tables_without_html("paper", TABLE_OF_EXPERIMENT),
        published(TABLE_OF_EXPERIMENT, "paper.html", "Main results, all data sets"),
    log:
        "results/logs/tabulate_paper/{experiment}.log",
    benchmark:
        "results/benchmarks/tabulate_paper/{experiment}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=growing("publish", "mem_mb"),
        runtime=growing("publish", "runtime"),
    params:
        labels=labels_over_datasets,
        baseline=lambda wildcards: study.baseline(wildcards.experiment),
        epsilons=main_epsilons_over_datasets,
        published=published_accuracies_over_datasets,
        shown=shown_over_datasets("table_paper"),
        extent=extent,
        code=code("tabulate_paper"),
    script:
        "../scripts/tabulate_paper.py"


rule tabulate_differences:
    input:
        aggregated_inputs("table_differences"),
    output:
        tables_without_html("differences"),
        published(TABLE, "differences.html", "Differences to the baseline"),
    log:
        "results/logs/tabulate_differences/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/tabulate_differences/{experiment}/{dataset}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=growing("publish", "mem_mb"),
        runtime=growing("publish", "runtime"),
    params:
        labels=labels,
        baseline=lambda wildcards: study.baseline(wildcards.experiment),
        epsilons=main_epsilons,
        shown=shown("table_differences"),
        extent=extent,
        code=code("tabulate_differences"),
    script:
        "../scripts/tabulate_differences.py"


rule tabulate_adversarial:
    input:
        aggregated_inputs("table_adversarial"),
    output:
        tables_without_html("adversarial"),
        published(TABLE, "adversarial.html", "Adversarial accuracy"),
    log:
        "results/logs/tabulate_adversarial/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/tabulate_adversarial/{experiment}/{dataset}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=growing("publish", "mem_mb"),
        runtime=growing("publish", "runtime"),
    params:
        labels=labels,
        shown=shown("table_adversarial"),
        extent=extent,
        code=code("tabulate_adversarial"),
    script:
        "../scripts/tabulate_adversarial.py"


rule tabulate_corruptions:
    input:
        aggregated_inputs("table_corruptions"),
    output:
        tables_without_html("corruptions"),
        published(TABLE, "corruptions.html", "Corruptions"),
    log:
        "results/logs/tabulate_corruptions/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/tabulate_corruptions/{experiment}/{dataset}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=growing("publish", "mem_mb"),
        runtime=growing("publish", "runtime"),
    params:
        labels=labels,
        baseline=lambda wildcards: study.baseline(wildcards.experiment),
        shown=shown("table_corruptions"),
        extent=extent,
        code=code("tabulate_corruptions"),
    script:
        "../scripts/tabulate_corruptions.py"


rule tabulate_shape_bias:
    input:
        aggregated_inputs("table_shape_bias"),
    output:
        tables_without_html("shape_bias"),
        published(TABLE, "shape_bias.html", "Shape bias"),
    log:
        "results/logs/tabulate_shape_bias/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/tabulate_shape_bias/{experiment}/{dataset}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=growing("publish", "mem_mb"),
        runtime=growing("publish", "runtime"),
    params:
        labels=labels,
        shown=shown("table_shape_bias"),
        code=code("tabulate_shape_bias"),
    script:
        "../scripts/tabulate_shape_bias.py"


rule tabulate_out_of_distribution:
    input:
        aggregated_inputs("table_out_of_distribution"),
    output:
        tables_without_html("out_of_distribution"),
        published(TABLE, "out_of_distribution.html", "Out of distribution"),
    log:
        "results/logs/tabulate_out_of_distribution/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/tabulate_out_of_distribution/{experiment}/{dataset}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=growing("publish", "mem_mb"),
        runtime=growing("publish", "runtime"),
    params:
        labels=labels,
        baseline=lambda wildcards: study.baseline(wildcards.experiment),
        shown=shown("table_out_of_distribution"),
        extent=extent_with_shifted,
        code=code("tabulate_out_of_distribution"),
    script:
        "../scripts/tabulate_out_of_distribution.py"


rule tabulate_ablation:
    input:
        aggregated_inputs("table_ablation"),
    output:
        tables_without_html("ablation"),
        published(TABLE, "ablation.html", "Strength and depth of the penalty"),
    log:
        "results/logs/tabulate_ablation/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/tabulate_ablation/{experiment}/{dataset}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=growing("publish", "mem_mb"),
        runtime=growing("publish", "runtime"),
    params:
        labels=labels,
        penalties=penalties,
        baseline=lambda wildcards: study.baseline(wildcards.experiment),
        epsilons=main_epsilons,
        shown=shown("table_ablation"),
        extent=extent,
        code=code("tabulate_ablation"),
    script:
        "../scripts/tabulate_ablation.py"


rule tabulate_penalties:
    input:
        aggregated_inputs("table_penalties"),
    output:
        tables_without_html("penalties"),
        published(TABLE, "penalties.html", "Kinds of penalty"),
    log:
        "results/logs/tabulate_penalties/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/tabulate_penalties/{experiment}/{dataset}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=growing("publish", "mem_mb"),
        runtime=growing("publish", "runtime"),
    params:
        labels=labels,
        penalties=penalties,
        baseline=lambda wildcards: study.baseline(wildcards.experiment),
        epsilons=main_epsilons,
        shown=shown("table_penalties"),
        extent=extent,
        code=code("tabulate_penalties"),
    script:
        "../scripts/tabulate_penalties.py"


rule tabulate_transfer:
    input:
        aggregated_inputs("table_transfer"),
    output:
        tables_without_html("transfer"),
        published(TABLE, "transfer.html", "Transferred attacks"),
    log:
        "results/logs/tabulate_transfer/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/tabulate_transfer/{experiment}/{dataset}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=growing("publish", "mem_mb"),
        runtime=growing("publish", "runtime"),
    params:
        labels=labels,
        shown=shown("table_transfer"),
        extent=extent,
        code=code("tabulate_transfer"),
    script:
        "../scripts/tabulate_transfer.py"


rule tabulate_calibration:
    input:
        aggregated_inputs("table_calibration"),
    output:
        tables_without_html("calibration"),
        published(TABLE, "calibration.html", "Calibration"),
    log:
        "results/logs/tabulate_calibration/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/tabulate_calibration/{experiment}/{dataset}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=growing("publish", "mem_mb"),
        runtime=growing("publish", "runtime"),
    params:
        labels=labels,
        shown=shown("table_calibration"),
        extent=extent,
        code=code("tabulate_calibration"),
    script:
        "../scripts/tabulate_calibration.py"


rule tabulate_costs:
    input:
        of_trained_runs(RECORD),
    output:
        tables_without_html("costs"),
        published(TABLE, "costs.html", "Costs"),
    log:
        "results/logs/tabulate_costs/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/tabulate_costs/{experiment}/{dataset}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=growing("publish", "mem_mb"),
        runtime=growing("publish", "runtime"),
    params:
        labels=labels,
        shown=shown("table_costs"),
        code=code("tabulate_costs"),
    script:
        "../scripts/tabulate_costs.py"


rule tabulate_scorecard:
    input:
        aggregated_inputs("table_scorecard"),
    output:
        tables_without_html("scorecard"),
        published(TABLE, "scorecard.html", "Claims"),
    log:
        "results/logs/tabulate_scorecard/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/tabulate_scorecard/{experiment}/{dataset}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=growing("publish", "mem_mb"),
        runtime=growing("publish", "runtime"),
    params:
        labels=labels,
        claims=lambda wildcards: claims_of(wildcards.experiment, wildcards.dataset),
        shown=shown("table_scorecard"),
        extent=extent,
        code=code("tabulate_scorecard"),
    script:
        "../scripts/tabulate_scorecard.py"


rule draw_accuracy_epsilon:
    input:
        aggregated_inputs("figure_accuracy_epsilon"),
    output:
        png=published(FIGURE, "accuracy_epsilon.png", "Accuracy against epsilon"),
        pdf=named(FIGURE, "accuracy_epsilon.pdf"),
    log:
        "results/logs/draw_accuracy_epsilon/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/draw_accuracy_epsilon/{experiment}/{dataset}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=growing("publish", "mem_mb"),
        runtime=growing("publish", "runtime"),
    params:
        labels=labels,
        shown=shown("figure_accuracy_epsilon"),
        code=code("draw_accuracy_epsilon"),
    script:
        "../scripts/draw_accuracy_epsilon.py"


rule draw_corruptions:
    input:
        aggregated_inputs("figure_corruptions"),
    output:
        png=published(FIGURE, "corruptions.png", "Corruptions"),
        pdf=named(FIGURE, "corruptions.pdf"),
    log:
        "results/logs/draw_corruptions/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/draw_corruptions/{experiment}/{dataset}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=growing("publish", "mem_mb"),
        runtime=growing("publish", "runtime"),
    params:
        labels=labels,
        shown=shown("figure_corruptions"),
        code=code("draw_corruptions"),
    script:
        "../scripts/draw_corruptions.py"


rule draw_frequency_filtered:
    input:
        aggregated_inputs("figure_frequency_filtered"),
    output:
        png=published(FIGURE, "frequency_filtered.png", "Low and high frequencies"),
        pdf=named(FIGURE, "frequency_filtered.pdf"),
    log:
        "results/logs/draw_frequency_filtered/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/draw_frequency_filtered/{experiment}/{dataset}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=growing("publish", "mem_mb"),
        runtime=growing("publish", "runtime"),
    params:
        labels=labels,
        shown=shown("figure_frequency_filtered"),
        code=code("draw_frequency_filtered"),
    script:
        "../scripts/draw_frequency_filtered.py"


rule draw_shape_bias:
    input:
        aggregated_inputs("figure_shape_bias"),
    output:
        png=published(FIGURE, "shape_bias.png", "Shape bias"),
        pdf=named(FIGURE, "shape_bias.pdf"),
    log:
        "results/logs/draw_shape_bias/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/draw_shape_bias/{experiment}/{dataset}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=growing("publish", "mem_mb"),
        runtime=growing("publish", "runtime"),
    params:
        labels=labels,
        shown=shown("figure_shape_bias"),
        code=code("draw_shape_bias"),
    script:
        "../scripts/draw_shape_bias.py"


rule draw_dct_energy:
    input:
        aggregated_inputs("figure_dct_energy"),
    output:
        png=published(FIGURE, "dct_energy.png", "DCT energy by depth"),
        pdf=named(FIGURE, "dct_energy.pdf"),
    log:
        "results/logs/draw_dct_energy/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/draw_dct_energy/{experiment}/{dataset}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=growing("publish", "mem_mb"),
        runtime=growing("publish", "runtime"),
    params:
        labels=labels,
        shown=shown("figure_dct_energy"),
        code=code("draw_dct_energy"),
    script:
        "../scripts/draw_dct_energy.py"


rule draw_ablation:
    input:
        aggregated_inputs("figure_ablation"),
    output:
        png=published(FIGURE, "ablation.png", "Strength and depth of the penalty"),
        pdf=named(FIGURE, "ablation.pdf"),
    log:
        "results/logs/draw_ablation/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/draw_ablation/{experiment}/{dataset}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=growing("publish", "mem_mb"),
        runtime=growing("publish", "runtime"),
    params:
        labels=labels,
        penalties=penalties,
        epsilons=main_epsilons,
        shown=shown("figure_ablation"),
        code=code("draw_ablation"),
    script:
        "../scripts/draw_ablation.py"


rule draw_penalties:
    input:
        aggregated_inputs("figure_penalties"),
    output:
        png=published(FIGURE, "penalties.png", "Kinds of penalty"),
        pdf=named(FIGURE, "penalties.pdf"),
    log:
        "results/logs/draw_penalties/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/draw_penalties/{experiment}/{dataset}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=growing("publish", "mem_mb"),
        runtime=growing("publish", "runtime"),
    params:
        labels=labels,
        penalties=penalties,
        epsilons=main_epsilons,
        shown=shown("figure_penalties"),
        code=code("draw_penalties"),
    script:
        "../scripts/draw_penalties.py"


rule draw_transfer:
    input:
        aggregated_inputs("figure_transfer"),
    output:
        png=published(FIGURE, "transfer.png", "Transferred attacks"),
        pdf=named(FIGURE, "transfer.pdf"),
    log:
        "results/logs/draw_transfer/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/draw_transfer/{experiment}/{dataset}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=growing("publish", "mem_mb"),
        runtime=growing("publish", "runtime"),
    params:
        labels=labels,
        shown=shown("figure_transfer"),
        code=code("draw_transfer"),
    script:
        "../scripts/draw_transfer.py"


rule draw_calibration:
    input:
        aggregated_inputs("figure_calibration"),
    output:
        png=published(FIGURE, "calibration.png", "Calibration"),
        pdf=named(FIGURE, "calibration.pdf"),
    log:
        "results/logs/draw_calibration/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/draw_calibration/{experiment}/{dataset}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=growing("publish", "mem_mb"),
        runtime=growing("publish", "runtime"),
    params:
        labels=labels,
        shown=shown("figure_calibration"),
        code=code("draw_calibration"),
    script:
        "../scripts/draw_calibration.py"


rule draw_scorecard:
    input:
        aggregated_inputs("figure_scorecard"),
    output:
        png=published(FIGURE, "scorecard.png", "Claims"),
        pdf=named(FIGURE, "scorecard.pdf"),
    log:
        "results/logs/draw_scorecard/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/draw_scorecard/{experiment}/{dataset}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=growing("publish", "mem_mb"),
        runtime=growing("publish", "runtime"),
    params:
        labels=labels,
        claims=lambda wildcards: claims_of(wildcards.experiment, wildcards.dataset),
        shown=shown("figure_scorecard"),
        code=code("draw_scorecard"),
    script:
        "../scripts/draw_scorecard.py"


rule draw_training_curves:
    input:
        AGGREGATED_HISTORY,
    output:
        png=published(FIGURE, "training_curves.png", "Training curves"),
        pdf=named(FIGURE, "training_curves.pdf"),
    log:
        "results/logs/draw_training_curves/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/draw_training_curves/{experiment}/{dataset}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=growing("publish", "mem_mb"),
        runtime=growing("publish", "runtime"),
    params:
        labels=labels,
        shown=shown("figure_training_curves"),
        code=code("draw_training_curves"),
    script:
        "../scripts/draw_training_curves.py"


rule draw_samples:
    input:
        dataset=DATASET,
        arrays=ancient(ARRAYS),
    output:
        png=published(FIGURE, "samples.png", "Samples"),
        pdf=named(FIGURE, "samples.pdf"),
    log:
        "results/logs/draw_samples/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/draw_samples/{experiment}/{dataset}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=growing("publish", "mem_mb"),
        runtime=growing("publish", "runtime"),
    params:
        extent=extent,
        code=code("draw_samples"),
    script:
        "../scripts/draw_samples.py"


rule draw_perturbations:
    input:
        dataset=DATASET,
        arrays=ancient(ARRAYS),
        perturbations=lambda wildcards: [
            PERTURBATIONS.format(**run._asdict()) for run in first_of_each_variant(wildcards)
        ],
    output:
        png=published(FIGURE, "perturbations.png", "Perturbations"),
        pdf=named(FIGURE, "perturbations.pdf"),
    log:
        "results/logs/draw_perturbations/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/draw_perturbations/{experiment}/{dataset}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=growing("publish", "mem_mb"),
        runtime=growing("publish", "runtime"),
    params:
        labels=labels,
        variants=lambda wildcards: [run.variant for run in first_of_each_variant(wildcards)],
        settings=settings_of("perturbations"),
        extent=extent,
        code=code("draw_perturbations"),
    script:
        "../scripts/draw_perturbations.py"


rule draw_corruption_samples:
    input:
        dataset=DATASET,
        arrays=ancient(ARRAYS),
        corrupted=ancient(CORRUPTED),
        corrupted_record=CORRUPTED_RECORD,
    output:
        png=published(FIGURE, "corruption_samples.png", "Corruption samples"),
        pdf=named(FIGURE, "corruption_samples.pdf"),
    log:
        "results/logs/draw_corruption_samples/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/draw_corruption_samples/{experiment}/{dataset}.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=growing("publish", "mem_mb"),
        runtime=growing("publish", "runtime"),
    params:
        extent=extent,
        code=code("draw_corruption_samples"),
    script:
        "../scripts/draw_corruption_samples.py"
