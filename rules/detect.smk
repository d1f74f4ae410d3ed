# How well a detector finds objects on images, and on their low- and high-frequency components.


localrules:
    write_table_of_detection,
    draw_figure_of_detection,


rule detect:
    input:
        unpack(detection_images),
        unpack(detector_files),
    output:
        detections=DETECTIONS,
        record=DETECTION_RECORD,
    log:
        "results/logs/detect/{detection}.log",
    benchmark:
        "results/benchmarks/detect/{detection}.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: compute("evaluate")["threads"]
    resources:
        mem_mb=resource_by_attempt("evaluate", "mem_mb"),
        runtime=resource_by_attempt("evaluate", "runtime"),
        gpu=compute("evaluate")["gpu"],
    params:
        spec=detection_spec,
        data=detection_data,
        code=code("detect"),
    script:
        "../scripts/detect.py"


rule score_detections:
    input:
        unpack(detection_images),
        detections=DETECTIONS,
        record=DETECTION_RECORD,
    output:
        results=DETECTION_RESULTS,
        better=BETTER_IMAGES,
        examples=DETECTION_EXAMPLES,
    log:
        "results/logs/score_detections/{detection}.log",
    benchmark:
        "results/benchmarks/score_detections/{detection}.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=resource_by_attempt("evaluate", "mem_mb"),
        runtime=resource_by_attempt("evaluate", "runtime"),
    params:
        spec=detection_spec,
        data=detection_data,
        code=code("score_detections"),
    script:
        "../scripts/score_detections.py"


use rule write_table as write_table_of_detection with:
    output:
        [f"{TABLE_OF_DETECTION}.{form}" for form in TABLE_FORMS if form != "html"],
        report_output("table", f"{TABLE_OF_DETECTION}.html", "detection"),
    log:
        "results/logs/write_table/detection/{detection}/{name}.log",
    benchmark:
        "results/benchmarks/write_table/detection/{detection}/{name}.tsv"
    wildcard_constraints:
        name=product_names("table", "detection"),


use rule draw_figure as draw_figure_of_detection with:
    output:
        png=f"{FIGURE_OF_DETECTION}.png",
        pdf=f"{FIGURE_OF_DETECTION}.pdf",
        html=report_output("figure", f"{FIGURE_OF_DETECTION}.html", "detection"),
    log:
        "results/logs/draw_figure/detection/{detection}/{name}.log",
    benchmark:
        "results/benchmarks/draw_figure/detection/{detection}/{name}.tsv"
    wildcard_constraints:
        name=product_names("figure", "detection"),
