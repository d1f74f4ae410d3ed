"""The training loop: cross entropy plus frequency penalty, on clean or adversarial images, resumed where it stopped."""

import math
from collections.abc import Callable
from contextlib import closing, nullcontext
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.batches import Part, batch_seed, epoch_batches, plain_batches, to_images
from filterfreq.data.image_files import ImageFiles
from filterfreq.models.classifier import Classifier
from filterfreq.models.penalty import frequency_penalty
from filterfreq.models.pointwise import subsample_pointwise
from filterfreq.models.registry import build
from filterfreq.models.surgery.decomposition import compose, decompose
from filterfreq.runtime.errors import InputError, StoppedError
from filterfreq.runtime.files import may_be_whole, reading, replacing, verify_zip
from filterfreq.training.attacks import FreePerturbation, attack_images
from filterfreq.training.checks import check_trainable
from filterfreq.training.distributed import Processes, with_global_statistics
from filterfreq.training.epsilon import parse_epsilon
from filterfreq.training.objective import count_correct, jensen_shannon, mixup
from filterfreq.training.optimization import backward, make_optimizer, make_schedule, seed_draws


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

    On a CPU an interrupted and resumed training ends with the same bits as an uninterrupted one: all that is drawn
    derives from the seed and the numbers of epoch and batch, so that model, optimizer, schedule and history (and the
    moving average of `ema`, the perturbation of free adversarial training) are the whole state. One that is asked to
    stop keeps its state between two batches, too.

    Several processes share each batch and take the step that one would take with all of it, to within rounding: each
    has a trainer of its own, and all of them do the same at the same time.

    Attributes:
        history: one dict of `HISTORY_COLUMNS` for each finished epoch. Loss and penalty are means over the epoch's
            images, the loss what is minimised beside the penalty (with smoothed or mixed labels and the consistency
            of AugMix); accuracies are fractions, that of training on the augmented (or adversarial) images as they
            were seen, that of the test images in eval mode after the epoch, of the moving average if there is one.
        seconds: what the finished epochs took together, those before an interruption included.

    Args:
        classifier: what is trained, on `device`, in place.
        spec: the run's spec, as `filterfreq.study.study.Study.spec` makes it.
        dataset: the prepared data.
        device: where to compute; all images that are arrays are kept there, as uint8.
        state_file: where the state is kept after every epoch.
        fingerprint: identifies spec, code and data; a state with another one is not resumed.
        announce: takes one line for each epoch.
        precision: "bfloat16" computes the network in automatic mixed precision; anything else leaves it as it is.
        compiled: train a form of the network that `torch.compile` makes, equal to it within rounding.
        workers: processes that decode images in files ahead of their use; see `epoch_batches`.
        stop: asked before every batch whether to stop.
        processes: those that train together; the first of them keeps the state.

    Raises:
        InputError: see `check_trainable` and, of several processes, `with_global_statistics`.
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
        workers: int = 0,
        stop: Callable[[], bool] = lambda: False,
        processes: Processes | None = None,
    ) -> None:
        self.processes = processes or Processes()
        self.alone = self.processes.size == 1
        self.classifier = classifier.to(device, memory_format=torch.channels_last)
        if device.type == "cpu":
            subsample_pointwise(self.classifier)
        if not self.alone:
            with_global_statistics(self.classifier, device)
        self.network = torch.compile(self.classifier) if compiled else self.classifier
        # What is trained; attacks take the network itself, because they need no gradients from the other processes.
        self.joined = self.network if self.alone else self.processes.join(self.network)
        self.settings = spec["training"]
        self.variant = spec["variant"]
        self.penalty = self.variant.get("penalty")
        self.attack = self.variant.get("adversarial_training")
        self.views = 3 if "jensen_shannon" in self.variant else 1
        self.replays = self.attack.get("replays", 1) if self.attack is not None else 1
        self.run = spec["run"]
        self.device = device
        self.state_file = state_file
        self.fingerprint = fingerprint
        self.announce = announce
        self.autocast = torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")
        self.workers = workers
        self.stop = stop
        self.train_images, self.train_labels, self.test_images, self.test_labels = (
            array if isinstance(array, ImageFiles) else torch.from_numpy(np.array(array)).to(device)
            for split in ("train", "test")
            for array in (dataset.images(split), dataset.labels(split))
        )
        self.size = self.test_images.shape[1]
        check_trainable(self.classifier, spec, self.size, len(self.train_labels))
        self.num_classes = dataset.num_classes
        # Mixup mixes neighbours, so that a process needs one more image for each row of its own.
        self.in_rows = "mixup" in self.variant
        # Where random starts are drawn from, by all processes alike; alone it is the global generator.
        self.starts = None if self.alone else torch.Generator(device)
        self.free = None
        if self.attack is not None and self.attack["attack"] == "free":
            largest = min(self.settings["batch_size"], len(self.train_labels))
            own = len(self.processes.places(largest))
            images = torch.zeros(own, 3, self.size, self.size, device=device)
            images = images.to(memory_format=torch.channels_last)
            self.free = FreePerturbation(images, parse_epsilon(self.attack["epsilon"]), self.attack["norm"])
        self.averaged = None
        if "ema" in self.settings:
            average = get_ema_multi_avg_fn(self.settings["ema"])
            self.averaged = AveragedModel(self.classifier, multi_avg_fn=average, use_buffers=True)
        self.optimizer = make_optimizer(self.classifier, self.settings)
        self.schedule = make_schedule(self.optimizer, self.settings)
        self.history: list[dict] = []
        self.seconds = 0.0
        # Of an epoch that was interrupted: the batches that are done, and their sums.
        self.done = 0
        # Sums stay on the device: reading them once an epoch keeps a GPU from waiting for every batch.
        self.sums = torch.zeros(3, device=device, dtype=torch.float64)

    def train(self) -> list[dict]:
        """Train up to the last epoch, from the saved state if there is one, and return the history.

        Raises:
            InputError: the loss is no longer finite, or the disk is full.
            StoppedError: `stop` said so; the state is kept.
        """
        self._resume()
        began = self.place
        # Free adversarial training goes through the data so many times fewer as it replays every batch.
        epochs = math.ceil(self.settings["epochs"] / self.replays)
        for epoch in range(len(self.history) + 1, epochs + 1):
            start = perf_counter()
            row = self._epoch(epoch)
            self.seconds += perf_counter() - start
            if row is None:
                self._save()
                raise StoppedError(
                    f"{self.name} was asked to stop: it is kept {self.place} and goes on from there when run again",
                    progressed=self.place != began,
                )
            self.history.append(row)
            self._save()
            self.announce(
                f"{self.name}  epoch {epoch:{len(str(epochs))}d}/{epochs}  loss {row['loss']:.4f}  "
                f"penalty {row['penalty']:.4f}  train {row['train_accuracy']:6.1%}  test {row['test_accuracy']:6.1%}  "
                f"lr {row['learning_rate']:.2e}  {perf_counter() - start:.1f} s"
            )
        return self.history

    @property
    def result(self) -> Classifier:
        """What is tested and kept: the classifier, or where the config asks for `ema` its moving average."""
        return self.classifier if self.averaged is None else self.averaged.module

    @property
    def name(self) -> str:
        """The run in one word, for progress lines and messages."""
        return "/".join(str(part) for part in self.run.values())

    @property
    def place(self) -> str:
        """How far the training is, for progress lines and messages."""
        finished = f"after epoch {len(self.history)}"
        return f"{finished} and batch {self.done} of the next" if self.done else finished

    def _epoch(self, epoch: int) -> dict | None:
        """Go through the data once and return the history's row, or None where it was asked to stop before the end."""
        rate = self.schedule.get_last_lr()[0]
        seed = self.run["seed"]
        drawn = self.settings["batch_size"] * self.settings.get("accumulate", 1)
        self.classifier.train()
        batches = epoch_batches(
            self.train_images,
            self.train_labels,
            drawn,
            self.settings["augmentation"],
            seed=seed,
            epoch=epoch,
            policy=self.variant.get("augmentation_policy"),
            noise=self.variant.get("gaussian_noise"),
            views=self.views,
            size=self.size,
            workers=self.workers,
            first=self.done,
            chosen=None if self.alone else lambda count: self._places(count)[0],
        )
        # Whatever ends the epoch ends the processes that decode ahead.
        with closing(batches):
            for number, (images, targets) in enumerate(batches, start=self.done):
                if self.processes.any(self.stop()):
                    return None
                count = min(drawn, len(self.train_labels) - number * drawn)
                # Layers that draw (dropout), the attacks' random starts and the optimizer follow epoch and batch too,
                # not what came before them.
                draws_seed = batch_seed(seed, epoch, number, "step")
                self._seed(draws_seed)
                seed_draws(self.optimizer, draws_seed)
                if "mixup" in self.variant:
                    generator = np.random.default_rng(batch_seed(seed, epoch, number, "mixup"))
                    images, targets = mixup(images, targets, self.num_classes, self.variant["mixup"], generator)
                    if not self.alone:
                        own = self._places(count)[1].to(self.device)
                        images, targets = images[own], targets[own]
                for _ in range(self.replays):
                    self.sums += self._step(images, targets, count)
                self.done += 1
        for _ in range(self.replays):
            self.schedule.step()
        sums = self.processes.sum(self.sums)
        loss, penalty, accuracy = (sums / (len(self.train_labels) * self.replays)).tolist()
        self.done, self.sums = 0, torch.zeros_like(self.sums)
        row = {
            "epoch": epoch,
            "learning_rate": rate,
            "loss": loss,
            "penalty": penalty,
            "train_accuracy": accuracy,
        }
        if not math.isfinite(row["loss"] + row["penalty"]):
            raise InputError(
                f"the loss of {self.name} is not finite in epoch {epoch}: lower training.learning_rate "
                f"(now {self.settings['learning_rate']}) or the penalty's strength"
            )
        return {**row, "test_accuracy": self._test_accuracy()}

    def _seed(self, seed: int) -> None:
        """Seed what layers and attacks draw in a step."""
        if not self.alone:
            self.starts.manual_seed(seed)
            # Each process its own, or dropout would leave out the same in all parts of a batch.
            seed = int(np.random.SeedSequence((seed, self.processes.rank)).generate_state(1, np.uint64)[0])
        torch.manual_seed(seed)

    def _places(self, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return which of the images drawn for a step are made here, and which of these the process trains on.

        The others are those that mixup mixes them with.
        """
        size = self.settings["batch_size"]
        made, own = [], []
        for start in range(0, count, size):
            places = start + self.processes.places(min(size, count - start), self.in_rows)
            before = (places[:1] - 1) % count if self.in_rows else places[:0]
            made += [before, places]
            own += [torch.zeros(len(before)), torch.ones(len(places))]
        return torch.cat(made), torch.cat(own).nonzero().flatten()

    def _step(self, images: torch.Tensor, targets: torch.Tensor, count: int) -> torch.Tensor:
        """Update the parameters once, from as many parts of the batch as `accumulate` says.

        Args:
            images: views * N x C x H x W, the views one after the other.
            targets: N labels, or N x K probabilities.
            count: images of all processes together; N where there is one.

        Returns:
            Sums over the N images: loss, penalty, correct predictions.
        """
        self.optimizer.zero_grad()
        sums = torch.zeros(3, device=self.device, dtype=torch.float64)
        size = self.settings["batch_size"]
        counts = [min(size, count - start) for start in range(0, count, size)]
        places = [self.processes.places(of_all, self.in_rows) for of_all in counts]
        own = [len(of_part) for of_part in places]
        parts = images.unflatten(0, (self.views, len(targets))).split(own, dim=1)
        for number, (part, wanted) in enumerate(zip(parts, targets.split(own), strict=True)):
            of_all = counts[number]
            shown = self._attacked(part.flatten(0, 1), wanted, Part(places[number], of_all))
            # Gradients are exchanged once for a step, after its last part.
            accumulates = not self.alone and number < len(counts) - 1
            with self.joined.no_sync() if accumulates else nullcontext():
                logits = self._logits(self.joined, shown).unflatten(0, (self.views, len(wanted)))
                loss = self._loss(logits, wanted)
                # The mean over processes of their losses so weighted is the mean over images.
                total, penalty = loss * (len(wanted) * self.processes.size / of_all), torch.zeros_like(loss)
                if self.penalty is not None:
                    penalty = frequency_penalty(self.classifier, **self.penalty)
                    total = total + penalty
                backward(total * (of_all / count), self.optimizer)
            if self.free is not None:
                self.free.update(shown.grad)
            sums[:2] += torch.stack([loss.detach(), penalty.detach()]) * len(wanted)
            sums[2] += count_correct(logits[0], wanted)
        self.optimizer.step()
        if self.averaged is not None:
            self.averaged.update_parameters(self.classifier)
        return sums

    def _loss(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """What is minimised beside the penalty, as a mean over images; 0 where a process has none of a small batch."""
        if not len(targets):
            # Not a constant: the other processes wait for its gradients.
            return logits.sum()
        loss = F.cross_entropy(logits[0], targets, label_smoothing=self.variant.get("label_smoothing", 0.0))
        if self.views > 1:
            loss = loss + self.variant["jensen_shannon"] * jensen_shannon(logits)
        return loss

    def _logits(self, network: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
        with self.autocast:
            return network(images).float()

    def _attacked(self, images: torch.Tensor, labels: torch.Tensor, part: Part) -> torch.Tensor:
        """The images that training sees: as they are, or moved by the attack."""
        if self.attack is None:
            return images
        if self.free is not None:
            return self.free.apply(images)
        # In eval mode, or the running statistics of batch normalisation would count every batch once per step.
        self.classifier.eval()
        adversarial = attack_images(
            self.attack,
            partial(self._logits, self.network),
            images,
            labels,
            parse_epsilon(self.attack["epsilon"]),
            self.starts,
            part=None if self.alone else part,
        )
        self.classifier.train()
        return adversarial

    @torch.no_grad()
    def _test_accuracy(self) -> float:
        composed = compose(self.result).eval()
        size = self.settings["batch_size"]
        places = self.processes.places(len(self.test_labels), adjacent=True)
        own = slice(int(places[0]), int(places[-1]) + 1) if len(places) else slice(0)
        test_images, test_labels = self.test_images[own], self.test_labels[own]
        batches = plain_batches(test_images, size, self.device, self.workers)
        correct = torch.zeros((), dtype=torch.int64, device=self.device)
        with self.autocast, closing(batches):
            # No image is one batch without images to `split`.
            for images, labels in zip(batches, test_labels.split(size), strict=True) if len(places) else ():
                correct += (composed(to_images(images, self.device)).argmax(1) == labels).sum()
        return int(self.processes.sum(correct)) / len(self.test_labels)

    def _save(self) -> None:
        sums = self.processes.collect(self.sums)
        offsets = self.processes.collect(self.free.offset) if self.free is not None else None
        if not self.processes.first:
            return
        state = {
            "fingerprint": self.fingerprint,
            "history": self.history,
            "seconds": self.seconds,
            "done": self.done,
            "sums": sums,
            "model": self.classifier.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
        }
        if self.averaged is not None:
            state["averaged"] = self.averaged.state_dict()
        if offsets is not None:
            state["perturbations"] = offsets
        with replacing(self.state_file) as temporary:
            torch.save(state, temporary)

    def _resume(self) -> None:
        self._read_state()
        if not self.processes.agree((len(self.history), self.done)):
            raise InputError(
                f"{self.name}: not all processes find the same {self.state_file}: keep results where all nodes see them"
            )

    def _read_state(self) -> None:
        if not self.state_file.exists():
            return
        try:
            with reading(self.state_file, "training starts afresh"):
                verify_zip(self.state_file)
                state = torch.load(self.state_file, map_location="cpu", weights_only=True)
                fingerprint = state["fingerprint"]
        except InputError as error:
            if may_be_whole(error):
                raise
            self.announce(f"{self.name}  {error}")
            return
        if fingerprint != self.fingerprint:
            self.announce(
                f"{self.name}  config, code, data, device, precision, threads or processes have changed since the last "
                "epoch, training starts afresh"
            )
            return
        self.classifier.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        if self.averaged is not None:
            self.averaged.load_state_dict(state["averaged"])
        if self.free is not None:
            self.free.offset.copy_(state["perturbations"][self.processes.rank])
        self.history = state["history"]
        self.seconds = state["seconds"]
        self.done = state["done"]
        self.sums.copy_(state["sums"][self.processes.rank])
        self.announce(f"{self.name}  goes on {self.place}")


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
