"""Several processes train what one does with the same batches; here on a CPU, with gloo."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import psutil
import pytest
import torch
from torch import nn

from filterfreq.runtime.errors import InputError, StoppedError
from filterfreq.runtime.files import read_json, write_json
from filterfreq.training.distributed import GlobalBatchNorm, Processes, use_global_statistics
from filterfreq.training.job import TrainingJob
from filterfreq.training.launch import launch

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

# Trains every case, in double precision, and keeps gradients of the first step, history and weights of each.
CASES_CODE = """
import json, sys
from pathlib import Path
import torch
import torch.distributed as dist
from filterfreq.models.device import use_device
from filterfreq.data.arrays import PreparedDataset
from filterfreq.training.distributed import Processes
from filterfreq.training.execution import Execution
from filterfreq.training.loop import Trainer
from filterfreq.training.state import StateFile
from filterfreq.training.untrained import build_classifier

def train(cases, folder, rank=0, size=1):
    for name, case in cases.items():
        dataset = PreparedDataset(case["dataset"])
        classifier = build_classifier(case["spec"], dataset).double()
        state = folder / f"{name}-{size}.state"
        execution = Execution(torch.device("cpu"), workers=case["workers"], processes=Processes(rank, size))
        trainer = Trainer(classifier, case["spec"], dataset, execution, StateFile(state, ""))
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
from filterfreq.runtime.jobs import job
from filterfreq.training.job import TrainingJob
from filterfreq.training.launch import launch
training = TrainingJob(**json.loads(sys.argv[1]))
with job(SimpleNamespace(log=[training.log], rule="train", config={"compute": training.compute})):
    launch(training)
"""

PENALTY = {"decomposition": "weight", "penalty": {"kind": "all", "strength": 0.01, "layers": "all"}}
FGSM = {"attack": "fgsm", "norm": "linf", "epsilon": "4/255", "random_start": True}
PGD = {"attack": "pgd", "norm": "l2", "epsilon": "0.5", "steps": 2}
FREE = {"attack": "free", "norm": "linf", "epsilon": "4/255", "replays": 2}
# 96 images: batches of 40, 40 and 16, or of 19 five times and a last one of a single image.
CASES = {
    "plain": ({}, {"ema": 0.9}),
    "single": ({}, {"batch_size": 19, "epochs": 1}),
    "penalty": ({**PENALTY, "label_smoothing": 0.1}, {"epochs": 1}),
    "mixup": ({"mixup": 0.5}, {"batch_size": 20, "accumulate": 2}),
    "policy": (
        {"gaussian_noise": 0.1, "gaussian_noise_up_to": 0.1, "augmentation_policy": "autoaugment"},
        {"augmentation": "resized_crop_flip", "epochs": 1},
    ),
    "augmix": ({"augmentation_policy": "augmix", "jensen_shannon": 12}, {"epochs": 1}),
    "fgsm": ({"adversarial_training": FGSM}, {"epochs": 1}),
    "pgd": ({"adversarial_training": PGD}, {"epochs": 1}),
    "free": ({"adversarial_training": FREE}, {"epochs": 4}),
    "files": ({**PENALTY, "mixup": 0.5}, {"augmentation": "resized_crop_flip"}),
}


def python(code: str, *arguments: str, **options) -> subprocess.Popen:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "scripts"),
        "TORCH_CPP_LOG_LEVEL": "ERROR",
        **options.pop("environment", {}),
    }
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


def test_statistics_are_those_of_the_whole_batch_in_torchs_own_layer():
    """The layer alone, where it has every image: outputs, gradients and running statistics are torch's."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.BatchNorm2d(3, momentum=0.3, dtype=torch.float64))
    images = torch.randn(5, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    images_of_own = images.detach().clone().requires_grad_()
    own = nn.Sequential(nn.BatchNorm2d(3, momentum=0.3, dtype=torch.float64))
    parameters = list(own.parameters())
    assert use_global_statistics(own, torch.device("cpu")) is own
    assert isinstance(own[0], GlobalBatchNorm)
    assert all(one is other for one, other in zip(own.parameters(), parameters, strict=True))
    with one_process_group():
        found = [own(images_of_own) for _ in range(2)][-1]
        found.square().sum().mul(0.5).add(found.sin().sum()).backward()
    expected = [model(images) for _ in range(2)][-1]
    expected.square().sum().mul(0.5).add(expected.sin().sum()).backward()
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(images_of_own.grad, images.grad)
    torch.testing.assert_close(own.state_dict(), model.state_dict())
    torch.testing.assert_close(own.eval()(images), model.eval()(images))


@contextmanager
def one_process_group():
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


def test_other_batch_normalisation_is_refused():
    class Renormalised(nn.BatchNorm2d):
        pass

    with pytest.raises(InputError, match="several processes on a cpu cannot train a model with Renormalised"):
        use_global_statistics(nn.Sequential(Renormalised(3)), torch.device("cpu"))


@pytest.mark.parametrize("adjacent", [False, True])
def test_every_image_is_one_processes_own(adjacent):
    for count in (0, 1, 2, 7, 96):
        rows = [Processes(rank, 3).rows(count, adjacent).tolist() for rank in range(3)]
        assert sorted(chain(*rows)) == list(range(count))
        assert max(map(len, rows)) - min(map(len, rows)) <= 1
        if not adjacent:
            # What free adversarial training rests on.
            assert all(own == Processes(rank, 3).rows(96).tolist()[: len(own)] for rank, own in enumerate(rows))


class Job:
    """A training with two processes, as a job of its own in a process group of its own."""

    def __init__(self, folder: Path, spec: dict, dataset: Path, **changed) -> None:
        self.log = folder / "log"
        self.folder = folder
        folder.mkdir(exist_ok=True)
        files = {"record": folder / "run.json", "history": folder / "history.csv", "log": self.log}
        self.training = TrainingJob(
            spec,
            "code",
            {"device": "cpu"},
            2,
            str(dataset / "dataset.json"),
            **{name: str(file) for name, file in files.items()},
        )
        self.training.processes = 2
        for name, value in changed.items():
            setattr(self.training, name, value)

    def start(self, **environment: str) -> subprocess.Popen:
        arguments = json.dumps(vars(self.training))
        return python(JOB_CODE, arguments, environment=environment, start_new_session=True, stderr=subprocess.DEVNULL)

    def wait_for_epoch(self, epoch: int) -> subprocess.Popen:
        """A job that has just finished an epoch."""
        process = self.start()
        deadline = time.monotonic() + 120
        while f"epoch {epoch:2d}/" not in (self.log.read_text() if self.log.exists() else ""):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return process

    @property
    def last_line(self) -> str:
        return self.log.read_text().splitlines()[-1]


def those_that_train(process: subprocess.Popen) -> list[psutil.Process]:
    return [one for one in psutil.Process(process.pid).children() if "filterfreq.training.launch" in one.cmdline()]


# Stands for srun: runs the command once for each node, all on this machine, and hands SIGTERM on.
SRUN = """#!/bin/sh
trap 'kill -TERM $pids' TERM
echo "$@" > "$SRUN_CALLED"
while [ "${1#-}" != "$1" ]; do shift; done
for node in 0 1; do
    SLURM_NODEID=$node SLURM_STEP_NODELIST=localhost SLURMD_NODENAME=localhost "$@" &
    pids="$pids $!"
done
for pid in $pids; do wait $pid; done
"""


@pytest.fixture
def slurm(tmp_path) -> dict[str, str]:
    """The environment of a job on two nodes."""
    (tmp_path / "bin").mkdir()
    for name, text in (("srun", SRUN), ("scontrol", "#!/bin/sh\necho localhost\n")):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "SLURM_JOB_ID": "1", "SRUN_CALLED": str(tmp_path / "called")}


def test_whatever_ends_a_job_its_rerun_goes_on_to_the_same_bytes(tiny_dataset, tiny_spec, slurm, tmp_path):
    """Two processes on one node, interrupted again and again, and one on each of two nodes, that are not."""
    tiny_spec["training"]["epochs"] = 13
    on_two_nodes = Job(tmp_path / "straight", tiny_spec, tiny_dataset.folder, nodes=2, threads=1)
    straight = on_two_nodes.start(**slurm)
    job = Job(tmp_path / "job", tiny_spec, tiny_dataset.folder)

    # One of the processes that train is killed.
    process = job.wait_for_epoch(2)
    those_that_train(process)[1].kill()
    assert process.wait(300) == 1
    assert "process 1 of 0 to 1 was ended by SIGKILL" in job.last_line
    assert "when run again, it goes on from its last saved state" in job.last_line

    # The job itself is killed: the others must not train on beside the rerun.
    job.log.unlink()
    process = job.wait_for_epoch(5)
    family = those_that_train(process)
    assert len(family) == 2
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(family, timeout=10)
    assert all(one.status() == psutil.STATUS_ZOMBIE for one in alive)

    # A cluster takes the node away: SIGTERM, to all of them at once and more than once.
    job.log.unlink()
    process = job.wait_for_epoch(8)
    for _ in range(3):
        os.killpg(process.pid, signal.SIGTERM)
    assert process.wait(300) == 128 + signal.SIGTERM
    assert "was asked to stop: it is kept after epoch" in job.last_line
    assert [file.name for file in job.folder.iterdir() if file != job.log] == ["training_state.pt"]

    # SIGTERM to one of them is enough.
    job.log.unlink()
    process = job.wait_for_epoch(11)
    those_that_train(process)[1].terminate()
    assert process.wait(300) == 128 + signal.SIGTERM
    assert "was asked to stop" in job.last_line

    job.log.unlink()
    assert job.start().wait(120) == 0
    assert "goes on after epoch" in job.log.read_text().splitlines()[1]
    assert straight.wait(120) == 0
    options = "--overlap --kill-on-bad-exit=1 --nodes=2 --ntasks=2 --ntasks-per-node=1 --cpus-per-task=1 "
    assert (tmp_path / "called").read_text().startswith(options)
    assert read_json(on_two_nodes.folder / "run.json")["provenance"]["nodes"] == 2
    for name in ("model.safetensors", "history.csv"):
        assert (job.folder / name).read_bytes() == (on_two_nodes.folder / name).read_bytes()
    assert read_json(job.folder / "run.json")["provenance"]["processes"] == 2
    assert sorted(file.name for file in job.folder.iterdir()) == [
        *("history.csv", "history.csv.sha256", "log", "model.safetensors", "run.json")
    ]


def test_several_nodes_without_slurm_are_refused(tiny_dataset, tiny_spec, tmp_path, monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    job = Job(tmp_path / "job", tiny_spec, tiny_dataset.folder, nodes=2)
    with pytest.raises(InputError, match=r"to train on 2 nodes \(compute.train.nodes\), but is not in a job of Slurm"):
        launch(job.training)
    assert not list(job.folder.iterdir())


@pytest.mark.parametrize(
    ("outcomes", "error", "message"),
    [
        # The second process then misses the first.
        ({0: "input", 1: "failed"}, InputError, "^said by 0$"),
        ({0: "failed", 1: "input"}, InputError, "^said by 1$"),
        ({0: "stopped", 1: "stopped"}, StoppedError, "^said by 0$"),
        ({0: "failed"}, RuntimeError, "^process 0 of tiny/resnet_8_4/any/0 failed:\nsaid by 0$"),
    ],
)
def test_a_job_ends_as_its_processes_do(tiny_dataset, tiny_spec, tmp_path, monkeypatch, outcomes, error, message):
    def agent(job, folder, *_):
        for rank, kind in outcomes.items():
            outcome = {"kind": kind, "message": f"said by {rank}", "progressed": True}
            write_json(folder / f"outcome-{rank}.json", outcome)
        write_json(folder / "failure-0.json", {"rank": 0, "status": 1, "time": 0})

    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr("filterfreq.training.launch._run_agent", agent)
    with pytest.raises(error, match=message):
        launch(Job(tmp_path / "job", tiny_spec, tiny_dataset.folder).training)
