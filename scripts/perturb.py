"""Attack a few test images and keep the adversarial examples for the figure."""

from dataclasses import asdict
from pathlib import Path

import numpy as np

from filterfreq.data.arrays import PreparedDataset
from filterfreq.evaluation.perturbations import perturb
from filterfreq.models.checkpoints import load_checkpoint
from filterfreq.models.device import use_device
from filterfreq.runtime.files import replacing_with_checksum
from filterfreq.runtime.jobs import job

with job(snakemake):
    device = use_device(snakemake.config["compute"], snakemake.threads)
    dataset = PreparedDataset(Path(snakemake.input.dataset).parent, snakemake.threads)
    classifier, record = load_checkpoint(snakemake.input.record)
    settings = snakemake.params.settings
    count = settings.get("images", 16)
    examples = perturb(
        classifier,
        dataset.images("test")[:count],
        dataset.labels("test")[:count],
        settings,
        settings["epsilon"],
        device,
        seed=record["run"]["seed"],
    )
    with replacing_with_checksum(snakemake.output[0]) as temporary:
        np.savez(temporary, **asdict(examples))
