from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from filterfreq.evaluation.filters.onnx_file import read_layers
from filterfreq.runtime.errors import InputError

RNG = np.random.default_rng(0)


class Branched(nn.Module):
    """A stem of 5x5, two convolutions beside a shortcut, and one in groups that no batch norm follows directly."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 5, padding=2, bias=False)
        self.first = nn.Conv2d(4, 6, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(6)
        self.second = nn.Conv2d(6, 8, 3, padding=1)
        self.second_norm = nn.BatchNorm2d(8)
        self.shortcut = nn.Conv2d(4, 8, 3, padding=1)
        self.grouped = nn.Conv2d(8, 8, 3, padding=1, groups=4)
        self.last_norm = nn.BatchNorm2d(8)
        self.head = nn.Linear(8, 2)
        for norm in (self.first_norm, self.second_norm, self.last_norm):
            nn.init.uniform_(norm.weight, 0.5, 2)
            nn.init.uniform_(norm.running_var, 0.5, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.stem(images)
        path = self.second_norm(self.second(torch.relu(self.first_norm(self.first(x)))))
        x = torch.relu(path + self.shortcut(x))
        return self.head(self.last_norm(torch.relu(self.grouped(x))).mean((2, 3)))


@pytest.fixture
def model() -> Branched:
    torch.manual_seed(0)
    return Branched().eval()


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "model.onnx"


def export(model: nn.Module, path: Path, **options: object) -> None:
    torch.onnx.export(model, (torch.rand(1, 3, 8, 8),), path, dynamo=False, **options)


def export_with_norms(model: nn.Module, path: Path) -> None:
    export(model, path, training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)


needs_exporter = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def check_depths(layers: list) -> None:
    """Depths with a convolution: stem, first and shortcut, second, grouped."""
    found = {layer.weights.shape[:2]: (layer.conv_depth, layer.conv_depth_norm) for layer in layers}
    assert found == {(6, 4): (1, 1 / 3), (8, 4): (1, 1 / 3), (8, 6): (2, 2 / 3), (8, 2): (3, 1.0)}
    assert [layer.index for layer in layers] == [0, 1, 2, 3]


def check_weights(layers: list, convolutions: list[nn.Conv2d], rtol: float = 0) -> None:
    found = {layer.weights.shape[:2]: layer.weights for layer in layers}
    assert len(found) == len(convolutions)
    for convolution in convolutions:
        expected = convolution.weight.detach().numpy()
        np.testing.assert_allclose(found[expected.shape[:2]], expected, rtol=rtol, atol=0)


@needs_exporter
def test_an_export_with_batch_norms_has_the_weights_of_the_model(model, path):
    export_with_norms(model, path)
    found = read_layers(path)
    assert [*found] == ["separate", "folded"]
    check_weights(found["separate"], [model.first, model.second, model.shortcut, model.grouped])
    check_depths(found["separate"])
    check_depths(found["folded"])
    assert [layer.name for layer in found["separate"]] == [
        f"/{name}/Conv" for name in ("first", "second", "shortcut", "grouped")
    ]


@needs_exporter
def test_batch_norms_are_folded_where_they_follow_directly_as_the_exporter_folds_them(model, path):
    folded = [
        fuse_conv_bn_eval(model.first, model.first_norm),
        fuse_conv_bn_eval(model.second, model.second_norm),
        model.shortcut,
        model.grouped,
    ]
    export_with_norms(model, path)
    check_weights(read_layers(path)["folded"], folded, rtol=1e-6)
    export(model, path)
    found = read_layers(path)
    assert [*found] == ["folded"]
    check_weights(found["folded"], folded, rtol=1e-6)
    check_depths(found["folded"])


@needs_exporter
def test_weights_may_lie_in_a_file_beside_it(model, path):
    export(model, path)
    expected = read_layers(path)["folded"]
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert path.stat().st_size < path.with_name("weights.bin").stat().st_size
    for layer, other in zip(read_layers(path)["folded"], expected, strict=True):
        np.testing.assert_array_equal(layer.weights, other.weights, strict=True)
    path.with_name("weights.bin").rename(path.parent.parent / "weights.bin")
    with pytest.raises(InputError, match=r"model\.onnx is damaged .*weights\.bin.* with the files of weights that it"):
        read_layers(path)
    # Nor is it looked for elsewhere.
    content = onnx.load(path, load_external_data=False)
    for tensor in content.graph.initializer:
        tensor.external_data[0].value = "../weights.bin"
    path.write_bytes(content.SerializeToString())
    with pytest.raises(InputError, match=r"model\.onnx is damaged"):
        read_layers(path)


def weights(out: int, into: int, side: int = 3, dtype: type = np.float32) -> np.ndarray:
    return RNG.standard_normal((out, into, side, side)).astype(dtype)


def save(path: Path, nodes: list, tensors: dict[str, np.ndarray], shown: tuple[str, ...] = ("y",)) -> None:
    """Write a graph from x of 3 channels; those of its tensors that are inputs, too, are as old exporters had them."""
    values = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in ("x", *tensors, *shown)]
    initializers = [numpy_helper.from_array(array, name) for name, array in tensors.items()]
    graph = helper.make_graph(nodes, "g", values[: 1 + len(tensors)], values[1 + len(tensors) :], initializers)
    path.write_bytes(helper.make_model(graph).SerializeToString())


def test_weights_are_found_behind_constants_and_identities(path):
    shared = weights(3, 3)
    nodes = [
        helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(shared)),
        helper.make_node("Identity", ["c"], ["same"]),
        helper.make_node("Conv", ["x", "c"], ["a"], name="one=1;two"),
        helper.make_node("Conv", ["a", "same"], ["y"]),
    ]
    save(path, nodes, {})
    layers = read_layers(path)["folded"]
    # Without a name a node has that of what it makes; "=" and ";" separate the parameters of results.
    assert [(layer.name, layer.conv_depth) for layer in layers] == [("one_1_two", 0), ("y", 1)]
    for layer in layers:
        np.testing.assert_array_equal(layer.weights, shared, strict=True)


@pytest.mark.parametrize(("dtype", "read"), [(np.float16, np.float32), (np.float64, np.float64)])
def test_the_precision_of_the_weights(path, dtype, read):
    stored = weights(2, 3, dtype=dtype)
    save(path, [helper.make_node("Conv", ["x", "w"], ["y"])], {"w": stored})
    np.testing.assert_array_equal(read_layers(path)["folded"][0].weights, stored.astype(read), strict=True)


def test_the_depth_is_that_of_the_longest_path(path):
    """A branch of which the convolution comes after an activation meets one of which it comes after a dropout."""
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Conv", ["a", "late"], ["d"], name="late"),
        helper.make_node("Dropout", ["x"], ["b"]),
        helper.make_node("Conv", ["b", "early"], ["e"], name="early"),
        helper.make_node("Sum", ["e", "x", "d"], ["f"]),
        helper.make_node("Conv", ["f", "last"], ["y"], name="last"),
    ]
    save(path, nodes, {"late": weights(3, 3), "early": weights(3, 3), "last": weights(3, 3)})
    found = {
        layer.name: (layer.index, layer.conv_depth, layer.conv_depth_norm) for layer in read_layers(path)["folded"]
    }
    assert found == {"late": (0, 1, 0.5), "early": (1, 0, 0.0), "last": (2, 2, 1.0)}


def test_a_batch_norm_that_can_be_folded_adds_no_depth(path):
    """So that a file with batch norms says of depths what one says that has them folded."""
    factors = {name: np.float32([1, 2, 3]) for name in ("scale", "bias", "mean", "variance")}
    nodes = [
        helper.make_node("Conv", ["x", "first"], ["a"], name="first"),
        helper.make_node("BatchNormalization", ["a", *factors], ["b"]),
        helper.make_node("Conv", ["b", "second"], ["c"], name="second"),
        helper.make_node("Relu", ["x"], ["d"]),
        helper.make_node("Conv", ["d", "beside"], ["e"], name="beside"),
        helper.make_node("Add", ["c", "e"], ["y"]),
    ]
    save(path, nodes, {"first": weights(3, 3), "second": weights(3, 3), "beside": weights(3, 3), **factors})
    for layers in read_layers(path).values():
        assert {layer.name: layer.conv_depth for layer in layers} == {"first": 0, "second": 1, "beside": 1}


def test_convolutions_of_other_dimensions_have_no_depth(path):
    nodes = [
        helper.make_node("Conv", ["x", "line"], ["a"]),
        helper.make_node("Conv", ["a", "w"], ["y"]),
    ]
    save(path, nodes, {"line": np.zeros((3, 3, 3), np.float32), "w": weights(2, 3)})
    (layer,) = read_layers(path)["folded"]
    assert (layer.name, layer.conv_depth, layer.conv_depth_norm) == ("y", 0, 0.0)


@pytest.mark.parametrize(
    ("inputs", "shown"),
    [(("b", "b"), ("y",)), (("b", "a"), ("y",)), (("b", "b"), ("y", "a"))],
    ids=["alone", "taken by another", "shown"],
)
def test_a_batch_norm_is_folded_where_it_alone_takes_what_the_convolution_makes(path, inputs, shown):
    factors = {name: np.float32([1, 2]) for name in ("scale", "bias", "mean", "variance")}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"]),
        helper.make_node("BatchNormalization", ["a", *factors], ["b"], epsilon=0.5),
        helper.make_node("Add", [*inputs], ["y"]),
    ]
    stored = weights(2, 3)
    save(path, nodes, {"w": stored, **factors}, shown)
    found = read_layers(path)
    if inputs == ("b", "b") and shown == ("y",):
        expected = stored * np.sqrt(np.float32([1 / 1.5, 4 / 2.5]))[:, None, None, None]
        np.testing.assert_allclose(found["folded"][0].weights, expected, rtol=1e-6)
        np.testing.assert_array_equal(found["separate"][0].weights, stored)
    else:
        assert [*found] == ["folded"]
        np.testing.assert_array_equal(found["folded"][0].weights, stored)


def test_files_that_are_no_such_model_are_refused(path):
    with pytest.raises(InputError, match=r"model\.onnx is missing: give a model as torch\.onnx\.export writes it"):
        read_layers(path)
    path.write_bytes(b"")
    with pytest.raises(InputError, match=r"model\.onnx is no ONNX file, or one without a network: give a model"):
        read_layers(path)
    path.write_bytes(b"\x89HDF\r\n\x1a\n" * 20)
    with pytest.raises(InputError, match=r"model\.onnx is damaged or not what it should be .*: give a model"):
        read_layers(path)
    save(path, [helper.make_node("Conv", ["x", "w"], ["y"])], {"w": weights(2, 3, 1)})
    with pytest.raises(InputError, match=r"model\.onnx has no 3x3 convolution, whose filters could be analysed"):
        read_layers(path)
    save(path, [helper.make_node("Conv", ["x", "w"], ["y"])], {"w": weights(2, 3)})
    content = onnx.load(path)
    content.graph.initializer[0].dims[0] = 10**9
    path.write_bytes(content.SerializeToString())
    with pytest.raises(InputError, match=r"model\.onnx is damaged or not what it should be \(ValueError: cannot resh"):
        read_layers(path)


def test_weights_that_are_calculated_are_refused(path):
    nodes = [helper.make_node("Mul", ["w", "w"], ["p"]), helper.make_node("Conv", ["x", "p"], ["y"], name="squared")]
    save(path, nodes, {"w": weights(2, 3)})
    with pytest.raises(InputError, match="calculates the weights of the convolution 'squared': export the model with"):
        read_layers(path)


def test_nodes_in_another_order_are_refused(path):
    nodes = [helper.make_node("Conv", ["a", "w"], ["y"], name="before"), helper.make_node("Relu", ["x"], ["a"])]
    save(path, nodes, {"w": weights(2, 3)})
    with pytest.raises(InputError, match="nothing before the node 'before' makes its 'a'"):
        read_layers(path)


@pytest.mark.parametrize("where", ["branch", "function"])
def test_convolutions_within_branches_and_functions_are_refused(path, where):
    convolution = helper.make_node("Conv", ["x", "w"], ["a"])
    branch = helper.make_graph([convolution], "b", [], [helper.make_tensor_value_info("a", 1, None)])
    outer = helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=branch)
    if where == "function":
        outer = helper.make_node("Relu", ["x"], ["y"])
    save(path, [outer], {"w": weights(2, 3)})
    if where == "function":
        content = onnx.load(path)
        content.functions.append(helper.make_function("own", "f", ["x", "w"], ["a"], [convolution], []))
        path.write_bytes(content.SerializeToString())
    with pytest.raises(InputError, match="has convolutions within functions, branches or loops: export it without"):
        read_layers(path)
