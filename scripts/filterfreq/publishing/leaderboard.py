"""All runs of a study in one page that sorts and filters, and needs neither a server nor a network.

The table is DataTables (MIT), by itables, which is maintained, depends on nothing and puts DataTables' script into the
page.
"""

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from itables import to_html_datatable
from itables.javascript import generate_init_offline_itables_html
from itables.utils import find_package_file

from filterfreq.evaluation.results import wilson_interval
from filterfreq.publishing.measures import CORRUPTION_ERROR, CORRUPTION_MEAN, Column, add_published, main_columns
from filterfreq.publishing.selection import select
from filterfreq.runtime.files import replacing

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Leaderboard</title>
<style>
body {{ font-family: sans-serif; margin: 1em; font-size: 14px; }}
p {{ max-width: 50em; }}
td span[title] {{ cursor: help; text-decoration: underline dotted #999; text-underline-offset: 3px; }}
tfoot input {{ width: 6em; font-weight: normal; }}
</style>
{script}
</head>
<body>
<h1>Leaderboard</h1>
<p>Every run of {config}. Click a heading to sort; write into the field at a column's end to filter. Percent; higher is
better but for mCE, which is relative to a baseline. A value's number of images and its 95 % Wilson interval are shown
where the pointer rests on it. Columns called published are what others have written of the same weights, on all their
images.</p>
{table}
<h2>Figures</h2>
<ul>
{figures}
</ul>
</body>
</html>
"""


@dataclass(frozen=True)
class Part:
    """The runs of one experiment on one data set.

    Attributes:
        results: what `filterfreq.evaluation.reading.read_results` returns.
        dataset: its name.
        labels: of the variants, by name, in order.
        baseline: the variant whose corruption error is 1.
        epsilons: by norm, see `filterfreq.publishing.measures.attacks_at_epsilon`.
        published: by variant, see `filterfreq.publishing.measures.add_published`.
    """

    results: pd.DataFrame
    dataset: str
    labels: Mapping[str, str]
    baseline: str
    epsilons: Mapping[str, str] = field(default_factory=dict)
    published: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def leaderboard_table(parts: Iterable[Part]) -> pd.DataFrame:
    """Return a row for each run and a column for each measure, with cells in HTML.

    Args:
        parts: of the study. A run that several of them have is one row, with the first one's values.

    Returns:
        Columns: data set, model, variant, seed, and the measures of `table_main`, empty where a run has none.
    """
    cells: dict[tuple, dict[str, str]] = {}
    headings: dict[str, None] = {}
    for part in parts:
        frame = select(part.results, dict(part.labels))
        for column in add_published(main_columns(frame, part.baseline, part.epsilons), frame, part.published):
            heading = " ".join(filter(None, (column.measure, column.setting)))
            headings.setdefault(heading)
            for run, value in column.numbers.dropna().items():
                row = cells.setdefault((part.dataset, *run), {"variant": part.labels[run[1]]})
                row.setdefault(heading, _cell(column, float(value), column.images[run]))
    rows = [
        {"data set": dataset, "model": model, "variant": found.pop("variant"), "seed": seed, **found}
        for (dataset, model, _, seed), found in cells.items()
    ]
    table = pd.DataFrame(rows, columns=["data set", "model", "variant", "seed", *headings]).fillna("")
    for name in ("data set", "model", "variant"):
        table[name] = table[name].map(html.escape)
    return table


def write_leaderboard(path: str | Path, parts: Iterable[Part], config: str, figures: Sequence[tuple[str, str]]) -> None:
    """Write the page, whole or not at all.

    Args:
        path: the page.
        parts: see `leaderboard_table`.
        config: the study's files, as words.
        figures: what each shows and its address, relative to the page.
    """
    shown = to_html_datatable(
        leaderboard_table(parts),
        connected=False,
        allow_html=True,
        showIndex=False,
        column_filters="footer",
        paging=False,
        scrollX=True,
        classes="display compact",
        style="table-layout:auto;width:auto;margin:0",
        maxBytes=0,
    )
    links = "\n".join(
        f'<li><a href="{html.escape(address)}">{html.escape(title)}</a></li>' for title, address in figures
    )
    script = generate_init_offline_itables_html(find_package_file("html", "dt_bundle.js"))
    page = _PAGE.format(script=script, config=html.escape(config), table=shown, figures=links or "<li>none</li>")
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _cell(column: Column, value: float, images: float) -> str:
    """Return a value in percent, and behind it what it stands on."""
    shown = f"{100 * value:.1f}"
    if column.is_published:
        return f'<span title="published">{shown}</span>'
    told = f"n = {int(images):,}"
    # A mean over corruptions is no share of so many images, and an error relative to others is no share.
    if column.key not in (CORRUPTION_MEAN, CORRUPTION_ERROR) and images:
        low, high = wilson_interval(round(value * images), int(images))
        told += f", 95 %: {100 * low:.1f} to {100 * high:.1f}"
    return f'<span title="{told}">{shown}</span>'
