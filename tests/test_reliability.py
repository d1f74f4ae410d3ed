"""The tests that docs/reliability.md stands on exist."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_row_has_a_test_that_exists():
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    rows = [line for line in text.splitlines() if re.match(r"\| (?!---|fault \||file \|)", line)]
    assert len(rows) > 20
    assert all("::test_" in row for row in rows)
    for file, name in named:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, f"{file}::{name}"
