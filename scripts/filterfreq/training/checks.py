"""What is refused before the first epoch."""

from itertools import count

from filterfreq.models.classifier import Classifier
from filterfreq.models.image_size import check_image_size
from filterfreq.runtime.errors import InputError


def check_trainable(classifier: Classifier, spec: dict, image_size: int, training_images: int, views: int = 1) -> None:
    """Check that a classifier takes the images of its data set, and batches as small as the smallest one.

    Batch normalisation needs two values of a channel. Of one image it has a single one where the network has reduced
    the image to a pixel.

    Args:
        classifier: of the run, on any device; it stays as it is.
        spec: the run's spec.
        image_size: height and width of the images that it sees, in pixels.
        training_images: how many the data set has.
        views: how many forms of each image go through the network together.

    Raises:
        InputError: it does not; the message says what to choose instead.
    """
    model, dataset = spec["run"]["model"], spec["run"]["dataset"]
    values = check_image_size(model, classifier, image_size, dataset)
    batch_size = spec["training"]["batch_size"]
    smallest = _last_batch(training_images, batch_size)
    if smallest * views * values == 1:
        others = (size for size in count(batch_size + 1) if _last_batch(training_images, size) > 1)
        remedy = f"set it to {next(others)}, say" if training_images > 1 else "take more images"
        raise InputError(
            f"batch_size {batch_size} under training leaves a batch with one of the {training_images} images of "
            f"{dataset}, on which {model} cannot be trained at {image_size} x {image_size} pixels, because its batch "
            f"normalisation has a single value of each channel there: {remedy}, or list another model"
        )


def _last_batch(images: int, batch_size: int) -> int:
    """Return how many images an epoch's last batch has; with `accumulate` too, which joins whole batches."""
    return images % batch_size or batch_size
