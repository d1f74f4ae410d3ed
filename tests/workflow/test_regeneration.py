"""What is made again after one change, by what a dry run lists."""

import json
import os
import random
from collections import Counter

import pytest

from filterfreq.evaluation.reading import read_results
from filterfreq.evaluation.registry import Metric, Suite

PLOTS = Counter(
    f"figure_{name}"
    for name in (
        "accuracy_epsilon",
        "corruptions",
        "frequency_filtered",
        "shape_bias",
        "dct_energy",
        "transfer",
        "calibration",
        "scorecard",
        "training_curves",
        "samples",
        "perturbations",
        "corruption_samples",
        "side_by_side",
        "frequencies_and_robustness",
    )
)
TABLES = Counter(
    f"table_{name}"
    for name in (
        *("main", "all_datasets", "differences", "adversarial", "corruptions", "severities", "shape_bias"),
        *("transfer", "calibration", "out_of_distribution", "frequency_filtered", "costs", "scorecard"),
        *("training_speed", "side_by_side"),
    )
)
ABLATION = Counter(["table_ablation", "figure_ablation"])
SCORECARD = ("table_scorecard", "figure_scorecard")
SIDE_BY_SIDE = ("table_side_by_side", "figure_side_by_side", "figure_frequencies_and_robustness")
SHOWS_ATTACKS = (
    *("table_main", "table_all_datasets", "table_differences", "table_adversarial", "figure_accuracy_epsilon"),
    *SIDE_BY_SIDE,
)
SUITES = (
    *("clean", "adversarial", "autoattack", "transfer", "corruption", "frequency_filtered", "out_of_distribution"),
    *("cue_conflict", "filters"),
)
AGGREGATES = Counter({"aggregate": len(SUITES), "aggregate_history": 1})
PER_RUN = Counter(["train", "perturb", *(f"evaluate_{suite}" for suite in SUITES)])


TOY_TABLE = '''"""Rows of experiment {experiment} on {dataset}."""

from filterfreq.publishing.registry import Product
from filterfreq.publishing.table import TextTable

PRODUCT = Product(title="Rows", needs=["clean"], takes=["baseline"])


def tabulate(results, baseline):
    return TextTable(results, results[["variant"]], f"Rows of {results['dataset'].iloc[0]}: {len(results)}.", right=0)
'''
TOY_FIGURE = '''"""An empty figure of experiment {experiment}."""

from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import new_figure

PRODUCT = Product(title="Empty", needs=["clean"], takes=["labels"],)


def draw(results, labels):
    return new_figure(len(results["variant"].unique()), len(labels))
'''


TOY_SUITE = '''"""The suite `toy`: the smallest and the largest grey level."""

from filterfreq.evaluation.results import format_parameter, fraction


def run(job):
    assert job.images.shape[1:3] == (job.settings["image_size"],) * 2
    levels = enumerate((job.images.min(), job.images.max()))
    return [fraction("level", format_parameter(rank=rank), level, 255) for rank, level in levels]
'''
TOY_ENTRY = """    "toy": Suite(
        run="filterfreq.evaluation.suites.toy:run",
        metrics={"level": Metric(("rank",))},
        types={"rank": int},
        takes_image_size=True,
    ),
"""
TOY_SCHEMA = """type: object
additionalProperties: false
properties:
  images: {$ref: "#/$defs/images"}
"""

TOY_INTERVENTION = '''"""A penalty on the mean of all squared parameters."""

from filterfreq.training.intervention import Intervention


def intervention(strength):
    def penalty(classifier):
        return strength * sum(parameter.square().mean() for parameter in classifier.parameters())

    return Intervention(penalty=penalty)
'''


def append(project, module: str) -> None:
    """Append a comment to a module of the package."""
    with open(project.folder / "scripts/filterfreq" / module, "a") as file:
        file.write("\n# changed\n")


def test_a_new_lambda_adds_its_runs_and_the_aggregates_only(project):
    project.edit("tiny.yaml", "    seeds: [0]", "    seeds: [0]\n    sweep: {penalty.strength: [0.01, 0.1]}")
    plan = project.plan()
    expected = PER_RUN + AGGREGATES + TABLES + PLOTS + ABLATION
    # These two show data, not models.
    del expected["figure_samples"], expected["figure_corruption_samples"]
    assert plan.jobs == expected
    run_outputs = [output for output in plan.outputs if output.startswith("results/runs")]
    assert len(run_outputs) == 3 + 1 + len(SUITES)
    assert all("/dct-penalty_strength-0.1/seed-0/" in output for output in run_outputs)


def test_a_new_seed_adds_its_runs(project):
    project.edit("tiny.yaml", "seeds: [0]", "seeds: [0, 1]")
    plan = project.plan()
    assert plan.jobs["train"] == 2
    assert all("/seed-1/" in output for output in plan.outputs if output.startswith("results/runs"))


def test_a_plotting_change_redraws_figures_only(project):
    append(project, "publishing/style.py")
    assert project.plan().jobs == PLOTS


def test_a_change_of_tables_and_figures_makes_these_alone_again(project):
    for name in ("figures/shape_bias", "figures/samples", "tables/main", "tables/costs"):
        append(project, f"publishing/{name}.py")
    assert project.plan().jobs == Counter(["figure_shape_bias", "figure_samples", "table_main", "table_costs"])


def test_one_more_table_or_figure_is_one_file_and_makes_nothing_else(project):
    publishing = project.folder / "scripts/filterfreq/publishing"
    (publishing / "figures/toy.py").write_text(TOY_FIGURE)
    (publishing / "figures/toys.py").write_text(TOY_FIGURE.replace('"labels"],', '"labels"], over="experiment",'))
    (publishing / "tables/toy.py").write_text(TOY_TABLE)
    assert project.plan().jobs == Counter(["figure_toy", "figure_toys", "table_toy"])
    outcome = project.snakemake("figure_toys", "table_toy")
    assert outcome.returncode == 0, outcome.stderr
    assert (project.folder / "results/figures/tiny/toys.pdf").is_file()
    assert "Rows of texdigits: 4." in (project.folder / "results/tables/tiny/texdigits/toy.md").read_text()

    project.edit("scripts/filterfreq/publishing/tables/toy.py", "baseline", "base")
    refused = project.snakemake("--dry-run")
    assert (
        "A table or figure is refused: publishing/tables/toy.py: unknown parameter 'base'"
        in refused.stdout + refused.stderr
    )


def test_what_names_products_makes_nothing_again(project):
    """One more key of a label."""
    append(project, "publishing/registry.py")
    assert project.plan().jobs == Counter()


def test_how_results_are_checked_and_things_are_called_makes_no_evaluation_again(project):
    """And what reads third-party checkpoints, none of which is here, trains nothing again."""
    for module in ("evaluation/reading.py", "publishing/attacks.py", "publishing/corruptions.py"):
        append(project, module)
    for module in ("models/external_files.py", "models/state_dicts.py", "models/pickles.py"):
        append(project, module)
    assert set(project.plan().jobs) <= {"aggregate", *TABLES, *PLOTS}


def test_one_more_suite_is_one_module_entry_and_schema_and_makes_nothing_else(project):
    package = project.folder / "scripts/filterfreq"
    entries = '    "filters": Suite('
    project.edit("scripts/filterfreq/evaluation/registry.py", entries, TOY_ENTRY + entries)
    (package / "evaluation/suites/toy.py").write_text(TOY_SUITE)
    (project.folder / "schemas/suites/toy.yaml").write_text(TOY_SCHEMA)
    assert project.plan().jobs == Counter()

    project.edit("tiny.yaml", "  cue_conflict: {}", "  cue_conflict: {}\n  toy: {images: 2}")
    (package / "publishing/figures/toy.py").write_text(TOY_FIGURE.replace('needs=["clean"]', 'needs=["toy"]'))
    assert project.plan().jobs == Counter({"evaluate_toy": 2, "aggregate": 1, "figure_toy": 1})
    outcome = project.snakemake("figure_toy")
    assert outcome.returncode == 0, outcome.stderr
    assert project.plan().jobs == Counter()
    toy = Suite(run="filterfreq.evaluation.suites.toy:run", metrics={"level": Metric(("rank",))}, types={"rank": int})
    table = read_results(
        [project.folder / "results/aggregated/tiny/texdigits/toy.csv"], suite="toy", known={"toy": toy}
    )
    assert table["rank"].tolist() == [0, 1, 0, 1]
    assert table["value"].between(0, 1).all()

    project.edit("tiny.yaml", "toy: {images: 2}", "toy: {image: 2}")
    refused = project.snakemake("--dry-run")
    assert "evaluation.toy: unknown key 'image': did you mean 'images'" in refused.stdout + refused.stderr


def test_a_change_of_a_suites_module_makes_it_and_what_shows_it_again(project):
    for suite in ("filters", "out_of_distribution"):
        append(project, f"evaluation/suites/{suite}.py")
    shown_in = ["figure_dct_energy", "table_out_of_distribution", *SCORECARD, *SIDE_BY_SIDE]
    assert project.plan().jobs == Counter(
        {"evaluate_filters": 2, "evaluate_out_of_distribution": 2, "aggregate": 2} | dict.fromkeys(shown_in, 1)
    )


@pytest.mark.parametrize(
    ("suite", "rule", "shown_in"),
    [
        (
            "adversarial",
            "evaluate_adversarial",
            [*SHOWS_ATTACKS, *SCORECARD, "table_transfer", "figure_transfer"],
        ),
        ("filters", "evaluate_filters", ["figure_dct_energy", *SIDE_BY_SIDE]),
    ],
)
def test_deleting_one_evaluation_redoes_it_and_what_hangs_on_it(project, suite, rule, shown_in):
    (project.folder / f"results/runs/texdigits/resnet_8_2/plain/seed-0/evaluations/{suite}.csv").unlink()
    plan = project.plan()
    assert plan.jobs == Counter([rule, "aggregate", *shown_in])
    assert f"results/runs/texdigits/resnet_8_2/plain/seed-0/evaluations/{suite}.csv" in plan.outputs


def test_changed_training_code_retrains(project):
    project.edit("scripts/filterfreq/training/loop.py", "optimizer.step()", "optimizer.step(None)")
    plan = project.plan()
    expected = PER_RUN + PER_RUN + AGGREGATES + TABLES + PLOTS
    del expected["figure_samples"], expected["figure_corruption_samples"]
    assert plan.jobs == expected


def test_a_changed_intervention_or_decomposition_retrains_the_runs_that_have_it(project):
    append(project, "training/interventions/adversarial_training.py")
    append(project, "training/interventions/penalty.py")
    append(project, "models/surgery/decomposition.py")
    plan = project.plan()
    expected = PER_RUN + AGGREGATES + TABLES + PLOTS
    del expected["figure_samples"], expected["figure_corruption_samples"]
    assert plan.jobs == expected
    run_outputs = [output for output in plan.outputs if output.startswith("results/runs")]
    assert all("/dct-penalty/seed-0/" in output for output in run_outputs)


def test_one_more_intervention_is_a_module_an_entry_and_a_fragment_and_makes_its_runs_alone(project):
    package = project.folder / "scripts/filterfreq"
    (package / "training/interventions/toy.py").write_text(TOY_INTERVENTION)
    project.edit("scripts/filterfreq/training/registry.py", "] = {\n", '] = {\n    "toy": Entry(f"{_MODULES}.toy"),\n')
    (project.folder / "schemas/interventions/toy.yaml").write_text(
        "{type: number, minimum: 0, sweep_label: 'toy of {}'}"
    )
    assert project.plan().jobs == Counter()
    project.edit("tiny.yaml", "  plain: {}", "  plain: {}\n  plain-toy: {toy: 2}")
    project.edit("tiny.yaml", "variants: [plain, dct-penalty]", "variants: [plain, dct-penalty, plain-toy]")
    plan = project.plan()
    expected = PER_RUN + AGGREGATES + TABLES + PLOTS
    del expected["figure_samples"], expected["figure_corruption_samples"]
    assert plan.jobs == expected
    run_outputs = [output for output in plan.outputs if output.startswith("results/runs")]
    assert all("/plain-toy/seed-0/" in output for output in run_outputs)
    record = "results/runs/texdigits/resnet_8_2/plain-toy/seed-0/run.json"
    outcome = project.snakemake(record)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert json.loads((project.folder / record).read_text())["metrics"]["penalty"] > 0

    project.edit("tiny.yaml", "{toy: 2}", "{toy: -2}")
    refused = project.snakemake("--dry-run")
    assert "variants.plain-toy.toy: -2 is out of range" in refused.stdout + refused.stderr


def test_another_model_data_set_or_intervention_in_the_registries_reruns_nothing(project):
    for registry in ("data", "models", "training"):
        with open(project.folder / f"scripts/filterfreq/{registry}/registry.py", "a") as file:
            file.write("\nCHANGED = True\n")
    assert project.plan().jobs == Counter()


def test_what_changes_no_number_reruns_nothing(project):
    modules = [*(project.folder / "scripts/filterfreq/runtime").glob("*.py")]
    assert {"jobs.py", "submission.py", "machine.py", "errors.py", "files.py"} <= {path.name for path in modules}
    for path in modules:
        path.write_text(path.read_text() + "\n# changed\n")
    assert project.plan().jobs == Counter()


def test_data_made_again_by_name_and_found_the_same_retrain_nothing(project):
    """In one run Snakemake would retrain: it compares dataset.json, with its checksums, only once it is there."""
    append(project, "data/cifar.py")
    assert project.plan().jobs == Counter()
    with open(project.folder / "scripts/filterfreq/data/texdigits.py", "a") as file:
        file.write("\n# changed\n")
    assert project.plan().jobs["prepare"] == 1
    outcome = project.snakemake("results/data/texdigits/dataset.json")
    assert outcome.returncode == 0, outcome.stderr
    # The same module draws the two shifted sets.
    shown_in = dict.fromkeys(("table_out_of_distribution", *SCORECARD, *SIDE_BY_SIDE), 1)
    assert project.plan().jobs == Counter(
        {"prepare_shifted": 2, "evaluate_out_of_distribution": 2, "aggregate": 1} | shown_in
    )


def test_the_order_of_keys_in_the_config_means_nothing(project):
    project.edit(
        "tiny.yaml", "{kind: highest, strength: 0.01, layers: all}", "{layers: all, strength: 0.01, kind: highest}"
    )
    project.edit("tiny.yaml", "    epochs: 1\n    batch_size: 128\n", "    batch_size: 128\n    epochs: 1\n")
    project.edit(
        "tiny.yaml", "{attack: fgsm, norm: linf, epsilons: [2/255]}", "{norm: linf, attack: fgsm, epsilons: [2/255]}"
    )
    assert project.plan().jobs == Counter()


def test_where_and_in_which_portions_to_compute_means_nothing_to_finished_runs(project):
    project.edit("tiny.yaml", "device: cpu", "device: auto\n  scratch: $TMPDIR")
    assert project.plan().jobs == Counter()
    project.edit("tiny.yaml", "  batch_size: 64", "  batch_size: 32")
    # Their random starts are drawn batch by batch.
    assert {rule for rule in project.plan().jobs if rule.startswith("evaluate")} == {
        "evaluate_adversarial",
        "evaluate_autoattack",
        "evaluate_transfer",
    }


def test_runs_on_a_copy_on_scratch_are_the_same_bit_for_bit(project, tmp_path):
    run = project.folder / "results/runs/texdigits/resnet_8_2/dct-penalty/seed-0"
    files = [run / "model.safetensors", run / "history.csv", run / "evaluations/clean.csv"]
    before = [file.read_bytes() for file in files]
    for file in (*files, run / "run.json"):
        file.unlink()
    (tmp_path / "node").mkdir()
    project.edit("tiny.yaml", "device: cpu", f"device: cpu\n  scratch: {tmp_path / 'node'}")
    outcome = project.snakemake(str(files[2].relative_to(project.folder)))
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert (outcome.stdout + outcome.stderr).count(f"the data set is read from {tmp_path / 'node'}") == 2
    assert [file.read_bytes() for file in files] == before


def test_changed_settings_of_one_evaluation_redo_it_alone(project):
    project.edit("tiny.yaml", "attacks: [apgd-ce]", "attacks: [apgd-ce, square]")
    assert project.plan().jobs == Counter({"evaluate_autoattack": 2, "aggregate": 1} | dict.fromkeys(SHOWS_ATTACKS, 1))


def test_a_label_redraws_and_retrains_nothing(project):
    project.edit("tiny.yaml", "  plain: {}", "  plain: {label: baseline}")
    jobs = project.plan().jobs
    assert set(jobs) <= set(PLOTS) | set(TABLES)
    assert jobs["table_main"] == 1


def test_a_copy_is_finished_whatever_times_its_files_have(project):
    """As after `cp -r`, `git clone`, another branch and back, or `touch`: equal content makes nothing due."""
    files = sorted(path for path in project.folder.rglob("*") if ".git" not in path.parts)
    random.Random(0).shuffle(files)
    for seconds, path in enumerate(files):
        os.utime(path, (10**9 + seconds, 10**9 + seconds))
    assert project.plan().jobs == Counter()
    assert project.plan("--profile", "profiles/workstation").jobs == Counter()


def test_a_moved_study_is_finished(project, tmp_path):
    project.folder.rename(tmp_path / "elsewhere")
    project.folder = tmp_path / "elsewhere"
    assert project.plan().jobs == Counter()


def test_scripts_that_are_newer_than_their_results_run_nothing_again(project):
    for path in (project.folder / "scripts").rglob("*.py"):
        path.touch()
    assert project.plan().jobs == Counter()
