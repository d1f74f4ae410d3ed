"""Make a run's model of another run's, without training."""

from pathlib import Path

from filterfreq.models.checkpoints import save_checkpoint
from filterfreq.models.derivation import derive
from filterfreq.runtime.jobs import job

with job(snakemake) as logger:
    folder = Path(snakemake.output.record).parent
    classifier, record, changed = derive(snakemake.input.record, snakemake.params.spec, snakemake.params.code, folder)
    tensors = len(classifier.backbone.state_dict())
    logger.info("%d of %d tensors are not those of %s", len(changed), tensors, snakemake.input.record)
    save_checkpoint(folder, classifier, record, changed)
