"""Filters of a data set's HDF5 file streamed layer by layer, against reading the file, and the memory of both.

python benchmarks/filter_database.py
python benchmarks/filter_database.py --models 20 --folder /data
"""

import argparse
import itertools
import multiprocessing
import os
import resource
import statistics
import tempfile
import time
from pathlib import Path

import h5py
import harness
import numpy as np
import pandas as pd
from oracles.filter_database import LEVELS, write_frame

from filterfreq.evaluation.filters.database import read_models
from filterfreq.evaluation.filters.metrics import measure_layer

# Channels of the 31 3x3 convolutions of a WideResNet-34-10, 5.1 million filters of 72 bytes.
CHANNELS = [(16, 3), *[(160, 16), *[(160, 160)] * 9], (320, 160), *[(320, 320)] * 9, (640, 320), *[(640, 640)] * 9]
BLOCK = 2**24  # bytes


def write_models(path: Path, count: int) -> None:
    """Write models of random weights, float32 in float64, as those of the published data set."""
    filters = [out * into for out, into in CHANNELS]
    starts = np.cumsum([0, *filters * count])
    depths = range(len(CHANNELS))
    rows = pd.DataFrame(
        [(model, depth, depth / depths[-1], depth) for model in range(count) for depth in depths], columns=LEVELS
    )
    rows[["out_channels", "in_channels"]] = CHANNELS * count
    rows["filter_ids"] = [f"{first}:{after - 1}" for first, after in itertools.pairwise(starts)]
    rows["model"] = "model-" + rows["model_id"].astype(str)
    rows = rows.assign(**{"Network": "WRN", "Backbone": "WideResNet-34-10", "Training-Dataset": "cifar10"})
    rows = rows.assign(**{"Robust": True, "Clean Accuracy": 90.0, "Robust Accuracy": 50.0}).astype({"Robust": object})
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        stored = file.create_dataset("filters", (starts[-1], 3, 3), np.float64)
        for first, after in itertools.pairwise(starts):
            stored[first:after] = rng.standard_normal((after - first, 3, 3), np.float32)
        write_frame(file, rows.set_index(LEVELS))


def forget(path: Path) -> None:
    """Have the next reader read from the disk."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read(path: Path) -> None:
    """Read the whole file, one block after the other."""
    block = bytearray(BLOCK)
    with open(path, "rb", buffering=0) as file:
        while file.readinto(block):
            pass


def stream(path: Path) -> None:
    """Read every layer of every model."""
    for model in read_models(path):
        for _ in model.stream_layers():
            pass


def measure(path: Path) -> None:
    """Measure every layer of one model."""
    for layer in read_models(path)[0].stream_layers():
        measure_layer(layer)


def costs(function, path: Path, cached: bool) -> tuple[float, float, float]:
    """Seconds of a function, those of the processor, and the memory that its process takes for it, in MB."""
    if not cached:
        forget(path)
    memory, start, processor = most_memory(), time.perf_counter(), time.process_time()
    function(path)
    return time.perf_counter() - start, time.process_time() - processor, most_memory() - memory


def most_memory() -> float:
    """The most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=6)
    parser.add_argument("--folder", type=Path, help="where the file is made; the temporary folder unless given")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        path = Path(folder, "dataset.h5")
        write_models(path, arguments.models)
        megabytes = path.stat().st_size / 1e6
        jobs = {
            "file": (read, path, False),
            "stream": (stream, path, False),
            "cached file": (read, path, True),
            "cached stream": (stream, path, True),
            "measures": (measure, path, True),
        }
        found = {name: [] for name in jobs}
        for _ in range(arguments.repeats):
            for name, job in jobs.items():
                # Each in a process of its own, whose memory is its alone.
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    found[name].append(pool.apply(costs, job))
    seconds, processor, memory = (
        {name: statistics.median(run[part] for run in runs) for name, runs in found.items()} for part in range(3)
    )
    rows = [
        harness.row(f"{what}, streamed / the file read", megabytes / times[ours], megabytes / times[file], "MB/s")
        for what, times, ours, file in (
            ("from the disk", seconds, "stream", "file"),
            ("from the system's cache", seconds, "cached stream", "cached file"),
            ("the same, seconds of the processor", processor, "cached stream", "cached file"),
        )
    ]
    rows += [
        harness.row("memory, streamed / the file", memory["stream"], megabytes, "MB"),
        harness.row("memory, streamed and measured / the file", memory["measures"], megabytes, "MB"),
    ]
    notes = (
        f"{arguments.models} models of the shape of a WideResNet-34-10 in float64; memory is what is added to Python's "
        "with its libraries."
    )
    harness.publish("filters of a data set", rows, notes)


if __name__ == "__main__":
    main()
