"""Shuffled labels and components, through the command: what is refused, one real run, and what a change makes due."""

from collections import Counter

import numpy as np
import pandas as pd

from filterfreq.data.labels import LABELS_FILE
from filterfreq.evaluation.reading import read_results

RUNS = "results/runs/texdigits/resnet_8_2"
VARIANTS = """  plain: {}
  shuffled: {label: shuffled, labels: shuffled}
  low: {label: low, component: {pass: low, radius: 8, rescale: released}, training: {augmentation: none}}
  smooth: {label: smooth, from: shuffled, low_pass_kernels: {below: 2, layers: first}}
"""
FILTERED = """      frequency_filtered:
        images: 64
        radii: {low: [4, 8], high: [8]}
        mask: non_strict
        rescale: released
        split: [test, train]
        svd: [2]
        only_high: true
"""


def test_shuffled_labels_and_components(unstarted):
    unstarted.edit("tiny.yaml", "variants: [plain, dct-penalty]", "variants: [plain, shuffled, low, smooth]")
    unstarted.edit("tiny.yaml", "variants:\n  plain: {}\n", f"variants:\n{VARIANTS}")
    old = "      frequency_filtered:\n        images: 16\n        radii: {low: [4, 8], high: [4.5]}\n"
    assert "figure_components" not in unstarted.plan().jobs
    unstarted.edit("tiny.yaml", old, FILTERED)
    plan = unstarted.plan()
    # One seed, so that each run is the first one of its variant.
    assert (plan.jobs["list_only_high"], plan.jobs["figure_components"]) == (4, 1)

    targets = ["figure_components", "figure_frequency_filtered"]
    outcome = unstarted.snakemake(*targets)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert unstarted.plan(*targets).jobs == Counter()
    folder = unstarted.folder
    for figure in ("components", "frequency_filtered"):
        assert (folder / f"results/figures/tiny/texdigits/{figure}.pdf").is_file()

    # The labels that a run was trained with lie beside it, and what is made of it has no copy.
    own = np.load(next(folder.glob("results/data/texdigits/arrays/train_labels.npy")))
    stored = np.load(folder / RUNS / "shuffled/seed-0" / LABELS_FILE)
    assert np.array_equal(np.bincount(stored), np.bincount(own))
    assert np.mean(stored == own) < 0.2
    assert [path.parts[-3] for path in folder.glob(f"{RUNS}/*/*/{LABELS_FILE}")] == ["shuffled"]

    results = read_results(
        folder / RUNS / name / "seed-0/evaluations/frequency_filtered.csv" for name in ("low", "smooth")
    )
    assert set(results["metric"]) == {"accuracy", "svd_accuracy", "only_high"}
    assert set(results["split"]) == {"test", "train"}
    assert set(results["rescale"]) == {"released"}
    assert set(results.loc[results["metric"] != "svd_accuracy", "mask"]) == {"non_strict"}
    for name in ("low", "smooth"):
        table = pd.read_csv(folder / RUNS / name / "seed-0/only_high.csv")
        share = results[
            (results["variant"] == name) & (results["metric"] == "only_high") & (results["split"] == "test")
        ]
        assert len(table) == round(64 * share["value"].item())

    # A changed or lost file of labels is one sentence.
    (folder / RUNS / "shuffled/seed-0" / LABELS_FILE).write_bytes(b"")
    evaluation = f"{RUNS}/smooth/seed-0/evaluations/frequency_filtered.csv"
    outcome = unstarted.snakemake("--force", evaluation)
    assert outcome.returncode == 1
    assert f"{RUNS}/shuffled/seed-0/{LABELS_FILE} is damaged" in outcome.stdout + outcome.stderr
    assert "Traceback" not in outcome.stdout + outcome.stderr

    # How a variant is called, and whether images are listed, trains nothing again; other settings measure again.
    unstarted.edit("tiny.yaml", "svd: [2]", "svd: [3]")
    jobs = unstarted.plan(*targets).jobs
    assert jobs["evaluate_frequency_filtered"] == 4
    assert not {"train", "derive", "list_only_high", "figure_components"} & jobs.keys()


def test_contradictions_are_said_before_the_first_job(unstarted):
    unstarted.edit("tiny.yaml", "  plain: {}\n", "  plain: {component: {pass: high, radius: 40}}\n")
    outcome = unstarted.snakemake("--dry-run")
    assert outcome.returncode == 1
    said = outcome.stdout + outcome.stderr
    assert "variants.plain.component.radius: 40 leaves nothing of any image" in said
    assert "Traceback" not in said
