"""The suite `transfer`: accuracy on adversarial examples that were made on another model.

A model that withstands attacks made on itself and not those made on another one has gradients that mislead (Athalye,
Carlini, Wagner, Obfuscated Gradients Give a False Sense of Security, ICML 2018). Images that the source gets wrong as
they are get attacked too. As in `adversarial`, an image counts as robust only if the model is right both before and
after. With the model itself as the source the result is that of `adversarial`.
"""

from typing import Any

from filterfreq.evaluation.accuracy import evaluate_before
from filterfreq.evaluation.job import SuiteJob
from filterfreq.evaluation.robustness import accuracies_under_attacks
from filterfreq.models.checkpoints import load_checkpoint


def run(job: SuiteJob) -> list[dict[str, Any]]:
    """Return the rows of one model, those of the same images before the attacks first."""
    source, _ = job.read_once("source", lambda: load_checkpoint(job.inputs["source_record"]))
    shown = job.classifier, job.images, job.labels
    rows = evaluate_before(*shown, job.batch_size, job.device)
    return rows + accuracies_under_attacks(
        *shown,
        job.settings["attacks"],
        job.batch_size,
        job.device,
        job.record["run"]["seed"],
        job.progress,
        source,
        job.settings["source"],
    )
