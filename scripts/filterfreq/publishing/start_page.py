"""What the report's start page says: study, date, revision and the main tables."""

import base64
import datetime
import html
import re
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path

_LONGEST_LINE = 5000  # of reStructuredText docutils refuses lines of 10,000 characters

# Snakemake's graph of rules stands beside the description, cut off where it is higher than the window: it comes below,
# in its whole length, and the drawing of the stages is what one sees at once.
_STYLE = """<style>
div:has(> div > #rulegraph) { align-items: flex-start; min-width: 0; }
div:has(> #rulegraph) { flex-direction: column; min-width: 0; }
div:has(> #rulegraph) > div { max-width: 100%; }
#rulegraph { max-height: none; }
.prose.max-w-lg { max-width: 100%; }
.prose p { max-width: 50rem; }
.facts td { padding: 0 1em 0 0; border: 0; }
.facts, .main-table table { width: auto; margin: 0 0 1em; }
.main-table { overflow-x: auto; font-size: 13px; }
.main-table table { font: inherit !important; }
.main-table th, .main-table td { padding: 0.3em 0.5em !important; }
.main-table thead th { white-space: normal !important; }
.stages { width: 850px; max-width: 100%; }
</style>"""


def start_page(
    config_files: Iterable[str],
    experiments: Mapping[str, Iterable[str]],
    revision: str | None,
    tables: Mapping[str, Path],
    drawing: Path,
    today: datetime.date,
) -> str:
    """Return the start page of a study's report, as reStructuredText with HTML in it.

    Args:
        config_files: those of the study.
        experiments: each one's data sets.
        revision: of the code; None where it is not known.
        tables: the main tables as pages of HTML, by what each is of; what does not exist is left out.
        drawing: of the stages, a PNG; where it does not exist there is none.
        today: the date of the report.
    """
    grids = "; ".join(f"{name} on {', '.join(datasets)}" for name, datasets in experiments.items())
    facts = {
        "Study": f"{', '.join(config_files)}{f' ({grids})' if grids else ''}",
        "Date": today.isoformat(),
        "Revision": revision or "not known, the code lies in no git repository",
    }
    rows = "".join(f"<tr><td>{name}</td><td>{html.escape(value)}</td></tr>" for name, value in facts.items())
    parts = [_STYLE, f'<table class="facts">{rows}</table>']
    for number, (title, path) in enumerate(tables.items()):
        if path.is_file():
            parts.append(f"<h2>{html.escape(title)}</h2>")
            parts.append(f'<div class="main-table">{_embeddable(path.read_text("utf-8"), number)}</div>')
    parts.append("<h2>Stages</h2>")
    if drawing.is_file():
        image = base64.b64encode(drawing.read_bytes()).decode()
        parts.append(f'<img class="stages" src="data:image/png;base64,{image}" alt="the stages and their rules">')
    parts.append("<p>The rules of this run; a click shows a rule's code and software.</p>")
    # HTML, CSS and base64 alike may be broken where there is space or nothing but letters.
    lines = [
        part
        for line in "\n".join(parts).splitlines()
        for part in textwrap.wrap(line, _LONGEST_LINE, break_on_hyphens=False)
    ]
    return ".. raw:: html\n\n" + "\n".join(f"   {line}" for line in lines) + "\n"


def _embeddable(page: str, number: int) -> str:
    """Return the table of a page with its style, under names that no other table of the start page has."""
    found = re.findall(r"<style.*?</style>|<table.*?</table>", page, re.DOTALL)
    return "\n".join(found).replace("T_results", f"T_results{number}")
