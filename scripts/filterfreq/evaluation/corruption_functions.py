"""The 15 common and 4 extra corruptions, each as a function of a whole block of images. Imports no torch.

They are those of Hendrycks and Dietterich, Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations, ICLR 2019, as the package imagecorruptions-imaug computes them image by image; what it does contrary to
its own comments is done here too, and said at the function. Two are the released code's instead: snow is trimmed to the
image's size before it falls, and elastic_transform has the step that the package leaves out.

Those without chance equal the package's in every bit but for zoom_blur, and so do impulse_noise, glass_blur,
motion_blur, frost and spatter for the same random numbers. The others are computed in single precision: where rounding
decides, about one value in ten thousand or fewer differs by one grey level, and seldom one of snow by more, where the
noise lies at the threshold.

Every function of `FUNCTIONS` takes

- images: uint8, n x H x W x 3, RGB, at least 32 pixels high and wide. They do not influence each other.
- rng: where it draws from, image after image, so that the first images of a block come out alike however many follow.
  Those that leave nothing to chance draw nothing.
- its parameters, one row of a table of `filterfreq.evaluation.corruption_severities`.

and returns uint8 of the same shape. Values are cut off, not rounded, as the package does. None changes its input.
"""

import math
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import distribution

import numpy as np

from filterfreq.runtime.errors import InputError

_PACKAGE = "imagecorruptions-imaug"
_FROST_FILES = ("frost1.png", "frost2.png", "frost3.png", "frost4.jpg", "frost5.jpg", "frost6.jpg")
# Where red, green and blue are found among (value, p, q, t), by the sixth of the colour circle (see `_hsv_to_rgb`).
_SIXTHS = np.array([[0, 3, 1], [2, 0, 1], [1, 0, 3], [1, 2, 0], [3, 1, 0], [0, 1, 2]])


def gaussian_noise(images: np.ndarray, rng: np.random.Generator, std: float) -> np.ndarray:
    """Add normal noise of standard deviation `std`, in units of [0, 1], to every value."""
    noisy = rng.standard_normal(images.shape, dtype=np.float32)
    noisy *= 255 * std
    noisy += images
    return _from_levels(noisy)


def shot_noise(images: np.ndarray, rng: np.random.Generator, photons: int) -> np.ndarray:
    """Draw every value from a Poisson distribution; white has a mean of `photons`, and more than these are white too.

    Walker's alias method (ACM Transactions on Mathematical Software 3, 1977) for each of the 256 grey levels: a random
    number's leading bits choose a bin, the others one of the bin's two outcomes.
    """
    thresholds, outcomes = _poisson_bins(photons)
    bins = thresholds.shape[1]
    draws = rng.integers(0, 2**32, images.shape, dtype=np.uint32)
    rest_bits = 33 - bins.bit_length()
    places = images.astype(np.intp)
    places *= bins
    places += draws >> rest_bits
    draws &= 2**rest_bits - 1
    is_second = draws >= thresholds.take(places)
    places *= 2
    places += is_second
    return outcomes.take(places)


def impulse_noise(images: np.ndarray, rng: np.random.Generator, amount: float) -> np.ndarray:
    """Set a share `amount` of all values to 0 or to 255, with equal probability."""
    draws = rng.random(images.shape, dtype=np.float32)
    noisy = images.copy()
    noisy[draws < amount] = 0
    noisy[draws < amount / 2] = 255
    return noisy


def speckle_noise(images: np.ndarray, rng: np.random.Generator, std: float) -> np.ndarray:
    """Add normal noise to every value, of `std` times that value."""
    noisy = rng.standard_normal(images.shape, dtype=np.float32)
    noisy *= std
    noisy += 1
    noisy *= images
    return _from_levels(noisy)


def gaussian_blur(images: np.ndarray, rng: np.random.Generator, sigma: float) -> np.ndarray:
    """Convolve with a normal density of standard deviation `sigma`, in pixels; border pixels go on outside."""
    return _from_unit(_gaussian(images / 255, sigma))


def glass_blur(images: np.ndarray, rng: np.random.Generator, sigma: float, reach: int, rounds: int) -> np.ndarray:
    """Blur, let pixels take the places of near ones, and blur again.

    A round visits the pixels from the last to the first, but for a margin, and gives each the present value of one
    that is -reach to reach - 1 rows and columns away. The package means to swap the two; but its two sides of the
    assignment are views of one array, so the other pixel stays as it is.

    Args:
        images: see the module.
        rng: see the module.
        sigma: standard deviation of the blur, in pixels.
        reach: how far pixels move, in pixels.
        rounds: how often all pixels are visited.
    """
    count, height, width, _ = images.shape
    visited = slice(reach + 1, height - reach + 1), slice(reach + 1, width - reach + 1)
    pixels = np.arange(count * height * width).reshape(count, height, width)
    visitors = pixels[:, *visited]
    shape = (count, rounds, *visitors.shape[1:])
    offsets = np.arange(-reach, reach)
    steps = (offsets[:, None] + width * offsets).ravel()
    draws = rng.integers(0, len(steps), shape, dtype=np.min_scalar_type(len(steps) - 1))
    shuffled = (_gaussian(images / 255, sigma) * 255).astype(np.uint8).reshape(-1, 3)
    for draw in draws.swapaxes(0, 1):
        step = steps.take(draw)
        read = visitors + step
        # Where a pixel's value comes from: i stands for the new value of pixel i, and ~i, negative, for its old one.
        # Later pixels come first in a round, so that they have their new values when they are read.
        links = ~pixels
        links[:, *visited] = np.where(step > 0, read, ~read)
        links = links.ravel()
        pending = np.flatnonzero(links >= 0)
        while len(pending):
            links[pending] = links.take(links.take(pending))
            pending = pending[links.take(pending) >= 0]
        shuffled = shuffled.take(~links, axis=0)
    return _from_unit(_gaussian(shuffled.reshape(images.shape) / 255, sigma))


def defocus_blur(images: np.ndarray, rng: np.random.Generator, radius: int, alias_blur: float) -> np.ndarray:
    """Convolve with a disk whose edge is smoothed; at the border the image is mirrored.

    The package smooths the disk inside a grid that the larger disks fill to its edge, with a mirrored border, so that
    their weights sum up to a little more than 1.

    Args:
        images: see the module.
        rng: not used.
        radius: of the disk, in pixels.
        alias_blur: standard deviation of the normal density that smooths the disk's edge, in pixels.
    """
    import cv2

    reach = max(radius, 8)
    x = np.arange(-reach, reach + 1)
    disk = (x**2 + x[:, None] ** 2 <= radius**2).astype(np.float32)
    disk /= disk.sum()
    disk = cv2.GaussianBlur(disk, (3, 3) if radius <= 8 else (5, 5), alias_blur)
    return _from_unit(np.stack([cv2.filter2D(image, -1, disk) for image in images / 255]))


def motion_blur(images: np.ndarray, rng: np.random.Generator, radius: int, sigma: float) -> np.ndarray:
    """Average the image along a line of random direction, within 45 degrees of the horizontal, to one side.

    Args:
        images: see the module.
        rng: see the module.
        radius: half the length of the line, in pixels; what would lead out of the image is left off.
        sigma: standard deviation of the normal density that the weights fall off with, in pixels.
    """
    blurred = np.empty_like(images)
    product = np.empty(images.shape[1:])
    for image, result, angle in zip(images, blurred, rng.uniform(-45, 45, len(images)), strict=True):
        total = np.zeros_like(product)
        for weight, shifted in _along_line(image.astype(np.float64), radius, sigma, angle):
            total += np.multiply(shifted, weight, out=product)
        result[...] = _from_levels(total)
    return blurred


def zoom_blur(images: np.ndarray, rng: np.random.Generator, stop: float, step: float) -> np.ndarray:
    """Average the image, taken twice, with its centre magnified by 1 + step, 1 + 2 step, ..., below `stop`."""
    import cv2

    height, width = images.shape[1:3]
    factors = np.arange(1, stop, step)
    maps = [_zoom_maps(height, width, factor) for factor in factors]
    originals = images.astype(np.float32)
    originals /= 255
    layer = np.empty_like(originals[0])
    total = np.zeros_like(originals)
    for original, result in zip(originals, total, strict=True):
        for map_x, map_y in maps:
            result += cv2.remap(original, map_x, map_y, cv2.INTER_LINEAR, dst=layer)
    total += originals
    total /= len(factors) + 1
    return _from_unit(total)


def snow(
    images: np.ndarray,
    rng: np.random.Generator,
    mean: float,
    std: float,
    zoom: float,
    threshold: float,
    radius: int,
    sigma: float,
    keep: float,
) -> np.ndarray:
    """Whiten the image and let snow fall on it: magnified normal noise, blurred along a line, once more upside down.

    The noise is trimmed to the image's size before it is blurred, as in the released code. The package blurs all of it
    and trims it then, which on 32 x 32 pixels at severity 4 adds 3 grey levels: the outermost pixels are the brightest,
    and the blur repeats them.

    Args:
        images: see the module.
        rng: see the module.
        mean: of the noise.
        std: standard deviation of the noise.
        zoom: how far the noise is magnified.
        threshold: noise below it is no snow.
        radius: half the length of the line, in pixels.
        sigma: standard deviation of the normal density that the weights along the line fall off with, in pixels.
        keep: share of the image that is not whitened.
    """
    import cv2

    count, height, width, _ = images.shape
    map_x, map_y = _zoom_maps(height, width, zoom)
    flakes = np.empty((count, height, width), dtype=np.float32)
    for flake in flakes:
        noise = std * rng.standard_normal((height, width), dtype=np.float32) + mean
        noise = cv2.remap(noise, map_x, map_y, cv2.INTER_LINEAR)
        noise[noise < threshold] = 0
        fallen = np.zeros_like(noise)
        for weight, shifted in _along_line(np.minimum(noise, 1), radius, sigma, rng.uniform(-135, -45)):
            cv2.scaleAdd(shifted, weight, fallen, fallen)
        flake[...] = fallen
    flakes = np.rint(flakes * 255).astype(np.float64) / 255
    clear = images.astype(np.float32)
    clear /= 255
    white = cv2.cvtColor(clear.reshape(-1, width, 3), cv2.COLOR_RGB2GRAY).reshape(flakes.shape) * 1.5 + 0.5
    snowy = np.empty_like(images)
    for channel in range(3):
        values = clear[..., channel]
        values = keep * values + (1 - keep) * np.maximum(values, white)
        snowy[..., channel] = _from_unit(values + flakes + flakes[:, ::-1, ::-1])
    return snowy


def frost(images: np.ndarray, rng: np.random.Generator, keep: float, strength: float, scale: float) -> np.ndarray:
    """Add a random part of one of six photographs of frost.

    Args:
        images: see the module.
        rng: see the module.
        keep: factor of the image.
        strength: factor of the photograph.
        scale: of the photograph's size; more where it would not be a tenth larger than the image. The package has 1.1.

    Raises:
        InputError: the package's photographs are missing.
    """
    count, height, width, _ = images.shape
    textures = _frost_textures(height, width, scale)
    crops = np.empty_like(images)
    for crop, draws in zip(crops, rng.random((count, 3)), strict=True):
        texture = textures[int(draws[0] * len(textures))]
        top, left = (int(draws[axis] * (texture.shape[axis - 1] - images.shape[axis])) for axis in (1, 2))
        crop[...] = texture[top : top + height, left : left + width]
    return _from_levels(keep * images.astype(np.float64) + strength * crops.astype(np.float64))


def fog(images: np.ndarray, rng: np.random.Generator, strength: float, decay: float) -> np.ndarray:
    """Add a fractal, then darken the image so that its brightest value stays below its old one.

    Args:
        images: see the module.
        rng: see the module.
        strength: the fractal's largest value, in units of [0, 1].
        decay: what finer details are weaker by; smaller is rougher.
    """
    height, width = images.shape[1:3]
    brightest = images.max(axis=(1, 2, 3), keepdims=True).astype(np.float32)
    fractal = _plasma_fractal(rng, len(images), max(height, width), decay)[:, :height, :width, None]
    foggy = (255 * strength) * fractal + images
    foggy *= brightest / (brightest + 255 * strength)
    return _from_levels(foggy)


def brightness(images: np.ndarray, rng: np.random.Generator, shift: float) -> np.ndarray:
    """Add `shift` to the value of hue, saturation and value, all in [0, 1]."""
    hue, saturation, value = _rgb_to_hsv(images)
    return _hsv_to_rgb(hue, saturation, np.clip(value + shift, 0, 1)).reshape(images.shape)


def saturate(images: np.ndarray, rng: np.random.Generator, factor: float, shift: float) -> np.ndarray:
    """Multiply the saturation, in [0, 1], by `factor` and add `shift`; so grey, whose hue counts as red, can redden."""
    hue, saturation, value = _rgb_to_hsv(images)
    return _hsv_to_rgb(hue, np.clip(saturation * factor + shift, 0, 1), value).reshape(images.shape)


def contrast(images: np.ndarray, rng: np.random.Generator, factor: float) -> np.ndarray:
    """Multiply the distance of every value to its channel's mean over the image by `factor`."""
    values = images / 255
    means = values.mean(axis=(1, 2), keepdims=True)
    values -= means
    values *= factor
    values += means
    return _from_unit(values)


def elastic_transform(
    images: np.ndarray, rng: np.random.Generator, strength: float, smoothing: float, shift: float
) -> np.ndarray:
    """Move three points of the image at random, and every pixel by a smoothed random displacement.

    At the border the image is mirrored. This is the released code; the package leaves the first step out.

    Args:
        images: see the module.
        rng: see the module.
        strength: displacements are uniform, up to this many times 0.5 % of the height, in both directions.
        smoothing: standard deviation of the normal density that displacements are convolved with, as a share of the
            height and width.
        shift: how far each of three points that lie a third of the image apart moves, with the affine map that they
            fix, as a share of the height; 0 draws nothing.
    """
    import cv2
    from scipy import ndimage

    count, height, width, _ = images.shape
    bound = 0.005 * height
    draws, steps = np.empty((count, 2, height, width)), np.zeros((count, 3, 2), dtype=np.float32)
    for draw, step in zip(draws, steps, strict=True):
        draw[...] = rng.uniform(-bound, bound, draw.shape)
        if shift:
            step[...] = rng.uniform(-shift * height, shift * height, step.shape)
    moves = ndimage.gaussian_filter(
        draws, (smoothing * height, smoothing * width), mode="reflect", truncate=3, axes=(2, 3)
    )
    moves *= strength
    maps_x = (moves[:, 0] + np.arange(width)).astype(np.float32)
    maps_y = (moves[:, 1] + np.arange(height)[:, None]).astype(np.float32)
    originals = images.astype(np.float32)
    originals /= 255
    if shift:
        x, y, reach = width // 2, height // 2, min(height, width) // 3
        points = np.float32([[x + reach, y + reach], [x + reach, y - reach], [x - reach, y - reach]])
        for original, step in zip(originals, steps, strict=True):
            affine = cv2.getAffineTransform(points, points + step)
            original[...] = cv2.warpAffine(original, affine, (width, height), borderMode=cv2.BORDER_REFLECT_101)
    moved = np.empty_like(originals)
    for original, result, map_x, map_y in zip(originals, moved, maps_x, maps_y, strict=True):
        cv2.remap(original, map_x, map_y, cv2.INTER_LINEAR, dst=result, borderMode=cv2.BORDER_REFLECT)
    return _from_unit(moved)


def pixelate(images: np.ndarray, rng: np.random.Generator, factor: float) -> np.ndarray:
    """Scale the image down by `factor`, averaging, and up again, repeating pixels."""
    from PIL import Image

    height, width = images.shape[1:3]
    small = int(width * factor), int(height * factor)
    pictures = [Image.fromarray(image).resize(small, Image.Resampling.BOX) for image in images]
    return np.stack([picture.resize((width, height), Image.Resampling.NEAREST) for picture in pictures])


def jpeg_compression(images: np.ndarray, rng: np.random.Generator, quality: int) -> np.ndarray:
    """Compress and decompress with a JPEG quality of `quality`, from 1 to 95, and halved chroma."""
    import cv2

    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    files = [cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)[1] for image in images]
    return np.stack([cv2.imdecode(file, cv2.IMREAD_COLOR_RGB) for file in files])


def spatter(
    images: np.ndarray,
    rng: np.random.Generator,
    mean: float,
    std: float,
    smoothing: float,
    threshold: float,
    strength: float,
    mud: bool,
) -> np.ndarray:
    """Let drops of water or mud fall on the image.

    Where no drop of water falls, as happens on small images, the package divides 0 by 0; here the image stays as it is.

    Args:
        images: see the module.
        rng: see the module.
        mean: of the noise that the drops are made from.
        std: standard deviation of the noise.
        smoothing: standard deviation of the normal density that the noise is convolved with, in pixels.
        threshold: smoothed noise below it is no drop.
        strength: largest factor of the colour of water, or the smoothing of mud, in pixels.
        mud: whether it is mud.
    """
    noise = std * rng.standard_normal(images.shape[:3]) + mean
    drops = _gaussian(noise, smoothing)
    drops[drops < threshold] = 0
    clear = images.astype(np.float32)
    clear /= 255
    if mud:
        cover = _gaussian((drops > threshold).astype(np.float32), strength)[..., None]
        cover[cover < 0.8] = 0
        clear *= 1 - cover
        return _from_unit(clear + cover * (np.array([63, 42, 20]) / 255))
    for original, drop in zip(clear, (drops * 255).astype(np.uint8), strict=True):
        film = _water(drop)
        if film.any():
            film /= film.max()
            film *= strength
            original += film[..., None] * (np.array([175, 238, 238]) / 255).astype(np.float32)
    return _from_unit(clear)


FUNCTIONS: Mapping[str, Callable[..., np.ndarray]] = {
    function.__name__: function
    for function in (
        gaussian_noise,
        shot_noise,
        impulse_noise,
        defocus_blur,
        glass_blur,
        motion_blur,
        zoom_blur,
        snow,
        frost,
        fog,
        brightness,
        contrast,
        elastic_transform,
        pixelate,
        jpeg_compression,
        speckle_noise,
        gaussian_blur,
        spatter,
        saturate,
    )
}
"""The corruptions by name: the common ones in the field's order, then the extra ones."""


def _from_levels(values: np.ndarray) -> np.ndarray:
    """Cut values, changed in place, to [0, 255] and to whole numbers."""
    return np.clip(values, 0, 255, out=values).astype(np.uint8)


def _from_unit(values: np.ndarray) -> np.ndarray:
    """Cut values, changed in place, to [0, 1], and scaled by 255 to whole numbers."""
    np.clip(values, 0, 1, out=values)
    values *= 255
    return values.astype(np.uint8)


def _gaussian(values: np.ndarray, sigma: float) -> np.ndarray:
    """Smooth n x H x W (x 3) within each image; border pixels go on outside."""
    from scipy import ndimage

    return ndimage.gaussian_filter(values, sigma, mode="nearest", axes=(1, 2))


@cache
def _poisson_bins(photons: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the thresholds and outcomes of the alias method, 256 x bins and 256 x bins x 2.

    A number below the threshold of its bin means the first outcome, else the second. Thresholds have the bits of a
    uint32 that are not needed to choose a bin; outcomes are grey levels.
    """
    bins = 2 ** int(photons).bit_length()
    levels = np.arange(256)
    means = levels / 255 * photons
    # The probabilities of 0, 1, ..., photons - 1, each from the one before, and of all above.
    ratios = [np.exp(-means), *(means / counted for counted in range(1, photons))]
    shares = np.zeros((256, bins))
    shares[:, :photons] = np.cumprod(ratios, axis=0).T
    shares[:, photons] = 1 - shares.sum(axis=1)
    shares *= bins
    second = np.tile(np.arange(bins), (256, 1))
    is_open = np.ones((256, bins), dtype=bool)
    for _ in range(bins - 1):
        smallest = np.where(is_open, shares, np.inf).argmin(axis=1)
        largest = np.where(is_open, shares, -np.inf).argmax(axis=1)
        second[levels, smallest] = largest
        shares[levels, largest] -= 1 - shares[levels, smallest]
        is_open[levels, smallest] = False
    grey = (np.minimum(np.arange(bins) / photons, 1) * 255).astype(np.uint8)
    outcomes = np.stack([np.broadcast_to(grey, second.shape), grey[second]], axis=2)
    return (np.clip(shares, 0, 1) * 2**32 / bins).astype(np.uint32), outcomes


def _along_line(image: np.ndarray, radius: int, sigma: float, angle: float) -> list[tuple[float, np.ndarray]]:
    """Return the weights of the pixels along a line at `angle` degrees, and the image shifted to each, as views.

    Border pixels go on outside; the line ends where it is as long as the image is high or wide.
    """
    import cv2

    height, width = image.shape[:2]
    length = 2 * radius + 1
    along = np.arange(length)
    weights = np.exp(-(along**2) / (2 * sigma**2)) / (np.sqrt(2 * np.pi) * sigma)
    weights /= weights.sum()
    direction = length * np.sin(np.deg2rad(angle)), length * np.cos(np.deg2rad(angle))
    rows, columns = (np.ceil(along * part / math.hypot(*direction) - 0.5).astype(int) for part in direction)
    within = (abs(rows) < height) & (abs(columns) < width)
    rows, columns = rows[within], columns[within]
    top, left = -rows.min(), -columns.min()
    padded = cv2.copyMakeBorder(image, top, rows.max(), left, columns.max(), cv2.BORDER_REPLICATE)
    places = zip(weights.tolist(), (rows + top).tolist(), (columns + left).tolist(), strict=False)
    return [(weight, padded[row : row + height, column : column + width]) for weight, row, column in places]


def _zoom_maps(height: int, width: int, factor: float) -> tuple[np.ndarray, np.ndarray]:
    """Return where the pixels of an image's magnified centre lie in it, x and y, float32, as cv2.remap takes them.

    What is magnified beyond the image's size is trimmed, as much at each rim; of an odd number one more at the end.
    """
    y, x = (_zoomed(side, factor).astype(np.float32) for side in (height, width))
    return np.broadcast_to(x, (height, width)).copy(), np.broadcast_to(y[:, None], (height, width)).copy()


def _zoomed(side: int, factor: float) -> np.ndarray:
    cropped = math.ceil(side / factor)
    zoomed = round(cropped * factor)
    places = np.arange(zoomed) * ((cropped - 1) / (zoomed - 1))
    # scipy.ndimage.zoom takes a place that rounding has put behind the last pixel for one outside, which is black.
    start = (zoomed - side) // 2
    return np.where(places <= cropped - 1, places + (side - cropped) // 2, -2)[start : start + side]


@cache
def _frost_textures(height: int, width: int, scale: float) -> list[np.ndarray]:
    """Return the photographs of frost, RGB, uint8, larger than height x width, read once per process and size."""
    import cv2

    textures = []
    for name in _FROST_FILES:
        # Located by the package's metadata: importing it would import and set up numba.
        path = str(distribution(_PACKAGE).locate_file(f"imagecorruptions/frost/{name}"))
        texture = cv2.imread(path)
        if texture is None:
            raise InputError(f"{path} is missing or damaged: reinstall {_PACKAGE} as pinned")
        factor = max(scale, 1.1 * (height / texture.shape[0]), 1.1 * (width / texture.shape[1]))
        size = [math.ceil(side * factor) for side in texture.shape[1::-1]]
        texture = cv2.resize(texture, size, interpolation=cv2.INTER_CUBIC if factor > 1 else cv2.INTER_LINEAR)
        textures.append(cv2.cvtColor(texture, cv2.COLOR_BGR2RGB))
    return textures


def _plasma_fractal(rng: np.random.Generator, count: int, side: int, decay: float) -> np.ndarray:
    """Return fractals of the diamond-square algorithm on a torus: float32, count x s x s, from 0 to 1, s >= side."""
    side = 2 ** (side - 1).bit_length()
    draws = rng.random((count, side**2 - 1), dtype=np.float32)
    draws *= 2
    draws -= 1
    maps = np.zeros((count, side, side), dtype=np.float32)
    step, amplitude, used = side, 100.0, 0
    while step > 1:
        half, cells = step // 2, side // step
        noise = draws[:, used : used + 3 * cells**2].reshape(count, 3, cells, cells) * amplitude**2
        used += 3 * cells**2
        corners, centres = maps[:, ::step, ::step], maps[:, half::step, half::step]
        squares = corners + np.roll(corners, -1, axis=1)
        squares += np.roll(squares, -1, axis=2)
        centres[...] = squares / 4 + noise[:, 0]
        above = centres + np.roll(centres, 1, axis=1) + (corners + np.roll(corners, -1, axis=2))
        maps[:, ::step, half::step] = above / 4 + noise[:, 1]
        beside = centres + np.roll(centres, 1, axis=2) + (corners + np.roll(corners, -1, axis=1))
        maps[:, half::step, ::step] = beside / 4 + noise[:, 2]
        step, amplitude = half, amplitude / decay
    maps -= maps.min(axis=(1, 2), keepdims=True)
    maps /= maps.max(axis=(1, 2), keepdims=True)
    return maps


def _rgb_to_hsv(images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return hue, saturation and value of all pixels in a row, in [0, 1]; hue and saturation of grey are 0."""
    red, green, blue = np.divide(images.reshape(-1, 3).T, 255, order="C")
    value = np.maximum(np.maximum(red, green), blue)
    span = value - np.minimum(np.minimum(red, green), blue)
    is_grey = span == 0
    saturation = np.divide(span, value, out=np.zeros_like(span), where=~is_grey)
    span[is_grey] = 1
    hue = np.where(green == value, 2 + (blue - red) / span, (green - blue) / span)
    hue = np.where(blue == value, 4 + (red - green) / span, hue)
    hue /= 6
    hue[hue < 0] += 1
    hue[is_grey] = 0
    return hue, saturation, value


def _hsv_to_rgb(hue: np.ndarray, saturation: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Return the colours as uint8, pixels x 3."""
    within = hue * 6
    sixth = within.astype(np.intp)
    within -= sixth
    choices = np.empty((len(value), 4), dtype=np.uint8)
    choices[:, 0] = value * 255
    choices[:, 1] = value * (1 - saturation) * 255
    choices[:, 2] = value * (1 - within * saturation) * 255
    choices[:, 3] = value * (1 - (1 - within) * saturation) * 255
    return choices.take(_SIXTHS.take(sixth, axis=0) + np.arange(0, choices.size, 4)[:, None])


def _water(drops: np.ndarray) -> np.ndarray:
    """Return how much water lies on each pixel, float32, H x W, from drops as uint8."""
    import cv2

    distance = cv2.distanceTransform(255 - cv2.Canny(drops, 50, 150), cv2.DIST_L2, 5)
    distance = cv2.blur(np.minimum(distance, 20), (3, 3)).astype(np.uint8)
    relief = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
    lit = cv2.filter2D(cv2.equalizeHist(distance), cv2.CV_8U, relief)
    return drops * cv2.blur(lit, (3, 3)).astype(np.float32)
