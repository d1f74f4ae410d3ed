"""SN-GAN: a generator and a discriminator, whose layers may be normalised, trained with the hinge loss.

Miyato et al., Spectral Normalization for Generative Adversarial Networks, ICLR 2018 (arXiv 1802.05957).
"""

import math
from statistics import fmean
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from filterfreq.evaluation.results import format_parameter, quantity
from filterfreq.fits.training import train_by_iterations
from filterfreq.gans.job import GanJob, to_network, to_pixels
from filterfreq.gans.networks import (
    Discriminator,
    Generator,
    exact_spectral_norms,
    normalise_discriminator,
    reshaped_spectral_norms,
)

LOWEST_LOSS, HIGHEST_LOSS = 0.05, 4.0
"""Of a discriminator that has not collapsed; one that scores every image 0 has a hinge loss of 2."""
_JUDGED_SHARE = 0.2  # of the recorded losses, the last ones


def hinge_losses(real: Tensor, generated: Tensor) -> Tensor:
    """Return the discriminator's hinge loss, E max(0, 1 - D(x)) + E max(0, 1 + D(G(z))), of both kinds of scores, N."""
    return F.relu(1 - real).mean() + F.relu(1 + generated).mean()


def has_diverged(losses: list[float]) -> bool:
    """Return whether a training has diverged, by the recorded hinge losses of its discriminator.

    It has where one is not finite, or where the mean of the last fifth has collapsed: below 0.05, where the
    discriminator tells almost all images apart with a margin and learns no more, or above 4, twice the loss of a
    discriminator that scores all images 0. This criterion is ours.
    """
    if not all(math.isfinite(loss) for loss in losses):
        return True
    judged = losses[-max(1, round(_JUDGED_SHARE * len(losses))) :]
    return not LOWEST_LOSS <= fmean(judged) <= HIGHEST_LOSS


def gradient_norm(network: nn.Module) -> float:
    """Return the L2 norm of the gradient of all parameters together."""
    gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    return float(torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(g) for g in gradients])))


def train_sngan(job: GanJob) -> list[dict[str, Any]]:
    """Train one GAN, measure it on the way, and keep its generator and a sheet of samples.

    Every iteration is `discriminator_steps` updates of the discriminator and one of the generator. What an iteration
    draws, with replacement, is fixed by the seed and its number alone. A training that has diverged beyond finite
    numbers ends there; what was recorded before stays.

    Args:
        job: its seed gives the initial weights, the images and the latent vectors.

    Returns:
        After every `record_every` iterations the losses and gradient norms of the last updates and the reshaped
        spectral norms of the discriminator's layers, and after every `exact_norms_every` the exact ones; and whether
        the training has diverged, see `has_diverged`.

    Raises:
        StoppedError: see `filterfreq.fits.training.train_by_iterations`.
    """
    settings, images = job.settings, job.images
    batch_size, latent, steps = (settings[key] for key in ("batch_size", "latent", "discriminator_steps"))
    generator, discriminator = build_networks(job, images.shape[1])
    adam = {"lr": settings["learning_rate"], "betas": (float(settings["beta1"]), float(settings["beta2"]))}
    of_generator = torch.optim.Adam(generator.parameters(), **adam)
    of_discriminator = torch.optim.Adam(discriminator.parameters(), **adam)
    losses = {"discriminator": math.nan, "generator": math.nan}

    def step(iteration: int) -> float:
        draws = np.random.default_rng([job.seed, iteration])
        for _ in range(steps):
            real = to_network(images[np.sort(draws.integers(len(images), size=batch_size))], job.device)
            with torch.no_grad():
                generated = generator(draw_latents(draws, batch_size, latent, job.device))
            of_discriminator.zero_grad()
            loss = hinge_losses(discriminator(real), discriminator(generated))
            loss.backward()
            of_discriminator.step()
        losses["discriminator"] = loss.item()
        discriminator.requires_grad_(False)
        of_generator.zero_grad()
        loss = -discriminator(generator(draw_latents(draws, batch_size, latent, job.device))).mean()
        loss.backward()
        of_generator.step()
        discriminator.requires_grad_(True)
        losses["generator"] = loss.item()
        return losses["discriminator"]

    def measure(iteration: int) -> list[dict[str, Any]]:
        parameter = format_parameter(iteration=iteration)
        values = {
            "discriminator_loss": losses["discriminator"],
            "generator_loss": losses["generator"],
            "discriminator_gradient_norm": gradient_norm(discriminator),
            "generator_gradient_norm": gradient_norm(generator),
        }
        rows = [quantity(name, parameter, value, batch_size) for name, value in values.items()]
        norms = {"reshaped_spectral_norm": reshaped_spectral_norms(discriminator)}
        is_exact = "exact_norms_every" in settings and iteration % settings["exact_norms_every"] == 0
        if is_exact and all(map(math.isfinite, norms["reshaped_spectral_norm"].values())):
            norms["spectral_norm"] = exact_spectral_norms(discriminator, images.shape[1])
        for metric, by_layer in norms.items():
            for layer, norm in by_layer.items():
                rows.append(quantity(metric, format_parameter(iteration=iteration, layer=layer), norm, 1))
        return rows

    parts = {
        "generator": generator,
        "discriminator": discriminator,
        "of_generator": of_generator,
        "of_discriminator": of_discriminator,
    }
    rows = train_by_iterations(parts, step, measure, job, is_over=lambda rows: not _are_finite(rows))
    recorded = [row["value"] for row in rows if row["metric"] == "discriminator_loss"]
    diverged = has_diverged(recorded) or not _are_finite(rows)
    rows = [row for row in rows if math.isfinite(row["value"])]
    iterations = len(recorded) * settings["record_every"]
    rows.append(quantity("diverged", format_parameter(iterations=iterations), diverged, 1))
    job.keep_generator(generator, draw_samples(generator, job))
    return rows


def build_networks(job: GanJob, image_size: int) -> tuple[Generator, Discriminator]:
    """Build both networks on the job's device with torch's own initialisation; equal seeds give equal weights."""
    settings, width = job.settings, job.spec["network"]["width"]
    torch.manual_seed(job.seed)
    generator = Generator(settings["latent"], width, image_size)
    discriminator = Discriminator(width, image_size, settings["strided_kernel"])
    return generator.to(job.device), normalise_discriminator(
        discriminator.to(job.device), settings["normalisation"], image_size
    )


def draw_latents(draws: np.random.Generator, number: int, latent: int, device: torch.device) -> Tensor:
    """Draw latent vectors from a normal distribution: number x latent."""
    return torch.from_numpy(draws.standard_normal((number, latent), dtype=np.float32)).to(device)


@torch.no_grad()
def draw_samples(generator: Generator, job: GanJob) -> np.ndarray:
    """Make the images of a sample sheet, with the running statistics of batch normalisation: uint8, N x H x W x 3.

    The latent vectors are the same for all runs, seeds and variants.
    """
    latents = draw_latents(np.random.default_rng(0), job.settings["samples"], job.settings["latent"], job.device)
    generator.eval()
    return to_pixels(generator(latents))


def _are_finite(rows: list[dict[str, Any]]) -> bool:
    return all(math.isfinite(row["value"]) for row in rows)
