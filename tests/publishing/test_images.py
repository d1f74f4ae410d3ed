"""What stands in one row or curve is of the same images, or says on how many it stands."""

import pandas as pd
import pytest

from filterfreq.evaluation.corruptions import COMMON
from filterfreq.publishing.figures.accuracy_epsilon import draw as draw_accuracy_epsilon
from filterfreq.publishing.figures.calibration import draw as draw_calibration
from filterfreq.publishing.figures.corruptions import draw as draw_corruptions
from filterfreq.publishing.figures.shape_bias import draw as draw_shape_bias
from filterfreq.publishing.figures.transfer import draw as draw_transfer
from filterfreq.publishing.penalty_rows import tabulate_penalties
from filterfreq.publishing.tables.adversarial import tabulate as tabulate_adversarial
from filterfreq.publishing.tables.all_datasets import tabulate as tabulate_all_datasets
from filterfreq.publishing.tables.calibration import tabulate as tabulate_calibration
from filterfreq.publishing.tables.corruptions import tabulate as tabulate_corruptions
from filterfreq.publishing.tables.differences import tabulate as tabulate_differences
from filterfreq.publishing.tables.main import tabulate as tabulate_main
from filterfreq.publishing.tables.shape_bias import tabulate as tabulate_shape_bias
from filterfreq.publishing.tables.transfer import tabulate as tabulate_transfer

NET = "net_8"
VARIANTS = {"plain": "plain", "dct": "WD"}


def clean_row(variant: str, suite: str, images: int, value: float, metric: str = "clean_accuracy") -> tuple:
    """An accuracy of a suite's images before it attacks or corrupts them."""
    return NET, variant, 0, suite, metric, {"split": "test", "images": images}, value, images


@pytest.fixture
def attacks(row):
    """All 1,000 test images are easier than the 500 that PGD sees, and these than the 120 of APGD-CE."""
    rows = []
    for variant, better in (("plain", 0.0), ("dct", 0.05)):
        rows.append((*row.clean(NET, variant, 0, 0.9 + better), 1000))
        rows.append(clean_row(variant, "adversarial", 500, 0.8 + better))
        rows.append(clean_row(variant, "autoattack", 120, 0.7 + better))
        for epsilon, value in (("1/255", 0.5), ("2/255", 0.3)):
            rows.append((*row.attacked(NET, variant, 0, "pgd-10", "linf", epsilon, value + better), 500))
        where = {"attack": "apgd-ce", "norm": "linf", "epsilon": "2/255"}
        rows.append((NET, variant, 0, "autoattack", "accuracy", where, 0.4 + better, 120))
    return rows


def headings(table) -> list[str]:
    return [cell.strip() for cell in table.to_markdown().splitlines()[2].strip("|").split("|")]


def test_columns_of_different_images_say_so(attacks, results_of):
    results = results_of(attacks)
    shown = ["variant", "clean n = 1,000", "PGD-10 L∞ 2/255, n = 500", "APGD-CE L∞ 2/255, n = 120"]
    table = tabulate_main(results, VARIANTS, "plain")
    assert headings(table) == shown
    assert "n: number of images." in table.full_caption
    assert table.tidy().groupby("measure")["images"].first().to_dict() == {"clean": 1000, "PGD-10": 500, "APGD-CE": 120}
    for part in ("n = 1,000", r"$L_\infty$ 2/255, n = 120"):
        assert part in table.to_latex()
    assert "L∞ 2/255, n = 500" in table.to_html()
    differences = tabulate_differences(results, VARIANTS, "plain")
    assert list(differences.cells) == shown
    assert differences.numbers["images"].tolist() == [1000, 500, 120]
    assert "n: number of images." in differences.caption
    swept = {"dct": {"kind": "all", "strength": 0.1, "layers": "all", "beside": "WD"}}
    assert headings(tabulate_penalties(results, VARIANTS, swept, "plain"))[-3:] == shown[1:]


def test_columns_of_the_same_images_say_it_once(results_of, row):
    rows = [row.clean(NET, v, 0, 0.5) for v in VARIANTS] + [
        row.attacked(NET, v, 0, "fgsm", "linf", "1/255", 0.3) for v in VARIANTS
    ]
    for table in (
        tabulate_main(results_of(rows), VARIANTS, "plain"),
        tabulate_differences(results_of(rows), VARIANTS, "plain"),
    ):
        assert "n = 100 images." in table.to_markdown()
        assert headings(table)[1:] == ["clean", "FGSM L∞ 1/255"]


def test_data_sets_of_different_images_are_named(attacks, results_of, row):
    other = results_of([row.clean(NET, variant, 0, 0.5) for variant in VARIANTS], "other")
    table = tabulate_all_datasets(pd.concat([results_of(attacks), other], ignore_index=True), VARIANTS, "plain")
    assert (
        "Images: toy_set: n = 1,000 (clean), n = 500 (PGD-10 L∞ 2/255), n = 120 (APGD-CE L∞ 2/255); other: n = 100."
    ) in table.full_caption
    assert headings(table)[2] == "clean n = 100 to 1,000"
    assert "toy_set, other (net_8)" in table.caption


def test_an_attack_stands_beside_the_clean_accuracy_of_its_own_images(attacks, results_of):
    table = tabulate_adversarial(results_of(attacks), VARIANTS)
    assert table.mean.loc[(NET, "plain")].to_dict() == pytest.approx(
        {
            ("PGD-10 L∞", "0"): 0.8,
            ("PGD-10 L∞", "1/255"): 0.5,
            ("PGD-10 L∞", "2/255"): 0.3,
            ("APGD-CE L∞", "0"): 0.7,
            ("APGD-CE L∞", "2/255"): 0.4,
        }
    )
    assert "PGD-10 L∞, n = 500" in table.to_markdown()
    assert "APGD-CE L∞, n = 120" in table.to_markdown()


def test_attacks_on_the_same_images_share_one_clean_row(attacks, results_of):
    alone = [row for row in attacks if row[3] != "autoattack"]
    table = tabulate_adversarial(results_of(alone), VARIANTS)
    assert list(table.mean) == [("clean", ""), ("PGD-10 L∞", "1/255"), ("PGD-10 L∞", "2/255")]
    assert table.mean["clean", ""].tolist() == pytest.approx([0.8, 0.85])
    assert "n = 500 images." in table.full_caption


def test_transferred_attacks_have_their_own_images(attacks, results_of):
    where = {"attack": "pgd-10", "norm": "linf", "epsilon": "2/255", "source": "plain"}
    rows = [*attacks, clean_row("dct", "transfer", 60, 0.6), (NET, "dct", 0, "transfer", "accuracy", where, 0.55, 60)]
    found = tabulate_transfer(results_of(rows), VARIANTS).mean.loc[(NET, "dct")]
    assert found["PGD-10 L∞, transferred"].to_dict() == pytest.approx({"0": 0.6, "2/255": 0.55})
    assert found["PGD-10 L∞, white box"].to_dict() == pytest.approx({"0": 0.85, "1/255": 0.55, "2/255": 0.35})
    figure = draw_transfer(results_of(rows), VARIANTS)
    own, transferred = figure.axes
    assert "n = 500" in own.get_title()
    assert "n = 60" in transferred.get_title()
    assert [list(line.get_ydata()) for line in transferred.lines if len(line.get_xdata())] == [
        pytest.approx([0.6, 0.55])
    ]


def test_a_curve_begins_at_its_own_images(attacks, results_of):
    figure = draw_accuracy_epsilon(results_of(attacks), VARIANTS)
    panels = {axes.get_title(): axes for axes in figure.axes}
    # Markers of 120 images would not belong into a panel of 500.
    assert list(panels) == ["PGD-10, L∞,\nn = 500", "APGD-CE, L∞,\nn = 120"]
    firsts = [sorted(line.get_ydata()[0] for line in axes.lines if len(line.get_ydata())) for axes in figure.axes]
    assert firsts == [pytest.approx([0.8, 0.85]), pytest.approx([0.7, 0.75])]


@pytest.fixture
def corrupted(results_of, row):
    """Of all images 0.95 are right; of the 50 that are corrupted 0.9, and 0.8 (plain) or 0.85 (dct) after it."""
    rows = []
    for variant, after in (("plain", 0.8), ("dct", 0.85)):
        rows.append((*row.clean(NET, variant, 0, 0.95), 1000))
        rows.append(clean_row(variant, "corruption", 50, 0.9))
        rows.append(clean_row(variant, "corruption", 50, 0.3, "clean_calibration_error"))
        rows += [(*row.corrupted(NET, variant, 0, corruption, 1, after), 50) for corruption in COMMON]
    return results_of(rows)


def test_relative_corruption_error_is_of_the_corrupted_images(corrupted):
    table = tabulate_corruptions(corrupted, VARIANTS, "plain")
    # The error grows from 0.1 to 0.2 and to 0.15: by half as much. Against all images, from 0.05, it were 2/3.
    assert table.mean["common", "relative mCE"].tolist() == pytest.approx([1.0, 0.5])
    assert "n = 50 images." in table.full_caption


def test_calibration_begins_at_the_corrupted_images(corrupted):
    table = tabulate_calibration(corrupted, VARIANTS)
    assert table.mean.loc[(NET, "dct"), ("ECE", "clean")] == pytest.approx(0.3)
    assert "n = 50 images." in table.full_caption
    line = next(line for line in draw_calibration(corrupted, VARIANTS).axes[0].lines if len(line.get_ydata()))
    assert list(line.get_ydata()) == pytest.approx([0.3, 0.0625])


def test_figures_say_what_their_bands_and_images_are(results_of, row):
    rows = [
        (*row.corrupted(NET, variant, seed, "fog", severity, 0.5), 50)
        for variant, seeds in (("plain", (0, 1, 2)), ("dct", (0,)))
        for seed in seeds
        for severity in (1, 2)
    ]
    title = draw_corruptions(results_of(rows), VARIANTS).legends[0].get_title().get_text()
    assert title.replace("\n", " ") == "lines: mean, bands: lowest to highest of 1 to 3 seeds; n = 50"
    alone = draw_corruptions(results_of(rows), {"dct": "WD"}).legends[0].get_title().get_text()
    assert alone == "1 seed; n = 50"


def test_shape_bias_says_how_many_images_were_shown(results_of, row):
    rows = [row.biased(NET, "dct", seed, category, 0.5) for seed in (0, 1) for category in ("overall", "dog")]
    rows += [(NET, "dct", seed, "cue_conflict", "accuracy", {"cue": "shape"}, 0.1, 640) for seed in (0, 1)]
    title = draw_shape_bias(results_of(rows), VARIANTS).legends[0].get_title().get_text()
    assert (
        title.replace("\n", " ") == "markers: mean, bars: lowest to highest of 2 seeds; n = 640; lines: all categories"
    )
    assert tabulate_shape_bias(results_of(rows), VARIANTS).tidy()["images"].tolist() == [640] * 3
