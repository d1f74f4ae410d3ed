import html
import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from filterfreq.evaluation.corruptions import COMMON, EXTRA
from filterfreq.frequencies.pairs import distinct_frequencies
from filterfreq.publishing.means import best_of
from filterfreq.publishing.numbers import number_text
from filterfreq.publishing.penalty_rows import tabulate_penalties
from filterfreq.publishing.tables.adversarial import tabulate as tabulate_adversarial
from filterfreq.publishing.tables.all_datasets import tabulate as tabulate_all_datasets
from filterfreq.publishing.tables.calibration import tabulate as tabulate_calibration
from filterfreq.publishing.tables.corruption_energy import tabulate as tabulate_corruption_energy
from filterfreq.publishing.tables.corruptions import tabulate as tabulate_corruptions
from filterfreq.publishing.tables.costs import tabulate as tabulate_costs
from filterfreq.publishing.tables.differences import tabulate as tabulate_differences
from filterfreq.publishing.tables.energy_slopes import tabulate as tabulate_energy_slopes
from filterfreq.publishing.tables.fourier_bands import tabulate as tabulate_fourier_bands
from filterfreq.publishing.tables.frequency_filtered import tabulate as tabulate_frequency_filtered
from filterfreq.publishing.tables.main import tabulate as tabulate_main
from filterfreq.publishing.tables.out_of_distribution import tabulate as tabulate_out_of_distribution
from filterfreq.publishing.tables.severities import tabulate as tabulate_severities
from filterfreq.publishing.tables.shape_bias import tabulate as tabulate_shape_bias
from filterfreq.publishing.tables.top_5 import tabulate as tabulate_top_5
from filterfreq.publishing.tables.training_speed import tabulate as tabulate_training_speed
from filterfreq.publishing.tables.transfer import tabulate as tabulate_transfer
from filterfreq.runtime.errors import InputError

SCRIPTS = Path(__file__).parents[2] / "scripts"
PUBLISHED = Path(__file__).parents[3] / "shared" / "golden" / "fourier_sensitivity_published.json"
VARIANTS = {"plain": "plain", "dct": "WD & 50 %_λ", "dct-signal": "SD | L2"}
EPSILONS = {"linf": "2/255", "l2": "0.5"}
NET = "net_8"


@pytest.fixture
def two_seeds(results_of, row):
    """Two variants (plain at 80 and 90 %, dct at 85.2 and 94.8 %), accuracies under attack lower by 10 % a step."""
    rows = []
    for variant, seed, accuracy in (("plain", 0, 0.8), ("plain", 1, 0.9), ("dct", 0, 0.852), ("dct", 1, 0.948)):
        rows.append(row.clean(NET, variant, seed, accuracy))
        for step, epsilon in enumerate(("8/255", "1/255", "2/255", "4/255")):  # not in order of size
            rows.append(row.attacked(NET, variant, seed, "pgd-10", "linf", epsilon, accuracy - 0.1 * (step + 1)))
        rows.append(row.attacked(NET, variant, seed, "autoattack", "l2", "0.5", accuracy - 0.7))
    return results_of(rows)


@pytest.fixture
def corruptions(results_of, row):
    """Errors of the baseline 0.2 (seed 0) and 0.4 (seed 1); of dct half of that with seed 0, a quarter with seed 1."""
    rows = []
    for variant, seed, error in (("plain", 0, 0.2), ("plain", 1, 0.4), ("dct", 0, 0.1), ("dct", 1, 0.1)):
        for corruption in COMMON:
            rows += [row.corrupted(NET, variant, seed, corruption, severity, 1 - error) for severity in (1, 2)]
        for corruption in EXTRA:
            rows.append(row.corrupted(NET, variant, seed, corruption, 1, 0.0))
    return results_of(rows)


class TestNumbers:
    def test_mean_std_and_seeds(self, two_seeds):
        table = tabulate_main(two_seeds, VARIANTS, "plain", EPSILONS)
        clean = table.mean["clean", ""]
        assert clean[NET, "plain"] == pytest.approx(0.85)
        assert clean[NET, "dct"] == pytest.approx(0.90)
        assert table.std.loc[(NET, "dct"), ("clean", "")] == pytest.approx(0.096 / math.sqrt(2))
        assert (table.seeds == 2).all(axis=None)

    def test_main_table_takes_the_epsilon_wanted(self, two_seeds):
        table = tabulate_main(two_seeds, VARIANTS, "plain", EPSILONS)
        assert list(table.mean) == [("clean", ""), ("PGD-10", "L∞ 2/255"), ("AutoAttack", "L₂ 0.5")]
        assert table.mean.loc[(NET, "plain"), ("PGD-10", "L∞ 2/255")] == pytest.approx(0.85 - 0.3)

    def test_adversarial_table_has_all_epsilons_by_size(self, two_seeds):
        table = tabulate_adversarial(two_seeds, VARIANTS)
        assert list(table.mean["PGD-10 L∞"]) == ["1/255", "2/255", "4/255", "8/255"]
        assert table.mean.loc[(NET, "dct"), "PGD-10 L∞"].tolist() == pytest.approx([0.7, 0.6, 0.5, 0.8])
        assert table.mean.loc[(NET, "dct"), ("AutoAttack L₂", "0.5")] == pytest.approx(0.2)

    def test_corruption_error_is_paired_by_seed(self, corruptions):
        mean = tabulate_main(corruptions, VARIANTS, "plain").mean
        assert mean["corruptions", "mean"].tolist() == pytest.approx([0.7, 0.9])  # the extra ones, at 0, do not count
        # Paired by seed (1/2 + 1/4) / 2; the ratio of the mean errors would be 1/3.
        assert mean["corruptions", "mCE"].tolist() == pytest.approx([1.0, 0.375])

    def test_relative_corruption_error_stands_in_the_corruption_table(self, corruptions, results_of, row):
        assert ("common", "relative mCE") not in tabulate_corruptions(corruptions, VARIANTS, "plain").mean
        clean = results_of([row.clean(NET, variant, 0, 0.95) for variant in ("plain", "dct")], "clean")
        both = pd.concat([corruptions, clean.assign(dataset="toy_set")], ignore_index=True)
        table = tabulate_corruptions(both, VARIANTS, "plain")
        # With seed 0 the error grows from 0.05 to 0.2 and to 0.1; seed 1 has no clean accuracy.
        assert table.mean["common", "relative mCE"].tolist() == pytest.approx([1.0, 1 / 3])
        assert table.seeds["common", "relative mCE"].tolist() == [1, 1]
        assert "relative mCE" in table.caption
        assert ("corruptions", "relative mCE") not in tabulate_main(both, VARIANTS, "plain").mean

    def test_corruption_table_is_by_family(self, corruptions):
        table = tabulate_corruptions(corruptions, VARIANTS, "plain")
        assert [setting for _, setting in table.mean][:5] == [
            *("Gaussian noise", "shot noise", "impulse noise", "speckle noise", "defocus blur")
        ]
        assert table.mean.columns.unique("measure").tolist() == ["noise", "blur", "weather", "digital", "common"]
        assert table.mean.loc[(NET, "dct"), ("digital", "JPEG compression")] == pytest.approx(0.9)
        assert table.mean.loc[(NET, "dct"), ("noise", "speckle noise")] == 0

    def test_a_mean_over_severities(self, results_of, row):
        rows = [
            row.corrupted(NET, "plain", 0, "fog", severity, value) for severity, value in ((1, 0.9), (2, 0.6), (3, 0.3))
        ]
        table = tabulate_corruptions(results_of(rows), VARIANTS, "plain")
        assert table.mean["weather", "fog"].item() == pytest.approx(0.6)
        assert table.mean["common", "mean"].item() == pytest.approx(0.6)
        assert ("common", "mCE") not in table.mean  # it is defined over all fifteen

    def test_no_mean_for_a_run_that_lacks_a_corruption(self, corruptions):
        lacking = (corruptions["variant"] == "dct") & (corruptions["seed"] == 1) & (corruptions["corruption"] == "snow")
        table = tabulate_corruptions(corruptions[~lacking], VARIANTS, "plain")
        assert table.seeds.loc[(NET, "dct"), ("common", "mean")] == 1
        assert table.mean.loc[(NET, "dct"), ("common", "mCE")] == pytest.approx(0.5)
        assert table.seeds.loc[(NET, "dct"), ("noise", "shot noise")] == 2

    def test_no_corruption_error_without_the_baseline(self, corruptions):
        table = tabulate_corruptions(corruptions[corruptions["variant"] == "dct"], VARIANTS, "plain")
        assert list(table.mean["common"]) == ["mean"]

    def test_no_corruption_error_of_a_perfect_baseline(self, corruptions):
        perfect = corruptions.assign(value=corruptions["value"].where(corruptions["variant"] != "plain", 1.0))
        table = tabulate_main(perfect, VARIANTS, "plain")
        assert table.mean["corruptions", "mCE"].isna().all()

    def test_shape_bias(self, results_of, row):
        rows = [row.biased(NET, "dct", seed, "overall", value) for seed, value in ((0, 0.2), (1, 0.4))]
        rows += [row.biased(NET, "dct", 0, "dog", 0.6), row.biased(NET, "dct", 0, "n02124075", 0.1)]
        rows.append((NET, "dct", 0, "cue_conflict", "accuracy", {"cue": "shape"}, 0.15))
        rows.append((NET, "dct", 0, "cue_conflict", "accuracy", {"cue": "texture"}, 0.5))
        results = results_of(rows)
        mean = tabulate_shape_bias(results, VARIANTS).mean.loc[(NET, "dct")]
        assert mean["shape bias"].to_dict() == pytest.approx({"overall": 0.3, "dog": 0.6, "Egyptian cat": 0.1})
        assert mean["answers"].to_dict() == pytest.approx({"shape": 0.15, "texture": 0.5})
        assert tabulate_main(results, VARIANTS, "plain").mean["shape bias", ""].item() == pytest.approx(0.3)
        assert "kappa" not in tabulate_shape_bias(results, VARIANTS).caption

    def test_error_consistency_with_observers(self, results_of, row):
        rows = [row.biased(NET, variant, 0, "overall", 0.2) for variant in ("plain", "dct")]
        for variant, start in (("plain", -0.1), ("dct", 0.2)):
            for place, observer in enumerate(("subject-02", "subject-01")):
                where = {"observer": observer}
                rows.append((NET, variant, 0, "cue_conflict", "error_consistency", where, start + place / 10))
        table = tabulate_shape_bias(results_of(rows), VARIANTS)
        assert table.mean.loc[(NET, "plain"), "error consistency"].to_dict() == pytest.approx(
            {"subject-01": 0.0, "subject-02": -0.1}
        )
        assert "−10.0" in table.to_markdown()
        assert "Cohen's kappa" in table.caption


class TestFiles:
    def test_csv_is_tidy_and_numeric(self, two_seeds, tmp_path):
        tabulate_main(two_seeds, VARIANTS, "plain", EPSILONS).write(
            [tmp_path / f"a.{form}" for form in ("csv", "md", "tex", "html", "txt")], "Of ten images, two."
        )
        tidy = pd.read_csv(tmp_path / "a.csv", keep_default_na=False, na_values={"std": [""]})
        assert list(tidy) == ["model", "variant", "measure", "setting", "mean", "std", "seeds", "images"]
        assert len(tidy) == 6
        found = tidy[(tidy["variant"] == "dct") & (tidy["measure"] == "PGD-10")].iloc[0]
        assert (found["model"], found["setting"], found["seeds"]) == (NET, "Linf 2/255", 2)
        assert found["mean"] == pytest.approx(0.6)
        assert found["std"] == pytest.approx(0.0678823, abs=1e-6)
        assert (tmp_path / "a.md").read_text(encoding="utf-8").endswith("|\n")
        assert (tmp_path / "a.tex").read_text(encoding="utf-8").rstrip().endswith(r"\end{table}")
        assert (tmp_path / "a.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
        assert (tmp_path / "a.txt").read_text(encoding="utf-8").endswith("6.8\n")
        for form in ("md", "tex", "html", "txt"):
            assert "Of ten images, two." in " ".join((tmp_path / f"a.{form}").read_text(encoding="utf-8").split())

    def test_markdown(self, two_seeds):
        lines = tabulate_main(two_seeds, VARIANTS, "plain", EPSILONS).to_markdown().splitlines()
        assert "toy_set" in lines[0]
        assert "over 2 seeds" in lines[0]
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
        assert cells[0] == ["variant", "clean", "PGD-10 L∞ 2/255", "AutoAttack L₂ 0.5"]
        assert cells[2] == ["plain", "85.0 ± 7.1", "55.0 ± 7.1", "15.0 ± 7.1"]
        assert cells[3] == ["WD & 50 %_λ", "**90.0 ± 6.8**", "**60.0 ± 6.8**", "**20.0 ± 6.8**"]

    def test_latex(self, two_seeds):
        latex = tabulate_main(two_seeds, VARIANTS, "plain", EPSILONS).to_latex()
        for part in (
            r"\toprule",
            r"\midrule",
            r"\bottomrule",
            r"\begin{tabular}{lccc}",
            r" & clean & PGD-10 & AutoAttack \\",
            r" &  & $L_\infty$ 2/255 & $L_2$ 0.5 \\",
            r"plain & 85.0 $\pm$ 7.1 & 55.0 $\pm$ 7.1 & 15.0 $\pm$ 7.1 \\",
            r"WD \& 50 \%\_$\lambda$ & \textbf{90.0 $\pm$ 6.8} & \textbf{60.0 $\pm$ 6.8} & \textbf{20.0 $\pm$ 6.8} \\",
            r"toy\_set (net\_8)",
        ):
            assert part in latex

    def test_html(self, two_seeds):
        page = tabulate_main(two_seeds, VARIANTS, "plain", EPSILONS).to_html()
        cells = [html.unescape(cell) for cell in re.findall(r"<t[dh] [^>]*(?:row_heading|data)[^>]*>([^<]*)<", page)]
        assert cells == [
            *("plain", "85.0 ± 7.1", "55.0 ± 7.1", "15.0 ± 7.1"),
            *("WD & 50 %_λ", "90.0 ± 6.8", "60.0 ± 6.8", "20.0 ± 6.8"),
        ]
        # One rule for the three best cells, which pandas names by row and column.
        bold = re.search(r"([^}]*)\{\s*font-weight: bold;\s*\}", page)[1]
        assert re.findall(r"#T_results_(row\d_col\d)", bold) == ["row1_col0", "row1_col1", "row1_col2"]

    def test_variants_across(self, two_seeds):
        lines = tabulate_adversarial(two_seeds, VARIANTS).to_markdown().splitlines()[2:]
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        assert cells[0] == ["", "", "plain", "WD & 50 %_λ"]
        assert cells[2] == ["clean", "", "85.0 ± 7.1", "**90.0 ± 6.8**"]
        assert cells[3][:3] == ["PGD-10 L∞", "1/255", "65.0 ± 7.1"]
        assert cells[4][:3] == ["", "2/255", "55.0 ± 7.1"]

    def test_text(self, two_seeds):
        text = tabulate_main(two_seeds, VARIANTS, "plain", EPSILONS).to_text()
        assert " ".join(text.splitlines()[-1].split()) == "WD & 50 %_λ *90.0 ± 6.8 *60.0 ± 6.8 *20.0 ± 6.8"

    def test_lowest_corruption_error_is_best(self, corruptions):
        one_seed = corruptions[corruptions["seed"] == 1]
        lines = tabulate_corruptions(one_seed, VARIANTS, "plain").to_markdown().splitlines()
        assert [cell.strip() for cell in lines[-1].split("|")[-3:-1]] == ["100.0", "**25.0**"]

    def test_what_cannot_be_told_from_the_best_is_marked_too(self, corruptions):
        table = tabulate_corruptions(corruptions, VARIANTS, "plain")
        # Differences of 50 and 75 points: Student's interval of two reaches 12.7 x 12.5 to either side.
        lines = table.to_markdown().splitlines()
        assert [cell.strip() for cell in lines[-1].split("|")[-3:-1]] == ["**100.0 ± 0.0**", "**37.5 ± 17.7**"]
        assert "best value (of common mCE: the lowest) and all that cannot be told from it" in lines[0]

    def test_ties_are_all_bold_and_one_seed_has_no_spread(self, results_of, row):
        # 70.04 and 69.96 % are both shown as 70.0.
        rows = [row.clean(NET, v, 0, value) for v, value in (("plain", 0.7004), ("dct", 0.6996), ("dct-signal", 0.6))]
        markdown = tabulate_main(results_of(rows), VARIANTS, "plain").to_markdown()
        assert markdown.count("**70.0**") == 2
        assert "±" not in markdown
        assert "1 seed" in markdown
        assert r"SD \| L2" in markdown

    def test_nothing_is_best_alone(self, results_of, row):
        assert "**" not in tabulate_main(results_of([row.clean(NET, "dct", 0, 0.7)]), VARIANTS, "plain").to_markdown()

    def test_answers_are_neither_better_nor_worse(self, results_of, row):
        rows = [
            (NET, variant, 0, "cue_conflict", "accuracy", {"cue": "shape"}, value)
            for variant, value in (("plain", 0.2), ("dct", 0.3))
        ]
        assert "**" not in tabulate_shape_bias(results_of(rows), VARIANTS).to_markdown()


def column(values):
    """One column of values, a dictionary by variant of values by seed."""
    index = [(NET, variant, seed) for variant, of_seeds in values.items() for seed in range(len(of_seeds))]
    numbers = [value for of_seeds in values.values() for value in of_seeds]
    return pd.Series(numbers, pd.MultiIndex.from_tuples(index, names=["model", "variant", "seed"]))


@pytest.mark.parametrize("direction", ["higher", "lower"])
def test_bests_are_what_a_paired_t_test_does_not_tell_from_the_best(direction):
    rng = np.random.default_rng(0)
    seen = set()
    worse = -0.2 if direction == "higher" else 0.2
    for _ in range(50):
        seeds = rng.normal(0.5, 0.1, 3)
        values = {name: seeds + shift + rng.normal(0, 0.01, 3) for name, shift in (("a", 0), ("b", 0.02), ("c", worse))}
        means = {name: of_seeds.mean() for name, of_seeds in values.items()}
        best = (max if direction == "higher" else min)(means, key=means.get)
        for name, is_marked in best_of(column(values), column(values) * np.nan, direction).droplevel("model").items():
            is_told = name != best and stats.ttest_rel(values[best], values[name]).pvalue < 0.05
            assert is_marked != is_told
            seen.add((name == best, is_marked))
    assert seen == {(True, True), (False, True), (False, False)}


def test_nothing_is_best_where_no_value_is_better():
    values = column({"a": [0.1, 0.2], "b": [0.5, 0.7]})
    assert not best_of(values, values * 0 + 100, "none").any()


@pytest.mark.parametrize(("images", "is_marked"), [(10_000, False), (100, True), (np.nan, True)])
def test_equal_differences_are_as_sure_as_the_images_are_many(images, is_marked):
    """Twice 2 points: of 100 images two, and the rounding to whole images alone may have made them equal."""
    values = column({"a": [0.5, 0.6], "b": [0.48, 0.58]})
    marked = best_of(values, values * 0 + images, "higher").droplevel("model")
    assert marked.to_dict() == {"a": True, "b": is_marked}


class TestModels:
    @pytest.fixture
    def table(self, results_of, row):
        values = {("b_net", "plain"): 0.5, ("b_net", "dct"): 0.4, ("a_net", "plain"): 0.8, ("a_net", "dct-signal"): 0.9}
        rows = []
        for (model, variant), value in values.items():
            rows.append(row.clean(model, variant, 0, value))
            rows.append(row.attacked(model, variant, 0, "fgsm", "linf", "1/255", value / 2))
        return results_of(rows)

    def test_best_of_each_model(self, table):
        lines = tabulate_main(table, VARIANTS, "plain").to_markdown().splitlines()[2:]
        cells = [[cell.strip() for cell in line.strip("|").replace(r"\|", "/").split("|")] for line in lines]
        assert [line[:3] for line in cells if "---" not in line[0]] == [
            ["model", "variant", "clean"],
            ["b_net", "plain", "**50.0**"],
            ["", "WD & 50 %_λ", "40.0"],
            ["a_net", "plain", "80.0"],
            ["", "SD / L2", "**90.0**"],
        ]

    def test_missing_combinations_are_empty(self, table):
        lines = tabulate_adversarial(table, VARIANTS).to_markdown().splitlines()[2:]
        cells = [[cell.strip() for cell in line.strip("|").replace(r"\|", "/").split("|")] for line in lines]
        assert cells[0] == ["model", "", "", "plain", "WD & 50 %_λ", "SD / L2"]
        assert cells[2] == ["b_net", "clean", "", "**50.0**", "40.0", "–"]
        assert cells[4] == ["a_net", "clean", "", "80.0", "–", "**90.0**"]

    def test_latex_of_several_models(self, table):
        latex = tabulate_adversarial(table, VARIANTS).to_latex()
        assert r"b\_net & clean &  & \textbf{50.0} & 40.0 & -- \\" in latex
        assert "multirow" not in latex

    def test_an_attack_on_one_model_alone_gives_the_other_no_row(self, table):
        alone = table[(table["suite"] == "clean") | (table["model"] == "b_net")]
        text = tabulate_adversarial(alone, VARIANTS).to_text()
        assert text.count("FGSM") == 1

    def test_seeds_that_differ(self, results_of, row):
        rows = [row.clean(NET, "plain", seed, 0.5) for seed in range(3)] + [row.clean(NET, "dct", 0, 0.5)]
        markdown = tabulate_main(results_of(rows), VARIANTS, "plain").to_markdown()
        assert "over 1 to 3 seeds (their number in brackets)" in markdown
        assert "**50.0 ± 0.0 (3)**" in markdown
        assert "**50.0 (1)**" in markdown


class TestBadInput:
    @pytest.mark.parametrize(
        "builder", [tabulate_adversarial, tabulate_shape_bias, lambda r, v: tabulate_corruptions(r, v, "plain")]
    )
    def test_a_suite_that_is_absent(self, results_of, row, builder):
        with pytest.raises(InputError, match="no results of the suite"):
            builder(results_of([row.clean(NET, "plain", 0, 0.5)]), VARIANTS)

    def test_no_variant_has_results(self, two_seeds):
        with pytest.raises(InputError, match="no results of the variants other"):
            tabulate_main(two_seeds, {"other": "other"}, "plain")

    def test_the_same_results_twice(self, two_seeds):
        with pytest.raises(InputError, match=r"variant plain.*more than once"):
            tabulate_main(pd.concat([two_seeds, two_seeds]), VARIANTS, "plain")

    def test_two_data_sets(self, results_of, row):
        rows = [row.clean(NET, "plain", 0, 0.5)]
        with pytest.raises(InputError, match="several data sets"):
            tabulate_main(pd.concat([results_of(rows), results_of(rows, dataset="other")]), VARIANTS, "plain")

    def test_two_variants_with_one_label(self, two_seeds):
        with pytest.raises(InputError, match="labelled 'same'"):
            tabulate_main(two_seeds, {"plain": "same", "dct": "same"}, "plain")


def test_tables_import_neither_matplotlib_nor_torch():
    modules = [
        f"filterfreq.publishing.tables.{file.stem}" for file in (SCRIPTS / "filterfreq/publishing/tables").glob("*.py")
    ]
    code = f"import sys, {', '.join(modules)}; sys.exit(bool({{'matplotlib', 'torch'}} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(SCRIPTS)})


def test_differences_are_paired_by_seed(results_of, row):
    values = {"plain": {0: 0.5, 1: 0.6, 2: 0.9}, "dct": {0: 0.6, 1: 0.8, 3: 0.1}}
    rows = [
        row.clean("net", variant, seed, value) for variant, seeds in values.items() for seed, value in seeds.items()
    ]
    rows += [row.biased("net", "plain", 0, "overall", 0.25), row.biased("net", "dct", 0, "overall", 0.5)]
    table = tabulate_differences(results_of(rows), {"plain": "plain", "dct": "WD"}, "plain")
    clean, bias = table.numbers.to_dict("records")
    # Seeds 0 and 1 have a partner; a paired t-test is an independent source of the interval.
    expected = stats.ttest_rel([0.6, 0.8], [0.5, 0.6]).confidence_interval(0.95)
    assert (clean["difference"], clean["ci_low"], clean["ci_high"]) == pytest.approx((0.15, *expected))
    assert (clean["pairs"], bias["pairs"]) == (2, 1)
    assert table.cells.to_dict("records") == [
        {"variant": "WD", "clean": "+15.0 [−48.5, +78.5] (2)", "shape bias": "+25.0 (1)"}
    ]


def test_differences_keep_models_apart_and_variants_in_order(results_of, row):
    accuracies = {"plain": 0.5, "dct": 0.4, "dct-signal": 0.7}
    rows = [
        row.clean(model, variant, 0, value + (0.1 if model == "b" and variant == "dct-signal" else 0))
        for model in ("b", "a")
        for variant, value in accuracies.items()
    ]
    table = tabulate_differences(results_of(rows), {"dct-signal": "SD", "plain": "plain", "dct": "WD"}, "plain")
    assert [tuple(cells) for cells in table.cells.to_numpy()] == [
        ("b", "SD", "+30.0 (1)"),
        ("b", "WD", "−10.0 (1)"),
        ("a", "SD", "+20.0 (1)"),
        ("a", "WD", "−10.0 (1)"),
    ]


def test_differences_without_a_partner_are_one_sentence(results_of, row):
    results = results_of([row.clean("net", "plain", 0, 0.5), row.clean("net", "dct", 1, 0.5)])
    with pytest.raises(InputError, match="there is no run of plain with the model and seed of another variant"):
        tabulate_differences(results, {"plain": "plain", "dct": "WD"}, "plain")


def run_record(model, variant, seed, seconds, memory=100.0, device="cpu, 1 threads"):
    return {
        "run": {"dataset": "toy", "model": model, "variant": variant, "seed": seed},
        "training": {"epochs": 4},
        "metrics": {"parameters": 1_234},
        "provenance": {"seconds": seconds, "peak_memory_mb": memory, "device": device},
    }


def test_costs_are_means_over_seeds_by_device():
    records = [
        run_record("net", "dct", 0, 10.0),
        run_record("net", "plain", 0, 4.0, 80.0),
        run_record("net", "plain", 1, 8.0, 100.0),
        run_record("net", "plain", 2, 0.4, 50.0, "GPU"),
        run_record("net", "left out", 0, 1.0),
    ]
    table = tabulate_costs(records, {"plain": "plain", "dct": "WD"}, "plain")
    assert [tuple(cells) for cells in table.cells.to_numpy()] == [
        ("net", "plain", "GPU", "1,234", "0.10", "1.00", "50", "1.00", "1"),
        ("net", "plain", "cpu, 1 threads", "1,234", "1.50", "1.00", "90", "1.00", "2"),
        ("net", "WD", "cpu, 1 threads", "1,234", "2.50", "1.67", "100", "1.11", "1"),
    ]
    assert list(table.numbers["seconds_per_epoch"]) == pytest.approx([0.1, 1.5, 2.5])
    assert "Ratios are to plain" in table.caption


def test_costs_have_no_ratio_where_the_baseline_was_not_trained_on_that_device():
    records = [run_record("net", "plain", 0, 4.0, 80.0, "GPU"), run_record("net", "dct", 0, 8.0)]
    table = tabulate_costs(records, {"plain": "plain", "dct": "WD"}, "plain")
    assert table.cells["time ratio"].tolist() == table.cells["memory ratio"].tolist() == ["1.00", "–"]


def test_costs_of_nothing_are_one_sentence():
    with pytest.raises(InputError, match="there are no runs of the variants dct: train them first"):
        tabulate_costs([run_record("net", "plain", 0, 4.0)], {"dct": "WD"}, "dct")


class TestSpeedOfTraining:
    @pytest.fixture
    def histories(self):
        curves = {
            ("plain", 0): [0.25, 0.45, 0.35, 0.61],
            ("plain", 1): [0.35, 0.41, 0.55, 0.59],
            ("dct", 0): [0.41, 0.61, 0.71, 0.81],
            ("dct", 1): [0.45, 0.55, 0.61, 0.65],
        }
        return pd.DataFrame(
            {"dataset": "toy", "model": "net", "variant": variant, "seed": seed, "epoch": epoch, "test_accuracy": value}
            for (variant, seed), values in curves.items()
            for epoch, value in enumerate(values, start=1)
        )

    def test_first_epochs_at_each_level_that_tells_runs_apart(self, histories):
        table = tabulate_training_speed(histories, {"dct": "WD", "plain": "plain"})
        # 20 % is reached by all after one epoch, 90 % by none.
        levels = [f"epochs to {level} %" for level in (30, 40, 50, 60, 70, 80)]
        assert list(table.cells) == ["model", "variant", *levels, "last accuracy (%)", "seeds"]
        assert [tuple(cells) for cells in table.cells.to_numpy()] == [
            ("net", "WD", "1.0", "1.0", "2.0", "2.5", "3.0 (1 of 2)", "4.0 (1 of 2)", "73.0", "2"),
            ("net", "plain", "1.5", "2.0", "3.5", "4.0 (1 of 2)", "–", "–", "60.0", "2"),
        ]
        numbers = table.numbers.set_index(["variant", "level"])
        assert numbers.loc[("plain", 0.6), ["epochs", "reached", "seeds"]].tolist() == [4, 1, 2]

    def test_bad_input(self, histories):
        with pytest.raises(InputError, match="lack the columns test_accuracy: train again"):
            tabulate_training_speed(histories.drop(columns="test_accuracy"), {"dct": "WD"})
        with pytest.raises(InputError, match="no training histories of the variants other: train them"):
            tabulate_training_speed(histories, {"other": "other"})


class TestSeveralDataSets:
    @pytest.fixture
    def table(self, results_of, row):
        """On `first` two models and an attack, on `second` one model, more seeds, and the attack at another epsilon."""
        first = [row.clean(model, v, 0, a) for model in ("b", "a") for v, a in (("dct", 0.6), ("plain", 0.5))]
        first += [row.attacked("b", v, 0, "fgsm", "linf", "1/255", a) for v, a in (("dct", 0.2), ("plain", 0.3))]
        first += [row.biased("b", "dct", 0, "overall", 0.4)]
        second = [row.clean("b", v, seed, a) for v, a in (("plain", 0.9), ("dct", 0.7)) for seed in (0, 1)]
        second += [row.attacked("b", "dct", 0, "fgsm", "linf", "8/255", 0.1)]
        results = pd.concat([results_of(first, "first"), results_of(second, "second")], ignore_index=True)
        return tabulate_all_datasets(results, {"plain": "plain", "dct-signal": "SD", "dct": "WD"}, "plain")

    def test_numbers(self, table):
        assert list(table.mean.index) == [
            *[("first", model, variant) for model in ("b", "a") for variant in ("plain", "dct")],
            *[("second", "b", variant) for variant in ("plain", "dct")],
        ]
        assert list(table.mean) == [("clean", ""), ("FGSM", "L∞ 1/255"), ("FGSM", "L∞ 8/255"), ("shape bias", "")]
        assert table.mean["clean", ""].tolist() == pytest.approx([0.5, 0.6, 0.5, 0.6, 0.9, 0.7])
        assert table.seeds["clean", ""].tolist() == [1, 1, 1, 1, 2, 2]
        tidy = table.tidy()
        assert list(tidy)[:3] == ["dataset", "model", "variant"]
        assert len(tidy) == 6 + 3 + 1

    def test_shown(self, table):
        lines = table.to_markdown().splitlines()[2:]
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        assert cells[0] == ["dataset", "model", "variant", "clean", "FGSM L∞ 1/255", "FGSM L∞ 8/255", "shape bias"]
        # Best within a data set and model; the number of seeds in brackets, as they differ.
        assert cells[2] == ["first", "b", "plain", "50.0 (1)", "**30.0 (1)**", "–", "–"]
        assert cells[3] == ["", "", "WD", "**60.0 (1)**", "20.0 (1)", "–", "40.0 (1)"]
        assert cells[4][:4] == ["", "a", "plain", "50.0 (1)"]
        assert cells[6][:4] == ["second", "b", "plain", "**90.0 ± 0.0 (2)**"]
        assert "over 1 to 2 seeds (their number in brackets)" in table.full_caption
        assert "first & b & plain & 50.0 (1)" in table.to_latex()
        assert table.to_html().count("<tr>") == 2 + 6


def test_out_of_distribution(results_of, row):
    rows = []
    for variant, start in (("plain", 0.8), ("dct", 0.7)):
        rows.append(row.clean(NET, variant, 0, start))
        rows.append(row.biased(NET, variant, 0, "overall", start / 2))
        rows += [row.corrupted(NET, variant, 0, corruption, 1, start - 0.2) for corruption in COMMON]
        for name, drop in (("b-set", 0.1), ("a-set", 0.3)):
            rows.append((NET, variant, 0, "out_of_distribution", "accuracy", {"set": name}, start - drop))
    table = tabulate_out_of_distribution(results_of(rows), VARIANTS, "plain")
    assert table.mean.loc[(NET, "dct")].to_dict() == pytest.approx(
        {
            ("clean", ""): 0.7,
            ("out of distribution", "b-set"): 0.6,
            ("out of distribution", "a-set"): 0.4,
            ("mCE", ""): 0.5 / 0.4,
            ("shape bias", ""): 0.35,
        }
    )
    assert table.directions["mCE", ""] == "lower"
    assert "mCE: mean corruption error relative to plain; shape bias" in table.caption
    with pytest.raises(InputError, match="no results of the suite out_of_distribution"):
        tabulate_out_of_distribution(results_of([row.clean(NET, "plain", 0, 0.5)]), VARIANTS, "plain")


def test_top_5_accuracies_stand_beside_top_1_where_it_was_measured(results_of, row):
    rows = []
    for variant, first, five in (("plain", 0.5, 0.9), ("dct", 0.6, 0.8)):
        for seed, change in ((0, 0.0), (1, 0.02)):
            rows.append((NET, variant, seed, "top_5", "top5_accuracy", {"split": "test"}, five + change))
            rows.append(row.clean(NET, variant, seed, first + change))
    table = tabulate_top_5(results_of(rows), VARIANTS)
    assert list(table.mean) == [("top-1", ""), ("top-5", "")]
    assert table.mean.loc[(NET, "plain")].tolist() == pytest.approx([0.51, 0.91])
    assert table.mean.loc[(NET, "dct")].tolist() == pytest.approx([0.61, 0.81])
    alone = tabulate_top_5(results_of([found for found in rows if found[3] == "top_5"]), VARIANTS)
    assert list(alone.mean) == [("top-5", "")]
    with pytest.raises(InputError, match="no results of the suite top_5"):
        tabulate_top_5(results_of([row.clean(NET, "plain", 0, 0.5)]), VARIANTS)


@pytest.mark.parametrize("name", ["mCE", "relative mCE", "published", "shape bias", "corruptions"])
def test_what_a_set_is_called_decides_nothing(results_of, name):
    """Headings are shown alone: a set that is called like a measure is a set all the same."""
    rows = [
        (NET, variant, 0, "out_of_distribution", "accuracy", {"set": name}, value)
        for variant, value in (("plain", 0.4), ("dct", 0.6))
    ]
    table = tabulate_out_of_distribution(results_of(rows), VARIANTS, "plain")
    (heading,) = table.mean
    assert table.directions == {heading: "higher"}
    assert table.best[heading].to_dict() == {(NET, "plain"): False, (NET, "dct"): True}
    assert table.caption == f"Accuracy of models of toy_set ({NET}), out of distribution."


def transferred(variant: str, epsilon: str, value: float):
    parameters = {"attack": "pgd-10", "norm": "linf", "epsilon": epsilon, "source": "plain"}
    return NET, variant, 0, "transfer", "accuracy", parameters, value


def test_transferred_attacks_stand_beside_those_on_the_model_itself(results_of, row):
    rows = [row.clean(NET, "dct", 0, 0.9), row.clean(NET, "plain", 0, 0.9)]
    rows += [transferred("dct", "2/255", 0.6), transferred("dct", "1/255", 0.8), transferred("plain", "1/255", 0.3)]
    rows += [row.attacked(NET, "dct", 0, "pgd-10", "linf", "1/255", 0.4)]
    rows += [row.attacked(NET, "dct", 0, "fgsm", "linf", "1/255", 0.5)]  # was not transferred
    results = results_of(rows)
    table = tabulate_transfer(results, VARIANTS)
    assert table.mean.loc[(NET, "dct")].to_dict() == pytest.approx(
        {
            ("clean", ""): 0.9,
            ("PGD-10 L∞, transferred", "1/255"): 0.8,
            ("PGD-10 L∞, transferred", "2/255"): 0.6,
            ("PGD-10 L∞, white box", "1/255"): 0.4,
        }
    )
    assert "made on plain (transferred) and on each model itself (white box); clean, or at 0" in table.caption
    alone = tabulate_transfer(results[results["suite"] != "adversarial"], VARIANTS)
    assert "made on plain (transferred); clean" in alone.full_caption
    # The main table shows attacks on the model itself alone.
    assert tabulate_main(results, VARIANTS, "plain").mean.loc[(NET, "dct"), ("PGD-10", "L∞ 1/255")] == pytest.approx(
        0.4
    )


def test_calibration_by_severity_is_over_the_common_corruptions(results_of):
    name = "expected_calibration_error"
    rows = [(NET, "plain", 0, "clean", name, {"split": "test"}, 0.05)]
    for corruption, error in (("fog", 0.1), ("snow", 0.3), ("saturate", 0.9)):
        for severity in (1, 2):
            where = {"corruption": corruption, "severity": severity}
            rows.append((NET, "plain", 0, "corruption", name, where, error / severity))
    results = results_of([*rows, *((NET, "dct", *row[2:6], row[6] / 2) for row in rows)])
    table = tabulate_calibration(results, VARIANTS)
    assert table.mean.loc[(NET, "plain")].to_dict() == pytest.approx(
        {
            ("ECE", "clean"): 0.05,
            ("ECE, corrupted", "1"): 0.2,
            ("ECE, corrupted", "2"): 0.1,
        }
    )
    assert "**2.5**" in table.to_markdown()
    assert "the best value (the lowest) is marked" in table.to_markdown()
    with pytest.raises(InputError, match="there are no calibration errors"):
        tabulate_calibration(results.assign(metric="accuracy").drop_duplicates(["variant", "suite"]), VARIANTS)
    # Of networks that answer with no number there are no calibration errors.
    diverged = results.assign(value=results["value"].where(results["metric"] == "accuracy"))
    assert "over 0 seeds" in tabulate_calibration(diverged, VARIANTS).full_caption


SWEPT = {
    "p": {"kind": "highest", "strength": 0.1, "layers": "all", "beside": "WD"},
    "q": {"kind": "highest", "strength": 0.01, "layers": "third", "beside": "WD"},
    "r": {"kind": "all", "strength": 0.001, "layers": "all", "beside": "WD"},
    "s": {"kind": "highest", "strength": 0.01, "layers": "all", "beside": "WD"},
}
SWEPT_LABELS = {"p": "any label", "q": "another", "r": "a third", "dct": "WD", "s": "a fourth"}


class TestPenalties:
    @pytest.fixture
    def results(self, results_of, row):
        places = {name: place for place, name in enumerate(SWEPT_LABELS)}
        return results_of([row.clean(NET, v, seed, 0.5 + p / 10) for v, p in places.items() for seed in (0, 1)])

    def test_rows_follow_the_settings_not_the_labels(self, results):
        table = tabulate_penalties(results, SWEPT_LABELS, SWEPT, "dct")
        assert table.cells.to_dict("records") == [
            {"variant": "WD", "penalty": kind, "layers": layers, "λ": strength, "clean": clean}
            for kind, layers, strength, clean in (
                ("–", "–", "–", "80.0 ± 0.0"),
                ("highest", "all", "0.01", "90.0 ± 0.0"),
                ("highest", "all", "0.1", "50.0 ± 0.0"),
                ("highest", "third", "0.01", "60.0 ± 0.0"),
                ("all", "all", "0.001", "70.0 ± 0.0"),
            )
        ]
        assert table.numbers["variant"].tolist() == ["dct", "s", "p", "q", "r"]
        assert table.numbers["mean"].tolist() == pytest.approx([0.8, 0.9, 0.5, 0.6, 0.7])
        assert "Percent, mean ± standard deviation over 2 seeds." in table.caption

    def test_a_penalty_of_a_network_without_dct_has_its_row(self, results):
        swept = {**SWEPT, "r": {"kind": "smooth", "strength": 0.001, "layers": "first", "beside": "plain"}}
        table = tabulate_penalties(results, SWEPT_LABELS, swept, "dct")
        last = {"variant": "plain", "penalty": "smooth", "layers": "first", "λ": "0.001", "clean": "70.0 ± 0.0"}
        assert table.cells.to_dict("records")[-1] == last

    def test_kinds_stand_below_each_other(self, results):
        numbers = tabulate_penalties(results, SWEPT_LABELS, SWEPT, "dct", "kind").numbers
        assert numbers["variant"].tolist() == ["dct", "r", "s", "p", "q"]


def test_captions_hold_of_data_sets_that_no_model_was_trained_on(results_of, row):
    rows = [row.biased(NET, variant, 0, "overall", 0.2) for variant in ("plain", "dct")]
    rows += [(NET, variant, 0, "out_of_distribution", "accuracy", {"set": "few"}, 0.5) for variant in ("plain", "dct")]
    frame = results_of(rows)
    name = frame["dataset"].iloc[0]
    caption = tabulate_out_of_distribution(frame, VARIANTS, "plain").caption
    assert caption.startswith(f"Accuracy of models of {name} ({NET}), out of distribution;")
    assert tabulate_shape_bias(frame, VARIANTS).caption.startswith(
        f"Shape bias of models of {name} ({NET}) on cue-conflict"
    )
    rows += [(NET, variant, 0, "clean", "accuracy", {"split": "test"}, 0.8) for variant in ("plain", "dct")]
    caption = tabulate_out_of_distribution(results_of(rows), VARIANTS, "plain").caption
    assert caption.startswith(f"Accuracy of models of {name} ({NET}), on its test images and out of distribution;")


def test_heat_maps_are_averaged_over_bands_of_frequencies(results_of):
    """Of images of 6 x 6 pixels: frequencies up to 1, 2 and 3, 9, 16 and 11 of 36 pixels of the map."""
    rows = [
        ("net", variant, seed, "fourier_heat_map", "error", {"l2_norm": 4, "u": u, "v": v}, error)
        for variant, worse in (("plain", 0.1), ("dct", 0))
        for seed in (0, 1)
        for u, v in distinct_frequencies(6, 6)
        for error in [worse + 0.02 * seed + 0.1 * max(abs(u), abs(v)) + 0.1 * ((u, v) == (0, 0))]
    ]
    table = tabulate_fourier_bands(results_of(rows), VARIANTS)
    means = {setting: table.mean.loc[("net", "plain"), ("error", setting)] for _, setting in table.mean.columns}
    expected = {"low (0–1)": 0.11 + (8 * 0.1 + 0.1) / 9, "middle (2)": 0.31, "high (3)": 0.41}
    assert means == {name: pytest.approx(value) for name, value in expected.items()}
    assert table.best.loc[("net", "dct")].all()
    assert not table.best.loc[("net", "plain")].any()


@pytest.mark.parametrize(
    ("highest", "bands"),
    [
        (None, {"low (0–5)": (0, 5), "middle (6–10)": (6, 10), "high (11–16)": (11, 16)}),
        (2, {"low (0)": (0, 0), "middle (1)": (1, 1), "high (2)": (2, 2)}),
        (1, {"low (0)": (0, 0), "high (1)": (1, 1)}),
        (0, {"low (0)": (0, 0)}),
    ],
)
def test_bands_are_thirds_in_cycles_and_none_is_empty(results_of, highest, bands):
    """Of images of 32 x 32 pixels: the error is 0.01 for each cycle of the larger frequency."""
    rows = [
        ("net", "plain", 0, "fourier_heat_map", "error", {"l2_norm": 4, "u": u, "v": v}, max(abs(u), abs(v)) / 100)
        for u, v in distinct_frequencies(32, 32, highest)
    ]
    table = tabulate_fourier_bands(results_of(rows), VARIANTS)
    whole = range(-16, 16) if highest is None else range(-highest, highest + 1)
    of_pixels = [max(abs(u), abs(v)) for u in whole for v in whole]
    expected = [
        np.mean([cycles / 100 for cycles in of_pixels if first <= cycles <= last]) for first, last in bands.values()
    ]
    assert [setting for _, setting in table.mean.columns] == list(bands)
    assert table.mean.to_numpy()[0] == pytest.approx(expected)


def test_corruptions_by_severity(results_of, row):
    rows = [
        row.corrupted(NET, variant, seed, corruption, severity, value + severity / 100 + seed / 50)
        for variant, value in (("plain", 0.5), ("dct", 0.6))
        for seed in (0, 1)
        for corruption in ("fog", "snow")
        for severity in (1, 5)
    ]
    table = tabulate_severities(results_of(rows), VARIANTS)
    assert table.mean.loc[(NET, "dct"), ("fog", "5")] == pytest.approx(0.66)
    assert list(table.mean.columns) == [("snow", "1"), ("snow", "5"), ("fog", "1"), ("fog", "5")]
    assert "by severity" in table.caption


def test_components_of_images(results_of):
    """Accuracies are 0.1 for each cycle of a low pass; training images have 0.02 more."""
    rows = [
        (NET, "plain", seed, "frequency_filtered", "accuracy", parameter, radius / 10 + more + seed / 100)
        for seed in (0, 2)
        for radius in (4, 8)
        for more, split in ((0, "test"), (0.02, "train"))
        for parameter in [{"pass": "low", "radius": radius, "rescale": "released", "split": split}]
    ]
    of_both = {"rescale": "released", "split": "test"}
    rows += [
        (NET, "plain", seed, "frequency_filtered", metric, parameter | of_both, 0.3)
        for seed in (0, 2)
        for metric, parameter in (("svd_accuracy", {"part": "trailing", "rank": 4}), ("only_high", {"radius": 4}))
    ]
    table = tabulate_frequency_filtered(results_of(rows), VARIANTS)
    tested, trained = "test images, rescaled", "training images, rescaled"
    assert table.mean.loc[(NET, "plain")].to_dict() == {
        (f"low pass, {tested}", "r = 4"): pytest.approx(0.41),
        (f"low pass, {tested}", "r = 8"): pytest.approx(0.81),
        (f"trailing part, {tested}", "k = 4"): pytest.approx(0.3),
        (f"only high, {tested}", "r = 4"): pytest.approx(0.3),
        (f"low pass, {trained}", "r = 4"): pytest.approx(0.43),
        (f"low pass, {trained}", "r = 8"): pytest.approx(0.83),
    }
    assert not table.best.to_numpy().any()
    assert table.full_caption.endswith("over 2 seeds.")
    assert "marked" not in table.full_caption


def test_components_of_a_suite_without_conditions(results_of):
    rows = [
        (NET, "plain", 0, "frequency_filtered", "accuracy", {"pass": "high", "radius": 8}, 0.4),
        (NET, "dct", 0, "frequency_filtered", "accuracy", {"pass": "high", "radius": 8}, 0.6),
    ]
    table = tabulate_frequency_filtered(results_of(rows), VARIANTS)
    assert list(table.mean.columns) == [("high pass", "r = 8")]


@pytest.fixture
def energies(results_of) -> Callable[..., pd.DataFrame]:
    """High-frequency energy of three corruptions, and accuracies of plain and dct, which have one seed in common."""

    def build(bandwidth: int = 27, dataset: str = "cifar10") -> pd.DataFrame:
        known = {"fog": 0.05, "shot_noise": 0.7, "spatter": 0.45}
        rows = [
            ("", "", 0, "spectra", "high_frequency_energy", {"corruption": name, "bandwidth": bandwidth}, energy, 500)
            for name, energy in known.items()
        ]
        for variant, seed, accuracies in (
            ("plain", 0, (0.6, 0.4, 0.5)),
            ("plain", 1, (0.8, 0.8, 0.8)),
            ("dct", 0, (0.5, 0.7, 0.5)),
            ("dct", 2, (0.0, 0.0, 0.0)),
        ):
            for name, value in zip(known, accuracies, strict=True):
                where = {"corruption": name, "severity": 1}
                rows.append((NET, variant, seed, "corruption", "accuracy", where, value))
        return results_of(rows, dataset)

    return build


def test_slopes_against_high_frequency_energy_are_paired_by_seed(energies):
    table = tabulate_energy_slopes(energies(dataset="toy_set"), VARIANTS, "plain")
    assert list(table.cells["variant"]) == ["plain", "WD & 50 %_λ"]
    plain, dct = table.numbers.to_dict("records")
    assert plain["mean_accuracy"] == pytest.approx((0.5 + 0.8) / 2)
    # Means over seeds: the baseline errs 0.3, 0.4 and 0.35, the other one 0.75, 0.65 and 0.75.
    assert plain["mce"] == pytest.approx(1)
    assert dct["mce"] == pytest.approx((0.75 / 0.3 + 0.65 / 0.4 + 0.75 / 0.35) / 3)
    assert np.isnan(plain["slope"])
    slope, intercept = np.polyfit([0.05, 0.7, 0.45], [-0.1, 0.3, 0], 1)
    assert (dct["slope"], dct["intercept"]) == pytest.approx((slope, intercept))
    assert dct["seeds"] == 1
    assert "pairs of runs: 1 seed" in table.caption
    assert list(table.cells["slope"]) == ["–", f"{slope:.2f}"]


def test_people_read_a_minus_and_programs_a_hyphen(energies, tmp_path):
    files = [tmp_path / f"slopes.{form}" for form in ("md", "txt", "html", "tex", "csv")]
    table = tabulate_energy_slopes(energies(dataset="toy_set"), VARIANTS, "plain")
    table.write(files)
    *shown, latex, numbers = (file.read_text("utf-8") for file in files)
    size = f"{-table.numbers['intercept'].min():.3f}"
    for text in shown:
        assert f"−{size}" in text
        assert f"-{size}" not in text
    assert f"$-${size}" in latex
    assert f",-{-table.numbers['intercept'].min()}," in numbers


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [(-0.04, ".1f", "0.0"), (-0.06, ".1f", "−0.1"), (-0.04, "+.1f", "+0.0"), (-3, "g", "−3"), (np.nan, ".1f", "–")],
)
def test_what_is_rounded_to_zero_is_not_negative(value, form, text):
    assert number_text(value, form) == text


@pytest.mark.skipif(not PUBLISHED.exists(), reason="needs the published points in ../shared")
def test_the_published_slopes_are_those_of_the_figure(energies):
    """Below ours, of CIFAR-10 alone."""
    lines = json.loads(PUBLISHED.read_text())["figure_6"]["lines"]
    table = tabulate_energy_slopes(energies(), VARIANTS, "plain")
    below = table.numbers[table.numbers["model"] == "published"]
    for column in ("mean_accuracy", "slope", "residual"):
        assert below[column].tolist() == [line[f"legend_{column}"] for line in lines.values()]
    errors = json.loads(PUBLISHED.read_text())["table_2"]
    expected = [errors[model]["mce"] / 100 if model in errors else np.nan for model in lines]
    np.testing.assert_allclose(below["mce"].astype(float), expected)
    assert table.cells["variant"].iloc[2:].str.startswith("published: ").all()
    assert "Yin et al. (NeurIPS 2019)" in table.caption
    assert not len(tabulate_energy_slopes(energies(dataset="toy_set"), VARIANTS, "plain").numbers.iloc[2:])


def test_slopes_through_too_few_corruptions_are_left_out(energies):
    results = energies(dataset="toy_set")
    table = tabulate_energy_slopes(results[results["corruption"] != "fog"], VARIANTS, "plain")
    assert list(table.cells["mean accuracy (%)"]) == ["62.5", "30.0"]
    assert set(table.cells[["slope", "95 % interval", "intercept", "residual", "R²"]].to_numpy().ravel()) == {"–"}


def test_energies_stand_beside_the_published_ones_of_the_same_bandwidth(energies):
    table = tabulate_corruption_energy(energies())
    assert table.cells.to_numpy().tolist() == [
        ["shot noise", "0.700", "0.704"],
        ["spatter", "0.450", "–"],
        ["fog", "0.050", "0.042"],
    ]
    assert "Yin et al. (NeurIPS 2019), Figure 6" in table.caption


@pytest.mark.parametrize("other", [{"bandwidth": 13}, {"dataset": "toy_set"}, {"dataset": "cifar10-jpeg"}])
def test_of_other_images_or_bandwidths_nothing_is_published(energies, other):
    table = tabulate_corruption_energy(energies(**other))
    assert list(table.cells) == ["corruption", "here"]
    assert "published" not in table.numbers
    assert "Yin" not in table.caption
    assert table.right == 1


@pytest.mark.skipif(not PUBLISHED.exists(), reason="needs the published points in ../shared")
def test_the_published_energies_are_those_of_the_figure(results_of):
    figure = json.loads(PUBLISHED.read_text())["figure_6"]
    rows = [
        ("", "", 0, "spectra", "high_frequency_energy", {"corruption": name, "bandwidth": 27}, 0.5)
        for name in figure["corruption"]
    ]
    numbers = tabulate_corruption_energy(results_of(rows, "cifar10")).numbers.set_index("corruption")["published"]
    assert numbers.to_dict() == dict(zip(figure["corruption"], figure["h"], strict=True))
