"""What the benchmarks share: alternating measurements in one process, and their table in docs/performance.md."""

import gc
import os
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd

PROJECT = Path(__file__).parent.parent
PAGE = PROJECT / "docs" / "performance.md"

# The pipeline's package, and the tests' oracles, which are the baselines.
sys.path[:0] = [str(PROJECT / "scripts"), str(PROJECT / "tests")]


def alternate(
    ours: Callable[[], object],
    baseline: Callable[[], object],
    repeats: int,
    warmups: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[float, float]:
    """Run two functions in turn and return the median seconds of each.

    Taking turns lets a slow spell of the machine fall on both. What the first runs prepare (buffers, caches, compiled
    code) is not counted. `clock` tells the time; `time.process_time` that of the processor, which other programs on the
    machine take less of.
    """
    for _ in range(warmups):
        ours()
        baseline()
    seconds = ([], [])
    gc.collect()
    for _ in range(repeats):
        for function, times in zip((ours, baseline), seconds, strict=True):
            start = clock()
            function()
            times.append(clock() - start)
    return statistics.median(seconds[0]), statistics.median(seconds[1])


def row(what: str, ours: float, baseline: float, unit: str) -> dict:
    """Return one line of a table.

    Args:
        what: what is measured.
        ours: our median.
        baseline: the other one.
        unit: of both.

    Returns:
        The line; its ratio is ours / baseline.
    """
    return {
        "what": what,
        "ours": f"{_short(ours)} {unit}",
        "baseline": f"{_short(baseline)} {unit}",
        "ratio": f"{_short(ours / baseline)}",
    }


def publish(section: str, rows: list[dict], notes: str = "") -> None:
    """Print a table and put it into its section of docs/performance.md, in place of the one that was there.

    Where the page has no such section the table is printed alone: what took long to measure is not lost.

    Args:
        section: a section that the page marks with `<!-- section -->` and `<!-- end -->`.
        rows: what `row` returns, or other dicts of one kind.
        notes: a sentence for below the table.
    """
    table = pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)
    text = f"{table}\n\n{notes + ' ' if notes else ''}Measured on {date.today()}: {machine()}."
    print(f"\n{section}\n\n{text}")
    marked = re.compile(rf"(<!-- {section} -->\n).*?(<!-- end -->)", re.DOTALL)
    page, count = marked.subn(lambda found: f"{found[1]}{text}\n{found[2]}", PAGE.read_text(encoding="utf-8"))
    if count != 1:
        print(f"\n{PAGE} has not one section <!-- {section} -->: add it, with its <!-- end -->, to keep this table")
        return
    PAGE.write_text(page, encoding="utf-8")


def machine() -> str:
    """Describe the machine in a line: processor, cores that this process may use, GPU, versions."""
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    parts = [f"{cpu[1] if cpu else platform.machine()}, {len(os.sched_getaffinity(0))} cores"]
    parts.append(f"Python {platform.python_version()}")
    torch = sys.modules.get("torch")
    if torch is not None:
        parts.append(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
        parts.append(torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU")
    return ", ".join(parts)


def _short(value: float) -> str:
    """Three significant digits without an exponent."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
