"""The kinds of GANs, without what they compute."""

import subprocess
import sys
from pathlib import Path

import pytest

from filterfreq.evaluation.registry import SUITES, load
from filterfreq.fits.registry import FITS
from filterfreq.gans.registry import GANS
from filterfreq.runtime.schemas import SCHEMAS

SCRIPTS = Path(__file__).parents[2] / "scripts"


def test_planning_needs_no_torch_to_read_the_kinds():
    code = "import sys; import filterfreq.gans.registry; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True).stdout == "False\n"


def test_every_kind_has_a_schema_of_its_settings_and_no_other_name():
    assert {file.stem for file in (SCHEMAS / "gans").glob("*.yaml")} == GANS.keys()
    assert not GANS.keys() & (SUITES.keys() | FITS.keys())


@pytest.mark.parametrize("kind", GANS)
def test_what_a_kind_names_is_there(kind):
    assert GANS[kind].module.startswith("filterfreq.gans.")
    assert callable(load(GANS[kind].run))
