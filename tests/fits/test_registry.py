"""The kinds of fits, without what they compute."""

import subprocess
import sys
from pathlib import Path

import pytest

from filterfreq.evaluation.registry import SUITES, load
from filterfreq.fits.registry import FITS
from filterfreq.runtime.schemas import SCHEMAS

SCRIPTS = Path(__file__).parents[2] / "scripts"


def test_the_list_is_read_without_torch():
    code = "import sys; import filterfreq.fits.registry; print('torch' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"


def test_each_has_a_schema_and_no_suite_has_its_name():
    assert {file.stem for file in (SCHEMAS / "fits").glob("*.yaml")} == FITS.keys()
    # Both stand in the column `suite`.
    assert not FITS.keys() & SUITES.keys()


@pytest.mark.parametrize("kind", FITS)
def test_each_is_a_function_in_a_module_here(kind):
    assert FITS[kind].module.startswith("filterfreq.fits.")
    assert callable(load(FITS[kind].run))
    metrics = FITS[kind].metrics.values()
    assert {key for metric in metrics for key in (*metric.keys, *metric.optional)} >= FITS[kind].types.keys()
