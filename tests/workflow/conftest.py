import fcntl
import os
import pty
import re
import resource
import shutil
import subprocess
import sys
import termios
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
from workflow.snakemake_server import loaded_rules, run_snakemake

from filterfreq.evaluation.registry import SUITES

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "config.yaml", "claims", "rules", "scripts", "schemas", "envs", "report", "profiles")
SECRET = "hidden-in-the-environment"
TINY = ROOT / "tests" / "workflow" / "tiny.yaml"
PRODUCT_RULES = ("write_table", "draw_figure")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of whole workflows as slow."""
    folder = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(folder):
            item.add_marker("slow")


class Plan(NamedTuple):
    """What a dry run lists.

    Attributes:
        jobs: their number by rule; a table or figure counts by its target, such as `figure_samples`.
        outputs: all their outputs.
        rules: their number by rule, also of tables and figures.
    """

    jobs: Counter
    outputs: list[str]
    rules: Counter


class Started:
    """A running Snakemake whose output is read line by line."""

    def __init__(self, process: subprocess.Popen) -> None:
        self.process = process
        self.said = ""

    def wait(self, line: str) -> None:
        """Read until a line with these words."""
        for text in self.process.stdout:
            self.said += text
            if line in text:
                return
        raise AssertionError(f"it ended without a word of {line!r}:\n{self.said}")

    def end(self) -> int:
        """Read until this process and all that write to the same pipe have ended; return its exit status."""
        self.said += self.process.stdout.read()
        return self.process.wait()

    def scripts(self) -> list[psutil.Process]:
        """The processes of its jobs."""
        return psutil.Process(self.process.pid).children(recursive=True)


class Project:
    """A copy of the workflow that a test may change and run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "tiny.yaml"

    def snakemake(
        self,
        *arguments: str,
        config: str | None = "tiny.yaml",
        file_size: int | None = None,
        prefix: tuple[str, ...] = (),
    ) -> subprocess.CompletedProcess:
        given = ["--cores", "2", *arguments, *(["--configfile", config] if config else [])]
        if not prefix and file_size is None:
            return run_snakemake(given, self.folder)
        command = [*prefix, sys.executable, "-m", "snakemake", *given]
        limit = file_size and (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size)))
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=600, preexec_fn=limit)

    @contextmanager
    def started(self, *arguments: str, until: str) -> Iterator["Started"]:
        """Start Snakemake in a group of processes of its own, and go on once it has printed a line with `until`."""
        command = [sys.executable, "-m", "snakemake", "--cores", "1", *arguments, "--configfile", "tiny.yaml"]
        with subprocess.Popen(
            command,
            cwd=self.folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process:
            started = Started(process)
            started.wait(until)
            yield started

    def started_in_terminal(self, *arguments: str, until: str) -> tuple[subprocess.Popen, int]:
        """Start Snakemake in a terminal, and go on once it shows `until`; return the process and the terminal."""
        command = [sys.executable, "-m", "snakemake", "--cores", "1", *arguments, "--configfile", "tiny.yaml"]
        ours, theirs = pty.openpty()

        def control() -> None:
            os.setsid()
            fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

        process = subprocess.Popen(
            command, cwd=self.folder, stdin=theirs, stdout=theirs, stderr=theirs, preexec_fn=control
        )
        os.close(theirs)
        said = b""
        while until.encode() not in said:
            said += os.read(ours, 1000)
        return process, ours

    def plan(self, *arguments: str, config: str | None = "tiny.yaml") -> Plan:
        """The jobs of a dry run, without those of targets."""
        outcome = self.snakemake(*arguments, "--dry-run", "--quiet", "host", config=config)
        assert outcome.returncode == 0, outcome.stderr
        text = outcome.stdout + outcome.stderr
        table = re.search(r"^Job stats:\n.*?\n-[- ]+\n(.*?)^total", text, re.MULTILINE | re.DOTALL)
        pairs = [line.split() for line in table[1].splitlines()] if table else []
        targets = re.compile(r"all|paper|tables|figures|(table|figure)_\w+")
        rules = Counter({rule: int(count) for rule, count in pairs if not targets.fullmatch(rule)})
        outputs = [file for line in re.findall(r"^    output: (.*)", text, re.MULTILINE) for file in line.split(", ")]
        made = re.compile(r"results/(?:(table)|(figure))s/.+/(\w+)\.(?:csv|png)")
        products = Counter("_".join(filter(None, found.groups())) for found in map(made.fullmatch, outputs) if found)
        jobs = Counter({rule: count for rule, count in rules.items() if not rule.startswith(PRODUCT_RULES)})
        assert (rules - jobs).total() == products.total()
        return Plan(jobs + products, outputs, rules)

    def hold_trainings(self, *epochs: int) -> None:
        """Have trainings wait after some epochs until they are asked to stop or released: no test races them then."""
        loop = "scripts/filterfreq/training/loop.py"
        if "hold-" not in (self.folder / loop).read_text():
            waits = "            while __import__('os').path.exists(f'hold-{epoch}') and not self.stop():\n"
            waits += "                __import__('time').sleep(0.05)\n"
            self.edit(loop, "        return self.history\n", f"{waits}        return self.history\n")
        for epoch in epochs:
            (self.folder / f"hold-{epoch}").touch()

    def release(self, *epochs: int) -> None:
        """Have trainings go on that wait after some epochs."""
        for epoch in epochs:
            (self.folder / f"hold-{epoch}").unlink()

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


def copied(source: Path, target: Path) -> Project:
    """Copy a project, with the times of its files, so that what Python has compiled of it counts there too."""
    shutil.copytree(source, target, dirs_exist_ok=True)
    return Project(target)


@pytest.fixture(scope="session")
def fresh(tmp_path_factory) -> Project:
    """The workflow before anything has run; not to be changed."""
    folder = tmp_path_factory.mktemp("fresh")
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part)
        else:
            shutil.copy2(source, folder)
    shutil.copy2(TINY, folder)
    return Project(folder)


@pytest.fixture(scope="session")
def rules(fresh, tmp_path_factory) -> list[dict]:
    """The rules that run a script, as `loaded_rules` returns them, with suites over training."""
    config = tmp_path_factory.mktemp("rules") / "every_suite_over_training.yaml"
    text = (fresh.folder / "tiny.yaml").read_text()
    text = text.replace("  default:\n", "  default:\n    snapshots: [1]\n", 1)
    text = text.replace(
        "evaluation:\n",
        f"evaluation:\n  over_training: [{', '.join(name for name in SUITES if f'  {name}:' in text)}]\n",
        1,
    )
    config.write_text(text)
    return [rule for rule in loaded_rules(fresh.folder, str(config)) if rule["script"]]


@pytest.fixture
def unstarted(fresh, tmp_path) -> Project:
    """A copy of the workflow before anything has run that a test may change."""
    return copied(fresh.folder, tmp_path / "project")


@pytest.fixture(scope="session")
def no_network() -> tuple[str, ...]:
    """What a command is started with to have no network, not even to its own machine; nothing where that cannot be."""
    prefix = ("unshare", "--map-root-user", "--net")
    possible = shutil.which("unshare") and subprocess.run([*prefix, "true"], capture_output=True).returncode == 0
    return prefix if possible else ()


@pytest.fixture(scope="session")
def finished(fresh, tmp_path_factory, no_network) -> Project:
    """The whole tiny study, run through the command, without a network where possible; not to be changed.

    Several processes that run tests share it.
    """
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    folder = root / "finished"
    with open(root / "finished.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            project = copied(fresh.folder, root / "unfinished")
            secrets = [f"{name}={SECRET}" for name in ("HF_TOKEN", "KAGGLE_KEY")]
            secrets += [f"{name}=http://user:{SECRET}@proxy.invalid:3128" for name in ("http_proxy", "https_proxy")]
            outcome = project.snakemake(prefix=(*no_network, "env", *secrets))
            assert outcome.returncode == 0, outcome.stdout + outcome.stderr
            project.folder.rename(folder)
    return Project(folder)


@pytest.fixture
def project(finished, tmp_path) -> Project:
    """A copy of the finished study that a test may change."""
    return copied(finished.folder, tmp_path / "project")


@pytest.fixture(scope="module")
def shared_project(finished, tmp_path_factory) -> Project:
    """A copy of the finished study that the tests of one file change one after the other."""
    return copied(finished.folder, tmp_path_factory.mktemp("shared") / "project")
