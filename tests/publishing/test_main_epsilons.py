"""The main tables show attacks at the epsilon that is wanted, and what others have published beside it."""

import pandas as pd
import pytest

from filterfreq.publishing.penalty_panels import draw_penalties
from filterfreq.publishing.penalty_rows import tabulate_penalties
from filterfreq.publishing.tables.all_datasets import tabulate as tabulate_all_datasets
from filterfreq.publishing.tables.differences import tabulate as tabulate_differences
from filterfreq.publishing.tables.main import tabulate as tabulate_main

NET = "net_8"
VARIANTS = {"plain": "plain", "dct": "WD"}
ATTACKS = {
    ("fgsm", "linf"): ("2/255", "4/255", "8/255", "16/255"),
    ("pgd-10", "linf"): ("1/255", "2/255"),
    ("pgd-10", "l2"): ("0.25", "1", "2"),
    ("autoattack", "l2"): ("1.5", "3"),
}


@pytest.fixture
def rows(row):
    made = []
    for variant in VARIANTS:
        made.append(row.clean(NET, variant, 0, 0.9))
        for (attack, norm), epsilons in ATTACKS.items():
            made += [row.attacked(NET, variant, 0, attack, norm, epsilon, 0.5) for epsilon in reversed(epsilons)]
    return made


@pytest.mark.parametrize(
    ("epsilons", "shown", "said"),
    [
        (
            {"linf": "8/255", "l2": "0.5"},
            # The largest below the one wanted, and where there is none below the smallest.
            ["FGSM L∞ 8/255", "PGD-10 L∞ 2/255", "PGD-10 L₂ 0.25", "AutoAttack L₂ 1.5"],
            "attacks: at L∞ 8/255 and L₂ 0.5 (but for PGD-10 L∞, PGD-10 L₂, AutoAttack L₂, not measured there).",
        ),
        (
            {"linf": "2/255"},
            ["FGSM L∞ 2/255", "PGD-10 L∞ 2/255", "PGD-10 L₂ 2", "AutoAttack L₂ 3"],
            "attacks: at L∞ 2/255, at the largest L₂ epsilon measured.",
        ),
        (
            {},
            ["FGSM L∞ 16/255", "PGD-10 L∞ 2/255", "PGD-10 L₂ 2", "AutoAttack L₂ 3"],
            "attacks: at the largest L∞ and L₂ epsilon measured.",
        ),
    ],
)
def test_every_table_of_one_epsilon_shows_the_one_wanted(rows, results_of, epsilons, shown, said):
    results = results_of(rows)
    main = tabulate_main(results, VARIANTS, "plain", epsilons)
    assert [" ".join(key).strip() for key in main.mean] == ["clean", *shown]
    assert said in main.caption
    differences = tabulate_differences(results, VARIANTS, "plain", epsilons)
    assert list(differences.cells)[1:] == ["clean", *shown]
    assert said in differences.caption
    swept = {"dct": {"kind": "all", "strength": 0.1, "layers": "all", "beside": "WD"}}
    table = tabulate_penalties(results, VARIANTS, swept, "plain", epsilons=epsilons)
    assert list(table.cells)[-5:] == ["clean", *shown]
    assert said in table.caption
    titles = [axes.get_title() for axes in draw_penalties(results, VARIANTS, swept, "kind", epsilons).axes]
    epsilon = shown[1].rpartition(" ")[2]
    assert titles[1] == f"PGD-10, L∞ {epsilon}"


def test_each_data_set_has_its_own(results_of, row):
    first = results_of([row.attacked(NET, "dct", 0, "fgsm", "linf", e, 0.5) for e in ("2/255", "8/255")], "first")
    second = results_of([row.attacked(NET, "dct", 0, "fgsm", "linf", e, 0.5) for e in ("0.1", "0.3")], "second")
    results = pd.concat([first, second], ignore_index=True)
    wanted = {"first": {"linf": "2/255"}, "second": {"linf": "0.3"}}
    table = tabulate_all_datasets(results, VARIANTS, "plain", wanted)
    assert list(table.mean) == [("FGSM", "L∞ 2/255"), ("FGSM", "L∞ 0.3")]
    assert "first, attacks: at L∞ 2/255; second, attacks: at L∞ 0.3." in table.caption


PUBLISHED = {
    "plain": {"clean": 0.9478, "robust": 0.0, "norm": "linf", "epsilon": "8/255"},
    "dct": {"clean": 0.9516, "robust": 0.8368, "norm": "l2", "epsilon": "0.5"},
}


def test_what_is_published_stands_beside_what_is_measured(results_of, row):
    rows = [row.clean(NET, variant, 0, 0.9) for variant in ("plain", "dct", "own")]
    for norm, epsilon in (("linf", "8/255"), ("l2", "0.5")):
        rows += [row.attacked(NET, variant, 0, "autoattack", norm, epsilon, 0.5) for variant in ("plain", "dct", "own")]
    results = results_of(rows)
    labels = {**VARIANTS, "own": "own"}
    table = tabulate_main(results, labels, "plain", {"linf": "8/255", "l2": "0.5"}, PUBLISHED)
    assert list(table.mean) == [
        ("clean", ""),
        ("clean", "published"),
        ("AutoAttack", "L∞ 8/255"),
        ("AutoAttack", "L∞ 8/255, published"),
        ("AutoAttack", "L₂ 0.5"),
        ("AutoAttack", "L₂ 0.5, published"),
    ]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.to_markdown().splitlines()[4:]]
    assert [(line[2], line[4], line[6]) for line in lines] == [("94.8", "0.0", "–"), ("95.2", "–", "83.7"), ("–",) * 3]
    assert "published: by RobustBench, of all test images" in table.caption
    both = tabulate_all_datasets(results, labels, "plain", {"toy_set": {"linf": "8/255"}}, {"toy_set": PUBLISHED})
    assert ("AutoAttack", "L₂ 0.5, published") in both.mean
    assert "published" not in tabulate_main(results, labels, "plain").to_markdown()


def test_a_published_accuracy_on_corrupted_images_is_no_attack(results_of, row):
    rows = [row.clean(NET, "dct", 0, 0.9), row.corrupted(NET, "dct", 0, "fog", 1, 0.8)]
    entry = {"clean": 0.96, "robust": 0.93, "norm": "", "epsilon": ""}
    table = tabulate_main(results_of(rows), VARIANTS, "plain", {}, {"dct": entry})
    assert table.mean.loc[(NET, "dct"), ("corruptions", "mean, published")] == pytest.approx(0.93)
