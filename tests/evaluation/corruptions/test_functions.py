import subprocess
import sys
from pathlib import Path

import imagecorruptions.corruptions as library
import numpy as np
import pytest
import scipy.stats
from oracles.corruptions import corrupt_image, elastic_transform, replace_parameters, trimmed_zoom
from scipy.ndimage import gaussian_filter, map_coordinates
from skimage import data

from filterfreq.evaluation.corruptions import CORRUPTIONS
from filterfreq.evaluation.corruptions.functions import FUNCTIONS, noise, weather
from filterfreq.evaluation.corruptions.severities import CIFAR_10_C, IMAGENET_C, TINY_IMAGENET_C
from filterfreq.runtime.errors import InputError

pytestmark = pytest.mark.slow

SIZES = ((32, 32), (45, 61), (96, 128))
LARGER_THAN_SOME_PHOTOGRAPHS_OF_FROST = (330, 700)
# Where scipy.ndimage.zoom, which the library calls, blackens the last row or column of some magnified layers.
SIZES_OF_ZOOM = (*SIZES, (36, 35), (139, 160))
WITHOUT_CHANCE = (
    "defocus_blur",
    "zoom_blur",
    "brightness",
    "contrast",
    "pixelate",
    "jpeg_compression",
    "gaussian_blur",
    "saturate",
)
BY_CHANCE = tuple(name for name in CORRUPTIONS if name not in WITHOUT_CHANCE)
# These are computed in single precision, where the library's is double.
IN_SINGLE_PRECISION = ("gaussian_noise", "zoom_blur", "snow", "fog", "elastic_transform", "speckle_noise")
# The library magnifies its photographs of frost, the released code does not.
THE_LIBRARYS = {**IMAGENET_C, "frost": tuple((keep, strength, 1.1) for keep, strength, _ in IMAGENET_C["frost"])}
PHOTOGRAPHS = (data.astronaut(), data.coffee(), data.chelsea())


def sample(height: int, width: int) -> np.ndarray:
    """Photographs, noise, greys, colour without detail, black and white."""
    rng = np.random.default_rng(1)
    corners = rng.integers(0, 140, (len(PHOTOGRAPHS), 2))
    images = [
        np.resize(photograph[top : top + height, left : left + width], (height, width, 3))
        for photograph, (top, left) in zip(PHOTOGRAPHS, corners, strict=True)
    ]
    images.append(rng.integers(0, 256, (height, width, 3)))
    flat = np.full((height, width, 3), rng.integers(160, 256, 3))
    flat[8:24, 8:24] = rng.integers(0, 256, (16, 16, 1))
    images.append(flat)
    images += [np.full((height, width, 3), grey) for grey in (0, 128, 255)]
    return np.stack(images).astype(np.uint8)


class Recorder:
    """A generator that keeps what was drawn from it."""

    def __init__(self, seed: int):
        self.rng = np.random.default_rng(seed)
        self.draws = []

    def __getattr__(self, name):
        def draw(*args, **options):
            drawn = getattr(self.rng, name)(*args, **options)
            self.draws.append(np.copy(drawn))
            return drawn

        return draw


def replay(monkeypatch, corruption: str, draws: list[np.ndarray], parameters: tuple) -> None:
    """Let the library draw the numbers that were drawn for one image."""
    numbers = draws[0][0] if draws[0].ndim else draws[0]
    fake = {}
    if corruption in ("gaussian_noise", "speckle_noise", "spatter", "snow"):
        normal = (draws[0] if corruption == "snow" else numbers).astype(np.float64)
        fake["normal"] = lambda size, scale, loc=0: loc + scale * normal.reshape(size)
    if corruption == "snow":
        fake["uniform"] = lambda low, high: draws[1]
    if corruption == "motion_blur":
        fake["uniform"] = lambda low, high: numbers
    if corruption == "elastic_transform":
        fields = iter(draws[0])
        fake["uniform"] = lambda low, high, size: next(fields)
    if corruption == "fog":
        rest = [2 * numbers.astype(np.float64) - 1]

        def uniform(low, high, size):
            count = int(np.prod(size))
            taken, rest[0] = rest[0][:count], rest[0][count:]
            return high * taken.reshape(size)

        fake["uniform"] = uniform
    if corruption == "frost":
        parts = iter(numbers)
        fake["randint"] = lambda low, high=None: int(next(parts) * (high - low if high else low))
    if corruption == "impulse_noise":
        masks = iter([numbers, numbers / parameters[0]])  # what is changed, and what of it becomes white
        fake["default_rng"] = lambda seed: type("Generator", (), {"random": lambda self, size: next(masks)})()
    if corruption == "glass_blur":
        reach = parameters[1]
        # The library draws from the last pixel to the first, the column's step before the row's.
        steps = [divmod(int(step), 2 * reach) for of_round in numbers for step in of_round.ravel()[::-1]]
        steps = iter([(column - reach, row - reach) for column, row in steps])
        fake |= {"randint": lambda low, high, size: next(steps), "seed": lambda seed: None}
        monkeypatch.setattr(library, "_shuffle_pixels_njit_glass_blur", library._shuffle_pixels_njit_glass_blur.py_func)
    for name, function in fake.items():
        monkeypatch.setattr(np.random, name, function)


def assert_equal_but_for_rounding(corruption: str, ours: np.ndarray, theirs: np.ndarray) -> None:
    difference = np.abs(ours.astype(int) - theirs)
    if corruption in IN_SINGLE_PRECISION:
        assert difference.max() <= 1
        assert (difference > 0).mean() < 1e-4
    else:
        assert difference.max() == 0


def test_the_functions_are_the_fields_in_order_with_five_severities():
    assert list(FUNCTIONS) == list(CORRUPTIONS)
    for table in (CIFAR_10_C, TINY_IMAGENET_C, IMAGENET_C):
        assert list(table) == list(CORRUPTIONS)
        for name, rows in table.items():
            assert [len(row) for row in rows] == 5 * [len(IMAGENET_C[name][0])]


@pytest.mark.parametrize("corruption", WITHOUT_CHANCE)
def test_with_the_severities_of_small_images_too_they_are_the_librarys(corruption):
    ours, theirs = [], []
    for side, table in ((32, CIFAR_10_C), (64, TINY_IMAGENET_C)):
        images = sample(side, side)
        for parameters in table[corruption]:
            ours.append(FUNCTIONS[corruption](images, np.random.default_rng(0), *parameters).ravel())
            theirs += [replace_parameters(corruption, parameters)(image).ravel() for image in images]
    assert_equal_but_for_rounding(corruption, np.concatenate(ours), np.concatenate(theirs))


@pytest.mark.parametrize(
    "corruption", [name for name in BY_CHANCE if name not in ("shot_noise", "elastic_transform", "frost")]
)
def test_with_the_severities_of_small_images_too_they_are_the_librarys_by_chance(corruption, monkeypatch):
    ours, theirs = [], []
    for side, table in ((32, CIFAR_10_C), (64, TINY_IMAGENET_C)):
        for parameters in table[corruption]:
            for number, image in enumerate(sample(side, side)):
                recorder = Recorder(number)
                corrupted = FUNCTIONS[corruption](image[None], recorder, *parameters)
                with monkeypatch.context() as patched, np.errstate(invalid="raise"):
                    replay(patched, corruption, recorder.draws, parameters)
                    try:
                        theirs.append(replace_parameters(corruption, parameters)(image).ravel())
                    except FloatingPointError:  # no drop of spatter
                        theirs.append(image.ravel())
                ours.append(corrupted.ravel())
    assert_equal_but_for_rounding(corruption, np.concatenate(ours), np.concatenate(theirs))


# In pixels, from the released code: the largest displacement, the width of its smoothing, the largest step of a point.
RELEASED_ELASTIC = {
    32: ((0, 0, 2.56), (1.6, 6.4, 2.24), (2.56, 1.92, 1.92), (3.2, 1.28, 1.6), (3.2, 0.96, 0.96)),
    64: ((0, 0, 5.12), (3.2, 19.2, 3.84), (6.4, 5.12, 3.84), (6.4, 1.92, 1.92), (10.24, 1.92, 1.28)),
    224: ((488, 170.8, 24.4), (488, 19.52, 48.8), (12.2, 2.44, 4.88), (17.08, 2.44, 4.88), (29.28, 2.44, 4.88)),
}


@pytest.mark.parametrize(
    ("side", "table"), [(32, CIFAR_10_C), (64, TINY_IMAGENET_C), (224, IMAGENET_C)], ids=["32", "64", "224"]
)
def test_images_are_bent_as_in_the_released_code(side, table):
    image = gaussian_filter(data.astronaut()[:side, 150 : 150 + side].astype(float), (1, 1, 0)).astype(np.uint8)
    for parameters, (largest, sigma, shift) in zip(table["elastic_transform"], RELEASED_ELASTIC[side], strict=True):
        recorder = Recorder(0)
        bent = FUNCTIONS["elastic_transform"](image[None], recorder, *parameters)[0]
        fields, steps = recorder.draws[0] / (0.005 * side), recorder.draws[1]
        assert np.abs(fields).max() == pytest.approx(1, abs=0.01)
        assert 0.5 * shift < np.abs(steps).max() <= shift * (1 + 1e-6)
        expected = elastic_transform(image, fields, steps, largest, sigma)
        # OpenCV weighs neighbours in steps of 1/32 pixel, and values are cut off, not rounded.
        difference = np.abs(bent + 0.5 - expected)
        assert difference.mean() < 1
        assert np.quantile(difference, 0.99) < 4


def test_three_points_of_small_images_are_moved_as_drawn():
    rows, columns = np.indices((32, 32))
    image = np.stack([4 * rows + 60, 4 * columns + 60, rows + columns], axis=2).astype(np.uint8)
    recorder = Recorder(2)
    moved = FUNCTIONS["elastic_transform"](image[None], recorder, 0, 0.01, 0.05)[0]
    for (x, y), (step_x, step_y) in zip(((26, 26), (26, 6), (6, 6)), recorder.draws[1], strict=True):
        assert abs(step_x) <= 1.6
        found = map_coordinates(moved[..., 1].astype(float), ([y + step_y], [x + step_x]), order=1)
        assert found == pytest.approx(image[y, x, 1], abs=1.5)
        found = map_coordinates(moved[..., 0].astype(float), ([y + step_y], [x + step_x]), order=1)
        assert found == pytest.approx(image[y, x, 0], abs=1.5)


def test_frost_on_small_images_is_of_scaled_down_photographs():
    """The package's, scaled to a fifth, as for CIFAR-10-C: 0.45 of them lies on 0.75 of the image."""
    black = np.zeros((200, 32, 32, 3), dtype=np.uint8)
    frosted = FUNCTIONS["frost"](black, np.random.default_rng(0), 0.75, 0.45, 0.2)
    textures = weather._frost_textures(32, 32, 0.2)
    assert [texture.shape[:2] for texture in textures][:2] == [(120, 180), (63, 112)]
    wide = FUNCTIONS["frost"](black, np.random.default_rng(0), 0.75, 0.45, 1.1)
    # A fifth of the size shows five times as much of a photograph, so that neighbours differ more.
    fine, coarse = (np.abs(np.diff(images.astype(float), axis=2)).mean() for images in (frosted, wide))
    assert fine > 1.5 * coarse


@pytest.mark.parametrize("corruption", WITHOUT_CHANCE)
def test_corruptions_without_chance_are_the_librarys(corruption):
    ours, theirs = [], []
    for size in SIZES_OF_ZOOM if corruption == "zoom_blur" else SIZES:
        images = sample(*size)
        for severity, parameters in enumerate(IMAGENET_C[corruption], start=1):
            ours.append(FUNCTIONS[corruption](images, np.random.default_rng(0), *parameters).ravel())
            theirs += [corrupt_image(image, corruption, severity, seed=0).ravel() for image in images]
    assert_equal_but_for_rounding(corruption, np.concatenate(ours), np.concatenate(theirs))


@pytest.mark.parametrize("corruption", ["brightness", "saturate"])
def test_colours_are_the_librarys_in_every_hue(corruption):
    colours = np.random.default_rng(0).integers(0, 256, (1, 256, 256, 3), dtype=np.uint8)
    colours[0, :128] //= 32  # few levels, so that channels are equal, and dark
    for severity, parameters in enumerate(IMAGENET_C[corruption], start=1):
        ours = FUNCTIONS[corruption](colours, np.random.default_rng(0), *parameters)[0]
        assert np.array_equal(ours, corrupt_image(colours[0], corruption, severity, seed=0))


@pytest.mark.parametrize("corruption", [name for name in BY_CHANCE if name not in ("shot_noise", "elastic_transform")])
def test_corruptions_by_chance_are_the_librarys_for_the_same_random_numbers(corruption, monkeypatch):
    ours, theirs = [], []
    sizes = {"glass_blur": SIZES[:2], "frost": (*SIZES[:2], LARGER_THAN_SOME_PHOTOGRAPHS_OF_FROST)}
    for size in sizes.get(corruption, SIZES):
        for severity, parameters in enumerate(THE_LIBRARYS[corruption], start=1):
            for number, image in enumerate(sample(*size)):
                recorder = Recorder(number)
                ours.append(FUNCTIONS[corruption](image[None], recorder, *parameters).ravel())
                with monkeypatch.context() as patched:
                    replay(patched, corruption, recorder.draws, parameters)
                    patched.setattr(library, "clipped_zoom", trimmed_zoom)
                    patched.setattr(np.random, "seed", lambda seed: None)
                    theirs.append(corrupt_image(image, corruption, severity, seed=0).ravel())
    assert_equal_but_for_rounding(corruption, np.concatenate(ours), np.concatenate(theirs))


@pytest.mark.parametrize("corruption", [name for name in BY_CHANCE if name != "elastic_transform"])
def test_corruptions_by_chance_are_distributed_as_the_librarys(corruption, monkeypatch):
    monkeypatch.setattr(library, "clipped_zoom", trimmed_zoom)
    image = sample(32, 32)[0]
    count, severity = 150, 4
    parameters = THE_LIBRARYS[corruption][severity - 1]
    copies = np.broadcast_to(image, (count, *image.shape)).copy()
    ours = FUNCTIONS[corruption](copies, np.random.default_rng(1), *parameters).astype(float)
    theirs = np.stack([corrupt_image(image, corruption, severity, seed) for seed in range(count)]).astype(float)
    measures = {
        "level": lambda images: images.mean(axis=(1, 2, 3)),
        "distance": lambda images: np.abs(images - image).mean(axis=(1, 2, 3)),
        "contrast": lambda images: images.std(axis=(1, 2, 3)),
        "roughness across": lambda images: np.abs(np.diff(images, axis=2)).mean(axis=(1, 2, 3)),
        "roughness along": lambda images: np.abs(np.diff(images, axis=1)).mean(axis=(1, 2, 3)),
        "left and right": lambda images: (
            images[:, :, :16].mean(axis=(1, 2, 3)) - images[:, :, 16:].mean(axis=(1, 2, 3))
        ),
        "a pixel": lambda images: images[:, 5, 7, 1] + 1e-6 * images.mean(axis=(1, 2, 3)),
    }
    for name, measure in measures.items():
        assert scipy.stats.ks_2samp(measure(ours), measure(theirs)).pvalue > 1e-3, name


@pytest.mark.parametrize("photons", [3, 5, 12, 25, 60, 500])
def test_shot_noise_has_poissons_probabilities(photons):
    thresholds, outcomes = noise._poisson_bins(photons)
    bins = thresholds.shape[1]
    first = thresholds / (2**32 / bins)
    counts = np.arange(photons + 1)
    for level in (0, 1, 2, 77, 128, 254, 255):
        probabilities = np.zeros(256)
        np.add.at(probabilities, outcomes[level, :, 0], first[level] / bins)
        np.add.at(probabilities, outcomes[level, :, 1], (1 - first[level]) / bins)
        poisson = scipy.stats.poisson(level / 255 * photons)
        expected = np.zeros(256)
        greys = np.uint8(np.clip(counts / float(photons), 0, 1) * 255)
        np.add.at(expected, greys, [*poisson.pmf(counts[:-1]), poisson.sf(photons - 1)])
        np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("severity", range(1, 6))
def test_shot_noise_has_the_librarys_means_and_levels(severity, monkeypatch):
    means = []

    def poisson(mean):
        means.append(mean)
        return np.indices(mean.shape)[1]

    (photons,) = IMAGENET_C["shot_noise"][severity - 1]
    greys = np.arange(256, dtype=np.uint8).reshape(32, 8, 1)
    monkeypatch.setattr(np.random, "poisson", poisson)
    theirs = corrupt_image(np.tile(greys, (1, 10, 3)), "shot_noise", severity, seed=0)
    np.testing.assert_allclose(np.unique(means), np.arange(256) / 255 * photons)
    assert np.array_equal(np.unique(theirs), np.unique(noise._poisson_bins(photons)[1]))


@pytest.mark.parametrize("photons", [60, 5, 3])
def test_shot_noise_draws_with_these_probabilities(photons):
    for level in (0, 3, 90, 255):
        images = np.full((40, 32, 32, 3), level, dtype=np.uint8)
        noisy = FUNCTIONS["shot_noise"](images, np.random.default_rng(2), photons)
        poisson = scipy.stats.poisson(level / 255 * photons)
        expected = np.array([*poisson.pmf(np.arange(photons)), poisson.sf(photons - 1)]) * noisy.size
        greys = np.uint8(np.arange(photons + 1) / photons * 255)
        observed = np.array([(noisy == grey).sum() for grey in greys])
        assert observed.sum() == noisy.size
        often = expected >= 5
        observed = [*observed[often], observed[~often].sum()]
        expected = [*expected[often], expected[~often].sum()]
        # The rare ones in sum, which are too few for the test where there are hardly any.
        if expected[-1] < 5:
            assert observed.pop() <= expected.pop() + 10
        if len(expected) > 1:
            expected = np.array(expected) * sum(observed) / sum(expected)
            assert scipy.stats.chisquare(observed, expected).pvalue > 1e-3


def test_random_numbers_are_spread_as_they_should_be():
    images = np.zeros((400, 32, 40, 3), dtype=np.uint8)
    drawn = {}
    for corruption in ("glass_blur", "motion_blur", "snow", "frost", "fog", "elastic_transform"):
        recorder = Recorder(3)
        FUNCTIONS[corruption](images, recorder, *IMAGENET_C[corruption][3])
        drawn[corruption] = recorder.draws
    angles = np.array(drawn["snow"][1::2])
    for numbers, low, high in (
        (drawn["motion_blur"][0], -45, 45),
        (angles, -135, -45),
        (drawn["frost"][0].ravel(), 0, 1),
        (drawn["fog"][0].ravel(), 0, 1),
        (drawn["elastic_transform"][0].ravel(), -0.16, 0.16),
        (np.ravel(drawn["elastic_transform"][1::2]), -32 * 4.88 / 224, 32 * 4.88 / 224),
    ):
        assert scipy.stats.kstest(numbers, scipy.stats.uniform(low, high - low).cdf).pvalue > 1e-3
        np.testing.assert_allclose([numbers.min(), numbers.max()], [low, high], rtol=0, atol=0.02 * (high - low))
    assert scipy.stats.kstest(np.ravel(drawn["snow"][0::2]), "norm").pvalue > 1e-3
    assert scipy.stats.chisquare(np.bincount(drawn["glass_blur"][0].ravel(), minlength=36)).pvalue > 1e-3


def test_the_librarys_glass_blur_copies_pixels_where_it_means_to_swap_them():
    """As its Python form does, which the tests above compare with."""
    rows, columns = np.indices((32, 32))
    images = np.stack([rows, columns, rows], axis=2).astype(np.uint8)
    left = [
        len(np.unique(shuffle(32, 32, images.copy(), (1.1, 3, 2), seed).reshape(-1, 3), axis=0))
        for shuffle in (library._shuffle_pixels_njit_glass_blur, library._shuffle_pixels_njit_glass_blur.py_func)
        for seed in range(5)
    ]
    assert max(left) < 0.7 * 32 * 32
    assert np.mean(left[:5]) == pytest.approx(np.mean(left[5:]), rel=0.03)


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_images_of_a_block_do_not_influence_each_other(corruption):
    images = sample(40, 33) // 2
    parameters = IMAGENET_C[corruption][2]
    before = images.copy()
    whole = FUNCTIONS[corruption](images, np.random.default_rng(0), *parameters)
    assert whole.dtype == np.uint8
    assert whole.shape == images.shape
    assert np.array_equal(images, before)
    # Fewer images, of which one is another, and brighter.
    images[1] = 255 - images[1]
    part = FUNCTIONS[corruption](images[:4], np.random.default_rng(0), *parameters)
    assert np.array_equal(part[[0, 2, 3]], whole[[0, 2, 3]])
    assert not np.array_equal(part[1], whole[1])


def test_missing_photographs_of_frost_are_named(monkeypatch):
    monkeypatch.setattr(weather, "_FROST_FILES", ("frost7.png",))
    with pytest.raises(InputError, match=r"frost7.png is missing or damaged: reinstall imagecorruptions-imaug"):
        FUNCTIONS["frost"](sample(33, 47), np.random.default_rng(0), *IMAGENET_C["frost"][0])


def test_nothing_slow_to_start_is_imported():
    """Neither at all the package and numba, which it compiles, nor anything before it is needed."""
    program = (
        "import sys, numpy as np\n"
        "from filterfreq.evaluation.corruptions.functions import FUNCTIONS\n"
        "from filterfreq.evaluation.corruptions.severities import IMAGENET_C\n"
        "assert not {'cv2', 'scipy', 'PIL', 'torch'} & set(sys.modules)\n"
        "for name, function in FUNCTIONS.items():\n"
        "    function(np.zeros((1, 32, 32, 3), np.uint8), np.random.default_rng(0), *IMAGENET_C[name][0])\n"
        "assert not {'numba', 'imagecorruptions', 'skimage', 'torch'} & set(sys.modules)\n"
    )
    scripts = Path(__file__).parents[3] / "scripts"
    subprocess.run([sys.executable, "-c", program], check=True, env={"PYTHONPATH": str(scripts)})
