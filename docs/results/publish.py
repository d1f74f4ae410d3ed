"""Put the tables and figures of docs/results/config.yaml, as the workflow made them, into docs/results.md."""

import re
import shutil
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs" / "results.md"
STUDY = Path("cifar10-jpeg") / "cifar10-jpeg"

if not (PROJECT / "results" / "tables" / STUDY).is_dir():
    raise SystemExit(
        "error: there are no tables of this study: run snakemake --configfile docs/results/config.yaml first"
    )

page = PAGE.read_text(encoding="utf-8")
for name in re.findall(r"<!-- table (\w+) -->", page):
    table = (PROJECT / "results" / "tables" / STUDY / f"{name}.md").read_text(encoding="utf-8")
    section = re.compile(rf"(<!-- table {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    page = section.sub(lambda found, table=table: f"{found[1]}{table.strip()}\n{found[2]}", page)
PAGE.write_text(page, encoding="utf-8")
for name in re.findall(r"\(results/(\w+)\.png\)", page):
    shutil.copy2(PROJECT / "results" / "figures" / STUDY / f"{name}.png", PROJECT / "docs" / "results")
