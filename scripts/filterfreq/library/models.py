"""Models of one's own: decomposed, penalised, normalised, averaged, and those that the workflow has trained."""

import copy
from collections.abc import Sequence
from pathlib import Path

from torch import nn

from filterfreq.models.checkpoints import RECORD_FILE, load_checkpoint
from filterfreq.models.classifier import Classifier
from filterfreq.models.surgery import decomposition as dct
from filterfreq.models.surgery.composition import compose
from filterfreq.models.surgery.convolution_normalisation import normalise
from filterfreq.models.surgery.post_averaging import post_averaging
from filterfreq.runtime.errors import InputError
from filterfreq.training.interventions.penalty import frequency_penalty

__all__ = ["average", "compose", "decompose", "frequency_penalty", "load_model", "normalise"]


def decompose(
    model: nn.Module, decomposition: str = "weight", min_kernel_size: int = 3, keep_weights: bool = True
) -> nn.Module:
    """Replace, in place, every convolution by one whose filters are written in a basis of cosines.

    Lukasik et al., Improving Native CNN Robustness with Filter Frequency Regularization, TMLR 2023. What is replaced
    and what is refused: `filterfreq.models.surgery.decomposition.decompose`.

    Args:
        model: any model.
        decomposition: "weight", all N x N cosines, or "signal", see `DCTConv2d`.
        min_kernel_size: the smallest kernel side that is replaced, in pixels.
        keep_weights: give the new layers the coefficients of the old weights, so that the model computes what it did;
            else, as the paper's released code does, draw them anew and leave biases out.

    Returns:
        The model, or the new layer where the model is itself a convolution.

    Raises:
        InputError: a convolution cannot be decomposed, none is large enough, or one has a bias that is to be kept.
    """
    if not keep_weights:
        return dct.decompose(model, decomposition, min_kernel_size)
    convolutions = {name: module for name, module in model.named_modules() if isinstance(module, nn.Conv2d)}
    biased = {name: layer for name, layer in convolutions.items() if layer.bias is not None}
    # On a copy: which of them are replaced is decided there, and nothing may change before it is known.
    trial = dct.decompose(copy.deepcopy(model), decomposition, min_kernel_size) if biased else model
    for name, layer in biased.items():
        if type(trial.get_submodule(name)) is not type(layer):
            raise InputError(
                f"layer {name or 'at the top'} has a bias, which a DCT layer cannot keep: give keep_weights=False to "
                "draw all anew, or fold the bias into what follows"
            )
    weights = {name: layer.weight.detach().clone() for name, layer in convolutions.items()}
    decomposed = dct.decompose(model, decomposition, min_kernel_size)
    for name, weight in weights.items():
        layer = decomposed.get_submodule(name) if name else decomposed
        # Where a layer pads as TensorFlow does, the DCT layer is the second of two.
        layer = layer[1] if isinstance(layer, nn.Sequential) else layer
        if isinstance(layer, dct.DCTConv2d):
            layer.set_weight(weight)
    return decomposed


def average(
    model: nn.Module,
    directions: str = "random",
    count: int = 15,
    radius: float = 6.0,
    unit: str = "normalised",
    vote: str = "softmax",
    mean: Sequence[float] = (0.0, 0.0, 0.0),
    std: Sequence[float] = (1.0, 1.0, 1.0),
    seed: int = 0,
) -> Classifier:
    """Average a model's answers over an image and points round it, a defence that adaptive attacks break.

    Lin and Jiang, Bandlimiting Neural Networks Against Adversarial Attacks, arXiv 1905.12797; what is computed:
    `filterfreq.models.surgery.post_averaging.post_averaging`.

    Args:
        model: a `Classifier`, as `load_model` returns, or any model from images normalised by `mean` and `std` to
            logits, such as one of images in [0, 1] as they are. The result has its layers, which are in eval mode then.
        directions: "random", "approx" or "exact".
        count: how many directions K; the average is over 6K + 1 points.
        radius: of the outermost points, in `unit`.
        unit: "normalised", divided by the std, or "pixels".
        vote: "softmax", "logit", "majority" or "weighted".
        mean: of each channel, in [0, 1] units; of a `Classifier` its own.
        std: likewise.
        seed: of the directions that are drawn.

    Returns:
        A classifier in eval mode: float32 images N x C x H x W in [0, 1] to logits N x classes.

    Raises:
        InputError: mean and std do not fit each other, or approx or exact of a model without linear layers.
    """
    classifier = model if isinstance(model, Classifier) else Classifier(model, mean, std)
    averaged = post_averaging(classifier, directions, count, radius, unit=unit, vote=vote)
    averaged.seed_draws(seed)
    return averaged.eval()


def load_model(folder: str | Path, compose: bool = True) -> Classifier:
    """Load a model that the workflow has trained, downloaded or derived.

    Args:
        folder: results/runs/<data set>/<model>/<variant>/seed-<n>, or the run.json in it.
        compose: return plain convolutions instead of DCT layers; the outputs are the same.

    Returns:
        A classifier in eval mode on the CPU: float32 images N x C x H x W in [0, 1] to logits N x classes.

    Raises:
        InputError: a file is missing or damaged, or names a model that cannot be built.
    """
    folder = Path(folder)
    classifier, _record = load_checkpoint(folder if folder.name == RECORD_FILE else folder / RECORD_FILE, compose)
    return classifier
