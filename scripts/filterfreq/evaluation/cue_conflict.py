"""The suite `cue_conflict` of ImageNet's models, on the published stimuli and beside the published observers."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from torch import nn

from filterfreq.data.shifted.imagenet_categories import CATEGORIES
from filterfreq.data.shifted.prepared import PreparedShift
from filterfreq.evaluation.accuracy import CategoryClassifier, evaluate_cue_conflict
from filterfreq.evaluation.observers import parse_stimulus, read_responses
from filterfreq.runtime.errors import InputError


def evaluate_stimuli(
    model: nn.Module,
    stimuli: PreparedShift,
    responses: Iterable[str | Path],
    batch_size: int,
    device: torch.device | str,
) -> list[dict[str, Any]]:
    """Measure which cue decides the answers of a model of ImageNet, and whether it errs where observers do.

    The model answers with the 16 categories (see `CategoryClassifier`). Shape and texture are read from the names of
    the stimuli, which are those of Geirhos et al. (ICLR 2019).

    Args:
        model: a classifier of ImageNet's 1,000 classes.
        stimuli: the prepared set.
        responses: files of published answers, one for each observer.
        batch_size: images at a time.
        device: where to compute.

    Returns:
        The rows of `evaluate_cue_conflict`.

    Raises:
        InputError: a stimulus has another name, or lies in another folder than its shape's; a file of answers is
            damaged or holds none to these stimuli, or two are of one observer.
    """
    images = stimuli.images()
    parsed = [parse_stimulus(PurePosixPath(name).name) for name in images.names]
    names = list(CATEGORIES)
    shapes, textures = (np.array([names.index(row[column]) for row in parsed]) for column in (1, 2))
    for label, name, (_, shape, _) in zip(stimuli.labels(), images.names, parsed, strict=True):
        if stimuli.classes[label] != shape:
            raise InputError(f"{name} in {images.folder} has the shape {shape}: put it into the folder of that name")
    observers = {}
    for path in responses:
        table = read_responses(path)
        name = "+".join(table["observer"].unique())
        if name in observers:
            raise InputError(f"{path} holds answers of {name}, as another file does: give each observer once")
        observers[name] = table
    answering = CategoryClassifier(model, CATEGORIES.values())
    stems = [row[0] for row in parsed]
    return evaluate_cue_conflict(answering, images, shapes, textures, names, batch_size, device, stems, observers)
