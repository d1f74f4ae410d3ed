"""What wide two-layer networks and the kernel flow cannot be is one sentence, at planning."""

import copy

import pytest

from filterfreq.runtime.errors import InputError
from filterfreq.runtime.schemas import SCHEMAS
from filterfreq.study.study import Study

TRAINING = {
    "initialisation": {"w": {"normal": 0.8}, "a": {"normal": 0.2}, "b": {"uniform": 1}},
    "antisymmetric": True,
    "learning_rate": {"per_eigenvalue": 0.5},
    "loss_below": 0.001,
    "iterations": 100,
    "record_every": 10,
    "period": 8,
    "basis_frequencies": 20,
    "ridge": 0.000001,
}
KINDS = {
    "lfp_curve": TRAINING | {"points": [[-1, 0], [0, 1], [2, 0]], "test_points": 10, "weighting": "formula"},
    "lfp_surface": TRAINING
    | {"points": [[1, 1, 1], [-1, -1, 1], [1, -1, -1]], "test_points": 10, "weighting": "script"},
    "fp_norm": TRAINING | {"frequencies": [1, 2], "points": 5, "test_points": 10, "delta": 0.1},
    "kernel_flow": {"width": 1.5, "frequencies": [1, 2], "times": [0, 1], "points": 64, "eigenvalues": 10},
}
KINDS["lfp_width"] = KINDS["lfp_surface"]


def study_of(kind: str, networks: dict | None = None, **settings) -> Study:
    entry = {kind: copy.deepcopy(KINDS[kind]) | settings, "seeds": [0]}
    if kind != "kernel_flow" or networks:
        entry["networks"] = networks or {"wide": {"widths": [10], "activation": "relu"}}
    config = {
        "fits": {"one": entry},
        "compute": {"device": "cpu", "publish": {"threads": 1, "mem_mb": 1, "runtime": 1}},
    }
    return Study(config, SCHEMAS / "config.schema.yaml")


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_planned(kind):
    (run,) = study_of(kind).fits.runs["one"]
    network = {} if kind == "kernel_flow" else {"widths": [10], "activation": "relu"}
    spec = study_of(kind).fits.spec(run)
    assert (spec["kind"], spec["network"]) == (kind, network)
    assert run.network == ("equation" if kind == "kernel_flow" else "wide")


def test_an_odd_width_is_possible_without_antisymmetry():
    study_of("lfp_curve", {"odd": {"widths": [11], "activation": "relu"}}, antisymmetric=False)


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        ("lfp_curve", {"period": 3}, "fits.one.lfp_curve.period: the points span 3, which a period of 3 is not larger"),
        ("lfp_width", {"period": 1.5}, "fits.one.lfp_width.period: the points span 2, which a period of 1.5 is not"),
        ("fp_norm", {"period": 1}, "fits.one.fp_norm.period: the points span 1, which a period of 1 is not larger"),
        ("lfp_curve", {"points": []}, "fits.one.lfp_curve.points: "),
        ("lfp_curve", {"points": [[0, 1], [0, 2], [1, 1]]}, "fits.one.lfp_curve.points: x = 0 stands behind 0: sort"),
        (
            "lfp_surface",
            {"points": [[0, 0, 1], [1, 1, 2], [2, 2, 1]]},
            "fits.one.lfp_surface.points: all lie on a line",
        ),
        ("lfp_surface", {"points": [[0, 0, 1], [1, 0, 2], [0, 0, 3]]}, "fits.one.lfp_surface.points: (0, 0) stands"),
        ("lfp_surface", {"weighting": "notes"}, "fits.one.lfp_surface.weighting: "),
        ("lfp_surface", {"record_every": 101}, "fits.one.lfp_surface.record_every: nothing is recorded in 100"),
        (
            "lfp_surface",
            {"learning_rate": {"per_eigenvalue": 1}},
            "fits.one.lfp_surface.learning_rate.per_eigenvalue: 1",
        ),
        (
            "lfp_surface",
            {"initialisation": TRAINING["initialisation"] | {"b": {"uniform": 1, "normal": 1}}},
            "fits.one.lfp_surface.initialisation.b: give it either uniform or normal",
        ),
        (
            "fp_norm",
            {"period": 1.5},
            "fits.one.fp_norm.frequencies: 1 has no whole number of cycles in a period of 1.5",
        ),
        ("fp_norm", {"frequencies": [3]}, "fits.one.fp_norm.frequencies: 3 is above the basis, which ends at 2.375"),
        ("fp_norm", {"frequencies": []}, "fits.one.fp_norm.frequencies: "),
        (
            "kernel_flow",
            {"frequencies": [32]},
            "fits.one.kernel_flow.frequencies: 64 points on the circle cannot show 32",
        ),
        (
            "kernel_flow",
            {"eigenvalues": 40},
            "fits.one.kernel_flow.eigenvalues: 64 points on the circle cannot show 40",
        ),
        ("kernel_flow", {"width": 0.1}, "fits.one.kernel_flow.points: 64 are too few for bumps of width 0.1: give 252"),
    ],
)
def test_settings_that_cannot_be(kind, settings, said):
    with pytest.raises(InputError) as caught:
        study_of(kind, **settings)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("kind", "network", "said"),
    [
        ("lfp_curve", {"widths": [11], "activation": "relu"}, "widths: 11 neurons are not pairs of a and -a"),
        ("fp_norm", {"widths": [10, 10], "activation": "relu"}, "widths: there are 2, and a two-layer network has one"),
        ("lfp_width", {"widths": [10], "activation": "tanh"}, "activation: tanh is not what the linear frequency"),
    ],
)
def test_networks_that_cannot_be(kind, network, said):
    with pytest.raises(InputError) as caught:
        study_of(kind, {"odd": network})
    assert str(caught.value).startswith(f"fits.one.networks.odd.{said}")


def test_an_equation_has_no_network():
    with pytest.raises(
        InputError, match=r"^fits.one.networks: kernel_flow is solved without a network, leave this out$"
    ):
        study_of("kernel_flow", {"wide": {"widths": [10], "activation": "relu"}})
