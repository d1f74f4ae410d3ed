"""The claims that a study names, read and held against what it can measure."""

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from filterfreq.analysis.claims import HIGHEST
from filterfreq.config import SUITES, Study
from filterfreq.epsilon import parse_epsilon
from filterfreq.errors import InputError, some_of, unknown
from filterfreq.evaluation.corruptions import CORRUPTIONS, SEVERITIES
from filterfreq.evaluation.imagenet_categories import CATEGORIES
from filterfreq.evaluation.results import FRACTIONS, KEYS
from filterfreq.schemas import check_schema, check_values, load_schema
from filterfreq.yaml_files import read_yaml

Claims = dict[str, dict[str, Any]]

_NUMBERS = ("severity", "index", "horizontal", "vertical", "depth", "radius", "epsilon_value")
_FREQUENCIES = ("horizontal", "vertical")
_VALUES: Mapping[str, tuple] = {
    "corruption": tuple(CORRUPTIONS),
    "severity": SEVERITIES,
    "origin": ("generated", "published"),
    "norm": ("linf", "l2"),
    "cue": ("shape", "texture"),
    "pass": ("low", "high"),
    "split": ("test",),
}
_ATTACKS = ("fgsm", "pgd", "apgd-ce", "apgd-t", "fab-t", "square", "autoattack")
# A name as much like a variant's as this is taken for that variant, misspelt.
_ALIKE = 0.8


def load_claims(path: Path, schema: Path) -> Claims:
    """Read and check a file of papers' claims.

    Args:
        path: a YAML file such as `claims/filter_frequency.yaml`.
        schema: `schemas/claims.schema.yaml`.

    Returns:
        The claims by name, in the file's order.

    Raises:
        InputError: the file is missing or no YAML, a claim does not fit the schema, or names a suite, metric, parameter
            or value that no result can have; the sentence names the key, and the closest name that there is.
    """
    content = read_yaml(path, "restore it from the repository, or correct it")
    check_values(content, [path.name])
    check_schema(load_schema(schema), content, path.name)
    for name, claim in content["claims"].items():
        _check_claim(f"{path.name}: claims.{name}", claim)
    return content["claims"]


def claims_of_study(study: Study, folders: Iterable[Path], schema: Path) -> tuple[Claims, list[str]]:
    """Read all claims that a study names.

    Args:
        study: the config's.
        folders: where its files of claims are looked for, in order.
        schema: see `load_claims`.

    Returns:
        The claims whose two variants the study has, by name, in the files' order; and a sentence for each that it
        lacks.

    Raises:
        InputError: see `load_claims`; also two claims of one name, a variant's name that is nearly one of the study's,
            a set, category or variant in `where` that is none, or a file without any claim on the study's variants.
    """
    found: Claims = {}
    left_out = []
    variants = [*study.variants, *study.checkpoints]
    for file in study.config.get("claims", []):
        # What is in none of the folders is said of the last, the repository's.
        paths = [folder / Path(file).expanduser() for folder in folders]
        path = next((path for path in paths if path.exists()), paths[-1])
        claims = load_claims(path, schema)
        missing = {}
        for name, claim in claims.items():
            where = f"{path.name}: claims.{name}"
            if name in found:
                raise InputError(f"{where}: another file of claims has a claim of this name, rename one of them")
            lacking = [side for side in ("treatment", "control") if claim[side] not in variants]
            for side in lacking:
                if close := difflib.get_close_matches(claim[side], variants, n=1, cutoff=_ALIKE):
                    raise InputError(
                        f"{where}.{side}: {claim[side]!r} is no variant of this study, did you mean {close[0]!r}? "
                        "If not, take the claim out, or define the variant in `variants`"
                    )
                missing[name] = claim[side]
            _check_names_of_study(where, claim, study)
        if len(missing) == len(claims):
            raise InputError(
                f"claims: none of {path.name} compares two variants of this study ({some_of(variants)}): leave it out"
            )
        if missing:
            lacked = ", ".join(f"{name} ({variant})" for name, variant in missing.items())
            left_out.append(f"{path.name}: left out, because the study lacks the variant in brackets: {lacked}")
        found |= {name: claim for name, claim in claims.items() if name not in missing}
    return found, left_out


def _check_claim(where: str, claim: Mapping[str, Any]) -> None:
    """Refuse what no result of any study can have."""
    measure = claim["measure"]
    suite, metric = measure["suite"], measure["metric"]
    if claim["treatment"] == claim["control"]:
        raise InputError(
            f"{where}.control: {claim['control']!r} is the treatment itself, name what it is compared with"
        )
    if suite not in SUITES:
        raise _at(f"{where}.measure.suite", unknown("suite", suite, SUITES))
    metrics = [its_metric for its_suite, its_metric in KEYS if its_suite == suite]
    if metric not in metrics:
        raise _at(f"{where}.measure.metric", unknown(f"metric of the suite {suite}", metric, metrics))
    if metric in FRACTIONS and claim["smallest_effect"] > 1:
        raise InputError(
            f"{where}.smallest_effect: {metric} lies between 0 and 1, so that it never differs by "
            f"{claim['smallest_effect']:g}: write a fraction, 0.01 for one percentage point"
        )
    keys = KEYS[suite, metric]
    for place in ("where", "sum_over"):
        for key in (key for entry in measure.get(place, []) for key in ([entry] if place == "sum_over" else entry)):
            known = [
                *keys,
                *(["epsilon_value"] if "epsilon" in keys else []),
                *(["origin"] if suite == "corruption" else []),
            ]
            if key not in known:
                raise _at(f"{where}.measure.{place}", unknown(f"parameter of the suite {suite}", key, known))
    for entry in measure.get("where", []):
        for key, wanted in entry.items():
            _check_wanted(f"{where}.measure.where.{key}", key, wanted)


def _check_wanted(where: str, key: str, wanted: Any) -> None:
    if isinstance(wanted, dict):
        if key not in _NUMBERS:
            raise InputError(
                f"{where}: only numbers have a range, as {', '.join(_NUMBERS)}: list the values of {key} instead"
            )
        if wanted.get("from", float("-inf")) > wanted.get("to", float("inf")):
            raise InputError(f"{where}: no number lies from {wanted['from']:g} to {wanted['to']:g}, swap them")
        return
    for value in wanted if isinstance(wanted, list) else [wanted]:
        if key in _VALUES and value not in _VALUES[key]:
            raise _at(where, unknown(key, value, map(str, _VALUES[key])))
        if key in _NUMBERS and isinstance(value, str) and not (key in _FREQUENCIES and value == HIGHEST):
            word = f", or the word {HIGHEST}" if key in _FREQUENCIES else ""
            raise InputError(f"{where}: {value!r} is text, write a number without quotes{word}")
        if key == "epsilon":
            try:
                parse_epsilon(str(value))
            except InputError as error:
                raise _at(where, error) from error
        if key == "attack":
            for part in str(value).split("+"):
                if (
                    not re.fullmatch(rf"pgd-[0-9]+|{'|'.join(_ATTACKS)}", re.sub(r"-from-\w+$", "", part))
                    or part == "pgd"
                ):
                    forms = ["pgd-10" if name == "pgd" else name for name in _ATTACKS]
                    raise _at(where, unknown("attack", part, forms))


def _check_names_of_study(where: str, claim: Mapping[str, Any], study: Study) -> None:
    """Refuse a set, a category or a source of transferred attacks that the study cannot know."""
    names = study.variants | study.checkpoints
    classes = [study.dataset(name).classes for name in dict.fromkeys(run.dataset for run in study.runs)]
    # Where classes are read from a folder, their names are not known yet.
    categories = {"overall", *CATEGORIES, *(name for known in classes for name in known)} if all(classes) else None
    for entry in claim["measure"].get("where", []):
        for key, wanted in entry.items():
            for value in wanted if isinstance(wanted, list) else [wanted]:
                place = f"{where}.measure.where.{key}"
                if key == "set":
                    try:
                        study.shifted(value)
                    except InputError as error:
                        raise _at(place, error) from error
                if key == "source" and value not in names:
                    raise _at(place, unknown("variant", value, names))
                if key == "category" and categories is not None and value not in categories:
                    raise _at(place, unknown("category", value, sorted(categories)))


def _at(where: str, error: InputError) -> InputError:
    return InputError(f"{where}: {error}")
