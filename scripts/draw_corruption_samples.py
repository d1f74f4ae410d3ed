"""Draw the figure `corruption_samples`: one test image under every corruption."""

from pathlib import Path

import numpy as np

from filterfreq.data.arrays import PreparedDataset
from filterfreq.evaluation.corruptions import CORRUPTIONS, SEVERITIES, load_corrupted
from filterfreq.publishing.samples import corruption_sheet
from filterfreq.publishing.style import save
from filterfreq.runtime.jobs import job

with job(snakemake):
    clean = np.asarray(PreparedDataset(Path(snakemake.input.dataset).parent).images("test")[:1])[0]
    sets = {name: load_corrupted(Path(snakemake.input.corrupted, f"{name}.npy")) for name in CORRUPTIONS}
    # Each file holds one block per severity, so the first image comes back once per block.
    corrupted = {name: np.asarray(images[:: len(images) // len(SEVERITIES)]) for name, images in sets.items()}
    save(corruption_sheet(clean, corrupted), snakemake.output.png, snakemake.output.pdf)
