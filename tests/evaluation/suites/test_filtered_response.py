import math

import numpy as np
import pytest
import torch
from evaluation.suites.jobs_of_responses import ByMean, job_of

from filterfreq.evaluation.progress import Progress
from filterfreq.evaluation.registry import SUITES
from filterfreq.evaluation.results import check_rows
from filterfreq.evaluation.suites import filtered_response
from filterfreq.evaluation.suites.filtered_response import filtered_errors, run, run_snapshots

SETTINGS = {"deltas": [20, 300], "images": 32}


def test_errors_are_those_of_all_pairs_one_by_one(tiny_dataset, tmp_path):
    job = job_of(tiny_dataset, tmp_path, SETTINGS)
    rows = run(job)
    check_rows(rows, "it", SUITES["filtered_response"].metrics)
    assert {row["n"] for row in rows} == {32}
    images, labels = tiny_dataset.images("train")[::3], tiny_dataset.labels("train")[::3]
    points = images.reshape(32, -1) / 255
    shown = torch.from_numpy(images.copy()).float().div(255).permute(0, 3, 1, 2)
    answers = job.classifier(shown).softmax(dim=1).double().numpy()
    for delta in SETTINGS["deltas"]:
        low = np.zeros((2, 32, 4))
        for i in range(32):
            weights = [math.exp(-sum((points[i] - points[j]) ** 2) / (2 * delta)) for j in range(32)]
            for which, values in enumerate((np.eye(4)[labels], answers)):
                low[which, i] = sum(w * values[j] for j, w in enumerate(weights)) / sum(weights)
        high = np.stack([np.eye(4)[labels], answers]) - low
        expected = [math.sqrt(((part[1] - part[0]) ** 2).sum() / (part[0] ** 2).sum()) for part in (low, high)]
        found = [row["value"] for row in rows if row["parameter"] == f"split=train;output=probability;delta={delta}"]
        assert found == pytest.approx(expected, rel=1e-5)


def test_its_limits():
    """A narrow filter leaves all in the low part, a wide one the mean, which is right where classes are as frequent."""
    points = np.arange(8).reshape(8, 1)
    labels = np.eye(2)[[0, 1] * 4]
    answers = [labels[::-1], labels]
    narrow, wide = filtered_errors(points, labels, answers, [1e-6, 1e9], 1, "cpu", Progress(), "points").transpose(
        1, 0, 2
    )
    assert narrow[:, 0].tolist() == pytest.approx([math.sqrt(2), 0])
    assert np.isnan(narrow[:, 1]).all()
    np.testing.assert_allclose(wide, [[0, 2], [0, 0]], atol=1e-6)


def test_logits_are_compared_where_they_are_asked_for(tiny_dataset, tmp_path):
    chosen = {**SETTINGS, "output": "logit"}
    logits, probabilities = (run(job_of(tiny_dataset, tmp_path, one)) for one in (chosen, SETTINGS))
    assert logits[0]["value"] > 5 * probabilities[0]["value"]
    assert "output=logit" in logits[0]["parameter"]


def test_snapshots_share_the_distances_and_an_interrupted_job_goes_on(tiny_dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(filtered_response, "_ROWS", 10)
    models = ByMean(0.1), ByMean(2.0)
    jobs = [job_of(tiny_dataset, tmp_path, SETTINGS, model) for model in models]
    alone = [
        run(job_of(tiny_dataset, tmp_path / str(number), SETTINGS, job.classifier)) for number, job in enumerate(jobs)
    ]
    calls = []
    low_pass = filtered_response.low_pass

    def interrupted(points, values, rows, *others):
        calls.append(rows.start)
        if calls == [0, 10]:
            raise KeyboardInterrupt
        return low_pass(points, values, rows, *others)

    monkeypatch.setattr(filtered_response, "low_pass", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_snapshots(jobs, Progress(tmp_path / "progress.json", "f"))
    together = run_snapshots(jobs, Progress(tmp_path / "progress.json", "f"))
    assert calls == [0, 10, 10, 20, 30]
    for found, expected in zip(together, alone, strict=True):
        assert [row["parameter"] for row in found] == [row["parameter"] for row in expected]
        assert [row["value"] for row in found] == pytest.approx([row["value"] for row in expected], rel=1e-12)
