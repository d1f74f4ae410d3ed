"""Image files as arrays of one size."""

import io

import numpy as np
from PIL import Image

from filterfreq.errors import InputError

_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)


def decode_image(content: bytes, name: str, size: int, resize: int | None = None) -> np.ndarray:
    """Decode an image file, and resize it where it does not have the size.

    Images are resized as by torchvision's `Resize(resize)` and `CenterCrop(size)` of PIL images: the shorter side to
    `resize` (bilinear over all pixels that fall into one, so without aliasing), and then the centre. Where no
    size changes every pixel is kept. Grey levels become three equal channels; transparency is dropped.

    Args:
        content: the file's bytes.
        name: what to call it in the message.
        size: height and width of the result, in pixels.
        resize: the shorter side before the centre is cut out, at least `size`; by default `size`.

    Returns:
        uint8, size x size x 3.

    Raises:
        InputError: the bytes are no image, a damaged one, or one of more than 8 bits a channel.
    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.mode.startswith("I") or image.mode == "F":
                raise InputError(f"{name} has more than 8 bits a channel: convert it to an 8-bit image first")
            rgb = image.convert("RGB")
    except _UNREADABLE as error:
        # Of an object in memory the message tells only the address.
        reason = "no known image format" if "cannot identify" in str(error) else error
        raise InputError(f"{name} is no readable image ({reason}): repair it or take it out") from error
    return np.asarray(fit(rgb, size, resize))


def fit(image: Image.Image, size: int, resize: int | None = None) -> Image.Image:
    """Scale an image's shorter side to `resize` pixels and cut out the centre, as `decode_image` describes."""
    resize = resize or size
    if image.size == (size, size) and resize == size:
        return image
    shorter = min(image.size)
    width, height = (int(resize * side / shorter) for side in image.size)
    left, top = round((width - size) / 2), round((height - size) / 2)
    return image.resize((width, height), Image.Resampling.BILINEAR).crop((left, top, left + size, top + size))
