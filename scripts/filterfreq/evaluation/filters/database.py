"""The published data set of filters, an HDF5 file of any size that is read layer by layer. Imports no torch.

Zenodo record 6414075 (Gavrikov and Keuper, Adversarial Robustness Through the Lens of Convolutional Filters, CVPR
workshops 2022) holds the 3x3 filters of 119 models, 72 GB: `filters`, N x 3 x 3, float64, and `meta`, a table of pandas
with one row for each layer. That of the parent work calls it `filter`, N x 9, float32. The weights are those of ONNX
files, in which each batch norm that directly follows a convolution was very likely folded into it.
"""

import itertools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from filterfreq.evaluation.filters.filter_layer import FilterLayer
from filterfreq.evaluation.filters.pandas_frame import own_dataset, read_frame
from filterfreq.runtime.errors import InputError, list_some
from filterfreq.runtime.files import reading

BATCH_NORM = "folded"
"""How the filters of the published data set are to be taken; it does not say so itself."""

_FILTERS = ("filters", "filter")
_INDEX = ("model_id", "conv_depth", "conv_depth_norm", "layer_id")
_OF_LAYERS = ("filter_ids", "in_channels", "out_channels")
_TEXTS = ("model", "Network", "Backbone", "Training-Dataset")
_NUMBERS = {"Robust": 1, "Clean Accuracy": 100, "Robust Accuracy": 100}  # with the largest value of each
_COLUMNS = (*_OF_LAYERS, *_TEXTS, *_NUMBERS)
_BOUNDS = re.compile(r"(\d{1,15}):(\d{1,15})")
_LARGEST_LAYER = 2**22  # filters, 300 MB in float64; the published data set's largest layers have 2**20
_REMEDY = "give a whole copy of the data set of filters as it is published, unpacked"


class _Layer(NamedTuple):
    index: int
    conv_depth: int
    conv_depth_norm: float
    out_channels: int
    in_channels: int
    first: int  # number of its first filter
    last: int


@dataclass(frozen=True)
class DatabaseModel:
    """One model of the data set.

    Attributes:
        path: the HDF5 file.
        name: the model's own name, that of its ONNX file.
        network: its name in RobustBench; a normally trained model has that of its robust counterpart.
        architecture: such as WideResNet-34-10.
        dataset: what it was trained on, as cifar10.
        robust: whether it was trained adversarially; None where the file does not say.
        clean_accuracy: in percent, NaN where the file does not say.
        robust_accuracy: in percent, likewise.
    """

    path: Path
    name: str
    network: str
    architecture: str
    dataset: str
    robust: bool | None
    clean_accuracy: float
    robust_accuracy: float
    _layers: tuple[_Layer, ...]

    @property
    def num_filters(self) -> int:
        """How many 3x3 filters it has."""
        return sum(layer.last - layer.first + 1 for layer in self._layers)

    def stream_layers(self) -> Iterator[FilterLayer]:
        """Read one layer after the other, in the order of extraction, which is that of the file.

        Nothing is kept: as long as the caller keeps no layer, memory holds one or two of them.

        Yields:
            The layers. Weights are float32 where these are the values of the file, which holds those of ONNX files as
            float64: the measures are then those of the model's own weights.

        Raises:
            InputError: the file has changed or cannot be read.
        """
        with _opening(self.path) as file:
            filters = _find_filters(file, self.path)
            for layer in self._layers:
                yield FilterLayer(
                    name=f"layer-{layer.index}",
                    index=layer.index,
                    conv_depth=layer.conv_depth,
                    conv_depth_norm=layer.conv_depth_norm,
                    weights=_read_weights(filters, layer, self.path),
                )


def read_models(path: str | Path) -> list[DatabaseModel]:
    """Read what a data set of filters says of its models, and check all of it but the filters themselves.

    Args:
        path: the HDF5 file.

    Returns:
        The models, in the order in which their filters lie in the file.

    Raises:
        InputError: the file is missing, is no HDF5 file, lacks a part, or says of a layer what cannot be.
    """
    path = Path(path)
    with _opening(path) as file:
        count = len(_find_filters(file, path))
        with reading(path, _REMEDY):
            meta = file["meta"] if isinstance(file.get("meta", getlink=True), h5py.HardLink) else None
            frame = read_frame(meta, _COLUMNS) if isinstance(meta, h5py.Group) else None
    missing = [name for name in (*_INDEX, *_COLUMNS) if frame is None or name not in frame]
    if missing:
        part = "no table meta" if frame is None else f"a table meta without {list_some(missing)}"
        raise InputError(f"{path} has {part}: {_REMEDY}")
    if frame.empty:
        raise InputError(f"the table meta of {path} has no rows: {_REMEDY}")
    rows = frame.to_dict("records")
    layers = [_read_layer(row, number, path) for number, row in enumerate(rows)]
    _check_bounds(layers, count, path)
    numbers = defaultdict(list)
    for number in sorted(range(len(rows)), key=lambda number: layers[number].first):
        numbers[rows[number]["model_id"]].append(number)
    models = [_read_model([rows[n] for n in found], [layers[n] for n in found], path) for found in numbers.values()]
    name, times = Counter(model.name for model in models).most_common(1)[0]
    if times > 1:
        raise InputError(f"the table meta of {path} has the model {name!r} under {times} numbers: {_REMEDY}")
    return models


@contextmanager
def _opening(path: Path) -> Iterator[h5py.File]:
    with reading(path, _REMEDY):
        if path.is_file() and not h5py.is_hdf5(path):
            raise InputError(f"{path} is no HDF5 file: {_REMEDY}")
        # Of folders that several machines share some can lock no files.
        file = h5py.File(path, "r", locking=False)
    with file:
        yield file


def _find_filters(file: h5py.File, path: Path) -> h5py.Dataset:
    with reading(path, _REMEDY):
        found = next(filter(None, (own_dataset(file, name) for name in _FILTERS)), None)
        if found is None:
            raise InputError(f"{path} has no array {' or '.join(_FILTERS)}: {_REMEDY}")
        if found.shape[1:] not in ((3, 3), (9,)) or found.dtype.kind != "f":
            raise InputError(
                f"{path} has {found.name[1:]} of shape {found.shape} and type {found.dtype}, but 3x3 filters are "
                f"numbers of shape (N, 3, 3) or (N, 9): {_REMEDY}"
            )
    return found


def _read_weights(filters: h5py.Dataset, layer: _Layer, path: Path) -> np.ndarray:
    stored = np.empty((layer.last - layer.first + 1, *filters.shape[1:]), filters.dtype.newbyteorder("="))
    with reading(path, _REMEDY):
        filters.read_direct(stored, np.s_[layer.first : layer.last + 1])
    with np.errstate(over="ignore", invalid="ignore"):
        weights = stored.astype(np.float32, copy=False)
    if not (weights == stored).all():
        weights = stored
    return weights.reshape(layer.out_channels, layer.in_channels, 3, 3)


def _read_layer(row: dict, number: int, path: Path) -> _Layer:
    """One row of the table, checked."""
    where = f"row {number} of the table meta of {path}"
    bounds = _BOUNDS.fullmatch(str(row["filter_ids"]))
    if not bounds:
        raise InputError(f"{where} has filter_ids {row['filter_ids']!r}, which is not as '0:26': {_REMEDY}")
    first, last = map(int, bounds.groups())
    for name in (*_INDEX, "in_channels", "out_channels"):
        value, is_fraction = row[name], name == "conv_depth_norm"
        least, most = int(name.endswith("channels")), 1 if is_fraction else _LARGEST_LAYER
        if not isinstance(value, int | float) or not least <= value <= most or not (is_fraction or value % 1 == 0):
            raise InputError(f"{where} has {name} {value!r}, which no layer has: {_REMEDY}")
    channels = int(row["out_channels"]), int(row["in_channels"])
    if last - first + 1 != math.prod(channels) or last - first >= _LARGEST_LAYER:
        raise InputError(
            f"{where} has filter_ids {bounds[0]} for {channels[0]} x {channels[1]} channels, which should be as many, "
            f"and at most {_LARGEST_LAYER:,}: {_REMEDY}"
        )
    return _Layer(
        int(row["layer_id"]), int(row["conv_depth"]), float(row["conv_depth_norm"]), *channels, first=first, last=last
    )


def _check_bounds(layers: list[_Layer], count: int, path: Path) -> None:
    """Refuse filters that there are not, or that belong to two layers."""
    ordered = sorted(layers, key=lambda layer: layer.first)
    for one, other in itertools.pairwise(ordered):
        if one.last >= other.first:
            raise InputError(
                f"the table meta of {path} has filter_ids {one.first}:{one.last} and {other.first}:{other.last}, which "
                f"overlap: {_REMEDY}"
            )
    if ordered[-1].last >= count:
        raise InputError(
            f"the table meta of {path} has filter_ids {ordered[-1].first}:{ordered[-1].last}, but the file has "
            f"{count:,} filters: {_REMEDY}"
        )


def _read_model(rows: list[dict], layers: list[_Layer], path: Path) -> DatabaseModel:
    """One model of its rows and layers, in the order of their filters."""
    row, where = rows[0], f"the table meta of {path}"
    texts = [row[name] for name in _TEXTS]
    for name, text in zip(_TEXTS, texts, strict=True):
        if not isinstance(text, str) or not text or any(other[name] != text for other in rows):
            raise InputError(f"{where} has no one {name} in the rows of model_id {row['model_id']}: {_REMEDY}")
    if [layer.index for layer in layers] != [*range(len(layers))]:
        raise InputError(
            f"{where} has layer_id {list_some(str(layer.index) for layer in layers)} of the model {texts[0]!r} in the "
            f"order of their filters, which should count from 0: {_REMEDY}"
        )
    for name, most in _NUMBERS.items():
        if not isinstance(row[name], int | float) or not (math.isnan(row[name]) or 0 <= row[name] <= most):
            raise InputError(f"{where} has {name} {row[name]!r}, which is not from 0 to {most}: {_REMEDY}")
    robust, *accuracies = (row[name] for name in _NUMBERS)
    return DatabaseModel(path, *texts, None if math.isnan(robust) else bool(robust), *accuracies, tuple(layers))
