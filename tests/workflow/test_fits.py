"""Fits in the workflow: beside experiments and alone, one more kind, and what a change of them makes due."""

import json
from collections import Counter

import pytest

FITS = """
fits:
  sums:
    sinusoids:
      frequencies: [1, 2]
      amplitudes: [1, 1]
      points: 16
      iterations: 20
      record_every: 10
      learning_rate: 0.01
    networks: {narrow: {widths: [4], activation: relu}}
    seeds: [0, 1]
"""
ALONE = FITS + "compute: {device: cpu, publish: {threads: 1, mem_mb: 1000, runtime: 10}}\n"
OF_PRODUCTS = dict.fromkeys(
    [
        *("figure_sinusoids", "figure_layer_norms", "figure_fit_losses", "figure_learned_functions"),
        "table_learning_order",
    ],
    1,
)
OF_SUMS = Counter({"fit": 2, "aggregate_fit": 1, **OF_PRODUCTS})

TOY = '''"""A fit that measures nothing but its seed."""

from filterfreq.evaluation.results import quantity


def fit_toy(job):
    return [quantity("seed", "scale=1", job.seed, 1)]
'''
TOY_ENTRY = """    "toy": Fit(
        run="filterfreq.fits.toy:fit_toy",
        metrics={"seed": Metric(("scale",), highest=9)},
        types={"scale": int},
    ),
"""
TOY_FIGURE = '''"""The seeds of fit {fit}."""

from filterfreq.evaluation.reading import read_results
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import new_figure

PRODUCT = Product(title="Seeds", needs=["toy"], takes=["labels"], reads="fits", over="fit", note="")


def read(files):
    return read_results(files)


def draw(results, labels):
    assert set(results["variant"]) == set(labels)
    return new_figure(1, len(labels))
'''
TOY_TABLE = '''"""The seeds of fit {fit}."""

from filterfreq.evaluation.reading import read_results
from filterfreq.fits.registry import FITS
from filterfreq.publishing.registry import Product
from filterfreq.publishing.table import TextTable

PRODUCT = Product(title="Seeds", needs=["toy"], reads="fits", over="fit")


def read(files):
    return read_results(files, known=FITS)


def tabulate(results):
    numbers = results[["variant", "seed"]]
    return TextTable(numbers, numbers.astype(str), "Seeds.", 1)
'''
TOY_SCHEMA = """type: object
additionalProperties: false
required: [scale]
properties:
  scale: {$ref: "#/$defs/count"}
"""


@pytest.fixture
def fits_project(unstarted):
    """A study of fits alone, before anything has run."""
    (unstarted.folder / "tiny.yaml").write_text(ALONE)
    return unstarted


def append(project, file: str) -> None:
    """Append a comment to a file of code."""
    with open(project.folder / file, "a") as opened:
        opened.write("\n# changed\n")


def test_fits_beside_experiments_make_no_run_of_images_due(project):
    with open(project.folder / "tiny.yaml", "a") as file:
        file.write(FITS)
    assert project.plan().jobs == OF_SUMS


def test_fits_alone_are_a_study_that_is_resumed_and_finished(fits_project):
    assert fits_project.plan().jobs == OF_SUMS
    assert fits_project.plan("figure_sinusoids").jobs == {"fit": 2, "aggregate_fit": 1, "figure_sinusoids": 1}
    outcome = fits_project.snakemake()
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert fits_project.plan().jobs == Counter()
    for form in ("png", "pdf"):
        assert (fits_project.folder / f"results/figures/fits/sums/sinusoids.{form}").stat().st_size > 1000
    before = (fits_project.folder / "results/fits/sums/narrow/plain/seed-0/results.csv").read_bytes()

    # Another seed is trained alone, and changes no byte of the others.
    fits_project.edit("tiny.yaml", "seeds: [0, 1]", "seeds: [0, 1, 2]")
    plan = fits_project.plan()
    assert plan.jobs == OF_SUMS | {"fit": 1}
    assert "results/fits/sums/narrow/plain/seed-2/results.csv" in plan.outputs
    (fits_project.folder / "results/fits/sums/narrow/plain/seed-0/results.csv").unlink()
    outcome = fits_project.snakemake("results/fits/sums/narrow/plain/seed-0/results.csv")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert (fits_project.folder / "results/fits/sums/narrow/plain/seed-0/results.csv").read_bytes() == before

    # What another study has made with other settings is not overwritten.
    (fits_project.folder / "other.yaml").write_text(ALONE.replace("0.01", "0.1"))
    refused = fits_project.snakemake("--dry-run", config="other.yaml")
    assert "results/fits/sums/narrow/plain/seed-0 and 1 more were made for tiny.yaml" in refused.stdout + refused.stderr

    append(fits_project, "scripts/filterfreq/fits/sinusoids.py")
    assert fits_project.plan().jobs == OF_SUMS | {"fit": 3}


def test_repeats_are_trained_together_whichever_are_asked_for(fits_project):
    results = fits_project.folder / "results/fits/sums/narrow/plain"
    (fits_project.folder / "tiny.yaml").write_text(ALONE.replace("seeds: [0, 1]", "seeds: [1]\n    seeds_at_once: 2"))
    of_one = Counter({"fit_repeats": 1, "take_repeat": 1, "aggregate_fit": 1, **OF_PRODUCTS})
    assert fits_project.plan().jobs == of_one
    outcome = fits_project.snakemake()
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert fits_project.plan().jobs == Counter()
    before = (results / "seed-1/results.csv").read_bytes()
    assert b",plain,1,sinusoids," in before
    assert b",plain,0,sinusoids," not in before
    record = json.loads((results / "seed-1/run.json").read_text())
    assert (record["run"]["seed"], record["seeds_at_once"], record["provenance"]["seeds"]) == (1, 2, [0, 1])

    # Of the same net, which is not trained again; a third one is of another net.
    fits_project.edit("tiny.yaml", "seeds: [1]", "seeds: [0, 1]")
    assert fits_project.plan().jobs == of_one - Counter({"fit_repeats": 1})
    fits_project.edit("tiny.yaml", "seeds: [0, 1]", "seeds: [0, 1, 2]")
    assert fits_project.plan().jobs == of_one + Counter({"take_repeat": 1})
    outcome = fits_project.snakemake()
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert (results / "seed-1/results.csv").read_bytes() == before
    assert len({(results / f"seed-{seed}/results.csv").read_bytes() for seed in range(3)}) == 3
    append(fits_project, "scripts/filterfreq/fits/repeats.py")
    assert fits_project.plan().jobs == of_one + Counter({"fit_repeats": 1, "take_repeat": 2})


def test_one_more_fit_is_one_module_entry_and_schema(fits_project):
    fits_project.edit(
        "scripts/filterfreq/fits/registry.py", '    "sinusoids": Fit(', f'{TOY_ENTRY}    "sinusoids": Fit('
    )
    (fits_project.folder / "scripts/filterfreq/fits/toy.py").write_text(TOY)
    (fits_project.folder / "schemas/fits/toy.yaml").write_text(TOY_SCHEMA)
    (fits_project.folder / "scripts/filterfreq/publishing/figures/toy.py").write_text(TOY_FIGURE)
    assert fits_project.plan().jobs == OF_SUMS
    before, after = ALONE.index("    sinusoids:"), ALONE.index("    networks:")
    config = f"{ALONE[:before]}    toy: {{scale: 3}}\n{ALONE[after:]}"
    (fits_project.folder / "tiny.yaml").write_text(config.replace("[0, 1]", "[5]"))
    of_toys = {"fit": 1, "aggregate_fit": 1, "figure_toy": 1}
    assert fits_project.plan().jobs == of_toys
    (fits_project.folder / "scripts/filterfreq/publishing/tables/toy.py").write_text(TOY_TABLE)
    of_toys["table_toy"] = 1
    assert fits_project.plan().jobs == of_toys
    outcome = fits_project.snakemake()
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    run = fits_project.folder / "results/fits/sums/narrow/plain/seed-5"
    assert "sums,narrow,plain,5,toy,seed,scale=1,5.0,1,," in (run / "results.csv").read_text()
    assert json.loads((run / "run.json").read_text())["settings"] == {"scale": 3}
    assert (fits_project.folder / "results/figures/fits/sums/toy.png").is_file()
    assert (fits_project.folder / "results/tables/fits/sums/toy.csv").read_text() == "variant,seed\nplain,5\n"
    append(fits_project, "scripts/filterfreq/fits/sinusoids.py")
    assert fits_project.plan().jobs == Counter()
    append(fits_project, "scripts/filterfreq/fits/toy.py")
    assert fits_project.plan().jobs == of_toys
    refused = fits_project.snakemake("--dry-run", "figure_sinusoids")
    assert "There is no figure_sinusoids to make: no entry of the config's fits has sinusoids" in (
        refused.stdout + refused.stderr
    )
    refused = fits_project.snakemake("--dry-run", "results/fits/sum/narrow/plain/seed-5/run.json")
    assert "unknown fit 'sum': did you mean 'sums'?" in refused.stdout + refused.stderr


ON_IMAGES = """
fits:
  noise:
    sine_noise:
      dataset: texdigits
      classes: [3 coins, 8 retina]
      train_fraction: 0.8
      amplitude: 1
      frequency: 1
      convention: paper
      iterations: 2
      record_every: 1
      learning_rate: 0.001
    networks: {narrow: {widths: [2], activation: relu}}
    seeds: [0]
  line:
    kernel_eigenvectors: {points: 8, kernel_width: 0.2}
    seeds: [0]
data: {seed: 0}
compute: {device: cpu, publish: {threads: 1, mem_mb: 1000, runtime: 10}}
"""


def test_a_fit_on_images_takes_its_prepared_data_set_and_another_kind_does_not(fits_project):
    (fits_project.folder / "tiny.yaml").write_text(ON_IMAGES)
    of_line = Counter({"fit": 1, "aggregate_fit": 1, "figure_kernel_eigenvectors": 1})
    of_noise = Counter({"fit": 1, "aggregate_fit": 1, "figure_sine_noise": 1})
    assert fits_project.plan().jobs == of_noise + of_line + Counter(["prepare"])
    assert fits_project.plan("figure_kernel_eigenvectors").jobs == of_line
    outcome = fits_project.snakemake()
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert fits_project.plan().jobs == Counter()
    record = json.loads((fits_project.folder / "results/fits/noise/narrow/plain/seed-0/run.json").read_text())
    prepared = json.loads((fits_project.folder / "results/data/texdigits/dataset.json").read_text())
    checksums = {name: prepared["arrays"][name]["sha256"] for name in ("train_images", "train_labels")}
    assert record["provenance"]["data"] == checksums
    append(fits_project, "scripts/filterfreq/fits/gaussian_kernel.py")
    assert fits_project.plan().jobs == of_line
    append(fits_project, "scripts/filterfreq/fits/two_classes.py")
    assert fits_project.plan().jobs == of_line + of_noise
    fits_project.edit("tiny.yaml", "[3 coins, 8 retina]", "[3 coins, 8 coins]")
    refused = fits_project.snakemake("--dry-run")
    said = "fits.noise.sine_noise.classes: unknown class of texdigits '8 coins': did you mean "
    assert said in refused.stdout + refused.stderr
