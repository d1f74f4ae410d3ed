"""Draw the figure `perturbations`: each variant's adversarial examples."""

from pathlib import Path

from filterfreq.data.arrays import PreparedDataset
from filterfreq.publishing.samples import perturbations, read_perturbations
from filterfreq.publishing.selection import attack_label, norm_label
from filterfreq.publishing.style import save
from filterfreq.runtime.jobs import job
from filterfreq.training.attack_names import attack_name

with job(snakemake):
    dataset = PreparedDataset(Path(snakemake.input.dataset).parent)
    files = zip(snakemake.params.variants, snakemake.input.perturbations, strict=True)
    examples = {variant: read_perturbations(file) for variant, file in files}
    settings = snakemake.params.settings
    attack = f"{attack_label(attack_name(settings))}, {norm_label(settings['norm'])}, ε = {settings['epsilon']}"
    labels = dataset.labels("test")[: len(next(iter(examples.values()))["clean"])]
    figure = perturbations(examples, labels, dataset.classes, snakemake.params.labels, attack)
    save(figure, snakemake.output.png, snakemake.output.pdf)
