"""Python files that people add or edit: what is wrong with them in one sentence, mostly without importing them."""

import ast
import builtins
import importlib
import re
import symtable
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from filterfreq.runtime.errors import InputError, unknown_name

PACKAGE = Path(__file__).parents[1]

# The fields of a node that hold statements, and what these are in.
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
_NONE: Mapping[str, bool] = MappingProxyType({})
_ALWAYS = frozenset({*dir(builtins), "__file__"})


class Facts(NamedTuple):
    """What a module says of itself, read without importing it.

    Attributes:
        imported: the modules that it imports anywhere, and the names that it imports from them, with dots.
        names: what it defines or imports at its top level, whatever its conditions.
        functions: those at its top level, with line and parameters.
        sources: its imports from modules at its top level: line, module, names.
    """

    imported: frozenset[str]
    names: frozenset[str]
    functions: Mapping[str, tuple[int, ast.arguments]]
    sources: tuple[tuple[int, str, tuple[str, ...]], ...]


def parse_module(file: Path) -> ast.Module:
    """Return what a file of Python says.

    Raises:
        InputError: it is no Python; the sentence names the file and the line.
    """
    try:
        return ast.parse(file.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise _no_python(file, error) from error
    except ValueError as error:
        raise InputError(f"{shown(file)} is no Python ({error}): correct it") from error


@cache
def read_module(file: Path) -> Facts:
    """Return what a module says of itself, and keep it; whole syntax trees would slow down the collection of garbage.

    Raises:
        InputError: it is no Python; the sentence names the file and the line.
    """
    module = parse_module(file)
    imported: set[str] = set()
    for node in _statements(module):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    functions = {node.name: (node.lineno, node.args) for node in module.body if isinstance(node, ast.FunctionDef)}
    sources = [node for node in module.body if isinstance(node, ast.ImportFrom) and node.module]
    return Facts(
        frozenset(imported),
        frozenset(_bound_names(module)),
        functions,
        tuple((node.lineno, str(node.module), tuple(alias.name for alias in node.names)) for node in sources),
    )


def import_modules(names: Iterable[str]) -> None:
    """Import modules of this package in which people write entries, such as registries.

    Raises:
        InputError: one is no Python, or fails, as where an entry has a field that there is not; the sentence names the
            file and the line.
    """
    for name in names:
        try:
            importlib.import_module(name)
        except SyntaxError as error:
            raise _no_python(Path(error.filename or name), error) from error
        except Exception as error:
            stack = traceback.extract_tb(error.__traceback__)
            own = [frame for frame in stack if Path(frame.filename).is_relative_to(PACKAGE)]
            frames = [frame for frame in own if frame.name == "<module>"]
            of_others = isinstance(error, ImportError) and not str(error.name).startswith(PACKAGE.name)
            if of_others or not frames:
                raise
            where = f"{shown(Path(frames[-1].filename))}, line {frames[-1].lineno}"
            field = re.search(r"(\w+)\.__\w+__\(\) got an unexpected keyword argument '(\w+)'", str(error))
            said = error if isinstance(error, InputError) else f"{type(error).__name__}: {error}: correct it"
            said = f"{field[1]} has no field {field[2]!r}: correct its name" if field else said
            raise InputError(f"{where}: {said}") from error


def check_function(reference: object, positional: Sequence[str], by_name: Mapping[str, bool] = _NONE) -> Path:
    """Check that there is a function of this package that can be called in one way, without importing its module.

    Args:
        reference: "module:function".
        positional: what it is called with by position, in words of one letter or more.
        by_name: what it is called with by name, and whether always.

    Returns:
        The file of its module.

    Raises:
        InputError: there is none, or it takes something else; the sentence says what is missing and where.
    """
    module, _, name = reference.partition(":") if isinstance(reference, str) else ("", "", "")
    top, *parts = module.split(".")
    if top != PACKAGE.name or not parts or not all(map(str.isidentifier, [*parts, name])):
        raise InputError(f"{reference!r} names no function: write it as '{PACKAGE.name}.part.module:function'")
    file = _file(module)
    if file is None:
        path = PACKAGE.joinpath(*parts).with_suffix(".py")
        raise InputError(f"there is no file {shown(path)}, which {reference!r} names: write it, or correct that")
    facts = read_module(file)
    if name not in facts.names:
        raise InputError(
            f"there is no function {name} in {shown(file)}, which {reference!r} names: write it, or correct that"
        )
    if name in facts.functions:
        line, parameters = facts.functions[name]
        _check_call(f"{shown(file)}, line {line}", name, parameters, positional, by_name)
    return file


def check_module(file: Path) -> None:
    """Check that the names which a module of this package uses are defined or imported, without importing it.

    Raises:
        InputError: it is no Python, uses a name that it lacks, or imports what another module of this package has not;
            the sentence names the file.
    """
    facts = read_module(file)
    for line, module, names in facts.sources:
        if module.split(".")[0] != PACKAGE.name:
            continue
        source = _file(module)
        if source is None:
            raise InputError(f"{shown(file)}, line {line}: there is no module {module}: correct its name")
        there = read_module(source).names
        for name in names:
            if name not in there and _file(f"{module}.{name}") is None:
                raise InputError(f"{shown(file)}, line {line}: {unknown_name(f'name in {module}', name, there)}")
    known = facts.names | _ALWAYS
    symbols = list(_symbols(symtable.symtable(file.read_text(encoding="utf-8"), str(file), "exec")))
    known |= {symbol.get_name() for symbol in symbols if symbol.is_declared_global()}
    for symbol in symbols:
        name = symbol.get_name()
        if name not in known and symbol.is_referenced() and symbol.is_global():
            raise InputError(f"{shown(file)} uses {name} and has no such name: define or import it")


def shown(file: Path) -> str:
    """Return how a sentence names a file: by its path in the package where it is of it."""
    return str(file.relative_to(PACKAGE) if file.is_relative_to(PACKAGE) else file)


def _no_python(file: Path, error: SyntaxError) -> InputError:
    line = f", line {error.lineno}," if error.lineno else ""
    return InputError(f"{shown(file)}{line} is no Python ({error.msg}): correct it")


def _file(module: str) -> Path | None:
    """The file of a module of this package, or None."""
    base = PACKAGE.joinpath(*module.split(".")[1:])
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def _symbols(table: symtable.SymbolTable) -> Iterator[symtable.Symbol]:
    """The names that a module uses, in each of its functions, classes and so on."""
    yield from table.get_symbols()
    for inner in table.get_children():
        yield from _symbols(inner)


def _statements(module: ast.Module) -> Iterator[ast.AST]:
    """All statements of a module, those in functions and blocks too; `ast.walk` goes through expressions as well."""
    waiting: list[ast.AST] = [module]
    while waiting:
        node = waiting.pop()
        yield node
        for field in _BLOCKS:
            waiting += getattr(node, field, ())


def _bound_names(module: ast.Module) -> set[str]:
    names: set[str] = set()
    nodes: list[ast.AST] = [*module.body]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Assign):
            nodes += node.targets
        elif isinstance(node, ast.AnnAssign | ast.AugAssign):
            nodes.append(node.target)
        elif not isinstance(node, ast.Expr):
            nodes += ast.iter_child_nodes(node)
    return names


def _check_call(
    where: str, name: str, arguments: ast.arguments, positional: Sequence[str], by_name: Mapping[str, bool]
) -> None:
    """Check that a function takes what it is called with, and needs nothing else."""
    own = [*arguments.posonlyargs, *arguments.args]
    required = {argument.arg for argument in own[len(positional) : len(own) - len(arguments.defaults)]}
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    required |= {argument.arg for argument, default in pairs if default is None}
    possible = {argument.arg for argument in (*own[len(positional) :], *arguments.kwonlyargs)}
    too_many = len(positional) > len(own) and arguments.vararg is None
    if too_many or required - by_name.keys() or (by_name.keys() - possible and arguments.kwarg is None):
        call = ", ".join([*positional, *(f"{key}=..." for key in by_name)])
        raise InputError(
            f"{where}: the function is called as {name}({call}) and takes ({ast.unparse(arguments)}): make it take "
            "what it is given"
        )
    for key in sorted(required):
        if not by_name[key]:
            raise InputError(f"{where}: {key} is not always given: give it a default, or list it under required")
