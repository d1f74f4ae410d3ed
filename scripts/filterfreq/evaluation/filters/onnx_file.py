"""The 3x3 filters of a model that somebody has exported as an ONNX file. Imports no torch."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import GraphProto, NodeProto, TensorProto, numpy_helper

from filterfreq.evaluation.filters.filter_layer import FilterLayer
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import reading

_REMEDY = "give a model as torch.onnx.export writes it, with the files of weights that it names beside it"
_SEPARATORS = re.compile("[=;]")  # of the parameters of results
_EPSILON = 1e-5  # of a batch norm unless it says so
_NO_OPERATIONS = {"Identity", "Dropout"}


def read_layers(path: str | Path) -> dict[str, list[FilterLayer]]:
    """Read the 3x3 convolutions of an ONNX file.

    PyTorch's exporter folds a batch norm into the convolution that it directly follows, unless it is told to keep it.
    What such a file holds is called folded here. Where batch norms do follow convolutions directly, what the file holds
    is called separate, and its filters with these batch norms folded are returned, too.

    Args:
        path: the file. Weights may lie in other files of its folder.

    Returns:
        Under "separate", where there is anything to fold, and under "folded", the layers in the order of the file.
        Their names are those of the nodes. Weights are float32, or float64 where the file has that or they are folded
        here. Batch norms that can be folded add nothing to the depth of what follows, so that it does not depend on the
        export.

    Raises:
        InputError: the file is missing or no ONNX file, has no 3x3 convolution, or convolutions whose weights are not
            in it as they are.
    """
    path = Path(path)
    with reading(path, _REMEDY):
        model = onnx.load(path, format="protobuf", load_external_data=False)
        graph = model.graph
        if not graph.node:
            raise InputError(f"{path} is no ONNX file, or one without a network: {_REMEDY}")
        of_functions = [node for function in model.functions for node in function.node]
        if any(map(_is_convolution, [*of_functions, *_inner_nodes([*graph.node, *of_functions])])):
            raise InputError(f"{path} has convolutions within functions, branches or loops: export it without them")
        constants = _constants(graph)
        for node in filter(_is_convolution, graph.node):
            if node.input[1] not in constants:
                raise InputError(
                    f"{path} calculates the weights of the convolution {node.name or node.output[0]!r}: export the "
                    "model with weights that are constant"
                )
        norms = _following_norms(graph)
        depths = _depths(graph, constants, norms)
        planar = {
            node.output[0]: node
            for node in graph.node
            if _is_convolution(node) and len(constants[node.input[1]].dims) == 4
        }
        levels = sorted({depths[made] for made in planar})
        separate, folded = [], []
        for made, node in planar.items():
            if list(constants[node.input[1]].dims[2:]) != [3, 3]:
                continue
            name, depth = _SEPARATORS.sub("_", node.name or made), levels.index(depths[made])
            where = (name, len(separate), depth, depth / max(len(levels) - 1, 1))
            weights = _values(node.input[1], constants, path)
            separate.append(FilterLayer(*where, weights))
            if made in norms:
                weights = weights * _norm_factors(norms[made], constants, path)
            folded.append(FilterLayer(*where, weights))
    if not separate:
        raise InputError(f"{path} has no 3x3 convolution, whose filters could be analysed: leave the checkpoint out")
    return {"separate": separate, "folded": folded} if norms else {"folded": separate}


def _is_convolution(node: NodeProto) -> bool:
    return node.op_type == "Conv" and node.domain in ("", "ai.onnx")


def _inner_nodes(nodes: Iterable[NodeProto]) -> Iterator[NodeProto]:
    """The nodes of branches and loops, which are graphs within nodes."""
    for node in nodes:
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                yield from graph.node
                yield from _inner_nodes(graph.node)


def _constants(graph: GraphProto) -> dict[str, TensorProto]:
    """The tensors of a graph that are in the file, by name; the exporter names equal ones by `Identity`."""
    found = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            found[node.output[0]] = node.attribute[0].t
        elif node.op_type == "Identity" and node.input[0] in found:
            found[node.output[0]] = found[node.input[0]]
    return found


def _depths(graph: GraphProto, constants: Mapping[str, TensorProto], norms: Mapping[str, NodeProto]) -> dict[str, int]:
    """The length of the longest path from the input to each tensor that is calculated from it."""
    known = {"", *constants}
    depths = {value.name: 0 for value in graph.input if value.name not in constants}
    foldable = {norm.output[0] for norm in norms.values()}
    for node in graph.node:
        unknown = set(node.input) - known - depths.keys()
        if unknown:
            raise ValueError(f"nothing before the node {node.name!r} makes its {unknown.pop()!r}")
        before = [depths[name] for name in node.input if name in depths]
        if before:
            counts = node.op_type not in _NO_OPERATIONS and node.output[0] not in foldable
            depths |= dict.fromkeys(node.output, max(before) + counts)
        else:
            known |= {*node.output}
    return depths


def _values(name: str, constants: Mapping[str, TensorProto], path: Path) -> np.ndarray:
    values = numpy_helper.to_array(constants[name], str(path.parent))
    return values if values.dtype == np.float64 else values.astype(np.float32)


def _following_norms(graph: GraphProto) -> dict[str, NodeProto]:
    """The batch norms that alone take what a convolution makes, by the name of that."""
    takers = defaultdict(list)
    for node in graph.node:
        for name in node.input:
            takers[name].append(node)
    shown = {value.name for value in graph.output}
    made = {node.output[0] for node in graph.node if _is_convolution(node)} - shown
    return {
        name: takers[name][0]
        for name in made
        if [taker.op_type for taker in takers[name]] == ["BatchNormalization"] and takers[name][0].input[0] == name
    }


def _norm_factors(norm: NodeProto, constants: Mapping[str, TensorProto], path: Path) -> np.ndarray:
    """What a batch norm multiplies each output channel of a convolution with, float64, O x 1 x 1 x 1."""
    epsilon = next((attribute.f for attribute in norm.attribute if attribute.name == "epsilon"), _EPSILON)
    scale, _, _, variance = (_values(name, constants, path) for name in norm.input[1:5])
    return (scale / np.sqrt(variance.astype(np.float64) + epsilon))[:, None, None, None]
