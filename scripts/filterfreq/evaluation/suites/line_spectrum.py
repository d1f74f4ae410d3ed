"""The suite `line_spectrum`: the power of a classifier's answer along random lines through images, by frequency.

Lin, K. A., Jiang, Bandlimiting Neural Networks Against Adversarial Attacks, 2019, arXiv 1905.12797, hold that networks
of ReLU have energy at high frequencies and that averaging over a neighbourhood removes it. In thousands of dimensions a
spectrum can be looked at along lines.
"""

from typing import Any

import numpy as np
import torch
from torch import nn

from filterfreq.data.batches import to_images
from filterfreq.evaluation.directions import uniform_directions
from filterfreq.evaluation.job import SuiteJob
from filterfreq.evaluation.prediction import batches, inference
from filterfreq.evaluation.progress import Progress
from filterfreq.evaluation.results import format_parameter, quantity
from filterfreq.frequencies.line_spectra import line_power, logarithmic_bands
from filterfreq.models.stochastic import seed_batch

_OUTPUTS = ("logit", "probability")
_MOST_BANDS = 32


def run(job: SuiteJob) -> list[dict[str, Any]]:
    """Return the rows of one model."""
    shown = job.classifier, job.images, job.labels, job.batch_size, job.device
    return evaluate_line_spectrum(*shown, progress=job.progress, **job.settings_beside_images)


def evaluate_line_spectrum(
    model: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    batch_size: int,
    device: torch.device | str,
    length: float,
    unit: str = "normalised",
    points: int = 256,
    lines: int = 1,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Measure the power of the true class's logit and probability along lines x + t v through images x.

    t is at `points` even distances in [-length, length), v uniform on the unit sphere. Lines follow from the image's
    number alone, and are not clipped to [0, 1]. A classifier that draws has the same draws at all points of an image:
    along a line it is one function, and not the noise of ever new ones. Power is that of `line_power` in
    `filterfreq.frequencies.line_spectra`, averaged over lines and images. Nothing of the model divides it, so that
    models can be compared at each frequency.

    Args:
        model: a classifier; with `std`, 1 x C x 1 x 1, where the unit is "normalised".
        images: uint8, N x H x W x C.
        labels: int64, N.
        batch_size: images at a time; matters to memory and speed alone.
        device: where to compute.
        length: half of that of the lines, above 0, in the unit.
        unit: "pixels" of [0, 1], or "normalised", in which a length l of channel c is l std[c] pixels. In pixels all
            models have the same lines, and normalised all of the same std.
        points: on each line, at least 2.
        lines: through each image.
        progress: keeps each batch's sums.

    Returns:
        For both outputs and each of at most 32 bands of frequencies, which are as even as whole numbers of cycles allow
        on a logarithmic scale: `line_power`, the mean power of a frequency of the band, in squares of the output; and
        `line_power_share`, the band's share of the power of all, NaN where there is none. `frequency` is the geometric
        mean of the band's lowest and highest, in cycles per unit of length.
    """
    progress = progress or Progress()
    positions = length * (2 * np.arange(points) / points - 1)
    power = np.zeros((len(_OUTPUTS), points // 2))
    with inference(model, device), torch.no_grad():
        for batch in batches(len(labels), batch_size):

            def measure(batch: slice = batch) -> np.ndarray:
                shown, truth = to_images(images[batch], device), torch.from_numpy(np.array(labels[batch])).to(device)
                scale = model.std if unit == "normalised" else 1
                total = np.zeros((len(_OUTPUTS), points // 2))
                for line in range(lines):
                    numbers = range(batch.start, batch.stop)
                    direction = scale * uniform_directions(numbers, shown.shape[1:], f"line {line}").to(shown)
                    found = []
                    for position in positions.tolist():
                        seed_batch(model, batch.start)
                        found.append(_outputs(model(shown + position * direction), truth))
                    values = torch.stack(found, dim=-1).double().cpu().numpy()
                    total += line_power(values).sum(axis=1)
                return total.ravel()

            power += progress.numbers(f"from {batch.start}", measure).reshape(power.shape)
    power /= len(labels) * lines
    return [
        row
        for name, of_one in zip(_OUTPUTS, power, strict=True)
        for row in _rows(of_one, len(labels), output=name, unit=unit, length=length)
    ]


def _outputs(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The logit and the probability of the true class, outputs x N."""
    of_class = torch.stack([logits, logits.softmax(dim=1)])
    return of_class.gather(2, labels.expand(len(of_class), -1)[:, :, None])[:, :, 0]


def _rows(power: np.ndarray, count: int, output: str, unit: str, length: float) -> list[dict[str, Any]]:
    """The rows of one output, from the mean power at each frequency."""
    rows, total = [], power.sum()
    for band in logarithmic_bands(len(power), _MOST_BANDS):
        # Index k - 1 has k cycles in the whole line.
        frequency = np.sqrt((band.start + 1) * band.stop) / (2 * length)
        where = {"output": output, "unit": unit, "length": f"{length:g}", "frequency": f"{frequency:.6g}"}
        parameter = format_parameter(**where)
        rows.append(quantity("line_power", parameter, power[band].mean(), count))
        rows.append(quantity("line_power_share", parameter, power[band].sum() / total if total else np.nan, count))
    return rows
