"""Weather: snow, frost, fog, brightness and spatter."""

import math
from functools import cache
from importlib.metadata import distribution

import numpy as np

from filterfreq.evaluation.corruptions.functions.pixels import (
    cut_levels,
    hsv_to_rgb,
    rgb_to_hsv,
    scaled_levels,
    shifts_along_line,
    smooth,
    zoom_maps,
)
from filterfreq.runtime.errors import InputError

_PACKAGE = "imagecorruptions-imaug"
_FROST_FILES = ("frost1.png", "frost2.png", "frost3.png", "frost4.jpg", "frost5.jpg", "frost6.jpg")


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
        images: see `filterfreq.evaluation.corruptions.functions`.
        rng: see `filterfreq.evaluation.corruptions.functions`.
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
    map_x, map_y = zoom_maps(height, width, zoom)
    flakes = np.empty((count, height, width), dtype=np.float32)
    for flake in flakes:
        noise = std * rng.standard_normal((height, width), dtype=np.float32) + mean
        noise = cv2.remap(noise, map_x, map_y, cv2.INTER_LINEAR)
        noise[noise < threshold] = 0
        fallen = np.zeros_like(noise)
        for weight, shifted in shifts_along_line(np.minimum(noise, 1), radius, sigma, rng.uniform(-135, -45)):
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
        snowy[..., channel] = scaled_levels(values + flakes + flakes[:, ::-1, ::-1])
    return snowy


def frost(images: np.ndarray, rng: np.random.Generator, keep: float, strength: float, scale: float) -> np.ndarray:
    """Add a random part of one of six photographs of frost.

    Args:
        images: see `filterfreq.evaluation.corruptions.functions`.
        rng: see `filterfreq.evaluation.corruptions.functions`.
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
    return cut_levels(keep * images.astype(np.float64) + strength * crops.astype(np.float64))


def fog(images: np.ndarray, rng: np.random.Generator, strength: float, decay: float) -> np.ndarray:
    """Add a fractal, then darken the image so that its brightest value stays below its old one.

    Args:
        images: see `filterfreq.evaluation.corruptions.functions`.
        rng: see `filterfreq.evaluation.corruptions.functions`.
        strength: the fractal's largest value, in units of [0, 1].
        decay: what finer details are weaker by; smaller is rougher.
    """
    height, width = images.shape[1:3]
    brightest = images.max(axis=(1, 2, 3), keepdims=True).astype(np.float32)
    fractal = _plasma_fractal(rng, len(images), max(height, width), decay)[:, :height, :width, None]
    foggy = (255 * strength) * fractal + images
    foggy *= brightest / (brightest + 255 * strength)
    return cut_levels(foggy)


def brightness(images: np.ndarray, rng: np.random.Generator, shift: float) -> np.ndarray:
    """Add `shift` to the value of hue, saturation and value, all in [0, 1]."""
    hue, saturation, value = rgb_to_hsv(images)
    return hsv_to_rgb(hue, saturation, np.clip(value + shift, 0, 1)).reshape(images.shape)


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
        images: see `filterfreq.evaluation.corruptions.functions`.
        rng: see `filterfreq.evaluation.corruptions.functions`.
        mean: of the noise that the drops are made from.
        std: standard deviation of the noise.
        smoothing: standard deviation of the normal density that the noise is convolved with, in pixels.
        threshold: smoothed noise below it is no drop.
        strength: largest factor of the colour of water, or the smoothing of mud, in pixels.
        mud: whether it is mud.
    """
    noise = std * rng.standard_normal(images.shape[:3]) + mean
    drops = smooth(noise, smoothing)
    drops[drops < threshold] = 0
    clear = images.astype(np.float32)
    clear /= 255
    if mud:
        cover = smooth((drops > threshold).astype(np.float32), strength)[..., None]
        cover[cover < 0.8] = 0
        clear *= 1 - cover
        return scaled_levels(clear + cover * (np.array([63, 42, 20]) / 255))
    for original, drop in zip(clear, (drops * 255).astype(np.uint8), strict=True):
        film = _water(drop)
        if film.any():
            film /= film.max()
            film *= strength
            original += film[..., None] * (np.array([175, 238, 238]) / 255).astype(np.float32)
    return scaled_levels(clear)


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


def _water(drops: np.ndarray) -> np.ndarray:
    """Return how much water lies on each pixel, float32, H x W, from drops as uint8."""
    import cv2

    distance = cv2.distanceTransform(255 - cv2.Canny(drops, 50, 150), cv2.DIST_L2, 5)
    distance = cv2.blur(np.minimum(distance, 20), (3, 3)).astype(np.uint8)
    relief = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
    lit = cv2.filter2D(cv2.equalizeHist(distance), cv2.CV_8U, relief)
    return drops * cv2.blur(lit, (3, 3)).astype(np.float32)
