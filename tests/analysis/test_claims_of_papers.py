"""The claims of papers that the project tests."""

import itertools

import pytest
import yaml
from analysis.claim_rows import CLAIMS_SCHEMA, clean, energies
from study_configs import ROOT, SCHEMA

from filterfreq.analysis.claims import score
from filterfreq.evaluation.corruptions import COMMON
from filterfreq.evaluation.corruptions.sets import CORRUPTION_SETS
from filterfreq.frequencies.pairs import distinct_frequencies
from filterfreq.study.claims_files import claims_of_study, load_claims
from filterfreq.study.study import Study

CLAIMS = ROOT / "claims" / "filter_frequency.yaml"


def test_the_projects_own_claims_fit_the_schema_and_what_suites_measure(results_of):
    claims = load_claims(CLAIMS, CLAIMS_SCHEMA)
    rows = []
    for variant, seed in itertools.product(("plain", "dct", "dct-penalty", "plain-fgsm"), (0, 1)):
        rows += [
            clean(variant, seed, 0.5),
            *(
                ("m", variant, seed, "corruption", "accuracy", {"corruption": corruption, "severity": 1}, 0.5)
                for corruption in COMMON
            ),
            # The extra corruptions are not common ones.
            (
                "m",
                variant,
                seed,
                "corruption",
                "accuracy",
                {"corruption": "spatter", "severity": 1},
                0.05 * len(variant),
            ),
            ("m", variant, seed, "out_of_distribution", "accuracy", {"set": "sketches"}, 0.5),
            ("m", variant, seed, "cue_conflict", "shape_bias", {"category": "overall"}, 0.5),
            ("m", variant, seed, "out_of_distribution", "accuracy", {"set": "edges"}, 0.5),
            (
                "m",
                variant,
                seed,
                "adversarial",
                "accuracy",
                {"attack": "fgsm", "norm": "linf", "epsilon": "1/255"},
                0.5,
            ),
            *energies(variant, seed, [[0.5, 0.2, 0.3]] * 3),
        ]
    scores = score(results_of(rows), claims)
    assert list(scores["claim"]) == list(claims)
    assert (scores["pairs"] == 2).all()
    assert (scores["effect"] == 0).all()
    of_corruptions = claims["penalty-corruptions"]["measure"]["where"]
    assert of_corruptions == [{"corruption": list(COMMON)}]


def test_the_claims_of_the_fourier_perspective_hold_where_results_are_as_in_the_paper(results_of):
    claims = load_claims(ROOT / "claims" / "fourier.yaml", CLAIMS_SCHEMA)
    figure = {
        # The error at the lowest and at other frequencies, the accuracy under low-pass and high-pass noise, and under
        # corruptions: at no high-frequency energy, and so much more at an energy of 1.
        **{"plain": (0.1, 0.8, 0.7, 0.1, 0.8, 0), "gauss": (0.5, 0.3, 0.5, 0.8, 0.6, 0.5)},
        **{"plain-pgd": (0.6, 0.3, 0.4, 0.4, 0.6, 0.35), "autoaugment": (0.1, 0.6, 0.7, 0.2, 0.9, 0.1)},
        **{"low-pass": (0.1, 0.5, 0.7, 0.5, 0.7, 0.2), "high-pass": (0.1, 0.8, 0.7, 0.1, 0.7, -0.2)},
        **{"fog-noise": (0.05, 0.8, 0.7, 0.1, 0.6, 0.2), "plain-fgsm": (0.6, 0.4, 0.4, 0.4, 0.6, 0.35)},
        **{"dct": (0.1, 0.8, 0.7, 0.1, 0.8, 0), "dct-penalty": (0.2, 0.5, 0.7, 0.3, 0.8, 0.1)},
    }
    energies = {name: number / 20 for number, name in enumerate(CORRUPTION_SETS["yin2019"])} | {"fog": 0, "contrast": 0}
    rows = [
        ("", "", 0, "spectra", "high_frequency_energy", {"corruption": name, "bandwidth": 27}, energy)
        for name, energy in energies.items()
    ]
    for (variant, values), seed in itertools.product(figure.items(), (0, 1)):
        lowest, other, low, high, none, slope = values
        run = ("m", variant, seed)
        for u, v in distinct_frequencies(32, 32):
            where = {"l2_norm": 4, "u": u, "v": v}
            rows.append((*run, "fourier_heat_map", "error", where, lowest if max(abs(u), abs(v)) < 2 else other))
        for band, bandwidth, value in (("low", 3, low), ("corner", 3, high), ("corner", 31, high), ("low", 31, 0)):
            where = {"band": band, "bandwidth": bandwidth, "l2_norm": 8}
            rows.append((*run, "band_noise", "accuracy", where, value))
        rows += [
            (*run, "corruption", "accuracy", {"corruption": name, "severity": severity}, none + slope * energy)
            for name, energy in energies.items()
            for severity in (1, 5)
        ]
        for kind, value in (("low", 0.7), ("high", 0.3)):
            rows.append((*run, "frequency_filtered", "accuracy", {"pass": kind, "radius": 8}, value))
    scores = score(results_of(rows), claims)
    assert list(scores["claim"]) == list(claims)
    assert (scores["pairs"] == 2).all()
    signs = {"higher": 1, "lower": -1}
    for row in scores.to_dict("records"):
        assert signs[row["direction"]] * row["effect"] >= row["smallest_effect"], row["claim"]


def test_each_claim_on_high_components_has_an_experiment_of_their_study():
    study = Study(yaml.safe_load((ROOT / "configs" / "hfc.yaml").read_text()), SCHEMA)
    claims, left_out = claims_of_study(study, [ROOT], CLAIMS_SCHEMA)
    assert left_out == []
    assert list(claims) == list(load_claims(ROOT / "claims" / "hfc.yaml", CLAIMS_SCHEMA))
    # Those at equal clean accuracy stand on the whole sweep.
    strengths = {f"natural-smooth_rho-{rho}" for rho in ("0.1", "0.25", "0.5")} | {"natural-smooth", "natural"}
    assert strengths <= set(study.labels("penalties", "cifar10"))


def test_each_claim_on_what_classifiers_learn_first_has_an_experiment_of_their_study():
    study = Study(yaml.safe_load((ROOT / "configs" / "learning-images.yaml").read_text()), SCHEMA)
    claims, _ = claims_of_study(study, [ROOT], CLAIMS_SCHEMA)
    every = load_claims(ROOT / "claims" / "learning.yaml", CLAIMS_SCHEMA)
    suites = ("response_frequency", "filtered_response")
    of_images = [name for name, claim in every.items() if claim["measure"]["suite"] in suites]
    assert len(of_images) >= 9
    assert [name for name in claims if name in of_images] == of_images


# What the two variants of a claim may differ in, by what its name begins with.
DIFFERENCES = {
    "penalty": {"penalty"},
    "method": {"penalty", "decomposition"},
    "decomposition": {"decomposition"},
    "fgsm": {"adversarial_training"},
    "natural": set(),
}


@pytest.mark.parametrize(
    ("file", "number", "remarks"),
    [
        ("config.yaml", 15, 0),
        ("configs/demo/core.yaml", 15, 0),
        ("docs/results/config.yaml", 15, 0),
        ("docs/results/fourier.yaml", 20, 2),
    ],
)
def test_the_projects_claims_compare_what_they_speak_of(file, number, remarks):
    study = Study(yaml.safe_load((ROOT / file).read_text()), SCHEMA)
    claims, left_out = claims_of_study(study, [ROOT], CLAIMS_SCHEMA)
    assert len(claims) == number
    assert len(left_out) == remarks
    for name, entry in claims.items():
        new, old = (study.variants[entry[side]] for side in ("treatment", "control"))
        differing = {key for key in new.keys() | old.keys() if new.get(key) != old.get(key)} - {"label"}
        assert differing == DIFFERENCES[name.split("-")[0]]
