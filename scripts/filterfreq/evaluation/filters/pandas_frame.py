"""A table in an HDF5 file, as pandas' `DataFrame.to_hdf` writes it in the format "fixed". Imports no torch.

pandas reads it with PyTables, which loads the pickle that holds the columns of text: whoever made the file could have
any code run. Here the pickle may hold texts and numbers alone.
"""

import io
import pickle
import pickletools
from collections.abc import Iterable
from typing import Any, ClassVar

import h5py
import numpy as np
import pandas as pd

_LARGEST = 2**26  # bytes of an array; those of the published data set have less than 1 MB

# All that an array of texts and numbers takes. Without dictionaries and sets nothing is hashed, which a small pickle
# could have last for ever.
_OPCODES = {
    *("PROTO", "FRAME", "STOP", "MARK", "MEMOIZE", "BINPUT", "LONG_BINPUT", "BINGET", "LONG_BINGET"),
    *("GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD", "EMPTY_LIST", "APPEND", "APPENDS"),
    *("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "NONE", "NEWTRUE", "NEWFALSE"),
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES"),
}


def read_frame(group: h5py.Group, columns: Iterable[str]) -> pd.DataFrame:
    """Read columns of a table, and all levels of its index as columns of their names.

    Call it within `filterfreq.runtime.files.reading`: a damaged file can make it raise anything.

    Args:
        group: what pandas wrote under the table's key.
        columns: the names of columns that are wanted; those that the table lacks are left out.

    Returns:
        One row for each of the table's, in its order.

    Raises:
        ValueError: it is no such table, or a column of text holds something else than texts and numbers.
    """
    kind, index = (_text(group.attrs.get(name)) for name in ("pandas_type", "axis1_variety"))
    if kind != "frame" or index != "multi":
        raise ValueError(f"{group.name} is no table with an index of several levels in pandas' format 'fixed'")
    table = {}
    for level in range(int(group.attrs["axis1_nlevels"])):
        values = _array(group, f"axis1_level{level}")
        codes = _array(group, f"axis1_label{level}")
        if codes.min(initial=0) < 0:
            raise ValueError("its index has rows without a value")
        table[_text(group[f"axis1_level{level}"].attrs["name"])] = values[codes]
    wanted = set(columns)
    for block in range(int(group.attrs["nblocks"])):
        names = [_text(name) for name in _array(group, f"block{block}_items")]
        if not wanted.isdisjoint(names):
            values = _block(group, f"block{block}_values")
            if values.shape[1] != len(names):
                raise ValueError(f"block {block} has {values.shape[1]} columns and {len(names)} names")
            table |= {name: values[:, number] for number, name in enumerate(names) if name in wanted}
    return pd.DataFrame(table)


def _text(value: Any) -> str | None:
    return value.decode() if isinstance(value, bytes) else value


def _dataset(group: h5py.Group, name: str) -> h5py.Dataset:
    found = own_dataset(group, name)
    if found is None or found.nbytes > _LARGEST:
        raise ValueError(f"{group.name} has no {name}, or one that is too large")
    return found


def _array(group: h5py.Group, name: str) -> np.ndarray:
    return _dataset(group, name)[()]


def _block(group: h5py.Group, name: str) -> np.ndarray:
    """The values of columns of one type, rows x columns."""
    dataset = _dataset(group, name)
    values = dataset[()]
    if values.dtype == object:
        values = _unpickle(bytes(values[0]))
    return values if dataset.attrs.get("transposed") else values.T


def own_dataset(group: h5py.Group, name: str) -> h5py.Dataset | None:
    """Return a data set whose values lie in the file itself, which a link or a part of another file does not.

    Args:
        group: a file, or a group in it.
        name: the name of the data set in the group.

    Returns:
        The data set, or None where there is none.
    """
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        return None
    found = group[name]
    return found if isinstance(found, h5py.Dataset) and not found.external and not found.is_virtual else None


class _Type:
    """In place of the type that a pickled array names."""

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


class _Array:
    """In place of numpy's array, which would take the memory that the pickle names."""

    content: np.ndarray

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: tuple) -> None:
        _, shape, _, _, items = state
        if not isinstance(items, list) or not all(isinstance(item, str | int | float | None) for item in items):
            raise ValueError("its columns of text hold something else than texts and numbers")
        array = np.empty(len(items), dtype=object)
        array[:] = items
        # Row after row, however the array lay in memory.
        self.content = array.reshape(shape)


class _TextsAndNumbers(pickle.Unpickler):
    """Reads an array of texts and numbers, and refuses what could run code."""

    _KNOWN: ClassVar = {
        ("numpy.core.multiarray", "_reconstruct"): _Array,
        ("numpy._core.multiarray", "_reconstruct"): _Array,
        ("numpy", "ndarray"): _Array,
        ("numpy", "dtype"): _Type,
    }

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands in place of what a pickle names.

        Raises:
            pickle.UnpicklingError: it makes no array.
        """
        if (module, name) not in self._KNOWN:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which makes no array")
        return self._KNOWN[module, name]


def _unpickle(content: bytes) -> np.ndarray:
    others = {opcode.name for opcode, *_ in pickletools.genops(content)} - _OPCODES
    if others:
        raise ValueError(f"its columns of text are pickled with {', '.join(sorted(others))}, which no array takes")
    return _TextsAndNumbers(io.BytesIO(content)).load().content
