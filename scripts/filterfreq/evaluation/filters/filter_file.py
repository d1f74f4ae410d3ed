"""The filters of one model, from a file that a checkpoint of the config names. Imports no torch."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from filterfreq.evaluation.filters import onnx_file
from filterfreq.evaluation.filters.database import BATCH_NORM, read_models
from filterfreq.evaluation.filters.filter_layer import FilterLayer
from filterfreq.evaluation.filters.rows import filter_rows
from filterfreq.runtime.errors import InputError, naming, unknown_name


def read_filter_file(source: Mapping[str, Any], batch_norm: str) -> Iterator[FilterLayer]:
    """Yield the 3x3 convolutions of a model, those of a data set of filters one by one as they are read.

    Args:
        source: a checkpoint's entry in the config whose `source` is `filters`: with `name` its `path` is an HDF5 file
            in the layout of Zenodo record 6414075, of whose models the name is one; without, an ONNX file.
        batch_norm: "separate", or "folded" into the weights.

    Raises:
        InputError: the file is missing, damaged, or is no such file; it has no model of that name; or it does not hold
            its filters with batch norm treated so.
    """
    path = Path(source["path"]).expanduser()
    if "name" not in source:
        found = onnx_file.read_layers(path)
        _check_batch_norm(path, batch_norm, list(found))
        yield from found[batch_norm]
        return
    models = {model.name: model for model in read_models(path)}
    if source["name"] not in models:
        raise InputError(f"{path}: {unknown_name('model', source['name'], models)}")
    _check_batch_norm(path, batch_norm, [BATCH_NORM])
    yield from models[source["name"]].stream_layers()


def filter_file_layers(
    source: Mapping[str, Any], batch_norms: Iterable[str]
) -> Iterator[tuple[str, Iterator[FilterLayer]]]:
    """Yield each way of treating batch norm with the layers of a model, as `checkpoint_layers` does of a checkpoint.

    Args:
        source: as for `read_filter_file`.
        batch_norms: the ways that are wanted.

    Raises:
        InputError: as `read_filter_file` does, when the layers are read.
    """
    return ((batch_norm, read_filter_file(source, batch_norm)) for batch_norm in batch_norms)


def measure_filter_file(source: Mapping[str, Any], batch_norm: Sequence[str]) -> tuple[list[dict[str, Any]], str]:
    """Measure the filters of a model, one layer after the other.

    Args:
        source: as for `read_filter_file`.
        batch_norm: the ways of treating batch norm, each of which has rows of its own.

    Returns:
        The rows of the suite `filter_quality`, and the SHA-256 of all weights as they were read, in 64 hexadecimal
        digits: the file itself may be too large to be read for one model of it.

    Raises:
        InputError: as `read_filter_file` and `filterfreq.evaluation.filters.rows.filter_rows` do.
    """
    digest = hashlib.sha256()

    def noted(layers: Iterator[FilterLayer]) -> Iterator[FilterLayer]:
        for layer in layers:
            digest.update(np.ascontiguousarray(layer.weights))
            yield layer

    ways = filter_file_layers(source, batch_norm)
    with naming(source["path"]):
        rows = [row for way, layers in ways for row in filter_rows(noted(layers), way)]
    return rows, digest.hexdigest()


def _check_batch_norm(path: Path, wanted: str, possible: list[str]) -> None:
    if wanted not in possible:
        raise InputError(
            f"{path} does not hold the filters with batch norm {wanted}, only {' and '.join(possible)}: write "
            f"batch_norm: [{', '.join(possible)}] in the settings of filter_quality, or give another file"
        )
