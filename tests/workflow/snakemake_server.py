"""Snakemake without its start: forked from a process that has imported it, which takes most of a dry run's time."""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import snakemake.cli

# What the Snakefile imports of other packages, too; this project's modules are each copy's own.
_PRELOADED = ["snakemake.cli", "snakemake.dag", "snakemake.scheduling.job_scheduler", "jsonschema", "pandas", "psutil"]

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(_PRELOADED)


def run_snakemake(arguments: Sequence[str], folder: Path, timeout: float = 600) -> subprocess.CompletedProcess:
    """Run `python -m snakemake` in a folder, to its end.

    Raises:
        TimeoutError: it takes longer than `timeout` seconds, and is killed.
    """
    with tempfile.TemporaryDirectory() as outputs:
        files = [Path(outputs, name) for name in ("stdout", "stderr")]
        given = list(arguments), str(folder), dict(os.environ), [str(file) for file in files]
        process = _context.Process(target=_main, args=given)
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"snakemake {' '.join(arguments)} takes longer than {timeout} s")
        return subprocess.CompletedProcess(
            ["snakemake", *arguments], process.exitcode, *(file.read_text() for file in files)
        )


def _main(arguments: list[str], folder: str, environment: dict[str, str], files: list[str]) -> None:
    for stream, file in enumerate(files, start=1):
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, stream)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    # As `python -m snakemake` has them, whose command and folder jobs are started with.
    sys.argv = [str(Path(snakemake.__file__).with_name("__main__.py")), *arguments]
    sys.path[0] = folder
    snakemake.cli.main()
