"""What corruptions have in common: grey levels, blurs, and where pixels move to. Imports no torch."""

import math

import numpy as np

# Where red, green and blue are found among (value, p, q, t), by the sixth of the colour circle (see `hsv_to_rgb`).
_SIXTHS = np.array([[0, 3, 1], [2, 0, 1], [1, 0, 3], [1, 2, 0], [3, 1, 0], [0, 1, 2]])


def cut_levels(values: np.ndarray) -> np.ndarray:
    """Cut values, changed in place, to [0, 255] and to whole numbers."""
    return np.clip(values, 0, 255, out=values).astype(np.uint8)


def scaled_levels(values: np.ndarray) -> np.ndarray:
    """Cut values, changed in place, to [0, 1], and scaled by 255 to whole numbers."""
    np.clip(values, 0, 1, out=values)
    values *= 255
    return values.astype(np.uint8)


def smooth(values: np.ndarray, sigma: float) -> np.ndarray:
    """Smooth n x H x W (x 3) within each image; border pixels go on outside."""
    from scipy import ndimage

    return ndimage.gaussian_filter(values, sigma, mode="nearest", axes=(1, 2))


def shifts_along_line(image: np.ndarray, radius: int, sigma: float, angle: float) -> list[tuple[float, np.ndarray]]:
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
    steps = zip(weights.tolist(), (rows + top).tolist(), (columns + left).tolist(), strict=False)
    return [(weight, padded[row : row + height, column : column + width]) for weight, row, column in steps]


def zoom_maps(height: int, width: int, factor: float) -> tuple[np.ndarray, np.ndarray]:
    """Return where the pixels of an image's magnified centre lie in it, x and y, float32, as cv2.remap takes them.

    What is magnified beyond the image's size is trimmed, as much at each rim; of an odd number one more at the end.
    """
    y, x = (_zoom(side, factor).astype(np.float32) for side in (height, width))
    return np.broadcast_to(x, (height, width)).copy(), np.broadcast_to(y[:, None], (height, width)).copy()


def _zoom(side: int, factor: float) -> np.ndarray:
    cropped = math.ceil(side / factor)
    zoomed = round(cropped * factor)
    positions = np.arange(zoomed) * ((cropped - 1) / (zoomed - 1))
    # scipy.ndimage.zoom takes a position that rounding has put behind the last pixel for one outside, which is black.
    start = (zoomed - side) // 2
    return np.where(positions <= cropped - 1, positions + (side - cropped) // 2, -2)[start : start + side]


def rgb_to_hsv(images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
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


def hsv_to_rgb(hue: np.ndarray, saturation: np.ndarray, value: np.ndarray) -> np.ndarray:
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
