import io
import struct
import zlib

import numpy as np
import psutil
import pytest
from PIL import Image

from filterfreq.data.images import decode_image, is_transparent, is_turned, open_image
from filterfreq.data.registry import AS_STORED, Rendering
from filterfreq.runtime.errors import InputError


def saved(image, kind, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png(width, height, depth, colour, rows=b"") -> bytes:
    """A PNG as its specification describes it, which PIL does not write with 16 bits."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">2I5B", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def tiff(width, height, bits, photometric=2, compression=1, tiles=None, content=b"") -> bytes:
    """A TIFF 6.0 of one strip, or of one tile of those sides."""
    channels = len(bits)
    entries = [(256, 4, 1, width), (257, 4, 1, height), (259, 3, 1, compression), (262, 3, 1, photometric)]
    entries += [(277, 3, 1, channels)]
    count = len(entries) + 1 + (4 if tiles else 3)
    after = 8 + 2 + 12 * count + 4
    entries += [(258, 3, channels, after if channels > 2 else bits[0])]
    data = after + 2 * channels
    places = [(324, 4, 1, data), (325, 4, 1, len(content))] if tiles else [(273, 4, 1, data), (279, 4, 1, len(content))]
    entries += places + ([(322, 4, 1, tiles[0]), (323, 4, 1, tiles[1])] if tiles else [(278, 4, 1, height)])
    directory = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return (
        struct.pack("<2sHIH", b"II", 42, 8, count)
        + directory
        + bytes(4)
        + struct.pack(f"<{channels}H", *bits)
        + content
    )


VALUES = np.array([0x1234, 0x80FF, 0xFF00, 0xFFFF], dtype=">u2")
DEEP = {
    "grey": png(1, 1, 16, 0, b"\0" + VALUES[:1].tobytes()),
    "colour": png(1, 1, 16, 2, b"\0" + VALUES[:3].tobytes()),
    "grey and alpha": png(1, 1, 16, 4, b"\0" + VALUES[:2].tobytes()),
    "colour and alpha": png(1, 1, 16, 6, b"\0" + VALUES.tobytes()),
    "ppm": b"P6 1 1 65535\n" + VALUES[:3].tobytes(),
    "ppm of 10 bits": b"P6 1 1 1023\n" + (VALUES[:3] & 1023).tobytes(),
    "ppm in text": b"P3 1 1 65535\n4660 33023 65280\n",
    "pgm": b"P5 1 1 65535\n" + VALUES[:1].tobytes(),
    "pgm of 10 bits": b"P5 1 1 1023\n" + (VALUES[:1] & 1023).tobytes(),
    "pfm": b"Pf 1 1 -1.0\n" + np.float32(0.5).tobytes(),
    "tiff": tiff(1, 1, (16, 16, 16), content=VALUES[:3].astype("<u2").tobytes()),
    "tiff, compressed": tiff(
        1, 1, (16, 16, 16), compression=8, content=zlib.compress(VALUES[:3].astype("<u2").tobytes())
    ),
    "tiff of CMYK": tiff(1, 1, (16, 16, 16, 16), photometric=5, content=VALUES.astype("<u2").tobytes()),
    "tiff of grey": saved(Image.fromarray(np.full((1, 1), 0x1234, dtype=np.uint16)), "TIFF"),
    "tiff of signed": saved(Image.fromarray(np.full((1, 1), -5, dtype=np.int32)), "TIFF"),
    "tiff of floats": saved(Image.fromarray(np.full((1, 1), 0.5, dtype=np.float32)), "TIFF"),
}


@pytest.mark.parametrize("kind", DEEP)
def test_more_than_8_bits_are_not_cut_off(kind):
    with pytest.raises(InputError, match=r"^x has more than 8 bits a channel: convert it to an 8-bit image first$"):
        open_image(DEEP[kind], "x")


def test_other_colours_become_rgb():
    """As PIL documents it: white is 255, CMYK is reversed, a palette looked up."""
    magenta = Image.merge("CMYK", [Image.new("L", (2, 1), level) for level in (0, 255, 0, 0)])
    black_and_white = Image.fromarray(np.array([[0, 255]], dtype=np.uint8)).convert("1")
    palette = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), "P")
    palette.putpalette([0, 0, 0, 10, 20, 30])
    cases = [
        (saved(black_and_white, "PNG"), [[0, 0, 0], [255, 255, 255]]),
        (saved(black_and_white, "TIFF"), [[0, 0, 0], [255, 255, 255]]),
        (saved(palette, "PNG"), [[0, 0, 0], [10, 20, 30]]),
        (saved(palette, "GIF"), [[0, 0, 0], [10, 20, 30]]),
        (saved(magenta, "TIFF"), [[255, 0, 255]] * 2),
        (b"P6 2 1 100\n" + bytes([0, 50, 100] * 2), [[0, 128, 255]] * 2),
        (tiff(2, 1, (8, 8, 8), content=bytes([1, 2, 3] * 2)), [[1, 2, 3]] * 2),
    ]
    # Five, six and five bits of a BMP are 16 for all channels together.
    bmp = bytearray(saved(Image.new("RGB", (2, 1)), "BMP"))
    bmp[28:30] = (16).to_bytes(2, "little")
    bmp[54:62] = (31 << 10).to_bytes(2, "little") * 2 + bytes(4)
    cases.append((bytes(bmp), [[255, 0, 0]] * 2))
    for content, expected in cases:
        np.testing.assert_array_equal(np.asarray(open_image(content, "x")), [expected])


UPRIGHT = Rendering(upright=True)
# What each value of the tag (EXIF 2.32, table 6) says has to be done to the stored pixels.
ORIENTATIONS = {
    1: lambda pixels: pixels,
    2: np.fliplr,
    3: lambda pixels: np.rot90(pixels, 2),
    4: np.flipud,
    5: lambda pixels: np.swapaxes(pixels, 0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.rot90(np.swapaxes(pixels, 0, 1), 2),
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_orientation_is_honoured_where_it_is_asked_for(orientation, kind):
    pixels = np.repeat(np.repeat(np.arange(6).reshape(2, 3) * 40, 16, 0), 16, 1).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    options = {"lossless": True} if kind == "WEBP" else {"quality": 100}
    Image.fromarray(pixels).convert("RGB").save(buffer, kind, exif=exif, **options)
    tolerance = 3 if kind == "JPEG" else 0

    np.testing.assert_allclose(np.asarray(open_image(buffer.getvalue(), "x"))[..., 0], pixels, atol=tolerance)
    turned = np.asarray(open_image(buffer.getvalue(), "x", UPRIGHT))[..., 0]
    np.testing.assert_allclose(turned, ORIENTATIONS[orientation](pixels), atol=tolerance)
    assert is_turned(buffer.getvalue()) is (orientation > 1)


def test_a_tiff_lies_upright_in_any_case():
    pixels = np.repeat(np.arange(6, dtype=np.uint8).reshape(2, 3, 1), 3, 2)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "TIFF", tiffinfo={0x0112: 6})
    for rendering in (AS_STORED, UPRIGHT):
        np.testing.assert_array_equal(open_image(buffer.getvalue(), "x", rendering), np.rot90(pixels, -1))
    assert not is_turned(buffer.getvalue())


def transparent(mode: str) -> Image.Image:
    """Two pixels of (10, 20, 30), or 10, of which the first is transparent."""
    if mode == "P":
        image = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), "P")
        image.putpalette([10, 20, 30, 10, 20, 30])
        image.info["transparency"] = 0
        return image
    grey = [10] if mode == "LA" else [10, 20, 30]
    return Image.fromarray(np.array([[[*grey, 0], [*grey, 255]]], dtype=np.uint8), mode)


@pytest.mark.parametrize(
    ("mode", "kind"), [("RGBA", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("P", "GIF"), ("RGBA", "TIFF")]
)
def test_what_shows_through_is_the_background_that_is_asked_for(mode, kind):
    content = saved(transparent(mode), kind)
    colour = [10, 10, 10] if mode == "LA" else [10, 20, 30]
    shown = {None: colour, "white": [255] * 3, "black": [0] * 3}
    for background, expected in shown.items():
        image = open_image(content, "x", Rendering(background=background))
        np.testing.assert_array_equal(np.asarray(image), [[expected, colour]])
    assert is_transparent(content, "x")


def test_half_of_a_background_shows_through():
    half = Image.fromarray(np.array([[[100, 200, 0, 51]]], dtype=np.uint8), "RGBA")  # a fifth
    image = open_image(saved(half, "PNG"), "x", Rendering(background="white"))
    np.testing.assert_array_equal(np.asarray(image), [[[224, 244, 204]]])


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_what_could_be_transparent_and_is_not(mode):
    content = saved(Image.new("RGBA", (2, 2), (1, 2, 3, 255)).convert(mode), "PNG")
    assert not is_transparent(content, "x")
    np.testing.assert_array_equal(open_image(content, "x"), open_image(content, "x", Rendering(background="white")))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_exif_data_turns_nothing():
    pixels = Image.new("RGB", (16, 16))
    buffer = io.BytesIO()
    pixels.save(buffer, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert not is_turned(buffer.getvalue())
    assert open_image(buffer.getvalue(), "x").size == (16, 16)


@pytest.mark.parametrize("kind", ["EPS", "PDF", "ICO", "JPEG2000"])
def test_other_formats_are_not_opened_whatever_the_files_are_called(kind):
    """PIL would give PostScript to Ghostscript, which runs it."""
    with pytest.raises(InputError, match=r"^x\.png is no readable image \(no known image format\): repair it or take"):
        open_image(saved(Image.new("RGB", (16, 16)), kind), "x.png")


def jpeg_of(width, height) -> bytes:
    """A small JPEG that claims another size."""
    content = bytearray(saved(Image.new("RGB", (8, 8)), "JPEG"))
    frame = content.index(b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def jpeg_with_scans(count) -> bytes:
    """A progressive JPEG of 4000 x 4000 pixels whose last scan is there again and again."""
    content = saved(Image.new("L", (4000, 4000)), "JPEG", progressive=True)
    last = content[content.rindex(b"\xff\xda") : -2]
    return content[:-2] + last * count + content[-2:]


def bmp_of(width, height) -> bytes:
    content = bytearray(saved(Image.new("RGB", (4, 4)), "BMP"))
    content[18:26] = struct.pack("<ii", width, height)
    return bytes(content)


def gif_of(width, height) -> bytes:
    content = bytearray(saved(Image.new("P", (4, 4)), "GIF"))
    content[6:10] = struct.pack("<HH", width, height)
    return bytes(content)


ZEROS = zlib.compress(bytes(100_000), 9)
COSTLY = {
    "1 x 20,000": (png(1, 20_000, 8, 2, bytes(4 * 20_000)), "has 1 x 20000 pixels, one side more than 100 times"),
    "20,000 x 1": (png(20_000, 1, 8, 2, bytes(60_001)), "has 20000 x 1 pixels, one side more than 100 times"),
    "pixels": (lambda: png(9500, 9500, 1, 0, bytes(9500 * 1189)), "has more than 89478485 pixels: scale it down"),
    "more pixels": (png(2**31 - 1, 2**31 - 1, 1, 0), "has more than 89478485 pixels: scale it down"),
    "ppm": (b"P6 9400 9400 255\n", "claims 9400 x 9400 pixels, more than 17 bytes can hold: repair it"),
    "bmp": (bmp_of(9400, 9400), "claims 9400 x 9400 pixels, more than 102 bytes can hold"),
    "gif": (gif_of(9400, 9400), "claims 9400 x 9400 pixels, more than "),
    "webp": (
        lambda: saved(Image.new("RGB", (9000, 9000)), "WEBP", lossless=True, method=0),
        "claims 9000 x 9000 pixels",
    ),
    "jpeg": (jpeg_of(9400, 9400), "claims 9400 x 9400 pixels, more than "),
    "large jpeg": (jpeg_of(65_500, 65_500), "has more than 89478485 pixels: scale it down"),
    "scans": (lambda: jpeg_with_scans(500), "has 506 scans of 16000000 pixels each: store it anew"),
    "tile": (
        tiff(16, 16, (8,), 1, 8, (60_000, 60_000), ZEROS),
        "has tiles of 60000 x 60000 pixels, more than",
    ),
    "strip": (tiff(9400, 9400, (8,), 1, 8, content=ZEROS[:50]), "claims 9400 x 9400 pixels, more than "),
}


@pytest.mark.parametrize("kind", COSTLY)
def test_what_takes_far_more_than_its_file_is_refused_before_it_is_decoded(kind):
    content, sentence = COSTLY[kind]
    content = content() if callable(content) else content
    process = psutil.Process()
    before, cpu = process.memory_info().rss, process.cpu_times()
    with pytest.raises(InputError) as refusal:
        decode_image(content, "x", 224, 256)
    with pytest.raises(InputError):
        is_transparent(content, "x")
    spent = process.cpu_times().user - cpu.user
    assert str(refusal.value).startswith("x ")
    assert sentence in str(refusal.value)
    assert spent < 2
    assert process.memory_info().rss - before < 100 << 20


@pytest.mark.slow
def test_large_images_are_read():
    """ImageNet's largest has some 61 million pixels; a map or a panorama is long."""
    image = np.zeros((6000, 8000), dtype=np.uint8)
    image[3000:] = 200
    decoded = np.asarray(open_image(saved(Image.fromarray(image), "PNG"), "x"))
    np.testing.assert_array_equal(decoded, image[..., None].repeat(3, axis=2))
    strip = np.arange(100 * 10, dtype=np.uint8).reshape(10, 100)[:1].repeat(1, 0)
    assert open_image(saved(Image.fromarray(strip), "PNG"), "x").size == (100, 1)
    assert open_image(jpeg_with_scans(20), "x").size == (4000, 4000)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "TIFF", "MPO"])
def test_of_several_images_in_a_file_the_first_is_taken(kind):
    images = [Image.new("RGB", (8, 8), (level, level, level)) for level in (0, 255)]
    options = {"lossless": True} if kind == "WEBP" else {}
    content = saved(images[0], kind, save_all=True, append_images=images[1:], **options)
    assert np.asarray(open_image(content, "x")).max() == 0
