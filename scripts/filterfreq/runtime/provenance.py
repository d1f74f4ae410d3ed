"""Which code and which versions made a result."""

import hashlib
import importlib.metadata
import platform
import subprocess
from functools import cache
from pathlib import Path

from filterfreq.runtime.modules import PACKAGE, read_module
from filterfreq.runtime.submission import told_config_files

_RECORDED = ("torch", "numpy", "safetensors")


def code_version(script: Path, *chosen: str) -> str:
    """Return a SHA-256 over a script and every module of this package that it imports, directly or through others.

    Snakemake compares the time of a script and does not follow its imports. A rule that takes this value as a parameter
    is run again when the content of any code it depends on has changed, and only then.

    Two kinds of module are left out: registries, or one more model in the list would train every other model again, and
    all of `filterfreq.runtime`, in which nothing changes a number.

    Args:
        script: the rule's script.
        chosen: modules that the script imports through a registry, such as `filterfreq.models.resnet`.

    Raises:
        InputError: one of these files is no Python.
    """
    found = set().union(*(_files(name) for name in chosen))
    waiting = [script, *found]
    while waiting:
        new = _direct_imports(waiting.pop()) - found
        found |= new
        waiting.extend(new)
    digest = hashlib.sha256(script.read_bytes() + b"\0")
    for module in sorted(found):
        digest.update(module.relative_to(PACKAGE).as_posix().encode() + b"\0" + module.read_bytes() + b"\0")
    return digest.hexdigest()


@cache
def _direct_imports(file: Path) -> frozenset[Path]:
    """The package's files that `file` imports anywhere, inside functions too."""
    return frozenset().union(*map(_files, read_module(file).imported))


def _files(name: str) -> set[Path]:
    """The files that importing `name` reads; none for what is not of this package, a registry or of `runtime`."""
    top, *parts = name.split(".")
    if top != PACKAGE.name or parts[-1:] == ["registry"] or parts[:1] == ["runtime"]:
        return set()
    base = PACKAGE.joinpath(*parts)
    return {path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()}


def environment(*libraries: str) -> dict:
    """Return what a result was made with and for.

    These are the versions of Python and of the main libraries, the git revision (None outside git), and the config
    files of the study (None outside of a workflow).

    Args:
        libraries: packages that matter to this result beside those that matter to all.
    """
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: importlib.metadata.version(name) for name in (*_RECORDED, *libraries)},
        "git_revision": git_revision(),
        "config": told_config_files(),
    }


def git_revision() -> str | None:
    """Return the revision of this code, with "-dirty" where it was changed since; None outside git."""
    try:
        # Unpacked inside another repository, this code is not what that repository's revision names.
        if not _git("ls-files", "--", "__init__.py"):
            return None
        return _git("describe", "--always", "--dirty", "--abbrev=40")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(PACKAGE), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
