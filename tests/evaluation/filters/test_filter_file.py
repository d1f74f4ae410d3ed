"""The filters of one model of an HDF5 file, or of an ONNX file, by the entry of a checkpoint."""

import hashlib
from pathlib import Path

import h5py
import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from oracles.filter_database import write_models

from filterfreq.evaluation.filters.filter_file import measure_filter_file, read_filter_file
from filterfreq.evaluation.filters.filter_layer import FilterLayer
from filterfreq.evaluation.filters.rows import filter_rows
from filterfreq.runtime.errors import InputError

RNG = np.random.default_rng(0)


def layers(*shapes: tuple[int, int]) -> list[FilterLayer]:
    weights = [RNG.standard_normal((*shape, 3, 3)).astype(np.float32) for shape in shapes]
    return [FilterLayer("", number, number, number / 2, values) for number, values in enumerate(weights)]


@pytest.fixture
def models(tmp_path) -> dict[str, list[FilterLayer]]:
    """Two models of a file, dataset.h5."""
    found = {"first": layers((4, 3), (5, 4)), "second": layers((2, 3), (6, 2))}
    write_models(tmp_path / "dataset.h5", found)
    return found


def export(path: Path, weights: np.ndarray, normed: bool) -> None:
    """Write an ONNX file of one convolution, with a batch norm after it or without."""
    scales = RNG.uniform(0.5, 2, (4, len(weights))).astype(np.float32)
    initial = {"w": weights, **dict(zip("abcd", scales, strict=True))}
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"])]
    nodes += [helper.make_node("BatchNormalization", ["y", *"abcd"], ["z"])] if normed else []
    tensors = [numpy_helper.from_array(value, name) for name, value in initial.items()]
    values = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in ("x", "z" if normed else "y")
    ]
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", values[:1], values[1:], tensors)), path)


@pytest.mark.parametrize("name", ["first", "second"])
def test_an_hdf5_file_gives_the_model_that_is_named(tmp_path, models, name):
    source = {"source": "filters", "path": str(tmp_path / "dataset.h5"), "name": name}
    found = [*read_filter_file(source, "folded")]
    assert [layer.conv_depth_norm for layer in found] == [0, 0.5]
    for layer, expected in zip(found, models[name], strict=True):
        np.testing.assert_array_equal(layer.weights, expected.weights, strict=True)


def test_what_was_read_is_known_by_its_checksum(tmp_path, models):
    source = {"source": "filters", "path": str(tmp_path / "dataset.h5"), "name": "first"}
    rows, checksum = measure_filter_file(source, ["folded"])
    assert rows == filter_rows(read_filter_file(source, "folded"), "folded")
    assert checksum == hashlib.sha256(b"".join(layer.weights.tobytes() for layer in models["first"])).hexdigest()


def test_filters_of_other_models_are_not_read(tmp_path, models):
    """Those of the other model lie in chunks that no one could read."""
    path, count = tmp_path / "dataset.h5", sum(layer.weights[..., 0, 0].size for layer in models["first"])
    with h5py.File(path, "r+") as file:
        values = file["filters"][...]
        del file["filters"]
        stored = file.create_dataset("filters", data=values, chunks=(count, 3, 3), fletcher32=True)
        offset = stored.id.get_chunk_info(1).byte_offset
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(b"damaged!")
    source = {"source": "filters", "path": str(path)}
    assert len(filter_rows(read_filter_file({**source, "name": "first"}, "folded"), "folded")) > 100
    with pytest.raises(InputError, match=r"dataset\.h5 is damaged or not what it should be"):
        [*read_filter_file({**source, "name": "second"}, "folded")]


def test_an_onnx_file_gives_what_it_holds(tmp_path):
    weights = RNG.standard_normal((4, 3, 3, 3)).astype(np.float32)
    source = {"source": "filters", "path": str(tmp_path / "m.onnx")}
    export(tmp_path / "m.onnx", weights, normed=True)
    [separate], [folded] = (read_filter_file(source, way) for way in ("separate", "folded"))
    np.testing.assert_array_equal(separate.weights, weights)
    factors = folded.weights[:, 0, 0, 0] / weights[:, 0, 0, 0]
    np.testing.assert_allclose(folded.weights, weights * factors[:, None, None, None])
    assert (np.abs(factors - 1) > 0.01).any()


def test_what_a_file_does_not_hold_is_refused(tmp_path, models):
    export(tmp_path / "m.onnx", np.ones((2, 3, 3, 3), np.float32), normed=False)
    onnx_file, hdf5 = ({"source": "filters", "path": str(tmp_path / name)} for name in ("m.onnx", "dataset.h5"))
    for source in (onnx_file, {**hdf5, "name": "first"}):
        with pytest.raises(
            InputError, match=r"holds? .* with batch norm separate, only folded: write batch_norm: \[fol"
        ):
            [*read_filter_file(source, "separate")]
    with pytest.raises(InputError, match=r"dataset\.h5: unknown model 'frist': did you mean 'first'"):
        [*read_filter_file({**hdf5, "name": "frist"}, "folded")]
    with pytest.raises(InputError, match=r"m\.onnx is no HDF5 file"):
        [*read_filter_file({**onnx_file, "name": "first"}, "folded")]
    with pytest.raises(InputError, match=r"dataset\.h5 "):
        [*read_filter_file(hdf5, "folded")]


@pytest.mark.parametrize(
    ("shape", "value", "sentence"),
    [
        ((2, 3), np.nan, "not all finite|not finite"),
        ((2, 3), 0, "all 3 x 3 filters of the model are zero"),
        ((1, 1), 1, "one 3 x 3 filter"),
    ],
)
@pytest.mark.parametrize("file", ["dataset.h5", "m.onnx"])
def test_weights_that_say_nothing_are_refused(tmp_path, file, shape, value, sentence):
    weights = np.full((*shape, 3, 3), value, np.float32)
    export(tmp_path / "m.onnx", weights, normed=False)
    write_models(tmp_path / "dataset.h5", {"m": [FilterLayer("", 0, 0, 0.0, weights)]})
    source = {"source": "filters", "path": str(tmp_path / file)} | ({"name": "m"} if file == "dataset.h5" else {})
    with pytest.raises(InputError, match=sentence) as refused:
        measure_filter_file(source, ["folded"])
    assert str(refused.value).count(file) == 1


def test_a_model_without_3x3_convolutions_is_refused(tmp_path):
    export(tmp_path / "m.onnx", np.ones((2, 3, 1, 1), np.float32), normed=False)
    with pytest.raises(InputError, match=r"m\.onnx has no 3x3 convolution"):
        [*read_filter_file({"source": "filters", "path": str(tmp_path / "m.onnx")}, "folded")]
