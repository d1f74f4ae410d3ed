from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pytest
import torch

from filterfreq.data.arrays import PreparedDataset
from filterfreq.evaluation.job import SuiteJob
from filterfreq.evaluation.over_training import measure_snapshots
from filterfreq.evaluation.registry import SUITES, load
from filterfreq.evaluation.results import prepend_parameter
from filterfreq.evaluation.suites import clean, frequency_filtered
from filterfreq.models.checkpoints import load_checkpoint, save_checkpoint
from filterfreq.training.untrained import build_classifier

SETTINGS = {
    "clean": {"images": 20},
    "frequency_filtered": {"images": 20, "radii": {"low": [4, 8], "high": [4]}},
    "response_frequency": {"images": 20, "split": ["test"], "highest": 0.1, "points": 5, "chosen": [0, 0.05]},
    "filtered_response": {"images": 20, "split": ["test"], "deltas": [50]},
}
EPOCHS = (0, 0.5, 2)


class KilledError(Exception):
    pass


@pytest.fixture
def records(tiny_dataset, tiny_spec, tmp_path) -> dict[float, Path]:
    """Three models of other weights each, as snapshots are kept."""
    for number, epoch in enumerate(EPOCHS):
        spec = {**tiny_spec, "run": {**tiny_spec["run"], "seed": number}}
        classifier = build_classifier(spec, tiny_dataset)
        shape = {"architecture": "resnet_8_4", "num_classes": 4, "mean": [0.5] * 3, "std": [0.2] * 3}
        keys = ("python", "platform", "code", "device")
        provenance = {**dict.fromkeys(keys, ""), "packages": {}, "git_revision": None, "data": {}}
        record = {
            **{**spec, "run": tiny_spec["run"]},
            "classifier": {**shape, "decomposition": None},
            "metrics": {"epoch": epoch, "batches": number, "parameters": 1},
            "provenance": {**provenance, "seconds": 0, "peak_memory_mb": 0},
        }
        save_checkpoint(tmp_path / str(epoch), classifier, record)
    return {epoch: tmp_path / str(epoch) / "run.json" for epoch in EPOCHS}


@pytest.fixture
def measure(tiny_dataset, records, tmp_path) -> Callable:
    """Measure all snapshots with a suite; each call is a job that is started anew."""

    def measure(suite: str):
        opened: dict = {}

        def make_job(record_file: Path, suffix: str) -> SuiteJob:
            classifier, record = load_checkpoint(record_file)
            return SuiteJob(
                classifier=classifier,
                record=record,
                parameters={"settings": SETTINGS[suite], "code": "code"},
                batch_size=8,
                device=torch.device("cpu"),
                inputs={"dataset": str(tiny_dataset.folder / "dataset.json"), "record": str(record_file)},
                output=tmp_path / f"{suite}{suffix}.csv",
                threads=1,
                compute={},
                announce=lambda line: None,
                opened=opened,
            )

        rows, files = measure_snapshots(SUITES[suite], records, make_job)
        alone = [
            prepend_parameter(load(SUITES[suite].run)(make_job(file, "-alone")), epoch=epoch)
            for epoch, file in records.items()
        ]
        return rows, files, list(chain.from_iterable(alone))

    return measure


def parameters_and_values(rows: list[dict]) -> list[tuple]:
    """What rows hold but for numbers that are none."""
    return [(row["metric"], row["parameter"], row["value"], row["n"]) for row in rows]


@pytest.mark.parametrize("suite", SETTINGS)
def test_snapshots_have_the_rows_that_each_would_have_alone(measure, suite):
    rows, files, alone = measure(suite)
    for found, expected in zip(parameters_and_values(rows), parameters_and_values(alone), strict=True):
        # Matrices of other widths are multiplied in another order.
        exact = suite != "filtered_response"
        assert found == (expected if exact else (*expected[:2], pytest.approx(expected[2], rel=1e-12), expected[3]))
    assert {row["parameter"].split(";")[0] for row in rows} == {"epoch=0", "epoch=0.5", "epoch=2"}
    assert len({row["value"] for row in rows}) > 1
    assert all(file.is_file() for file in files)


def test_images_are_opened_once(measure, monkeypatch):
    opened = []
    monkeypatch.setattr(
        "filterfreq.evaluation.job.open_dataset",
        lambda record, *rest: opened.append(record) or PreparedDataset(Path(record).parent),
    )
    measure("clean")
    assert len(opened) == 1


def test_images_are_filtered_once_for_all_snapshots(measure, monkeypatch):
    filtered = []
    irfft2 = torch.fft.irfft2
    monkeypatch.setattr(
        torch.fft, "irfft2", lambda spectrum, **rest: filtered.append(len(spectrum)) or irfft2(spectrum, **rest)
    )
    measure("frequency_filtered")
    # Together, and then three times each model alone: 20 images through three filters.
    assert sum(filtered) == 20 * 3 * (1 + 3)


def test_a_killed_job_goes_on_with_the_snapshot_that_it_was_at(measure, monkeypatch):
    straight, files, _ = measure("clean")
    for file in files:
        file.unlink()
    evaluated = []
    evaluate_clean = clean.evaluate_clean

    def killed_at_second(model, *rest):
        evaluated.append(model)
        if len(evaluated) == 2:
            raise KilledError
        return evaluate_clean(model, *rest)

    monkeypatch.setattr(clean, "evaluate_clean", killed_at_second)
    with pytest.raises(KilledError):
        measure("clean")
    rows, *_ = measure("clean")
    # The second one once more and the third, then each alone.
    assert len(evaluated) == 2 + 2 + 3
    assert parameters_and_values(rows) == parameters_and_values(straight)


def test_a_job_of_all_snapshots_goes_on_with_the_batch_that_it_was_at(measure, monkeypatch):
    straight, files, _ = measure("frequency_filtered")
    for file in files:
        file.unlink()
    seen = []
    to_images = frequency_filtered.to_images

    def killed_at_second(images, device):
        seen.append(len(images))
        if len(seen) == 2:
            raise KilledError
        return to_images(images, device)

    monkeypatch.setattr(frequency_filtered, "to_images", killed_at_second)
    with pytest.raises(KilledError):
        measure("frequency_filtered")
    rows, *_ = measure("frequency_filtered")
    # Batches of 8, 8 and 4 images.
    assert seen == [8, 8, 8, 4, *3 * [8, 8, 4]]
    assert parameters_and_values(rows) == parameters_and_values(straight)
