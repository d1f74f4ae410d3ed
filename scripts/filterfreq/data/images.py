"""Image files as arrays of one size."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from filterfreq.errors import InputError

_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)


def decode_image(content: bytes, name: str, size: int, resize: int | Sequence[int] | None = None) -> np.ndarray:
    """Decode an image file, and resize it where it does not have the size.

    Images are resized as by torchvision's `Resize(resize)` and `CenterCrop(size)` of PIL images: the shorter side to
    `resize` (bilinear over all pixels that fall into one, so without aliasing), and then the centre. Where no
    size changes every pixel is kept. Colours are those of `open_image`.

    Args:
        content: the file's bytes.
        name: what to call it in the message.
        size: height and width of the result, in pixels.
        resize: the shorter side before the centre is cut out, or height and width, whatever the image's proportions;
            at least `size`, and by default `size`.

    Returns:
        uint8, size x size x 3.

    Raises:
        InputError: as for `open_image`.
    """
    return np.asarray(fit(open_image(content, name), size, resize))


def open_image(content: bytes, name: str) -> Image.Image:
    """Decode an image file in its own size, as RGB: grey levels become three equal channels, transparency is dropped.

    Args:
        content: the file's bytes.
        name: what to call it in the message.

    Raises:
        InputError: the bytes are no image, a damaged one, or one of more than 8 bits a channel.
    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.mode.startswith("I") or image.mode == "F":
                raise InputError(f"{name} has more than 8 bits a channel: convert it to an 8-bit image first")
            return image.convert("RGB")
    except _UNREADABLE as error:
        # Of an object in memory the message tells only the address.
        reason = "no known image format" if "cannot identify" in str(error) else error
        raise InputError(f"{name} is no readable image ({reason}): repair it or take it out") from error


def fit(image: Image.Image, size: int, resize: int | Sequence[int] | None = None) -> Image.Image:
    """Scale an image to `resize` and cut out the centre, as `decode_image` describes."""
    image = scale(image, resize or size)
    left, top = (round((side - size) / 2) for side in image.size)
    return image if image.size == (size, size) else image.crop((left, top, left + size, top + size))


def scale(image: Image.Image, resize: int | Sequence[int]) -> Image.Image:
    """Scale an image's shorter side to `resize` pixels, or the image to (height, width), as torchvision's `Resize`."""
    if isinstance(resize, int):
        shorter = min(image.size)
        size = tuple(int(resize * side / shorter) for side in image.size)
    else:
        size = tuple(resize)[::-1]
    return image if size == image.size else image.resize(size, Image.Resampling.BILINEAR)
