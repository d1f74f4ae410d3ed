"""What a classifier answers to stored images.

Every evaluation takes a classifier (float images N x C x H x W in [0, 1] to logits) and stored uint8 images, which are
converted batch by batch, so that memory maps stay on disk.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from filterfreq.data.batches import to_images
from filterfreq.models.stochastic import seed_batch


@contextmanager
def inference(model: nn.Module, device: torch.device | str) -> Iterator[None]:
    """Have a model on `device`, in evaluation mode, with parameters that need no gradients.

    Attacks ask for gradients by the image alone: without the parameters' they take less memory and leave no `.grad`
    behind. At the end modes and parameters are as they were; the model stays on the device.
    """
    training = [module for module in model.modules() if module.training]
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    model.to(device).eval().requires_grad_(False)
    try:
        yield
    finally:
        for module in training:
            module.training = True
        for parameter in trainable:
            parameter.requires_grad_(True)


def batches(count: int, batch_size: int, *models: nn.Module) -> Iterator[slice]:
    """Yield where the batches of a data set are; stochastic models then draw by the numbers of a batch's images.

    So what they answer does not depend on the batch size, nor on what has been shown to them before.

    Args:
        count: how many images there are.
        batch_size: how many a batch has, but for the last.
        models: those that are shown the batches.
    """
    for start in range(0, count, batch_size):
        for model in models:
            seed_batch(model, start)
        yield slice(start, min(start + batch_size, count))


def predict(model: nn.Module, images: np.ndarray, batch_size: int, device: torch.device | str) -> np.ndarray:
    """Return the predicted classes.

    Args:
        model: a classifier.
        images: uint8, N x H x W x C.
        batch_size: images at a time; matters to memory and speed alone.
        device: where to compute.

    Returns:
        int64, N.
    """
    return predict_with_confidence(model, images, batch_size, device)[0]


def predict_with_confidence(
    model: nn.Module, images: np.ndarray, batch_size: int, device: torch.device | str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the predicted classes, and the softmax probabilities that the model gives them.

    Args:
        model: a classifier.
        images: uint8, N x H x W x C.
        batch_size: see `predict`.
        device: where to compute.

    Returns:
        int64, N, and float32, N, in [0, 1].
    """
    predictions = torch.empty(len(images), dtype=torch.int64, device=device)
    confidences = torch.empty(len(images), dtype=torch.float32, device=device)
    with inference(model, device), torch.no_grad():
        for batch in batches(len(images), batch_size, model):
            logits = model(to_images(images[batch], device))
            predictions[batch] = logits.argmax(dim=1)
            confidences[batch] = logits.softmax(dim=1).amax(dim=1)
    return predictions.cpu().numpy(), confidences.cpu().numpy()
