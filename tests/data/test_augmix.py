import numpy as np
import pytest
import scipy.stats
from oracles import augmix as oracle
from PIL import Image
from skimage import data

from filterfreq.data import augmix as module
from filterfreq.data.augmix import SEVERITIES, augmix

PHOTOGRAPHS = (data.astronaut(), data.coffee(), data.chelsea())


def crops(count: int, height: int = 32, width: int = 32) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    corners = zip(rng.integers(0, 3, count), rng.integers(0, 250, (count, 2)), strict=True)
    return [PHOTOGRAPHS[which][top : top + height, left : left + width] for which, (top, left) in corners]


class Sign:
    """A generator whose next uniform number means this sign."""

    def __init__(self, sign: int):
        self.sign = sign

    def uniform(self) -> float:
        return 0.25 if self.sign > 0 else 0.75


@pytest.mark.parametrize("name", oracle.NAMES)
@pytest.mark.parametrize("level", [0.1, 1.3, 2.6, 3.0])
@pytest.mark.parametrize("sign", [1, -1])
def test_each_operation_is_torchvisions_at_the_released_strength(name, level, sign):
    operations = {operation.__name__.removeprefix("_"): operation for operation in module._OPERATIONS}
    assert sorted(operations) == sorted(oracle.NAMES)
    for image in (*crops(3), *crops(1, 40, 64)):
        picture = Image.fromarray(image)
        ours = np.asarray(operations[name](picture, level / 10, Sign(sign))).astype(int)
        theirs = np.asarray(oracle.operate(name, picture, level, sign)).astype(int)
        # Of shears the tangent of a rounded angle.
        assert np.abs(ours - theirs).max() <= (1 if name.startswith("shear") else 0)


@pytest.mark.slow
@pytest.mark.parametrize("policy", SEVERITIES)
def test_images_change_as_much_as_in_an_implementation_of_the_released_description(policy):
    severity = {"augmix": 3, "augmix-imagenet": 1}[policy]
    images = crops(800)
    ours, theirs = (
        np.array(
            [
                np.abs(mix(image, severity, np.random.default_rng((seed, place))).astype(float) - image).mean()
                for place, image in enumerate(images)
            ]
        )
        for seed, mix in enumerate((augmix, oracle.augmix))
    )
    assert SEVERITIES[policy] == severity
    assert scipy.stats.ks_2samp(ours, theirs).pvalue > 1e-3


def test_an_image_is_mixed_with_three_chains(monkeypatch):
    """Of operations that make every image white: x' - x is m (255 - x), with m uniform."""
    white = Image.new("RGB", (32, 32), (255, 255, 255))
    monkeypatch.setattr(module, "_OPERATIONS", (lambda picture, strength, rng: white,))
    black = np.zeros((32, 32, 3), dtype=np.uint8)
    shares = [augmix(black, 3, np.random.default_rng(seed))[0, 0, 0] / 255 for seed in range(300)]
    assert scipy.stats.kstest(shares, "uniform").pvalue > 1e-3


def test_chains_have_one_to_three_operations_of_uniform_strength(monkeypatch):
    lengths, strengths = [], []

    def darker(picture, strength, rng):
        strengths.append(strength)
        lengths[-1][-1] += 1
        return picture

    class Chains(np.random.Generator):
        def integers(self, *given):
            drawn = super().integers(*given)
            if len(given) == 2:
                lengths[-1].append(0)
            return drawn

    monkeypatch.setattr(module, "_OPERATIONS", (darker,))
    for seed in range(200):
        lengths.append([])
        augmix(crops(1)[0], 3, Chains(np.random.PCG64(seed)))
    assert {len(of_image) for of_image in lengths} == {3}
    assert scipy.stats.chisquare(np.bincount(np.ravel(lengths), minlength=4)[1:]).pvalue > 1e-3
    assert scipy.stats.kstest(strengths, scipy.stats.uniform(0.01, 0.29).cdf).pvalue > 1e-3
