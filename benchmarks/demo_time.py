"""Where the wall time of a finished run of the workflow went: work, process starts, Snakemake.

    make demo
    python benchmarks/demo_time.py

Reads what every job wrote into its log and into its benchmark file.
"""

import argparse
import re
from collections import defaultdict
from pathlib import Path

import harness
import pandas as pd


def main() -> None:
    """Print one line per rule and the shares of the whole."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="?", default="results", type=Path)
    results = parser.parse_args().results
    rows = defaultdict(list)
    for log in sorted((results / "logs").rglob("*.log")):
        times = re.search(r"^started in ([\d.]+) s, worked for ([\d.]+) s$", log.read_text(), re.MULTILINE)
        job = log.relative_to(results / "logs")
        whole = pd.read_csv((results / "benchmarks" / job).with_suffix(".tsv"), sep="\t")["s"].iloc[0]
        rows[job.parts[0]].append((whole, float(times[1]), float(times[2])))
    columns = ["jobs", "seconds", "started", "worked"]
    table = pd.DataFrame(
        [[len(jobs), *(sum(column) for column in zip(*jobs, strict=True))] for jobs in rows.values()],
        index=list(rows),
        columns=columns,
    ).sort_values("seconds", ascending=False)
    total = table.sum()
    table.insert(0, "rule", table.index)
    share = f"{total['worked'] / total['seconds']:.0%}"
    print(table.round(1).to_string(index=False))
    print(f"\n{total['jobs']:.0f} jobs, {total['seconds']:.0f} s: {share} of it work. {harness.machine()}.")


if __name__ == "__main__":
    main()
