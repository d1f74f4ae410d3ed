"""Turn the files of a model that others trained into weights and a record as training leaves them."""

from pathlib import Path

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.registry import get_dataset
from filterfreq.files import sha256
from filterfreq.jobs import job
from filterfreq.models.checkpoints import save_checkpoint
from filterfreq.models.image_size import check_image_size
from filterfreq.models.pretrained import check_downloads, convert_checkpoint
from filterfreq.models.registry import libraries
from filterfreq.provenance import environment

with job(snakemake):
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
    classifier, settings = convert_checkpoint(spec["source"], folder, dataset.num_classes, dataset.mean, dataset.std)
    check_image_size(f"checkpoints.{spec['run']['variant']}", classifier, dataset.image_size, dataset.name)
    record = {
        **spec,
        "classifier": settings,
        "metrics": {"parameters": sum(parameter.numel() for parameter in classifier.parameters())},
        "provenance": {
            **environment(*libraries(settings["architecture"])),
            "code": snakemake.params.code,
            "files": files,
        },
    }
    save_checkpoint(Path(snakemake.output.record).parent, classifier, record)
