"""The first convolution of a model: its filters, and what it makes of images and of the same images perturbed.

Gavrikov and Keuper (Adversarial Robustness through the Lens of Convolutional Filters, CVPR workshops 2022) show the
activations of one image, of the same image attacked, and their difference: relu(conv1((x - mean) / std)). They state no
number of it. The number here, `relative_change`, is ours.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from filterfreq.evaluation.filters.graph import find_convolutions, to_numpy
from filterfreq.evaluation.prediction import inference
from filterfreq.models.surgery.composition import ComposedLayer
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import reading, verify_checksum

_SHOWN = slice(5, 11)


class _ReachedError(Exception):
    """The first layer has its outputs: what comes after it need not be computed."""


def read_perturbed_images(perturbations: str | Path) -> np.ndarray:
    """Read the images that the rule `perturb` attacked, and what the attack made of them.

    Args:
        perturbations: an .npz with `clean` and `adversarial`.

    Returns:
        float32, 2 x N x H x W x 3, in [0, 1]: the clean images, then the attacked ones.

    Raises:
        InputError: the file is missing or damaged, or was changed since it was written.
    """
    with (
        reading(perturbations, "delete it and run again"),
        open(perturbations, "rb") as file,
        np.load(file, allow_pickle=False) as arrays,
    ):
        images = np.stack([arrays[name] for name in ("clean", "adversarial")])
    verify_checksum(perturbations)
    return images


def measure_first_layer(classifier: nn.Module, clean: np.ndarray, perturbed: np.ndarray) -> dict[str, np.ndarray]:
    """Return the filters of a model's first convolution, and its activations on two images.

    The paper shows the activations of the filters 5 to 10.

    Args:
        classifier: takes images in [0, 1], with its normalisation inside; its attribute `backbone` is the network.
        clean: float32, H x W x 3, in [0, 1].
        perturbed: the same after an attack.

    Returns:
        `weights`, floating point, O x I x height x width; `filters`, int64, the numbers of the filters whose
        activations are shown, 5 to 10, or of a layer with fewer than 11 the first ones; `activations`, float32,
        2 x filters x H x W, of the clean and of the perturbed image; `change`, float64, the `relative_change` of all
        activations.

    Raises:
        InputError: no layer of the model is its first convolution.
    """
    name = first_convolution(classifier, clean.shape[0])
    layer = classifier.backbone.get_submodule(name)
    weights = to_numpy((layer.plain_layer() if isinstance(layer, ComposedLayer) else layer).weight)
    activations = np.concatenate([_activate(classifier, layer, image[None]) for image in (clean, perturbed)])
    shown = np.arange(len(weights))[_SHOWN if len(weights) >= _SHOWN.stop else slice(_SHOWN.stop - _SHOWN.start)]
    return {
        "weights": weights,
        "filters": shown,
        "activations": activations[:, shown],
        "change": np.array(_relative_norm(activations[1] - activations[0], activations[0])),
    }


def relative_change(classifier: nn.Module, clean: np.ndarray, perturbed: np.ndarray) -> tuple[str, float]:
    """Return how much of a model's first convolution's activations a perturbation changes.

    |a(x') - a(x)| / |a(x)|, with a = relu of the layer's outputs (with its bias, before any batch normalisation) and L2
    norms over all images, pixels and filters at once, so that images of large activations weigh more. 0: the layer
    removes the perturbation. A factor that all filters share changes nothing, a bias does.

    Args:
        classifier: see `measure_first_layer`.
        clean: float32, N x H x W x 3, in [0, 1].
        perturbed: the same images after an attack, on this model or another one.

    Returns:
        The layer's name, and the number, 0 or more; NaN where all activations of the clean images are 0.

    Raises:
        InputError: no layer of the model is its first convolution.
    """
    name = first_convolution(classifier, clean.shape[1])
    layer = classifier.backbone.get_submodule(name)
    before = _activate(classifier, layer, clean)
    return name, _relative_norm(_activate(classifier, layer, perturbed) - before, before)


def first_convolution(classifier: nn.Module, image_size: int) -> str:
    """Return the name of the convolution that an image meets first in a classifier's network.

    Raises:
        InputError: there is none, or it is no layer of its own.
    """
    convolutions = find_convolutions(classifier.backbone, image_size)
    name = min(convolutions, key=lambda found: found.depth).layer if convolutions else None
    if name is None:
        raise InputError(
            "the model begins with no convolution that is a layer of it: leave first_layer and perturbations out of "
            "its experiment's suites"
        )
    return name


def _activate(classifier: nn.Module, layer: nn.Module, images: np.ndarray) -> np.ndarray:
    """Return relu of what a layer makes of images N x H x W x 3, float32 N x O x H x W."""
    outputs: list[Tensor] = []

    def keep(module: nn.Module, inputs: object, output: Tensor) -> None:
        outputs.append(output.relu())
        raise _ReachedError

    hook = layer.register_forward_hook(keep)
    try:
        with inference(classifier, "cpu"), torch.no_grad():
            classifier(torch.from_numpy(images).permute(0, 3, 1, 2))
    except _ReachedError:
        pass
    finally:
        hook.remove()
    return outputs[0].numpy()


def _relative_norm(change: np.ndarray, values: np.ndarray) -> float:
    """The L2 norm of a change relative to that of the values; NaN where that is 0."""
    changed, norm = (np.linalg.norm(array.astype(np.float64)) for array in (change, values))
    return float(changed / norm) if norm else np.nan
