"""The suite `first_layer`: how much a perturbation of the images changes the activations of a model's first layer.

All models of a data set see the same perturbed images: those that `evaluation.perturbations` makes on the setting
`source`, a variant or checkpoint, of which the first run on the data set counts. So "first layers of robust models
remove perturbations" (Gavrikov, Keuper, CVPR workshops 2022, who show it of one image whose attack they do not name)
can be tested. The source itself is attacked as a white box, all others by transfer: where it is a model of a pair, the
pair compares these two. What is measured is ours, see `filterfreq.evaluation.filters.first_layer.relative_change`.
"""

from typing import Any

from filterfreq.evaluation.filters.first_layer import read_perturbed_images, relative_change
from filterfreq.evaluation.job import SuiteJob
from filterfreq.evaluation.results import format_parameter, quantity


def run(job: SuiteJob) -> list[dict[str, Any]]:
    """Return the row of one model."""
    clean, perturbed = read_perturbed_images(job.inputs["perturbations"])
    layer, change = relative_change(job.classifier, clean, perturbed)
    return [
        quantity("relative_change", format_parameter(source=job.settings["source"], layer=layer), change, len(clean))
    ]
