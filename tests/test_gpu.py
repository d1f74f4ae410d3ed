"""What a GPU computes, against the same on a CPU; left out where there is none."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from filterfreq.evaluation.prediction import predict
from filterfreq.models.classifier import Classifier
from filterfreq.models.device import describe_device, peak_memory_mb, use_device, use_precision
from filterfreq.models.registry import build
from filterfreq.models.surgery.decomposition import decompose
from filterfreq.planning.calibration import hardware, measure
from filterfreq.runtime.errors import InputError, StoppedError
from filterfreq.training.attacks import pgd
from filterfreq.training.execution import Execution
from filterfreq.training.loop import Trainer
from filterfreq.training.state import StateFile
from filterfreq.training.untrained import build_classifier

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

ROOT = Path(__file__).parents[1]
CPU = torch.device("cpu")
CLAIM = """
import sys
sys.path.insert(0, {scripts!r})
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.machine import claim_gpus
try:
    print(*claim_gpus(1), flush=True)
except InputError as error:
    print(error, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def gpu():
    threads = torch.get_num_threads()
    yield use_device({"device": "cuda"}, threads)
    torch.set_deterministic_debug_mode("default")


@pytest.fixture(params=["resnet_20", "lowres_resnet9"])
def classifier(request) -> Classifier:
    torch.manual_seed(0)
    network = decompose(build(request.param, 10), "weight")
    return Classifier(network, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)).eval()


def random_images(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


def made_trainer(spec, dataset, device, state_file, precision="float32", stop=lambda: False, captured=False) -> Trainer:
    execution = Execution(device, precision, captured=captured)
    return Trainer(build_classifier(spec, dataset), spec, dataset, execution, StateFile(state_file, "one"), stop=stop)


def test_a_gpu_gives_the_logits_of_the_cpu(gpu, classifier):
    """In full float32: with TF32, which torch may choose, they would differ by 1e-3."""
    images = torch.rand(64, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = classifier(images)
        classifier.to(gpu)
        for memory_format in (torch.contiguous_format, torch.channels_last):
            logits = classifier.to(memory_format=memory_format)(images.to(gpu))
            torch.testing.assert_close(logits.cpu(), expected, rtol=1e-4, atol=1e-4)


def test_a_gpu_predicts_as_the_cpu(gpu, classifier):
    images = random_images(200)
    expected = predict(classifier, images, 50, CPU)
    found = predict(classifier.to(gpu), images, 50, gpu)
    # A tie within rounding may fall either way.
    assert (found == expected).mean() >= 0.99


@pytest.mark.parametrize(("norm", "epsilon", "step_size"), [("linf", 4 / 255, 1 / 255), ("l2", 0.5, 0.125)])
def test_pgd_on_a_gpu_is_as_strong_as_on_the_cpu(gpu, classifier, norm, epsilon, step_size):
    images = torch.rand(32, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(32) % 10
    losses = []
    for device in (CPU, gpu):
        model = classifier.to(device)
        shown = images.to(device), labels.to(device)
        found = pgd(model, *shown, epsilon, 10, step_size, norm, generator=torch.Generator().manual_seed(2))
        order = {"linf": torch.inf, "l2": 2}[norm]
        offsets = torch.linalg.vector_norm((found - shown[0]).flatten(1), order, dim=1)
        assert offsets.max() <= epsilon + 1e-6
        assert found.min() >= 0
        assert found.max() <= 1
        with torch.no_grad():
            losses.append(torch.nn.functional.cross_entropy(model(found), shown[1]).item())
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16"])
def test_training_learns_in_each_precision(gpu, precision, tiny_dataset, tiny_spec, tmp_path):
    assert use_precision({"on_gpu": {"precision": precision}}, gpu) == precision
    history = made_trainer(tiny_spec, tiny_dataset, gpu, tmp_path / "state.pt", precision).train()
    assert history[-1]["loss"] < 0.5 * history[0]["loss"]
    assert history[-1]["test_accuracy"] > 0.7
    assert peak_memory_mb(gpu) > 1


def test_a_deterministic_training_is_resumed_to_the_same_bits(gpu, tiny_dataset, tiny_spec, tmp_path):
    use_device({"device": "cuda", "on_gpu": {"deterministic": True}}, torch.get_num_threads())
    whole = made_trainer(tiny_spec, tiny_dataset, gpu, tmp_path / "whole.pt")
    whole.train()
    batches_left = iter(range(5))
    first = made_trainer(
        tiny_spec, tiny_dataset, gpu, tmp_path / "state.pt", stop=lambda: next(batches_left, None) is None
    )
    with pytest.raises(StoppedError):
        first.train()
    second = made_trainer(tiny_spec, tiny_dataset, gpu, tmp_path / "state.pt")
    second.train()
    for name, tensor in whole.result.state_dict().items():
        assert torch.equal(second.result.state_dict()[name], tensor), name


@pytest.mark.parametrize(
    "variant",
    [
        {},
        {"decomposition": "weight", "penalty": {"kind": "all", "strength": 0.01, "layers": "third"}},
        {"adversarial_training": {"attack": "fgsm", "norm": "linf", "epsilon": "2/255", "random_start": True}},
        {"dropout": 0.5},
        {"normalisation": "none", "penalty": {"kind": "smooth", "strength": 0.01, "layers": "all"}},
    ],
    ids=["plain", "penalty", "fgsm", "dropout", "smooth"],
)
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_steps_as_cuda_graphs_train_as_others_do(gpu, variant, optimizer, precision, tiny_dataset, tiny_spec, tmp_path):
    """Random starts and dropout are drawn alike, and a new learning rate counts."""
    use_device({"device": "cuda", "on_gpu": {"deterministic": True}}, torch.get_num_threads())
    use_precision({"on_gpu": {"precision": precision}}, gpu)
    training = {**tiny_spec["training"], "optimizer": optimizer, "learning_rate": 0.001}
    spec = {**tiny_spec, "variant": variant, "training": training}
    eager, captured = (
        made_trainer(spec, tiny_dataset, gpu, tmp_path / f"{captured}.pt", precision, captured=captured)
        for captured in (False, True)
    )
    expected, found = eager.train(), captured.train()
    assert captured.captured
    for name, tensor in eager.result.state_dict().items():
        torch.testing.assert_close(captured.result.state_dict()[name], tensor, rtol=1e-3, atol=1e-4)
    assert [row["loss"] for row in found] == pytest.approx([row["loss"] for row in expected], rel=1e-3)


def test_a_step_that_waits_for_the_gpu_is_not_captured(gpu, tiny_dataset, tiny_spec, tmp_path):
    trainer = made_trainer(tiny_spec, tiny_dataset, gpu, tmp_path / "state.pt", captured=True)
    loss = trainer.objective.loss
    trainer.objective.loss = lambda *arguments: loss(*arguments) * float(loss(*arguments) > 0)
    with pytest.raises(InputError, match=r"leave compute\.on_gpu\.cuda_graphs out"):
        trainer.train()


def test_each_job_has_a_gpu_of_its_own():
    command = [sys.executable, "-c", CLAIM.format(scripts=str(ROOT / "scripts"))]
    jobs = []
    try:
        for _ in range(torch.cuda.device_count() + 1):
            jobs.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
            jobs[-1].said = jobs[-1].stdout.readline().strip()
        *claimed, refused = [job.said for job in jobs]
        assert len(set(claimed)) == torch.cuda.device_count()
        assert "GPUs are taken and the job needs 1" in refused
    finally:
        for job in jobs:
            job.communicate()


def test_calibration_measures_the_gpu(gpu):
    assert hardware(gpu) == describe_device(gpu) == torch.cuda.get_device_name()
    unit = {"kind": "evaluate", "model": "resnet_20", "batch_size": 100, "image_size": 32}
    found = measure(unit, 10, {"device": "cuda"}, gpu, seconds=0.5)
    assert 0 < found["forward"] < 1e-3
    assert 0 < found["backward"] < 1e-3
