"""What cannot be in fits of the frequency principle is one sentence before anything is trained."""

import copy

import pytest
import yaml
from study_configs import ROOT, SCHEMA

from filterfreq.runtime.errors import InputError
from filterfreq.study.fits import FitRun
from filterfreq.study.study import Study

DEMO = yaml.safe_load((ROOT / "configs" / "demo" / "learning.yaml").read_text(encoding="utf-8"))


def study_of(name: str, **changes) -> Study:
    """The demo's entry of a name alone, with some of its settings changed."""
    entry = copy.deepcopy(DEMO["fits"][name])
    entry[name.replace("-", "_")] |= changes
    return Study({"fits": {name: entry}, "compute": DEMO["compute"]}, SCHEMA)


def test_the_full_study_asks_for_what_the_demo_does():
    full = Study(yaml.safe_load((ROOT / "configs" / "learning.yaml").read_text(encoding="utf-8")), SCHEMA)
    demo = Study(DEMO, SCHEMA)
    assert {demo.fits.kind(name) for name in demo.fits.runs} == {full.fits.kind(name) for name in full.fits.runs}


def test_the_theorem_needs_no_network():
    study = study_of("tanh-theorem")
    (run,) = study.fits.runs["tanh-theorem"]
    assert run == FitRun("tanh-theorem", "equation", "plain", 0)
    assert study.fits.spec(run)["network"] == {}
    entry = {**DEMO["fits"]["tanh-theorem"], "networks": {"a": {"widths": [4], "activation": "tanh"}}}
    with pytest.raises(InputError, match=r"^fits\.one\.networks: tanh_theorem is solved without a network"):
        Study({"fits": {"one": entry}, "compute": DEMO["compute"]}, SCHEMA)


# Of 41 points with both ends in a length of 6.28, 40 steps: below pi / 0.157 = 20.01.
@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        (
            "curve",
            {"angular_frequencies": [1, 3, 21]},
            "curve.curve.angular_frequencies: 41 points on a length of 6.28 cannot show 21 radians per unit, only what "
            "is below 20.0101 (Nyquist)",
        ),
        ("curve", {"bins": [1, 21]}, "curve.curve.bins: the spectrum of 41 points ends at bin 20 (Nyquist), leave out"),
        (
            "curve",
            {"amplitudes": [1, 1]},
            "curve.curve.amplitudes: there are 2 of them and 3 frequencies",
        ),
        ("curve", {"amplitudes": [1, 1, 0]}, "curve.curve.amplitudes.2: 0 cannot stand here"),
        ("curve", {"interval": [1, 1]}, "curve.curve.interval: it goes from 1 to 1, write the lower end first"),
        ("curve", {"record_every": 2000}, "curve.curve.record_every: nothing is recorded in 1000 iterations"),
        ("curve", {"grid": "open"}, "curve.curve.grid: 'open' is none of closed, periodic"),
        ("parity", {"training_points": 257}, "parity.parity.training_points: there are 256 points in 8 dimensions and"),
        ("parity", {"highest_k": 0.6}, "parity.parity.highest_k: 0.6 is out of range"),
        ("parity", {"record_every": 301}, "parity.parity.record_every: nothing is recorded in 300 iterations"),
        (
            "tanh-theorem",
            {"biases": [1, 2]},
            "tanh-theorem.tanh_theorem.biases: there are 2 of them and 5",
        ),
        (
            "tanh-theorem",
            {"frequencies": [2, 2]},
            "tanh-theorem.tanh_theorem.frequencies: the theorem compares a",
        ),
        ("tanh-theorem", {"targets": [[1, 0], [0, 0]]}, "tanh-theorem.tanh_theorem.targets: the theorem needs transf"),
        ("tanh-theorem", {"radii": [0]}, "tanh-theorem.tanh_theorem.radii.0: 0 is out of range"),
        (
            "poisson",
            {"angular_frequencies": [1, 4, 8, 160]},
            "poisson.poisson.angular_frequencies: 101 points on a length of 2 cannot show 160 radians per unit",
        ),
        (
            "poisson",
            {"switches": [0, 15]},
            "poisson.poisson.switches: 15 is none of the iterations that are rec",
        ),
        ("poisson", {"switches": [710]}, "poisson.poisson.switches: 710 is none of the iterations that are recorded"),
        ("poisson", {"bins": [51]}, "poisson.poisson.bins: the spectrum of 101 points ends at bin 50 (Nyquist)"),
    ],
)
def test_what_cannot_be_is_one_sentence(name, changes, said):
    with pytest.raises(InputError) as caught:
        study_of(name, **changes)
    assert str(caught.value).startswith(f"fits.{said}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("grid", "highest"), [("closed", 20.0), ("periodic", 20.5)])
def test_nyquist_is_pi_over_the_distance_of_two_points(grid, highest):
    """On [-pi, pi], 41 points are 40 steps with both ends, and 41 without the upper one."""
    entry = {key: value for key, value in DEMO["fits"]["curve"].items() if key != "variants"}
    settings = {**entry["curve"], "interval": [-3.141592653589793, 3.141592653589793], "grid": grid}

    def study(frequency: float) -> Study:
        curve = {**settings, "angular_frequencies": [1, 3, frequency]}
        return Study({"fits": {"one": {**entry, "curve": curve}}, "compute": DEMO["compute"]}, SCHEMA)

    assert study(highest - 0.01).fits.runs
    with pytest.raises(InputError, match=r"fits\.one\.curve\.angular_frequencies: 41 points .* \(Nyquist\)"):
        study(highest + 0.01)
