"""YAML that people write, read so that a small file cannot take much time or memory."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml

from filterfreq.errors import InputError
from filterfreq.files import reading

# Many times what the largest study needs, and read in seconds.
_LARGEST_FILE = 200_000  # bytes
_MOST_VALUES = 100_000
_DEEPEST = 50  # lists and objects inside each other


def read_yaml(path: str | Path, remedy: str) -> Any:
    """Read a YAML file of at most 200 kB, of plain values alone.

    Args:
        path: the file.
        remedy: what to do when it cannot be read, for the message.

    Raises:
        InputError: the file is missing, is no YAML or more than one document, has a tag that is not YAML's own, or is
            too large, also by what its aliases and merge keys stand for.
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
            return None if node is None else loader.construct_document(node)
        except yaml.YAMLError as error:
            raise InputError(f"{path} is no YAML ({_fault(error)}): {remedy}") from error


def check_config_file(path: str | Path) -> None:
    """Refuse a config file that Snakemake had better not read.

    Snakemake takes hours over some small files, and where the key `__use_yte__` stands in one it runs, as Python, text
    in it that begins with a question mark.

    Raises:
        InputError: as for `read_yaml`, or the file has that key.
    """
    content = read_yaml(path, "correct it")
    if isinstance(content, dict) and "__use_yte__" in content:
        raise InputError(f"{path}: __use_yte__ would have Snakemake run text of the config as Python: take it out")


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
