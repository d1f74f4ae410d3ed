"""The first convolution of a model: its filters, and what it makes of an image and of the same image perturbed."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from filterfreq.evaluation.filters.graph import find_convolutions
from filterfreq.evaluation.prediction import inference
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import reading, verify_checksum

_SHOWN = slice(5, 11)


def read_first_example(perturbations: str | Path) -> np.ndarray:
    """Read the first image that the rule `perturb` attacked, and what the attack made of it: 2 x H x W x 3, in [0, 1].

    Raises:
        InputError: the file is missing or damaged, or was changed since it was written.
    """
    with (
        reading(perturbations, "delete it and run again"),
        open(perturbations, "rb") as file,
        np.load(file, allow_pickle=False) as arrays,
    ):
        images = np.stack([arrays[name][0] for name in ("clean", "adversarial")])
    verify_checksum(perturbations)
    return images


def measure_first_layer(classifier: nn.Module, clean: np.ndarray, perturbed: np.ndarray) -> dict[str, np.ndarray]:
    """Return the filters of a model's first convolution, and its activations on two images.

    Gavrikov and Keuper (CVPR workshops 2022) show the activations of the filters 5 to 10: relu of the outputs.

    Args:
        classifier: takes images in [0, 1], with its normalisation inside; its attribute `backbone` is the network.
        clean: float32, H x W x 3, in [0, 1].
        perturbed: the same after an attack.

    Returns:
        `weights`, float32, O x I x height x width; `filters`, int64, the numbers of the filters whose activations are
        shown, 5 to 10, or of a layer with fewer than 11 the first ones; `activations`, float32, 2 x filters x H x W, of
        the clean and of the perturbed image; `change`, float64, the L2 norm of the difference of all activations
        divided by that of the clean image's (NaN where that is 0).

    Raises:
        InputError: no layer of the model is its first convolution.
    """
    convolutions = find_convolutions(classifier.backbone, clean.shape[0])
    name = min(convolutions, key=lambda found: found.depth).layer if convolutions else None
    if name is None:
        raise InputError("the model begins with no convolution that is a layer of it: leave its first layer out")
    layer = classifier.backbone.get_submodule(name)
    outputs: list[torch.Tensor] = []
    hook = layer.register_forward_hook(lambda module, inputs, output: outputs.append(output.detach().relu()))
    images = torch.from_numpy(np.stack([clean, perturbed])).permute(0, 3, 1, 2)
    try:
        with inference(classifier, "cpu"), torch.no_grad():
            classifier(images)
    finally:
        hook.remove()
    weights, activations = layer.weight.detach().numpy(), outputs[0].numpy()
    norms = [np.linalg.norm(values.astype(np.float64)) for values in (activations[1] - activations[0], activations[0])]
    shown = np.arange(len(weights))[_SHOWN if len(weights) >= _SHOWN.stop else slice(_SHOWN.stop - _SHOWN.start)]
    return {
        "weights": weights,
        "filters": shown,
        "activations": activations[:, shown],
        "change": np.array(norms[0] / norms[1] if norms[1] else np.nan),
    }
