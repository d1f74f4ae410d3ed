"""Several processes train what one does with the same batches; here on a CPU, with gloo."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch
from torch import nn

from filterfreq.errors import InputError
from filterfreq.files import read_json
from filterfreq.training.distributed import GlobalBatchNorm, Processes, with_global_statistics
from filterfreq.training.job import TrainingJob
from filterfreq.training.launch import launch

ROOT = Path(__file__).parents[2]

# Trains every case, in double precision, and keeps gradients of the first step, history and weights of each.
CASES_CODE = """
import json, sys
from pathlib import Path
import torch
import torch.distributed as dist
from filterfreq.compute import use_device
from filterfreq.data.arrays import PreparedDataset
from filterfreq.training.distributed import Processes
from filterfreq.training.loop import Trainer, build_classifier

def train(cases, folder, rank=0, size=1):
    for name, case in cases.items():
        dataset = PreparedDataset(case["dataset"])
        classifier = build_classifier(case["spec"], dataset).double()
        state = folder / f"{name}-{size}.state"
        trainer = Trainer(
            classifier, case["spec"], dataset, torch.device("cpu"), state, "", lambda line: None,
            workers=case["workers"], processes=Processes(rank, size),
        )
        gradients = []
        def keep(*_):
            if not gradients:
                gradients.extend(one.grad.clone() for one in classifier.parameters())
        trainer.optimizer.register_step_pre_hook(keep)
        history = trainer.train()
        if rank == 0:
            torch.save((gradients, history, trainer.result.state_dict()), folder / f"{name}-{size}.pt")

if __name__ == "__main__":
    rank, size, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    use_device({"device": "cpu"}, 1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/store-{size}", rank=rank, world_size=size)
    train(json.loads(sys.argv[4]), folder, rank, size)
    Processes(rank, size).any(False)
"""

# A job of its own: what scripts/train.py does with several processes.
JOB_CODE = """
import json, sys
from types import SimpleNamespace
from filterfreq.jobs import job
from filterfreq.training.job import TrainingJob
from filterfreq.training.launch import launch
training = TrainingJob(**json.loads(sys.argv[1]))
with job(SimpleNamespace(log=[training.log], rule="train")):
    launch(training)
"""

PENALTY = {"decomposition": "weight", "penalty": {"kind": "all", "strength": 0.01, "depth": 1}}
FGSM = {"attack": "fgsm", "norm": "linf", "epsilon": "4/255", "random_start": True}
PGD = {"attack": "pgd", "norm": "l2", "epsilon": "0.5", "steps": 2}
FREE = {"attack": "free", "norm": "linf", "epsilon": "4/255", "replays": 2}
# 96 images: batches of 40, 40 and 16, or of 19 five times and a last one of a single image.
CASES = {
    "plain": ({}, {"ema": 0.9}),
    "single": ({}, {"batch_size": 19}),
    "penalty": ({**PENALTY, "label_smoothing": 0.1}, {}),
    "mixup": ({"mixup": 0.5}, {"batch_size": 20, "accumulate": 2}),
    "policy": ({"gaussian_noise": 0.1, "augmentation_policy": "autoaugment"}, {"augmentation": "resized_crop_flip"}),
    "augmix": ({"augmentation_policy": "augmix", "jensen_shannon": 12}, {"epochs": 1}),
    "fgsm": ({"adversarial_training": FGSM}, {}),
    "pgd": ({"adversarial_training": PGD}, {"epochs": 1}),
    "free": ({"adversarial_training": FREE}, {"epochs": 4}),
    "files": ({**PENALTY, "mixup": 0.5}, {"augmentation": "resized_crop_flip"}),
}


def python(code: str, *arguments: str, **options) -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "scripts"), "TORCH_CPP_LOG_LEVEL": "ERROR", **options.pop("environment", {})}
    return subprocess.Popen([sys.executable, "-c", code, *arguments], env=environment, text=True, **options)


@pytest.fixture(scope="module")
def outcomes(tiny_dataset, tiny_files, tmp_path_factory):
    """For each case what one process and what two make of it: gradients, history, weights."""
    folder = tmp_path_factory.mktemp("outcomes")
    base = {"epochs": 2, "batch_size": 40, "optimizer": "sgd", "learning_rate": 0.01, "weight_decay": 0.01}
    base |= {"schedule": "cosine", "augmentation": "crop_flip"}
    run = {"dataset": "tiny", "model": "resnet_8_4", "variant": "any", "seed": 0}
    cases = {
        name: {
            "dataset": str((tiny_files if name == "files" else tiny_dataset).folder),
            "workers": int(name == "files"),
            "spec": {"run": run, "variant": variant, "training": {**base, **training}},
        }
        for name, (variant, training) in CASES.items()
    }
    both = [python(CASES_CODE, str(rank), "2", str(folder), json.dumps(cases)) for rank in (0, 1)]
    assert [process.wait(300) for process in both] == [0, 0]
    names: dict = {"__name__": "cases"}
    exec(CASES_CODE, names)
    names["train"](cases, folder)
    return {name: [torch.load(folder / f"{name}-{size}.pt", weights_only=True) for size in (1, 2)] for name in cases}


@pytest.mark.parametrize("name", CASES)
def test_two_processes_train_what_one_does(outcomes, name):
    (gradients, history, weights), (gradients_of_two, history_of_two, weights_of_two) = outcomes[name]
    # Images, logits and penalty are single precision; what is added up in another order is double.
    torch.testing.assert_close(gradients_of_two, gradients, rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(weights_of_two, weights, rtol=1e-5, atol=1e-7)
    for one, two in zip(history, history_of_two, strict=True):
        assert two == pytest.approx(one, rel=1e-6)
