"""The training loop: cross entropy plus frequency penalty, on clean or adversarial images, resumed where it stopped."""

import math
import pickle
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.batches import epoch_batches, to_images
from filterfreq.errors import InputError
from filterfreq.files import replacing
from filterfreq.models.classifier import Classifier
from filterfreq.models.dct import compose, decompose
from filterfreq.models.penalty import frequency_penalty
from filterfreq.models.registry import build
from filterfreq.training.attacks import attack_images
from filterfreq.training.optimization import backward, make_optimizer, make_schedule, seed_draws

HISTORY_COLUMNS = ("epoch", "learning_rate", "loss", "penalty", "train_accuracy", "test_accuracy")


def build_classifier(spec: dict, dataset: PreparedDataset) -> Classifier:
    """Build the untrained classifier of a run; equal seeds give equal parameters.

    Args:
        spec: a run's spec: `run` names the model and the seed, `variant` the decomposition, if any.
        dataset: gives the number of classes, and the mean and std of the normalisation inside the classifier.
    """
    torch.manual_seed(spec["run"]["seed"])
    backbone = build(spec["run"]["model"], dataset.num_classes)
    decomposition = spec["variant"].get("decomposition")
    if decomposition is not None:
        backbone = decompose(backbone, decomposition)
    return Classifier(backbone, dataset.mean, dataset.std)


class Trainer:
    """Trains one classifier and keeps, after every epoch, all that is needed to go on from there.

    On a CPU an interrupted and resumed training ends with the same bits as an uninterrupted one: shuffling and
    augmentation derive from the seed and the number of the epoch, so that model, optimizer, schedule and history are
    the whole state.

    Attributes:
        history: one dict of `HISTORY_COLUMNS` for each finished epoch. Loss and penalty are means over the epoch's
            images; accuracies are fractions, that of training on the augmented (or adversarial) images as they were
            seen, that of the test images in eval mode after the epoch.
        seconds: what the finished epochs took together, those before an interruption included.

    Args:
        classifier: what is trained, on `device`, in place.
        spec: the run's spec, as `filterfreq.config.Study.spec` makes it.
        dataset: the prepared data.
        device: where to compute; all training images are kept there, as uint8.
        state_file: where the state is kept after every epoch.
        fingerprint: identifies spec, code and data; a state with another one is not resumed.
        announce: takes one line for each epoch.
        precision: "bfloat16" computes the network in automatic mixed precision; anything else leaves it as it is.
        compiled: train a form of the network that `torch.compile` makes, equal to it within rounding.
    """

    def __init__(
        self,
        classifier: Classifier,
        spec: dict,
        dataset: PreparedDataset,
        device: torch.device,
        state_file: Path,
        fingerprint: str,
        announce: Callable[[str], None],
        precision: str = "float32",
        compiled: bool = False,
    ) -> None:
        self.classifier = classifier.to(device, memory_format=torch.channels_last)
        self.network = torch.compile(self.classifier) if compiled else self.classifier
        self.settings = spec["training"]
        self.penalty = spec["variant"].get("penalty")
        self.attack = spec["variant"].get("adversarial_training")
        self.run = spec["run"]
        self.device = device
        self.state_file = state_file
        self.fingerprint = fingerprint
        self.announce = announce
        self.autocast = torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")
        self.train_images, self.train_labels, self.test_images, self.test_labels = (
            torch.from_numpy(np.array(array)).to(device)
            for split in ("train", "test")
            for array in (dataset.images(split), dataset.labels(split))
        )
        self.optimizer = make_optimizer(self.classifier, self.settings)
        self.schedule = make_schedule(self.optimizer, self.settings)
        self.history: list[dict] = []
        self.seconds = 0.0

    def train(self) -> list[dict]:
        """Train up to the last epoch, from the saved state if there is one, and return the history.

        Raises:
            InputError: the loss is no longer finite, or the disk is full.
        """
        self._resume()
        epochs = self.settings["epochs"]
        for epoch in range(len(self.history) + 1, epochs + 1):
            start = perf_counter()
            row = self._epoch(epoch)
            self.history.append(row)
            self.seconds += perf_counter() - start
            self._save()
            self.announce(
                f"{self.name}  epoch {epoch:{len(str(epochs))}d}/{epochs}  loss {row['loss']:.4f}  "
                f"penalty {row['penalty']:.4f}  train {row['train_accuracy']:6.1%}  test {row['test_accuracy']:6.1%}  "
                f"lr {row['learning_rate']:.2e}  {perf_counter() - start:.1f} s"
            )
        return self.history

    @property
    def name(self) -> str:
        """The run in one word, for progress lines and messages."""
        return "/".join(str(part) for part in self.run.values())

    def _epoch(self, epoch: int) -> dict:
        rate = self.schedule.get_last_lr()[0]
        seed = self.run["seed"]
        # Layers that draw (dropout), the attacks' random starts and the optimizer follow the epoch too, not what came
        # before it.
        epoch_seed = int(np.random.SeedSequence((seed, epoch, 1)).generate_state(1)[0])
        torch.manual_seed(epoch_seed)
        seed_draws(self.optimizer, epoch_seed, self.device)
        self.classifier.train()
        # Sums stay on the device: reading them once an epoch keeps a GPU from waiting for every batch.
        loss_sum, penalty_sum, correct = (torch.zeros((), device=self.device, dtype=torch.float64) for _ in range(3))
        batches = epoch_batches(
            self.train_images,
            self.train_labels,
            self.settings["batch_size"],
            self.settings["augmentation"],
            seed=seed,
            epoch=epoch,
        )
        for images, labels in batches:
            if self.attack is not None:
                images = self._attacked(images, labels)
            logits = self._logits(images)
            loss = F.cross_entropy(logits, labels)
            total = loss
            if self.penalty is not None:
                penalty = frequency_penalty(self.classifier, **self.penalty)
                total = loss + penalty
                penalty_sum += penalty.detach() * len(labels)
            self.optimizer.zero_grad()
            backward(total, self.optimizer)
            self.optimizer.step()
            loss_sum += loss.detach() * len(labels)
            correct += (logits.detach().argmax(1) == labels).sum()
        self.schedule.step()
        images_seen = len(self.train_labels)
        row = {
            "epoch": epoch,
            "learning_rate": rate,
            "loss": loss_sum.item() / images_seen,
            "penalty": penalty_sum.item() / images_seen,
            "train_accuracy": correct.item() / images_seen,
        }
        if not math.isfinite(row["loss"] + row["penalty"]):
            raise InputError(
                f"the loss of {self.name} is not finite in epoch {epoch}: lower training.learning_rate "
                f"(now {self.settings['learning_rate']}) or the penalty's strength"
            )
        return {**row, "test_accuracy": self._test_accuracy()}

    def _logits(self, images: torch.Tensor) -> torch.Tensor:
        with self.autocast:
            return self.network(images).float()

    def _attacked(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        # In eval mode, or the running statistics of batch normalisation would count every batch once per step.
        self.classifier.eval()
        adversarial = attack_images(self.attack, self._logits, images, labels, float(Fraction(self.attack["epsilon"])))
        self.classifier.train()
        return adversarial

    @torch.no_grad()
    def _test_accuracy(self) -> float:
        composed = compose(self.classifier).eval()
        size = self.settings["batch_size"]
        with self.autocast:
            correct = sum(
                (composed(to_images(images, self.device)).argmax(1) == labels).sum()
                for images, labels in zip(self.test_images.split(size), self.test_labels.split(size), strict=True)
            )
        return int(correct) / len(self.test_labels)

    def _save(self) -> None:
        state = {
            "fingerprint": self.fingerprint,
            "history": self.history,
            "seconds": self.seconds,
            "model": self.classifier.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
        }
        with replacing(self.state_file) as temporary:
            torch.save(state, temporary)

    def _resume(self) -> None:
        if not self.state_file.exists():
            return
        try:
            state = torch.load(self.state_file, map_location="cpu", weights_only=True)
        except (RuntimeError, EOFError, pickle.UnpicklingError):
            self.announce(f"{self.name}  {self.state_file} is damaged, training starts afresh")
            return
        if state["fingerprint"] != self.fingerprint:
            self.announce(
                f"{self.name}  config, code or data have changed since the last epoch, training starts afresh"
            )
            return
        self.classifier.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.history = state["history"]
        self.seconds = state["seconds"]
        self.announce(f"{self.name}  goes on after epoch {len(self.history)}")


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
