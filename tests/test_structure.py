"""The parts of the package and the direction in which they import, as docs/extending.md has them."""

import ast
import re
from pathlib import Path

import pytest

from filterfreq.runtime.modules import check_module

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "scripts" / "filterfreq"
# Lists of entries, which grow with what there is.
LISTS = {"data/registry.py", "evaluation/registry.py"}


def parts() -> list[str]:
    """The parts in the order in which they may import."""
    text = " ".join((ROOT / "docs" / "extending.md").read_text(encoding="utf-8").split())
    sentence = re.search(r"import only from those before them: (.*?)\. ", text)[1]
    return re.findall(r"`(\w+)`", sentence)


def imported_parts(file: Path) -> set[str]:
    """The parts that a file imports anywhere."""
    modules = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
    return {module.split(".")[1] for module in modules if module.startswith(f"{PACKAGE.name}.")}


def test_the_parts_are_the_folders():
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(parts())
    assert [path.name for path in PACKAGE.glob("*.py")] == ["__init__.py"]


@pytest.mark.parametrize("part", parts())
def test_a_part_imports_only_from_those_before_it(part):
    order = parts()
    allowed = set(order[: order.index(part) + 1])
    files = [*(PACKAGE / part).rglob("*.py")]
    assert files
    assert {file.name: found for file in files if (found := imported_parts(file) - allowed)} == {}


def test_no_file_is_too_long_to_read_at_once():
    lengths = {
        file.relative_to(PACKAGE).as_posix(): len(file.read_text(encoding="utf-8").splitlines())
        for file in PACKAGE.rglob("*.py")
    }
    assert {file: length for file, length in lengths.items() if length > 400 and file not in LISTS} == {}


# Modules that say "delete", which is for what the pipeline itself has made and can make again.
MADE_HERE = {
    "runtime/schemas.py",
    "runtime/files.py",
    "planning/records.py",
    "evaluation/reading.py",
    "evaluation/corruptions/stored.py",
    "training/history.py",
    "fits/repeat_files.py",
    "publishing/figures/perturbations.py",
    "publishing/shown_filters.py",
    "publishing/figures/components.py",
    "publishing/filter_coefficients.py",
    "evaluation/filters/first_layer.py",
    "models/checkpoints.py",
    "data/shifted/prepared.py",
    "data/stored_integers.py",
    "data/noise.py",
}


def test_nobody_is_told_to_delete_a_file_of_their_own():
    saying = set()
    for file in PACKAGE.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in documentation)
        if any("delete" in text.value for text in texts if isinstance(text.value, str)):
            saying.add(file.relative_to(PACKAGE).as_posix())
    assert saying == MADE_HERE
    rules = [*(ROOT / "rules").glob("*.smk"), *(ROOT / "scripts").glob("*.py"), ROOT / "Snakefile"]
    advice = re.compile(r"^(?!\s*(#|\"\"\")).*[:,;] (or )?delete ", re.MULTILINE)
    assert not [path.name for path in rules if advice.search(path.read_text(encoding="utf-8"))]


PREPOSITIONS = (
    *("above", "after", "among", "as", "at", "before", "below", "beside", "between", "by", "during", "for", "from"),
    *("in", "inside", "into", "of", "on", "outside", "over", "since", "through", "to", "under", "until", "via", "with"),
    *("within", "without"),
)
# Conversions are called `to_<form>`, as in pandas and torch; a server in the tests names its answers after its pages.
EXCEPTIONS = re.compile(r"_*to_\w+|without_length")


def function_names(file: Path) -> set[str]:
    """The functions that a file defines, also inside others and in classes."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".smk":
        return set(re.findall(r"^\s*def (\w+)", text, re.MULTILINE))
    return {node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)}


def test_no_function_is_named_by_a_preposition():
    """A name says what a thing is or does: a reader of `of_suite(x)` or `with_source(x)` must look it up."""
    files = [file for pattern in ("scripts/**/*.py", "rules/*.smk", "tests/**/*.py") for file in ROOT.glob(pattern)]
    names = {(file.name, name) for file in files for name in function_names(file)}
    assert {("measures.py", "corruption_means"), ("suites.smk", "suite_inputs"), ("conftest.py", "row")} <= names
    prepositional = re.compile(rf"_*({'|'.join(PREPOSITIONS)})(_\w*)?")
    found = {(file, name) for file, name in names if prepositional.fullmatch(name) and not EXCEPTIONS.fullmatch(name)}
    assert found == set()


@pytest.mark.parametrize("file", sorted((ROOT / "benchmarks").rglob("*.py")), ids=lambda file: file.stem)
def test_a_benchmark_uses_what_the_package_has(file):
    """No test runs them, so that a renamed function would be missed."""
    check_module(file)
