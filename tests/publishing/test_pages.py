"""The pages of the report: its start, and each figure with its caption."""

import base64
import datetime
import re

import numpy as np
import pandas as pd
from docutils.core import publish_parts
from PIL import Image

from filterfreq.publishing.figure_page import write_page
from filterfreq.publishing.start_page import start_page

TODAY = datetime.date(2026, 1, 31)


def rendered(**changed) -> str:
    """The start page as Snakemake renders it."""
    given = {
        "config_files": ["study.yaml"],
        "experiments": {"first": ["texdigits", "cifar10"]},
        "revision": "abc123-dirty",
        "tables": {},
        "drawing": None,
        "today": TODAY,
    } | changed
    return publish_parts(start_page(**given), writer="html", settings_overrides={"halt_level": 2})["html_body"]


def test_start_says_study_date_and_revision(tmp_path):
    page = rendered(drawing=tmp_path / "none.png")
    rows = dict(re.findall(r"<tr><td>(.*?)</td><td>(.*?)</td></tr>", page))
    assert rows == {
        "Study": "study.yaml (first on texdigits, cifar10)",
        "Date": "2026-01-31",
        "Revision": "abc123-dirty",
    }
    assert "<img" not in page
    assert "in no git repository" in rendered(drawing=tmp_path / "none.png", revision=None)
    assert "&lt;b&gt;" in rendered(drawing=tmp_path / "none.png", config_files=["<b>.yaml"])


def test_start_shows_the_main_tables_that_are_there(tmp_path):
    # Wide and long, so that its style has a line that docutils would refuse.
    numbers = pd.DataFrame(np.arange(2000).reshape(50, 40))
    styled = numbers.style.apply(lambda _: numbers.map(lambda _: "font-weight: bold"), axis=None)
    paths = {name: tmp_path / f"{name}.html" for name in ("first", "second", "missing")}
    for path in list(paths.values())[:2]:
        path.write_text(styled.to_html(doctype_html=True, table_uuid="results"))
    assert max(map(len, paths["first"].read_text().splitlines())) > 10_000
    page = rendered(tables=paths, drawing=tmp_path / "none.png")
    assert re.findall(r"<h2>(.*?)</h2>", page) == ["first", "second", "Stages"]
    assert page.count("<table id=") == 2
    first, second = (set(re.findall(rf'id="(T_results{number}\w*)"', page)) for number in (0, 1))
    assert len(first) == len(second) > 2000
    assert not first & second
    cells = re.findall(r"<td id=[^>]*>(.*?)</td>", page)
    assert cells == 2 * [str(number) for number in range(2000)]


def test_start_shows_the_drawing_of_the_stages(tmp_path):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (100, 100, 3), dtype=np.uint8)).save(tmp_path / "stages.png")
    page = rendered(drawing=tmp_path / "stages.png")
    (image,) = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert base64.b64decode(image) == (tmp_path / "stages.png").read_bytes()


def test_a_figure_s_page_has_its_caption_under_it(tmp_path):
    Image.new("RGB", (3, 2)).save(tmp_path / "a.png")
    write_page(tmp_path / "a.html", tmp_path / "a.png", 5.0, "Samples & more", "Of *toy*, ``net_8`` < 3.")
    page = (tmp_path / "a.html").read_text()
    found = re.search(r'<img src="data:image/png;base64,(.*?)" alt="(.*?)">\n<figcaption>(.*?)</figcaption>', page)
    assert base64.b64decode(found[1]) == (tmp_path / "a.png").read_bytes()
    assert found[2] == "Samples &amp; more"
    assert found[3] == "Of <em>toy</em>, <code>net_8</code> &lt; 3."
    assert "max-width: 600px" in page
