"""Claims over the images that a detector has seen."""

import numpy as np
import pandas as pd
import pytest
import yaml
from analysis.claim_rows import CLAIMS_SCHEMA, CLEAN, claim
from scipy import stats
from study_configs import ROOT

from filterfreq.analysis.claims import score
from filterfreq.evaluation.columns import COLUMNS
from filterfreq.evaluation.detection.registry import DETECTION
from filterfreq.evaluation.reading import read_results
from filterfreq.evaluation.results import format_parameter
from filterfreq.runtime.errors import InputError
from filterfreq.study.claims_files import load_claims

WHOLE, LOW = np.array([0.9, 0.8, 0.5, 0.7]), np.array([0.6, 0.7, 0.4, 0.5])


def image_map(kind):
    return {"suite": "detection", "metric": "image_mAP", "where": [{"pass": kind}]}


def claim_of_images(**changes):
    entry = claim(image_map("original"))["c"] | {"control_measure": image_map("low"), "over": "images"} | changes
    return {"c": {key: value for key, value in entry.items() if key not in ("treatment", "control")}}


@pytest.fixture
def results(tmp_path):
    """Of each image its mAP, and one image that has none of its low component."""
    values = {"original": dict(enumerate([*WHOLE, 0.1])), "low": dict(enumerate(LOW))}
    rows = [
        ("made", "net", "one", 0, "detection", "image_mAP", format_parameter(image=image, **{"pass": kind}), value, 1)
        for kind, by_image in values.items()
        for image, value in by_image.items()
    ]
    pd.DataFrame([(*row, None, None) for row in rows], columns=list(COLUMNS)).to_csv(tmp_path / "r.csv", index=False)
    return read_results([tmp_path / "r.csv"], known=DETECTION)


def test_two_passes_are_paired_by_image(results):
    (row,) = score(results, claim_of_images()).to_dict("records")
    expected = stats.ttest_rel(WHOLE, LOW)
    assert row["effect"] == pytest.approx(0.175)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert (row["p"], row["verdict"]) == (pytest.approx(expected.pvalue), "supported")
    assert (row["pairs"], row["over"], row["models"]) == (4, "images", "net")
    absent = claim_of_images(control_measure=image_map("high"))
    assert score(results, absent)["verdict"].item() == "not measured"


def test_the_claims_of_the_paper_on_detection_are_on_images():
    claims = load_claims(ROOT / "claims" / "hfc.yaml", CLAIMS_SCHEMA)
    compared = {
        name: [entry[key]["where"] for key in ("measure", "control_measure")]
        for name, entry in claims.items()
        if entry.get("over") == "images"
    }
    whole, low, high = ([{"pass": kind}] for kind in ("original", "low", "high"))
    assert compared == {"found-whole": [whole, low], "found-low": [low, high]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"treatment": "a"}, ".treatment: a claim over images compares theirs, leave treatment or over out"),
        ({"control_measure": None}, ": a claim over images compares two measures, add control_measure"),
        ({"measure": CLEAN}, ".measure.suite: unknown suite 'clean': choose one of detection"),
        (
            {"measure": image_map("middle")},
            ".measure.where.pass: unknown pass 'middle': choose one of original, low, h",
        ),
        ({"smallest_effect": 1}, ".smallest_effect: image_mAP lies between 0 and 1"),
    ],
)
def test_what_images_cannot_say_is_one_sentence(tmp_path, changes, message):
    entry = {key: value for key, value in (claim_of_images()["c"] | changes).items() if value is not None}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"claims": {"c": entry}}))
    with pytest.raises(InputError) as error:
        load_claims(tmp_path / "mine.yaml", CLAIMS_SCHEMA)
    assert str(error.value).startswith(f"mine.yaml: claims.c{message}")
    assert "\n" not in str(error.value)
