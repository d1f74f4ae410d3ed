"""How long each frequency that a network has learned survives changes of its parameters.

Rahaman et al., On the Spectral Bias of Neural Networks, ICML 2019 (arXiv 1806.08734), experiment 2 (Figure 3).
"""

from typing import Any

import numpy as np
import torch
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from filterfreq.evaluation.results import format_parameter, quantity
from filterfreq.fits.job import FitJob
from filterfreq.fits.networks import build_network
from filterfreq.fits.sinusoids import sinusoid_inputs, train_on_sinusoids


def fit_perturbed_sinusoids(job: FitJob) -> list[dict[str, Any]]:
    """Train networks on sums of sinusoids, and measure the spectra of networks round them.

    Args:
        job: as `filterfreq.fits.sinusoids.train_on_sinusoids` takes it; the directions are drawn from each seed.

    Returns:
        Of each repeat its loss in training, and for each norm and frequency `kept_amplitude`.

    Raises:
        InputError, StoppedError: see `filterfreq.fits.training.train_full_batch`.
    """
    repeats, trained = train_on_sinusoids(job)
    settings = job.settings
    norms = np.linspace(0, settings["largest_norm"], settings["norms"])
    inputs = sinusoid_inputs(settings)
    rows = [row for row in trained if row["metric"] == "loss"]
    for number, seed in enumerate(job.seeds):
        network = build_network(job.spec["network"], inputs.shape[1], 1, seed)
        repeats.unstack(number, network)
        kept = kept_amplitudes(network, inputs, settings["frequencies"], norms, settings["draws"], seed)
        for norm, of_norm in zip(norms, kept, strict=True):
            for frequency, value in zip(settings["frequencies"], of_norm, strict=True):
                parameter = format_parameter(norm=f"{norm:.6g}", frequency=frequency)
                rows.append({"seed": seed, **quantity("kept_amplitude", parameter, value, settings["draws"])})
        job.announce(f"{job.name}  seed {seed} is perturbed")
    return rows


@torch.no_grad()
def kept_amplitudes(
    network: torch.nn.Module, inputs: torch.Tensor, frequencies: list[int], norms: np.ndarray, draws: int, seed: int
) -> np.ndarray:
    """Return the mean amplitude of each frequency over random changes of all parameters, relative to that without.

    Args:
        network: on the CPU, from N x inputs to N x 1; left as it is.
        inputs: N x inputs, the points of one period, in order.
        frequencies: k, in cycles per period, at most N / 2.
        norms: L2 norms of the changes, at least 0.
        draws: how many directions there are of each norm, uniform on the sphere.
        seed: of the directions.

    Returns:
        Norms x frequencies: mean over the draws of |FFT(f')_k|, divided by |FFT(f)_k|.
    """
    generator = torch.Generator().manual_seed(seed)
    trained = parameters_to_vector(network.parameters())

    def amplitudes() -> np.ndarray:
        return np.abs(np.fft.rfft(network(inputs).squeeze(1).double().numpy()))[frequencies]

    whole = amplitudes()
    kept = np.zeros((len(norms), len(frequencies)))
    for number, norm in enumerate(norms.tolist()):
        for _ in range(draws):
            direction = torch.randn(trained.shape, generator=generator)
            vector_to_parameters(trained + norm * direction / direction.norm(), network.parameters())
            kept[number] += amplitudes() / draws
    vector_to_parameters(trained, network.parameters())
    return kept / whole
