"""Several processes that train one run: one for each GPU, on one machine or on every node of a Slurm allocation.

torch's elastic agent, which is what torchrun runs, starts them, gives them their ranks and ends all when one fails. It
is told to leave requests to stop alone: it would end processes that have not finished within its time, and forget
them when the signal comes twice, as it does on clusters that send it to every process of a job. Here each process
passes it on to those that it started; the ones that train agree to stop before the same batch.

    launch -> agent -> processes                  on one machine, with the agent in the job's own process
    launch -> srun -> agents -> processes         on several nodes, with an agent on each
"""

import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import psutil
import torch
import torch.distributed as dist

from filterfreq.models.device import use_device
from filterfreq.runtime.errors import InputError, StoppedError
from filterfreq.runtime.files import read_json, write_json
from filterfreq.runtime.jobs import log_of_worker, stop_requests
from filterfreq.runtime.machine import end_with_parent, handle_stop_requests
from filterfreq.training.distributed import Processes
from filterfreq.training.job import TrainingJob, run_training

_MODULE = "filterfreq.training.launch"
_GRACE = 10  # seconds that processes have to end themselves after another one has failed


def launch(job: TrainingJob) -> None:
    """Train with several processes, and end as the one process of a smaller job would.

    Raises:
        InputError: bad input; several nodes without Slurm; a process was killed.
        StoppedError: the training was asked to stop; its state is kept.
        RuntimeError: a process failed, with its traceback.
    """
    # What the processes are told and what they answer; on a cluster all nodes see it, as they must see the results.
    for left in job.folder.glob(".processes-*"):
        shutil.rmtree(left, ignore_errors=True)
    job.folder.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".processes-", dir=job.folder.resolve()))
    try:
        write_json(folder / "job.json", asdict(job))
        asked = _pass_on_requests_to_stop(folder)
        if job.nodes == 1:
            _run_agent(job, folder, 0, "localhost", 0)
        else:
            _run_agents(job, folder)
        _conclude(job, folder, asked())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _pass_on_requests_to_stop(folder: Path) -> Callable[[], bool]:
    """Pass requests to stop on to the processes that this one has started, and return whether one has come."""

    def pass_on(number: int, frame: object) -> None:
        # For those that have not started yet.
        (folder / "stop").touch()
        for child in psutil.Process().children():
            with suppress(psutil.NoSuchProcess):
                child.terminate()

    handle_stop_requests(pass_on)
    return (folder / "stop").exists


def _run_agents(job: TrainingJob, folder: Path) -> None:
    """Run an agent on every node of the Slurm allocation that this process is in."""
    if "SLURM_JOB_ID" not in os.environ or shutil.which("srun") is None:
        raise InputError(
            f"{job.name} is to train on {job.nodes} nodes (compute.train.nodes), but is not in a job of Slurm: "
            "submit it with profiles/slurm, or leave nodes out"
        )
    with socket.socket() as free:
        free.bind(("", 0))
        port = free.getsockname()[1]
    # The allocation may be in use by the step that this process runs in.
    command = ["srun", "--overlap", "--kill-on-bad-exit=1", f"--nodes={job.nodes}", f"--ntasks={job.nodes}"]
    command += ["--ntasks-per-node=1", f"--cpus-per-task={job.threads}"]
    command += [sys.executable, "-m", _MODULE, str(folder), str(port)]
    subprocess.run(command, env={**os.environ, **_python_path()}, check=False)  # noqa: S603


def _agent_of_node(job: TrainingJob, folder: Path, port: int) -> None:
    """Run the agent of one node, in a task of `srun`."""
    _pass_on_requests_to_stop(folder)
    command = ["scontrol", "show", "hostnames", os.environ["SLURM_STEP_NODELIST"]]
    nodes = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    _run_agent(job, folder, int(os.environ["SLURM_NODEID"]), nodes.stdout.split()[0], port)


def _run_agent(job: TrainingJob, folder: Path, node: int, host: str, port: int) -> None:
    """Start the processes of one node and wait until they have ended; note which one failed first, if any."""
    # Imported where there are several processes alone.
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    # What it has to say is said here.
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    config = LaunchConfig(
        min_nodes=job.nodes,
        max_nodes=job.nodes,
        nproc_per_node=job.processes_per_node,
        run_id="filterfreq",
        rdzv_backend="c10d",
        rdzv_endpoint=f"{host}:{port}",
        rdzv_configs={"is_host": node == 0},
        local_addr="localhost" if job.nodes == 1 else os.environ.get("SLURMD_NODENAME"),
        max_restarts=0,
        # None of those that ask to stop, and it takes no empty list.
        signals_to_handle="SIGQUIT",
        shutdown_timeout=_GRACE,
    )
    os.environ.update(_python_path())
    # torch warns of the price of what `Processes.join` asks for.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    try:
        elastic_launch(config, sys.executable)("-m", _MODULE, str(folder))
    except ChildFailedError as error:
        found = {"node": node, **min(map(_failure_facts, error.failures.items()), key=_precedence)}
        write_json(folder / f"failure-{node}.json", found)


def _failure_facts(failure: tuple) -> dict:
    rank, process = failure
    return {"rank": rank, "status": process.exitcode, "time": process.timestamp}


def _precedence(failure: dict) -> tuple[int, bool]:
    """What failed first, and of one second what was killed: others then fail for want of it."""
    return failure["time"], not (failure["status"] < 0 and failure["status"] != -signal.SIGTERM)


def _conclude(job: TrainingJob, folder: Path, asked: bool) -> None:
    """Raise what the processes have raised, by what they left."""
    outcomes = {rank: folder / f"outcome-{rank}.json" for rank in range(job.processes)}
    outcomes = {rank: read_json(file) for rank, file in outcomes.items() if file.exists()}
    by_kind = {outcome["kind"]: outcome for outcome in reversed(outcomes.values())}
    if "input" in by_kind:
        raise InputError(by_kind["input"]["message"])
    if "stopped" in by_kind:
        raise StoppedError(by_kind["stopped"]["message"], by_kind["stopped"]["progressed"])
    if all(outcomes.get(rank, {}).get("kind") == "done" for rank in range(job.processes)):
        return
    goes_on = "when run again, it goes on from its last saved state"
    if asked:
        raise StoppedError(f"{job.name} was asked to stop before all of its processes had begun: {goes_on}", False)
    failures = sorted(map(read_json, folder.glob("failure-*.json")), key=_precedence)
    if not failures:
        raise InputError(f"{job.name}: srun could not run it on {job.nodes} nodes (its own message is above)")
    rank, status = failures[0]["rank"], failures[0]["status"]
    if status < 0:
        name = signal.Signals(-status).name
        cause = ", as a machine does that is out of memory" if status == -signal.SIGKILL else ""
        raise InputError(
            f"{job.name}: process {rank} of 0 to {job.processes - 1} was ended by {name}{cause}, and the others with "
            f"it: {goes_on}"
        )
    raise RuntimeError(f"process {rank} of {job.name} failed:\n{outcomes.get(rank, {}).get('message', '')}")


def _train(job: TrainingJob, folder: Path) -> dict[str, str | bool]:
    """Train as one of the processes, and return what has become of it."""
    processes = Processes(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))
    logger = log_of_worker(job.log) if processes.is_first else logging.getLogger("filterfreq")
    try:
        device = use_device(job.compute, job.threads_per_process)
        if device.type == "cuda":
            _use_own_gpu(job)
        # Tensors on the CPU go by gloo also beside GPUs.
        dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
        # Not before all are there: a process that waits for the others would not hear it.
        stop = stop_requests()
        asked_before = (folder / "stop").exists()
        outcome = {"kind": "done", "message": ""}
        try:
            run_training(job, device, lambda: asked_before or stop(), logger.info, processes)
        except StoppedError as error:
            outcome = {"kind": "stopped", "message": str(error), "progressed": error.progressed}
        # None leaves while another one still waits for what it has sent.
        processes.any(False)
    except InputError as error:
        return {"kind": "input", "message": str(error)}
    except Exception:
        return {"kind": "failed", "message": traceback.format_exc()}
    return outcome


def _use_own_gpu(job: TrainingJob) -> None:
    number, there = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if there < job.processes_per_node:
        raise InputError(
            f"{job.name} is to train on {job.processes_per_node} GPUs of {socket.gethostname()} and sees {there}: "
            "lower compute.train.gpu, or ask for as many on each node"
        )
    torch.cuda.set_device(number)


def _python_path() -> dict[str, str]:
    """The environment in which another process finds this package."""
    scripts = str(Path(__file__).parents[2])
    return {"PYTHONPATH": os.pathsep.join(filter(None, [scripts, os.environ.get("PYTHONPATH")]))}


def main() -> None:
    """Be the agent of a node (arguments: folder, port) or one of the processes that train (argument: folder)."""
    folder = Path(sys.argv[1])
    job = TrainingJob(**read_json(folder / "job.json"))
    if len(sys.argv) > 2:
        _agent_of_node(job, folder, int(sys.argv[2]))
        return
    # Left alone by its agent, it would train beside the next start of the job.
    end_with_parent(signal.SIGKILL)
    outcome = _train(job, folder)
    write_json(folder / f"outcome-{os.environ['RANK']}.json", outcome)
    # At once: torch would wait for what other processes no longer send.
    os._exit(0 if outcome["kind"] in ("done", "stopped") else 1)


if __name__ == "__main__":
    main()
