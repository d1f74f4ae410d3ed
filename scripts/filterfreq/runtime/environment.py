"""The variables of a user's environment that would change or break what jobs make, and how they are kept from them."""

import re
from collections.abc import MutableMapping
from pathlib import Path

_LEFT_OUT = re.compile(
    "|".join(
        [
            # Other packages than the environment's, other rules for the code; the three that are spared do neither.
            "PYTHON(?!UNBUFFERED$|DONTWRITEBYTECODE$|PYCACHEPREFIX$).*",
            # OpenMP's: with fewer threads than it was promised oneDNN waits for ever, and the bound threads of several
            # jobs share one core. Snakemake sets the number of threads for each job, which is the one that counts.
            "(OMP|GOMP|KMP)_.*",
            # oneDNN computes in bfloat16, NVIDIA's libraries in TF32 or not, whatever the config says.
            "(ONEDNN|DNNL)_DEFAULT_FPMATH_MODE|NVIDIA_TF32_OVERRIDE",
            # Other implementations and a limit on the size of images; other types of columns.
            "OPENCV_.*|PANDAS_.*",
            # Matplotlib's settings, FreeType's, and the date in a PDF.
            "MATPLOTLIBRC|FREETYPE_PROPERTIES|SOURCE_DATE_EPOCH",
            # Another repository than the one whose revision is recorded: git sets them for its hooks.
            "GIT_(DIR|WORK_TREE|INDEX_FILE|COMMON_DIR|OBJECT_DIRECTORY)",
        ]
    )
)
_GIVEN = {
    "PYTHONUTF8": "1",
    # A backend of a notebook's would have to be installed; figures are drawn by Agg whichever it is.
    "MPLBACKEND": "agg",
    "MPL_IGNORE_SYSTEM_FONTS": "1",
}


def make_neutral(variables: MutableMapping[str, str], folder: str | Path) -> None:
    """Take out of an environment what would change or break what a job makes.

    Left alone is what chooses among the instructions of a processor, such as ONEDNN_MAX_CPU_ISA and OPENBLAS_CORETYPE:
    somebody may need it, and it makes the processor another kind, between which no equal bits are promised.

    Args:
        variables: the environment, such as `os.environ`, which is changed.
        folder: where matplotlib may keep what it knows about fonts; a user's own has settings beside that.
    """
    for name in [name for name in variables if _LEFT_OUT.fullmatch(name)]:
        del variables[name]
    variables.update(_GIVEN, MPLCONFIGDIR=str(Path(folder).absolute()))
