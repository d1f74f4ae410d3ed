"""The suite `filters`: energy of the learned filters per DCT coefficient, layer by layer, for any model."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.fft import dctn
from torch import nn

from filterfreq.evaluation.job import SuiteJob
from filterfreq.evaluation.results import format_parameter, quantity
from filterfreq.models.surgery.composition import compose
from filterfreq.runtime.errors import InputError

_SMALLEST_KERNEL = 3
_COORDINATES = ("layer", "index", "depth", "horizontal", "vertical")


def run(job: SuiteJob) -> list[dict[str, Any]]:
    """Return the rows of one model."""
    return spectra_rows(filter_spectra(job.classifier.backbone))


def filter_spectra(model: nn.Module) -> pd.DataFrame:
    """Return the energy of the spatial filters of a model per DCT coefficient.

    Every Conv2d with both kernel sides >= 3 counts, in the order of the modules; DCT layers count as the convolutions
    that they compose. Each filter W[o, i] is transformed by the orthonormal 2-D DCT-II. In this basis energy is
    preserved (Parseval): the squared coefficients of a filter sum to its squared weights, so that shares of energy mean
    the same in every layer and every model, however it was trained. The DCT layers' own basis, scaled to L1 norm one,
    lacks that.

    Args:
        model: any model, on any device; it is left as it is.

    Returns:
        One row per layer and coefficient:

        - layer: the module's name; index: its number among the layers, from 0; depth: index / (layers - 1), in [0, 1],
          0 for a single layer;
        - horizontal, vertical: the frequency along a row and along a column, from 0 to the kernel's side less one;
        - energy: the squared coefficient, mean over the layer's filters;
        - energy_share: energy / its sum over the layer's coefficients, in [0, 1];
        - filters: the number of filters, output channels x input channels of a group.

    Raises:
        InputError: the model has no such convolution, or a layer's weights are all zero or not finite.
    """
    layers = [
        (name, module.weight.detach().cpu().double().numpy())
        for name, module in compose(model).named_modules()
        if isinstance(module, nn.Conv2d) and min(module.kernel_size) >= _SMALLEST_KERNEL
    ]
    if not layers:
        raise InputError("the model has no convolution of 3 x 3 or more: there are no spatial filters to analyse")
    return pd.concat(
        [
            _layer_spectrum(name, weight).assign(layer=name, index=index, depth=index / max(len(layers) - 1, 1))
            for index, (name, weight) in enumerate(layers)
        ],
        ignore_index=True,
    )[[*_COORDINATES, "energy", "energy_share", "filters"]]


def spectra_rows(spectra: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of what `filter_spectra` returns: rows of `energy_share`, n the number of filters."""
    return [
        quantity(
            "energy_share",
            format_parameter(**{name: row[name] for name in _COORDINATES}),
            row["energy_share"],
            row["filters"],
        )
        for row in spectra.to_dict("records")
    ]


def _layer_spectrum(name: str, weight: np.ndarray) -> pd.DataFrame:
    """The mean energy of the coefficients of filters [output channels, input channels of a group, height, width]."""
    energy = np.square(dctn(weight, axes=(2, 3), norm="ortho")).mean(axis=(0, 1))
    total = energy.sum()
    if not 0 < total < np.inf:
        raise InputError(f"the weights of layer {name} are all zero or not finite: train the model again")
    vertical, horizontal = np.indices(energy.shape)
    return pd.DataFrame(
        {
            "horizontal": horizontal.ravel(),
            "vertical": vertical.ravel(),
            "energy": energy.ravel(),
            "energy_share": (energy / total).ravel(),
            "filters": weight.shape[0] * weight.shape[1],
        }
    )
