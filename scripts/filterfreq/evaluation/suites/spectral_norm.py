"""The suite `spectral_norm`: exact spectral norms of the layers of a classifier, before and after normalisation."""

import math
from collections.abc import Iterator
from typing import Any

from filterfreq.evaluation.filters.linear_maps import LinearMap, linear_maps
from filterfreq.evaluation.job import SuiteJob
from filterfreq.evaluation.results import format_parameter, prepend_parameter, quantity
from filterfreq.runtime.errors import naming

WEIGHTS = ("plain", "normalised")
"""Whether the weights of a normalised layer are those before or after its normalisation; of others both are one."""


def run(job: SuiteJob) -> list[dict[str, Any]]:
    """Return the rows of one model, once for each of what its setting `batch_norm` lists."""
    settings = job.settings
    boundaries = settings.get("boundaries", ["circular"])
    with naming(job.inputs["record"]):
        layers = linear_maps(job.classifier.backbone, settings["image_size"])
        rows = []
        for batch_norm in settings["batch_norm"]:
            for weight in WEIGHTS:
                measured = _model_rows(
                    [layer.choose_weight(weight == "normalised", batch_norm == "folded") for layer in layers],
                    boundaries,
                    settings.get("conditioning", False),
                )
                rows += prepend_parameter(measured, batch_norm=batch_norm, weight=weight)
        return rows


def _model_rows(layers: list[LinearMap], boundaries: list[str], conditioning: bool) -> Iterator[dict[str, Any]]:
    """The rows of all layers with one kind of weights, and of the product of their norms."""
    products: dict[str, list[float]] = {boundary: [] for boundary in boundaries}
    for index, layer in enumerate(layers):
        position = {"layer": layer.name, "index": index, "depth": index / max(len(layers) - 1, 1)}
        yield quantity("reshaped_matrix_norm", format_parameter(**position), layer.reshaped_norm(), 1)
        for boundary in boundaries:
            parameter = format_parameter(boundary=boundary, **position)
            smallest = None
            if boundary == "circular" and conditioning:
                norm, smallest = layer.extremes()
            else:
                norm = layer.norm(boundary)
            if norm is None:
                continue
            products[boundary].append(norm)
            yield quantity("spectral_norm", parameter, norm, 1)
            if smallest is not None:
                yield quantity("smallest_singular_value", parameter, smallest, 1)
                condition = norm / smallest if smallest else math.inf
                yield quantity("condition_number", parameter, condition if math.isfinite(condition) else math.nan, 1)
    for boundary, norms in products.items():
        # Where a layer has no norm of this boundary, there is no product; where a norm is 0, it is 0.
        if len(norms) == len(layers) and min(norms) > 0:
            value = sum(math.log10(norm) for norm in norms)
            yield quantity("log_product_of_norms", format_parameter(boundary=boundary), value, len(norms))
