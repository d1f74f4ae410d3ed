"""The corruptions image by image, as the package imagecorruptions-imaug computes them."""

import ast
import inspect
import textwrap
from collections.abc import Callable

import imagecorruptions
import imagecorruptions.corruptions as library
import numpy as np
from PIL import Image


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


def with_parameters(corruption: str, parameters: tuple) -> Callable[[np.ndarray], np.ndarray]:
    """Return the package's function with other parameters: the statement that chooses them is replaced."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(getattr(library, corruption))))
    (chosen,) = (
        node for node in ast.walk(tree) if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "c"
    )
    chosen.value = ast.Name("chosen_parameters", ast.Load())
    value = parameters if len(parameters) > 1 else parameters[0]
    if corruption == "zoom_blur":
        value = np.arange(1, *parameters)
    names = {**vars(library), "chosen_parameters": value}
    exec(compile(ast.fix_missing_locations(tree), corruption, "exec"), names)
    return lambda image: np.uint8(names[corruption](Image.fromarray(image)))
