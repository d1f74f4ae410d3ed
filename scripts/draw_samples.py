"""Draw the figure `samples`: images of every class and split."""

from pathlib import Path

from filterfreq.data.arrays import PreparedDataset
from filterfreq.publishing.samples import contact_sheet
from filterfreq.publishing.style import save
from filterfreq.runtime.jobs import job

with job(snakemake):
    dataset = PreparedDataset(Path(snakemake.input.dataset).parent)
    splits = {name: (dataset.images(name), dataset.labels(name)) for name in ("train", "test") if dataset.has(name)}
    textures = {}
    if "cue_conflict_images" in dataset.record["arrays"]:
        splits["cue conflict"] = (dataset.images("cue_conflict"), dataset.array("cue_conflict_shapes"))
        textures["cue conflict"] = dataset.array("cue_conflict_textures")
    save(contact_sheet(splits, dataset.classes, textures), snakemake.output.png, snakemake.output.pdf)
