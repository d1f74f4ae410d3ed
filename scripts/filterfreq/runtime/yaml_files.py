"""YAML that people write, read so that a small file cannot take much time or memory."""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import read_json, reading

# Many times what the largest study needs, and read in seconds.
_LARGEST_FILE = 200_000  # bytes
_MOST_VALUES = 100_000
_DEEPEST = 50  # lists and objects inside each other
_MOST_DIGITS = 100  # of a whole number; Python itself reads no more than some thousands

_YAML = "tag:yaml.org,2002:"
# How people write what YAML 1.1 (yaml.org/type) takes for a number or a word. It also takes octal digits (010 is 8),
# base 60 (1:30 is 90), underscores, hexadecimal and binary digits, infinity, yes, no, on, off and ~.
_AS_WRITTEN = {
    "int": re.compile(r"[-+]?(0|[1-9][0-9]*)"),
    "float": re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+][0-9]+)?"),
    "bool": re.compile(r"[Tt]rue|TRUE|[Ff]alse|FALSE"),
    "null": re.compile(r"(null)?"),
}
# Numbers to people and text to YAML 1.1: an exponent needs a point before it and a sign, 08 is no octal number.
_NUMBER_IN_TEXT = re.compile(r"[-+]?(0[oO][0-7]+|([0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+)([eE][-+]?[0-9]+)?)")
_NO_TEXT = ("timestamp", "value")
_OTHER_TAGS = ("binary", "set", "omap", "pairs")
_IN_QUOTES = "or put it in quotes where text is meant"


def read_yaml(path: str | Path, remedy: str) -> Any:
    """Read a YAML file of at most 200 kB, of plain values alone, none of which YAML takes for another than people do.

    Args:
        path: the file.
        remedy: what to do when it cannot be read, for the message.

    Raises:
        InputError: the file is missing, is no YAML or more than one document, has a tag that is not YAML's own, or is
            too large, also by what its aliases and merge keys stand for; or two keys of an object have one name, or a
            value means something else to YAML than to people, as 010, which is 8.
    """
    path = Path(path)
    with reading(path, remedy):
        with open(path, "rb") as file:
            content = file.read(_LARGEST_FILE + 1)
        if len(content) > _LARGEST_FILE:
            raise InputError(f"{path} is larger than {_LARGEST_FILE} bytes, which no study needs: shorten it")
        try:
            loader = yaml.SafeLoader(content.decode("utf-8-sig"))
            node = loader.get_single_node()
            # Before any of it is made: merge keys copy what they merge.
            _check_extent(node, _parts_of_node, str(path))
            _check_keys(node, str(path))
            _check_scalars(node, loader, str(path))
            return None if node is None else loader.construct_document(node)
        except yaml.YAMLError as error:
            raise InputError(f"{path} is no YAML ({_fault(error)}): {remedy}") from error


def check_config_file(path: str | Path) -> None:
    """Refuse a config file, YAML or JSON, that Snakemake had better not read.

    Snakemake takes hours over some small files, keeps the last of several keys of one name, and where the key
    `__use_yte__` stands in one it runs, as Python, text in it that begins with a question mark.

    Raises:
        InputError: as for `read_yaml` or `read_json`, or the file has that key.
    """
    if str(path).endswith(".json"):
        read_json(path, "correct it")
        return
    content = read_yaml(path, "correct it")
    if isinstance(content, dict) and "__use_yte__" in content:
        raise InputError(f"{path}: __use_yte__ would have Snakemake run text of the config as Python: take it out")


def check_config_text(text: str, where: str) -> None:
    """Refuse a value of `--config` in which two keys have one name. Snakemake reads all else in it as text.

    Args:
        text: YAML, or any other text.
        where: what to call it in the message.

    Raises:
        InputError: two have, or it is too large by what its aliases stand for, or too deep.
    """
    with reading(where, "correct it"):
        try:
            node = yaml.BaseLoader(text).get_single_node()
        except yaml.YAMLError:  # which Snakemake takes as it is
            return
        _check_extent(node, _parts_of_node, where)
        _check_keys(node, where)


def check_extent(config: Any) -> None:
    """Refuse a config of more than 100,000 values, or of lists and objects more than 50 deep.

    Aliases are counted as often as they are used: what holds the same list twice, which holds the same list twice, and
    so on, is a short text and takes for ever to go through.

    Raises:
        InputError: it is so large, or holds itself.
    """
    _check_extent(config, _parts, "config")


def _check_extent(root: Any, parts: Callable[[Any], Iterable[Any]], where: str) -> None:
    # Of each list or object how many values it holds and how deep it is; None while it is gone through.
    found: dict[int, tuple[int, int] | None] = {}
    too_deep = f"{where}: its lists and objects are more than {_DEEPEST} deep in each other: unnest it"

    def extent(item: Any, depth: int) -> tuple[int, int]:
        if id(item) in found:
            known = found[id(item)]
            if known is None:
                raise InputError(f"{where}: an alias stands inside what it stands for: write out what is meant")
            return known
        inside = list(parts(item))
        if not inside:
            return 1, 0
        if depth > _DEEPEST:
            raise InputError(too_deep)
        found[id(item)] = None
        extents = [extent(part, depth + 1) for part in inside]
        values, levels = 1 + sum(count for count, _ in extents), 1 + max(deep for _, deep in extents)
        if values > _MOST_VALUES:
            raise InputError(
                f"{where}: it holds more than {_MOST_VALUES} values, those of an alias counted wherever it is used, "
                "which no study needs: shorten it"
            )
        if levels > _DEEPEST:
            raise InputError(too_deep)
        found[id(item)] = values, levels
        return values, levels

    extent(root, 0)


def _named_nodes(node: yaml.Node | None, name: str = "") -> Iterator[tuple[yaml.Node, str]]:
    """Yield each value of a document, with the keys that lead to it."""
    stack = [] if node is None else [(node, name)]
    seen = set()  # so that what an alias repeats comes once
    while stack:
        node, name = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node, name
        if isinstance(node, yaml.MappingNode):
            inside = [(value, key.value) for key, value in node.value]
        else:
            inside = enumerate(node.value) if isinstance(node, yaml.SequenceNode) else ()
            inside = [(value, number) for number, value in inside]
        stack += [(value, f"{name}.{key}" if name else str(key)) for value, key in reversed(inside)]


def _place(node: yaml.Node, where: str, name: str) -> str:
    return f"{where}, line {node.start_mark.line + 1}: {name}"


def _check_keys(root: yaml.Node | None, where: str) -> None:
    """Refuse an object in which two keys have one name, or that merges two others which say different things."""
    for node, name in _named_nodes(root):
        lines: dict[str, int] = {}
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in lines:
                remedy = "write <<: [*a, *b]" if _has_tag(key, "merge") else "take one of them out"
                raise InputError(
                    f"{_place(key, where, f'{name}.{key.value}'.lstrip('.'))} is there already, in line "
                    f"{lines[key.value]}: {remedy}"
                )
            lines[key.value] = key.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            _check_merged(node, where, name)


def _check_merged(node: yaml.MappingNode, where: str, name: str) -> None:
    own = {key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)}
    found: dict[str, yaml.Node] = {}
    for merged in _merged_nodes(node):
        for key, value in _keys(merged).items():
            if key not in own and found.setdefault(key, value) is not value:
                raise InputError(
                    f"{_place(node, where, name)} merges two objects that both have the key {key}: write {key} "
                    "beside << as it is meant"
                )


def _merged_nodes(node: yaml.MappingNode) -> list[yaml.MappingNode]:
    """Return the objects that an object merges by `<<`."""
    found = [value for key, value in node.value if _has_tag(key, "merge")]
    parts = [part for value in found for part in (value.value if isinstance(value, yaml.SequenceNode) else [value])]
    return [part for part in parts if isinstance(part, yaml.MappingNode)]


def _keys(node: yaml.MappingNode) -> dict[str, yaml.Node]:
    """Return the values of an object by key, with those that it merges."""
    inherited = {key: value for merged in _merged_nodes(node) for key, value in _keys(merged).items()}
    return inherited | {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}


def _check_scalars(root: yaml.Node | None, loader: yaml.SafeLoader, where: str) -> None:
    """Refuse keys that are no text, and values that mean something else to YAML than to people."""
    for node, name in _named_nodes(root):
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode) and not (_has_tag(key, "str") or _has_tag(key, "merge")):
                raise InputError(
                    f"{_place(key, where, name or 'the file')} has the key {key.value}, which is no text to YAML: "
                    "put it in quotes"
                )
        kind = node.tag.removeprefix(_YAML)
        if kind in _OTHER_TAGS:
            raise InputError(f"{_place(node, where, name)} has the tag !!{kind}, which means nothing here: take it out")
        problem = _find_misreading(node, kind, loader) if isinstance(node, yaml.ScalarNode) else None
        if problem is not None:
            raise InputError(f"{_place(node, where, name)}: {node.value} is {problem}")


def _find_misreading(node: yaml.ScalarNode, kind: str, loader: yaml.SafeLoader) -> str | None:
    """Return what YAML takes a value for and what to write, or None where people take it for the same."""
    if kind in _NO_TEXT:
        return "a date to YAML: put it in quotes" if kind == "timestamp" else "a mark of YAML's own: put it in quotes"
    if kind == "str":
        if node.style is None and _NUMBER_IN_TEXT.fullmatch(node.value):
            return f"text to YAML: write a number without leading zeros, as 10, 0.01 or 1.0e-2, {_IN_QUOTES}"
        return None
    if kind == "int" and len(node.value) > _MOST_DIGITS:
        return f"a number of {len(node.value)} characters to YAML: write a smaller one, {_IN_QUOTES}"
    if kind not in _AS_WRITTEN or _AS_WRITTEN[kind].fullmatch(node.value):
        return None
    value = loader.construct_object(node)
    if kind == "bool":
        return f"{str(value).lower()} to YAML: write {str(value).lower()}, {_IN_QUOTES}"
    if kind == "null":
        return f"nothing to YAML: write a value, {_IN_QUOTES}"
    return f"the number {value} to YAML: write a finite number in plain digits, {_IN_QUOTES}"


def _has_tag(node: yaml.Node, kind: str) -> bool:
    return node.tag == f"{_YAML}{kind}"


def _fault(error: yaml.YAMLError) -> str:
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return " ".join(str(error).split())
    return f"line {error.problem_mark.line + 1}: {', '.join(filter(None, [error.context, error.problem]))}"


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list | tuple | set) else ()


def _parts_of_node(node: yaml.Node | None) -> Iterable[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else ()
