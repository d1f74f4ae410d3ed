"""Targets by name, and the paper's plan."""

import re
from pathlib import Path

import pytest
import yaml

from filterfreq.study.study import Study

ROOT = Path(__file__).parents[2]
TABLES = {
    *(
        "table_main",
        "table_all_datasets",
        "table_differences",
        "table_adversarial",
        "table_corruptions",
        "table_severities",
        "table_frequency_filtered",
        "table_shape_bias",
    ),
    *("table_transfer", "table_calibration", "table_out_of_distribution", "table_costs", "table_scorecard"),
    *("table_training_speed", "table_side_by_side"),
}
FIGURES = {
    *("figure_accuracy_epsilon", "figure_corruptions", "figure_frequency_filtered", "figure_shape_bias"),
    *("figure_dct_energy", "figure_transfer", "figure_calibration", "figure_scorecard", "figure_training_curves"),
    *("figure_samples", "figure_perturbations", "figure_corruption_samples"),
    *("figure_side_by_side", "figure_frequencies_and_robustness"),
}


def products(jobs) -> set[str]:
    return {job for job in jobs if job.startswith(("table_", "figure_"))}


@pytest.mark.parametrize(
    ("targets", "made"),
    [
        (TABLES | FIGURES, TABLES | FIGURES),
        (["tables"], TABLES),
        (["figures"], FIGURES),
        *(([target], {target}) for target in ("table_all_datasets", "table_costs", "figure_transfer")),
    ],
    ids=lambda names: "-".join(names) if len(names) == 1 else "all",
)
def test_tables_and_figures_are_targets(fresh, targets, made):
    jobs = fresh.plan(*targets).jobs
    assert products(jobs) == made
    assert all(jobs[name] == 1 for name in made)


def test_accuracies_that_are_published_need_no_model_and_no_image(fresh):
    tables = [f"results/tables/lens-imagenet/imagenet/{name}.csv" for name in ("pairs", "differences")]
    assert fresh.plan(*tables, config=str(ROOT / "configs" / "lens.yaml")).jobs == {
        "table_pairs": 1,
        "table_differences": 1,
    }
    correlations = "results/tables/lens-imagenet/imagenet/filter_correlations.csv"
    jobs = fresh.plan(correlations, config=str(ROOT / "configs" / "lens.yaml")).jobs
    assert jobs["table_filter_correlations"] == 1
    assert {rule for rule in jobs if rule.startswith("evaluate_")} == {"evaluate_filter_quality"}


def test_the_leaderboard_is_made_when_asked_for_and_followed_from_then_on(project):
    page = project.folder / "results/tables/leaderboard.html"
    assert not page.exists()
    outcome = project.snakemake("leaderboard")
    assert outcome.returncode == 0, outcome.stderr
    text = page.read_text(encoding="utf-8")
    assert '<a href="../figures/tiny/texdigits/accuracy_epsilon.html">' in text
    assert (page.parent / "../figures/tiny/texdigits/accuracy_epsilon.html").is_file()
    assert "dct-penalty" in text
    assert project.plan().jobs == {}
    project.edit("tiny.yaml", "  plain: {}", "  plain: {label: baseline}")
    assert project.plan().jobs["write_leaderboard"] == 1


def test_a_study_of_fits_has_no_leaderboard(fresh):
    refused = fresh.snakemake("leaderboard", "-n", config=str(ROOT / "configs/demo/learning.yaml"))
    assert refused.returncode == 1
    assert "There is no leaderboard to make: no experiment has evaluation.clean." in refused.stdout + refused.stderr


def test_what_shows_no_model_trains_none_and_claims_plan_their_suites_alone(fresh):
    for target in ("figure_samples", "figure_corruption_samples"):
        assert not {"train", "evaluate_corruption"} & set(fresh.plan(target).jobs)
    measured = {rule for rule in fresh.plan("table_scorecard").jobs if rule.startswith("evaluate_")}
    suites = {
        claim["measure"]["suite"]
        for claim in yaml.safe_load((ROOT / "claims" / "filter_frequency.yaml").read_text())["claims"].values()
    }
    assert measured == {f"evaluate_{suite}" for suite in suites - {"filters"}}


def test_swept_penalties_have_tables_and_figures(unstarted):
    """Of strengths and layers the ablation, of kinds the penalties; neither in a study without a sweep."""
    targets = {name: (f"table_{name}", f"figure_{name}") for name in ("ablation", "penalties")}
    # By the name of the target, and by the path of a file.
    for asked_for in ("table_ablation", "results/figures/tiny/texdigits/penalties.png"):
        outcome = unstarted.snakemake("--dry-run", asked_for)
        assert outcome.returncode == 1
        name = Path(asked_for).stem.removeprefix("table_")
        said = rf"There is no (table|figure)_{name} to make.*\(a sweep of penalty\."
        assert re.search(said, outcome.stdout + outcome.stderr)
    before = "seeds: [0]"
    for sweep, name in (("penalty.strength: [0.01, 0.1]", "ablation"), ("penalty.kind: [highest, all]", "penalties")):
        after = f"seeds: [0]\n    sweep: {{{sweep}}}"
        unstarted.edit("tiny.yaml", before, after)
        before = after
        assert products(unstarted.plan(*targets[name]).jobs) == set(targets[name])
    # The same of the bandwidths of a front end, whose figure shows results and images.
    unstarted.edit("tiny.yaml", before, "seeds: [0]\n    sweep: {front_end.bandwidth: [3, 5]}")
    unstarted.edit("tiny.yaml", "  plain: {}", "  plain: {front_end: {band: low, bandwidth: 3}}")
    plan = unstarted.plan("figure_front_ends")
    assert products(plan.jobs) == {"figure_front_ends"}
    assert {"train": 3, "prepare": 1, "evaluate_clean": 3}.items() <= plan.jobs.items()


def test_swept_training_data_have_figures(unstarted):
    outcome = unstarted.snakemake("--dry-run", "figure_label_noise")
    assert outcome.returncode == 1
    assert "a sweep of labels.rate" in outcome.stdout + outcome.stderr
    before, variant = "seeds: [0]", "  plain: {}"
    for section, sweep, name in (
        ("labels: {noise: symmetric, rate: 0}", "labels.rate: [0, 0.4]", "figure_label_noise"),
        ("data: {fraction: 1}", "data.fraction: [0.5, 1]", "figure_data_fraction"),
    ):
        after = f"seeds: [0]\n    sweep: {{{sweep}}}"
        unstarted.edit("tiny.yaml", before, after)
        unstarted.edit("tiny.yaml", variant, f"  plain: {{{section}}}")
        before, variant = after, f"  plain: {{{section}}}"
        assert products(unstarted.plan(name).jobs) == {name}


def test_averages_round_images_have_figures(unstarted):
    """Two of settings alone, which need no run; one of a sweep of radii."""
    names = ("figure_accuracy_radius", "figure_averaging_transfer", "figure_linear_regions")
    for name, said in zip(names, ("evaluation.adaptive", *["a variant with post_averaging"] * 2), strict=True):
        outcome = unstarted.snakemake("--dry-run", name)
        assert outcome.returncode == 1
        assert re.search(rf"There is no {name} to make.*\({said}", outcome.stdout + outcome.stderr)
    averaged = "{from: plain, post_averaging: {directions: random, count: 2, radius: 1}}"
    unstarted.edit("tiny.yaml", "  plain: {}", f"  plain: {{}}\n  averaged: {averaged}")
    unstarted.edit("tiny.yaml", "[plain, dct-penalty]", "[plain, averaged]")
    unstarted.edit("tiny.yaml", "  filters: {}\n", "  filters: {}\n  adaptive: {norm: linf, epsilons: [8/255]}\n")
    assert unstarted.plan(*names[1:]).jobs == dict.fromkeys(names[1:], 1)
    outcome = unstarted.snakemake(*names[1:])
    assert outcome.returncode == 0, outcome.stderr
    figures = {path.relative_to(unstarted.folder) for path in unstarted.folder.glob("results/figures/**/*.png")}
    folder = Path("results/figures/tiny")
    assert figures == {folder / "texdigits" / "averaging_transfer.png", folder / "linear_regions.png"}
    assert not unstarted.plan(*names[1:]).jobs
    outcome = unstarted.snakemake("--dry-run", names[0])
    assert "(a sweep of post_averaging.radius)" in outcome.stdout + outcome.stderr
    unstarted.edit("tiny.yaml", "seeds: [0]", "seeds: [0]\n    sweep: {post_averaging.radius: [1, 2]}")
    jobs = unstarted.plan(names[0]).jobs
    assert products(jobs) == {names[0]}
    assert {"train": 1, "evaluate_adaptive": 3}.items() <= jobs.items()


def test_what_is_switched_off_on_one_data_set_is_neither_measured_nor_shown_there(unstarted):
    unstarted.edit("tiny.yaml", "[texdigits]", "[texdigits, cifar10]")
    off = ("autoattack", "transfer", "filters", "perturbations")
    before = unstarted.plan()
    unstarted.edit(
        "tiny.yaml", "    texdigits:\n", f"    cifar10: {{{': false, '.join(off)}: false}}\n    texdigits:\n"
    )
    after = unstarted.plan()
    lost = dict.fromkeys(("evaluate_autoattack", "evaluate_transfer", "evaluate_filters", "perturb"), 2)
    lost |= dict.fromkeys(("table_transfer", "figure_transfer", "figure_dct_energy", "figure_perturbations"), 1)
    assert before.jobs - after.jobs == {**lost, "aggregate": 3}
    assert not after.jobs - before.jobs
    assert not [file for file in set(before.outputs) - set(after.outputs) if "/cifar10/" not in file]


def test_an_experiment_has_the_suites_that_it_wants_and_images_are_measured_without_models(unstarted):
    unstarted.edit(
        "tiny.yaml",
        "seeds: [0]\n",
        "seeds: [0]\n  accuracies:\n    datasets: [texdigits]\n    models: [resnet_8_2]\n"
        "    variants: [plain, dct-penalty]\n    seeds: [0, 1]\n    suites: [clean, spectra]\n",
    )
    unstarted.edit("tiny.yaml", "  filters: {}\n", "  filters: {}\n  spectra: {corruptions: [fog, snow]}\n")
    plan = unstarted.plan()
    others = dict.fromkeys(("evaluate_adversarial", "evaluate_corruption", "evaluate_filters", "perturb"), 2)
    assert {**others, "train": 4}.items() <= plan.jobs.items()
    assert plan.jobs["evaluate_clean"] == plan.jobs["evaluate_spectra"] == 4
    of_experiment = [file for file in plan.outputs if "/aggregated/accuracies/" in file]
    assert {Path(file).stem for file in of_experiment} == {"clean", "spectra", "history"}
    assert not [file for file in plan.outputs if re.search("/accuracies/.*(perturbations|filters|corruptions)", file)]
    images = unstarted.plan("table_corruption_energy")
    assert images.jobs == {"prepare": 1, "corrupt": 1, "measure_images": 1, "table_corruption_energy": 2}
    # Through two corruptions there is always a line.
    outcome = unstarted.snakemake("--dry-run", "figure_energy_slopes")
    assert outcome.returncode == 1
    said = r"There is no figure_energy_slopes to make.*\(3 of spectra\.corruptions, and another variant"
    assert re.search(said, outcome.stdout + outcome.stderr)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (["figure_heat_map"], "unknown table or figure 'figure_heat_map': did you mean 'figure_fourier_heat_map'?"),
        (["table_main", "tables", "table_mein"], "unknown table or figure 'table_mein': did you mean 'table_main'?"),
    ],
)
def test_a_misspelt_table_or_figure_is_one_sentence(fresh, asked, sentence):
    outcome = fresh.snakemake("--dry-run", *asked)
    assert outcome.returncode == 1
    assert f"The target is refused: {sentence}" in outcome.stdout + outcome.stderr
    assert "MissingRuleException" not in outcome.stdout + outcome.stderr


def test_a_target_that_the_config_cannot_make_is_one_sentence(fresh):
    outcome = fresh.snakemake("--dry-run", "figure_shape_bias", config=None)
    assert outcome.returncode == 1
    assert "There is no figure_shape_bias to make" in outcome.stdout + outcome.stderr


def test_the_paper_plans_every_run_once(fresh):
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    study = Study(config, ROOT / "schemas/config.schema.yaml")
    plan = fresh.plan("paper", config=None)
    assert plan.jobs["train"] == len(study.runs)
    for suite in ("clean", "adversarial", "autoattack", "transfer", "corruption"):
        assert plan.jobs[f"evaluate_{suite}"] == len(study.runs)
    datasets = {run.dataset for run in study.runs}
    assert {"cifar10", "cifar100", "svhn", "cinic10", "tinyimagenet", "mnist"} <= datasets
    # CIFAR-10.1 is shown to models of CIFAR-10, and so is CINIC-10.
    shifted = study.shifted_sets("cifar10")
    assert {entry.name for entry in shifted} == {"cifar10.1", "cinic10"}
    assert plan.jobs["prepare"] == plan.jobs["corrupt"] == len(datasets)
    assert plan.jobs["prepare_shifted"] == len(shifted)
    assert plan.jobs["download"] == sum(len(study.dataset(name).sources) for name in datasets) + 2
    on_cifar10 = [run for run in study.runs if run.dataset == "cifar10"]
    assert plan.jobs["evaluate_out_of_distribution"] == len(on_cifar10)
    assert plan.jobs == fresh.plan(config=None).jobs


def test_spectra_of_images_are_measured_once_for_all_models(fresh, tmp_path):
    config = tmp_path / "spectra.yaml"
    text = (fresh.folder / "tiny.yaml").read_text()
    config.write_text(text.replace("  clean: {}\n", "  clean: {}\n  spectra: {images: 4}\n", 1))
    jobs = fresh.plan("results/aggregated/tiny/texdigits/spectra.csv", config=str(config)).jobs
    assert {name: jobs[name] for name in ("evaluate_spectra", "measure_images", "corrupt", "aggregate")} == {
        "evaluate_spectra": 2,
        "measure_images": 1,
        "corrupt": 1,
        "aggregate": 1,
    }
