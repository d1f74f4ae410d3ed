"""What is published of normalised layers stands beside the variants that are trained so, and beside no others."""

import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from filterfreq.publishing.published_normalisation import ACCURACIES, published_method
from filterfreq.publishing.tables.free_training import tabulate
from filterfreq.runtime.errors import InputError
from filterfreq.study.study import Study

ROOT = Path(__file__).parents[2]
SPEC = ROOT.parent / "shared/specs/convolutional_normalization.md"
LABELS = {"bn": "BN", "convnorm": "ConvNorm", "other": "other"}
METHODS = {"bn": "none", "convnorm": "convnorm"}


@pytest.mark.skipif(not SPEC.exists(), reason="the specification is not at hand (../shared)")
def test_the_values_are_those_of_the_specification():
    rows = {
        attack: re.search(rf"^\| {name} 8/255 \|(.*)\|$", SPEC.read_text(), re.MULTILINE)[1].split("|")
        for attack, name in (("fgsm", "FGSM"), ("pgd-20", "PGD-20"))
    }
    stated = {
        (method, attack): [float(number) / 100 for number in cell.split()]
        for attack, cells in rows.items()
        for method, cell in zip(("none", "spectral", "oni", "orthogonal", "convnorm"), cells, strict=True)
        if cell.strip() != "-"
    }
    ours = {(method, attack): values for method, found in ACCURACIES.items() for attack, values in found.items()}
    assert ours.keys() == stated.keys()
    for key, values in stated.items():
        assert ours[key] == pytest.approx(values, abs=1e-12)


def test_variants_of_the_study_are_recognised():
    study = Study(yaml.safe_load((ROOT / "configs/convnorm.yaml").read_text()), ROOT / "schemas/config.schema.yaml")
    methods = {name: published_method(variant) for name, variant in study.variants.items()}
    assert {name: method for name, method in methods.items() if method} == {
        "batch-norm-free": "none",
        "spectral-free": "spectral",
        "oni-free": "oni",
        "ocnn-free": "orthogonal",
        "convnorm-free": "convnorm",
    }
    free = study.variants["convnorm-free"]
    assert published_method({**free, "decomposition": "weight"}) is None
    training = free["adversarial_training"]
    assert published_method({**free, "adversarial_training": {**training, "epsilon": "4/255"}}) is None


@pytest.fixture
def rows(row) -> list[tuple]:
    found = []
    for variant, value in (("bn", 0.5), ("convnorm", 0.6), ("other", 0.7)):
        for seed in (0, 1):
            found.append(row.clean("resnet_18", variant, seed, value + 0.2))
            for attack, drop in (("fgsm", 0.0), ("pgd-10", 0.05), ("pgd-20", 0.1), ("autoattack", 0.2)):
                found += [
                    row.attacked("resnet_18", variant, seed, attack, "linf", epsilon, value - drop)
                    for epsilon in ("4/255", "8/255")
                ]
            found.append(row.attacked("net_8", variant, seed, "fgsm", "linf", "8/255", 0.01))
    return found


def test_published_columns_stand_beside_the_measured_ones(results_of, rows):
    table = tabulate(results_of(rows, "cifar10"), LABELS, METHODS)
    assert list(table.mean) == [
        ("clean", ""),
        *(("FGSM L∞", setting) for setting in ("8/255", "8/255, published")),
        ("PGD-10 L∞", "8/255"),
        *(("PGD-20 L∞", setting) for setting in ("8/255", "8/255, published")),
        ("AutoAttack L∞", "8/255"),
    ]
    assert list(table.mean.index) == [("resnet_18", "bn"), ("resnet_18", "convnorm")]
    assert table.mean["PGD-20 L∞", "8/255"].tolist() == pytest.approx([0.4, 0.5])
    # As rounded in the documentation.
    assert table.mean["FGSM L∞", "8/255, published"].round(3).tolist() == [0.517, 0.529]
    assert table.mean["PGD-20 L∞", "8/255, published"].round(3).tolist()[1] == 0.448
    assert pd.isna(table.mean.loc[("resnet_18", "bn"), ("PGD-20 L∞", "8/255, published")])
    assert table.seeds["FGSM L∞", "8/255, published"].tolist() == [4, 4]
    assert "Published: by the notebook" in table.caption
    assert "52.9 ± 0.3" in table.to_markdown()


def test_without_the_published_epsilon_it_is_one_sentence(results_of, rows):
    others = [found for found in rows if "8/255" not in found[5].values()]
    with pytest.raises(InputError, match="no attack was measured with L∞ norm 8/255: write this epsilon"):
        tabulate(results_of(others, "cifar10"), LABELS, METHODS)
