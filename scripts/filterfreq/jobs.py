"""What every script of the workflow does first: a log, and one sentence when its input is bad."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from filterfreq.errors import InputError


@contextmanager
def job(snakemake: Any) -> Iterator[logging.Logger]:
    """Run a script's work with a logger that writes to the terminal and to the rule's log file.

    The log file alone also gets a last line that says how long the process took to start, imports included, and how
    long it worked.

    Bad input ends the job with exit status 1 and the sentence that says what was wrong. Any other exception goes to
    the log with its traceback, and on to Snakemake.
    """
    started_after = time.time() - psutil.Process().create_time()
    start = time.perf_counter()
    logger = logging.getLogger("filterfreq")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    # A log that cannot be written, on a full disk say, must not bury the sentence that says so.
    logging.raiseExceptions = False
    terminal = logging.StreamHandler(sys.stderr)
    file = logging.FileHandler(snakemake.log[0], mode="w", encoding="utf-8")
    for handler in (terminal, file):
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
    try:
        yield logger
    except InputError as error:
        logger.error("error: %s", error)
        raise SystemExit(1) from error
    except Exception:
        logger.exception("error in rule %s", snakemake.rule)
        raise
    logger.removeHandler(terminal)
    logger.info("started in %.1f s, worked for %.1f s", started_after, time.perf_counter() - start)


def evaluation_batch_size(snakemake: Any) -> int:
    """Return how many images a job evaluates at a time, for suites whose results do not depend on it.

    It is read from the config: as a parameter of the rule, a change of it would make finished results again.
    """
    evaluation = snakemake.config["evaluation"]
    own = evaluation.get("datasets", {}).get(snakemake.wildcards.dataset, {})
    return own.get("batch_size", evaluation["batch_size"])
