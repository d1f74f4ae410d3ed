"""Suites over training: what a dry run lists once they are asked for, and one real run."""

import re
import shutil
from collections import Counter

RUNS = [f"results/runs/texdigits/resnet_8_2/{variant}/seed-0" for variant in ("plain", "dct-penalty")]
LONG = RUNS[0].replace("plain", "long")
AGGREGATED = "results/aggregated/tiny/texdigits/over_training"


def test_suites_over_training(project):
    weights = [project.folder / run / "model.safetensors" for run in RUNS]
    before = [file.read_bytes() for file in weights]

    # Of a finished study the trainings are made once more, since they have no snapshots.
    project.edit("tiny.yaml", "    epochs: 1\n", "    epochs: 1\n    snapshots: {epochs: [0, 1], batches: [8]}\n")
    assert project.plan(*(f"{run}/snapshots" for run in RUNS)).jobs == Counter({"train_with_snapshots": 2})
    project.edit("tiny.yaml", "evaluation:\n", "evaluation:\n  over_training: [clean, frequency_filtered]\n")
    measured = {"over_training_clean": 2, "over_training_frequency_filtered": 2}
    expected = Counter({**measured, "aggregate_over_training": 2, "figure_over_training": 1})
    assert project.plan("figure_over_training").jobs == expected + Counter({"train_with_snapshots": 2})
    assert expected.keys() <= project.plan().jobs.keys()

    outcome = project.snakemake("figure_over_training")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert (project.folder / "results/figures/tiny/texdigits/over_training.pdf").is_file()
    assert [file.read_bytes() for file in weights] == before
    for run in RUNS:
        evaluations = project.folder / run / "evaluations"
        # The last epoch is the first one, whose weights the suites have measured already.
        for suite, key in (("clean", "split="), ("frequency_filtered", "pass=")):
            head, *alone = (evaluations / f"{suite}.csv").read_text().splitlines()
            header, *lines = (evaluations / f"over_training/{suite}.csv").read_text().splitlines()
            assert header == head
            assert lines[-len(alone) :] == [line.replace(key, f"epoch=1;{key}") for line in alone]
            # 4,000 images in batches of 128.
            assert [re.search(r"epoch=([^;]*)", line)[1] for line in lines[:: len(alone)]] == ["0", "0.25", "1"]
            assert len(lines) == 3 * len(alone)
        assert not list(evaluations.glob("over_training/*.progress.json"))
    assert project.plan("figure_over_training").jobs == Counter()

    # With the snapshots there, one more suite is measured, and nothing else is made.
    project.edit("tiny.yaml", "[clean, frequency_filtered]", "[clean, frequency_filtered, filters]")
    added = f"{AGGREGATED}/filters.csv"
    expected = Counter({"over_training_filters": 2, "aggregate_over_training": 1, "figure_over_training": 1})
    assert project.plan("figure_over_training", added).jobs == expected

    # Settings for snapshots alone run nothing else again, and are in the results.
    project.edit("tiny.yaml", "[clean, frequency_filtered, filters]", "[clean, frequency_filtered]")
    own = "{frequency_filtered: {images: 8, radii: {low: [6]}, mask: non_strict}}"
    due = project.plan().jobs
    project.edit("tiny.yaml", "[clean, frequency_filtered]", f"[clean, {own}]")
    expected = Counter({"over_training_frequency_filtered": 2, "aggregate_over_training": 1, "figure_over_training": 1})
    assert project.plan("figure_over_training").jobs == expected
    assert project.plan().jobs - due == expected - due
    result = f"{RUNS[0]}/evaluations/over_training/frequency_filtered.csv"
    outcome = project.snakemake(result)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    _, *lines = (project.folder / result).read_text().splitlines()
    assert len(lines) == 3
    assert all(";mask=non_strict" in line and "radius=6" in line and ",8," in line for line in lines)
    assert project.plan(result).jobs == Counter()
    project.edit("tiny.yaml", own, own.replace("[6]", "[7]"))
    assert project.plan(result).jobs == Counter({"over_training_frequency_filtered": 1})
    project.edit("tiny.yaml", own.replace("[6]", "[7]"), "frequency_filtered")
    assert project.plan(result).jobs == Counter({"over_training_frequency_filtered": 1})
    assert project.snakemake("figure_over_training").returncode == 0

    # Once measured they can go, where they are not to be kept.
    project.edit("tiny.yaml", "training:\n  default:", "training:\n  keep_snapshots: false\n  default:")
    assert project.plan("figure_over_training").jobs == Counter()
    for run in RUNS:
        shutil.rmtree(project.folder / run / "snapshots")
    assert project.plan("figure_over_training").jobs == Counter()
    assert not {"train", "train_with_snapshots"} & project.plan().jobs.keys()


def test_one_variant_with_snapshots_leaves_the_changes_of_the_others_seen(project):
    """Of a job of whose outputs one was not there before, Snakemake compares neither settings nor code."""
    project.edit("tiny.yaml", "evaluation:\n", "evaluation:\n  over_training: [clean]\n")
    project.edit("tiny.yaml", "variants: [plain, ", "variants: [long, plain, ")
    project.edit(
        "tiny.yaml", "variants:\n  plain:", "variants:\n  long: {label: long, training: {snapshots: [1]}}\n  plain:"
    )
    new = Counter({"train_with_snapshots": 1})
    assert project.plan(*(f"{run}/model.safetensors" for run in [*RUNS, LONG])).jobs == new
    with open(project.folder / "scripts/filterfreq/training/interventions/penalty.py", "a") as file:
        file.write("\n# changed\n")
    assert project.plan(*(f"{run}/model.safetensors" for run in [*RUNS, LONG])).jobs == new + Counter({"train": 1})
