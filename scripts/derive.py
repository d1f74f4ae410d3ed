"""Make a run's model of another run's, without training."""

from pathlib import Path

from filterfreq.data.labels import copy_labels
from filterfreq.models.checkpoints import save_checkpoint
from filterfreq.models.derivation import derive
from filterfreq.runtime.jobs import job

with job(snakemake) as logger:
    classifier, record, changed = derive(snakemake.input.record, snakemake.params.spec, snakemake.params.code)
    tensors = len(classifier.backbone.state_dict())
    logger.info("%d of %d tensors are not those of %s", len(changed), tensors, snakemake.input.record)
    folder = Path(snakemake.output.record).parent
    copy_labels(Path(snakemake.input.record).parent, folder, record)
    save_checkpoint(folder, classifier, record)
