"""The suite `spectra`: the mean spectrum of adversarial perturbations, over the images that they fool.

Yin, Gontijo Lopes, Shlens, Cubuk, Gilmer, A Fourier Perspective on Model Robustness in Computer Vision, NeurIPS 2019,
Figure 7 (a, b). What of the suite is the same for all models is in `filterfreq.evaluation.image_spectra`.
"""

from typing import Any

import numpy as np
import torch
from torch import nn

from filterfreq.data.batches import to_images
from filterfreq.evaluation.job import SuiteJob
from filterfreq.evaluation.prediction import batches, inference
from filterfreq.evaluation.progress import Progress
from filterfreq.evaluation.results import format_parameter, fraction, quantity
from filterfreq.frequencies.pairs import distinct_frequencies
from filterfreq.frequencies.spectra import spectrum_magnitudes
from filterfreq.training.attack_names import attack_name
from filterfreq.training.attacks import attack_images
from filterfreq.training.epsilon import parse_epsilon


def run(job: SuiteJob) -> list[dict[str, Any]]:
    """Return the rows of one model."""
    return evaluate_spectra(
        job.classifier,
        job.images,
        job.labels,
        job.batch_size,
        job.device,
        job.record["run"]["seed"],
        progress=job.progress,
        **job.settings_beside_images,
    )


def evaluate_spectra(
    model: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    batch_size: int,
    device: torch.device | str,
    seed: int,
    attack: str = "pgd",
    norm: str = "linf",
    epsilon: str = "8/255",
    steps: int = 50,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Measure the mean |F(X_adv - X)| over the images that the model misclassifies after an attack.

    All images are attacked, and those count that are misclassified then, be they so before it or not.

    Args:
        model: a classifier.
        images: uint8, N x H x W x C.
        labels: int64, N.
        batch_size: images at a time; random starts depend on it.
        device: where to compute.
        seed: of the random starts.
        attack: "pgd" or "fgsm".
        norm: "linf" or "l2".
        epsilon: radius of the ball, in units of [0, 1].
        steps: of PGD.
        progress: keeps each batch's sums.

    Returns:
        A row of the error under the attack, and for one frequency of each mirrored pair one of the mean size of the
        coefficient over misclassified images and channels, NaN where there are none.

    Raises:
        InputError: an unknown attack or norm, PGD without steps, or an epsilon that is no number from 0 up.
    """
    settings, radius = {"attack": attack, "norm": norm, "steps": steps}, parse_epsilon(epsilon)
    frequencies = distinct_frequencies(*images.shape[1:3])
    progress = progress or Progress()
    # The last sum is the number of misclassified images.
    sums = np.zeros(len(frequencies) + 1)
    with inference(model, device):
        for batch in batches(len(labels), batch_size, model):

            def measure(batch: slice = batch) -> np.ndarray:
                state = np.random.SeedSequence((seed, batch.start)).generate_state(1)
                generator = torch.Generator().manual_seed(int(state[0]))
                clean, truth = to_images(images[batch], device), torch.from_numpy(np.array(labels[batch])).to(device)
                adversarial = attack_images(settings, model, clean, truth, radius, generator)
                with torch.no_grad():
                    wrong = model(adversarial).argmax(dim=1) != truth
                found = spectrum_magnitudes(adversarial - clean)[wrong].sum(dim=0, dtype=torch.float64)
                return torch.cat([found, wrong.sum()[None]]).cpu().numpy()

            sums += progress.numbers(f"from {batch.start}", measure)
    parameters = {"attack": attack_name(settings), "norm": norm, "epsilon": epsilon}
    fooled = round(sums[-1])
    rows = [fraction("error", format_parameter(**parameters), fooled, len(labels))]
    for (u, v), total in zip(frequencies, sums[:-1], strict=True):
        parameter = format_parameter(**parameters, u=u, v=v)
        rows.append(quantity("adversarial_magnitude", parameter, total / fooled if fooled else np.nan, fooled))
    return rows
