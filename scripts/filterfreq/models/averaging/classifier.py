"""A classifier that answers with an average of another one's answers round the image."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from filterfreq.models.averaging.directions import (
    Offsets,
    Source,
    mean_normal_length,
    random_directions,
    unit_directions,
)
from filterfreq.models.averaging.parts import add_up_parts
from filterfreq.models.averaging.units import ACROSS_UNITS
from filterfreq.models.averaging.votes import Sums, add_up
from filterfreq.models.classifier import Classifier
from filterfreq.models.stochastic import Draws, StochasticClassifier

# How many positions of images the network is shown at once: the memory that averaging takes, whatever it averages over.
_POSITIONS = {"cpu": 128 * 32 * 32, "cuda": 1024 * 32 * 32}


@dataclass(frozen=True)
class Average:
    """The points around an image x that one average is over: x + l v for each direction v and each length l.

    Attributes:
        directions: "random", uniform on the unit sphere; "approx" or "exact", across the hyperplanes of the units of
            linear layers, see `filterfreq.models.averaging.directions.unit_directions`; "noise", of N(0, 1) in every
            value, with length 1 a standard deviation; or "noise_of_length_1", such noise of mean length 1.
        count: how many directions, above 0.
        lengths: the lengths, with their signs, in the unit of the classifier.
        centre: whether x itself counts too.
    """

    directions: str
    count: int
    lengths: tuple[float, ...]
    centre: bool = True

    @property
    def is_stochastic(self) -> bool:
        """Whether the directions are drawn."""
        return self.directions not in ACROSS_UNITS


class AveragedClassifier(StochasticClassifier):
    """Another classifier's answers, averaged over points around each image.

    Points are not clipped to [0, 1]. They are shown to the network some at a time, and of their answers sums are kept:
    memory does not depend on how many there are. Where images have a gradient each part is computed again in the
    backward pass, which leaves nothing of it but its share of the gradient, see
    `filterfreq.models.averaging.parts.add_up_parts`: weights have none then. Directions are constants to the gradient.

    Args:
        classifier: its backbone, front end and normalisation are this one's too.
        averages: one, or two, of which for each image that with the lower entropy of its mean softmax answers, and of
            equal ones the first.
        unit: of the lengths. "pixels" are those of [0, 1]; "normalised" are images divided by the classifier's std, so
            that a length l of channel c is l std[c] pixels.
        vote: see `filterfreq.models.averaging.votes.Sums.vote`.
    """

    def __init__(self, classifier: Classifier, averages: Sequence[Average], unit: str, vote: str) -> None:
        super().__init__(classifier)
        self.averages = tuple(averages)
        self.unit = unit
        self.vote = vote

    @property
    def is_stochastic(self) -> bool:
        """Whether two calls may give different logits: whether directions are drawn."""
        return any(average.is_stochastic for average in self.averages)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits [N, classes] of images [N, C, H, W] in [0, 1]: the logarithm of the averaged probability.

        Of the vote "logit" they are the averaged logits, of "weighted" these times the share of the votes.
        """
        draws = self.count_call()
        points = max(1, _POSITIONS.get(images.device.type, _POSITIONS["cuda"]) // images[0, 0].numel())
        step = max(1, points // max(len(average.lengths) for average in self.averages))
        rows = [range(start, min(start + step, len(images))) for start in range(0, len(images), step)]
        return torch.cat([self._answer(images[few.start : few.stop], few, draws, points) for few in rows])

    def next_offsets(self, images: Tensor) -> list[Offsets]:
        """Return for each average the directions that the next call of `forward` takes, all at once.

        The call is not counted: the next one does take them.

        Args:
            images: those that it will be shown, N x C x H x W.
        """
        rows = range(len(images))
        return [
            self._source(images, average, rows, self._next_draws, stream).find(slice(None))
            for stream, average in enumerate(self.averages)
        ]

    def _answer(self, images: Tensor, rows: range, draws: Draws, points: int) -> Tensor:
        """Return the logits of a few images, in these rows of the batch, with so many points at once."""
        sums = [
            self._average(images, average, rows, draws, stream, points) for stream, average in enumerate(self.averages)
        ]
        votes = [found.vote(self.vote) for found in sums]
        if len(sums) == 1:
            return votes[0]
        return torch.where(sums[1].entropy() < sums[0].entropy(), votes[1], votes[0])

    def _source(
        self, images: Tensor, average: Average, rows: range, draws: Draws, stream: int, chosen: Tensor | None = None
    ) -> Source:
        """Return the directions of a few images, across given units or the nearest."""
        scale = self.std if self.unit == "normalised" else torch.ones_like(self.std)
        if average.is_stochastic:
            if average.directions == "noise_of_length_1":
                scale = scale / mean_normal_length(images[0].numel())
            seeds = draws.seeds(rows, stream, average.count)
            return random_directions(images, seeds, scale, unit_length=average.directions == "random")
        layers = [module for module in self.backbone.modules() if isinstance(module, nn.Linear)]
        is_exact = average.directions == "exact"
        return unit_directions(super().forward, layers, images, average.count, scale, is_exact, chosen)

    def _average(self, images: Tensor, average: Average, rows: range, draws: Draws, stream: int, points: int) -> Sums:
        """Add up the answers at all points of one average."""
        lengths = images.new_tensor(average.lengths)
        step = max(1, points // (len(images) * len(lengths)))
        chosen = None

        def parts() -> Iterator[Callable[[Tensor], Sums]]:
            # Of directions across units the numbers of these are kept, and not the directions.
            nonlocal chosen
            source = self._source(images, average, rows, draws, stream, chosen)
            chosen = source.chosen
            if average.centre:
                yield self._centre_sums
            for start in range(0, source.count, step):
                yield partial(self._sums, lengths, source.find(slice(start, start + step)))

        return add_up_parts(images, parts)

    def _centre_sums(self, images: Tensor) -> Sums:
        return add_up(super().forward(images)[:, None], images.new_ones(len(images), 1))

    def _sums(self, lengths: Tensor, offsets: Offsets, images: Tensor) -> Sums:
        """Add up the answers at the points of some directions."""
        changes, counts = offsets
        points = images[:, None, None] + lengths[:, None, None, None] * changes[:, :, None]
        shown = points.flatten(0, 2)
        if images.is_contiguous(memory_format=torch.channels_last):
            shown = shown.contiguous(memory_format=torch.channels_last)
        logits = super().forward(shown).unflatten(0, (len(images), -1))
        return add_up(logits, counts.repeat_interleave(len(lengths), dim=1))
