import json
from pathlib import Path

import numpy as np
import pytest

from filterfreq.analysis.slopes import fit_line

PUBLISHED = Path(__file__).parents[3] / "shared" / "golden" / "fourier_sensitivity_published.json"


@pytest.mark.skipif(not PUBLISHED.exists(), reason="needs the published points in ../shared")
def test_published_points_have_the_published_slopes_and_residuals():
    """Figure 6 of Yin et al. (2019): as its legend has them, but for the residual of the low-pass, a misprint."""
    figure = json.loads(PUBLISHED.read_text())["figure_6"]
    expected = {
        "gauss": (0.518, 0.115, 0.66),
        "adversarial": (0.347, 0.058, 0.63),
        "low_pass_15": (0.229, 0.118, 0.27),
        "high_pass_31": (-0.172, 0.011, 0.70),
        "autoaugment": (0.163, 0.082, 0.21),
    }
    assert set(expected) == set(figure["accuracy_minus_natural"])
    for model, (slope, residual, r_squared) in expected.items():
        line = fit_line(figure["h"], figure["accuracy_minus_natural"][model])
        assert line.slope == pytest.approx(slope, abs=0.0006)
        assert line.residual == pytest.approx(residual, abs=0.0006)
        assert line.r_squared == pytest.approx(r_squared, abs=0.006)
        assert line.ci_low < line.slope < line.ci_high


def test_a_line_is_that_of_numpy():
    x, y = np.random.default_rng(0).normal(size=(2, 15))
    (slope, intercept), residuals, *_ = np.polyfit(x, y, 1, full=True)
    line = fit_line(x, y)
    assert line[:3] == pytest.approx((slope, intercept, residuals[0]), rel=1e-12)
    assert line.r_squared == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2, rel=1e-12)


def test_intervals_cover_the_true_slope_about_as_often_as_they_say():
    """The bootstrap of 15 points is somewhat too narrow; 95 % become about 90 %."""
    rng = np.random.default_rng(1)
    x = np.linspace(0, 0.7, 15)
    lines = [fit_line(x, 0.5 * x + rng.normal(scale=0.1, size=15)) for _ in range(100)]
    assert 80 <= sum(line.ci_low < 0.5 < line.ci_high for line in lines) <= 99


def test_points_on_a_line_and_points_without_one():
    line = fit_line(np.array([0, 1, 2]), np.array([1, 3, 5]))
    assert line == pytest.approx((2, 1, 0, 1, 2, 2))
    assert all(np.isnan(fit_line(np.array(x), np.array(x))).all() for x in ([], [0.5], [0.5, 0.5]))
    assert np.isnan(fit_line(np.array([0, 1]), np.array([1, 1])).r_squared)
