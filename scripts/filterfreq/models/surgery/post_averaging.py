"""Post-averaging: a defence that averages a trained model's answers round the image."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from filterfreq.frequencies.averaging import SHELLS
from filterfreq.models.averaging.classifier import Average, AveragedClassifier
from filterfreq.models.averaging.units import check_units
from filterfreq.models.classifier import Classifier
from filterfreq.runtime.errors import naming


def post_averaging(
    classifier: Classifier,
    directions: str,
    count: int,
    radius: float | None = None,
    lengths: Sequence[float] | None = None,
    unit: str = "normalised",
    vote: str = "softmax",
    second: Mapping[str, Any] | None = None,
) -> Classifier:
    """Average a trained model's answers over an image x and the points x +- l v around it, without training it again.

    Lin, K. A., Jiang, Bandlimiting Neural Networks Against Adversarial Attacks, 2019, arXiv 1905.12797, as its released
    code has it: of K unit vectors v and lengths l of r/3, 2r/3 and r, `f_C(x) = (1 / (6K + 1)) sum softmax z(x')`.
    Nothing is clipped. Logits are `log f_C`.

    Args:
        classifier: a finished one; it stays as it is, but its layers are also those of the result.
        directions: "random", "approx" or "exact", see `filterfreq.models.averaging.directions`.
        count: K. With 0, or with the radius 0, the result is the classifier.
        radius: r, at least 0, in `unit`; or instead of it
        lengths: the lengths l as they are, above 0.
        unit: see `filterfreq.models.averaging.classifier.AveragedClassifier`.
        vote: "softmax", "logit", "majority" or "weighted", see `filterfreq.models.averaging.votes.Sums.vote`.
        second: directions, count, and radius or lengths of a second average; for each image the one answers whose mean
            softmax has the lower entropy.

    Returns:
        A classifier with the same backbone.

    Raises:
        InputError: approx or exact of a model without linear layers.
    """
    if count == 0 or radius == 0:
        return classifier
    averages = [_average(directions, count, radius, lengths)]
    if second is not None:
        averages.append(_average(**second))
    if not any(isinstance(module, nn.Linear) for module in classifier.backbone.modules()):
        # Of layers that there are, the first image counts the units: a sequence has them at each of its places.
        for average in averages:
            with naming("post_averaging"):
                check_units(average.directions, average.count, [])
    return AveragedClassifier(classifier, averages, unit, vote)


def _average(
    directions: str, count: int, radius: float | None = None, lengths: Sequence[float] | None = None
) -> Average:
    steps = [share * radius for share in SHELLS] if lengths is None else lengths
    return Average(directions, count, tuple(sign * step for step in steps for sign in (1, -1)))
