"""The suite `adversarial`: accuracy under FGSM and PGD, made on the model itself."""

from typing import Any

from filterfreq.evaluation.accuracy import evaluate_before
from filterfreq.evaluation.job import SuiteJob
from filterfreq.evaluation.robustness import accuracies_under_attacks


def run(job: SuiteJob) -> list[dict[str, Any]]:
    """Return the rows of one model, those of the same images before the attacks first."""
    shown = job.classifier, job.images, job.labels
    rows = evaluate_before(*shown, job.batch_size, job.device)
    attacks, seed = job.settings["attacks"], job.record["run"]["seed"]
    return rows + accuracies_under_attacks(*shown, attacks, job.batch_size, job.device, seed, job.progress)
