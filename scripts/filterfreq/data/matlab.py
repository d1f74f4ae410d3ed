"""Variables of .mat files."""

import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from filterfreq.errors import InputError

_DAMAGE = (MatReadError, OSError, ValueError, TypeError, NotImplementedError, zlib.error, KeyError)


def read_mat(file: Path | bytes, name: str, *variables: str, **options: Any) -> list[np.ndarray]:
    """Return variables of a .mat file.

    Args:
        file: its path or its content.
        name: what to call it in the message.
        variables: their names in it.
        options: further arguments of `scipy.io.loadmat`.

    Raises:
        InputError: it is missing, damaged, or lacks one of them.
    """
    try:
        content = loadmat(io.BytesIO(file) if isinstance(file, bytes) else file, variable_names=variables, **options)
        return [content[variable] for variable in variables]
    except _DAMAGE as error:
        raise InputError(f"{name} cannot be read ({error}): replace it by a whole copy") from error
