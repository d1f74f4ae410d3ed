"""How far generated images are from those of a data set, in the features of a classifier that this project trained.

The Frechet distance of two Gaussians with the means and covariances of the features (Dowson and Landau, The Frechet
Distance between Multivariate Normal Distributions, Journal of Multivariate Analysis 12, 1982), as Heusel et al. (GANs
Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium, NeurIPS 2017) take it in those of an
Inception network. Other features give other numbers: this is no FID, and distances by two classifiers cannot be
compared.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from filterfreq.data.batches import to_images
from filterfreq.evaluation.prediction import batches, inference
from filterfreq.evaluation.results import format_parameter, quantity
from filterfreq.gans.job import to_pixels
from filterfreq.gans.networks import Generator
from filterfreq.gans.sngan import draw_latents
from filterfreq.runtime.errors import InputError

Gaussian = tuple[np.ndarray, np.ndarray]
"""A mean, D, and a covariance, D x D, in float64."""


def frechet_distance(one: Gaussian, other: Gaussian) -> float:
    """Return |m - m'|^2 + tr(C + C' - 2 (C C')^(1/2)), the square of the Frechet distance, which FID is too.

    The trace of the root is the sum of the roots of the eigenvalues of C^(1/2) C' C^(1/2), which is symmetric; what
    rounding makes of singular covariances below zero counts as zero.
    """
    (mean, covariance), (other_mean, other_covariance) = one, other
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    product = np.linalg.eigvalsh(root @ other_covariance @ root)
    traces = np.trace(covariance) + np.trace(other_covariance) - 2 * np.sqrt(product.clip(min=0)).sum()
    return float(((mean - other_mean) ** 2).sum() + traces)


def gaussian_of(features: np.ndarray) -> Gaussian:
    """Return the mean and the covariance (n - 1) of features, N x D, N at least 2."""
    features = features.astype(np.float64)
    return features.mean(axis=0), np.cov(features, rowvar=False).reshape(features.shape[1], features.shape[1])


def penultimate_features(
    classifier: nn.Module, images: np.ndarray, batch_size: int, device: torch.device | str
) -> np.ndarray:
    """Return what a classifier's last linear layer sees of images.

    Args:
        classifier: float images N x C x H x W in [0, 1] to logits.
        images: uint8, N x H x W x C.
        batch_size: images at a time.
        device: where to compute.

    Returns:
        float32, N x D.

    Raises:
        InputError: it has no linear layer.
    """
    seen: list[torch.Tensor] = []

    def keep(module: nn.Module, arguments: tuple) -> None:
        seen.append(arguments[0])

    layers = [module for module in classifier.modules() if isinstance(module, nn.Linear)]
    handles = [layer.register_forward_pre_hook(keep) for layer in layers]
    features = []
    try:
        with inference(classifier, device), torch.no_grad():
            for batch in batches(len(images), batch_size, classifier):
                seen.clear()
                classifier(to_images(images[batch], device))
                if not seen:
                    raise InputError(
                        "the classifier has no linear layer, before which features are taken: name another"
                    )
                features.append(seen[-1].flatten(1).float().cpu().numpy())
    finally:
        for handle in handles:
            handle.remove()
    return np.concatenate(features)


@torch.no_grad()
def generated_images(generator: Generator, count: int, batch_size: int, device: torch.device) -> Iterator[np.ndarray]:
    """Yield so many images in batches, uint8, n x H x W x 3, with the running statistics of batch normalisation.

    The latent vectors are the same for all generators with as many numbers in one.
    """
    draws = np.random.default_rng(1)
    generator.to(device).eval()
    for start in range(0, count, batch_size):
        size = min(batch_size, count - start)
        yield to_pixels(generator(draw_latents(draws, size, generator.linear.in_features, device)))


def measure_generator(
    generator: Generator,
    classifier: nn.Module,
    name: str,
    images: np.ndarray,
    batch_size: int,
    device: torch.device,
) -> list[dict[str, Any]]:
    """Return the row of the Frechet distance between generated images and as many of a data set.

    Of a generator whose weights are not finite, images are black, see `filterfreq.gans.job.to_pixels`.

    Args:
        generator: the trained one.
        classifier: of the data set's classes.
        name: of the classifier, which stands in the row.
        images: test images of the data set, uint8, N x H x W x 3, N at least 2.
        batch_size: images at a time.
        device: where to compute.

    Raises:
        InputError: see `penultimate_features`; or the classifier's features are not finite.
    """
    made = np.concatenate(list(generated_images(generator, len(images), batch_size, device)))
    gaussians = [gaussian_of(penultimate_features(classifier, shown, batch_size, device)) for shown in (made, images)]
    if not all(np.isfinite(part).all() for gaussian in gaussians for part in gaussian):
        raise InputError(f"the features of the classifier {name} are not finite: name another")
    return [
        quantity("frechet_classifier", format_parameter(classifier=name), frechet_distance(*gaussians), len(images))
    ]
