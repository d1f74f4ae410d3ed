"""Put tables and figures of this folder's studies, as the workflow made them, into docs/results.md and its siblings.

A table stands between <!-- table NAME --> and <!-- end -->, or EXPERIMENT/NAME; a figure is results/NAME.png, or
results/EXPERIMENT/NAME.png. What was not made here stays as it is.
"""

import re
import shutil
from pathlib import Path

PROJECT = Path(__file__).parents[2]
# Of the experiments of the configurations in this folder.
DATASETS = {
    "cifar10-jpeg": "cifar10-jpeg",
    "filters": "cifar10-jpeg",
    "filters-fgsm": "cifar10-jpeg",
    "digits": "mnist",
    "photographs": "cifar10-jpeg",
    "averaged": "cifar10-jpeg",
    "averaged-resnets": "cifar10-jpeg",
    "radii": "cifar10-jpeg",
    "standard": "texdigits",
    "free": "texdigits",
    "rivals": "texdigits",
    "lossless": "lossless",
    "jpeg": "jpeg",
}


def made(folder: str, name: str, ending: str) -> Path | None:
    """Return where the workflow put a table or a figure, [EXPERIMENT/]NAME; None where it has made none."""
    experiment, _, file = name.rpartition("/")
    for known in [experiment] if experiment else ("cifar10-jpeg", "filters"):
        path = PROJECT / "results" / folder / known / DATASETS[known] / f"{file}.{ending}"
        if path.is_file():
            return path
    print(f"{name}: not made here, left as it is")
    return None


for page in sorted((PROJECT / "docs").glob("results*.md")):
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"<!-- table ([\w/-]+) -->", text):
        if (path := made("tables", name, "md")) is not None:
            section = re.compile(rf"(<!-- table {name} -->\n).*?(<!-- end -->)", re.DOTALL)
            table = path.read_text(encoding="utf-8").strip()
            text = section.sub(lambda found, table=table: f"{found[1]}{table}\n{found[2]}", text)
    page.write_text(text, encoding="utf-8")
    for name in re.findall(r"\(results/([\w/-]+)\.png\)", text):
        if (path := made("figures", name, "png")) is not None:
            copy = PROJECT / "docs" / "results" / f"{name}.png"
            copy.parent.mkdir(exist_ok=True)
            shutil.copy2(path, copy)
