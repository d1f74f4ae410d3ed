"""A real Slurm on this machine: controller, one node with two CPUs and two GPUs that are none, no accounting.

Slurm reads one configuration per machine, so this needs root, a machine without a Slurm of its own, and the packages
`slurm-wlm` and `munge`.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

MARK = "# A cluster of one machine, made by the tests of filterfreq."
CONFIG = Path("/etc/slurm/slurm.conf")
GRES = Path("/etc/slurm/gres.conf")
STATE = Path("/var/spool/filterfreq-slurm")

# A job that does not end on SIGTERM is killed after KillWait; Slurm's own default is 30 s.
_CONFIG = """{mark}
ClusterName=filterfreq
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
MpiDefault=none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
ReturnToService=2
KillWait=20
OverTimeLimit=0
SlurmdTimeout=10
GresTypes=gpu
StateSaveLocation={state}/controller
SlurmdSpoolDir={state}/node
SlurmctldPidFile={state}/slurmctld.pid
SlurmdPidFile={state}/slurmd.pid
SlurmctldLogFile={state}/slurmctld.log
SlurmdLogFile={state}/slurmd.log
SchedulerParameters=sched_interval=1
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=8000 Gres=gpu:2
PartitionName=cpu Nodes={host} Default=YES State=UP
PartitionName=gpu Nodes={host} State=UP
"""


def missing() -> str | None:
    """Say why no Slurm can be started here, or return None."""
    if os.geteuid() != 0:
        return "starting Slurm needs root"
    for program in ("munged", "slurmctld", "slurmd", "sbatch"):
        if shutil.which(program) is None:
            return f"{program} is not installed (Debian: apt-get install slurm-wlm munge)"
    if CONFIG.exists() and not CONFIG.read_text().startswith(MARK):
        return f"this machine has a Slurm of its own ({CONFIG})"
    return None


class Cluster:
    """The daemons; each can be killed and started again."""

    def start(self) -> None:
        self.stop()
        shutil.rmtree(STATE, ignore_errors=True)
        for folder in (STATE / "controller", STATE / "node"):
            folder.mkdir(parents=True)
        host = socket.gethostname().partition(".")[0]
        CONFIG.write_text(_CONFIG.format(mark=MARK, host=host, state=STATE, cpus=min(2, os.cpu_count())))
        # Slurm wants a device for each GPU; two terminals stand for them.
        GRES.write_text("Name=gpu File=/dev/tty[0-1]\n")
        Path("/run/munge").mkdir(exist_ok=True)
        shutil.chown("/run/munge", "munge", "munge")
        if not _running("munged"):
            self._spawn("runuser", "-u", "munge", "--", "munged")
        self.start_controller()
        self.start_node()
        self.wait_idle()

    def start_controller(self) -> None:
        self._spawn("slurmctld")

    def start_node(self) -> None:
        self._spawn("slurmd")

    def kill(self, daemon: str) -> None:
        """SIGKILL `slurmd` or `slurmctld`."""
        for pid in _running(daemon):
            os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        if CONFIG.exists() and (_running("slurmctld") and _running("slurmd")):
            subprocess.run(["scancel", "--user", "root"], check=False, capture_output=True)
        for daemon in ("slurmd", "slurmctld"):
            self.kill(daemon)

    def wait_idle(self, seconds: float = 60) -> None:
        """Wait until the node takes jobs and runs none."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            state = subprocess.run(["sinfo", "--noheader", "--format=%T"], capture_output=True, text=True)
            if set(state.stdout.split()) == {"idle"}:
                return
            time.sleep(0.5)
        log = (STATE / "slurmctld.log").read_text()
        raise AssertionError(f"the node is not idle: {state.stdout}{state.stderr}{log}")

    def jobs(self) -> list[tuple[str, str]]:
        """Number and state of every job that Slurm still knows."""
        listed = subprocess.run(
            ["squeue", "--noheader", "--states=all", "--format=%i %T"], capture_output=True, text=True, check=True
        )
        return [tuple(line.split()) for line in listed.stdout.splitlines()]

    def _spawn(self, *command: str) -> None:
        # The daemons go on in the background; with open pipes the caller would wait for them.
        subprocess.run(
            command,
            check=True,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def _running(program: str) -> list[int]:
    found = subprocess.run(["pgrep", "-x", program], capture_output=True, text=True)
    return [int(pid) for pid in found.stdout.split()]
