import json
from contextlib import suppress
from pathlib import Path

import pytest
import torch
import yaml

from filterfreq.planning.calibration import _median_interval, calibrate, hardware, measure
from filterfreq.planning.costs import CostModel
from filterfreq.planning.records import read_calibration, unit_key
from filterfreq.study.study import Study

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")


def units(**variant) -> list[dict]:
    config = yaml.safe_load((ROOT / "tests" / "workflow" / "tiny.yaml").read_text())
    config["variants"] = {"plain": {}, "dct-penalty": variant}
    config["training"]["default"] |= {"batch_size": 16}
    config["evaluation"]["batch_size"] = 8
    return CostModel(Study(config, ROOT / "schemas/config.schema.yaml"), "nowhere").units()


def select_kind(kind: str, found: list[dict]) -> list[dict]:
    return [entry["unit"] for entry in found if entry["unit"]["kind"] == kind]


def test_a_calibration_that_is_killed_goes_on_with_the_next_unit(tmp_path, monkeypatch):
    """Snakemake restores what the output was before its job failed, here that of another device."""
    path = tmp_path / "calibration.json"
    before = json.dumps({"devices": {"A100": {"seconds_to_start": 1.5, "units": {"a": {}}}}, "latest": "A100"})
    path.write_text(before)
    entries = units()
    keys = [unit_key(entry["unit"]) for entry in entries]
    measured = []

    def killed_at_the_third(unit, *others):
        if len(measured) == 2:
            measured.append("killed")
            raise KeyboardInterrupt
        measured.append(unit_key(unit))
        return {"forward": float(len(measured))}

    monkeypatch.setattr("filterfreq.planning.calibration.measure", killed_at_the_third)
    for start in (3.0, 4.0):
        path.write_text(before)
        with suppress(KeyboardInterrupt):
            calibrate(entries, path, {}, CPU, start, lambda line: None)
    assert len(keys) > 2
    assert measured == [*keys[:2], "killed", *keys[2:]]
    found = read_calibration(path)
    assert (found.device, found.seconds_to_start) == (hardware(CPU), 4.0)
    assert list(found.units) == keys
    assert read_calibration(path, "A100").units == {"a": {}}
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_the_typical_time_leaves_the_first_and_the_slow_ones_out():
    # Two to warm up, then 1, 1, 9 and 1 seconds.
    assert _median_interval([0.0, 50.0, 60.0, 61.0, 62.0, 71.0, 72.0]) == 1.0


def test_more_passes_of_training_take_longer():
    """PGD of 7 steps goes through the network 8 times, an ordinary step once."""
    attack = {"attack": "pgd", "norm": "linf", "epsilon": "2/255", "steps": 7}
    plain, attacked = select_kind("train", units(adversarial_training=attack))
    assert "epsilon" not in json.dumps(attacked)
    times = [measure(unit, 10, {"device": "cpu"}, CPU, seconds=0.2)["train"] for unit in (plain, attacked)]
    assert times[1] > 2 * times[0] > 0


@pytest.mark.parametrize(
    "variant",
    [
        {"adversarial_training": {"attack": "free", "norm": "linf", "epsilon": "2/255", "replays": 2}},
        {"augmentation_policy": "augmix", "jensen_shannon": 12},
        {"noise_with_spectrum_of": "fog", "front_end": {"band": "low", "bandwidth": 15}},
        {"decomposition": "signal", "penalty": {"kind": "all", "strength": 0.1, "layers": "half"}, "mixup": 1.0},
    ],
    ids=["free", "augmix", "noise-front-end", "dct-signal-mixup"],
)
def test_every_kind_of_training_is_measured(variant):
    unit = select_kind("train", units(**variant))[-1]
    measured = measure(unit, 10, {"device": "cpu"}, CPU, seconds=0.01)
    assert measured["train"] > 0
    # A ResNet-8 of first width 2 has some 1,500 parameters and buffers of four bytes.
    assert 4000 < measured["weight_bytes"] < 8000


def test_passes_and_corruptions_are_measured():
    (evaluation,) = select_kind("evaluate", units())
    measured = measure(evaluation, 10, {"device": "cpu"}, CPU, seconds=0.2)
    assert measured["forward"] > 0
    assert measured["backward"] > 0
    (corruption,) = select_kind("corrupt", units())
    assert 0.001 < measure(corruption, 10, {"device": "cpu"}, CPU)["corrupt"] < 10


@pytest.mark.parametrize(
    ("changes", "size"),
    [
        # Two kernels of 3 x 3 for each of three channels, four bytes a weight.
        ({"low_pass_kernels": {"below": 2, "layers": "first"}}, 2 * 3 * 9 * 4),
        ({"smooth_kernels": {"rho": 1}}, 2 * 3 * 9 * 4),
        ({"smooth_kernels": {"rho": 0}}, 0),
        ({"front_end": {"band": "low", "bandwidth": 15}}, 0),
    ],
)
def test_of_derived_models_what_changes_is_measured(changes, size):
    config = yaml.safe_load((ROOT / "tests" / "workflow" / "tiny.yaml").read_text())
    config["variants"]["derived"] = {"from": "plain", **changes}
    config["experiments"]["tiny"]["variants"] = ["plain", "derived"]
    found = CostModel(Study(config, ROOT / "schemas/config.schema.yaml"), "nowhere").units()
    (unit,) = select_kind("derive", found)
    assert measure(unit, 10, {"device": "cpu"}, CPU) == {"weight_bytes": size}


def test_a_device_has_a_name():
    assert hardware(CPU).endswith(f"{torch.get_num_threads()} threads")
