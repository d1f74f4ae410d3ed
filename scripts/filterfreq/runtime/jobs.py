"""What every script of the workflow does first: a log, and one sentence when its input is bad."""

import fcntl
import logging
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psutil

from filterfreq.runtime.errors import InputError, StoppedError
from filterfreq.runtime.machine import claim_gpus, end_with_parent, handle_stop_requests
from filterfreq.runtime.submission import slurm_job
from filterfreq.runtime.text import one_line

# What a shell says of a process that SIGTERM or SIGINT has ended.
_STOPPED = 128 + signal.SIGTERM
_INTERRUPTED = 128 + signal.SIGINT
# struct flock of fcntl(2), where type, whence, start, length and process stand.
_FLOCK = ("qqihh", 3) if sys.platform == "darwin" else ("hhqqi", 0)


@contextmanager
def job(snakemake: Any) -> Iterator[logging.Logger]:
    """Run a script's work on GPUs of its own, with a logger that writes to the terminal and to the rule's log file.

    The log file alone also gets a first line that says where the job runs, and a last one that says how long the
    process took to start, imports included, and how long it worked.

    Bad input ends the job with exit status 1 and the sentence that says what was wrong, a request to stop with 143 and
    the sentence that says where it goes on, Ctrl-C with 130. Any other exception goes to the log with its traceback,
    and on to Snakemake.

    Two processes must not make the same outputs. The log file, which no two jobs share, is locked as long as the job
    runs, and a second process is refused. A job also ends when the Snakemake that started it does.
    """
    started_after = seconds_since_start()
    start = time.perf_counter()
    logger = _logger()
    terminal = logger.handlers[0]
    try:
        _add_handler(logger, _claim(snakemake.log[0]))
        end_with_parent(signal.SIGTERM)
        if snakemake.config["compute"]["device"] != "cpu":
            claimed = claim_gpus(snakemake.resources.get("gpu", 0))
            if claimed:
                logger.info("on GPU %s", ", ".join(claimed))
        yield logger
    except InputError as error:
        logger.error("error: %s", error)
        raise SystemExit(1) from error
    except StoppedError as error:
        logger.info("%s", error)
        if error.progressed:
            _queue_again(logger)
        raise SystemExit(_STOPPED) from error
    except KeyboardInterrupt as error:
        logger.info("interrupted: run again to go on")
        raise SystemExit(_INTERRUPTED) from error
    except Exception:
        logger.exception("error in rule %s", snakemake.rule)
        raise
    logger.removeHandler(terminal)
    logger.info("started in %.1f s, worked for %.1f s", started_after, time.perf_counter() - start)


def seconds_since_start() -> float:
    """Return how long ago this process was started; before any work that is what the start took, imports included."""
    return time.time() - psutil.Process().create_time()


class _OneLine(logging.Formatter):
    """Each message as one line, whatever text from outside is in it; a traceback below it is indented."""

    def format(self, record: logging.LogRecord) -> str:
        line = one_line(record.getMessage(), None)
        if not record.exc_info:
            return line
        return "\n    ".join([line, *map(one_line, self.formatException(record.exc_info).splitlines())])


def _logger() -> logging.Logger:
    """Return the logger of the package, which writes to the terminal."""
    logger = logging.getLogger("filterfreq")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    # A log that cannot be written, on a full disk say, must not bury the sentence that says so.
    logging.raiseExceptions = False
    _add_handler(logger, logging.StreamHandler(sys.stderr))
    return logger


def _add_handler(logger: logging.Logger, handler: logging.Handler) -> None:
    handler.setFormatter(_OneLine())
    logger.addHandler(handler)


def log_of_worker(path: str) -> logging.Logger:
    """Return the logger of a process that works for a job, which writes to the terminal and to the job's log file."""
    logger = _logger()
    _add_handler(logger, logging.FileHandler(path, mode="a", encoding="utf-8"))
    return logger


def _claim(path: str) -> logging.Handler:
    """Return a handler that writes to a job's log file, which is emptied and locked until the process ends.

    The operating system unlocks it, however the process ends. Locks of POSIX's kind hold between machines too where
    their file system has them, as NFS does, and are not inherited by workers, which may outlive the job.

    Raises:
        InputError: another process has it.
    """
    handler = logging.FileHandler(path, mode="a+", encoding="utf-8")
    file = handler.stream
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        file.seek(0)
        raise InputError(
            f"another process is at this job already ({file.readline().strip()}, log {path}): "
            "wait until it has ended, or end it, then run again"
        ) from error
    except OSError:
        # A file system without locks; the job is no worse off than without asking.
        pass
    file.truncate(0)
    slurm = os.environ.get("SLURM_JOB_ID")
    holder = f"process {os.getpid()} on {socket.gethostname()}{f', Slurm job {slurm}' if slurm else ''}\n"
    # On a full disk the log stays empty, and the job says what it could not write.
    with suppress(OSError):
        os.write(file.fileno(), holder.encode())
    return handler


def is_at_work(log: str) -> bool | None:
    """Return whether a process holds the lock on a job's log file; None where the file system has no locks.

    The lock is asked about and not taken (fcntl(2), F_GETLK), or a job that starts just then would be refused. Where
    locks do not reach from one machine to another, jobs on other machines hold none.

    Raises:
        OSError: the file cannot be opened.
    """
    form, kind = _FLOCK
    question = struct.pack(form, *(fcntl.F_WRLCK if field == kind else 0 for field in range(5)))
    with open(log, "rb") as file:
        try:
            answer = fcntl.fcntl(file, fcntl.F_GETLK, question)
        except OSError:
            return None
    return struct.unpack(form, answer)[kind] != fcntl.F_UNLCK


def stop_requests() -> Callable[[], bool]:
    """Take `machine.STOP_SIGNALS` as requests to stop, and return a function that says whether one has come."""
    received: list[int] = []
    handle_stop_requests(lambda number, frame: received.append(number))
    return lambda: bool(received)


def _queue_again(logger: logging.Logger) -> None:
    """Have Slurm start the job that this is again, which takes none of Snakemake's retries.

    Only where Snakemake submitted it (in an allocation in which a whole workflow runs, that would be another's to
    say), and only while Slurm calls it running: one that somebody cancelled has had the same signal, and is to stay so;
    one whose time is over is Snakemake's, which asks for more time.
    """
    number = slurm_job()
    if number is None or _slurm("squeue", "--noheader", "--format=%T", f"--jobs={number}") != "RUNNING":
        return
    if _slurm("scontrol", "requeue", number) is not None:
        logger.info("Slurm queues job %s again", number)


def _slurm(*command: str) -> str | None:
    """Return what a command of Slurm says, or None where it fails, is not there, as in a container, or may not run."""
    try:
        outcome = subprocess.run(command, capture_output=True, text=True)  # noqa: S603
    except OSError:
        return None
    return outcome.stdout.strip() if outcome.returncode == 0 else None
