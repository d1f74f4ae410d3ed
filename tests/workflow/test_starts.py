"""What a job's process imports before it works: torch takes more than a second, torchvision several."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
COMPUTING = {
    "train",
    "derive",
    "run_suite",
    "perturb",
    "list_only_high",
    "fit",
    "train_gan",
    "measure_gan",
    "calibrate",
    "detect",
    "score_detections",
}
COMPUTING |= {"download_checkpoint", "convert_checkpoint", "measure_images", "pool_filters", "show_filters"}


def imports_of(script: Path) -> str:
    """The import statements of a script, as code of their own."""
    nodes = [node for node in ast.walk(ast.parse(script.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)]
    return "\n".join(ast.unparse(node) for node in nodes)


def loaded_by(scripts: set[str]) -> set[str]:
    """The modules that a process has loaded after the imports of all these scripts."""
    code = "\n".join(imports_of(SCRIPTS / f"{name}.py") for name in sorted(scripts))
    code += "\nimport sys; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    return set(subprocess.run(command, cwd=SCRIPTS, check=True, capture_output=True, text=True).stdout.split())


def test_jobs_that_do_not_compute_import_no_torch():
    others = {path.stem for path in SCRIPTS.glob("*.py")} - COMPUTING
    assert {"prepare", "corrupt", "aggregate", "write_table", "draw_figure"} <= others
    products = (SCRIPTS / "filterfreq" / "publishing").glob("*s/*.py")
    loaded = loaded_by(others | {str(file.relative_to(SCRIPTS).with_suffix("")) for file in products})
    assert "filterfreq.publishing.means" in loaded
    assert "filterfreq.publishing.panels" in loaded
    assert not loaded & {"torch", "torchvision", "timm", "numba", "imagecorruptions"}


@pytest.mark.parametrize("library", ["torchvision", "torch._dynamo", "timm", "tensorboard"])
def test_no_job_imports_what_it_does_not_use(library):
    suites = (SCRIPTS / "filterfreq" / "evaluation" / "suites").glob("*.py")
    loaded = loaded_by(COMPUTING | {str(file.relative_to(SCRIPTS).with_suffix("")) for file in suites})
    assert "filterfreq.evaluation.observers" in loaded
    assert "filterfreq.training.loop" in loaded
    assert library not in loaded


def test_planning_imports_nothing_that_computes_or_downloads():
    """Each of these takes a good part of the time of a plan to import."""
    program = "import sys; from filterfreq.study import claims_files, filter_files, study; print(*sys.modules)"
    outcome = subprocess.run([sys.executable, "-c", program], cwd=SCRIPTS, check=True, capture_output=True, text=True)
    loaded = set(outcome.stdout.split())
    assert "filterfreq.study.study" in loaded
    assert not loaded & {"torch", "scipy", "requests", "pooch", "seaborn", "matplotlib", "h5py", "onnx"}
