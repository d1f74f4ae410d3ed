"""The filters of a run, from its checkpoint."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from filterfreq.evaluation.filters.filter_layer import FilterLayer
from filterfreq.evaluation.filters.layers import read_filter_layers
from filterfreq.models.checkpoints import load_checkpoint


def checkpoint_layers(
    record: str | Path, image_size: int, batch_norms: Iterable[str]
) -> Iterator[tuple[str, Iterator[FilterLayer]]]:
    """Yield the 3x3 convolutions of a run's model, which is loaded once, for each way of treating batch norm.

    Args:
        record: the run's `run.json`.
        image_size: height and width of its images, in pixels.
        batch_norms: of "separate", and "folded" into the weights, those that are wanted.

    Yields:
        The way, and the layers, to be read before the next way is asked for.

    Raises:
        InputError: the checkpoint is missing or damaged, or the model has no such convolution.
    """
    classifier, _ = load_checkpoint(record)
    for batch_norm in batch_norms:
        yield batch_norm, read_filter_layers(classifier.backbone, image_size, fold_batch_norm=batch_norm == "folded")
