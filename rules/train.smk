# One job per run: data set x model x variant x seed.


def snapshots_output():
    """The folder of a training's snapshots, where a run of the study has some; in the other runs it is empty.

    Of a folder that is asked for and is not there, the training is made again; so it is once snapshots are asked for,
    but not where they were removed because they are not to be kept.
    """
    if not study.runs_with_snapshots:
        return {}
    folder = directory(SNAPSHOTS)
    return {"snapshots": folder if study.keeps_snapshots else temp(folder)}


def snapshot_epochs(wildcards, output):
    """The epochs after which a training keeps its weights.

    A function of the output, so that Snakemake does not compare what it returns: other epochs alone train nothing again.
    """
    return study.snapshots(job_run(wildcards))


def refuse_incomplete_snapshots():
    """Stop where snapshots lack an epoch that the config has come to ask for: they cost their training once more."""
    for run in study.runs_with_snapshots:
        folder = Path(SNAPSHOTS.format(**run._asdict()))
        if folder.is_dir() and (missing := [n for n in study.snapshots(run) if not (folder / f"epoch-{n}").is_dir()]):
            raise WorkflowError(
                f"The config is refused. training of {run.dataset}/{run.model}/{run.variant}: snapshots names epoch "
                f"{missing[0]}, which {folder} lacks: delete the folder to have the run trained again, with all of its "
                "snapshots, or leave the epoch out."
            )


if workflow.is_main_process:
    refuse_incomplete_snapshots()


rule train:
    input:
        dataset=DATASET,
        arrays=ancient(ARRAYS),
    output:
        **snapshots_output(),
        weights=WEIGHTS,
        record=RECORD,
        history=HISTORY,
    log:
        "results/logs/train/{dataset}/{model}/{variant}/seed-{seed}.log",
    benchmark:
        "results/benchmarks/train/{dataset}/{model}/{variant}/seed-{seed}.tsv"
    conda:
        "../envs/train.yaml"
    threads: compute("train")["threads"]
    resources:
        **several_nodes("train"),
        mem_mb=growing("train", "mem_mb"),
        runtime=growing("train", "runtime"),
        gpu=compute("train")["gpu"],
    params:
        spec=lambda wildcards: study.spec(job_run(wildcards)),
        snapshot_epochs=snapshot_epochs,
        code=code("train", trained_modules),
    script:
        "../scripts/train.py"
