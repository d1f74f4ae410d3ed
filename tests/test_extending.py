"""What docs/extending.md tells people to paste works."""

import ast
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from torch import nn

from filterfreq.evaluation.reading import read_results
from filterfreq.evaluation.registry import SUITES, Metric, Suite
from filterfreq.evaluation.results import write_results
from filterfreq.publishing.registry import read_products
from filterfreq.publishing.style import variant_styles
from filterfreq.runtime.schemas import check_schema
from filterfreq.study.claims_files import load_claims
from filterfreq.study.schema import config_schema
from filterfreq.study.study import Study

ROOT = Path(__file__).parents[1]
RUN = {"dataset": "cifar10", "model": "tiny", "variant": "plain", "seed": 3}


def blocks(heading: str) -> list[str]:
    """The texts in a part of the document that are to be pasted, in their order."""
    text = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    part = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)[1]
    return re.findall(r"^```\w+\n(.*?)^```", part, re.DOTALL | re.MULTILINE)


def merged(config: dict, part: dict) -> dict:
    """A config with the keys of a part, in mappings that both have key by key."""
    both = {key: merged(config[key], value) for key, value in part.items() if isinstance(config.get(key), dict)}
    return {**config, **part, **both}


def pasted(code: str) -> dict:
    """What a module of this code defines."""
    names: dict = {}
    exec(compile(code, "pasted", "exec"), names)
    return names


def test_the_part_of_a_config_fits_the_study():
    (part,) = blocks("A variant")
    config = merged(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")), yaml.safe_load(part))
    study = Study(config, ROOT / "schemas" / "config.schema.yaml")
    # Two without a penalty, two with one of three strengths.
    assert len({run.variant for run in study.experiments["strengths-all"]}) == 2 + 2 * 3


def test_the_claim_is_one(tmp_path):
    (claim,) = blocks("A claim")
    (tmp_path / "claims.yaml").write_text(claim)
    assert list(load_claims(tmp_path / "claims.yaml", ROOT / "schemas" / "claims.schema.yaml")) == ["penalty-blur"]


def test_the_figure_is_drawn(tmp_path):
    (figure,) = blocks("A figure or table")
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "seeds.py").write_text(figure)
    known = {
        "suite": SUITES,
        "parameter": ["labels", "style_numbers", "extent"],
        "kind of input": ["results"],
        "condition": [],
    }
    product = read_products(known, tmp_path)["figure_seeds"]
    assert (product.label.title, product.label.needs) == ("Seeds", ["clean"])
    assert product.label.takes == ["labels", "style_numbers"]
    rows = [{**RUN, "seed": seed, "metric": "accuracy", "value": seed / 10} for seed in range(3)]
    drawn = pasted(figure)["draw"](pd.DataFrame(rows), {"plain": "as it is"}, {"plain": 3})
    (axes,) = drawn.axes
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[0, 0], [1, 0.1], [2, 0.2]])
    assert axes.lines[0].get_color() == variant_styles({"plain": "as it is"}, {"plain": 3})["plain"].colour
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["as it is"]


def test_the_suite_measures_what_its_entry_says(tmp_path):
    module, entry, schema = blocks("A suite")
    suite = eval(f"{{{entry}}}", {"Suite": Suite, "Metric": Metric})["contrast"]
    assert suite.module == "filterfreq.evaluation.suites.contrast"
    assert {node.name for node in ast.parse(module).body if isinstance(node, ast.FunctionDef)} == {"run"}

    shutil.copytree(ROOT / "schemas", tmp_path / "schemas")
    (tmp_path / "schemas" / "suites" / "contrast.yaml").write_text(schema)
    config = yaml.safe_load((ROOT / "configs" / "demo" / "core.yaml").read_text(encoding="utf-8"))
    config["evaluation"]["contrast"] = {"shares": [0, 1]}
    check_schema(config_schema(tmp_path / "schemas" / "config.schema.yaml"), config, "config")

    class Brightness(nn.Module):
        def forward(self, images):
            bright = images.mean(dim=(1, 2, 3)) - 0.6
            return torch.stack([-bright, bright], dim=1)

    job = SimpleNamespace(
        classifier=Brightness(),
        images=np.stack([np.full((4, 4, 3), level, np.uint8) for level in (0, 255, 255)]),
        labels=np.array([0, 1, 1]),
        batch_size=2,
        device="cpu",
        settings=config["evaluation"]["contrast"],
    )
    write_results(tmp_path / "contrast.csv", RUN, "contrast", pasted(module)["run"](job))
    # Without contrast all are grey, which is dark.
    results = read_results([tmp_path / "contrast.csv"], suite="contrast", known={"contrast": suite})
    assert results[["share", "value"]].to_numpy().tolist() == [[0.0, pytest.approx(1 / 3)], [1.0, 1.0]]
