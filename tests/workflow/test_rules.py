"""What every rule declares, and what the environments of its jobs hold."""

import ast
import re
import sys
from collections.abc import Iterable
from importlib.metadata import distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

from filterfreq.evaluation.registry import SUITES
from filterfreq.planning.plan import STAGES

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts"
# The registries that scripts take modules from, by the environments of their rules.
REGISTRIES = {"train.yaml": ("models",), "evaluate.yaml": ("models", "models/surgery")}


def test_every_rule_declares_what_a_cluster_needs(rules):
    assert len(rules) > 20
    for rule in rules:
        name = rule["name"]
        assert rule["log"], name
        assert rule["benchmark"], name
        assert rule["environment"], name
        assert {"mem_mb", "runtime"} <= set(rule["resources"]), name
        if name in ("train", "calibrate", "perturb", "list_only_high") or name.startswith(
            ("evaluate_", "over_training_")
        ):
            assert "gpu" in rule["resources"], name
        assert (SCRIPTS / f"{rule['script']}.py").is_file(), name


def test_every_script_has_a_rule_but_for_the_plan_which_asks_for_all_of_them(rules):
    assert {file.stem for file in SCRIPTS.glob("*.py")} - {"plan"} == {rule["script"] for rule in rules}


def test_every_rule_knows_the_content_of_its_code(rules):
    """Without the trigger on times of scripts, a change of a script is seen by the parameter `code` alone."""
    # What they make is known by its checksum, or is a measured time.
    assert {rule["name"] for rule in rules if not rule["code"]} == {"download", "download_checkpoint", "calibrate"}
    for rule in rules:
        assert rule["code"] in (None, rule["script"]), rule["name"]


def test_the_plan_has_a_line_for_the_rules_of_every_file():
    files = {file.stem for file in (ROOT / "rules").glob("*.smk") if "script:" in file.read_text()}
    assert files - {"plan"} == set(STAGES)


def lock() -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", (ROOT / "envs/requirements.lock").read_text(), re.MULTILINE))


def excluded() -> set[str]:
    """The packages that the lock leaves out although others ask for them."""
    return {line for line in (ROOT / "envs/excluded.in").read_text().splitlines() if line and not line.startswith("#")}


def pinned(file: Path) -> dict[str, str]:
    """What pip installs into a conda environment together with all that it asks for, name and version."""
    *_, pip = yaml.safe_load(file.read_text())["dependencies"]
    return dict(requirement.split("==") for requirement in pip["pip"])


def pinned_alone(file: Path) -> dict[str, str]:
    """What pip installs into it afterwards without what it asks for."""
    script = file.with_suffix(".post-deploy.sh")
    text = script.read_text() if script.exists() else ""
    return dict(re.findall(r"^python -m pip install --no-deps (\S+)==(\S+)$", text, re.MULTILINE))


def asked_for(names: Iterable[str]) -> set[str]:
    """These packages and all that they ask for, directly or through others."""
    wishes = {canonicalize_name(package.name): package.requires or () for package in distributions()}
    found, waiting = set(), {canonicalize_name(name) for name in names}
    while waiting:
        name = waiting.pop()
        found.add(name)
        wanted = map(Requirement, wishes.get(name, ()))
        waiting |= {canonicalize_name(other.name) for other in wanted if not other.marker or other.marker.evaluate()}
        waiting -= found
    return found


ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))


@pytest.mark.parametrize("file", ENVIRONMENTS, ids=lambda file: file.stem)
def test_conda_files_pin_what_the_lock_pins(file):
    *conda, _ = yaml.safe_load(file.read_text())["dependencies"]
    assert [name.split("=")[0] for name in conda] == ["python", "pip"]
    assert len(pinned(file)) > 3
    for name, version in (pinned(file) | pinned_alone(file)).items():
        assert lock()[name] == version, name


@pytest.mark.parametrize("file", ENVIRONMENTS, ids=lambda file: file.stem)
def test_conda_files_get_nothing_that_the_lock_leaves_out(file):
    assert not asked_for(pinned(file)) & excluded()
    # All else that such a package asks for and the jobs need is there without it.
    assert all(asked_for([name]) & excluded() for name in pinned_alone(file))


def test_what_the_lock_leaves_out_is_asked_for_and_not_there():
    assert excluded() <= asked_for(lock())
    assert not excluded() & (lock().keys() | {canonicalize_name(package.name) for package in distributions()})


def test_the_lock_is_hashed_and_resolves_what_is_wanted():
    text = (ROOT / "envs/requirements.lock").read_text()
    entries = re.split(r"^(?=[a-z0-9-]+==)", text, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    for line in (ROOT / "envs/requirements.in").read_text().splitlines():
        if line and not line.startswith("#"):
            name, version = line.split("==")
            assert lock()[name] == version


def imported_files(file: Path) -> set[Path]:
    """The package's files that a file imports."""
    tree = ast.parse(file.read_text())
    # What only type checkers import is not there when a job runs.
    conditional = [node for node in tree.body if isinstance(node, ast.If)]
    tree.body = [node for node in tree.body if node not in conditional or ast.unparse(node.test) != "TYPE_CHECKING"]
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    names = {node.module for node in nodes} | {f"{node.module}.{alias.name}" for node in nodes for alias in node.names}
    paths = {SCRIPTS.joinpath(*name.split(".")) for name in names if name.startswith("filterfreq.")}
    return {path for base in paths for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()}


@pytest.mark.parametrize("file", ENVIRONMENTS, ids=lambda file: file.stem)
def test_conda_files_hold_what_their_scripts_import(file, rules):
    """Every third-party module that a rule's script imports, through the package too, is pinned in the rule's file."""
    modules = {"PIL": "pillow", "imagecorruptions": "imagecorruptions-imaug", "yaml": "pyyaml"}
    text = file.read_text()
    waiting = [SCRIPTS / f"{rule['script']}.py" for rule in rules if rule["environment"] == file.name]
    for part in REGISTRIES.get(file.name, ()):
        text_of_registry = SCRIPTS.joinpath("filterfreq", part, "registry.py").read_text()
        names = re.findall(r'"(filterfreq\.[\w.]+):\w+"', text_of_registry)
        waiting += [SCRIPTS.joinpath(*name.split(".")).with_suffix(".py") for name in names]
    if file.name == "evaluate.yaml":
        waiting += SCRIPTS.glob("filterfreq/evaluation/suites/*.py")
    if file.name == "publish.yaml":
        waiting += [
            *SCRIPTS.glob("filterfreq/publishing/figures/*.py"),
            *SCRIPTS.glob("filterfreq/publishing/tables/*.py"),
        ]
    seen = set()
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        waiting += imported_files(current)
        for node in ast.parse(current.read_text()).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            for top in {imported.split(".")[0] for imported in names}:
                if top not in sys.stdlib_module_names and top != "filterfreq":
                    assert f"- {modules.get(top, top)}==" in text, f"{current.name} imports {top}"
    assert len(seen) > 5


def test_the_drawing_of_the_stages_has_every_rule(rules):
    drawing = (ROOT / "docs/dag.dot").read_text()
    drawn = set(re.findall(r"(?<=<br/>)[\w…]+", drawing))
    drawn |= {form.replace("…", suite) for form in drawn if "…" in form for suite in SUITES}
    # The plan's rules are no stage, and those of an experiment, a fit, a GAN or a detection do what their rule does.
    names = {
        rule["name"]
        for rule in rules
        if not re.search(r"_of_(experiment|fit|gan|detection)$|^calibrate$|_plan$", rule["name"])
    }
    assert names <= drawn
    assert {name for name in drawn if not re.search("…|^(evaluate|over_training)_", name)} <= names


def test_the_drawing_of_the_stages_is_opaque_and_reads_at_850_pixels():
    picture = Image.open(ROOT / "docs/dag.png").convert("RGBA")
    assert picture.getchannel("A").getextrema() == (255, 255)
    assert picture.getpixel((0, 0)) == (255, 255, 255, 255)
    points = int(re.search(r"fontsize=(\d+)", (ROOT / "docs/dag.dot").read_text())[1])
    assert points * 144 / 72 * 850 / picture.width >= 12  # pixels; drawn with 144 dots per inch
