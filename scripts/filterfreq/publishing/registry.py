"""The tables and figures there are, by what each file of `tables/` and `figures/` says of itself; none is imported.

A product is one file, `publishing/tables/<name>.py` or `publishing/figures/<name>.py`: a docstring, which is its caption
in the report; a label, `PRODUCT = Product(...)` of literals; and a function, `tabulate` or `draw`, which gets what is
read for it and then what its label takes, by name. One that reads something else than results has a function `read` too,
which gets the job's input files. The targets are `table_<name>` and `figure_<name>`.
"""

import ast
import string
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from filterfreq.runtime.errors import InputError, unknown

CLAIMED = "claimed"
"""Stands in a label's `adds` for the suites that the study's claims measure."""

_FUNCTIONS = {"table": "tabulate", "figure": "draw"}
_WILDCARDS = {"dataset": {"experiment", "dataset"}, "experiment": {"experiment"}}


@dataclass(frozen=True)
class Product:
    """The label of a table or figure: what the workflow must know to make it.

    Attributes:
        title: what the report lists it under.
        needs: the suites that it cannot do without.
        adds: the suites that it shows where they were measured, or `claimed`.
        takes: the parameters that its function gets beside what is read, and that it is made again for; one of the
            names that `rules/products.smk` knows.
        reads: what its inputs are: "results" of the suites, or another kind that `rules/products.smk` knows.
        over: what there is one of it for: each "dataset" of an experiment, or each "experiment".
        when: a condition that `rules/products.smk` knows; none if it is empty.
        note: the parameter that a table's own caption ends with; none if it is empty.
    """

    title: str
    needs: Sequence[str] = ()
    adds: Sequence[str] = ()
    takes: Sequence[str] = ()
    reads: str = "results"
    over: str = "dataset"
    when: str = ""
    note: str = "extent"

    @property
    def shows(self) -> tuple[str, ...]:
        """The suites that it needs, then those that it adds."""
        return (*self.needs, *self.adds)


@dataclass(frozen=True)
class ProductFile:
    """What one file says.

    Attributes:
        kind: "table" or "figure".
        name: the file's name without its suffix.
        caption: its docstring as one paragraph, in reStructuredText, in which {experiment} and {dataset} stand for theirs.
        label: its label.
    """

    kind: str
    name: str
    caption: str
    label: Product

    @property
    def target(self) -> str:
        """What a user asks for: "table_main"."""
        return f"{self.kind}_{self.name}"

    @property
    def module(self) -> str:
        """The module, to be imported by the job that makes it."""
        return f"{__package__}.{self.kind}s.{self.name}"


def read_products(known: Mapping[str, Collection[str]], folder: Path = Path(__file__).parent) -> dict[str, ProductFile]:
    """Read what all tables and figures say of themselves.

    Args:
        known: what a label may say: for each of "suites", "takes", "reads", "when" and "note" the names there are.
        folder: that of the package `publishing`.

    Returns:
        By target, tables first, in alphabetical order.

    Raises:
        InputError: a file lacks its caption, label or function, or its label says something that is not known.
    """
    products = {}
    for kind in _FUNCTIONS:
        for path in sorted((folder / f"{kind}s").glob("*.py")):
            if path.stem != "__init__":
                product = _read(path, kind)
                _check_names(product, known, path)
                products[product.target] = product
    return products


def _read(path: Path, kind: str) -> ProductFile:
    where = f"{kind}s/{path.name}"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    caption = " ".join((ast.get_docstring(tree) or "").split())
    if not caption:
        raise InputError(f"{where} has no docstring: write its caption there")
    label = _label(tree, where)
    fields_of_caption = {field for _, field, _, _ in string.Formatter().parse(caption) if field is not None}
    if fields_of_caption - _WILDCARDS[label.over]:
        raise InputError(
            f"{where}: the caption has {{{min(fields_of_caption - _WILDCARDS[label.over])}}}, "
            f"write {' or '.join(f'{{{name}}}' for name in sorted(_WILDCARDS[label.over]))}, or no braces"
        )
    _check_function(tree, _FUNCTIONS[kind], label, where)
    if label.reads != "results" and _function(tree, "read") is None:
        raise InputError(f"{where} reads {label.reads}: write a function read(files)")
    return ProductFile(kind, path.stem, caption, label)


def _label(tree: ast.Module, where: str) -> Product:
    form = f"{where}: write its label as PRODUCT = Product(title=..., needs=[...], ...) of literals"
    calls = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["PRODUCT"]
    ]
    if len(calls) != 1 or not isinstance(calls[0], ast.Call) or calls[0].args:
        raise InputError(form)
    try:
        values = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in calls[0].keywords}
    except ValueError as error:
        raise InputError(form) from error
    types: dict[str, Any] = {field.name: str if field.type is str else list for field in fields(Product)}
    for name, value in values.items():
        if name not in types:
            raise InputError(f"{where}: {unknown('key of the label', name, types)}")
        texts = value if isinstance(value, list) else [value]
        if not isinstance(value, types[name]) or not all(isinstance(text, str) for text in texts):
            raise InputError(
                f"{where}: {name} is {value!r}, write {'a text' if types[name] is str else 'a list of texts'}"
            )
    if not values.get("title"):
        raise InputError(f"{where}: the label has no title, write one")
    label = Product(**values)
    if label.over not in _WILDCARDS:
        raise InputError(f"{where}: {unknown('over', label.over, _WILDCARDS)}")
    return label


def _function(tree: ast.Module, name: str) -> ast.FunctionDef | None:
    return next((node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name), None)


def _check_function(tree: ast.Module, name: str, label: Product, where: str) -> None:
    """Check that the function gets what the label takes, neither more nor less."""
    function = _function(tree, name)
    if function is None:
        raise InputError(f"{where} has no function {name}: write one")
    parameters = [parameter.arg for parameter in (*function.args.args, *function.args.kwonlyargs)][1:]
    if sorted(parameters) != sorted(label.takes):
        raise InputError(
            f"{where}: {name} has the parameters {', '.join(parameters) or 'none'} after what is read, and the label "
            f"takes {', '.join(label.takes) or 'none'}: make them the same"
        )


def _check_names(product: ProductFile, known: Mapping[str, Collection[str]], path: Path) -> None:
    label = product.label
    said = {
        "suites": [suite for suite in label.shows if suite != CLAIMED],
        "takes": label.takes,
        "reads": [label.reads],
        "when": filter(None, [label.when]),
        "note": filter(None, [label.note]),
    }
    for what, names in said.items():
        for name in names:
            if name not in known[what]:
                raise InputError(f"{product.kind}s/{path.name}: {unknown(what.removesuffix('s'), name, known[what])}")
