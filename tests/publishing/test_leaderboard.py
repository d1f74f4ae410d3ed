import re

import pandas as pd
import pytest

from filterfreq.evaluation.columns import COLUMNS
from filterfreq.evaluation.results import format_parameter, fraction
from filterfreq.publishing.leaderboard import Part, leaderboard_table, write_leaderboard

EPSILON = 8 / 255


def results(rows: dict[tuple[str, int], tuple[int, int]]) -> pd.DataFrame:
    """Of each variant and seed how many of 1,000 images are right, clean and attacked."""
    frames = []
    for (variant, seed), counts in rows.items():
        parameters = format_parameter(split="test"), format_parameter(attack="fgsm", norm="linf", epsilon="8/255")
        for suite, parameter, right in zip(("clean", "adversarial"), parameters, counts, strict=True):
            keys = {"dataset": "tiny", "model": "resnet_20", "variant": variant, "seed": seed, "suite": suite}
            pairs = dict(pair.split("=") for pair in parameter.split(";"))
            frames.append({**keys, **fraction("accuracy", parameter, right, 1000), **pairs, "epsilon_value": EPSILON})
    table = pd.DataFrame(frames)
    return table[[*COLUMNS, *table.columns.difference(COLUMNS)]]


@pytest.fixture
def part():
    frame = results({("plain", 0): (800, 0), ("plain", 1): (810, 5), ("other", 0): (700, 300)})
    published = {"other": {"clean": 0.75, "robust": 0.5, "norm": "linf", "epsilon": "8/255"}}
    return Part(frame, "tiny", {"plain": "plain & simple", "other": "<other>"}, "plain", {}, published)


def test_each_run_is_a_row_with_number_and_interval_behind_its_values(part):
    table = leaderboard_table([part])
    assert list(table["variant"]) == ["plain &amp; simple"] * 2 + ["&lt;other&gt;"]
    assert list(table["seed"]) == [0, 1, 0]
    # (0.8 + 1.92 / 1000 +- 1.96 sqrt(0.16 / 1000 + 0.96 / 1000^2)) / (1 + 3.84 / 1000), after Wilson (1927).
    assert table["clean"][0] == '<span title="n = 1,000, 95 %: 77.4 to 82.4">80.0</span>'
    assert table["FGSM L∞ 8/255"][0] == '<span title="n = 1,000, 95 %: 0.0 to 0.4">0.0</span>'
    assert list(table["clean published"]) == ["", "", '<span title="published">75.0</span>']


def test_a_run_of_two_experiments_is_one_row(part):
    table = leaderboard_table([part, part])
    assert len(table) == 3


def test_the_page_needs_no_network_and_escapes_what_it_shows(part, tmp_path):
    page = tmp_path / "leaderboard.html"
    write_leaderboard(page, [part], "a<b.yaml", [("Accuracy & epsilon", "../figures/a/b/c.html")])
    text = page.read_text(encoding="utf-8")
    assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", text.replace("<a href=https://itables.org", ""))
    assert "a&lt;b.yaml" in text
    assert '<a href="../figures/a/b/c.html">Accuracy &amp; epsilon</a>' in text
    assert len(text) > 500_000  # with the script that sorts
    assert all(f"{value:.1f}" in text for value in (80.0, 81.0, 70.0, 75.0))


def test_a_study_without_figures_says_so(part, tmp_path):
    write_leaderboard(tmp_path / "page.html", [part], "config.yaml", [])
    assert "<li>none</li>" in (tmp_path / "page.html").read_text(encoding="utf-8")
