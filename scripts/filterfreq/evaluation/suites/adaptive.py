"""The suite `adaptive`: accuracy under attacks that go through whatever defends a model, and the worst of them.

Athalye, Carlini, Wagner, Obfuscated Gradients Give a False Sense of Security, ICML 2018: white-box attacks with
gradients averaged over a classifier's draws, attacks without gradients, attacks made on the undefended model, and
random noise of the same size, whose accuracies beside each other show whether gradients mislead.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from filterfreq.data.batches import to_images
from filterfreq.evaluation import adaptive_attacks as attacks
from filterfreq.evaluation.adaptive_settings import (
    applicable,
    eot_draws,
    many_step_name,
    stops_at,
    transferred_name,
)
from filterfreq.evaluation.draws import classify_over_draws, derive_seed, is_stochastic, seed_draws
from filterfreq.evaluation.job import SuiteJob
from filterfreq.evaluation.minimal_attacks import MINIMAL_ATTACKS, keep_within, nearest_wrong_answers
from filterfreq.evaluation.prediction import inference
from filterfreq.evaluation.progress import Progress
from filterfreq.evaluation.results import format_parameter, fraction
from filterfreq.models.checkpoints import load_checkpoint
from filterfreq.training.attacks import attack_images
from filterfreq.training.epsilon import parse_epsilon

_Attack = Callable[..., torch.Tensor]


def run(job: SuiteJob) -> list[dict[str, Any]]:
    """Return the rows of one model; transferred attacks are made on its source, where it is derived from one."""
    source = load_checkpoint(job.inputs["source_record"])[0] if "source_record" in job.inputs else None
    seed = job.record["run"]["seed"]
    shown = job.classifier, job.images, job.labels
    return evaluate_adaptive(*shown, job.settings, job.batch_size, job.device, seed, source, job.progress)


def evaluate_adaptive(
    model: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    settings: Mapping[str, Any],
    batch_size: int,
    device: torch.device | str,
    seed: int,
    source: nn.Module | None = None,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Measure the accuracy under each attack, and of the worst of them for each image.

    Success is judged after an attack, over fresh draws (see `filterfreq.evaluation.draws`). Images that are wrong
    before are not attacked, nor are those that an earlier restart, or fewer draws, of the same attack broke. Each
    epsilon is attacked on its own.

    Args:
        model: a classifier, with or without draws.
        images: uint8, N x H x W x C.
        labels: int64, N.
        settings: as the schema of the suite describes them.
        batch_size: images at a time; the random draws depend on it.
        device: where to compute.
        seed: of all draws.
        source: the undefended classifier that attacks are transferred from; None where there is none.
        progress: where to keep what is done; by default it is lost with the process.

    Returns:
        `clean_accuracy`; for each epsilon `accuracy` under each attack, under the worst of the attacks along gradients
        (`adaptive`), of the transferred ones (`transfer`) and of all (`worst`); and for those along gradients
        `accuracy_by_eot`, what is left after attacks with up to so many draws a step.
    """
    return _Evaluation(model, images, labels, settings, batch_size, device, seed, source, progress).rows()


class _Evaluation:
    def __init__(self, model, images, labels, settings, batch_size, device, seed, source, progress) -> None:
        self.model, self.images, self.labels, self.source = model, images, labels, source
        self.settings = applicable(settings, is_stochastic(model), source is not None)
        self.batch_size, self.device, self.seed = batch_size, device, seed
        self.progress = progress or Progress()
        self.draws = self.settings["draws"]

    def rows(self) -> list[dict[str, Any]]:
        source = nn.Identity() if self.source is None else self.source
        with inference(self.model, self.device), inference(source, self.device):
            correct = self._attack_batches("clean", np.ones(len(self.labels), dtype=bool), lambda images, *_: images)
            parameter = format_parameter(split="test", images=len(correct))
            rows = [fraction("clean_accuracy", parameter, correct.sum(), len(correct))]
            for epsilon in self.settings["epsilons"]:
                rows += self._rows_at(epsilon, correct)
        return rows

    def _rows_at(self, epsilon: str, correct: np.ndarray) -> list[dict[str, Any]]:
        """The rows of one epsilon."""
        radius = parse_epsilon(epsilon)
        along_gradients, left, groups, rows = self._gradient_attacks(radius), {}, {}, []
        where = {"norm": self.settings["norm"], "epsilon": epsilon, "judged": "after", "draws": self.draws}
        for name, (attack, restarts) in along_gradients.items():
            flags = correct
            for draws in eot_draws(self.settings["eot"]):
                before = flags
                flags = self._left(f"{name} {draws}", epsilon, before, partial(attack, draws=draws), restarts)
                parameter = format_parameter(attack=name, **where, eot=draws)
                rows.append(fraction("accuracy_by_eot", parameter, flags.sum(), len(flags)))
                if stops_at(self.settings["eot"], draws, before.sum(), flags.sum()):
                    break
            left[name] = flags
        groups["adaptive"] = [flags for name, flags in left.items() if name != "fgsm"]
        for name, (attack, restarts) in self._other_attacks(radius).items():
            left[name] = self._left(name, epsilon, correct, attack, restarts)
        groups["transfer"] = [flags for name, flags in left.items() if name.startswith("transfer-")]
        if left:
            groups["worst"] = [correct, *left.values()]
        left |= {name: np.logical_and.reduce(found) for name, found in groups.items() if found}
        return [
            fraction("accuracy", format_parameter(attack=name, **where), flags.sum(), len(flags))
            for name, flags in left.items()
        ] + rows

    def _gradient_attacks(self, radius: float) -> dict[str, tuple[_Attack, int]]:
        """The attacks along the model's gradients by name, each with its restarts."""
        settings, ball = self.settings, (self.settings["norm"], radius)
        chosen, steps, restarts = settings["attacks"], settings["steps"], settings["restarts"]
        found: dict[str, tuple[_Attack, int]] = {}
        if "fgsm" in chosen:
            found["fgsm"] = (partial(self._pgd, *ball, 1, attacks.cross_entropy, starts_at_random=False), 1)
        for loss in settings["losses"] if "pgd" in chosen else ():
            found[many_step_name("pgd", steps, loss)] = (
                partial(self._pgd, *ball, steps, attacks.LOSSES[loss]),
                restarts,
            )
        for loss in settings["losses"] if "apgd" in chosen else ():
            # The ratio's denominator is the gap to the third logit; of two, cross entropy has the margin's direction.
            if loss == "ce" or self._count_classes() > 2:
                found[many_step_name("apgd", steps, loss)] = (partial(self._apgd, *ball, steps, loss), restarts)
        return found

    def _other_attacks(self, radius: float) -> dict[str, tuple[_Attack, int]]:
        """The attacks that see no gradient of the model, by name, each with its restarts."""
        settings, ball = self.settings, (self.settings["norm"], radius)
        chosen, found = settings["attacks"], {}
        if "square" in chosen:
            found["square"] = (partial(self._square, *ball, **settings["square"]), 1)
        if "square_eot" in chosen:
            found["square_eot"] = (partial(self._square, *ball, **settings["square_eot"]), 1)
        if "transfer" in chosen:
            for name in settings["transferred"]:
                many = name == "pgd"
                attack = {"attack": name, **({"steps": settings["steps"]} if many else settings.get(name, {}))}
                kind = self._transfer_nearest if name in MINIMAL_ATTACKS else self._transfer
                restarts = settings["restarts"] if many else 1
                found[transferred_name(name, settings["steps"])] = (partial(kind, *ball, attack), restarts)
        if "noise" in chosen:
            found["noise"] = (partial(self._noise, *ball, settings["noise"]["tries"]), 1)
        return found

    def _left(self, name: str, epsilon: str, before: np.ndarray, attack: _Attack, restarts: int) -> np.ndarray:
        """Which of the images that were right before an attack are right after it."""
        flags = before
        for restart in range(restarts):
            flags = self._attack_batches(f"{name} {self.settings['norm']} {epsilon} {restart}", flags, attack)
        return flags

    def _attack_batches(self, name: str, before: np.ndarray, attack: _Attack) -> np.ndarray:
        """Which images of those before are right after what makes points of images, labels, seed and first image."""
        flags = np.zeros(len(self.labels), dtype=bool)
        for start in range(0, len(self.labels), self.batch_size):
            batch = slice(start, start + self.batch_size)
            compute = partial(self._attack_batch, name, before[batch], start, attack)
            flags[batch] = self.progress.flags(f"{name} {start}", compute)
        return flags

    def _attack_batch(self, name: str, before: np.ndarray, start: int, attack: _Attack) -> np.ndarray:
        flags = before.copy()
        if flags.any():
            batch = slice(start, start + self.batch_size)
            chosen = torch.from_numpy(flags).to(self.device)
            images = to_images(self.images[batch], self.device)[chosen]
            labels = torch.from_numpy(np.array(self.labels[batch])).to(self.device)[chosen]
            seed = derive_seed(self.seed, start, f"attack {name}")
            seed_draws(self.model, seed, start)
            points = attack(images, labels, seed)
            judged = derive_seed(self.seed, start, f"judge {name}")
            flags[before] = classify_over_draws(self.model, points, labels, self.draws, judged, start)
        return flags

    def _pgd(self, norm, epsilon, steps, loss, images, labels, seed, *, draws, starts_at_random=True) -> torch.Tensor:
        generator = torch.Generator().manual_seed(seed) if starts_at_random else None
        return attacks.pgd(self.model, images, labels, norm, epsilon, steps, loss, draws, generator)

    def _apgd(self, norm, epsilon, steps, loss, images, labels, seed, *, draws) -> torch.Tensor:
        return attacks.apgd(self.model, images, labels, norm, epsilon, steps, loss, draws, seed)

    def _square(self, norm, epsilon, images, labels, seed, *, queries, p, draws=None) -> torch.Tensor:
        return attacks.square(self.model, images, labels, norm, epsilon, queries, p, seed, draws)

    def _transfer(self, norm, epsilon, attack, images, labels, seed) -> torch.Tensor:
        generator = torch.Generator().manual_seed(seed)
        return attack_images({**attack, "norm": norm}, self.source, images, labels, epsilon, generator)

    def _transfer_nearest(self, norm, epsilon, attack, images, labels, seed) -> torch.Tensor:
        points = nearest_wrong_answers(attack["attack"], attack, self.source, images, labels)
        return keep_within(points, images, norm, epsilon)

    def _noise(self, norm, epsilon, tries, images, labels, seed) -> torch.Tensor:
        generator = torch.Generator().manual_seed(seed)
        return attacks.noise(self.model, images, labels, norm, epsilon, tries, generator)

    def _count_classes(self) -> int:
        with torch.no_grad():
            return self.model(to_images(self.images[:1], self.device)).shape[1]
