import pytest

from filterfreq.publishing.tables.masking import tabulate
from filterfreq.runtime.errors import InputError

VARIANTS = {"plain": "plain", "averaged": "plain, averaged"}
ALONG = {"fgsm": 0.5, "pgd-50-ce": 0.4, "apgd-50-dlr": 0.3, "adaptive": 0.3}
OTHERS = {"square": 0.35, "noise": 0.8}


def rows_of(variant: str, attacks: dict, epsilon: str = "8/255", seed: int = 0) -> list[tuple]:
    where = {"norm": "linf", "epsilon": epsilon, "judged": "after", "draws": 10}
    run = ("net", variant, seed, "adaptive")
    rows = [(*run, "accuracy", {"attack": name, **where}, value) for name, value in attacks.items()]
    eot = {"attack": "pgd-50-ce", **where, "eot": 1}
    return [*rows, (*run, "accuracy_by_eot", eot, 0.4)]


def clean(variant: str, seed: int = 0) -> tuple:
    return "net", variant, seed, "adaptive", "clean_accuracy", {"split": "test", "images": 100}, 0.9


def cells_of(table) -> dict[tuple[str, str], list[str]]:
    return {(row[0], row[1]): row[2:] for row in table.cells.to_numpy().tolist()}


@pytest.fixture
def results(results_of):
    good = rows_of("plain", {**ALONG, **OTHERS, "worst": 0.3})
    good += rows_of("plain", {"adaptive": 0, "square": 0, "fgsm": 0, "noise": 0.2, "worst": 0}, "64/255")
    masked = rows_of(
        "averaged", {**ALONG, **OTHERS, "square": 0.1, "transfer-fgsm": 0.85, "transfer": 0.8, "worst": 0.1}
    )
    return results_of([clean("plain"), clean("averaged"), *good, *masked])


def test_where_a_sign_holds_the_white_box_numbers_are_marked_and_no_others(results):
    table = tabulate(results, VARIANTS)
    cells = cells_of(table)
    assert list(table.cells)[2:] == ["plain", "plain, averaged"]
    marked = {key[0] for key, (_, averaged) in cells.items() if averaged.endswith("(!)")}
    assert marked == {"FGSM", "PGD-50 (cross entropy)", "APGD-50 (DLR loss)", "worst along gradients"}
    assert not any("(!)" in plain for plain, _ in cells.values())
    assert "hold for plain, averaged: the numbers marked (!)" in table.caption
    assert "not to be trusted" in table.caption


def test_the_signs_are_said_below_the_accuracies(results):
    cells = cells_of(tabulate(results, VARIANTS))
    signs = {key: answers for key, answers in cells.items() if key[0].startswith("sign")}
    assert signs["sign: Square leaves less than gradients", "L∞ 8/255"] == ["no", "yes"]
    assert signs["sign: accuracy is not 0 at 64/255", "L∞ 8/255"] == ["no", "not measured"]
    assert signs["sign: a single step leaves less than many", "L∞ 64/255"] == ["no", "–"]
    names = [key[0] for key in cells if key[1] == "L∞ 8/255"]
    assert names[0] == "FGSM, transferred"
    assert names.index("worst of all") == len(names) - 6
    assert next(iter(cells)) == ("without attack", "")


def test_accuracies_have_their_intervals(results_of):
    row = ("net", "plain", 0, "adaptive", "accuracy",
           {"attack": "square", "norm": "linf", "epsilon": "8/255", "judged": "after", "draws": 10}, 0.5)  # fmt: skip
    results = results_of([row]).assign(ci_low=0.25, ci_high=0.75)
    table = tabulate(results, VARIANTS)
    assert cells_of(table)["Square", "L∞ 8/255"] == ["50.0 [25.0, 75.0]"]
    assert "No sign of gradient masking that was measured holds." in table.caption
    assert "over 10 fresh draws" in table.caption
    assert "n = 100" in table.caption
    (number,) = table.tidy().dropna(subset="accuracy").itertuples(index=False)
    assert number[:7] == ("net", "plain", 0, "linf", "8/255", "square", 0.5)


def test_seeds_are_one_column_and_stand_alone_in_the_numbers(results_of):
    rows = [
        row
        for seed in (0, 1, 2)
        for row in rows_of("plain", {"adaptive": seed / 4, "noise": 0.25, "square": 0.6}, seed=seed)
    ]
    table = tabulate(results_of(rows), VARIANTS)
    cells = cells_of(table)
    assert list(table.cells)[2:] == ["plain"]
    # Seed 2 is right where noise is not.
    # The mean +- 4.303 standard errors of 0.25 / sqrt(3), within the shares that there are.
    assert cells["worst along gradients", "L∞ 8/255"] == ["25.0 [0.0, 87.1] (!)"]
    assert cells["sign: random noise leaves less than gradients", "L∞ 8/255"] == ["1 of 3"]
    assert cells["sign: Square leaves less than gradients", "L∞ 8/255"] == ["no"]
    # Alike to the rounding of 100 images.
    assert cells["Square", "L∞ 8/255"] == ["60.0 [59.0, 61.0]"]
    assert "mean over 3 seeds with Student's 95 % interval over these" in table.caption
    assert len(table.tidy().query("`attack or sign` == 'adaptive'")) == 3


def rows_over_draws(variant: str, values: dict[int, float], seed: int = 0) -> list[tuple]:
    where = {"attack": "pgd-50-margin", "norm": "linf", "epsilon": "8/255", "judged": "after", "draws": 10}
    run = ("net", variant, seed, "adaptive", "accuracy_by_eot")
    return [(*run, {**where, "eot": draws}, value) for draws, value in values.items()]


def test_the_fall_with_the_draws_stands_below_the_attack(results_of):
    attacks = {"pgd-50-margin": 0.3, "adaptive": 0.3}
    rows = rows_of("plain", attacks) + rows_over_draws("plain", {1: 0.3})
    rows += rows_of("averaged", attacks) + rows_over_draws("averaged", {1: 0.8, 5: 0.5, 10: 0.4, 20: 0.3})
    table = tabulate(results_of(rows), VARIANTS)
    shown = {key[0]: [cell.split()[0] for cell in cells] for key, cells in cells_of(table).items()}
    assert [row for row in shown.items() if "margin" in row[0]] == [
        ("PGD-50 (margin loss)", ["30.0", "30.0"]),
        ("PGD-50 (margin loss), over 1 draw", ["–", "80.0"]),
        ("PGD-50 (margin loss), over 5 draws", ["–", "50.0"]),
        ("PGD-50 (margin loss), over 10 draws", ["–", "40.0"]),
        ("PGD-50 (margin loss), over 20 draws", ["–", "30.0"]),
    ]
    assert "Over n draws: what is left" in table.caption
    numbers = table.tidy().dropna(subset="draws a step").query("`attack or sign`.str.contains('margin')")
    assert numbers[["draws a step", "accuracy"]].to_numpy().tolist() == [[1, 0.8], [5, 0.5], [10, 0.4], [20, 0.3]]


def test_seeds_that_tried_fewer_draws_are_said(results_of):
    rows = [row for seed in (0, 1) for row in rows_of("averaged", {"pgd-50-margin": 0.5, "adaptive": 0.5}, seed=seed)]
    rows += rows_over_draws("averaged", {1: 0.5, 5: 0.5}) + rows_over_draws(
        "averaged", {1: 0.7, 5: 0.6, 10: 0.5}, seed=1
    )
    cells = cells_of(tabulate(results_of(rows), VARIANTS))
    assert cells["PGD-50 (margin loss), over 10 draws", "L∞ 8/255"][0].endswith("(1 of 2 seeds)")
    assert "seeds" not in cells["PGD-50 (margin loss), over 5 draws", "L∞ 8/255"][0]


def test_signs_that_nobody_measured_are_said_once(results_of):
    table = tabulate(results_of(rows_of("plain", {"adaptive": 0.5, "square": 0.6})), VARIANTS)
    assert [key[0] for key in cells_of(table) if key[0].startswith("sign")] == [
        "sign: Square leaves less than gradients"
    ]
    assert table.caption.endswith(
        "Not measured: accuracy is not 0 at 64/255, a single step leaves less than many, random noise leaves less than "
        "gradients."
    )


def test_without_results_it_says_what_to_run(results_of, row):
    with pytest.raises(InputError, match="the suite adaptive: run this evaluation"):
        tabulate(results_of([row.clean("net", "plain", 0, 0.9)]), VARIANTS)
