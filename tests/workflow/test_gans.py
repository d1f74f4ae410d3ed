"""GANs in the workflow: trained, drawn, and made again after a change of what they hang on alone."""

from collections import Counter

import pandas as pd
import pytest

GANS = """
gans:
  textures:
    sngan:
      dataset: texdigits
      normalisation: none
      iterations: 2
      record_every: 1
      learning_rate: 0.0002
      beta1: 0
      beta2: 0.9
      discriminator_steps: 1
      batch_size: 4
      latent: 4
      strided_kernel: 3
      samples: 4
    networks: {narrow: {width: 2}}
    variants: {none: {}, spectral: {normalisation: spectral}}
    seeds: [0]
data: {seed: 0}
compute:
  device: cpu
  train: &small {threads: 1, mem_mb: 1000, runtime: 10}
  evaluate: *small
  data: *small
  publish: *small
"""
FIGURES = Counter(["figure_gan_training", "figure_gan_divergence", "figure_gan_samples", "table_gans"])
CLASSIFIER = """
experiments:
  classifiers: {datasets: [texdigits], models: [resnet_8_2], variants: [plain], seeds: [0]}
variants: {plain: {}}
training:
  default: {epochs: 1, batch_size: 128, optimizer: sgd, learning_rate: 0.05, weight_decay: 0, schedule: cosine}
evaluation: {batch_size: 64, clean: {}}
"""
TRAINED = Counter({"train_gan": 2, "aggregate_gan": 1})


@pytest.fixture
def gans_project(unstarted):
    """A study of GANs alone, before anything has run."""
    (unstarted.folder / "tiny.yaml").write_text(GANS)
    return unstarted


def test_gans_are_trained_drawn_and_made_again_by_what_they_hang_on(gans_project):
    assert gans_project.plan().jobs == TRAINED + FIGURES + Counter(["prepare"])
    outcome = gans_project.snakemake()
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert gans_project.plan().jobs == Counter()
    folder = gans_project.folder
    for name in ("training", "divergence", "samples"):
        for form in ("png", "pdf"):
            assert (folder / f"results/figures/gans/textures/gan_{name}.{form}").stat().st_size > 1000
    assert (folder / "results/tables/gans/textures/gans.md").read_text().count("| spectral ") == 1
    assert (folder / "results/gans/textures/narrow/spectral/seed-0/generator.safetensors").is_file()

    gans_project.edit("tiny.yaml", "seeds: [0]", "seeds: [0, 1]")
    assert gans_project.plan().jobs == TRAINED + FIGURES
    gans_project.edit("tiny.yaml", "seeds: [0, 1]", "seeds: [0]")
    gans_project.edit("tiny.yaml", "spectral: {normalisation", "spectral: {label: SN, normalisation")
    assert gans_project.plan().jobs == FIGURES
    with open(folder / "scripts/filterfreq/gans/networks.py", "a") as file:
        file.write("\n# changed\n")
    assert gans_project.plan().jobs == TRAINED + FIGURES


def test_what_cannot_be_trained_is_refused_before_any_work(gans_project):
    gans_project.edit(
        "tiny.yaml", "variants: {none: {}", "variants: {none: {normalisation: convnorm, strided_kernel: 4}"
    )
    refused = gans_project.snakemake("--dry-run")
    assert "gans.textures.variants.none.strided_kernel: convnorm needs odd kernels" in refused.stdout + refused.stderr


def test_a_path_of_a_gan_that_there_is_not_is_named(gans_project):
    refused = gans_project.snakemake("--dry-run", "results/gans/texture/narrow/none/seed-0/run.json")
    assert "unknown gan 'texture': did you mean 'textures'?" in refused.stdout + refused.stderr


def test_images_are_compared_in_the_features_of_a_classifier_that_is_trained_here(gans_project):
    named = "frechet_classifier: {model: resnet_8_2, variant: plain, seed: 0, images: 40}"
    gans_project.edit("tiny.yaml", "seeds: [0]", f"seeds: [0]\n    {named}")
    gans_project.edit("tiny.yaml", "\ngans:", f"{CLASSIFIER}\ngans:")
    distance = "results/gans/textures/narrow/none/seed-0/frechet_classifier.csv"
    assert gans_project.plan(distance).jobs == Counter(["prepare", "train", "train_gan", "measure_gan"])
    outcome = gans_project.snakemake(distance)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    [row] = pd.read_csv(gans_project.folder / distance).to_dict("records")
    assert (row["metric"], row["parameter"]) == ("frechet_classifier", "classifier=resnet_8_2/plain/0")
    assert row["n"] == 40
    assert row["value"] > 0

    # Another number of images measures again, and trains nothing.
    gans_project.edit("tiny.yaml", "images: 40", "images: 50")
    assert gans_project.plan(distance).jobs == Counter(["measure_gan"])
    assert gans_project.plan("results/aggregated/gans/textures.csv").jobs == Counter(
        {"train_gan": 1, "measure_gan": 2, "aggregate_gan": 1}
    )
    gans_project.edit("tiny.yaml", "seed: 0, images", "seed: 1, images")
    refused = gans_project.snakemake("--dry-run")
    assert "gans.textures.frechet_classifier: no experiment trains texdigits/resnet_8_2/plain/1" in (
        refused.stdout + refused.stderr
    )
