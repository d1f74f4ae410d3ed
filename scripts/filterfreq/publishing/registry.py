"""What each file of `tables/` and `figures/` says of itself, read without importing it.

A product is one file, `publishing/tables/<name>.py` or `publishing/figures/<name>.py`. It holds a docstring, which is
the caption in the report; a label, `PRODUCT = Product(...)` of literals; and a function, `tabulate` or `draw`. The
function gets what was read and, by name, what the label takes. A product that reads something else than results has a
function `read` too, which gets the job's input files; one that reads nothing gets what its label takes alone. Its
target is `table_<name>` or `figure_<name>`.
"""

import ast
import string
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from filterfreq.runtime.errors import InputError, unknown_name
from filterfreq.runtime.modules import check_module, parse_module

NOTHING = "nothing"
"""What a label says that a product reads which is computed from what it takes alone."""
CLAIMED = "claimed"
"""Stands in a label's `adds` for the suites that the study's claims measure."""

_FUNCTIONS = {"table": "tabulate", "figure": "draw"}
_WILDCARDS = {
    "dataset": {"experiment", "dataset"},
    "experiment": {"experiment"},
    "fit": {"fit"},
    "gan": {"gan"},
    "detection": {"detection"},
}
# What is shown one by one, each with what its inputs are.
_ONE_BY_ONE = {"fit": ("fits",), "gan": ("gans", "gan_samples"), "detection": ("detections",)}

# Of these there are several kinds, which its `needs` names.
_OF_KINDS = ("fit", "gan")


@dataclass(frozen=True)
class Product:
    """The label of a table or figure: what the workflow must know to make it.

    Attributes:
        title: what the report lists it under.
        needs: the suites that it cannot do without; of a product over fits or GANs, the kinds that it can
            be made of.
        adds: the suites that it shows where they were measured, or `claimed`.
        takes: the parameters that its function gets beside what is read, and that it is made again for; one of the
            names that `rules/labels.smk` knows.
        reads: what its inputs are: "results" of the suites, "results_if_any" where it can do without, "nothing", or
            another kind that `rules/labels.smk` knows.
        over: what there is one of it for: each "dataset" of an experiment, each "experiment", or, where it
            reads "fits", "gans", "gan_samples" or "detections", each "fit", "gan" or "detection".
        when: a condition that `rules/labels.smk` knows; none if it is empty.
        note: the parameter that a table's own caption ends with; none if it is empty, or of no experiment.
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
    def reads_results(self) -> bool:
        """Whether its inputs are results of the suites, alone or with images."""
        return self.reads in ("results", "results_with_images", "results_if_any")

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
        caption: its docstring as one paragraph of reStructuredText; {experiment}, {dataset}, {fit}, {gan} and
            {detection} stand for those shown.
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


def read_products(
    known: Mapping[str, Collection[str]] | None = None, folder: Path = Path(__file__).parent
) -> dict[str, ProductFile]:
    """Read what all tables and figures say of themselves.

    Args:
        known: what a label may say: the names that there are of each "suite", "fit", "gan", "parameter",
            "kind of input" and "condition"; they are not compared unless given.
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
                tree = parse_module(path)
                try:
                    product = _read(path.stem, kind, tree)
                    if known is not None:
                        _check_names(product.label, known)
                except InputError as error:
                    raise InputError(f"publishing/{kind}s/{path.name}: {error}") from error
                check_module(path)
                products[product.target] = product
    return products


def _read(name: str, kind: str, tree: ast.Module) -> ProductFile:
    if not name.isidentifier():
        raise InputError("a module cannot have this name: write it in letters, digits and _")
    caption = " ".join((ast.get_docstring(tree) or "").split())
    label = _label(tree)
    for over, reads in _ONE_BY_ONE.items():
        if (label.over == over) != (label.reads in reads):
            read = label.reads if label.reads in reads else reads[0]
            raise InputError(f'{read} are shown one by one: write both reads="{read}" and over="{over}", or neither')
    needs_some = label.over in _OF_KINDS or (label.reads_results and label.reads != "results_if_any")
    if needs_some and not label.needs and CLAIMED not in label.adds:
        kinds = f"kinds of {label.over}" if label.over in _OF_KINDS else "suites"
        raise InputError(f"it reads {label.reads} and needs none: name the {kinds} in needs that it cannot do without")
    _check_caption(caption, label.over)
    _check_function(tree, _FUNCTIONS[kind], label)
    return ProductFile(kind, name, caption, label)


def _label(tree: ast.Module) -> Product:
    refused = InputError("write the label as PRODUCT = Product(title=..., needs=[...], ...) of literals")
    calls = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["PRODUCT"]
    ]
    if len(calls) != 1 or not isinstance(calls[0], ast.Call) or calls[0].args:
        raise refused
    try:
        values = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in calls[0].keywords}
    except ValueError as error:
        raise refused from error
    types = {field.name: str if field.type is str else list | tuple for field in fields(Product)}
    for name, value in values.items():
        if name not in types:
            raise unknown_name("key of the label", name, types)
        texts = value if isinstance(value, list | tuple) else [value]
        if not isinstance(value, types[name]) or not all(isinstance(text, str) for text in texts):
            raise InputError(f"{name} is {value!r}, write {'a text' if types[name] is str else 'a list of texts'}")
    if not values.get("title"):
        raise InputError("the label has no title, write one")
    label = Product(**values)
    if label.over not in _WILDCARDS:
        raise unknown_name("value of over", label.over, _WILDCARDS)
    return label


def _check_caption(caption: str, over: str) -> None:
    if not caption:
        raise InputError("it has no docstring: write its caption there")
    try:
        names = {name for _, name, _, _ in string.Formatter().parse(caption) if name is not None}
    except ValueError:
        names = {""}
    if not names <= _WILDCARDS[over]:
        raise InputError(
            f"the caption has braces that are not {' or '.join(f'{{{name}}}' for name in sorted(_WILDCARDS[over]))}: "
            "leave them out"
        )


def _check_function(tree: ast.Module, name: str, label: Product) -> None:
    """Check that the function gets what the label takes, neither more nor less."""
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    if name not in functions:
        raise InputError(f"it has no function {name}: write one")
    arguments = functions[name].args
    parameters = [parameter.arg for parameter in (*arguments.args, *arguments.kwonlyargs)]
    parameters, after = (parameters, "") if label.reads == NOTHING else (parameters[1:], " after what is read")
    if sorted(parameters) != sorted(label.takes):
        raise InputError(
            f"{name} has the parameters {', '.join(parameters) or 'none'}{after}, and the label takes "
            f"{', '.join(label.takes) or 'none'}: make them the same"
        )
    assigned = [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
    names = functions.keys() | {target.id for target in assigned if isinstance(target, ast.Name)}
    if label.reads not in ("results", NOTHING) and "read" not in names:
        raise InputError(f"it reads {label.reads}: write a function read(files)")


def _check_names(label: Product, known: Mapping[str, Collection[str]]) -> None:
    measured = label.over if label.over in _OF_KINDS else "suite"
    said = [(measured, suite) for suite in label.shows if suite != CLAIMED]
    said += [("parameter", name) for name in (*label.takes, label.note) if name]
    said += [("kind of input", label.reads)]
    said += [("condition", label.when)] if label.when else []
    for what, name in said:
        if name not in known[what]:
            raise unknown_name(what, name, known[what])
