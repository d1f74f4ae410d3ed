"""What every script of the workflow does first: a log, and one sentence when its input is bad."""

import logging
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from filterfreq.errors import InputError, StoppedError

# What a shell says of a process that SIGTERM has ended.
_STOPPED = 128 + signal.SIGTERM


@contextmanager
def job(snakemake: Any) -> Iterator[logging.Logger]:
    """Run a script's work with a logger that writes to the terminal and to the rule's log file.

    The log file alone also gets a last line that says how long the process took to start, imports included, and how
    long it worked.

    Bad input ends the job with exit status 1 and the sentence that says what was wrong, a request to stop with 143 and
    the sentence that says where it goes on. Any other exception goes to the log with its traceback, and on to
    Snakemake.
    """
    started_after = time.time() - psutil.Process().create_time()
    start = time.perf_counter()
    Path(snakemake.log[0]).write_bytes(b"")
    logger = open_log(snakemake.log[0])
    terminal = logger.handlers[0]
    try:
        yield logger
    except InputError as error:
        logger.error("error: %s", error)
        raise SystemExit(1) from error
    except StoppedError as error:
        logger.info("%s", error)
        raise SystemExit(_STOPPED) from error
    except Exception:
        logger.exception("error in rule %s", snakemake.rule)
        raise
    logger.removeHandler(terminal)
    logger.info("started in %.1f s, worked for %.1f s", started_after, time.perf_counter() - start)


def open_log(file: str) -> logging.Logger:
    """Return the logger of the package, which writes to the terminal and to the end of a file.

    Another process may write to the same file.
    """
    logger = logging.getLogger("filterfreq")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    # A log that cannot be written, on a full disk say, must not bury the sentence that says so.
    logging.raiseExceptions = False
    for handler in (logging.StreamHandler(sys.stderr), logging.FileHandler(file, mode="a", encoding="utf-8")):
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
    return logger


def stop_requests() -> Callable[[], bool]:
    """Take SIGTERM as a request to stop, and return a function that says whether one has come.

    Clusters send it before they take a node away or a time limit ends a job.
    """
    received: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: received.append(number))
    return lambda: bool(received)


def evaluation_batch_size(snakemake: Any) -> int:
    """Return how many images a job evaluates at a time, for suites whose results do not depend on it.

    It is read from the config: as a parameter of the rule, a change of it would make finished results again.
    """
    evaluation = snakemake.config["evaluation"]
    own = evaluation.get("datasets", {}).get(snakemake.wildcards.dataset, {})
    return own.get("batch_size", evaluation["batch_size"])
