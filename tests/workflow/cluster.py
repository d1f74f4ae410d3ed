"""A real Slurm on this machine: controller, one node with two CPUs and two GPUs that are none, no accounting.

Slurm reads one configuration per machine, so this needs root, a machine without a Slurm of its own, and the packages
`slurm-wlm` and `munge`.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
from workflow.conftest import Project

MARK = "# A cluster of one machine, made by the tests of filterfreq."
CONFIG = Path("/etc/slurm/slurm.conf")
GRES = Path("/etc/slurm/gres.conf")
STATE = Path("/var/spool/filterfreq-slurm")

# A job that does not end on SIGTERM is killed after KillWait. Jobs in the partition `urgent` take the place of others.
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
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
KillWait=15
GresTypes=gpu
StateSaveLocation={state}/controller
SlurmdSpoolDir={state}/node
SlurmctldPidFile={state}/slurmctld.pid
SlurmdPidFile={state}/slurmd.pid
SlurmctldLogFile={state}/slurmctld.log
SlurmdLogFile={state}/slurmd.log
SchedulerParameters=sched_interval=1
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=8000 Gres=gpu:2
PartitionName=cpu Nodes={host} Default=YES
PartitionName=gpu Nodes={host} GraceTime=15
PartitionName=urgent Nodes={host} PriorityTier=10
"""

# The plugin looks less and less often at jobs that take long; nobody waits for that here.
_SNAKEMAKE = """
import snakemake_executor_plugin_slurm
from snakemake.cli import main
executor = snakemake_executor_plugin_slurm.Executor
executor.next_seconds_between_status_checks = property(lambda self: 1, lambda self, value: None)
main()
"""
# Without accounting there is no sacct and no account.
_OPTIONS = (
    "--profile profiles/slurm --configfile tiny.yaml --slurm-status-command squeue --slurm-no-account "
    "--slurm-init-seconds-before-status-checks 1 --seconds-between-status-checks 1 --latency-wait 10"
)


def why_no_slurm() -> str | None:
    """Say why no Slurm is started here, or return None."""
    if not os.environ.get("SLURM_TESTS"):
        return "it starts a Slurm on this machine, which SLURM_TESTS=1 allows"
    if os.geteuid() != 0:
        return "starting Slurm needs root"
    for program in ("munged", "slurmctld", "slurmd", "sbatch"):
        if shutil.which(program) is None:
            return f"{program} is not installed (Debian: apt-get install slurm-wlm munge)"
    ours = CONFIG.exists() and CONFIG.read_text().startswith(MARK)
    if not ours and (CONFIG.exists() or _running("slurmd") or _running("slurmctld")):
        return "this machine has a Slurm of its own"
    return None


class Cluster:
    """The daemons; each can be killed and started again."""

    def start(self) -> None:
        """Start with no jobs and no past."""
        self.stop()
        for folder in (STATE / "controller", STATE / "node"):
            folder.mkdir(parents=True)
        host = socket.gethostname().partition(".")[0]
        CONFIG.write_text(_CONFIG.format(mark=MARK, host=host, state=STATE))
        # Slurm wants a device for each GPU; two terminals stand for them.
        GRES.write_text("Name=gpu File=/dev/tty[0-1]\n")
        Path("/run/munge").mkdir(exist_ok=True)
        shutil.chown("/run/munge", "munge", "munge")
        if not _running("munged"):
            _spawn("runuser", "-u", "munge", "--", "munged")
        self.start_daemon("slurmctld")
        self.start_daemon("slurmd")
        self.wait_for_node("idle")

    def stop(self) -> None:
        """End daemons and jobs, and remove all that `start` made."""
        self.kill("slurmctld", "slurmd")
        self.kill_jobs()
        shutil.rmtree(STATE, ignore_errors=True)
        CONFIG.unlink(missing_ok=True)
        GRES.unlink(missing_ok=True)

    def start_daemon(self, name: str) -> None:
        _spawn(name)

    def kill(self, *names: str) -> None:
        """SIGKILL `slurmd` or `slurmctld`."""
        _kill([process for name in names for process in _running(name)])

    def kill_jobs(self) -> None:
        """SIGKILL every process of every job, as a node that loses its power does."""
        steps = _running("slurmstepd")
        members = [member for step in steps for member in step.children(recursive=True)]
        # Slurm's own first: they would still report how the others ended.
        _kill([*steps, *members])

    def set_node(self, state: str) -> None:
        """What an administrator says of the node: DOWN, DRAIN or RESUME."""
        node = slurm("sinfo", "--noheader", "--format=%n").split()[0]
        slurm("scontrol", "update", f"NodeName={node}", f"State={state}", "Reason=test")

    def repair(self) -> None:
        """What an administrator does for jobs that could not be started: resume the node, let them start at once.

        Slurm drains a node whose daemon died while it started a job, and holds that job.
        """
        if {"drained", "draining", "down"} & set(slurm("sinfo", "--noheader", "--format=%T").split()):
            self.set_node("RESUME")
        for line in slurm("squeue", "--noheader", "--states=PENDING", "--format=%i %r").splitlines():
            number, _, reason = line.partition(" ")
            if "held" in reason.lower():
                slurm("scontrol", "release", number)
            elif reason == "BeginTime":
                slurm("scontrol", "update", f"JobId={number}", "StartTime=now")

    def running(self) -> list[str]:
        """The rules, with their wildcards, of the jobs that are running."""
        return slurm("squeue", "--noheader", "--states=RUNNING", "--format=%k").split()

    def kill_script(self, job: str) -> int:
        """SIGKILL the script that a job is at, if it has come to one; return how many were killed."""
        found = [line.split() for line in slurm("squeue", "--noheader", "--format=%i %k").splitlines()]
        numbers = {number for number, comment in found if comment == job}
        scripts = [
            process
            for process in psutil.process_iter(["cmdline", "environ"])
            if any("/.snakemake/scripts/" in part for part in process.info["cmdline"] or [])
            and (process.info["environ"] or {}).get("SLURM_JOB_ID") in numbers
        ]
        _kill(scripts)
        return bool(scripts)

    def wait_for_node(self, state: str) -> None:
        """Wait until the node is `idle`, `down`, ... and the controller answers."""
        wait_until(lambda: set(slurm("sinfo", "--noheader", "--format=%T").split()) == {state}, f"the node is {state}")

    def wait_for_job(self, number: str, state: str) -> None:
        wait_until(lambda: self.state(number) == state, f"job {number} is {state}")

    def state(self, number: str) -> str:
        """PENDING, RUNNING, ... or an empty string where Slurm knows no such job or does not answer."""
        return slurm("squeue", "--noheader", "--states=all", f"--jobs={number}", "--format=%T").strip()

    def begin(self, number: str) -> None:
        """Start a job that was queued again; by itself Slurm waits for two minutes."""
        wait_until(lambda: self.state(number) == "PENDING", f"job {number} is queued again")
        slurm("scontrol", "update", f"JobId={number}", "StartTime=now")


class Submission:
    """A `snakemake --profile profiles/slurm` at work.

    Args:
        project: where; its jobs are the node's.
        arguments: targets, and options beside those of the profile.
        programs: a folder whose programs it finds before all others.
    """

    def __init__(self, project: Project, *arguments: str, programs: Path | None = None) -> None:
        self.project = project
        self.output = project.folder / "snakemake.out"
        variables = dict(os.environ)
        if programs is not None:
            variables["PATH"] = f"{programs}{os.pathsep}{variables['PATH']}"
        with open(self.output, "w") as file:
            command = [sys.executable, "-c", _SNAKEMAKE, *arguments, *_OPTIONS.split()]
            self.process = subprocess.Popen(
                command, cwd=project.folder, env=variables, stdout=file, stderr=subprocess.STDOUT
            )

    def text(self) -> str:
        return self.output.read_text()

    def jobs(self) -> list[str]:
        """The numbers of the jobs that were submitted so far."""
        return re.findall(r"SLURM jobid (\d+)", self.text())

    def wait_for(self, log: str, line: str, seconds: float = 300) -> None:
        """Wait until a log of the project has a line with certain words."""
        file = self.project.folder / log
        wait_until(lambda: file.exists() and line in file.read_text(), f"{log} says {line!r}", self, seconds)

    def finish(self) -> str:
        """Wait for a good end, and return what was said."""
        assert self.process.wait(timeout=1200) == 0, self.text()
        return self.text()


def wait_until(true, what: str, submission: Submission | None = None, seconds: float = 300) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + seconds
    while not true():
        ended = submission is not None and submission.process.poll() is not None
        if ended or time.monotonic() > deadline:
            said = submission.text() if submission else (STATE / "slurmctld.log").read_text()
            raise AssertionError(f"waited in vain until {what}: {said[-6000:]}")
        time.sleep(0.2)


def slurm(*command: str) -> str:
    """What a command of Slurm prints; nothing where it fails, as it does while the controller is away."""
    return subprocess.run(command, capture_output=True, text=True).stdout


def _spawn(*command: str) -> None:
    # The daemons go on in the background; with open pipes the caller would wait for them.
    silent = subprocess.DEVNULL
    subprocess.run(command, check=True, start_new_session=True, stdin=silent, stdout=silent, stderr=silent)


def _running(program: str) -> list[psutil.Process]:
    return [process for process in psutil.process_iter(["name"]) if process.info["name"] == program]


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(processes, timeout=10)
