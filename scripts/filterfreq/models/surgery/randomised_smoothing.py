"""Randomised smoothing's predictor: the control that post-averaging is compared with."""

from filterfreq.models.averaging.classifier import Average, AveragedClassifier
from filterfreq.models.classifier import Classifier


def randomised_smoothing(
    classifier: Classifier,
    count: int,
    sigma: float | None = None,
    radius: float | None = None,
    unit: str = "normalised",
    vote: str = "softmax",
) -> Classifier:
    """Average a trained model's answers over images with Gaussian noise, without training it again.

    Cohen, Rosenfeld, Kolter, Certified Adversarial Robustness via Randomized Smoothing, ICML 2019, whose predictor is
    the vote "majority". With the vote "softmax" it is post-averaging with other points. Nothing is clipped.

    Args:
        classifier: a finished one; it stays as it is, but its layers are also those of the result.
        count: how many images with noise; 6K of them cost what K directions of post-averaging do.
        sigma: the standard deviation of the noise of each value, in `unit`; or instead of it
        radius: the noise has the mean length of the points that post-averaging with this radius r adds, 2r/3. 0 of
            either leaves the classifier.
        unit: see `filterfreq.models.averaging.classifier.AveragedClassifier`.
        vote: see `filterfreq.models.averaging.votes.Sums.vote`.

    Returns:
        A classifier with the same backbone.
    """
    if 0 in (count, sigma, radius):
        return classifier
    if sigma is not None:
        noise = Average("noise", count, (sigma,), centre=False)
    else:
        noise = Average("noise_of_length_1", count, (2 * radius / 3,), centre=False)
    return AveragedClassifier(classifier, [noise], unit, vote)
