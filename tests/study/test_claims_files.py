"""Files of claims: what is refused, and which claims a study can test."""

import re

import pytest
import yaml
from analysis.claim_rows import CLAIMS_SCHEMA, CLEAN, SLOPE, claim
from study_configs import ROOT, SCHEMA

from filterfreq.runtime.errors import InputError
from filterfreq.study.claims_files import claims_of_study, load_claims, measured_suites
from filterfreq.study.study import Study

CLAIMS = ROOT / "claims" / "filter_frequency.yaml"


def test_missing_claims_are_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"claims\.yaml is missing: restore it from the repository"):
        load_claims(tmp_path / "claims.yaml", CLAIMS_SCHEMA)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("direction: higher", "direction: up", "'up' is none of higher, lower, not lower, not higher, equal"),
        ("smallest_effect: 0.01", "smallest_effect: 0", "0 is out of range, it must be greater than 0"),
        ("smallest_effect: 0.01", "smallest_effect: .inf", "smallest_effect: .inf is the number inf to YAML"),
        ("smallest_effect: 0.01", "smallest_effect: .nan", "smallest_effect: .nan is the number nan to YAML"),
        ("smallest_effect: 0.01", "smallest_effect: 1.0e+400", "smallest_effect: inf is no finite number"),
        (
            "smallest_effect: 0.01",
            "smallest_effect: 1",
            "so that 1 would be all of it: write a fraction, 0.01 for one percen",
        ),
        (
            "smallest_effect: 0.01",
            "smallest_effect: 3",
            "3 is out of range, it must be at most 2: write a fraction, 0.01",
        ),
        (
            "- corruption: [",
            "- severity: '1'\n          corruption: [",
            "where.severity: '1' is text, write a number without quotes",
        ),
        (
            "smallest_effect: 0.01",
            "smallest_effect: 0x" + "f" * 5000,
            "is a number of 5002 characters to YAML: write a smaller one",
        ),
        ("{depth: {to: 0.34}", "{depth: {to: .inf}", "to: .inf is the number inf to YAML: write a finite number"),
        ("treatment: plain\n", "treatment: 2001-01-01\n", "treatment: 2001-01-01 is a date to YAML: put it in quotes"),
        (
            "{depth: {to: 0.34}",
            "{layer: {to: 0.34}",
            "where.layer: only numbers have a range, as epoch, draws, eot,",
        ),
        (
            "{depth: {to: 0.34}",
            "{depht: {to: 0.34}",
            "where: unknown parameter of the suite filters 'depht': did you mean",
        ),
        ("{depth: {to: 0.34}", "{depth: {from: 1, to: 0.34}", "where.depth: no number lies from 1 to 0.34, swap them"),
        ("{depth: {to: 0.34}", "{depth: highest", "where.depth: 'highest' is text, write a number without quotes"),
        (
            "horizontal: highest",
            "horizontal: higest",
            "'higest' is text, write a number without quotes, or the word high",
        ),
        (
            "gaussian_noise",
            "gausian_noise",
            "corruption: unknown corruption 'gausian_noise': did you mean 'gaussian_noi",
        ),
        (
            "- corruption: [",
            "- severity: 11\n          corruption: [",
            "where.severity: unknown severity '11': choose one of 1, 2",
        ),
        (
            "suite: corruption\n",
            "suite: corruptions\n",
            "measure.suite: unknown suite 'corruptions': did you mean 'corrup",
        ),
        (
            "metric: shape_bias",
            "metric: shape-bias",
            "unknown metric of the suite cue_conflict 'shape-bias': did you mean",
        ),
        (
            "suite: clean, metric: accuracy",
            "suite: filters, metric: accuracy",
            "metric of the suite filters 'accuracy'",
        ),
        (
            "sum_over: [horizontal",
            "sum_over: [horizontl",
            "sum_over: unknown parameter of the suite filters 'horizontl'",
        ),
        (
            "control: dct\n",
            "control: dct-penalty\n",
            "penalty-adversarial.control: 'dct-penalty' is the treatment itself",
        ),
        (
            "smallest_effect: 0.01",
            "smallest_effect: 1.5",
            "accuracy lies between 0 and 1, so that 1.5 would be all of it: write a fraction",
        ),
        ("metric: accuracy}", "metric: accuracy, where: [{norm: l_2}]}", "unknown norm 'l_2': did you mean 'l2'"),
        ("metric: accuracy}", "metric: accuracy, where: [{epsilon: 8/25x}]}", "where.epsilon: epsilon '8/25x'"),
        (
            "suite: clean, metric: accuracy}",
            "suite: clean, metric: accuracy, slope_over: {parameter: split, suite: spectrum, metric: error}}",
            "measure.slope_over.suite: unknown suite 'spectrum': did you mean 'spectra'",
        ),
        (
            "suite: corruption\n",
            "suite: corruption\n      slope_over:\n"
            "        {parameter: severity, suite: spectra, metric: high_frequency_energy}\n",
            "slope_over.parameter: unknown parameter of the suites corruption and spectra 'severity': choose one of ",
        ),
        (
            "suite: clean, metric: accuracy}\n",
            "suite: clean, metric: accuracy}\n    control_measure: {suite: clean, metric: acuracy}\n",
            "control_measure.metric: unknown metric of the suite clean 'acuracy': did you mean 'accuracy'",
        ),
        (
            "suite: clean, metric: accuracy}",
            "suite: clean, metric: accuracy, over_training: {at: 1, reach: 0.5}}",
            "write {at: 1}, the value at that epoch, or {reach: 0.5}, when half of the last value is reached",
        ),
        (
            "suite: clean, metric: accuracy}",
            "suite: clean, metric: accuracy, over_training: {below: 0.1, reach: 0.5}}",
            "or {below: 0.1}, when it is lower first",
        ),
        (
            "suite: clean, metric: accuracy}",
            "suite: clean, metric: accuracy, over_training: {reach: 1.5}}",
            "over_training.reach: 1.5 is out of range, it must be at most 1",
        ),
        (
            "suite: clean, metric: accuracy}\n",
            "suite: clean, metric: accuracy}\n"
            "    control_measure: {suite: clean, metric: accuracy, over_training: {reach: 0.5}}\n",
            "control_measure: one of the two measures is a share of the training and the other is not",
        ),
        ("treatment: plain\n", "1: plain\n", "has the key 1, which is no text to YAML: put it in quotes"),
        ("treatment: dct", "treatmen: dct", "unknown key 'treatmen': did you mean 'treatment'"),
        ("claims:", "claims: [", "is no YAML"),
    ],
)
def test_a_wrong_claim_is_one_sentence(tmp_path, old, new, message):
    text = CLAIMS.read_text()
    assert old in text
    (tmp_path / "claims.yaml").write_text(text.replace(old, new, 1))
    with pytest.raises(InputError) as error:
        load_claims(tmp_path / "claims.yaml", CLAIMS_SCHEMA)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    said_where = rf"({re.escape(str(tmp_path))}/)?claims\.yaml(, line \d+)?: claims\.[a-z-]+[.: ]"
    assert re.match(said_where, str(error.value)) or "is no YAML" in message


OTHERS = {"treatment": "dct-penalty", "control": "dct"}
MATCHED = {"label": "clean accuracy", **CLEAN}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"minus": {"treatment": "dct"}}, "minus: 'control' is missing"),
        ({"minus": {"treatment": "dct", "control": "plain"}}, "minus: names the claim's own two variants, and the"),
        ({"minus": OTHERS | {"control": "dct-penalty"}}, "minus.control: 'dct-penalty' is the treatment itself, name"),
        (
            {"minus": OTHERS, "beyond": {"label": "it", "where": [{"split": "test"}]}},
            "minus: a claim cannot have minus and beyond, leave one of them out",
        ),
        (
            {"minus": OTHERS, "matched": MATCHED},
            "matched: a claim cannot have matched and minus, leave one of them out",
        ),
        ({"matched": MATCHED, "control_measure": CLEAN}, "matched: a claim cannot have matched and control_measure, "),
        ({"matched": CLEAN}, "matched: 'label' is missing"),
        ({"matched": MATCHED | {"metric": "acuracy"}}, "matched.metric: unknown metric of the suite clean 'acuracy'"),
        (
            {"matched": MATCHED | {"also": ["dct", "plain"]}},
            "matched.also: 'dct' is compared with the sweep, leave it ",
        ),
        ({"matched": MATCHED | {"over_training": {"at": 1}}}, "matched: unknown key 'over_training'"),
    ],
)
def test_a_wrong_comparison_is_one_sentence(tmp_path, changes, message):
    entry = claim(CLEAN)["c"] | {"treatment": "dct", "control": "plain"} | changes
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"claims": {"c": entry}}))
    with pytest.raises(InputError) as error:
        load_claims(tmp_path / "mine.yaml", CLAIMS_SCHEMA)
    assert str(error.value).startswith(f"mine.yaml: claims.c.{message}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "key"),
    [({"minus": OTHERS}, "minus.treatment"), ({"matched": MATCHED | {"also": ["dct-penalty"]}}, "matched.also.0")],
)
def test_all_variants_of_a_claim_are_in_one_experiment(tmp_path, changes, key):
    def read(variants):
        study = study_of(variants, claims=["mine.yaml"])
        return claims_of_study(study, [tmp_path], CLAIMS_SCHEMA)

    entry = claim(CLEAN)["c"] | {"treatment": "dct", "control": "plain"} | changes
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"claims": {"c": entry}}))
    assert read(["plain", "dct", "dct-penalty"]) == ({"c": entry}, [])
    said = "mine.yaml: left out, as no experiment has the variants in brackets: c (dct-penalty)"
    assert read(["plain", "dct"]) == ({}, [said])
    with pytest.raises(
        InputError, match=rf"claims\.c\.{re.escape(key)}: 'dct-penalty' is no variant of this study, did "
    ):
        read(["plain", "dct", "dct-penalti"])


def test_claims_on_detectors_need_some(tmp_path):
    passes = [{"suite": "detection", "metric": "image_mAP", "where": [{"pass": kind}]} for kind in ("original", "low")]
    entry = claim(passes[0])["c"] | {"control_measure": passes[1], "over": "images"}
    entry = {key: value for key, value in entry.items() if key not in ("treatment", "control")}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"claims": {"c": entry}}))
    detector = {"detector": "retinanet_resnet50_fpn", "weights": "COCO_V1", "dataset": "coco-val2017"}
    detection = {"it": {**detector, "components": {"low": [8]}}}
    study = study_of(["plain"], claims=["mine.yaml"], detection=detection)
    assert claims_of_study(study, [tmp_path], CLAIMS_SCHEMA) == ({"c": entry}, [])
    without = claims_of_study(study_of(["plain"], claims=["mine.yaml"]), [tmp_path], CLAIMS_SCHEMA)
    assert without == ({}, ["mine.yaml: left out, as the config has no section detection: c"])


def test_claims_that_are_no_text_are_one_sentence(tmp_path):
    (tmp_path / "claims.yaml").write_bytes(b"claims: \xff\xfe")
    with pytest.raises(InputError, match=r"claims\.yaml is damaged .*UnicodeDecodeError.*: restore it from the"):
        load_claims(tmp_path / "claims.yaml", CLAIMS_SCHEMA)


def study_of(variants, run=None, **changes):
    """The demo's study with some variants, of which it runs all or some."""
    config = yaml.safe_load((ROOT / "configs" / "demo" / "core.yaml").read_text())
    config["variants"] = {name: config["variants"].get(name, {}) for name in variants}
    config["experiments"]["demo"]["variants"] = list(run or variants)
    return Study(config | changes, SCHEMA)


OF_THE_METHOD = [f"method-{what}" for what in ("adversarial", "corruptions", "out-of-distribution", "shape", "clean")]


def test_claims_on_variants_that_a_study_lacks_are_left_out_and_said():
    claims, left_out = claims_of_study(study_of(["plain", "dct-penalty"]), [ROOT], CLAIMS_SCHEMA)
    assert list(claims) == OF_THE_METHOD
    (said,) = left_out
    assert said.startswith("claims/filter_frequency.yaml: left out, as no experiment has the variants in brackets: ")
    assert "penalty-shape (dct)" in said
    assert "fgsm-energy-late (plain-fgsm)" in said


@pytest.mark.parametrize(
    ("variants", "run", "expected"),
    [
        (["plain", "dct", "dct-penalty", "plain-fgsm"], ["plain", "dct-penalty"], OF_THE_METHOD),  # defined, not run
        (["plain", "dct-penalty"], ["plain"], []),
        (
            ["plain", "dct-signal", "dct-signal-penalty", "plain-fast"],
            None,
            [],
        ),  # the project's own names, no misspellings of others
        (["plain", "dct-penalty2"], None, []),
    ],
)
def test_what_no_experiment_runs_is_left_out_and_said(variants, run, expected):
    claims, (said,) = claims_of_study(study_of(variants, run), [ROOT], CLAIMS_SCHEMA)
    assert list(claims) == expected
    assert said.count("(") == 15 - len(expected)


def test_two_variants_in_different_experiments_are_no_claim():
    config = yaml.safe_load((ROOT / "configs" / "demo" / "core.yaml").read_text())
    demo = config["experiments"]["demo"]
    config["experiments"] = {name: demo | {"variants": [name]} for name in ("plain", "dct")}
    study = Study(config, SCHEMA)
    claims, (said,) = claims_of_study(study, [ROOT], CLAIMS_SCHEMA)
    assert claims == {}
    assert "decomposition-shape (dct and plain)" in said


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("dct-penalti", "claims.c.treatment: 'dct-penalti' is no variant of this study, did you mean 'dct-penalty'?"),
        ("dctpenalty", "did you mean 'dct-penalty'?"),
        ("penalty-dct", "did you mean 'dct-penalty'?"),
        ("dct_penalty", "did you mean 'dct-penalty'?"),
        ("plian-fgsm", "did you mean 'plain-fgsm'?"),
    ],
)
def test_a_variant_but_for_a_slip_is_one_sentence(tmp_path, named, message):
    entry = claim(CLEAN)["c"] | {"treatment": named, "control": "dct"}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"claims": {"c": entry}}))
    study = study_of(["plain", "dct", "dct-penalty", "plain-fgsm"], claims=["mine.yaml"])
    with pytest.raises(InputError) as error:
        claims_of_study(study, [tmp_path, ROOT], CLAIMS_SCHEMA)
    assert message in str(error.value)


def claims_with(tmp_path, suite, metric, where, **evaluation):
    entry = claim({"suite": suite, "metric": metric, "where": [where]})["c"] | {"treatment": "dct", "control": "plain"}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"claims": {"c": entry}}))
    measured = yaml.safe_load((ROOT / "configs" / "demo" / "core.yaml").read_text())["evaluation"] | evaluation
    study = study_of(["plain", "dct"], claims=["mine.yaml"], evaluation=measured)
    return claims_of_study(study, [tmp_path, ROOT], CLAIMS_SCHEMA)


FGSM = {"attack": "fgsm", "norm": "linf", "epsilons": ["2/255"]}
SHOWN = {
    "transfer": {"source": "plain", "images": 9, "attacks": [FGSM]},
    "out_of_distribution": {"sets": ["texdigits-edges"]},
    "adaptive": {"norm": "linf", "epsilons": ["2/255"]},
    "regions": {"norm": "linf", "epsilon": "2/255"},
    "line_spectrum": {"length": 24},
    "response_frequency": {"highest": 1, "class": 3},
    "filtered_response": {"deltas": [3, 7.5]},
}
FILTERED = {
    "filter_quality": {"batch_norm": ["separate"]},
    "frequency_filtered": {"radii": {"low": [4, 8]}, "mask": "strict", "split": ["test"], "svd": [2]},
    "band_noise": {"norm": 8, "bandwidths": {"low": [33]}},
}


@pytest.mark.parametrize(
    ("suite", "metric", "where", "message"),
    [
        (
            "out_of_distribution",
            "accuracy",
            {"set": "texdigits-edge"},
            "claims.c.measure.where.set: 'texdigits-edge' is not measured, evaluation.out_of_distribution of this "
            "config has texdigits-edges: did you mean 'texdigits-edges'?",
        ),
        (
            "cue_conflict",
            "shape_bias",
            {"category": "overal"},
            "'overal' is not measured, evaluation.cue_conflict of this config has overall, 0 brick, ",
        ),
        (
            "cue_conflict",
            "shape_bias",
            {"category": "cat"},
            "9 rocket: correct the claim, or add it there",
        ),
        ("transfer", "accuracy", {"source": "plane"}, "has plain: did you mean 'plain'"),
        ("adaptive", "accuracy", {"attack": "worse"}, "adaptive, worst: did you mean 'worst'"),
        ("adaptive", "accuracy", {"epsilon": "4/255"}, "evaluation.adaptive of this config has 2/255"),
        ("regions", "crossed_units", {"attack": "pgd-50"}, "evaluation.regions of this config has pgd-50-from-image: "),
        (
            "regions",
            "crossed_units",
            {"norm": "l2"},
            "'l2' is not measured, evaluation.regions of this config has linf",
        ),
        ("regions", "error", {"epsilon": "4/255"}, "evaluation.regions of this config has 2/255"),
        ("regions", "error", {"path": "atack"}, "unknown path 'atack': did you mean 'attack'"),
        ("line_spectrum", "line_power", {"output": "logits"}, "unknown output 'logits': did you mean 'logit'"),
        ("line_spectrum", "line_power", {"unit": "pixels"}, "evaluation.line_spectrum of this config has normalised"),
        ("line_spectrum", "line_power", {"length": 12}, "evaluation.line_spectrum of this config has 24"),
        (
            "response_frequency",
            "frequency_error",
            {"chosen": 4},
            "evaluation.response_frequency of this config has 0, 1, 2, 3",
        ),
        ("response_frequency", "label_magnitude", {"class": 2}, "evaluation.response_frequency of this config has 3"),
        (
            "filtered_response",
            "low_frequency_error",
            {"delta": 7},
            "evaluation.filtered_response of this config has 3, 7.5",
        ),
        ("filtered_response", "low_frequency_error", {"split": "test"}, "has train: correct the claim"),
        ("adversarial", "accuracy", {"attack": "pdg-10"}, "has fgsm, pgd-10: did you mean 'pgd-10'"),
        (
            "adversarial",
            "accuracy",
            {"attack": "pgd-20"},
            "'pgd-20' is not measured, evaluation.adversarial of this config has fgsm, pgd-10: correct the claim",
        ),
        (
            "adversarial",
            "accuracy",
            {"attack": "autoattack"},
            "'autoattack' is not measured, evaluation.adversarial of this config has fgsm, pgd-10: cor",
        ),
        (
            "adversarial",
            "accuracy",
            {"epsilon": "3/255"},
            "where.epsilon: '3/255' is not measured, evaluation.adversarial of this config has 1/255, 2/255, 4/255, ",
        ),
        (
            "adversarial",
            "accuracy",
            {"epsilon": 8},
            "8 is not measured, evaluation.adversarial of this config has 1/255, 2",
        ),
        (
            "adversarial",
            "accuracy",
            {"epsilon_value": {"from": 0.5}},
            "where.epsilon_value: no epsilon_value that is meas",
        ),
        (
            "frequency_filtered",
            "accuracy",
            {"radius": 5},
            "5 is not measured, evaluation.frequency_filtered of this config has 4, 8: correct the claim",
        ),
        (
            "frequency_filtered",
            "accuracy",
            {"pass": "high"},
            "'high' is not measured, evaluation.frequency_filtered of this config has low: ",
        ),
        (
            "frequency_filtered",
            "accuracy",
            {"split": "train"},
            "'train' is not measured, evaluation.frequency_filtered of this config has test: correct",
        ),
        (
            "frequency_filtered",
            "only_high",
            {"mask": "non_strict"},
            "'non_strict' is not measured, evaluation.frequency_filtered of this config has strict: did you mean",
        ),
        (
            "frequency_filtered",
            "svd_accuracy",
            {"rank": 3},
            "3 is not measured, evaluation.frequency_filtered of this config has 2: correct",
        ),
        (
            "band_noise",
            "accuracy",
            {"band": "corner"},
            "'corner' is not measured, evaluation.band_noise of this config has low: correct",
        ),
        (
            "band_noise",
            "accuracy",
            {"bandwidth": 3},
            "where.bandwidth: 3 is not measured, evaluation.band_noise of this config has 0, 33: correct the claim, or "
            "add it there",
        ),
        (
            "corruption",
            "accuracy",
            {"severity": {"from": 6, "to": 9}},
            "where.severity: no severity that is measured lies",
        ),
        (
            "filters",
            "energy_share",
            {"depth": {"from": 2}},
            "where.depth: no depth lies in this range, they are from 0 to 1",
        ),
        *(
            ("filter_quality", "variance_entropy", {key: wanted}, f"where.{key}: no {key} lies in this range, they are")
            for key, wanted in (
                ("conv_depth_norm", {"from": 1.1}),
                ("conv_depth_norm", 2),
                ("conv_depth", {"to": -1}),
                ("index", [0, -1]),
            )
        ),
        ("filter_quality", "dct_share_raw", {"vertical": {"from": 3}}, "where.vertical: no vertical that is measured"),
        ("filter_quality", "dct_share_raw", {"horizontal": 3}, "where.horizontal: 3 is not measured"),
    ],
)
def test_values_that_the_study_does_not_measure_are_one_sentence(tmp_path, suite, metric, where, message):
    with pytest.raises(InputError) as error:
        claims_with(tmp_path, suite, metric, where, **SHOWN, **FILTERED)
    assert message in str(error.value)
    assert str(error.value).startswith("mine.yaml: claims.c.")


@pytest.mark.parametrize(
    ("suite", "where"),
    [
        ("adversarial", {"attack": "pgd-10", "norm": "l2", "epsilon": 0.25}),
        ("adversarial", {"epsilon": ["1/4", "4/510"]}),  # numbers that are measured, written otherwise
        ("autoattack", {"attack": "fab+apgd-dlr"}),
        ("transfer", {"attack": "anything"}),  # a suite that is not asked for is not measured, whatever it is asked of
    ],
)
def test_values_that_the_study_measures_are_fine(tmp_path, suite, where):
    attacks = {"norm": "linf", "epsilons": ["2/255"], "images": 9, "attacks": ["fab", "apgd-dlr"]}
    claims, _ = claims_with(tmp_path, suite, "accuracy", where, autoattack=[attacks])
    assert list(claims) == ["c"]


@pytest.mark.parametrize(("at", "is_there"), [(1, True), (3, False), (0.25, True)])
def test_a_claim_at_an_epoch_needs_its_snapshot(tmp_path, at, is_there):
    measure = {**CLEAN, "over_training": {"at": at}}
    entry = claim(measure)["c"] | {"treatment": "dct", "control": "plain"}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"claims": {"c": entry}}))
    demo = yaml.safe_load((ROOT / "configs" / "demo" / "core.yaml").read_text())
    demo["training"]["default"]["snapshots"] = {"epochs": [0, 1], "batches": [2]}
    evaluation = {**demo["evaluation"], "over_training": ["clean"]}
    changed = {"claims": ["mine.yaml"], "evaluation": evaluation, "training": demo["training"]}

    def read():
        return claims_of_study(study_of(["plain", "dct"], **changed), [tmp_path, ROOT], CLAIMS_SCHEMA)

    if is_there:
        assert list(read()[0]) == ["c"]
    else:
        with pytest.raises(InputError, match=r"\.at: no training keeps a snapshot of epoch 3, they do of 0, 1"):
            read()


def test_a_claim_stands_on_all_suites_of_its_measures():
    entry = claim(SLOPE)["c"]
    assert measured_suites(entry) == {"corruption", "spectra"}
    assert measured_suites(entry | {"control_measure": CLEAN}) == {"corruption", "spectra", "clean"}


def test_two_files_of_claims_with_one_name_are_one_sentence(tmp_path):
    (tmp_path / "mine.yaml").write_text(CLAIMS.read_text())
    study = study_of(["plain", "dct"], claims=["claims/filter_frequency.yaml", "mine.yaml"])
    with pytest.raises(InputError, match=r"mine\.yaml: claims\.decomposition-adversarial: another file of claims has"):
        claims_of_study(study, [tmp_path, ROOT], CLAIMS_SCHEMA)


def test_a_missing_file_of_claims_is_one_sentence():
    study = study_of(["plain", "dct"], claims=["claims/filter_frequncy.yaml"])
    with pytest.raises(InputError) as error:
        claims_of_study(study, [ROOT], CLAIMS_SCHEMA)
    assert str(error.value) == (
        "claims.0: there is no file 'claims/filter_frequncy.yaml', neither in the working directory nor in the "
        "repository: did you mean 'claims/filter_frequency.yaml'?"
    )
