"""The parts of the package and the direction in which they import, as docs/extending.md has them."""

import ast
import re
from pathlib import Path

import pytest

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
