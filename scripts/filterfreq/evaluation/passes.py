"""How often a suite applies a network to images, for planning. Imports no torch.

What one job of a suite does follows from its settings, the number of images of each set that it shows, the number of
classes, and the side of an image in pixels. Every image counts as classified correctly, and as withstanding every
attack: an upper bound for attacks.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from filterfreq.evaluation.adaptive_settings import complete_settings, eot_draws
from filterfreq.evaluation.corruptions import CORRUPTIONS, SEVERITIES
from filterfreq.evaluation.regions_settings import regions_attack


class Passes(NamedTuple):
    """How often a network is applied: forward, and backward from the logits to the image."""

    forward: float
    backward: float

    def __add__(self, other: "Passes") -> "Passes":
        return Passes(self.forward + other.forward, self.backward + other.backward)

    def times(self, count: float) -> "Passes":
        """Return so many times as many."""
        return Passes(self.forward * count, self.backward * count)


class Work(NamedTuple):
    """What one job of an evaluation does, in passes over all its images.

    Attributes:
        own: passes of the evaluated model.
        source: passes of the model that attacks are transferred from.
    """

    own: Passes
    source: Passes = Passes(0, 0)


def one_pass(settings: Mapping[str, Any], sizes: Sequence[int], classes: int, side: int) -> Work:
    """Return the work of a suite that classifies each image once."""
    return Work(Passes(sum(_count_images(size, settings) for size in sizes), 0))


def corruption_passes(settings: Mapping[str, Any], sizes: Sequence[int], classes: int, side: int) -> Work:
    """Return the work of a suite that classifies each image as it is and as each corruption makes it."""
    return Work(one_pass(settings, sizes, classes, side).own.times(1 + len(CORRUPTIONS) * len(SEVERITIES)))


def frequency_filtered_passes(settings: Mapping[str, Any], sizes: Sequence[int], classes: int, side: int) -> Work:
    """Return the work of a suite that classifies each image as each filter, and part of a rank, leaves it."""
    views = sum(map(len, settings["radii"].values())) + 2 * len(settings.get("svd", ())) + settings.get("only_high", 0)
    return Work(one_pass(settings, sizes, classes, side).own.times(views))


def heat_map_passes(settings: Mapping[str, Any], sizes: Sequence[int], classes: int, side: int) -> Work:
    """Return the work of a suite that classifies each image with each distinct frequency of its spectrum."""
    frequencies = _count_frequencies(settings, side) + ("layer" in settings)
    return Work(one_pass(settings, sizes, classes, side).own.times(frequencies))


def fourier_attack_passes(settings: Mapping[str, Any], sizes: Sequence[int], classes: int, side: int) -> Work:
    """Return the work of a suite that classifies each image with each distinct frequency at each norm."""
    count = _count_frequencies(settings, side) * len(settings["norms"])
    return Work(one_pass(settings, sizes, classes, side).own.times(count))


def band_noise_passes(settings: Mapping[str, Any], sizes: Sequence[int], classes: int, side: int) -> Work:
    """Return the work of a suite that classifies each image as it is and with noise of each band."""
    bands = sum(map(len, settings["bandwidths"].values()))
    return Work(one_pass(settings, sizes, classes, side).own.times(1 + bands))


def spectra_passes(settings: Mapping[str, Any], sizes: Sequence[int], classes: int, side: int) -> Work:
    """Return the work of a suite that attacks each image once and classifies the result."""
    attack = {"attack": "pgd", "steps": 50} | settings
    return Work((passes_of_attack(attack) + Passes(1, 0)).times(one_pass(settings, sizes, classes, side).own.forward))


def regions_passes(settings: Mapping[str, Any], sizes: Sequence[int], classes: int, side: int) -> Work:
    """Return the work of a suite that attacks each image once, and shows the ends of two ways from it.

    Its network sees these and the image, and the model the ends alone. Of an average over points the first three count
    as if they were averaged too, which is little beside the attack.
    """
    attack = passes_of_attack(regions_attack(settings))
    return Work((attack + Passes(5, 0)).times(one_pass(settings, sizes, classes, side).own.forward))


def line_spectrum_passes(settings: Mapping[str, Any], sizes: Sequence[int], classes: int, side: int) -> Work:
    """Return the work of a suite that classifies each point of the lines through each image."""
    points = settings.get("lines", 1) * settings.get("points", 256)
    return Work(one_pass(settings, sizes, classes, side).own.times(points))


def adversarial_passes(settings: Mapping[str, Any], sizes: Sequence[int], classes: int, side: int) -> Work:
    """Return the work of FGSM and PGD that follow the evaluated model's gradients."""
    attacks, judged = _attacks(settings, sizes)
    return Work(attacks + judged)


def transfer_passes(settings: Mapping[str, Any], sizes: Sequence[int], classes: int, side: int) -> Work:
    """Return the work of FGSM and PGD that follow another model's gradients."""
    attacks, judged = _attacks(settings, sizes)
    return Work(judged, attacks)


def autoattack_passes(settings: Sequence[Mapping[str, Any]], sizes: Sequence[int], classes: int, side: int) -> Work:
    """Return the work of AutoAttack, entry by entry."""
    passes = Passes(sum({_count_images(size, entry) for size in sizes for entry in settings}), 0)
    for entry in settings:
        one = passes_of_autoattack(entry.get("attacks"), classes)
        passes += one.times(len(entry["epsilons"]) * sum(_count_images(size, entry) for size in sizes))
    return Work(passes)


def averaged_work(work: Work, variant: Mapping[str, Any]) -> Work:
    """Return the work of a suite on a model that answers with an average over points; of another its own.

    With a gradient each point is passed forward twice, as its answer is not kept. `approx` takes a backward pass for
    each direction too, and `exact` one for each unit, of which there are at least as many.

    Args:
        work: that of the suite on a model that answers in one pass.
        variant: the run's.
    """
    points = directed = 0
    for average in _averages(variant):
        points += 1 + 2 * average["count"] * len(average.get("lengths", range(3)))
        directed += average["count"] * (average["directions"] != "random")
    if _is_smoothed(variant):
        points = variant["randomised_smoothing"]["count"]
    if not points:
        return work
    forward, backward = work.own
    passes = Passes((points + (directed > 0)) * forward + points * backward, points * backward + directed * forward)
    return work._replace(own=passes)


def draws_anew(variant: Mapping[str, Any]) -> bool:
    """Whether a variant's model draws at random at every call.

    Args:
        variant: as the configuration has it.
    """
    return _is_smoothed(variant) or any(average["directions"] == "random" for average in _averages(variant))


def _averages(variant: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The averages of the variant's post-averaging; none where it leaves the model as it is."""
    settings = variant.get("post_averaging")
    if settings is None or 0 in (settings["count"], settings.get("radius")):
        return []
    return [settings, *([settings["second"]] if "second" in settings else [])]


def _is_smoothed(variant: Mapping[str, Any]) -> bool:
    settings = variant.get("randomised_smoothing")
    return settings is not None and 0 not in (settings["count"], settings.get("sigma"), settings.get("radius"))


def passes_of_attack(attack: Mapping[str, Any]) -> Passes:
    """Return the passes of FGSM or PGD per image and epsilon, without those that judge the result."""
    steps = attack["steps"] if attack["attack"] == "pgd" else 1
    return Passes(steps, steps)


def adaptive_passes(settings: Mapping[str, Any], sizes: Sequence[int], classes: int, side: int) -> Work:
    """Return the work of the attacks through a defence, of a classifier that draws anew at every call.

    Its settings without what needs draws are those of a classifier that has none, see
    `filterfreq.evaluation.adaptive_settings.applicable`.
    """
    complete = complete_settings(settings)
    losses, steps, restarts = len(complete["losses"]), complete["steps"], complete["restarts"]
    own, source, judged = Passes(0, 0), Passes(0, 0), 0
    for attack in complete["attacks"]:
        if attack in ("fgsm", "pgd", "apgd"):
            draws = eot_draws(complete["eot"])
            tries, points = (1, 2) if attack == "fgsm" else (losses * restarts, steps + 1)
            own += Passes(points, points).times(sum(draws) * tries)
            judged += len(draws) * tries
        elif attack == "transfer":
            for name in complete["transferred"]:
                tries = restarts if name == "pgd" else 1
                source += _passes_of_transferred(name, complete, classes).times(tries)
                judged += tries
        else:
            values = complete[attack]
            calls = values["tries"] if attack == "noise" else (values["queries"] + 1) * values.get("draws", 1)
            own += Passes(calls, 0)
            judged += 1
    attacked = len(complete["epsilons"]) * sum(_count_images(size, settings) for size in sizes)
    clean = one_pass(settings, sizes, classes, side).own.forward
    looks = complete["draws"] * (attacked * judged + clean)
    return Work(own.times(attacked) + Passes(looks, 0), source.times(attacked))


def _passes_of_transferred(attack: str, settings: Mapping[str, Any], classes: int) -> Passes:
    """The passes of one attempt of an attack on the undefended model, per image; of foolbox's as they stand there."""
    if attack == "deepfool":
        # Before its steps, and when it is judged; each step a pass towards each other one of 10 classes.
        passes = settings["deepfool"]["steps"] * (min(10, classes) - 1)
        return Passes(passes + 2, passes)
    if attack == "carlini_wagner":
        passes = settings["carlini_wagner"]["searches"] * settings["carlini_wagner"]["steps"]
        return Passes(passes + 1, passes)
    return passes_of_attack({"attack": attack, "steps": settings["steps"]})


def passes_of_autoattack(attacks: Sequence[str] | None, classes: int) -> Passes:
    """Return the passes of AutoAttack per image and epsilon where the image withstands all of its attacks.

    Croce and Hein, Reliable Evaluation of Adversarial Robustness with an Ensemble of Diverse Parameter-free Attacks,
    ICML 2020: APGD and FAB take 100 steps, targeted ones towards each of at most 9 classes, Square 5,000 queries. The
    forward passes between the steps are those of the package pyautoattack, 8 of them before the first attack.

    Args:
        attacks: as in `filterfreq.evaluation.suites.autoattack.evaluate_autoattack`.
        classes: number of logits.
    """
    targets = min(9, classes - 1)
    known = {
        "apgd-ce": Passes(103, 101),
        "apgd-dlr": Passes(103, 101),
        "apgd-t": Passes(2 + 102 * targets, 101 * targets),
        "fab": Passes(204, 100 * classes),
        "fab-t": Passes(2 + 203 * targets, 100 * targets),
        "square": Passes(5004, 0),
    }
    return sum((known[attack] for attack in attacks or ("apgd-ce", "apgd-t", "fab-t", "square")), Passes(8, 0))


def _attacks(settings: Mapping[str, Any], sizes: Sequence[int]) -> tuple[Passes, Passes]:
    """The passes that make all adversarial examples, and those that judge them."""
    images = sum(_count_images(size, settings) for size in sizes)
    counts = [(attack, len(attack["epsilons"])) for attack in settings["attacks"]]
    attacks = sum((passes_of_attack(attack).times(count) for attack, count in counts), Passes(0, 0))
    # As they are, images are classified by the suite and by the attacks.
    judged = Passes(2 + sum(count for _, count in counts), 0)
    return attacks.times(images), judged.times(images)


def _count_images(size: int, settings: Mapping[str, Any]) -> int:
    """How many of so many images a suite takes."""
    return min(size, settings.get("images") or size)


def _count_frequencies(settings: Mapping[str, Any], side: int) -> int:
    """How many frequencies are none of another's mirror, of an image or of a square round 0."""
    square = min(2 * settings.get("highest_frequency", side // 2) + 1, side)
    # A square round 0 has one that is its own mirror, an even side's whole spectrum four.
    own_mirrors = 4 if square % 2 == 0 else 1
    return (square**2 + own_mirrors) // 2
