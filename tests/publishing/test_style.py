import os
import subprocess
import sys
from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib import rc_context, rcParams
from matplotlib.colors import to_rgb
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

from filterfreq.publishing.figures.scorecard import MARKS
from filterfreq.publishing.style import (
    COLUMN_WIDTH,
    STYLE,
    TEXT_WIDTH,
    add_legend,
    new_figure,
    save,
    use_style,
    variant_styles,
    wrap_text,
)
from filterfreq.publishing.style_numbers import style_numbers
from filterfreq.runtime.environment import make_neutral

# Machado, Oliveira and Fernandes, A Physiologically-based Model for Simulation of Color Vision Deficiency, IEEE TVCG
# 2009, severity 1.0; they act on linear RGB.
VISIONS = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}

SETTINGS = """
backend: svg
text.usetex: True
text.hinting: none
mathtext.fontset: cm
font.size: 30
lines.antialiased: False
axes.grid: False
axes.formatter.limits: -1, 1
axes.formatter.use_locale: True
axes.xmargin: 0.3
image.cmap: jet
image.interpolation: bilinear
legend.loc: center
patch.linewidth: 5
figure.constrained_layout.w_pad: 1
savefig.bbox: tight
savefig.facecolor: black
savefig.transparent: True
pdf.compression: 0
path.simplify: False
"""
FIGURES = """
import numpy as np
import pandas as pd
from filterfreq.publishing.figures.training_curves import draw as draw_training_curves
from filterfreq.publishing.figures.corruption_samples import corruption_sheet
from filterfreq.publishing.style import save
columns = ["model", "variant", "seed", "epoch", "loss", "penalty", "train_accuracy", "test_accuracy"]
rows = [("net", name, seed, epoch, 2 / epoch, 0.1, 0.2 * epoch - seed / 50, 0.2 * epoch) for name in ("a", "b")
        for seed in (0, 1) for epoch in (1, 2, 3, 4)]
save(draw_training_curves(pd.DataFrame(rows, columns=columns), {"a": "A", "b": "λ = 0.1"}), "curves.png", "curves.pdf")
image = np.arange(3072, dtype=np.uint8).reshape(32, 32, 3)
save(corruption_sheet(image, {"fog": np.stack([image] * 5)}), "sheet.png", "sheet.pdf")
"""


def many(count: int) -> dict[str, str]:
    return {f"v{i}": f"variant {i}" for i in range(count)}


def seen(colours: list[str], vision: str) -> np.ndarray:
    """CIELAB of colours as somebody with this vision sees them."""
    rgb = np.array([to_rgb(colour) for colour in colours])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.array(VISIONS[vision]).T, 0, 1)
    return rgb2lab(np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)[None])[0]


@pytest.mark.parametrize(
    ("text", "width", "broken"),
    [
        ("DCT + penalty, λ = 0.001, layers: third", 18, "DCT + penalty,\nλ = 0.001,\nlayers: third"),
        ("DCT + penalty", 9, "DCT\n+ penalty"),
        ("low pass, bandwidth 31", 20, "low pass,\nbandwidth 31"),
        ("noise of a penalty.strength 0.001", 17, "noise of a\npenalty.strength\n0.001"),
        ("plain:\n47.5 %, k = 0.50", 20, "plain:\n47.5 %, k = 0.50"),
    ],
)
def test_text_is_broken_at_words_and_not_before_a_value(text, width, broken):
    assert wrap_text(text, width, 3) == broken


@pytest.mark.parametrize("vision", VISIONS)
def test_colours_are_told_apart(vision):
    lab = seen([style.colour for style in variant_styles(many(10)).values()], vision)
    assert min(deltaE_ciede2000(a, b) for a, b in combinations(lab, 2)) > 11


def contrast_to_white(colour: str) -> float:
    """WCAG 2.1's contrast ratio."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return 1.05 / (linear @ (0.2126, 0.7152, 0.0722) + 0.05)


def test_no_colour_is_too_faint_on_white():
    assert contrast_to_white("#767676") == pytest.approx(
        4.54, abs=0.005
    )  # WCAG's own example of a grey that passes 4.5
    colours = [style.colour for style in variant_styles(many(20)).values()]
    colours += [mark["color"] for mark in MARKS.values()]
    assert min(map(contrast_to_white, colours)) >= 3


def test_first_five_are_told_apart_in_grey():
    lightness = seen([style.colour for style in variant_styles(many(5)).values()], "normal")[:, 0]
    assert np.diff(np.sort(lightness)).min() > 12


def test_ten_markers_and_dashes_differ():
    styles = variant_styles(many(10)).values()
    assert len({style.marker for style in styles}) == 10
    assert len({style.dashes for style in styles}) == 10


def test_more_than_ten_still_differ():
    styles = list(variant_styles(many(20)).values())
    assert len({style[1:] for style in styles}) == 20
    assert all(styles[i].marker != styles[i + 10].marker for i in range(10))


def test_styles_follow_the_order():
    styles = variant_styles({"b": "Label B", "a": "Label A"})
    assert list(styles) == ["b", "a"]
    assert styles["b"].label == "Label B"
    assert styles["b"] == variant_styles({"b": "Label B"})["b"]


class TestStyleNumbers:
    def test_a_variant_has_one_style_in_all_experiments(self):
        assert style_numbers([["a", "b", "c"], ["c", "d", "a"], ["e"]]) == {"a": 0, "b": 1, "c": 2, "d": 3, "e": 4}

    def test_above_ten_no_two_that_stand_side_by_side_have_one_colour(self):
        main, other = [f"m{i}" for i in range(8)], [f"o{i}" for i in range(9)]
        numbers = style_numbers([main, ["m0", *other], ["m1", "x"]])
        assert [numbers[name] for name in main] == list(range(8))
        beside = [numbers[name] for name in ("m0", *other)]
        assert len(set(beside)) == 10
        assert max(numbers.values()) == 9
        assert beside[1:3] == [8, 9]  # first those that nothing has
        assert numbers["x"] != numbers["m1"]

    def test_more_than_ten_in_one_experiment_still_differ(self):
        numbers = style_numbers([many(25)])
        assert sorted(numbers.values()) == list(range(25))

    def test_styles_follow_the_numbers(self):
        styles = variant_styles({"c": "C", "a": "A"}, {"a": 0, "b": 1, "c": 12})
        every = list(variant_styles(many(13)).values())
        assert styles["a"][1:] == every[0][1:]
        assert styles["c"][1:] == every[12][1:]


def test_no_text_is_smaller_than_7_points():
    sizes = [value for name, value in STYLE.items() if name.endswith("size") and "tick.m" not in name]
    assert min(size for size in sizes if isinstance(size, (int, float)) and size > 4.5) >= 7


def test_the_style_leaves_the_callers_settings_alone():
    before = rcParams["font.size"]

    @use_style
    def check_inside() -> float:
        return rcParams["font.size"]

    assert check_inside() == STYLE["font.size"] != before
    assert rcParams["font.size"] == before


@pytest.mark.parametrize(("width", "count"), [(COLUMN_WIDTH, 5), (TEXT_WIDTH, 10)])
@use_style
def test_the_legend_fits_the_width(width, count):
    figure = new_figure(width, 3)
    figure.subplots()
    add_legend(figure, variant_styles(dict.fromkeys(many(count), "a rather long label")))
    figure.draw_without_rendering()
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.width
    assert [text.get_text() for text in legend.get_texts()] == ["a rather long label"] * count
    assert not box.overlaps(figure.axes[0].get_tightbbox())


@use_style
def test_a_legend_of_several_rows_has_them_even():
    figure = new_figure(TEXT_WIDTH, 3)
    figure.subplots()
    add_legend(figure, variant_styles(dict.fromkeys(many(7), "ten letters")))
    figure.draw_without_rendering()
    heights = Counter(round(text.get_window_extent().y0) for text in figure.legends[0].get_texts())
    assert sorted(heights.values()) == [3, 4]


def test_files_are_whole_and_the_same_twice(tmp_path):
    @use_style
    def draw(folder):
        figure = new_figure(3, 2)
        figure.subplots().plot([0, 1], [0, 1])
        save(figure, folder / "a.png", folder / "a.pdf")
        return (folder / "a.png").read_bytes(), (folder / "a.pdf").read_bytes()

    (tmp_path / "again").mkdir()
    first, second = draw(tmp_path), draw(tmp_path / "again")
    assert first == second
    with Image.open(tmp_path / "a.png") as image:
        image.load()
        assert image.size == (900, 600)
    assert first[1].startswith(b"%PDF-")
    assert first[1].rstrip().endswith(b"%%EOF")
    assert b"CreationDate" not in first[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pdf", "a.png", "again"]


@pytest.mark.slow
def test_a_users_settings_of_matplotlib_neither_break_nor_change_a_figure(tmp_path):
    def draw(folder: Path, **settings: str) -> dict[str, bytes]:
        (folder / "home").mkdir(parents=True, exist_ok=True)
        variables = {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), **settings}
        make_neutral(variables, folder / "fonts")
        path = f"import sys; sys.path.append({str(Path(__file__).parents[2] / 'scripts')!r})\n"
        command = [sys.executable, "-W", "error", "-c", path + FIGURES]
        outcome = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True)
        assert outcome.returncode == 0, outcome.stderr
        return {file.name: file.read_bytes() for file in folder.iterdir() if file.suffix in (".png", ".pdf")}

    plain = draw(tmp_path / "plain")
    hostile = tmp_path / "hostile"
    of_user = hostile / "home" / ".config" / "matplotlib"
    (of_user / "stylelib").mkdir(parents=True)
    (of_user / "stylelib" / "old.mplstyle").write_bytes(b"# Schriftgr\xf6\xdfe")
    for file in (hostile / "matplotlibrc", hostile / "given", of_user / "matplotlibrc"):
        file.write_text(SETTINGS)
    settings = {
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MATPLOTLIBRC": str(hostile / "given"),
        "FREETYPE_PROPERTIES": "truetype:interpreter-version=35 autofitter:no-stem-darkening=0",
        "SOURCE_DATE_EPOCH": "yesterday",
        "LC_ALL": "C",
        "PYTHONHASHSEED": "1",
    }
    assert draw(hostile, **settings) == plain
    assert sorted(plain) == ["curves.pdf", "curves.png", "sheet.pdf", "sheet.png"]


def test_settings_made_by_a_program_change_no_figure(tmp_path):
    @use_style
    def draw() -> bytes:
        figure = new_figure(3, 2)
        figure.subplots().plot([0, 1], [0, 1], label=r"$\ell_2$")
        figure.legend()
        save(figure, tmp_path / "a.png", tmp_path / "a.pdf")
        return (tmp_path / "a.png").read_bytes() + (tmp_path / "a.pdf").read_bytes()

    before = draw()
    (tmp_path / "settings").write_text(SETTINGS)
    with rc_context(fname=tmp_path / "settings"):
        assert rcParams["text.usetex"]
        assert draw() == before
        assert rcParams["text.usetex"]
