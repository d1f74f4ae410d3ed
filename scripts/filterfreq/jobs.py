"""What every script of the workflow does first: a log, and one sentence when its input is bad."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from filterfreq.errors import InputError


@contextmanager
def job(snakemake: Any) -> Iterator[logging.Logger]:
    """Run a script's work with a logger that writes to the terminal and to the rule's log file.

    Bad input ends the job with exit status 1 and the sentence that says what was wrong. Any other exception goes to
    the log with its traceback, and on to Snakemake.
    """
    logger = logging.getLogger("filterfreq")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    for handler in (
        logging.StreamHandler(sys.stderr),
        logging.FileHandler(snakemake.log[0], mode="w", encoding="utf-8"),
    ):
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
