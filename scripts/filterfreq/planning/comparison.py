"""What was planned beside what it took. Imports no torch."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from filterfreq.planning.records import read_seconds
from filterfreq.publishing.table import TextTable
from filterfreq.runtime.errors import InputError


def compare(plan: Mapping[str, Any]) -> pd.DataFrame:
    """Set what was planned beside what jobs took that finished since.

    Args:
        plan: what `filterfreq.planning.plan.write_plan` wrote.

    Returns:
        One row per rule, in the plan's order, and the last for all: `rule`, `planned_jobs`, `finished_jobs` since,
        `compared_jobs` of these whose time was planned, their `planned_hours` and `actual_hours` (wall time of jobs),
        the `ratio` of the second to the first, how many of their plans were `measured` and `calibrated`, and whether
        the plan `is_bound`, an upper bound.

    Raises:
        InputError: nothing was planned.
    """
    rows = []
    for entry in plan["planned"]:
        seconds = _measured_seconds(entry)
        compared = seconds is not None and entry["seconds"] is not None
        rows.append(
            {
                "rule": entry["rule"],
                "planned_jobs": 1,
                "finished_jobs": int(seconds is not None),
                "compared_jobs": int(compared),
                "planned_hours": entry["seconds"] / 3600 if compared else 0.0,
                "actual_hours": seconds / 3600 if compared else 0.0,
                "measured": int(compared and entry["source"] == "measured"),
                "calibrated": int(compared and entry["source"] == "calibrated"),
                "is_bound": int(entry["is_bound"]),
            }
        )
    if not rows:
        raise InputError("the plan has no jobs: make it again (python scripts/plan.py)")
    frame = pd.DataFrame(rows)
    numbers = frame.groupby("rule", sort=False).sum().reset_index()
    numbers = pd.concat([numbers, pd.DataFrame([{"rule": "all", **frame.drop(columns="rule").sum()}])])
    numbers["ratio"] = numbers["actual_hours"] / numbers["planned_hours"].where(numbers["planned_hours"] > 0)
    numbers["is_bound"] = numbers["is_bound"] > 0
    counts = ["planned_jobs", "finished_jobs", "compared_jobs", "measured", "calibrated"]
    return numbers.astype(dict.fromkeys(counts, "int64")).reset_index(drop=True)


def plan_table(plan: Mapping[str, Any]) -> TextTable:
    """Show planned against actual hours of each rule.

    Args:
        plan: what `filterfreq.planning.plan.write_plan` wrote.

    Raises:
        InputError: nothing was planned.
    """
    numbers = compare(plan)
    bound = numbers["is_bound"].map({True: "≤ ", False: ""})
    known = numbers["compared_jobs"] > 0
    cells = pd.DataFrame(
        {
            "rule": numbers["rule"],
            "planned from": [_sources(row) for row in numbers.to_dict("records")],
            "planned jobs": numbers["planned_jobs"].astype(str),
            "finished": numbers["finished_jobs"].astype(str),
            "compared": numbers["compared_jobs"].astype(str),
            "planned hours": (bound + numbers["planned_hours"].map("{:.3f}".format)).where(known, "–"),
            "actual hours": numbers["actual_hours"].map("{:.3f}".format).where(known, "–"),
            "actual / planned": numbers["ratio"].map("{:.2f}".format).where(numbers["ratio"].notna(), "–"),
        }
    )
    device = f"Calibrated on {plan['device']}. " if plan["device"] else ""
    caption = (
        f"Hours of jobs as planned on {plan['made'][:10]} beside what they took, for jobs that finished since and "
        f"whose time was planned. {device}Plans marked ≤ are upper bounds: attacks spare images that are broken "
        "already."
    )
    return TextTable(numbers, cells, caption, right=6)


def _sources(row: Mapping[str, Any]) -> str:
    named = [source for source in ("measured", "calibrated") if row[source]]
    return ", ".join(named) or "–"


def _measured_seconds(entry: Mapping[str, Any]) -> float | None:
    """The seconds of a job whose benchmark file is newer than its plan."""
    path = Path(entry["benchmark"])
    if not path.exists() or path.stat().st_mtime < datetime.fromisoformat(entry["made"]).timestamp():
        return None
    return read_seconds(path, entry["record"])
