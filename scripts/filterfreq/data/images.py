"""Image files as arrays of one size."""

import io
import warnings
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from filterfreq.data.registry import AS_STORED, Rendering
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import reading

# What the files' suffixes promise, and GIF, which some published data sets have under another's. PIL knows more, and
# hands some of them to other programs: PostScript to Ghostscript, which would run it.
_FORMATS = ("JPEG", "PNG", "PPM", "BMP", "DIB", "GIF", "TIFF", "WEBP")
_MOST_PIXELS = Image.MAX_IMAGE_PIXELS  # of which PIL only warns
_PIXELS_OF_ANY = 10_000_000
_PIXELS_PER_BYTE = 10_000  # deflate, the densest of all but one format, can hold 8,256
_LONGEST = 100  # times the shorter side, which is scaled
_MOST_SCANS = 20  # of the largest image; a progressive JPEG has some ten, each a pass over all pixels
_SCAN = b"\xff\xda"
_OPAQUE = 255
_TILE = (322, 323)  # TileWidth and TileLength of TIFF
_REMEDY = "repair it or take it out"

# Instead of a line on the terminal.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


def decode_image(
    content: bytes,
    name: str,
    size: int,
    resize: int | Sequence[int] | None = None,
    rendering: Rendering = AS_STORED,
) -> np.ndarray:
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
        rendering: what becomes of its orientation and of transparency.

    Returns:
        uint8, size x size x 3.

    Raises:
        InputError: as for `open_image`.
    """
    return np.asarray(fit(open_image(content, name, rendering), size, resize))


def open_image(content: bytes, name: str, rendering: Rendering = AS_STORED) -> Image.Image:
    """Decode an image file in its own size, as RGB: grey levels become three equal channels.

    Other colours, as CMYK, become RGB as by PIL. Of several images in one file the first is taken. Colour profiles are
    not applied.

    Args:
        content: the file's bytes.
        name: what to call it in the message.
        rendering: what becomes of its orientation and of transparency.

    Raises:
        InputError: the bytes are no image, a damaged one, one of more than 8 bits a channel, of more pixels than PIL
            takes for harmless (89 million), or of a side more than 100 times the other.
    """
    with reading(name, _REMEDY):
        try:
            with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
                _refuse_size(image, content, name)
                if _is_deep(image):
                    raise InputError(f"{name} has more than 8 bits a channel: convert it to an 8-bit image first")
                shown = ImageOps.exif_transpose(image) if rendering.upright else image
                if shown.has_transparency_data:
                    shown = shown.convert("RGBA")
                    if rendering.background:
                        shown = Image.alpha_composite(Image.new("RGBA", shown.size, rendering.background), shown)
                return shown.convert("RGB")
        except UnidentifiedImageError as error:  # whose text is an address in memory
            raise InputError(f"{name} is no readable image (no known image format): {_REMEDY}") from error
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise InputError(f"{name} has more than {_MOST_PIXELS} pixels: scale it down") from error


def is_turned(content: bytes) -> bool:
    """Return whether an image that `open_image` reads would be turned or mirrored by `Rendering.upright`."""
    # Of damaged EXIF data other programs make nothing either. TIFFs PIL itself turns.
    with suppress(Exception), Image.open(io.BytesIO(content), formats=_FORMATS) as image:
        return image.format != "TIFF" and image.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9)
    return False


def is_transparent(content: bytes, name: str) -> bool:
    """Return whether anything in an image is transparent, wholly or in part.

    Args:
        content: the file's bytes.
        name: what to call it in the message.

    Raises:
        InputError: the bytes are no image, or one that `open_image` refuses for its size.
    """
    with reading(name, _REMEDY), Image.open(io.BytesIO(content), formats=_FORMATS) as image:
        _refuse_size(image, content, name)
        return image.has_transparency_data and image.convert("RGBA").getchannel("A").getextrema()[0] < _OPAQUE


def _refuse_size(image: Image.Image, content: bytes, name: str) -> None:
    """Refuse an image that would take far more memory or time than its file is large, before it is decoded."""
    pixels, (short, long) = image.width * image.height, sorted(image.size)
    if pixels > _PIXELS_OF_ANY + _PIXELS_PER_BYTE * len(content):
        raise InputError(
            f"{name} claims {image.width} x {image.height} pixels, more than {len(content)} bytes can hold: {_REMEDY}"
        )
    if long > _LONGEST * short:
        raise InputError(
            f"{name} has {image.width} x {image.height} pixels, one side more than {_LONGEST} times the other: cut it"
        )
    tile = [image.tag_v2.get(tag, 0) for tag in _TILE] if image.format == "TIFF" else [0]
    if np.prod([float(side) for side in tile]) > _MOST_PIXELS:
        raise InputError(f"{name} has tiles of {tile[0]} x {tile[1]} pixels, more than {_MOST_PIXELS}: store it anew")
    if image.format in ("JPEG", "MPO") and content.count(_SCAN) * pixels > _MOST_SCANS * _MOST_PIXELS:
        raise InputError(f"{name} has {content.count(_SCAN)} scans of {pixels} pixels each: store it anew")


def _is_deep(image: Image.Image) -> bool:
    """Whether a channel has more than 8 bits, of which PIL would cut off the lower ones or all above 255."""
    if image.mode.startswith("I") or image.mode == "F":
        return True
    for tile in image.tile:
        stored, *others = tile.args if isinstance(tile.args, tuple) else (tile.args,)
        # BGR;16 are 16 bits for all three.
        if isinstance(stored, str) and ";16" in stored and not stored.startswith("BGR"):
            return True
        if image.format == "PPM" and others and others[0] > 255:
            return True
    return False


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
