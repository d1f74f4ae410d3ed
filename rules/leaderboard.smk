# All runs of a study in one page.


localrules:
    write_leaderboard,
    leaderboard,


rule write_leaderboard:
    input:
        leaderboard_inputs,
    output:
        report(
            LEADERBOARD,
            caption="../report/leaderboard.rst",
            category="Tables",
            labels={"table": "Leaderboard", "data set": "all"},
        ),
    log:
        "results/logs/write_leaderboard.log",
    benchmark:
        "results/benchmarks/write_leaderboard.tsv"
    conda:
        "../envs/publish.yaml"
    threads: 1
    resources:
        mem_mb=resource_by_attempt("publish", "mem_mb"),
        runtime=resource_by_attempt("publish", "runtime"),
    params:
        parts=lambda wildcards: leaderboard_parts(),
        figures=lambda wildcards: leaderboard_figures(),
        config=", ".join(CONFIG_FILES),
        code=code("write_leaderboard"),
    script:
        "../scripts/write_leaderboard.py"


rule leaderboard:
    input:
        LEADERBOARD,
