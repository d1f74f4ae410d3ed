"""Writes a data set of filters in the layout of the published one, which pandas 1 and PyTables have written."""

import pickle
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from filterfreq.evaluation.filters.filter_layer import FilterLayer

LEVELS = ["model_id", "conv_depth", "conv_depth_norm", "layer_id"]


def write_database(path: Path, filters: np.ndarray, meta: pd.DataFrame, name: str = "filters") -> None:
    """Write the filters under a name, and the table that has the columns LEVELS as its index."""
    with h5py.File(path, "w") as file:
        file[name] = filters
        write_frame(file, meta.set_index(LEVELS))


def write_models(path: Path, models: dict[str, list[FilterLayer]], dataset: str = "texdigits") -> None:
    """Write the layers of models as extract_filters.py of the data set's authors does."""
    filters, first, rows = [], 0, []
    for number, (name, layers) in enumerate(models.items()):
        for layer in layers:
            filters.append(layer.weights.reshape(-1, 3, 3).astype(np.float64))
            channels = layer.weights.shape[1], layer.weights.shape[0]
            bounds = f"{first}:{first + len(filters[-1]) - 1}"
            rows.append((number, layer.conv_depth, layer.conv_depth_norm, layer.index, *channels, bounds, name, name))
            first += len(filters[-1])
    meta = pd.DataFrame(rows, columns=[*LEVELS, "in_channels", "out_channels", "filter_ids", "model", "Network"])
    meta = meta.assign(**{"Backbone": "ResNet", "Training-Dataset": dataset})
    meta = meta.assign(**{"Robust": False, "Clean Accuracy": 90.0, "Robust Accuracy": np.nan})
    write_database(path, np.concatenate(filters), meta.astype({"Robust": object}))


def write_frame(file: h5py.File, frame: pd.DataFrame) -> None:
    """Write a table with an index of several levels as `DataFrame.to_hdf` does under the key "meta"."""
    group = file.create_group("meta")
    group.attrs["pandas_type"] = np.bytes_("frame")
    group.attrs["axis1_variety"] = np.bytes_("multi")
    group.attrs["axis1_nlevels"] = frame.index.nlevels
    write_texts(group, "axis0", frame.columns)
    for number, (level, codes) in enumerate(zip(frame.index.levels, frame.index.codes, strict=True)):
        write_array(group, f"axis1_level{number}", level.to_numpy()).attrs["name"] = np.bytes_(level.name)
        write_array(group, f"axis1_label{number}", codes)
    kinds = {"float64": [], "int32": [], "int64": [], "object": []}
    for column, dtype in frame.dtypes.items():
        kinds[str(dtype).replace("str", "object")].append(column)
    blocks = [(kind, columns) for kind, columns in kinds.items() if columns]
    group.attrs["nblocks"] = len(blocks)
    for number, (kind, columns) in enumerate(blocks):
        write_texts(group, f"block{number}_items", columns)
        values = frame[columns].to_numpy(object if kind == "object" else None)
        if kind == "object":
            pickled = np.frombuffer(pickle.dumps(values, 5), np.uint8)
            dataset = group.create_dataset(f"block{number}_values", (1,), h5py.vlen_dtype(np.uint8))
            dataset[0] = pickled
            dataset.attrs["transposed"] = np.uint8(1)
        else:
            write_array(group, f"block{number}_values", values)


def write_texts(group: h5py.Group, name: str, texts: list[str] | pd.Index) -> None:
    """Write names of columns."""
    write_array(group, name, np.array([text.encode() for text in texts]))


def write_array(group: h5py.Group, name: str, values: np.ndarray) -> h5py.Dataset:
    """Write numbers or bytes."""
    group[name] = values
    group[name].attrs["transposed"] = np.uint8(1)
    return group[name]
