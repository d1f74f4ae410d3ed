"""Every command line of README and docs, typed."""

import ast
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from snakemake.cli import get_argument_parser
from study_configs import write_documented_study
from workflow.conftest import ROOT
from workflow.snakemake_server import run_snakemake

PAGES = [ROOT / "README.md", ROOT / "results" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SHELL = ("", "sh", "bash", "console")  # of a block of code that is typed

# By their first word, the ones that are not of this project: of these the syntax alone is looked at.
OTHERS = {"apptainer", "apt-get", "cat", "cd", "docker", "git", "pip", "sbatch", "scancel", "source"}
# What stands before another command and changes nothing of it.
PREFIXES = {"watch": 2}  # and its options' words
TESTED_ELSEWHERE = {".ci/run"}  # it runs these tests
# Options of Snakemake whose commands are typed as they are; all others are, with -n.
TYPED = {"--unlock"}
# What neither a dry run nor this machine can tell; the options and paths are looked at.
NOT_RUN = {
    "--sdm": "there may be neither conda nor apptainer",
    "--containerize": "there may be no conda",
    "--report": "it needs results: see the last test",
}
# What stands for something that the reader chooses.
CHOICES = {"STUDY=...": "STUDY=core", "--profile ...": "--profile profiles/workstation"}
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def lines_of(page: Path) -> Iterator[str]:
    """The lines of a page that can be typed: those of its blocks, and what else is set as code."""
    text = page.read_text(encoding="utf-8")
    for language, block in BLOCK.findall(text):
        if language in SHELL:
            yield from block.splitlines()
    for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", BLOCK.sub("", text)):
        line = " ".join(span.split())
        words = [word for word in line.split() if "=" not in word] or [""]
        if words[0] in {"snakemake", "make", "python", *OTHERS, *PREFIXES, *TESTED_ELSEWHERE}:
            yield line


def commands_of(line: str) -> Iterator[list[str]]:
    """The simple commands of a line, as lists of words, without variables before them and what they are written to."""
    for choice, example in CHOICES.items():
        line = line.replace(choice, example)
    line = re.sub(r"<[^>]*>", "CHOSEN", line).replace(" ...", "")
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if set(word) <= set("();<>|&{}"):
            if words and words[0] != "Dockerfile":
                yield words
            words = []
        elif words or not re.fullmatch(r"\w+=.*", word):
            words.append(word)


COMMANDS: dict[str, tuple[str, str]] = {}
for page in PAGES:
    for line in lines_of(page):
        for words in commands_of(line):
            if len(words) > 1 or words == [".ci/run"]:  # others name the program
                COMMANDS.setdefault(shlex.join(words), (page.name, line))


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """A folder with all that is in the repository, but for results, and with less in the study of its config.yaml."""
    folder = tmp_path_factory.mktemp("commands") / "filterfreq"
    folder.mkdir()
    for path in ROOT.iterdir():
        if path.name not in ("config.yaml", "results") and not path.name.startswith("."):
            (folder / path.name).symlink_to(path)
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    kept = {name: config["experiments"][name] for name in ("main", "strengths")}
    for experiment in kept.values():
        experiment |= {"datasets": experiment["datasets"][:1], "models": experiment["models"][-1:], "seeds": [0]}
        if "sweep" in experiment:
            experiment["sweep"] = {key: values[:2] for key, values in experiment["sweep"].items()}
    (folder / "config.yaml").write_text(yaml.safe_dump(config | {"experiments": kept}, sort_keys=False))
    # What docs/results.md says to put there.
    own = yaml.safe_load((ROOT / "docs" / "results" / "config.yaml").read_text())["data"]["datasets"]
    for path in (folder / entry["path"] for entry in own.values()):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    write_documented_study(folder)
    return folder


def check_snakemake(words: list[str], clone: Path) -> None:
    """Type a command, with -n unless it only looks, or hold it against Snakemake's own help."""
    options = {word.partition("=")[0] for word in words if word.startswith("-")}
    for option in ("--profile", "--configfile"):
        for value in words[words.index(option) + 1 :][:1] if option in words else ():
            assert (clone / value).exists() or (clone.parent / value).exists()
    if not options & {"-n", "--cores", "--containerize", "--report", *TYPED}:
        profile = (ROOT / words[words.index("--profile") + 1].removeprefix("filterfreq/")) / "config.yaml"
        assert {"cores", "executor"} & yaml.safe_load(profile.read_text()).keys()
    if options & NOT_RUN.keys():
        assert options <= get_argument_parser()._option_string_actions.keys()
        return
    folder = clone if "filterfreq/Snakefile" not in words else clone.parent
    outcome = run_snakemake([*words[1:], *([] if options & {"-n", *TYPED} else ["-n"])], folder)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    if not options & TYPED:
        assert re.search(r"^total +\d+$", outcome.stdout, re.MULTILINE)


def check_make(words: list[str], clone: Path) -> None:
    """Have make say what it would do, and check the script that this starts."""
    makefile = (ROOT / "Makefile").read_text()
    for name, _, value in (word.partition("=") for word in words if "=" in word):
        assert f"$({name})" in makefile
        if name in ("PROFILE", "CONFIG"):
            assert (ROOT / value).exists()
        if name == "STUDY" and value != "CHOSEN":
            assert (ROOT / "configs" / "demo" / f"{value}.yaml").exists()
    # A make that runs these tests hands its own variables, such as ARGS, down to every make below it.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "ARGS"))}
    outcome = subprocess.run(["make", "-n", *words[1:]], cwd=clone, env=environment, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stderr
    for line in outcome.stdout.splitlines():
        if line.startswith("python scripts/"):
            check_python(shlex.split(line), clone)


def check_python(words: list[str], clone: Path) -> None:
    """See that a script is there and has the options."""
    if words[1] == "-c":
        ast.parse(words[2])
        return
    script = ROOT / words[1]
    calls = [
        node
        for file in {script, *script.parent.glob("*.py")}
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument"
    ]
    known = {word.value for call in calls for word in call.args if isinstance(word, ast.Constant)}
    snakemakes = {"--profile", "--configfile"} if script.name == "plan.py" else set()
    assert script.is_file()
    assert {word for word in words if word.startswith("--")} <= known | snakemakes


CHECKS = {"snakemake": check_snakemake, "make": check_make, "python": check_python}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_works_as_typed(clone, command):
    page, line = COMMANDS[command]
    syntax = re.sub(r"<[^>]*>", "CHOSEN", line)
    assert subprocess.run(["bash", "-n", "-c", syntax], capture_output=True).returncode == 0, f"{page}: {line}"
    words = shlex.split(command)
    if words[0] in PREFIXES:
        words = words[1 + PREFIXES[words[0]] :]
    assert words[0] in {*CHECKS, *OTHERS, *TESTED_ELSEWHERE}, f"{page}: say above how {words[0]!r} is tested"
    if words[0] in CHECKS:
        CHECKS[words[0]](words, clone)


def test_the_pages_are_read():
    assert len(COMMANDS) > 40
    for command in ("make demo", "snakemake -n", "python scripts/plan.py", "snakemake --containerize"):
        assert command in COMMANDS


def test_a_report_is_written_as_typed(finished, tmp_path):
    """With the config of the study that is there, which README has of the demo."""
    typed = [shlex.split(command) for command in COMMANDS if "--report" in command.split()]
    assert typed
    for words in typed:
        assert words[words.index("--report") + 1].endswith(".html")
    report = tmp_path / "report.html"
    outcome = finished.snakemake("--report", str(report))
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "The report is refused" not in outcome.stdout + outcome.stderr
    assert report.stat().st_size > 1e6
