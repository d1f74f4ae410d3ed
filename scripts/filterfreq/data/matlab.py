"""Variables of .mat files of level 5, as Matlab's documents "MAT-File Format" describes them."""

import io
import math
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat

from filterfreq.runtime.files import reading

_HEADER = 128  # bytes, of which the last four are version and byte order
_MATRIX, _COMPRESSED = 14, 15  # types of elements
_OF_ARRAYS = (1, 2, 3)  # classes of arrays: cells, structures, objects
_LARGEST = 2 << 30  # bytes of a variable; SVHN's images take 225 million


def read_mat(file: Path | bytes, name: str, *variables: str, **options: Any) -> list[np.ndarray]:
    """Return variables of a .mat file.

    Args:
        file: its path or its content.
        name: what to call it in the message.
        variables: their names in it.
        options: further arguments of `scipy.io.loadmat`.

    Raises:
        InputError: it is missing, damaged, or lacks one of them.
    """
    with reading(name, "replace it by a whole copy"):
        content = file if isinstance(file, bytes) else file.read_bytes()
        found = loadmat(io.BytesIO(_uncompress(content)), variable_names=variables, **options)
        return [found[variable] for variable in variables]


def _uncompress(content: bytes) -> bytes:
    """Return a .mat file with its variables uncompressed and their checksums compared.

    scipy compares none, and ends the process at some damaged streams.

    Raises:
        zlib.error, struct.error, ValueError: it is damaged.
    """
    order = {b"\0\1IM": "<", b"\1\0MI": ">"}.get(content[_HEADER - 4 : _HEADER])
    if order is None:
        raise ValueError("no file of level 5")
    parts, offset = [content[:_HEADER]], _HEADER
    while offset < len(content):
        kind, length = struct.unpack_from(f"{order}II", content, offset)
        element = content[offset : offset + 8 + length]
        if kind == _COMPRESSED:
            decompressor = zlib.decompressobj()
            element = decompressor.decompress(element[8:], _LARGEST)
            if not decompressor.eof:
                raise ValueError(f"the variable at byte {offset} is cut, or larger than {_LARGEST} bytes")
        _check_counts(element, order)
        parts.append(element)
        offset += 8 + length
    return b"".join(parts)


def _check_counts(element: bytes, order: str) -> None:
    """Refuse an array of arrays that claims more of them than there is room for: scipy would make room for them first.

    Raises:
        struct.error, ValueError: it is damaged.
    """
    if struct.unpack_from(f"{order}I", element)[0] != _MATRIX:
        return
    # After the element's own tag: one and the flags, the last byte of which is the class; one and the sides.
    flags, _, length = struct.unpack_from(f"{order}8xI4xII", element, 8)
    if flags & 0xFF not in _OF_ARRAYS:
        return
    sides = struct.unpack_from(f"{order}{length // 4}i", element, 32)
    if min(sides, default=0) < 0 or math.prod(sides) > len(element) // 8:
        raise ValueError(f"an array of arrays of {sides} in {len(element)} bytes")
    offset = 32 + -(-length // 8) * 8
    while offset + 8 <= len(element):
        kind, length = struct.unpack_from(f"{order}II", element, offset)
        # Short elements have their length in the upper half of their type, and their content in offset of the length.
        end = offset + 8 + (0 if kind >> 16 else -(-length // 8) * 8)
        _check_counts(element[offset:end], order)
        offset = end
