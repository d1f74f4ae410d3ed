"""Put the tables and figures of config.yaml and lens.yaml, as the workflow made them, into docs/results.md."""

import re
import shutil
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs" / "results.md"
STUDIES = {"config.yaml": Path("cifar10-jpeg") / "cifar10-jpeg", "lens.yaml": Path("filters") / "cifar10-jpeg"}


def find(folder: str, file: str) -> Path:
    """Return where the workflow put a table or a figure, from whichever study."""
    for study in STUDIES.values():
        path = PROJECT / "results" / folder / study / file
        if path.is_file():
            return path
    configs = " and ".join(f"docs/results/{name}" for name in STUDIES)
    raise SystemExit(f"error: there is no {file} in results/{folder}: run snakemake with {configs} first")


page = PAGE.read_text(encoding="utf-8")
for name in re.findall(r"<!-- table (\w+) -->", page):
    table = find("tables", f"{name}.md").read_text(encoding="utf-8")
    section = re.compile(rf"(<!-- table {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    page = section.sub(lambda found, table=table: f"{found[1]}{table.strip()}\n{found[2]}", page)
PAGE.write_text(page, encoding="utf-8")
for name in re.findall(r"\(results/(\w+)\.png\)", page):
    shutil.copy2(find("figures", f"{name}.png"), PROJECT / "docs" / "results")
