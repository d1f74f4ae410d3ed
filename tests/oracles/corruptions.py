"""The corruptions image by image, as the package imagecorruptions-imaug computes them."""

import ast
import inspect
import textwrap
from collections.abc import Callable

import imagecorruptions
import imagecorruptions.corruptions as library
import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates
from skimage.transform import AffineTransform


def corrupt_image(image: np.ndarray, corruption: str, severity: int, seed: int) -> np.ndarray:
    """Return the corrupted image, uint8 of H x W x 3, like `image`; numpy's global generator is seeded.

    Where no drop of spatter falls, the package divides 0 by 0 and returns an arbitrary image; here it stays as it is.
    """
    np.random.seed(seed)  # noqa: NPY002  # the generator that most of the corruptions draw from
    options = {"seed": seed} if corruption in ("impulse_noise", "glass_blur") else {}
    try:
        with np.errstate(invalid="raise"):
            return imagecorruptions.corrupt(image, severity, corruption, **options)
    except FloatingPointError:
        if corruption != "spatter":
            raise
        return image


def severities(corruption: str) -> list:
    """Return the parameters that the package's function chooses from, severity 1 first."""
    _, chosen = _choice(corruption)
    return eval(ast.unparse(chosen.value.value), vars(library))


def replace_parameters(corruption: str, parameters: tuple) -> Callable[[np.ndarray], np.ndarray]:
    """Return the package's function with other parameters: the statement that chooses them is replaced.

    What is magnified is trimmed as in the released code.
    """
    tree, chosen = _choice(corruption)
    chosen.value = ast.Name("chosen_parameters", ast.Load())
    value = parameters if len(parameters) > 1 else parameters[0]
    if corruption == "zoom_blur":
        value = np.arange(1, *parameters)
    names = {**vars(library), "chosen_parameters": value, "clipped_zoom": trimmed_zoom}
    exec(compile(ast.fix_missing_locations(tree), corruption, "exec"), names)
    return lambda image: np.uint8(names[corruption](Image.fromarray(image)))


def trimmed_zoom(image: np.ndarray, factor: float, magnify: Callable = library.clipped_zoom) -> np.ndarray:
    """Return the image's magnified centre as the released code does, of the image's size: the package trims nothing."""
    magnified = magnify(image, factor)
    top, left = ((magnified.shape[axis] - image.shape[axis]) // 2 for axis in (0, 1))
    return magnified[top : top + image.shape[0], left : left + image.shape[1]]


def elastic_transform(
    image: np.ndarray, fields: np.ndarray, steps: np.ndarray, largest: float, sigma: float
) -> np.ndarray:
    """Return what the released code makes of an image, with scipy in place of OpenCV: float, H x W x 3, grey levels.

    Args:
        image: uint8, H x W x 3.
        fields: 2 x H x W, from -1 to 1: how far pixels move across and down, before smoothing.
        steps: 3 x 2: how far three points move first, across and down, in pixels.
        largest: what the fields are multiplied by, in pixels.
        sigma: of their smoothing, in pixels.
    """
    height, width = image.shape[:2]
    reach = min(height, width) // 3
    x, y = width // 2, height // 2
    points = np.array([[x + reach, y + reach], [x + reach, y - reach], [x - reach, y - reach]])
    grid = np.indices((height, width))[::-1].reshape(2, -1).T
    source = AffineTransform.from_estimate(points + steps, points)(grid).T[::-1].reshape(2, height, width)
    across, down = (gaussian_filter(field, sigma, mode="reflect", truncate=3) * largest for field in fields)
    places = np.indices((height, width)) + np.stack([down, across])
    channels = [map_coordinates(image[..., c].astype(float), source, order=1, mode="mirror") for c in range(3)]
    return np.stack([map_coordinates(channel, places, order=1, mode="reflect") for channel in channels], axis=2)


def _choice(corruption: str) -> tuple[ast.Module, ast.Assign]:
    """Return the source of the package's function, and the statement in it that chooses its parameters."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(getattr(library, corruption))))
    (chosen,) = (
        node for node in ast.walk(tree) if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "c"
    )
    return tree, chosen
