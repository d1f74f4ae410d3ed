"""Measures of 3x3 filters against torchconvquality 0.3.0, and the memory that they need beside the weights.

python -m pip install --no-deps --target FOLDER torchconvquality==0.3.0   # CC BY-SA 4.0, for this benchmark alone
PYTHONPATH=FOLDER python benchmarks/lens.py
"""

import argparse
import tracemalloc
from importlib.metadata import PackageNotFoundError, version

import harness
import torch
from threadpoolctl import threadpool_limits
from torch import nn

from filterfreq.evaluation.filters.layers import filter_layers, read_filter_layers
from filterfreq.evaluation.filters.metrics import LayerMeasures, measure_layer
from filterfreq.models import registry

SIDE, CLASSES = 32, 10
MODELS = {"ResNet-20": "resnet_20", "ResNet-56": "resnet_56", "WideResNet-34-10": "wideresnet_34_10"}
# Where the definitions agree: theirs takes the filters as they are, and no filter at the threshold.
SAME = {
    "n": "num_filters",
    "sparsity": "sparsity_strict",
    "variance_entropy": "variance_entropy_unscaled",
    "variance_entropy_norm": "variance_entropy_ratio",
    "orthogonality": "orthogonality",
}


def find_and_measure(model: nn.Module) -> dict[str, LayerMeasures]:
    """Find a model's layers and measure them one by one, as the suite `filter_quality` does."""
    return {layer.name: measure_layer(layer) for layer in read_filter_layers(model, SIDE)}


def largest_difference(model: nn.Module, theirs: dict[str, dict]) -> float:
    """The largest difference from another library's values, which are computed in float32."""
    layers = find_and_measure(model)
    assert layers.keys() == theirs.keys(), "the layers differ"
    return max(
        abs(getattr(layers[layer], ours) - values[name])
        for layer, values in theirs.items()
        for name, ours in SAME.items()
    )


def peak_memory(model: nn.Module) -> int:
    """The most bytes that numpy and Python have at a time for it, beside the weights."""
    tracemalloc.start()
    try:
        find_and_measure(model)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    try:
        found = version("torchconvquality")
        from torchconvquality import measure_quality
    except PackageNotFoundError:
        raise SystemExit(f"torchconvquality is missing, which this compares with:\n{__doc__}") from None
    torch.set_num_threads(1)
    threadpool_limits(1)
    rows = []
    for title in arguments.models:
        torch.manual_seed(0)
        model = registry.build(MODELS[title], CLASSES).eval()
        difference = largest_difference(model, measure_quality(model))
        assert difference < 1e-5, f"the values of {title} differ by {difference}"
        layers = filter_layers(model, SIDE)

        def measure(layers=layers) -> None:
            for layer in layers:
                measure_layer(layer)

        def baseline(model: nn.Module = model) -> None:
            measure_quality(model)

        def whole(model: nn.Module = model) -> None:
            find_and_measure(model)

        alone, theirs = harness.alternate(measure, baseline, arguments.repeats)
        together, theirs_again = harness.alternate(whole, baseline, arguments.repeats)
        weights = sum(tensor.nbytes for tensor in model.state_dict().values())
        rows += [
            harness.row(f"{title} / torchconvquality", 1000 * alone, 1000 * theirs, "ms"),
            harness.row(f"{title}, with depths / torchconvquality", 1000 * together, 1000 * theirs_again, "ms"),
            harness.row(f"memory, {title} / its weights", (weights + peak_memory(model)) / 1e6, weights / 1e6, "MB"),
        ]
    harness.publish(
        "filters",
        rows,
        f"Untrained networks, one thread. torchconvquality {found} has equal values, to 1e-5, in float32; ours are in "
        "float64. Memory counts the weights.",
    )


if __name__ == "__main__":
    main()
