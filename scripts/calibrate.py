"""Measure what training steps, passes and corruptions take on this machine, but for what was measured on it already."""

import time
from datetime import UTC, datetime
from pathlib import Path

import psutil

from filterfreq.compute import use_device
from filterfreq.files import read_json, write_json
from filterfreq.jobs import job
from filterfreq.planning.calibration import hardware, measure
from filterfreq.planning.records import unit_key

started_after = time.time() - psutil.Process().create_time()

with job(snakemake) as logger:
    compute = snakemake.config["compute"]
    device = use_device(compute, snakemake.threads)
    path = Path(snakemake.output[0])
    content = read_json(path) if path.exists() else {"devices": {}}
    name = hardware(device)
    units = content["devices"].get(name, {"units": {}})["units"]
    for number, entry in enumerate(snakemake.params.units, 1):
        key = unit_key(entry["unit"])
        if key not in units:
            units[key] = measure(entry["unit"], entry["classes"], compute, device)
        described = ", ".join(f"{value:.3g}" for value in units[key].values())
        logger.info("%d/%d  %s: %s", number, len(snakemake.params.units), key, described)
    content["devices"][name] = {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds_to_start": round(started_after, 2),
        "units": units,
    }
    write_json(path, {**content, "latest": name})
