"""Snakemake without its start: forked from a process that has imported it, which takes most of a dry run's time."""

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import snakemake.cli

# What Snakemake imports late and the Snakefile of other packages, too; this project's modules are each copy's own.
_PRELOADED = ["snakemake.cli", "snakemake.dag", "snakemake.scheduling.job_scheduler", "jsonschema", "pandas", "psutil"]
_PRELOADED += ["docutils", "jinja2", "nbformat", "smart_open", "snakemake_logger_plugin_rich", "yte"]

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


def loaded_rules(folder: Path, config: str) -> list[dict]:
    """Load a workflow and return its rules: what they say themselves and what loops and modules make of them.

    Returns:
        For each rule its name, script, environment file, log, benchmark, resources and params (names), whether it is
        local, and the script whose code its parameter `code` is of; what it has not is None.
    """
    program = [sys.executable, "-c", _LOADER, config]
    return json.loads(subprocess.run(program, cwd=folder, capture_output=True, text=True, check=True).stdout)


_LOADER = """
import json, sys
from pathlib import Path
from snakemake.api import SnakemakeApi
from snakemake.settings.types import ConfigSettings, OutputSettings, Quietness, ResourceSettings

def script_of(code, workflow):
    if not isinstance(code, str):
        return code.args[0] if code is not None else None
    script_code, suites = workflow.globals["script_code"], workflow.globals["SUITES"]
    codes = {script_code("run_suite", (entry.module,)): "run_suite" for entry in suites.values()}
    codes |= {script_code(path.stem): path.stem for path in Path("scripts").glob("*.py")}
    return codes[code]

with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
    workflow = api.workflow(
        resource_settings=ResourceSettings(cores=1),
        config_settings=ConfigSettings(configfiles=[Path(sys.argv[1])]),
        snakefile=Path("Snakefile"),
    )._workflow
    print(json.dumps([
        {
            "name": rule.name,
            "script": rule.script and Path(rule.script).stem,
            "environment": rule.conda_env and Path(rule.conda_env).name,
            "log": [str(file) for file in rule.log],
            "benchmark": rule.benchmark and str(rule.benchmark),
            "resources": list(rule.resources.keys()),
            "local": workflow.is_local(rule),
            "code": script_of(dict(rule.params.items()).get("code"), workflow),
        }
        for rule in workflow.rules
    ]))
"""


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
