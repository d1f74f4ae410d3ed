"""Digital: contrast, elastic_transform, pixelate, jpeg_compression and saturate."""

import numpy as np

from filterfreq.evaluation.corruptions.functions.pixels import hsv_to_rgb, rgb_to_hsv, scaled_levels


def contrast(images: np.ndarray, rng: np.random.Generator, factor: float) -> np.ndarray:
    """Multiply the distance of every value to its channel's mean over the image by `factor`."""
    values = images / 255
    means = values.mean(axis=(1, 2), keepdims=True)
    values -= means
    values *= factor
    values += means
    return scaled_levels(values)


def elastic_transform(
    images: np.ndarray, rng: np.random.Generator, strength: float, smoothing: float, shift: float
) -> np.ndarray:
    """Move three points of the image at random, and every pixel by a smoothed random displacement.

    At the border the image is mirrored. This is the released code; the package leaves the first step out.

    Args:
        images: see `filterfreq.evaluation.corruptions.functions`.
        rng: see `filterfreq.evaluation.corruptions.functions`.
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
    return scaled_levels(moved)


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


def saturate(images: np.ndarray, rng: np.random.Generator, factor: float, shift: float) -> np.ndarray:
    """Multiply the saturation, in [0, 1], by `factor` and add `shift`; so grey, whose hue counts as red, can redden."""
    hue, saturation, value = rgb_to_hsv(images)
    return hsv_to_rgb(hue, np.clip(saturation * factor + shift, 0, 1), value).reshape(images.shape)
