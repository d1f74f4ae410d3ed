import hashlib
import io
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from copy import deepcopy
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from study_configs import choices
from torch._dynamo.testing import CompileCounterWithBackend

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.batches import batch_seed, epoch_batches, to_images
from filterfreq.models.pointwise import subsample_pointwise
from filterfreq.runtime.errors import InputError, StoppedError
from filterfreq.training.execution import Execution
from filterfreq.training.interventions.augmentation_policy import apply_policy
from filterfreq.training.interventions.gaussian_noise import add_gaussian_noise
from filterfreq.training.loop import Trainer
from filterfreq.training.state import StateFile
from filterfreq.training.untrained import build_classifier, count_parameters

FREE = {"attack": "free", "norm": "linf", "epsilon": "4/255", "replays": 2}
CPU = torch.device("cpu")
ROOT = Path(__file__).parents[2]

# What a killed job and its successor both run: a training that says each epoch and ends with a digest of its weights.
JOB = """
import hashlib, json, sys
from pathlib import Path
from filterfreq.models.device import use_device
from filterfreq.data.arrays import PreparedDataset
from filterfreq.training.execution import Execution
from filterfreq.training.loop import Trainer
from filterfreq.training.state import StateFile
from filterfreq.training.untrained import build_classifier
import safetensors.torch
device = use_device({"device": "cpu"}, 1)
spec, dataset = json.loads(sys.argv[1]), PreparedDataset(sys.argv[2])
classifier = build_classifier(spec, dataset)
say = lambda line: print(line, flush=True)
execution, state_file = Execution(device), StateFile(Path(sys.argv[3]), "fingerprint")
history = Trainer(classifier, spec, dataset, execution, state_file, say).train()
state = {name: tensor.contiguous() for name, tensor in classifier.state_dict().items()}
print(json.dumps(history), hashlib.sha256(safetensors.torch.save(state)).hexdigest())
"""


def made_trainer(
    spec, dataset, state_file, fingerprint="fingerprint", announce=lambda line: None, stop=lambda: False, **execution
):
    classifier = build_classifier(spec, dataset)
    kept = StateFile(state_file, fingerprint)
    return Trainer(classifier, spec, dataset, Execution(CPU, **execution), kept, announce, stop)


def trained(*arguments, **options):
    trainer = made_trainer(*arguments, **options)
    return trainer.train(), trainer.result


def plain_classifier(spec, dataset):
    return subsample_pointwise(build_classifier(spec, dataset)).to(memory_format=torch.channels_last)


def digest(model) -> str:
    return hashlib.sha256(b"".join(tensor.numpy().tobytes() for tensor in model.state_dict().values())).hexdigest()


def test_training_learns(tiny_dataset, tiny_spec, tmp_path):
    history, _ = trained(tiny_spec, tiny_dataset, tmp_path / "state.pt")
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    assert history[-1]["loss"] < 0.5 * history[0]["loss"]
    assert history[-1]["test_accuracy"] > 0.7
    assert all(row["penalty"] == 0 for row in history)


def test_first_epoch_equals_a_plain_loop(tiny_dataset, tiny_spec, tmp_path):
    """The plainest loop there is, over the same batches."""
    spec = deepcopy(tiny_spec)
    spec["training"]["epochs"] = 1
    history, classifier = trained(spec, tiny_dataset, tmp_path / "state.pt")

    plain = plain_classifier(spec, tiny_dataset)
    optimizer = torch.optim.AdamW(plain.parameters(), lr=0.01, weight_decay=0.01, fused=True)
    images, labels = (torch.tensor(tiny_dataset.array(f"train_{kind}")) for kind in ("images", "labels"))
    losses, correct = [], 0
    plain.train()
    for x, y in epoch_batches(images, labels, 32, "crop_flip", seed=0, epoch=1):
        logits = plain(x)
        loss = F.cross_entropy(logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        correct += int((logits.argmax(1) == y).sum())
    assert history[0]["loss"] == pytest.approx(sum(losses) / 3, rel=1e-6)
    assert history[0]["train_accuracy"] == correct / 96
    assert digest(classifier) == digest(plain)


def stored(dataset) -> tuple[torch.Tensor, torch.Tensor]:
    images, labels = (torch.tensor(dataset.array(f"train_{kind}")) for kind in ("images", "labels"))
    return images, labels


def one_epoch_of_sgd(spec: dict, variant: dict, **training) -> dict:
    settings = {"epochs": 1, "optimizer": "sgd", "learning_rate": 0.05, "schedule": "step", **training}
    return {**spec, "variant": variant, "training": {**spec["training"], **settings}}


def smoothed(logits, labels):
    """Szegedy et al., Rethinking the Inception Architecture, 2016, section 7: a tenth of the label on all classes."""
    log_probabilities = logits.log_softmax(1)
    truth = log_probabilities[torch.arange(len(labels)), labels]
    return -(0.9 * truth + 0.1 * log_probabilities.mean(1)).mean()


def mixed(model, images, labels, number):
    weight = np.random.default_rng(batch_seed(0, 1, number, "mixup")).beta(0.5, 0.5)
    logits = model(weight * images + (1 - weight) * images.roll(1, 0))
    return weight * F.cross_entropy(logits, labels) + (1 - weight) * F.cross_entropy(logits, labels.roll(1))


def consistent(model, images, labels, number):
    """Hendrycks et al. 2020, equation 1 and section 3."""
    probabilities = model(images).softmax(1).chunk(3)
    mean = sum(probabilities) / 3
    divergence = sum((p * (p / mean).log()).sum(1).mean() for p in probabilities) / 3
    return F.nll_loss(probabilities[0].log(), labels) + 12 * divergence


def filtered(model, images, labels, number):
    """Low-passed images, then the normalisation of the data set, both of which the network itself lacks."""
    spectrum = torch.fft.fft2(images.double())
    spectrum[:, :, 3:30] = 0
    spectrum[:, :, :, 3:30] = 0
    low = torch.fft.ifft2(spectrum).real.float()
    return F.cross_entropy(model.backbone((low - 0.5) / 0.25), labels)


def left_out(model, images, labels, number):
    """Half of the last features, drawn from the seed of the step, and the rest of a network without normalisation."""
    torch.manual_seed(batch_seed(0, 1, number, "step"))
    backbone = model.backbone
    features = F.relu(backbone.bn1(backbone.conv1((images - 0.5) / 0.25)))
    features = backbone.layer3(backbone.layer2(backbone.layer1(features))).mean(dim=(2, 3))
    kept = F.dropout(features, 0.5)
    return F.cross_entropy(F.linear(kept, backbone.fc.linear.weight, backbone.fc.linear.bias), labels)


def smooth(model, images, labels, number):
    kernels = [module.weight for module in model.modules() if isinstance(module, torch.nn.Conv2d)]
    rows = sum((kernel[:, :, 1:] - kernel[:, :, :-1]).square().sum() for kernel in kernels)
    columns = sum((kernel[..., 1:] - kernel[..., :-1]).square().sum() for kernel in kernels)
    return F.cross_entropy(model(images), labels) + 0.01 * (rows + columns)


def policy(name):
    return lambda images, number, share: apply_policy(images, name, batch_seed(0, 1, number, "policy"), share)


def noise(images, number, share):
    generator = torch.Generator().manual_seed(batch_seed(0, 1, number, "noise"))
    return add_gaussian_noise(images, 0.1, generator, share)


@pytest.mark.parametrize(
    ("variant", "options", "objective"),
    [
        ({"label_smoothing": 0.1}, {}, lambda model, images, labels, number: smoothed(model(images), labels)),
        ({"mixup": 0.5}, {}, mixed),
        ({"front_end": {"band": "low", "bandwidth": 5}}, {}, filtered),
        ({"dropout": 0.5, "normalisation": "none"}, {}, left_out),
        ({"penalty": {"kind": "smooth", "strength": 0.01, "layers": "all"}}, {}, smooth),
        (
            {"augmentation_policy": "augmix", "jensen_shannon": 12},
            {"change_stored": policy("augmix"), "views": 3},
            consistent,
        ),
        (
            {"augmentation_policy": "autoaugment", "gaussian_noise": 0.1},
            {"change_stored": policy("autoaugment"), "change_images": noise},
            lambda model, images, labels, number: F.cross_entropy(model(images), labels),
        ),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else "",
)
def test_variants_equal_a_plain_loop(tiny_dataset, tiny_spec, tmp_path, variant, options, objective):
    # Steps so small that roundings do not grow.
    spec = one_epoch_of_sgd(tiny_spec, variant, learning_rate=0.001)
    history, classifier = trained(spec, tiny_dataset, tmp_path / "state.pt")
    plain = plain_classifier(spec, tiny_dataset)
    optimizer = torch.optim.SGD(plain.parameters(), 0.001, 0.9, weight_decay=0.01, nesterov=True)
    losses = []
    plain.train()
    batches = epoch_batches(*stored(tiny_dataset), 32, "crop_flip", seed=0, epoch=1, **options)
    for number, (images, labels) in enumerate(batches):
        loss = objective(plain, images, labels, number)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert history[0]["loss"] + history[0]["penalty"] == pytest.approx(sum(losses) / 3, rel=1e-5)
    torch.testing.assert_close(classifier.state_dict(), plain.state_dict(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("variant", [{}, {"mixup": 0.5, "label_smoothing": 0.1}], ids=str)
def test_accumulated_gradients_are_those_of_a_larger_batch(tiny_dataset, tiny_spec, tmp_path, variant):
    """Batches of 40, 40 and 16, at once and by twenties; of equal means only without batch normalisation."""
    weights = []
    for training in ({"batch_size": 40}, {"batch_size": 20, "accumulate": 2}, {"batch_size": 20}):
        variant = {**variant, "decomposition": "weight", "penalty": {"kind": "all", "strength": 0.01, "layers": "all"}}
        spec = one_epoch_of_sgd(tiny_spec, variant, **training)
        classifier = build_classifier(spec, tiny_dataset)
        for module in list(classifier.modules()):
            for name, child in module.named_children():
                if isinstance(child, torch.nn.BatchNorm2d):
                    setattr(module, name, torch.nn.Identity())
        state_file = tmp_path / f"{len(weights)}.pt"
        Trainer(classifier, spec, tiny_dataset, Execution(CPU), StateFile(state_file, "")).train()
        weights.append(torch.cat([tensor.flatten() for tensor in classifier.state_dict().values()]))
    torch.testing.assert_close(weights[1], weights[0], rtol=1e-4, atol=1e-6)
    assert (weights[2] - weights[0]).abs().max() > 1e-3


def test_the_moving_average_is_tested_and_kept(tiny_dataset, tiny_spec, tmp_path):
    """The average of every parameter and of the statistics of batch normalisation, by its definition."""
    spec = {**tiny_spec, "training": {**tiny_spec["training"], "ema": 0.8}}
    trainer = made_trainer(spec, tiny_dataset, tmp_path / "state.pt")
    classifier = trainer.classifier
    steps: list[dict] = []
    trainer.optimizer.register_step_post_hook(
        lambda *_: steps.append({name: tensor.double() for name, tensor in classifier.state_dict().items()})
    )
    history = trainer.train()
    assert len(steps) == 12
    kept = trainer.result.state_dict()
    for name, tensor in kept.items():
        expected = steps[0][name]
        for step in steps[1:]:
            expected = 0.8 * expected + 0.2 * step[name]
        if tensor.is_floating_point():
            torch.testing.assert_close(tensor.double(), expected, rtol=1e-4, atol=1e-6)
    assert digest(trainer.result) != digest(classifier)
    images, labels = (torch.tensor(tiny_dataset.array(f"test_{kind}")) for kind in ("images", "labels"))
    predicted = trainer.result.eval()(to_images(images, "cpu")).argmax(1)
    assert history[-1]["test_accuracy"] == (predicted == labels).float().mean().item()


def test_free_adversarial_training_follows_its_algorithm(tiny_dataset, tiny_spec, tmp_path):
    """Shafahi et al. 2019, algorithm 1, written out: batches of 40, 40 and 16, each shown twice."""
    spec = one_epoch_of_sgd(tiny_spec, {"adversarial_training": FREE}, epochs=4, batch_size=40, schedule="cosine")
    history, classifier = trained(spec, tiny_dataset, tmp_path / "state.pt")
    plain = plain_classifier(spec, tiny_dataset)
    # Fused as in the trainer: other roundings would grow through the signs of gradients.
    optimizer = torch.optim.SGD(plain.parameters(), 0.05, 0.9, weight_decay=0.01, nesterov=True, fused=True)
    offset = torch.zeros(40, 3, 32, 32)
    losses, rates = [], [0.05, 0.025]
    plain.train()
    for epoch in (1, 2):
        optimizer.param_groups[0]["lr"] = rates[epoch - 1]
        for images, labels in epoch_batches(*stored(tiny_dataset), 40, "crop_flip", seed=0, epoch=epoch):
            for _ in range(2):
                n = len(labels)
                own = offset[:n].clone().requires_grad_()
                loss = F.cross_entropy(plain((images + own).clamp(0, 1)), labels)
                optimizer.zero_grad()
                loss.backward()
                offset[:n] = (offset[:n] + 4 / 255 * own.grad.sign()).clamp(-4 / 255, 4 / 255)
                optimizer.step()
                losses.append(loss.item() * n / 96)
    assert [row["learning_rate"] for row in history] == pytest.approx(rates)
    assert [row["loss"] for row in history] == pytest.approx([sum(losses[:6]) / 2, sum(losses[6:]) / 2], rel=1e-4)
    torch.testing.assert_close(classifier.state_dict(), plain.state_dict(), rtol=1e-3, atol=1e-5)


def test_free_adversarial_training_as_released_for_convolutional_normalisation(tiny_dataset, tiny_spec, tmp_path):
    """Noise of zero at each batch, of 40, 40 and 16 images, and so many epochs as the training has."""
    variant = {"adversarial_training": {**FREE, "free_protocol": "liu2021"}}
    spec = one_epoch_of_sgd(tiny_spec, variant, epochs=2, batch_size=40, schedule="cosine")
    history, classifier = trained(spec, tiny_dataset, tmp_path / "state.pt")
    plain = plain_classifier(spec, tiny_dataset)
    optimizer = torch.optim.SGD(plain.parameters(), 0.05, 0.9, weight_decay=0.01, nesterov=True, fused=True)
    losses = []
    plain.train()
    for epoch, rate in ((1, 0.05), (2, 0.025)):
        optimizer.param_groups[0]["lr"] = rate
        for images, labels in epoch_batches(*stored(tiny_dataset), 40, "crop_flip", seed=0, epoch=epoch):
            offset = torch.zeros_like(images, requires_grad=True)
            for _ in range(2):
                loss = F.cross_entropy(plain((images + offset).clamp(0, 1)), labels)
                optimizer.zero_grad()
                loss.backward()
                moved = (offset.detach() + 4 / 255 * offset.grad.sign()).clamp(-4 / 255, 4 / 255)
                offset = moved.requires_grad_()
                optimizer.step()
                losses.append(loss.item() * len(labels) / 96)
    assert [row["learning_rate"] for row in history] == pytest.approx([0.05, 0.025])
    assert [row["loss"] for row in history] == pytest.approx([sum(losses[:6]) / 2, sum(losses[6:]) / 2], rel=1e-4)
    torch.testing.assert_close(classifier.state_dict(), plain.state_dict(), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("epochs", "passes"), [(1, 1), (2, 1), (5, 3)])
def test_free_adversarial_training_divides_its_epochs(tiny_dataset, tiny_spec, tmp_path, epochs, passes):
    spec = one_epoch_of_sgd(tiny_spec, {"adversarial_training": FREE}, epochs=epochs)
    assert len(trained(spec, tiny_dataset, tmp_path / "state.pt")[0]) == passes


def test_mixed_precision_trains_alike(tiny_dataset, tiny_spec, tmp_path):
    """What a GPU computes by default, here with bfloat16 on a CPU: other roundings, the same training."""
    exact, mixed = (
        trained(spec, tiny_dataset, tmp_path / name, precision=name)[0]
        for name, spec in (("float32", deepcopy(tiny_spec)), ("bfloat16", deepcopy(tiny_spec)))
    )
    # bfloat16 has 8 bits of mantissa: a forward pass is off by about a percent.
    assert mixed[0]["loss"] == pytest.approx(exact[0]["loss"], rel=0.05)
    assert mixed[0]["loss"] != exact[0]["loss"]
    assert mixed[-1]["loss"] < 0.5 * mixed[0]["loss"]
    assert mixed[-1]["test_accuracy"] == pytest.approx(exact[-1]["test_accuracy"], abs=0.1)


# torch says so of Python 3.13.0 alone.
@pytest.mark.filterwarnings("ignore:Guards may run slower:RuntimeWarning")
@pytest.mark.parametrize(
    "variant",
    [
        {
            "decomposition": "weight",
            "penalty": {"kind": "highest", "strength": 0.01, "layers": "all"},
            "adversarial_training": {"attack": "fgsm", "norm": "linf", "epsilon": "2/255"},
        },
        {"adversarial_training": FREE},
    ],
    ids=["fgsm", "free"],
)
@pytest.mark.slow
def test_compiled_network_trains_alike(tiny_dataset, tiny_spec, tmp_path, monkeypatch, variant):
    """The graphs that torch.compile traces, forward and backward, run without a C compiler."""
    backend = CompileCounterWithBackend("aot_eager")
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=backend))
    spec = {**tiny_spec, "training": {**tiny_spec["training"], "epochs": 1}}
    spec["variant"] = variant
    expected, found = (
        trained(spec, tiny_dataset, tmp_path / name, compiled=compiled)[0][0]
        for name, compiled in (("eager", False), ("compiled", True))
    )
    assert backend.frame_count > 0
    assert found["loss"] == pytest.approx(expected["loss"], rel=1e-3)
    assert found["penalty"] == pytest.approx(expected["penalty"], rel=1e-3)


def test_reruns_are_bit_identical_and_seeds_differ(tiny_dataset, tiny_spec, tmp_path):
    first, one = trained(tiny_spec, tiny_dataset, tmp_path / "1.pt")
    second, two = trained(tiny_spec, tiny_dataset, tmp_path / "2.pt")
    other = deepcopy(tiny_spec)
    other["run"]["seed"] = 1
    assert first == second
    assert digest(one) == digest(two)
    assert digest(trained(other, tiny_dataset, tmp_path / "3.pt")[1]) != digest(one)


def test_both_decompositions_train_to_the_same_bits(tiny_dataset, tiny_spec, tmp_path):
    weights = {}
    for decomposition in ("weight", "signal"):
        spec = deepcopy(tiny_spec)
        spec["variant"] = {
            "decomposition": decomposition,
            "penalty": {"kind": "highest", "strength": 0.01, "layers": "all"},
        }
        history, classifier = trained(spec, tiny_dataset, tmp_path / f"{decomposition}.pt")
        assert history[-1]["penalty"] > 0
        weights[decomposition] = digest(classifier)
    assert weights["weight"] == weights["signal"]


def test_penalty_lowers_what_it_penalises(tiny_dataset, tiny_spec, tmp_path):
    penalties = {}
    for strength in (1e-9, 0.1):
        spec = deepcopy(tiny_spec)
        spec["variant"] = {
            "decomposition": "weight",
            "penalty": {"kind": "highest", "strength": strength, "layers": "all"},
        }
        history, _ = trained(spec, tiny_dataset, tmp_path / f"{strength}.pt")
        penalties[strength] = history[-1]["penalty"] / strength
    assert penalties[0.1] < 0.5 * penalties[1e-9]


@pytest.mark.parametrize(
    "attack",
    [
        {"attack": "fgsm", "norm": "linf", "epsilon": "4/255"},
        {"attack": "pgd", "norm": "l2", "epsilon": "0.5", "steps": 2},
    ],
)
def test_adversarial_training_sees_attacked_images(tiny_dataset, tiny_spec, tmp_path, attack):
    spec = deepcopy(tiny_spec)
    spec["variant"] = {"adversarial_training": attack}
    history, classifier = trained(spec, tiny_dataset, tmp_path / "state.pt")
    plain, _ = trained(tiny_spec, tiny_dataset, tmp_path / "plain.pt")
    assert history[0]["loss"] > plain[0]["loss"]
    # One update of the running statistics for each of the 3 batches of 4 epochs: the attack's passes leave them alone.
    assert classifier.state_dict()[next(n for n in classifier.state_dict() if n.endswith("num_batches_tracked"))] == 12


@pytest.mark.slow
def test_a_killed_training_ends_with_the_same_bytes(tiny_dataset, tiny_spec, tmp_path):
    spec = deepcopy(tiny_spec)
    spec["training"]["epochs"] = 60
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}

    def command(state: str) -> list[str]:
        return [sys.executable, "-c", JOB, json.dumps(spec), str(tiny_dataset.folder), str(tmp_path / state)]

    straight = subprocess.run(command("straight.pt"), env=environment, capture_output=True, text=True, check=True)

    killed_after = []
    for kill_at in (5, 20):
        with subprocess.Popen(command("killed.pt"), env=environment, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                if f"epoch {kill_at:2d}/60" in line:
                    time.sleep(0.03)
                    process.send_signal(signal.SIGKILL)
                    break
        killed_after.append(process.returncode)
    assert killed_after == [-signal.SIGKILL, -signal.SIGKILL]
    resumed = subprocess.run(command("killed.pt"), env=environment, capture_output=True, text=True, check=True)

    assert "goes on after epoch" in resumed.stdout
    assert f"epoch {10:2d}/60" not in resumed.stdout
    assert resumed.stdout.splitlines()[-1] == straight.stdout.splitlines()[-1]


def stop_after(epoch: int):
    """An `announce` that ends the process's work after an epoch, when its state is kept."""

    def announce(line: str) -> None:
        if f"epoch {epoch}/" in line:
            raise KeyboardInterrupt

    return announce


def asked_after(batches: int):
    """A `stop` that asks for it after so many batches."""
    asked = iter(range(batches + 1))
    return lambda: next(asked) == batches


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@pytest.mark.parametrize(
    ("variant", "training"),
    [
        *(({}, {"optimizer": name}) for name in choices("optimizer") if name != "adamw"),
        ({}, {"schedule": "warmup_cosine"}),
        ({}, {"accumulate": 2}),
        ({}, {"ema": 0.9}),
        ({}, {"augmentation": "resized_crop_flip"}),
        ({"label_smoothing": 0.1, "mixup": 0.5}, {}),
        ({"gaussian_noise": 0.1, "gaussian_noise_up_to": 0.1}, {}),
        ({"augmentation_policy": "autoaugment"}, {}),
        ({"labels": "shuffled", "component": {"pass": "high", "radius": 4, "rescale": "released"}}, {}),
        ({"component": {"pass": "low", "radius": 8}}, {"augmentation": "none"}),
        ({"augmentation_policy": "augmix", "jensen_shannon": 12}, {"epochs": 2}),
        (
            {"normalisation": "none", "dropout": 0.5, "penalty": {"kind": "smooth", "strength": 1e-3, "layers": "all"}},
            {"initialisation": "xavier", "image_normalisation": "none", "learning_rate": 1e-3},
        ),
        ({"adversarial_training": {"attack": "fgsm", "norm": "linf", "epsilon": "4/255", "random_start": True}}, {}),
        ({"adversarial_training": {**FREE, "norm": "l2"}}, {"epochs": 5, "ema": 0.9}),
        (
            {"decomposition": "weight", "penalty": {"kind": "all+diff", "strength": 0.01, "layers": "all"}},
            {"optimizer": "adahessian"},
        ),
    ],
    ids=str,
)
@pytest.mark.slow
def test_every_option_resumes_to_the_same_bits(tiny_dataset, tiny_spec, tmp_path, variant, training):
    spec = {**tiny_spec, "variant": variant, "training": {**tiny_spec["training"], "epochs": 3, **training}}
    expected, straight = trained(spec, tiny_dataset, tmp_path / "straight.pt")
    with pytest.raises(KeyboardInterrupt):
        trained(spec, tiny_dataset, tmp_path / "stopped.pt", announce=stop_after(1))
    torch.manual_seed(123)
    with pytest.raises(
        StoppedError, match="asked to stop: it is kept after epoch 1 and batch 1 of the next and goes on"
    ):
        trained(spec, tiny_dataset, tmp_path / "stopped.pt", stop=asked_after(1))
    found, resumed = trained(spec, tiny_dataset, tmp_path / "stopped.pt")
    assert found == expected
    assert digest(resumed) == digest(straight)


def test_a_training_stops_after_any_batch(tiny_dataset, tiny_spec, tmp_path):
    spec = {**tiny_spec, "training": {**tiny_spec["training"], "epochs": 2}}
    expected, straight = trained(spec, tiny_dataset, tmp_path / "straight.pt")
    batches = 2 * math.ceil(len(tiny_dataset.labels("train")) / spec["training"]["batch_size"])
    for _ in range(batches - 1):
        with pytest.raises(StoppedError):
            trained(spec, tiny_dataset, tmp_path / "stopped.pt", stop=asked_after(1))
    found, resumed = trained(spec, tiny_dataset, tmp_path / "stopped.pt", stop=asked_after(1))
    assert found == expected
    assert digest(resumed) == digest(straight)


def test_images_in_files_train_to_the_bits_of_arrays(tiny_dataset, tiny_files, tiny_spec, tmp_path):
    spec = {**tiny_spec, "training": {**tiny_spec["training"], "epochs": 2, "augmentation": "none"}}
    expected, arrays = trained(spec, tiny_dataset, tmp_path / "arrays.pt")
    found, files = trained(spec, tiny_files, tmp_path / "files.pt", workers=1)
    assert found == expected
    assert digest(files) == digest(arrays)


@pytest.mark.slow
def test_a_training_on_files_resumes_to_the_same_bits_with_any_number_of_workers(tiny_files, tiny_spec, tmp_path):
    variant = {"mixup": 0.5, "gaussian_noise": 0.1}
    settings = {"epochs": 3, "augmentation": "resized_crop_flip", "accumulate": 2, "ema": 0.9}
    spec = {**tiny_spec, "variant": variant, "training": {**tiny_spec["training"], **settings}}
    expected, straight = trained(spec, tiny_files, tmp_path / "straight.pt")
    with pytest.raises(KeyboardInterrupt):
        trained(spec, tiny_files, tmp_path / "stopped.pt", announce=stop_after(1), workers=2)
    with pytest.raises(StoppedError):
        trained(spec, tiny_files, tmp_path / "stopped.pt", stop=asked_after(1), workers=2)
    found, resumed = trained(spec, tiny_files, tmp_path / "stopped.pt", workers=1)
    assert found == expected
    assert digest(resumed) == digest(straight)


@pytest.mark.slow
def test_sigterm_to_every_process_of_a_job_leaves_those_that_decode(tiny_files, tiny_spec, tmp_path):
    """As clusters send it: their end would be an error of the training."""
    spec = {**tiny_spec, "training": {**tiny_spec["training"], "epochs": 400}}
    code = JOB.replace("state_file, say)", "state_file, say, stop_requests())").replace(
        "(device)", "(device, workers=2)"
    )
    code = code.replace("import safetensors.torch", "from filterfreq.runtime.jobs import stop_requests")
    command = [sys.executable, "-c", code, json.dumps(spec), str(tiny_files.folder), str(tmp_path / "state.pt")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        for line in process.stdout:
            if "epoch   2/" in line:
                break
        for _ in range(5):
            os.killpg(process.pid, signal.SIGTERM)
            time.sleep(0.01)
        _, errors = process.communicate(timeout=60)
    assert errors.splitlines()[-1].startswith(
        "filterfreq.runtime.errors.StoppedError: tiny/resnet_8_4/any/0 was asked to stop"
    )
    assert torch.load(tmp_path / "state.pt", weights_only=True)["history"]


def test_images_may_be_stored_larger_than_the_network_sees_them(tiny_dataset, tiny_spec, tmp_path):
    class Smaller(PreparedDataset):
        def images(self, split):
            images = super().images(split)
            return images if split == "train" else images[:, 4:28, 4:28]

    seen = []
    for augmentation in ("none", "crop_flip", "resized_crop"):
        spec = {**tiny_spec, "variant": {"adversarial_training": FREE}}
        spec["training"] = {**tiny_spec["training"], "epochs": 2, "augmentation": augmentation}
        dataset = Smaller(tiny_dataset.folder)
        classifier = build_classifier(spec, dataset)
        hook = classifier.register_forward_pre_hook(lambda module, given: seen.append(given[0].shape[2:]))
        state_file = StateFile(tmp_path / f"{augmentation}.pt", "")
        Trainer(classifier, spec, dataset, Execution(CPU), state_file).train()
        hook.remove()
    assert set(seen) == {(24, 24)}


@pytest.mark.slow
def test_another_fingerprint_or_a_damaged_state_starts_afresh(tiny_dataset, tiny_spec, tmp_path):
    state = tmp_path / "state.pt"
    expected, _ = trained(tiny_spec, tiny_dataset, state)
    lines: list[str] = []
    assert trained(tiny_spec, tiny_dataset, state, "another", lines.append)[0] == expected
    assert lines[0].endswith(
        f"{state} is of a training with other settings, code, data, device, precision, threads or processes: training "
        "starts afresh"
    )
    assert len(lines) == 5
    whole = state.read_bytes()
    with zipfile.ZipFile(state) as archive:
        tensors = [member for member in archive.infolist() if "/data/" in member.filename]
        weights = archive.read(max(tensors, key=lambda member: member.file_size))
    flipped = bytearray(whole)
    flipped[whole.index(weights) + 2] ^= 1  # torch itself would take it
    state.write_bytes(flipped)
    torch.load(state, weights_only=True)
    other = io.BytesIO()
    torch.save([1, 2], other)
    for content in (flipped, whole[:1000], b"", other.getvalue()):
        state.write_bytes(content)
        lines.clear()
        assert trained(tiny_spec, tiny_dataset, state, "another", lines.append)[0] == expected
        assert re.fullmatch(r".*state\.pt is damaged or not what it should be \(.*\): training starts afresh", lines[0])


@pytest.mark.parametrize("error", [PermissionError, MemoryError])
def test_a_state_that_cannot_be_read_now_is_not_overwritten(tiny_dataset, tiny_spec, tmp_path, monkeypatch, error):
    state = tmp_path / "state.pt"
    trained(tiny_spec, tiny_dataset, state)
    before = state.read_bytes()

    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr(torch, "load", fail)
    with pytest.raises(InputError, match=r"state\.pt (may not be read by you|takes more memory than there is)"):
        trained(tiny_spec, tiny_dataset, state)
    assert state.read_bytes() == before


def test_a_loss_that_is_not_finite_stops_with_one_sentence(tiny_dataset, tiny_spec, tmp_path):
    tiny_spec["training"] |= {"learning_rate": 1e30, "optimizer": "sgd"}
    with pytest.raises(InputError, match=r"tiny/resnet_8_4/any/0 is not finite in epoch 1.*learning_rate"):
        trained(tiny_spec, tiny_dataset, tmp_path / "state.pt")


@pytest.mark.parametrize("decomposition", [{}, {"decomposition": "weight"}])
def test_an_initialisation_draws_all_weights_and_changes_no_run_without_it(tiny_dataset, tiny_spec, decomposition):
    spec = {**tiny_spec, "variant": decomposition}
    classifiers = [
        build_classifier({**spec, "training": {**spec["training"], **training}}, tiny_dataset)
        for training in ({}, {"initialisation": "xavier"}, {"initialisation": "xavier"}, {"initialisation": "kaiming"})
    ]
    own, xavier, again, kaiming = (
        {name: tensor for name, tensor in one.state_dict().items() if "bn" not in name} for one in classifiers
    )
    assert all(torch.equal(xavier[name], again[name]) for name in xavier)
    drawn = [name for name in xavier if not name.endswith(("bias", "shortcut.1.weight", "mean", "var", "tracked"))]
    assert len(drawn) == 10
    assert not any(torch.equal(xavier[name], other[name]) for name in drawn for other in (own, kaiming))
    assert not xavier["backbone.fc.bias"].any()
    assert own["backbone.fc.bias"].all()


def test_images_are_normalised_unless_said_otherwise(tiny_dataset, tiny_spec):
    images = torch.rand(2, 3, 32, 32)
    normalised, said, bare = (
        build_classifier({**tiny_spec, "training": {**tiny_spec["training"], **training}}, tiny_dataset).eval()
        for training in ({}, {"image_normalisation": "dataset"}, {"image_normalisation": "none"})
    )
    assert torch.equal(normalised(images), said(images))
    assert torch.equal(bare(images), bare.backbone(images))
    assert torch.equal(normalised(images), bare((images - 0.5) / 0.25))


def test_count_parameters():
    model = torch.nn.Linear(3, 2)
    model.bias.requires_grad_(False)
    assert count_parameters(model) == 6
