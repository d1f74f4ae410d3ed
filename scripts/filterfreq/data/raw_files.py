"""Where a data set's raw files lie in a folder of the user's, and in which of the forms that people have them in."""

from pathlib import Path
from typing import NamedTuple

from filterfreq.data.registry import Source
from filterfreq.runtime.errors import InputError


class RawFile(NamedTuple):
    """A raw file in a folder.

    Attributes:
        source: what it should be, by its checksum.
        path: where it lies.
    """

    source: Source
    path: Path


def locate(source: Source, folder: str | Path) -> list[RawFile]:
    """Return the files of a folder that hold what a raw file does: itself, or the first of its forms that is there.

    They are looked for in the folder and where torchvision keeps them below its root, so that the folder may be that
    root. Only their names are looked at.

    Args:
        source: the entry of the registry.
        folder: the user's, or that of downloads.

    Returns:
        The files, all of one form; where there is none, the raw file itself, which does not exist.
    """
    for form in ((source,), *source.forms):
        parts = form[0].folder.split("/") if form[0].folder else []
        for depth in range(len(parts), -1, -1):
            found = [RawFile(file, Path(folder, *parts[depth:], file.file)) for file in form]
            if all(file.path.is_file() for file in found):
                return found
    return [RawFile(source, Path(folder, source.file))]


def check_there(source: Source, folder: str | Path, remedy: str) -> None:
    """Check that a raw file is in a folder in some form, and of the size that it should have.

    Raises:
        InputError: it is not; the sentence names its forms, or what a form lacks, and ends with `remedy`; or a file has
            another size.
    """
    found = locate(source, folder)
    if not all(file.path.is_file() for file in found):
        _refuse_part(source, folder, remedy)
        forms = [form[0].file if len(form) == 1 else f"the files of {form[0].folder}" for form in source.forms]
        others = f", nor {' or '.join(forms)}" if forms else ""
        if not Path(folder).is_dir():
            raise InputError(f"there is no folder {folder}, for {source.file}{others.replace(', nor', ' or')}{remedy}")
        raise InputError(f"there is no {source.file} in {folder}{others}{remedy}")
    for file, path in found:
        # What is gzipped alone may be packed anew; its content is looked at when it is prepared.
        size = None if Path(file.file).suffixes == [".gz"] else file.size
        if size is not None and path.stat().st_size != size:
            raise InputError(
                f"{path} has {path.stat().st_size} bytes and not the {size} of {file.file}: it is damaged, or another "
                "file of that name: put the right one there"
            )


def _refuse_part(source: Source, folder: str | Path, remedy: str) -> None:
    """Say which files are missing of a form that is there in part.

    Raises:
        InputError: there is such a form.
    """
    for form in source.forms:
        for folder_of_form in (Path(folder, form[0].folder), Path(folder)):
            missing = [file.file for file in form if not (folder_of_form / file.file).is_file()]
            if 0 < len(missing) < len(form):
                raise InputError(
                    f"there is no {' and no '.join(missing)} in {folder_of_form}, where other files of "
                    f"{form[0].folder} are{remedy}"
                )
