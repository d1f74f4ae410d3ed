"""Turn the files of a model that others trained into weights and a record as training leaves them."""

from pathlib import Path

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.registry import get_dataset
from filterfreq.models.checkpoints import save_checkpoint
from filterfreq.models.image_size import check_image_size
from filterfreq.models.pretrained import check_downloads, convert_checkpoint
from filterfreq.models.registry import libraries
from filterfreq.runtime.files import sha256
from filterfreq.runtime.jobs import job
from filterfreq.runtime.provenance import environment

with job(snakemake) as logger:
    spec = snakemake.params.spec
    prepared = snakemake.input.get("dataset")
    # ImageNet's classes, mean and std are known without its images.
    dataset = PreparedDataset(Path(prepared).parent) if prepared else get_dataset(spec["run"]["dataset"])
    if "path" in spec["source"]:
        folder = Path()
        files = {snakemake.input.file: {"sha256": sha256(snakemake.input.file)}}
    else:
        folder = Path(snakemake.input.files)
        files = check_downloads(Path(snakemake.input.record), folder)
    classifier, settings, assumed = convert_checkpoint(
        spec["source"], folder, dataset.num_classes, dataset.mean, dataset.std
    )
    logger.info(
        "read as %s, weights: %s; normalisation: %s (mean %s, std %s)",
        *(settings["architecture"], assumed["weights"], assumed["normalisation"], settings["mean"], settings["std"]),
    )
    if assumed["may_also_be"]:
        logger.warning(
            "warning: its tensors also fit %s, with other results: give the architecture that they were trained in",
            " and ".join(assumed["may_also_be"]),
        )
    check_image_size(f"checkpoints.{spec['run']['variant']}", classifier, dataset.image_size, dataset.name)
    record = {
        **spec,
        "classifier": settings,
        "assumed": assumed,
        "metrics": {"parameters": sum(parameter.numel() for parameter in classifier.parameters())},
        "provenance": {
            **environment(*libraries(settings["architecture"])),
            "code": snakemake.params.code,
            "files": files,
        },
    }
    save_checkpoint(Path(snakemake.output.record).parent, classifier, record)
