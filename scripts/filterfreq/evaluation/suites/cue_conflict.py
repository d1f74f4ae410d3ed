"""The suite `cue_conflict`: which cue decides where shape and texture disagree.

Models of ImageNet's classes are shown the published stimuli, and held against the published observers of these.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from filterfreq.data.shifted.imagenet_categories import CATEGORIES
from filterfreq.data.shifted.prepared import PreparedShift
from filterfreq.evaluation.categories import CategoryClassifier
from filterfreq.evaluation.job import SuiteJob
from filterfreq.evaluation.observers import error_consistency, parse_stimulus, read_responses
from filterfreq.evaluation.prediction import predict
from filterfreq.evaluation.results import format_parameter, fraction, quantity
from filterfreq.evaluation.shape_bias import shape_bias
from filterfreq.runtime.errors import InputError


def run(job: SuiteJob) -> list[dict[str, Any]]:
    """Return the rows of one model, of the published stimuli where these are inputs, else of its data set's images."""
    if stimuli := job.inputs.get("stimuli"):
        responses = job.inputs.get("responses", [])
        shown = job.read_once("stimuli", lambda: PreparedShift(stimuli, job.threads))
        return evaluate_stimuli(job.classifier, shown, responses, job.batch_size, job.device)
    return evaluate_cue_conflict(
        job.classifier,
        job.dataset.images("cue_conflict"),
        job.dataset.array("cue_conflict_shapes"),
        job.dataset.array("cue_conflict_textures"),
        job.dataset.classes,
        job.batch_size,
        job.device,
    )


def evaluate_cue_conflict(
    model: nn.Module,
    images: np.ndarray,
    shapes: np.ndarray,
    textures: np.ndarray,
    classes: Sequence[str],
    batch_size: int,
    device: torch.device | str,
    stimuli: Sequence[str] = (),
    observers: Mapping[str, pd.DataFrame] | None = None,
) -> list[dict[str, Any]]:
    """Measure which cue decides where shape and texture disagree.

    Args:
        model: a classifier.
        images: uint8, N x H x W x C.
        shapes: int64, N: the class of each image's shape.
        textures: int64, N: the class of each image's texture.
        classes: the names of the classes.
        batch_size: see `filterfreq.evaluation.prediction.predict`.
        device: where to compute.
        stimuli: the name of each image, where there are observers.
        observers: answers to the same stimuli by observer, as `filterfreq.evaluation.observers.read_responses` returns.

    Returns:
        Rows of the shape bias, overall and per class that occurs as a shape, with the number of answers that named a
        cue as n, and rows of the fraction of all images answered by their shape and by their texture; then for each
        observer a row of the error consistency, with the number of stimuli that both answered as n.

    Raises:
        InputError: an observer was shown none of the stimuli.
    """
    predictions = predict(model, images, batch_size, device)
    counts = shape_bias(pd.DataFrame({"response": predictions, "shape": shapes, "texture": textures})).counts
    answers = [("overall", counts.sum())] + [(classes[shape], row) for shape, row in counts.iterrows()]
    rows = [
        fraction("shape_bias", format_parameter(category=category), row["shape"], row.sum())
        for category, row in answers
    ]
    for cue, truth in (("shape", shapes), ("texture", textures)):
        rows.append(fraction("accuracy", format_parameter(cue=cue), (predictions == truth).sum(), len(images)))
    if observers:
        names = np.array(classes)
        own = pd.DataFrame({"stimulus": stimuli, "response": names[predictions], "shape": names[shapes]})
        for observer, responses in observers.items():
            kappa = error_consistency(own, responses)
            # Where nothing could differ it is unknown, and stands on nothing.
            common = 0 if math.isnan(kappa) else own["stimulus"].isin(responses["stimulus"]).sum()
            rows.append(quantity("error_consistency", format_parameter(observer=observer), kappa, common))
    return rows


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
