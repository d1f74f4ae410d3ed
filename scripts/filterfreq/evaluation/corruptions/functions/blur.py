"""Blur: gaussian_blur, glass_blur, defocus_blur, motion_blur and zoom_blur."""

import numpy as np

from filterfreq.evaluation.corruptions.functions.pixels import (
    cut_levels,
    scaled_levels,
    shifts_along_line,
    smooth,
    zoom_maps,
)


def gaussian_blur(images: np.ndarray, rng: np.random.Generator, sigma: float) -> np.ndarray:
    """Convolve with a normal density of standard deviation `sigma`, in pixels; border pixels go on outside."""
    return scaled_levels(smooth(images / 255, sigma))


def glass_blur(images: np.ndarray, rng: np.random.Generator, sigma: float, reach: int, rounds: int) -> np.ndarray:
    """Blur, let pixels take the values of near ones, and blur again.

    A round visits the pixels from the last to the first, but for a margin, and gives each the present value of one
    that is -reach to reach - 1 rows and columns away. The package means to swap the two; but its two sides of the
    assignment are views of one array, so the other pixel stays as it is.

    Args:
        images: see `filterfreq.evaluation.corruptions.functions`.
        rng: see `filterfreq.evaluation.corruptions.functions`.
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
    shuffled = (smooth(images / 255, sigma) * 255).astype(np.uint8).reshape(-1, 3)
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
    return scaled_levels(smooth(shuffled.reshape(images.shape) / 255, sigma))


def defocus_blur(images: np.ndarray, rng: np.random.Generator, radius: int, alias_blur: float) -> np.ndarray:
    """Convolve with a disk whose edge is smoothed; at the border the image is mirrored.

    The package smooths the disk inside a grid that the larger disks fill to its edge, with a mirrored border, so that
    their weights sum up to a little more than 1.

    Args:
        images: see `filterfreq.evaluation.corruptions.functions`.
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
    return scaled_levels(np.stack([cv2.filter2D(image, -1, disk) for image in images / 255]))


def motion_blur(images: np.ndarray, rng: np.random.Generator, radius: int, sigma: float) -> np.ndarray:
    """Average the image along a line of random direction, within 45 degrees of the horizontal, to one side.

    Args:
        images: see `filterfreq.evaluation.corruptions.functions`.
        rng: see `filterfreq.evaluation.corruptions.functions`.
        radius: half the length of the line, in pixels; what would lead out of the image is left off.
        sigma: standard deviation of the normal density that the weights fall off with, in pixels.
    """
    blurred = np.empty_like(images)
    product = np.empty(images.shape[1:])
    for image, result, angle in zip(images, blurred, rng.uniform(-45, 45, len(images)), strict=True):
        total = np.zeros_like(product)
        for weight, shifted in shifts_along_line(image.astype(np.float64), radius, sigma, angle):
            total += np.multiply(shifted, weight, out=product)
        result[...] = cut_levels(total)
    return blurred


def zoom_blur(images: np.ndarray, rng: np.random.Generator, stop: float, step: float) -> np.ndarray:
    """Average the image, taken twice, with its centre magnified by 1 + step, 1 + 2 step, ..., below `stop`."""
    import cv2

    height, width = images.shape[1:3]
    factors = np.arange(1, stop, step)
    maps = [zoom_maps(height, width, factor) for factor in factors]
    originals = images.astype(np.float32)
    originals /= 255
    layer = np.empty_like(originals[0])
    total = np.zeros_like(originals)
    for original, result in zip(originals, total, strict=True):
        for map_x, map_y in maps:
            result += cv2.remap(original, map_x, map_y, cv2.INTER_LINEAR, dst=layer)
    total += originals
    total /= len(factors) + 1
    return scaled_levels(total)
