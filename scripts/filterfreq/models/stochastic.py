"""What a classifier that draws random numbers promises, so that its answers can be repeated.

The contract, of every `filterfreq.models.classifier.Classifier`:

- `is_stochastic` says whether two calls with the same images may give different logits. It is False of most.
- `seed_draws(seed, first_image=0)` says where the draws begin. From then on the calls of `forward` are counted: call
  number c = 0, 1, ... draws for the image in row i of its batch from `(seed, first_image + i, c)` alone. So an image
  has the same draws in a batch of any size, whatever other images there are, and the same seed gives the same logits,
  to rounding. Of a classifier that is not stochastic it does nothing.
- A call with a gradient counts once: its backward pass repeats its draws.
- `filterfreq.models.checkpoints.load_checkpoint` seeds with the seed of the run. Who shows a data set batch by batch
  calls `seed_batch` with the number of the batch's first image, as `filterfreq.evaluation.prediction.batches` does.
- An attack that wants other draws in each step calls `forward` again; one that wants the same ones seeds again.

Draws are made on the device of the images: another kind of device draws others.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from filterfreq.models.classifier import Classifier


class Draws(NamedTuple):
    """Where the draws of one call of `forward` come from: the seed, the number of its first image, and of the call."""

    seed: int
    first_image: int
    call: int

    def seeds(self, rows: range, stream: int, count: int) -> np.ndarray:
        """Return seeds of generators for images of the batch.

        Args:
            rows: the images' rows.
            stream: tells apart what is drawn for different purposes.
            count: seeds of each image.

        Returns:
            uint32, len(rows) x count. The first ones do not depend on how many there are.
        """
        keys = ((self.seed, self.first_image + row, self.call, stream) for row in rows)
        return np.stack([np.random.SeedSequence(key).generate_state(count) for key in keys])


class StochasticClassifier(Classifier):
    """A classifier with draws of its own, which keeps the contract of this module.

    Args:
        classifier: the one that it is made of; its backbone, front end and normalisation are this one's too.
    """

    def __init__(self, classifier: Classifier) -> None:
        super().__init__(classifier.backbone, classifier.mean.flatten().tolist(), classifier.std.flatten().tolist())
        self.front_end = classifier.front_end
        self._next_draws = Draws(0, 0, 0)

    @property
    def is_stochastic(self) -> bool:
        """Whether two calls may give different logits; a class that draws nothing in some settings says so."""
        return True

    def seed_draws(self, seed: int, first_image: int = 0) -> None:
        """Let the next call be number 0 of a seed, see the contract of this module."""
        self._next_draws = Draws(seed, first_image, 0)

    def seed_batch(self, first_image: int) -> None:
        """Let the next call be number 0 of the same seed for other images."""
        self.seed_draws(self._next_draws.seed, first_image)

    def count_call(self) -> Draws:
        """Return the draws of this call of `forward`, and count it."""
        draws = self._next_draws
        self._next_draws = draws._replace(call=draws.call + 1)
        return draws


def seed_batch(model: nn.Module, first_image: int) -> None:
    """Have what is stochastic in a model draw for a batch by the numbers of its images, from the seed that it has.

    Args:
        model: a classifier, or a module that holds one.
        first_image: the number of the batch's first image in its data set.
    """
    for module in model.modules():
        if isinstance(module, StochasticClassifier):
            module.seed_batch(first_image)


def draw_normal(seeds: Sequence[Sequence[int]] | np.ndarray, shape: Sequence[int], device: torch.device) -> Tensor:
    """Return independent numbers of N(0, 1), those of each seed from a generator of its own.

    Args:
        seeds: N x K.
        shape: of what is drawn for each seed.
        device: where.

    Returns:
        float32, N x K x shape.
    """
    generator = torch.Generator(device)
    rows, columns = np.shape(seeds)
    drawn = torch.empty(rows, columns, *shape, device=device)
    for row, its_seeds in enumerate(seeds):
        for column, seed in enumerate(its_seeds):
            drawn[row, column].normal_(generator=generator.manual_seed(int(seed)))
    return drawn
