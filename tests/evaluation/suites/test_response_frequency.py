import math

import numpy as np
import pytest
import torch
from evaluation.suites.jobs_of_responses import ByMean, job_of

from filterfreq.evaluation.registry import SUITES
from filterfreq.evaluation.response_settings import complete_settings, frequency_grid
from filterfreq.evaluation.results import check_rows
from filterfreq.evaluation.suites.response_frequency import response_rows, run
from filterfreq.runtime.errors import InputError

SETTINGS = {"highest": 0.4, "points": 5, "chosen": [0, 0.21]}


def rows_of(job) -> dict[str, dict[str, float]]:
    """Values by metric and parameter."""
    rows = run(job)
    check_rows(rows, "it", SUITES["response_frequency"].metrics)
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        found.setdefault(row["metric"], {})[row["parameter"]] = row["value"]
    return found


def test_transforms_are_those_of_labels_and_answers_along_the_direction_of_most_variance(tiny_dataset, tmp_path):
    """Against the definition, with the principal component of numpy's singular values."""
    job = job_of(tiny_dataset, tmp_path, {**SETTINGS, "class": 2, "images": 40})
    found = rows_of(job)
    images, labels = tiny_dataset.images("train")[:80:2].copy(), tiny_dataset.labels("train")[:80:2]
    vectors = images.reshape(40, -1) / 255
    direction = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)[2][0]
    shown = torch.from_numpy(images).float().div(255).permute(0, 3, 1, 2)
    answers = job.classifier(shown).softmax(dim=1)[:, 2].detach().double().numpy()
    waves = np.exp(-2j * np.pi * np.multiply.outer(np.linspace(0, 0.4, 5), vectors @ direction))
    of_labels, of_answers = waves @ (labels == 2) / 40, waves @ answers / 40
    names = [f"class=2;split=train;frequency={frequency}" for frequency in ("0", "0.1", "0.2", "0.3", "0.4")]
    expected = dict(zip(names, abs(of_labels), strict=True))
    assert found["label_magnitude"] == pytest.approx(expected, rel=1e-9)
    assert [*found["response_magnitude"].values()] == pytest.approx(abs(of_answers).tolist(), rel=1e-5)
    errors = abs(of_answers - of_labels) / abs(of_labels)
    assert found["frequency_error"] == pytest.approx(
        {f"class=2;split=train;output=probability;chosen={i}": errors[point] for i, point in enumerate((0, 2))},
        rel=1e-5,
    )
    assert [*found["chosen_frequency"].values()] == [0, 0.2]


def test_the_difference_is_complex_and_not_that_of_magnitudes():
    settings = complete_settings({"highest": 1, "points": 2, "chosen": [0, 1]}, "any")
    rows = response_rows(np.array([1, 0.5j]), np.array([-1, 0.5 + 0j]), settings, 9, {"class": 0, "split": "train"})
    errors = [row["value"] for row in rows if row["metric"] == "frequency_error"]
    assert errors == pytest.approx([2, math.sqrt(2)])


def test_a_frequency_that_the_labels_lack_has_no_error():
    settings = complete_settings({"highest": 1, "points": 2, "chosen": [0]}, "any")
    rows = response_rows(np.zeros(2), np.ones(2), settings, 9, {"class": 0, "split": "train"})
    assert math.isnan(rows[-1]["value"])


def test_a_perfect_answer_has_no_error(tiny_dataset, tmp_path):
    job = job_of(tiny_dataset, tmp_path, SETTINGS, classifier=ByMean(strength=50))
    assert max(rows_of(job)["frequency_error"].values()) < 1e-3


def test_snapshots_read_the_images_once(tiny_dataset, tmp_path, monkeypatch):
    opened: dict = {}
    first = job_of(tiny_dataset, tmp_path, SETTINGS, opened=opened)
    second = job_of(tiny_dataset, tmp_path, SETTINGS, opened=opened, classifier=ByMean(strength=0.1))
    before = rows_of(first)
    monkeypatch.setattr("filterfreq.evaluation.suites.response_frequency.principal_component", None)
    after = rows_of(second)
    assert after["label_magnitude"] == before["label_magnitude"]
    assert after["frequency_error"] != before["frequency_error"]


def test_peaks_are_0_and_the_three_highest_of_the_labels():
    settings = complete_settings({"highest": 1.0, "points": 9}, "any")
    assert settings["chosen"] == "peaks"
    labels = np.array([9, 1, 2, 1, 4, 1, 3, 1, 2.5])
    rows = response_rows(labels, labels, settings, 9, {"class": 0, "split": "train"})
    assert [row["value"] for row in rows if row["metric"] == "chosen_frequency"] == [0, 0.25, 0.5, 0.75]


def test_the_papers_grids_hold_for_its_data_sets():
    mnist, cifar = (complete_settings({}, name) for name in ("mnist", "cifar10"))
    assert (len(frequency_grid(mnist)), frequency_grid(mnist)[-1], frequency_grid(cifar)[-1]) == (100, 0.5, 0.165)
    assert (mnist["chosen"], cifar["chosen"]) == ((0, 0.11, 0.19, 0.30), (0, 0.035, 0.09, 0.15))
    assert complete_settings({"highest": 0.35, "chosen": "peaks"}, "cifar10")["highest"] == 0.35


def test_a_class_that_is_not_there_is_refused(tiny_dataset, tmp_path):
    with pytest.raises(InputError, match=r"response_frequency\.class: tiny has no class 4, give one of 0 to 3"):
        run(job_of(tiny_dataset, tmp_path, {**SETTINGS, "class": 4}))
