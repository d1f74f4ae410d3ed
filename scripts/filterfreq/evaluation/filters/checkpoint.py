"""The filters of a run, from its checkpoint."""

from collections.abc import Iterator
from pathlib import Path

from filterfreq.evaluation.filters.filter_layer import FilterLayer
from filterfreq.evaluation.filters.layers import read_filter_layers
from filterfreq.models.checkpoints import load_checkpoint


def checkpoint_layers(record: str | Path, image_size: int, batch_norm: str) -> Iterator[FilterLayer]:
    """Yield the 3x3 convolutions of a run's model.

    Args:
        record: the run's `run.json`.
        image_size: height and width of its images, in pixels.
        batch_norm: "separate", or "folded" into the weights.

    Raises:
        InputError: the checkpoint is missing or damaged, or the model has no such convolution.
    """
    classifier, _ = load_checkpoint(record)
    yield from read_filter_layers(classifier.backbone, image_size, fold_batch_norm=batch_norm == "folded")
