"""A change of trained models that is added, by what a dry run lists and by one real run."""

import json
import re
import shutil
from collections import Counter

import safetensors.torch

RUNS = "results/runs/texdigits/resnet_8_2"
NAMES = ("plain", "plain-scaled", "plain-low")
REGISTRY = "scripts/filterfreq/models/surgery/registry.py"
MODULE = "scripts/filterfreq/models/surgery/scaled_weights.py"
SCALED_WEIGHTS = '''"""Weights that are larger or smaller than they were trained to be."""

import torch


@torch.no_grad()
def scaled_weights(classifier, factor):
    """Multiply the weights of the last layer."""
    classifier.backbone.fc.weight.mul_(factor)
    return classifier
'''
FRAGMENT = "{type: object, additionalProperties: false, required: [factor], properties: {factor: {type: number}}}\n"
# What is shown by experiment and not by run.
ALIKE = ("aggregate", "draw", "write", "tabulate")


def test_a_change_of_trained_models_is_one_module_one_entry_and_one_schema(project):
    (project.folder / MODULE).write_text(SCALED_WEIGHTS)
    last = '"filterfreq.models.surgery.low_pass_kernels:low_pass_kernels",\n'
    entry = '    "scaled_weights": "filterfreq.models.surgery.scaled_weights:scaled_weights",\n'
    project.edit(REGISTRY, last, last + entry)
    (project.folder / "schemas/surgery/scaled_weights.yaml").write_text(FRAGMENT)
    assert project.plan().jobs == Counter()

    scaled = "  plain-scaled: {from: plain, scaled_weights: {factor: 0}}\n"
    low = "  plain-low: {from: plain, low_pass_kernels: {below: 2, layers: first}}\n"
    project.edit("tiny.yaml", "  plain: {}\n", "  plain: {}\n" + scaled)
    project.edit("tiny.yaml", "variants: [plain, dct-penalty]", "variants: [plain, dct-penalty, plain-scaled]")
    plan = project.plan()
    by_run = {rule: count for rule, count in plan.jobs.items() if not rule.startswith(ALIKE)}
    assert by_run == dict.fromkeys(by_run, 1)
    assert "train" not in by_run
    assert {"derive", "evaluate_clean", "evaluate_autoattack", "perturb"} <= by_run.keys()
    shown = ("results/aggregated/", "results/tables/", "results/figures/")
    assert all(f"{RUNS}/plain-scaled/seed-0/" in path or path.startswith(shown) for path in plan.outputs)
    # Its trainings and data are not shown.
    assert not {"aggregate_history", "prepare", "corrupt"} & plan.jobs.keys()

    project.edit("tiny.yaml", "  plain: {}\n", "  plain: {}\n" + low)
    project.edit("tiny.yaml", "dct-penalty, plain-scaled]", "dct-penalty, plain-scaled, plain-low]")
    results = [f"{RUNS}/plain-scaled/seed-0/evaluations/clean.csv", f"{RUNS}/plain-low/seed-0/run.json"]
    outcome = project.snakemake(*results)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    # Without weights in the last layer every image has the same class: one in ten.
    lines = (project.folder / results[0]).read_text().splitlines()
    accuracy = next(line for line in lines if ",accuracy," in line)
    assert ",plain-scaled," in accuracy
    assert 0.05 < float(accuracy.split(",")[-4]) < 0.15
    record = json.loads((project.folder / results[1]).read_text())
    source = json.loads((project.folder / f"{RUNS}/plain/seed-0/run.json").read_text())
    assert record["provenance"]["from"] == {"run": source["run"], "sha256": source["checkpoint"]["sha256"]}
    log = (project.folder / "results/logs/derive/texdigits/resnet_8_2/plain-low/seed-0.log").read_text()
    assert re.search(rf"\b1 of \d+ tensors are not those of {RUNS}/plain/seed-0/run\.json", log)

    # What differs is on the disk, and the rest is read from the run that it is made of.
    sizes = {name: (project.folder / RUNS / name / "seed-0/model.safetensors").stat().st_size for name in NAMES}
    assert max(sizes["plain-scaled"], sizes["plain-low"]) < sizes["plain"] / 4
    stored = safetensors.torch.load_file(project.folder / RUNS / "plain-low/seed-0/model.safetensors")
    assert stored.keys() == {"conv1.weight"}
    assert record["checkpoint"]["unchanged_in"] == {
        "record": "../../plain/seed-0/run.json",
        "sha256": source["checkpoint"]["sha256"],
    }

    assert project.plan(*results).jobs == Counter()
    # Without the source's weights no evaluation begins: they are made again before.
    weights = project.folder / f"{RUNS}/plain/seed-0/model.safetensors"
    shutil.move(weights, project.folder / "kept")
    (project.folder / results[0]).unlink()
    again = project.plan(results[0]).jobs
    assert {"train": 1, "evaluate_clean": 1}.items() <= again.items()
    shutil.move(project.folder / "kept", weights)
    assert project.plan(results[0]).jobs == Counter({"evaluate_clean": 1})
    assert project.snakemake(results[0]).returncode == 0
    with open(project.folder / MODULE, "a") as file:
        file.write("# changed\n")
    assert project.plan(*results).jobs == Counter({"derive": 1, "evaluate_clean": 1})
    assert not {"train", "prepare"} & project.plan().jobs.keys()
