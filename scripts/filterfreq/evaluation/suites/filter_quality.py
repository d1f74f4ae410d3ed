"""The suite `filter_quality`: how diverse, sparse and orthogonal the 3 x 3 filters of a model are, layer by layer."""

from typing import Any

from filterfreq.evaluation.filters.layers import read_filter_layers
from filterfreq.evaluation.filters.rows import filter_rows
from filterfreq.evaluation.job import SuiteJob
from filterfreq.runtime.errors import naming


def run(job: SuiteJob) -> list[dict[str, Any]]:
    """Return the rows of one model, once for each of what its setting `batch_norm` lists."""
    model, image_size = job.classifier.backbone, job.settings["image_size"]
    with naming(job.inputs["record"]):
        return [
            row
            for batch_norm in job.settings["batch_norm"]
            for row in filter_rows(read_filter_layers(model, image_size, batch_norm == "folded"), batch_norm)
        ]
