"""What an entry of a registry lacks, said before any work."""

import shutil
from dataclasses import replace

import pytest

from filterfreq.evaluation.columns import COLUMNS
from filterfreq.evaluation.registry import SUITES, Metric, Suite
from filterfreq.fits.registry import FITS, Fit
from filterfreq.models.surgery.registry import SURGERY
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.schemas import SCHEMAS
from filterfreq.study import registries
from filterfreq.study.registries import check_inputs, check_registries
from filterfreq.training.registry import INTERVENTIONS, Entry

SCHEMA = SCHEMAS / "config.schema.yaml"
CLEAN, LOW_PASS = SUITES["clean"], SURGERY["low_pass_kernels"]
PENALTY, SINUSOIDS = INTERVENTIONS["penalty"], FITS["sinusoids"]


def refusal(function, *arguments, **entries) -> str:
    with pytest.raises(InputError) as caught:
        function(*arguments, **entries)
    return str(caught.value)


def suites(**changes) -> dict[str, Suite]:
    """The suites, `clean` changed."""
    return {**SUITES, "clean": replace(CLEAN, **changes)}


def test_the_projects_own_entries_are_what_they_must_be():
    check_registries(SCHEMA)
    inputs = {name for suite in SUITES.values() for name in suite.inputs}
    check_inputs(inputs)


@pytest.mark.parametrize("key", [*COLUMNS, "epoch", "epsilon_value"])
def test_no_parameter_can_be_named_like_a_column(key):
    with pytest.raises(InputError, match=rf"the key '{key}' is a column of results or no name: choose another"):
        check_registries(SCHEMA, suites=suites(metrics={"accuracy": Metric((key,))}))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"run": "filterfreq.evaluation.suites.claen:run"}, "there is no file evaluation/suites/claen.py, which"),
        ({"run": "filterfreq.evaluation.suites.clean:rnu"}, "there is no function rnu in evaluation/suites/clean.py"),
        ({"run": "filterfreq.evaluation.suites.clean"}, "'filterfreq.evaluation.suites.clean' names no function"),
        ({"run": "filterfreq.study.measurable:why_not"}, "why_not(job) and takes (study: Study,"),
        (
            {"run_snapshots": "filterfreq.evaluation.suites.clean:run"},
            "run(jobs, progress) and takes (job: SuiteJob)",
        ),
        ({"why_not": "filterfreq.study.measurable:too_few"}, "there is no function too_few in study/measurable.py"),
        ({"check": "filterfreq.study.measurable:remarks"}, "remarks(study, datasets, where) and takes (study: Study)"),
        ({"stage": "atack"}, "unknown stage 'atack': did you mean 'attack'?"),
        ({"inputs": "images"}, "inputs is 'images', write a tuple of texts, as (\"one\",) with its comma"),
        ({"passes": "one_pass"}, "passes is 'one_pass', write a function of evaluation/passes.py"),
        ({"given_as_inputs": ("sets",)}, "given_as_inputs: unknown setting 'sets'"),
        ({"attacks": ("attacks",)}, "attacks: schemas/suites/clean.yaml does not list 'attacks' under required"),
        ({"types": {"split": "int"}}, "types: split is 'int', write int or float, or leave it out"),
        ({"types": {"spilt": int}}, "types: unknown key of parameters 'spilt': did you mean 'split'?"),
        ({"metrics": {"a": Metric(("seed",))}}, "metrics: a: the key 'seed' is a column of results or no name"),
        ({"metrics": {"a": Metric(("top-k",))}}, "metrics: a: the key 'top-k' is a column of results or no name"),
        ({"metrics": {"a": Metric(("k",), lowest=1)}}, "metrics: a: lowest is 1 and highest 1: raise highest"),
        ({"metrics": {}}, "metrics: it measures nothing, name at least one"),
    ],
)
def test_a_suite_that_could_not_run_is_one_sentence(changes, said):
    found = refusal(check_registries, SCHEMA, suites=suites(**changes))
    assert found.startswith("evaluation/registry.py, entry 'clean': ")
    assert said in found


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Metric("rank"), "keys is 'rank', write a tuple of texts"),
        (lambda: Metric(("a",), optional="rank"), "optional is 'rank', write a tuple of texts"),
        (lambda: Suite(run="", metrics={"level": ("rank",)}), 'metrics: write each as "name": Metric('),
        (lambda: Suite(run="", metrics=["level"]), 'metrics: write each as "name": Metric('),
        (lambda: Suite(run="", metrics={}, types=["rank"]), "types is ['rank'], write it as"),
    ],
)
def test_what_the_registry_itself_could_not_read_is_one_sentence(make, said):
    assert said in refusal(make)


def test_two_suites_cannot_mean_two_things_by_one_name():
    metrics = {"accuracy": Metric(("split",), lowest=-1)}
    said = refusal(check_registries, SCHEMA, suites=suites(metrics=metrics))
    assert "the metric 'accuracy' is (0, 1) here and (-1, 1) in 'clean': make them the same" in said
    metrics = {"other": Metric(("severity",))}
    said = refusal(check_registries, SCHEMA, suites=suites(metrics=metrics, types={"severity": float}))
    assert said.startswith("evaluation/registry.py, entry 'corruption': the key 'severity' is int here and float in")


def test_a_suite_reads_what_there_is():
    said = refusal(check_inputs, ["images", "source"], {"clean": replace(CLEAN, inputs=("imges",))})
    assert said == "evaluation/registry.py, entry 'clean': unknown input 'imges': did you mean 'images'?"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (PENALTY.module, "it is 'filterfreq.training.interventions.penalty', write it as Entry(...)"),
        (PENALTY._replace(module=f"{PENALTY.module}s"), "there is no file training/interventions/penaltys.py"),
        (Entry("filterfreq.training.intervention"), "there is no function intervention in training/intervention.py"),
        (PENALTY._replace(excludes=("mixpu",)), "excludes: unknown key of a variant 'mixpu': did you mean 'mixup'?"),
        (PENALTY._replace(needs=("decompositon",)), "needs: unknown key of a variant 'decompositon'"),
        (PENALTY._replace(needs="decomposition"), "needs is 'decomposition', write a tuple of texts"),
        (PENALTY._replace(strengths={"strenght": 1}), "strengths: unknown setting 'strenght'"),
    ],
)
def test_an_intervention_that_could_not_run_is_one_sentence(entry, said):
    found = refusal(check_registries, SCHEMA, interventions={**INTERVENTIONS, "penalty": entry})
    assert found.startswith(f"training/registry.py, entry 'penalty': {said}")


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        (LOW_PASS.replace(":", "."), "names no function"),
        (f"{LOW_PASS}s", "there is no function low_pass_kernelss in models/surgery/low_pass_kernels.py"),
        (
            "filterfreq.models.surgery.registry:surgery_modules",
            "(classifier, below=..., layers=...) and takes (settings",
        ),
    ],
)
def test_a_surgery_that_could_not_run_is_one_sentence(reference, said):
    found = refusal(check_registries, SCHEMA, surgery={**SURGERY, "low_pass_kernels": reference})
    assert found.startswith("models/surgery/registry.py, entry 'low_pass_kernels': ")
    assert said in found


def test_a_surgery_of_one_value_takes_it_by_position():
    check_registries(SCHEMA, surgery=SURGERY)
    found = refusal(check_registries, SCHEMA, surgery={**SURGERY, "dropout": SURGERY["front_end"]})
    assert found.startswith("models/surgery/registry.py, entry 'dropout': ")
    assert "called as add_front_end(classifier, setting) and takes (classifier" in found


def test_a_fit_that_could_not_run_is_one_sentence():
    changed = {**FITS, "sinusoids": replace(SINUSOIDS, run="filterfreq.fits.sinusoids:fit")}
    said = refusal(check_registries, SCHEMA, fits=changed)
    assert said.startswith("fits/registry.py, entry 'sinusoids': there is no function fit in fits/sinusoids.py, which")
    said = refusal(check_registries, SCHEMA, fits={**FITS, "sinusoids": CLEAN})
    assert "entry 'sinusoids': it is Suite(" in said
    assert said.endswith("write it as Fit(...)")


@pytest.mark.parametrize("folder", ["suites", "interventions", "surgery", "fits"])
def test_an_entry_without_a_schema_and_a_schema_without_an_entry_are_refused(tmp_path, folder):
    schemas = tmp_path / "schemas"
    shutil.copytree(SCHEMAS, schemas)
    kept = sorted((schemas / folder).glob("*.yaml"))[0]
    kept.rename(kept.with_stem("toy"))
    said = refusal(check_registries, schemas / "config.schema.yaml")
    expected = f"entry {kept.stem!r}: the schema of its settings is missing: write schemas/{folder}/{kept.stem}.yaml"
    assert said.endswith(expected)
    shutil.copy(schemas / folder / "toy.yaml", kept)
    said = refusal(check_registries, schemas / "config.schema.yaml")
    assert said.startswith(f"schemas/{folder}/toy.yaml: ")
    assert said.endswith("has no entry 'toy': write one, or move this file elsewhere")


def test_names_of_entries_can_stand_in_names_of_rules_and_files():
    said = refusal(check_registries, SCHEMA, suites={**SUITES, "to-y": CLEAN})
    assert said == "evaluation/registry.py, entry 'to-y': a name can have letters, digits and _ alone: write it so"


def test_what_builds_models_and_prepares_data_is_there(monkeypatch):
    resnet = registries.FAMILIES[0]
    monkeypatch.setattr(registries, "FAMILIES", [replace(resnet, builder=f"{resnet.builder}s")])
    assert refusal(check_registries, SCHEMA).startswith(
        f"models/registry.py, entry {resnet.form!r}: there is no function"
    )
    monkeypatch.setattr(registries, "FAMILIES", [])
    texdigits = registries.DATASETS["texdigits"]
    monkeypatch.setattr(registries, "DATASETS", {"toy": replace(texdigits, prepare="filterfreq.data.toy:prepare")})
    assert refusal(check_registries, SCHEMA).startswith("data/registry.py, entry 'toy': there is no file data/toy.py")


def test_a_fit_and_a_suite_have_different_names(tmp_path):
    shutil.copytree(SCHEMAS, tmp_path / "schemas")
    (tmp_path / "schemas" / "fits" / "clean.yaml").write_text("{type: object, properties: {points: {type: integer}}}")
    fits = {**FITS, "clean": Fit(run=SINUSOIDS.run, metrics=SINUSOIDS.metrics)}
    said = refusal(check_registries, tmp_path / "schemas" / "config.schema.yaml", fits=fits)
    assert said.startswith("fits/registry.py, entry 'clean': there is a suite of this name")
