"""Filters of a run, of an ONNX file and of the published layout, through the whole workflow."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from oracles.filter_database import write_models
from torch import nn

from filterfreq.evaluation.filters import onnx_file
from filterfreq.evaluation.filters.layers import filter_layers
from filterfreq.evaluation.reading import read_results
from filterfreq.models.registry import build
from filterfreq.runtime.schemas import read_record

MODEL, SIZE = "resnet_8_8", 32
NAMES = ("one", "other")
WAYS = ("run", "onnx", "hdf5")
CHECKPOINTS = {
    f"{name}-{way}": {
        "run": {"source": "file", "path": f"{name}.pt", "architecture": MODEL, "normalisation": "dataset"},
        "onnx": {"source": "filters", "path": f"{name}.onnx", "model": MODEL},
        "hdf5": {"source": "filters", "path": "dataset.h5", "name": f"{name}-model", "label": f"{name}, published"},
    }[way]
    for name in NAMES
    for way in WAYS
}
CONFIG = f"""
experiments:
  ways:
    datasets: [texdigits]
    checkpoints: [{", ".join(sorted(CHECKPOINTS))}]
    pairs:
      - {{treatment: one-run, control: other-run}}
      - {{treatment: one-onnx, control: other-onnx}}
      - {{treatment: one-hdf5, control: other-hdf5}}
claims: [claims/lens.yaml]
evaluation:
  batch_size: 250
  clean: {{}}
  perturbations: {{attack: fgsm, norm: linf, epsilon: 2/255, images: 2}}
  filter_quality: {{batch_norm: [folded]}}
compute:
  device: cpu
  attack: {{threads: 1, mem_mb: 2000, runtime: 10}}
  evaluate: {{threads: 1, mem_mb: 2000, runtime: 10}}
  data: {{threads: 2, mem_mb: 2000, runtime: 10}}
  publish: {{threads: 1, mem_mb: 1000, runtime: 10}}
"""
RUNS = "results/runs/texdigits"


def trained(seed: int) -> nn.Module:
    """A model whose batch norms scale, as those of a trained one."""
    torch.manual_seed(seed)
    model = build(MODEL, 10).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return model


@pytest.fixture
def work(unstarted) -> Path:
    """The folder of a workflow, with two models in the three forms beside it."""
    folder, layers = unstarted.folder, {}
    for seed, name in enumerate(NAMES):
        model = trained(seed)
        torch.save(model.state_dict(), folder / f"{name}.pt")
        torch.onnx.export(model, (torch.rand(1, 3, SIZE, SIZE),), folder / f"{name}.onnx", dynamo=False)
        layers[f"{name}-model"] = filter_layers(model, SIZE, fold_batch_norm=True)
    write_models(folder / "dataset.h5", layers)
    configure(folder)
    return folder


def configure(folder: Path, **changed: dict) -> None:
    """Write the config, with further entries in some checkpoints."""
    config = yaml.safe_load(CONFIG)
    config["checkpoints"] = {name: {**entry, **changed.get(name, {})} for name, entry in CHECKPOINTS.items()}
    (folder / "ways.yaml").write_text(yaml.safe_dump(config))


def result(checkpoint: str) -> str:
    """What is measured of a checkpoint's filters."""
    model = "filters" if checkpoint.endswith("hdf5") else MODEL
    return f"{RUNS}/{model}/{checkpoint}/seed-0/evaluations/filter_quality.csv"


def measures(folder: Path, checkpoint: str) -> pd.Series:
    """The measures of a checkpoint, by all but the names of its layers."""
    table = read_results([folder / result(checkpoint)])
    keys = ["metric", "batch_norm", "index", "conv_depth", "conv_depth_norm", "horizontal", "vertical", "i", "j"]
    return table.set_index(keys)["value"].sort_index()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the exporter
def test_three_ways_to_the_filters_lead_to_the_same_results(unstarted, work):
    jobs = unstarted.plan(config="ways.yaml").jobs
    assert (jobs["convert_checkpoint"], jobs["evaluate_filter_quality"], jobs["evaluate_clean"]) == (2, 2, 2)
    assert (jobs["measure_filter_file"], jobs["pool_filters"], jobs["perturb"]) == (4, 1, 2)
    outcome = unstarted.snakemake(config="ways.yaml")
    said = outcome.stdout + outcome.stderr
    assert outcome.returncode == 0, said
    assert "evaluation.clean: not for the checkpoints one-hdf5, one-onnx, other-hdf5 and other-onnx: a file" in said
    assert unstarted.plan(config="ways.yaml").jobs.total() == 0

    for name in NAMES:
        expected = measures(work, f"{name}-run")
        assert expected["num_filters"].sum() > 300
        for way in WAYS[1:]:
            found = measures(work, f"{name}-{way}")
            pd.testing.assert_index_equal(found.index, expected.index)
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
            folder = (work / result(f"{name}-{way}")).parents[1]
            assert sorted(path.name for path in folder.iterdir()) == ["evaluations", "filters.json"]
    record = read_record((work / result("one-onnx")).parents[1] / "filters.json", "filters")
    assert record["source"] == {"source": "filters", "path": "one.onnx"}
    assert record["provenance"]["config"] == ["ways.yaml"]
    digest = hashlib.sha256()
    for layer in onnx_file.read_layers(work / "one.onnx")["folded"]:
        digest.update(layer.weights.tobytes())
    assert record["provenance"]["filters_sha256"] == digest.hexdigest()

    counts = pd.read_csv(work / "results/aggregated/ways/filter_coefficients.csv")
    counts = counts.pivot_table(
        index=["depth_bin", "component", "bin"], columns="variant", values="count", fill_value=0
    )
    for name in NAMES:
        for way in WAYS[1:]:
            # Rounding can move a filter that lies on the border of two bins.
            moved = (counts[f"{name}-{way}"] - counts[f"{name}-run"]).abs().sum()
            assert moved <= 0.001 * counts[f"{name}-run"].sum()
    tables = work / "results/tables/ways"
    assert set(pd.read_csv(tables / "texdigits/filter_quality.csv")["variant"]) == {*CHECKPOINTS}
    assert set(pd.read_csv(tables / "texdigits/main.csv")["variant"]) == {"one-run", "other-run"}
    claims = pd.read_csv(tables / "texdigits/scorecard.csv").set_index("claim")
    assert claims.loc["removed-first", "verdict"] == "not measured"  # it is on activations
    claims = claims.drop("removed-first")
    assert set(claims["pairs"]) == {3}
    # Equal pairs have no width but that of a share of N filters, a rounded number: Student's of three with 1 / (6 N^2).
    filters = measures(work, "one-run")["num_filters"].sum()
    width = claims.loc["less-sparse", "ci_high"] - claims.loc["less-sparse", "ci_low"]
    assert width == pytest.approx(2 * 4.302653 / (18**0.5 * filters), rel=1e-4)
    claims = claims.drop("less-sparse")
    np.testing.assert_allclose(claims["ci_low"], claims["ci_high"], atol=1e-4)
    shift = pd.read_csv(tables / "filter_shift.csv")
    assert shift[["treatments", "controls"]].to_numpy().tolist() == [[3, 3]]
    assert shift["treatment_filters"].item() == 3 * measures(work, "one-run")["num_clean"].sum()

    # An ONNX file counts by its content; an HDF5 file, of which no job reads all, by size and time.
    os.utime(work / "one.onnx")
    assert unstarted.plan(config="ways.yaml").jobs.total() == 0
    os.utime(work / "dataset.h5")
    jobs = unstarted.plan(config="ways.yaml").jobs
    assert (jobs["measure_filter_file"], jobs["convert_checkpoint"], jobs["evaluate_filter_quality"]) == (2, 0, 0)
    (work / "one.onnx").write_bytes((work / "other.onnx").read_bytes())
    assert unstarted.plan(config="ways.yaml").jobs["measure_filter_file"] == 3
    (work / "other.onnx.data").write_bytes(b"weights, as torch writes them beside a large model")
    assert unstarted.plan(config="ways.yaml").jobs["measure_filter_file"] == 4


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_cannot_be_measured_is_one_sentence_and_leaves_nothing(unstarted, work):
    """What the file alone can tell is said by its job; all else by the plan."""
    for changed, sentence in (
        ({"one-onnx": {"path": "nowhere.onnx"}}, "checkpoints.one-onnx.path: there is no nowhere.onnx"),
        (
            {"one-hdf5": {"name": "one-modle"}},
            "checkpoints.one-hdf5.name: unknown model of dataset.h5 'one-modle': did you mean 'one-model'",
        ),
    ):
        configure(work, **changed)
        outcome = unstarted.snakemake("--dry-run", config="ways.yaml")
        said = outcome.stdout + outcome.stderr
        assert outcome.returncode == 1
        assert f"The config is refused. {sentence}" in said
        assert "Traceback" not in said

    config = yaml.safe_load(CONFIG)
    config["experiments"]["ways"] = {"datasets": ["texdigits"], "checkpoints": ["one-onnx"]}
    config["checkpoints"] = {"one-onnx": CHECKPOINTS["one-onnx"]}
    config["evaluation"] = {"batch_size": 250, "filter_quality": {"batch_norm": ["folded", "separate"]}}
    del config["claims"]
    (work / "ways.yaml").write_text(yaml.safe_dump(config))
    outcome = unstarted.snakemake(result("one-onnx"), config="ways.yaml")
    said = outcome.stdout + outcome.stderr
    assert outcome.returncode == 1
    assert "error: one.onnx does not hold the filters with batch norm separate, only folded: write batch_norm" in said
    assert not [path for path in (work / RUNS).rglob("*") if path.is_file()]
