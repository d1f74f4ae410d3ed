"""What a classifier answers to stored images for all classes."""

import numpy as np
import torch
from torch import nn

from filterfreq.data.batches import to_images
from filterfreq.evaluation.prediction import batches, inference

OUTPUTS = ("probability", "logit")
"""What an answer is: a probability of the softmax, or what comes before it."""


def predict_answers(
    model: nn.Module, images: np.ndarray, output: str, batch_size: int, device: torch.device | str
) -> np.ndarray:
    """Return what a classifier answers to images: float32, N x classes.

    Args:
        model: a classifier.
        images: uint8, N x H x W x C.
        output: one of `OUTPUTS`.
        batch_size: images at a time; matters to memory and speed alone.
        device: where to compute.
    """
    found = []
    with inference(model, device), torch.no_grad():
        for batch in batches(len(images), batch_size, model):
            logits = model(to_images(images[batch], device))
            found.append((logits.softmax(dim=1) if output == "probability" else logits).float().cpu().numpy())
    return np.concatenate(found)
