import gzip
import os
import pickle
import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from oracles.filter_database import LEVELS, write_database, write_frame

from filterfreq.evaluation.filters.database import read_models
from filterfreq.runtime.errors import InputError

# Written by pandas 1.5.3 and PyTables 3.8.0, step by step as the notebook and the scripts of the data set's authors do.
WRITTEN_BY_PANDAS = Path(__file__).parent / "fixtures" / "written_by_pandas.h5.gz"
A, B = ("A", "ResNet-8", "cifar10"), ("B", "ResNet-4", "cifar100")
# In the order of extraction, which is not that of depth; the models' numbers are in no order.
ROWS = [
    (1, 0, 0.0, 0, 0, 3, 4, "0:11", "robustbench_A_cifar10_linf_13", *A, True, 84.92, 53.08),
    (1, 2, 2 / 3, 1, 14, 4, 5, "12:31", "robustbench_A_cifar10_linf_13", *A, True, 84.92, 53.08),
    (1, 1, 1 / 3, 2, 7, 4, 4, "32:47", "robustbench_A_cifar10_linf_13", *A, True, 84.92, 53.08),
    (0, 0, 0.0, 0, 0, 3, 2, "48:53", "robustbench_B_cifar100_linf_13", *B, np.nan, 60.86, 30.03),
    (0, 1, 1.0, 1, 7, 2, 3, "54:59", "robustbench_B_cifar100_linf_13", *B, np.nan, 60.86, 30.03),
    (2, 0, 0.0, 0, 0, 3, 4, "60:71", "normal_A_cifar10_13", *A, False, 92.17, 0.0),
    (2, 2, 2 / 3, 1, 14, 4, 5, "72:91", "normal_A_cifar10_13", *A, False, 92.17, 0.0),
    (2, 1, 1 / 3, 2, 7, 4, 4, "92:107", "normal_A_cifar10_13", *A, False, 92.17, 0.0),
]
COLUMNS = [
    *LEVELS,
    *("layer_depth", "in_channels", "out_channels", "filter_ids", "model", "Network", "Backbone", "Training-Dataset"),
    *("Robust", "Clean Accuracy", "Robust Accuracy"),
]
OF_MODELS = COLUMNS[COLUMNS.index("model") :]


@pytest.fixture
def meta() -> pd.DataFrame:
    frame = pd.DataFrame(ROWS, columns=COLUMNS)
    texts = ["filter_ids", *OF_MODELS[:5]]
    return frame.astype({**dict.fromkeys(texts, object), "layer_depth": np.int32})


@pytest.fixture
def filters() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((108, 3, 3))


@pytest.fixture
def published(tmp_path) -> Path:
    path = tmp_path / "published.h5"
    path.write_bytes(gzip.decompress(WRITTEN_BY_PANDAS.read_bytes()))
    return path


def check_models(path: Path, filters: np.ndarray) -> None:
    """Hold what is read against the table above."""
    models = read_models(path)
    expected = pd.DataFrame(ROWS, columns=COLUMNS)
    assert [model.name for model in models] == [*expected["model"].unique()]
    for model in models:
        rows = expected[expected["model"] == model.name]
        row = rows.iloc[0]
        assert (model.network, model.architecture, model.dataset) == (
            *row[["Network", "Backbone", "Training-Dataset"]],
        )
        assert model.robust is (None if model.name.startswith("robustbench_B") else bool(row["Robust"]))
        assert (model.clean_accuracy, model.robust_accuracy) == (row["Clean Accuracy"], row["Robust Accuracy"])
        assert model.num_filters == (rows["in_channels"] * rows["out_channels"]).sum()
        layers = [*model.stream_layers()]
        assert [layer.index for layer in layers] == [*range(len(rows))]
        assert [layer.conv_depth for layer in layers] == [*rows["conv_depth"]]
        assert [layer.conv_depth_norm for layer in layers] == [*rows["conv_depth_norm"]]
        for layer, bounds, into in zip(layers, rows["filter_ids"], rows["in_channels"], strict=True):
            first, last = map(int, bounds.split(":"))
            np.testing.assert_array_equal(layer.weights, filters[first : last + 1].reshape(-1, into, 3, 3), strict=True)


def test_what_pandas_has_written_is_read(published):
    with h5py.File(published) as file:
        filters = file["filters"][...]
    assert filters.dtype == np.float64
    # They were float32 in their ONNX files.
    check_models(published, filters.astype(np.float32))


def test_the_layout_of_these_tests_is_that_of_pandas(published, tmp_path, meta, filters):
    """What the tests below write has all that is read of what pandas has written, with the same content."""
    with h5py.File(tmp_path / "made.h5", "w") as made, h5py.File(published) as real:
        write_frame(made, meta.set_index(LEVELS))
        ours, theirs = made["meta"], real["meta"]
        for name, value in ours.attrs.items():
            assert theirs.attrs[name] == value, name
        assert theirs.keys() - ours.keys() == set()
        for name in ours.keys() - {"axis0"}:
            assert {key: ours[name].attrs[key] == theirs[name].attrs[key] for key in ours[name].attrs} == dict.fromkeys(
                ours[name].attrs, True
            )
            if not name.startswith("block"):
                np.testing.assert_array_equal(ours[name][...], theirs[name][...])
        for number in range(4):
            both = []
            for group in (ours, theirs):
                values = group[f"block{number}_values"][...]
                values = pickle.loads(values[0].tobytes()) if values.dtype == object else values
                both.append(pd.DataFrame(values, columns=group[f"block{number}_items"].asstr()[...]))
            pd.testing.assert_frame_equal(both[0], both[1][both[0].columns])


@pytest.mark.parametrize("dtype", [np.float64, np.float32, ">f8"])
@pytest.mark.parametrize(("name", "shape"), [("filters", (-1, 3, 3)), ("filter", (-1, 9))])
def test_both_names_shapes_and_precisions_are_read(tmp_path, meta, filters, dtype, name, shape):
    stored = filters.astype(dtype)
    write_database(tmp_path / "made.h5", stored.reshape(shape), meta, name)
    # float64 that is more than float32 stays so.
    check_models(tmp_path / "made.h5", stored.astype(np.dtype(dtype).newbyteorder("=")))


def test_layers_are_read_one_by_one(tmp_path, meta):
    """Memory holds a layer, whatever the size of the model."""
    count, layers = 4096, 16
    rows = pd.concat([meta.iloc[:1]] * layers, ignore_index=True)
    numbers = np.arange(layers)
    bounds = [f"{count * number}:{count * (number + 1) - 1}" for number in numbers]
    rows = rows.assign(layer_id=numbers, in_channels=64, out_channels=64, filter_ids=pd.Series(bounds, dtype=object))
    write_database(tmp_path / "made.h5", np.zeros((count * layers, 3, 3)), rows)
    model = read_models(tmp_path / "made.h5")[0]
    assert model.num_filters == count * layers
    sum(1 for _ in model.stream_layers())  # what is imported and cached at first
    tracemalloc.start()
    total = sum(layer.weights.size for layer in model.stream_layers())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == count * layers * 9
    assert peak < 3 * count * 9 * 8


def test_a_file_of_the_published_size_is_read_at_its_end(tmp_path, meta):
    """72.6 GB of zeros that take no disk."""
    count = 1_008_168_592
    last = meta.iloc[:1].assign(filter_ids=pd.Series([f"{count - 12}:{count - 1}"], dtype=object))
    with h5py.File(tmp_path / "made.h5", "w") as file:
        file.create_dataset("filters", (count, 3, 3), np.float64)
        write_frame(file, last.set_index(LEVELS))
    (layer,) = read_models(tmp_path / "made.h5")[0].stream_layers()
    assert layer.weights.shape == (4, 3, 3, 3)
    assert not layer.weights.any()


def change(row: int, **values: object):
    """A change of one row of the table."""

    def make(meta: pd.DataFrame) -> pd.DataFrame:
        meta = meta.copy()
        for name, value in values.items():
            column = name.replace("_dash_", "-").replace("_space_", " ")
            meta[column] = meta[column].astype(object if isinstance(value, str) else meta[column].dtype)
            meta.loc[row, column] = value
        return meta

    return make


BAD_TABLES = [
    (change(1, filter_ids="11:30"), "has filter_ids 0:11 and 11:30, which overlap"),
    (change(7, filter_ids="93:108"), "has filter_ids 93:108, but the file has 108 filters"),
    (change(0, filter_ids="0-11"), "row 0 of the table meta of .* has filter_ids '0-11', which is not as '0:26'"),
    (change(0, filter_ids="0:10"), "has filter_ids 0:10 for 4 x 3 channels, which should be as many"),
    (change(0, filter_ids="11:0"), "has filter_ids 11:0 for 4 x 3 channels"),
    (change(0, in_channels=0), "row 0 of the table meta of .* has in_channels 0, which no layer has"),
    (change(0, in_channels=3_000_000, filter_ids="0:11999999"), "and at most 4,194,304"),
    (change(0, conv_depth=-1), "has conv_depth -1, which no layer has"),
    (change(0, conv_depth_norm=1.5), "has conv_depth_norm 1.5, which no layer has"),
    (
        change(2, layer_id=1),
        "has layer_id 0, 1, 1 of the model 'robustbench_A_cifar10_linf_13' in the order",
    ),
    (change(1, Network="C"), "has no one Network in the rows of model_id 1"),
    (change(0, model=""), "has no one model in the rows of model_id 1"),
    (change(0, Robust="no"), "has Robust 'no', which is not from 0 to 1"),
    (change(0, Clean_space_Accuracy=101.0), "has Clean Accuracy 101.0, which is not from 0 to 100"),
    (lambda meta: meta.assign(model="one"), "has the model 'one' under 3 numbers"),
    (lambda meta: meta.drop(columns="filter_ids"), "has a table meta without filter_ids"),
    (lambda meta: meta.drop(columns=["in_channels", "Robust"]), "has a table meta without in_channels, Robust"),
    (lambda meta: meta.iloc[:0], "the table meta of .* has no rows"),
]


@pytest.mark.parametrize(("make", "sentence"), BAD_TABLES, ids=[sentence for _, sentence in BAD_TABLES])
def test_a_table_that_says_what_cannot_be_is_refused(tmp_path, meta, filters, make, sentence):
    write_database(tmp_path / "made.h5", filters, make(meta))
    with pytest.raises(InputError, match=rf"{sentence}.*: give a whole copy of the data set of filters") as error:
        read_models(tmp_path / "made.h5")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("filters", "sentence"),
    [
        (np.zeros((108, 5, 5)), r"has filters of shape \(108, 5, 5\) and type float64"),
        (np.zeros((108, 3, 3), np.int64), r"has filters of shape \(108, 3, 3\) and type int64"),
        (np.float64(1), r"has filters of shape \(\) and type float64"),
    ],
)
def test_filters_of_another_shape_or_type_are_refused(tmp_path, meta, filters, sentence):
    write_database(tmp_path / "made.h5", filters, meta)
    with pytest.raises(InputError, match=sentence):
        read_models(tmp_path / "made.h5")


def test_files_that_are_no_data_set_of_filters_are_refused(tmp_path, meta, filters, published):
    path = tmp_path / "made.h5"
    with pytest.raises(InputError, match=r"made\.h5 is missing: give a whole copy"):
        read_models(path)
    path.write_text("filters")
    with pytest.raises(InputError, match=r"made\.h5 is no HDF5 file: give a whole copy"):
        read_models(path)
    path.write_bytes(published.read_bytes()[:20_000])
    with pytest.raises(InputError, match=r"made\.h5 is damaged or not what it should be \(OSError: .*truncated file"):
        read_models(path)
    write_database(path, filters, meta, "weights")
    with pytest.raises(InputError, match=r"made\.h5 has no array filters or filter: give a whole copy"):
        read_models(path)
    with h5py.File(path, "w") as file:
        file["filters"] = filters
    with pytest.raises(InputError, match=r"made\.h5 has no table meta: give a whole copy"):
        read_models(path)
    with h5py.File(path, "w") as file:
        file["filters"] = filters
        write_frame(file, meta.set_index(LEVELS))
        file["meta"].attrs["pandas_type"] = np.bytes_("frame_table")
    with pytest.raises(InputError, match=r"is no table with an index of several levels in pandas' format 'fixed'"):
        read_models(path)


class Command:
    """What a pickle of it runs when it is read."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.file),)


@pytest.mark.parametrize("in_the_array", [True, False])
def test_a_pickle_that_would_run_code_is_refused(tmp_path, meta, filters, in_the_array):
    made = tmp_path / "made"
    write_database(tmp_path / "made.h5", filters, meta)
    with h5py.File(tmp_path / "made.h5", "r+") as file:
        content = np.array([Command(made)], dtype=object) if in_the_array else Command(made)
        file["meta/block3_values"][0] = np.frombuffer(pickle.dumps(content), np.uint8)
    with pytest.raises(InputError, match=r"it names \w+\.mkdir, which makes no array"):
        read_models(tmp_path / "made.h5")
    assert not made.exists()


def test_a_pickle_that_would_take_for_ever_is_refused(tmp_path, meta, filters):
    nested: tuple = ()
    for _ in range(24):
        nested = (nested, nested)
    # Written out, because its own hash takes as long: a dictionary with one key, {nested: None}.
    pickled = b"\x80\x05}" + pickle.dumps(nested, 5)[2:-1].removeprefix(b"\x95" + b"\0" * 8) + b"Ns."
    write_database(tmp_path / "made.h5", filters, meta)
    with h5py.File(tmp_path / "made.h5", "r+") as file:
        file["meta/block3_values"][0] = np.frombuffer(pickled, np.uint8)
    with pytest.raises(InputError, match="its columns of text are pickled with EMPTY_DICT, SETITEM, which no array"):
        read_models(tmp_path / "made.h5")


def test_columns_of_text_hold_texts_and_numbers_alone(tmp_path, meta, filters):
    write_database(tmp_path / "made.h5", filters, meta.assign(model=pd.Series([("a",)] * len(meta), dtype=object)))
    with pytest.raises(InputError, match="its columns of text hold something else than texts and numbers"):
        read_models(tmp_path / "made.h5")


@pytest.mark.parametrize("kind", ["soft link", "link to a file", "values in a file", "parts of files"])
def test_filters_that_lie_in_another_file_are_refused(tmp_path, meta, filters, kind):
    other = tmp_path / "other.h5"
    write_database(other, filters, meta)
    with h5py.File(tmp_path / "made.h5", "w") as file:
        write_frame(file, meta.set_index(LEVELS))
        if kind == "soft link":
            file["filters"] = h5py.SoftLink("/meta/axis0")
        elif kind == "link to a file":
            file["filters"] = h5py.ExternalLink(str(other), "filters")
        elif kind == "values in a file":
            file.create_dataset("filters", (108, 3, 3), np.float64, external=[(str(other), 0, h5py.h5f.UNLIMITED)])
        else:
            layout = h5py.VirtualLayout((108, 3, 3), np.float64)
            layout[:] = h5py.VirtualSource(str(other), "filters", (108, 3, 3))
            file.create_virtual_dataset("filters", layout)
    with pytest.raises(InputError, match=r"made\.h5 has no array filters or filter"):
        read_models(tmp_path / "made.h5")


def test_a_table_that_lies_in_another_file_is_refused(tmp_path, meta, filters):
    write_database(tmp_path / "other.h5", filters, meta)
    with h5py.File(tmp_path / "made.h5", "w") as file:
        file["filters"] = filters
        file["meta"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "meta")
    with pytest.raises(InputError, match=r"made\.h5 has no table meta"):
        read_models(tmp_path / "made.h5")
