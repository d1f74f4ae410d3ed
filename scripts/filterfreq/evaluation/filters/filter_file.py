"""The filters of one model, from a file that a checkpoint of the config names. Imports no torch."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from filterfreq.evaluation.filters import onnx_file
from filterfreq.evaluation.filters.database import BATCH_NORM, read_models
from filterfreq.evaluation.filters.filter_layer import FilterLayer
from filterfreq.runtime.errors import InputError, unknown_name


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


def _check_batch_norm(path: Path, wanted: str, possible: list[str]) -> None:
    if wanted not in possible:
        raise InputError(
            f"{path} does not hold the filters with batch norm {wanted}, only {' and '.join(possible)}: write "
            f"batch_norm: [{', '.join(possible)}] in the settings of filter_quality, or give another file"
        )
