"""Measure how far the images of one generator are from a data set's, in the features of a classifier."""

from pathlib import Path

from safetensors.torch import load_file

from filterfreq.data.arrays import PreparedDataset
from filterfreq.evaluation.results import check_rows, write_results
from filterfreq.evaluation.settings import evaluation_settings
from filterfreq.fits.job import result_keys
from filterfreq.gans.frechet import measure_generator
from filterfreq.gans.networks import Generator
from filterfreq.gans.registry import GANS
from filterfreq.models.checkpoints import load_checkpoint
from filterfreq.models.device import use_device
from filterfreq.runtime.jobs import job

with job(snakemake):
    inputs, spec = snakemake.input, snakemake.params.spec
    device = use_device(snakemake.config["compute"], snakemake.threads)
    dataset = PreparedDataset(Path(inputs.dataset).parent)
    images = dataset.array("test_images")[: snakemake.params.images]
    batch_size = evaluation_settings(snakemake.config, dataset.name)["batch_size"]
    generator = Generator(spec["settings"]["latent"], spec["network"]["width"], images.shape[1])
    generator.load_state_dict(load_file(inputs.generator))
    classifier, _ = load_checkpoint(inputs.record)
    rows = measure_generator(generator, classifier, snakemake.params.classifier, images, batch_size, device)
    check_rows(rows, "filterfreq.gans.frechet:measure_generator", GANS[spec["kind"]].metrics)
    write_results(snakemake.output[0], result_keys(spec["run"]), spec["kind"], rows)
