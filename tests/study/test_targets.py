from pathlib import Path

import pytest
import yaml

from filterfreq.runtime.errors import InputError
from filterfreq.study.study import Study
from filterfreq.study.targets import check_target

ROOT = Path(__file__).parents[2]
RUN = "results/runs/{dataset}/{model}/{variant}/seed-{seed}"
PATTERNS = (
    f"{RUN}/evaluations/over_training/{{suite}}.csv",
    f"{RUN}/evaluations/{{suite}}.csv",
    RUN,
    "results/aggregated/{experiment}/{dataset}/over_training/{suite}.csv",
    "results/aggregated/{experiment}/{dataset}/{suite}.csv",
    "results/figures/{experiment}/{dataset}/{name}",
    "results/checkpoints/{checkpoint}/files",
    "results/data/{dataset}/shifted/{shifted}.json",
    "results/data/{dataset}/shifted/{shifted}",
    "results/data/{dataset}/dataset.json",
)
DEMO = "results/runs/texdigits/resnet_8_8"


@pytest.fixture(scope="module")
def study() -> Study:
    config = yaml.safe_load((ROOT / "configs" / "demo" / "core.yaml").read_text())
    config["checkpoints"] = {
        "mine": {"source": "file", "path": "mine.pt", "architecture": "resnet_20", "normalisation": "none"}
    }
    config["checkpoints"]["mine"]["normalisation"] = "dataset"
    config["experiments"]["demo"]["checkpoints"] = ["mine"]
    config["training"]["default"]["snapshots"] = [1]
    config["evaluation"]["over_training"] = ["clean"]
    return Study(config, ROOT / "schemas" / "config.schema.yaml")


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        (f"{DEMO}/plane/seed-0/run.json", "unknown variant 'plane': did you mean 'plain'?"),
        (f"{DEMO}/5/seed-0/run.json", "unknown variant '5': choose one of plain, dct, dct-penalty, plain-fgsm, mine"),
        ("results/runs/texdigits/resnet_9_8/plain/seed-0/run.json", "unknown model 'resnet_9_8'"),
        (
            "results/runs/texdigits/resnet_8_8/mine/seed-0/run.json",
            "unknown model 'resnet_8_8': did you mean 'resnet_20'",
        ),
        ("results/runs/texdigit/resnet_8_8/plain/seed-0/run.json", "unknown data set 'texdigit'"),
        (f"./{DEMO}/plain/seed-0/evaluations/claen.csv", "unknown suite 'claen': did you mean 'clean'?"),
        (f"{DEMO}/plain/seed-0/evaluations/transfer.csv", "evaluation.transfer is not asked for on texdigits: add it"),
        ("results/aggregated/demmo/texdigits/clean.csv", "unknown experiment 'demmo': did you mean 'demo'?"),
        ("results/aggregated/demo/cifar10/clean.csv", "experiments.demo has no runs on cifar10"),
        ("results/figures/demmo/texdigits/shape_bias.png", "unknown experiment 'demmo'"),
        ("results/checkpoints/mein/files", "unknown checkpoint 'mein': did you mean 'mine'?"),
        ("results/data/texdigits/shifted/texdigits-edge", "unknown shifted set 'texdigits-edge'"),
        ("results/data/cifar11/dataset.json", "unknown data set 'cifar11'"),
        (
            "results/runs/texdigits/resnet_20/mine/seed-0/snapshots",
            "'mine' is not trained here and has no snapshots, ask for its run.json",
        ),
        (
            "results/runs/texdigits/resnet_20/mine/seed-0/evaluations/over_training/clean.csv",
            "evaluation.over_training measures no snapshots of mine with clean: add the suite to it, and snapshots to",
        ),
        (
            f"{DEMO}/plain/seed-0/evaluations/over_training/filters.csv",
            "evaluation.over_training measures no snapshots of plain with filters",
        ),
        (
            "results/aggregated/demo/texdigits/over_training/filters.csv",
            "evaluation.over_training measures no snapshots of demo with filters",
        ),
    ],
)
def test_a_path_that_the_config_has_no_settings_for_is_refused(study, target, sentence):
    with pytest.raises(InputError, match=r"^there is no ") as caught:
        check_target(study, target, PATTERNS)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    "target",
    [
        f"{DEMO}/dct-penalty/seed-0/model.safetensors",
        # A seed that no experiment lists can be trained all the same.
        f"{DEMO}/plain/seed-7/evaluations/clean.csv",
        "results/runs/texdigits/resnet_20/mine/seed-0/run.json",
        "results/aggregated/demo/texdigits/history.csv",
        f"{DEMO}/plain/seed-0/snapshots",
        f"{DEMO}/plain/seed-7/evaluations/over_training/clean.csv",
        "results/aggregated/demo/texdigits/over_training/clean.csv",
        "results/data/cifar10/dataset.json",
        "results/data/texdigits/shifted/texdigits-edges.json",
        "results/data/texdigits/shifted/texdigits-edges",
        "table_main",
        "--configfile",
        "results/report.html",
    ],
)
def test_other_targets_are_left_to_snakemake(study, target):
    check_target(study, target, PATTERNS)
