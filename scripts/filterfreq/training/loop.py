"""The training loop: cross entropy, and what a variant's interventions make of it, resumed where it stopped."""

import math
from collections.abc import Callable, Mapping
from contextlib import closing, nullcontext
from functools import partial
from time import perf_counter
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.batches import Share, batch_seed, epoch_batches, plain_batches, to_images
from filterfreq.data.image_files import ImageFiles
from filterfreq.models.classifier import Classifier
from filterfreq.models.pointwise import subsample_pointwise
from filterfreq.models.surgery.composition import compose
from filterfreq.runtime.errors import InputError, StoppedError
from filterfreq.training.captured import CapturedStep, can_be_captured
from filterfreq.training.checks import check_trainable
from filterfreq.training.data import load_split, load_training_split
from filterfreq.training.distributed import use_global_statistics
from filterfreq.training.epochs import count_batches, count_epochs, count_replays, epochs_at_once
from filterfreq.training.execution import Execution
from filterfreq.training.intervention import Attack, composed_change, interventions_of
from filterfreq.training.objective import Objective, count_correct
from filterfreq.training.optimization import backward, make_optimizer, make_schedule, seed_draws
from filterfreq.training.snapshots import Snapshots
from filterfreq.training.state import StateFile


class Trainer:
    """Trains one classifier and keeps, after every epoch, all that is needed to go on from there.

    On a CPU an interrupted and resumed training ends with the same bits as an uninterrupted one: all that is drawn
    derives from the seed and the numbers of epoch and batch, so that model, optimizer, schedule and history (and the
    moving average of `ema`, and what interventions keep) are the whole state. One that is asked to stop keeps its state
    between two batches, too.

    Several processes share each batch and take the step that one would take with all of it, to within rounding: each
    has a trainer of its own, and all of them do the same at the same time.

    Attributes:
        split: what is trained on, and validated with.
        history: one dict of `HISTORY_COLUMNS` for each finished epoch. Loss and penalty are means over the epoch's
            images, the loss what is minimised beside the penalty (with smoothed or mixed labels and the consistency
            of AugMix); accuracies are fractions, that of training on the augmented (or adversarial) images as they
            seen, that of the test images in eval mode after the epoch, of the moving average if there is one. Where
            the variant has a validation, its accuracy is there too, as `validation_accuracy`.
        seconds: what the finished epochs took together, those before an interruption included.
        captured: whether its steps are CUDA graphs.

    Args:
        classifier: what is trained, on the device of `execution`, in place.
        spec: the run's spec, as `filterfreq.study.study.Study.spec` makes it.
        dataset: the prepared data.
        execution: where and how to compute.
        state_file: keeps the state after every epoch.
        announce: takes one line for each epoch.
        stop: asked before every batch whether to stop.
        snapshots: keeps the classifier after chosen epochs and batches, if any; nothing else depends on it.
        files: what interventions read, see `interventions_of`.

    Raises:
        InputError: see `check_trainable`, `interventions_of`, `Snapshots.begin` and, of several processes,
            `use_global_statistics`.
    """

    def __init__(
        self,
        classifier: Classifier,
        spec: dict,
        dataset: PreparedDataset,
        execution: Execution,
        state_file: StateFile,
        announce: Callable[[str], None] = lambda line: None,
        stop: Callable[[], bool] = lambda: False,
        snapshots: Snapshots | None = None,
        files: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.run, self.settings = spec["run"], spec["training"]
        self.interventions = interventions_of(spec["variant"], files)
        self.replays, self.epochs = count_replays(spec["variant"]), count_epochs(spec)
        self.epochs_at_once = epochs_at_once(spec["variant"])
        self.views = max((one.views for one in self.interventions.values()), default=1)
        self.mixes_neighbours = any(one.mixes_neighbours for one in self.interventions.values())
        self.device, self.workers = execution.device, execution.workers
        self.autocast = torch.autocast(self.device.type, torch.bfloat16, enabled=execution.precision == "bfloat16")
        self.state_file, self.announce, self.stop, self.snapshots = state_file, announce, stop, snapshots
        self.split = load_training_split(
            dataset, self.interventions, self.settings["augmentation"], self.run["seed"], self.device
        )
        self.train_images, self.train_labels, self.transform = self.split[:3]
        self.test_images, self.test_labels = load_split(dataset, "test", self.device)
        self.batches_per_epoch = count_batches(len(self.train_labels), self.settings)
        if snapshots is not None:
            snapshots.begin(self.name, self.epochs, self.batches_per_epoch)
        self.size = self.test_images.shape[1]
        self.num_classes = dataset.num_classes

        self.processes = execution.processes
        self.classifier = classifier.to(self.device, memory_format=torch.channels_last)
        if self.device.type == "cpu":
            subsample_pointwise(self.classifier)
        if self.processes.size > 1:
            use_global_statistics(self.classifier, self.device)
        check_trainable(self.classifier, spec, self.size, len(self.train_labels), self.views)
        self.network = torch.compile(self.classifier) if execution.compiled else self.classifier
        # What is trained; attacks take the network itself, because they need no gradients from the other processes.
        self.parallel_network = self.network if self.processes.size == 1 else self.processes.join(self.network)
        # Where random starts are drawn from, by all processes alike; one process takes the global generator.
        self.attack_generator = None if self.processes.size == 1 else torch.Generator(self.device)
        self.objective = Objective(self.interventions.values())
        self.averaged = None
        if "ema" in self.settings:
            average = get_ema_multi_avg_fn(self.settings["ema"])
            self.averaged = AveragedModel(self.classifier, multi_avg_fn=average, use_buffers=True)
        self.optimizer = make_optimizer(self.classifier, self.settings)
        self.schedule = make_schedule(self.optimizer, self.settings)
        self.step_size = self.settings["batch_size"] * self.settings.get("accumulate", 1)
        self.captured = execution.captured and self._can_be_captured()
        self._take_step = CapturedStep(self._step, self.optimizer, self.step_size) if self.captured else self._step

        self.history: list[dict] = []
        self.seconds = 0.0
        # Of an epoch that is not finished.
        self.finished_batches = 0
        # Loss, penalty and correct predictions of its images. On the device: reading them once an epoch keeps a GPU
        # from waiting for every batch.
        self.epoch_sums = torch.zeros(3, device=self.device, dtype=torch.float64)

    def train(self) -> list[dict]:
        """Train up to the last epoch, from the saved state if there is one, and return the history.

        Raises:
            InputError: the loss is no longer finite, or the disk is full.
            StoppedError: `stop` said so; the state is kept.
        """
        self._resume()
        first_progress = self.progress
        if not self._batches:
            self._keep_snapshot()
        for epoch in range(len(self.history) + 1, self.epochs + 1):
            start = perf_counter()
            row = self._epoch(epoch)
            self.seconds += perf_counter() - start
            if row is None:
                self._save()
                raise StoppedError(
                    f"{self.name} was asked to stop: it is kept {self.progress} and goes on from there when run again",
                    progressed=self.progress != first_progress,
                )
            self.history.append(row)
            # Before the state, so that no state is without them.
            self._keep_snapshot(row)
            self._save()
            self.announce(
                f"{self.name}  epoch {epoch:{len(str(self.epochs))}d}/{self.epochs}  loss {row['loss']:.4f}  "
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
        return "/".join(str(value) for value in self.run.values())

    @property
    def progress(self) -> str:
        """How far the training is, for progress lines and messages."""
        finished = f"after epoch {len(self.history)}"
        return f"{finished} and batch {self.finished_batches} of the next" if self.finished_batches else finished

    @property
    def _batches(self) -> int:
        """How many batches the training has gone through."""
        return len(self.history) * self.batches_per_epoch + self.finished_batches

    def _keep_snapshot(self, row: Mapping[str, float] | None = None) -> None:
        if self.snapshots is not None and self.processes.is_first:
            self.snapshots.keep(self.result, self._batches, self.seconds, row)

    def _epoch(self, epoch: int) -> dict | None:
        """Go through the data once and return the history's row, or None where it was asked to stop before the end."""
        rate = self.schedule.get_last_lr()[0]
        seed = self.run["seed"]
        drawn_by = partial(batch_seed, seed, epoch)
        self.classifier.train()
        batches = epoch_batches(
            self.train_images,
            self.train_labels,
            self.step_size,
            self.settings["augmentation"],
            seed=seed,
            epoch=epoch,
            change_stored=composed_change(self.interventions, "change_stored", drawn_by),
            change_images=composed_change(self.interventions, "change_images", drawn_by, last=self.transform),
            views=self.views,
            size=self.size,
            workers=self.workers,
            first=self.finished_batches,
            chosen=None if self.processes.size == 1 else lambda count: self._rows(count)[0],
        )
        # Whatever ends the epoch ends the processes that decode ahead.
        with closing(batches):
            for number, (images, targets) in enumerate(batches, start=self.finished_batches):
                if self.processes.any(self.stop()):
                    return None
                count = min(self.step_size, len(self.train_labels) - number * self.step_size)
                # Layers that draw (dropout), the attacks' random starts and the optimizer follow epoch and batch too,
                # not what came before them.
                draws_seed = batch_seed(seed, epoch, number, "step")
                self._seed(draws_seed)
                seed_draws(self.optimizer, draws_seed)
                images, targets = self._mix(images, targets, epoch, number)
                if self.mixes_neighbours and self.processes.size > 1:
                    own = self._rows(count)[1].to(self.device)
                    images, targets = images[own], targets[own]
                for _ in range(self.replays):
                    self.epoch_sums += self._take_step(images, targets, count)
                self.finished_batches += 1
                self._keep_snapshot()
        for _ in range(self.epochs_at_once):
            self.schedule.step()
        totals = self.processes.sum(self.epoch_sums)
        loss, penalty, accuracy = (totals / (len(self.train_labels) * self.replays)).tolist()
        self.finished_batches, self.epoch_sums = 0, torch.zeros_like(self.epoch_sums)
        row = {"epoch": epoch, "learning_rate": rate, "loss": loss, "penalty": penalty, "train_accuracy": accuracy}
        if not math.isfinite(row["loss"] + row["penalty"]):
            raise InputError(
                f"the loss of {self.name} is not finite in epoch {epoch}: lower training.learning_rate "
                f"(now {self.settings['learning_rate']}) or the penalty's strength"
            )
        row["test_accuracy"] = self._accuracy(self.test_images, self.test_labels)
        if self.split.validation_images is not None:
            row["validation_accuracy"] = self._accuracy(*self.split.validation_images)
        return row

    def _seed(self, seed: int) -> None:
        """Seed what layers and attacks draw in a step."""
        if self.processes.size > 1:
            self.attack_generator.manual_seed(seed)
            # Each process its own, or dropout would leave out the same in all shares of a batch.
            seed = int(np.random.SeedSequence((seed, self.processes.rank)).generate_state(1, np.uint64)[0])
        torch.manual_seed(seed)

    def _rows(self, count: int) -> tuple[Tensor, Tensor]:
        return self.processes.rows_of_step(count, self.settings["batch_size"], self.mixes_neighbours)

    def _mix(self, images: Tensor, targets: Tensor, epoch: int, number: int) -> tuple[Tensor, Tensor]:
        """What interventions make of the images of a step and their labels."""
        for one in self.interventions.values():
            if one.mix is not None:
                seed = batch_seed(self.run["seed"], epoch, number, one.stream)
                images, targets = one.mix(images, targets, self.num_classes, seed)
        return images, targets

    def _can_be_captured(self) -> bool:
        """Whether a step is on the GPU as a whole, without a state that an intervention or a moving average keeps."""
        keeps = self.averaged is not None or any(one.after_backward for one in self.interventions.values())
        return not keeps and self.processes.size == 1 and can_be_captured(self.optimizer)

    def _step(self, images: Tensor, targets: Tensor, count: int) -> Tensor:
        """Update the parameters once, from as many microbatches as `accumulate` says.

        Args:
            images: views * N x C x H x W, the views one after the other.
            targets: N labels, or N x K probabilities.
            count: images of all processes together; N where there is one.

        Returns:
            Sums over the N images: loss, penalty, correct predictions.
        """
        self.optimizer.zero_grad()
        step_sums = torch.zeros(3, device=self.device, dtype=torch.float64)
        size = self.settings["batch_size"]
        counts = [min(size, count - start) for start in range(0, count, size)]
        shares = [Share(self.processes.rows(length, self.mixes_neighbours), length) for length in counts]
        lengths = [len(share.rows) for share in shares]
        image_parts = images.unflatten(0, (self.views, len(targets))).split(lengths, dim=1)
        microbatches = zip(image_parts, targets.split(lengths), shares, strict=True)
        for number, (part, labels, share) in enumerate(microbatches):
            shown = self._attack(part.flatten(0, 1), labels, share)
            # Gradients are exchanged once for a step, after its last microbatch.
            accumulates = self.processes.size > 1 and number < len(shares) - 1
            with self.parallel_network.no_sync() if accumulates else nullcontext():
                logits = self._logits(self.parallel_network, shown).unflatten(0, (self.views, len(labels)))
                loss = self.objective.loss(logits, labels)
                penalty = self.objective.penalty(self.classifier)
                # The mean over processes of their losses so weighted is the mean over images.
                total = loss * (len(labels) * self.processes.size / share.count)
                if penalty is not None:
                    total = total + penalty
                backward(total * (share.count / count), self.optimizer)
            for one in self.interventions.values():
                if one.after_backward is not None:
                    one.after_backward(shown)
            detached = torch.zeros_like(loss) if penalty is None else penalty.detach()
            step_sums[:2] += torch.stack([loss.detach(), detached]) * len(labels)
            step_sums[2] += count_correct(logits[0], labels)
        self.optimizer.step()
        if self.averaged is not None:
            self.averaged.update_parameters(self.classifier)
        return step_sums

    def _logits(self, network: torch.nn.Module, images: Tensor) -> Tensor:
        with self.autocast:
            return network(images).float()

    def _attack(self, images: Tensor, labels: Tensor, share: Share) -> Tensor:
        """The images that training sees: as they are, or moved by an attack."""
        use = Attack(
            classifier=self.classifier,
            logits=partial(self._logits, self.network),
            generator=self.attack_generator,
            share=None if self.processes.size == 1 else share,
        )
        for one in self.interventions.values():
            if one.attack is not None:
                images = one.attack(images, labels, use)
        return images

    @torch.no_grad()
    def _accuracy(self, shown: Tensor | ImageFiles, true_labels: Tensor) -> float:
        composed = compose(self.result).eval()
        size = self.settings["batch_size"]
        rows = self.processes.rows(len(true_labels), adjacent=True)
        own = slice(int(rows[0]), int(rows[-1]) + 1) if len(rows) else slice(0)
        own_labels = true_labels[own]
        batches = plain_batches(shown[own], size, self.device, self.workers)
        correct = torch.zeros((), dtype=torch.int64, device=self.device)
        with self.autocast, closing(batches):
            # No image is one batch without images to `split`.
            for images, labels in zip(batches, own_labels.split(size), strict=True) if len(rows) else ():
                correct += (composed(to_images(images, self.device)).argmax(1) == labels).sum()
        return int(self.processes.sum(correct)) / len(true_labels)

    def _save(self) -> None:
        kept = {
            key: self.processes.collect(state)
            for key, one in self.interventions.items()
            if one.save_state is not None and (state := one.save_state()) is not None
        }
        epoch_sums = self.processes.collect(self.epoch_sums)
        if not self.processes.is_first:
            return
        state = {
            "history": self.history,
            "seconds": self.seconds,
            "finished_batches": self.finished_batches,
            "epoch_sums": epoch_sums,
            "interventions": kept,
            "model": self.classifier.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
        }
        if self.averaged is not None:
            state["averaged"] = self.averaged.state_dict()
        self.state_file.write(state)

    def _resume(self) -> None:
        state = self.state_file.read(lambda reason: self.announce(f"{self.name}  {reason}"))
        missing = self.snapshots.missing(state) if state is not None and self.snapshots is not None else []
        if missing:
            self.announce(f"{self.name}  the snapshot {missing[0]} is missing, training starts afresh")
        elif state is not None:
            self._load(state)
        if not self.processes.agree((len(self.history), self.finished_batches)):
            raise InputError(
                f"{self.name}: not all processes find the same {self.state_file.path}: keep results where all nodes "
                "see them"
            )
        if not self._batches and self.snapshots is not None and self.processes.is_first:
            self.snapshots.clear()

    def _load(self, state: dict) -> None:
        self.classifier.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        if self.averaged is not None:
            self.averaged.load_state_dict(state["averaged"])
        for key, states in state["interventions"].items():
            self.interventions[key].load_state(states[self.processes.rank].to(self.device))
        self.history = state["history"]
        self.seconds = state["seconds"]
        self.finished_batches = state["finished_batches"]
        self.epoch_sums.copy_(state["epoch_sums"][self.processes.rank])
        self.announce(f"{self.name}  goes on {self.progress}")
