"""The claims that a study names, read and held against what it can measure."""

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from filterfreq.analysis.claims import claim_measures, claim_variants
from filterfreq.analysis.learning_order import asks_for_share
from filterfreq.evaluation.detection.registry import DETECTION
from filterfreq.evaluation.registry import SUITES, Measurement
from filterfreq.runtime.errors import InputError, unknown_name
from filterfreq.runtime.schemas import check_schema, check_values, load_schema
from filterfreq.runtime.yaml_files import read_yaml
from filterfreq.study.claim_values import check_measured, check_wanted, prefix_error
from filterfreq.study.study import Study

Claims = dict[str, dict[str, Any]]

_CONTRARY = {"minus": ("over", "beyond"), "matched": ("over", "beyond", "minus", "control_measure")}
# Words this much alike, and this long, are taken for one word and its misspelling.
_ALIKE, _SHORTEST_WORD = 0.75, 4


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
    try:
        check_values(content, [])
        check_schema(load_schema(schema), content, "the file")
    except InputError as error:
        raise prefix_error(path.name, error) from error
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
        The claims whose variants one experiment of the study has all, or over pairs where one has pairs, or over images
        where there are detections, by name, in the files' order; and for each file sentences of which claims are left
        out for want of such.

    Raises:
        InputError: see `load_claims`; also two claims of one name, a variant's name that is one of the study's but for
            a slip, or a value in `where` that the study does not measure.
    """
    found: Claims = {}
    left_out = []
    folders = list(folders)
    defined = [*study.variants, *study.checkpoints]
    pairs = [(experiment, dataset) for experiment in study.experiments for dataset in study.datasets]
    compared = [set(study.labels(*pair)) for pair in pairs]
    for number, file in enumerate(study.config.get("claims", [])):
        path = _find_file(f"claims.{number}", file, folders)
        claims = load_claims(path, schema)
        missing, unpaired, undetected = {}, [], []
        for name, claim in claims.items():
            where = f"{path.name}: claims.{name}"
            if name in found:
                raise InputError(f"{where}: another file of claims has a claim of this name, rename one of them")
            sides = claim_variants(claim)
            for side, variant in sides.items():
                if variant not in defined and (meant := _closest_name(variant, defined)):
                    raise InputError(
                        f"{where}.{side}: {variant!r} is no variant of this study, did you mean {meant!r}? If not, "
                        "name the two so that they differ by more than a slip"
                    )
            if claim.get("over") == "images":
                if study.detections.runs:
                    found[name] = claim
                else:
                    undetected.append(name)
            elif any(can_test(study, claim, *pair) for pair in pairs):
                for key, measure in claim_measures(claim).items():
                    check_measured(f"{where}.{key}", measure, study)
                found[name] = claim
            elif "over" in claim:
                suites = f" with {' and '.join(sorted(measured_suites(claim)))}" if any(study.pairs.values()) else ""
                unpaired.append(f"{name}{suites}")
            else:
                absent = [variant for variant in sides.values() if not any(variant in of for of in compared)]
                missing[name] = " and ".join(dict.fromkeys(absent or sides.values()))
                if any(set(sides.values()) <= variants for variants in compared):
                    missing[name] += f" with {' and '.join(sorted(measured_suites(claim)))}"
        if missing:
            lacked = ", ".join(f"{name} ({lacking})" for name, lacking in missing.items())
            left_out.append(f"{file}: left out, as no experiment has the variants in brackets: {lacked}")
        if unpaired:
            which = "such pairs are measured" if any(study.pairs.values()) else "experiment has pairs"
            left_out.append(f"{file}: left out, as no {which}: {', '.join(unpaired)}")
        if undetected:
            left_out.append(f"{file}: left out, as the config has no section detection: {', '.join(undetected)}")
    return found, left_out


def can_test(study: Study, claim: Mapping[str, Any], experiment: str, dataset: str) -> bool:
    """Whether an experiment has all variants of a claim on a data set, or pairs, and wants the suites it stands on."""
    if claim.get("over") == "images":
        return False
    suites = measured_suites(claim)
    needs_model = any(not SUITES[suite].of_filters for suite in suites)
    runs = {*(study.classifiers_of(experiment, dataset) if needs_model else study.runs_of(experiment, dataset))}
    if "over" in claim:
        is_there = any(set(pair) <= runs for pair in study.pairs_of(experiment, dataset))
    else:
        is_there = {*claim_variants(claim).values()} <= {run.variant for run in runs}
    return is_there and all(study.wants(experiment, suite) for suite in suites)


def measured_suites(claim: Mapping[str, Any]) -> set[str]:
    """Return the suites whose results a claim stands on."""
    measures = claim_measures(claim).values()
    return {entry["suite"] for measure in measures for entry in (measure, measure.get("slope_over", measure))}


def suites_over_training(claim: Mapping[str, Any]) -> set[str]:
    """Return the suites whose results on snapshots a claim stands on."""
    return {measure["suite"] for measure in claim_measures(claim).values() if "over_training" in measure}


def _find_file(where: str, file: str, folders: list[Path]) -> Path:
    """Find a file of claims in the first folder that has it."""
    paths = [folder / Path(file).expanduser() for folder in folders]
    path = next((path for path in paths if path.exists()), None)
    if path is None:
        beside = sorted({other.name for path in paths for other in path.parent.glob("*.yaml")})
        close = difflib.get_close_matches(Path(file).name, beside, n=1)
        hint = f"did you mean {str(Path(file).with_name(close[0]))!r}?" if close else "correct the path"
        raise InputError(
            f"{where}: there is no file {file!r}, neither in the working directory nor in the repository: {hint}"
        )
    return path


def _closest_name(name: str, known: list[str]) -> str | None:
    """Return the known name that a name is but for a slip: another order or separator, or one misspelt word."""
    words = re.split(r"[-_.]", name)
    for other in known:
        its_words = re.split(r"[-_.]", other)
        if sorted(words) == sorted(its_words) or "".join(words) == "".join(its_words):
            return other
        if len(words) == len(its_words):
            differing = [pair for pair in zip(words, its_words, strict=True) if pair[0] != pair[1]]
            if len(differing) == 1 and _is_slip(*differing[0]):
                return other
    return None


def _is_slip(word: str, other: str) -> bool:
    is_numbered = word.rstrip("0123456789") == other.rstrip("0123456789")
    alike = difflib.SequenceMatcher(None, word, other).ratio() >= _ALIKE
    return alike and not is_numbered and min(len(word), len(other)) >= _SHORTEST_WORD


def _check_claim(where: str, claim: Mapping[str, Any]) -> None:
    """Refuse what no result of any study can have."""
    for side in ("treatment", "control"):
        if "over" in claim and side in claim:
            raise InputError(f"{where}.{side}: a claim over {claim['over']} compares theirs, leave {side} or over out")
    is_over_images = claim.get("over") == "images"
    if is_over_images and "control_measure" not in claim:
        raise InputError(f"{where}: a claim over images compares two measures, add control_measure")
    if "over" not in claim and claim["treatment"] == claim["control"] and "control_measure" not in claim:
        raise InputError(
            f"{where}.control: {claim['control']!r} is the treatment itself, name what it is compared with"
        )
    if "beyond" in claim and "control_measure" in claim:
        raise InputError(f"{where}.beyond: a claim with control_measure compares no differences, leave one of them out")
    for key, contrary in _CONTRARY.items():
        beside = [other for other in contrary if other in claim]
        if key in claim and beside:
            raise InputError(f"{where}.{key}: a claim cannot have {key} and {beside[0]}, leave one of them out")
    if "matched" in claim and (treatment := claim["treatment"]) in claim["matched"].get("also", ()):
        raise InputError(f"{where}.matched.also: {treatment!r} is compared with the sweep, leave it out of it")
    if "minus" in claim and (other := claim["minus"])["treatment"] == other["control"]:
        raise InputError(f"{where}.minus.control: {other['control']!r} is the treatment itself, name another variant")
    if "minus" in claim and {**claim["minus"]} == {side: claim[side] for side in claim["minus"]}:
        raise InputError(f"{where}.minus: names the claim's own two variants, and the rest is 0: name others")
    measures = claim_measures(claim)
    compared = [measure for key, measure in measures.items() if key != "matched"]
    if len({asks_for_share(measure.get("over_training", {})) for measure in compared}) > 1:
        raise InputError(
            f"{where}.control_measure: one of the two measures is a share of the training and the other is not: write "
            "over_training with reach or below in both, or in none"
        )
    for key, measure in measures.items():
        known = DETECTION if is_over_images else SUITES
        _check_measure(f"{where}.{key}", measure, known)
        name, metric = measure["metric"], known[measure["suite"]].metrics[measure["metric"]]
        is_share = (metric.lowest, metric.highest) == (0, 1) and "slope_over" not in measure
        if is_share and key != "matched" and claim["smallest_effect"] >= 1:
            raise InputError(
                f"{where}.smallest_effect: {name} lies between 0 and 1, so that {claim['smallest_effect']:g} would "
                "be all of it: write a fraction, 0.01 for one percentage point"
            )


def _check_measure(where: str, measure: Mapping[str, Any], measured: Mapping[str, Measurement]) -> None:
    suite = measure["suite"]
    known = _parameters(where, measure, measured)
    for section in ("where", "sum_over"):
        for key in (key for entry in measure.get(section, []) for key in ([entry] if section == "sum_over" else entry)):
            if key not in known:
                raise prefix_error(f"{where}.{section}", unknown_name(f"parameter of the suite {suite}", key, known))
    for entry in measure.get("where", []):
        for key, wanted in entry.items():
            check_wanted(f"{where}.where.{key}", key, wanted)
    if "slope_over" in measure:
        slope_over = measure["slope_over"]
        others = _parameters(f"{where}.slope_over", slope_over, measured)
        key, both = slope_over["parameter"], [name for name in known if name in others]
        if key not in both:
            said = f"parameter of the suites {suite} and {slope_over['suite']}"
            raise prefix_error(f"{where}.slope_over.parameter", unknown_name(said, key, both))


def _parameters(where: str, measure: Mapping[str, Any], measured: Mapping[str, Measurement]) -> list[str]:
    """The parameters of what a measure names, a suite's metric; both are refused where they are unknown."""
    suite, metric = measure["suite"], measure["metric"]
    if suite not in measured:
        raise prefix_error(f"{where}.suite", unknown_name("suite", suite, measured))
    metrics = measured[suite].metrics
    if metric not in metrics:
        raise prefix_error(f"{where}.metric", unknown_name(f"metric of the suite {suite}", metric, metrics))
    keys = metrics[metric].keys
    return [*keys, *(["epsilon_value"] if "epsilon" in keys else []), *metrics[metric].optional]
