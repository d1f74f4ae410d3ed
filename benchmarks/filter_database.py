"""Filters of a data set's HDF5 file streamed layer by layer, against reading the file, and the memory of both.

python benchmarks/filter_database.py
python benchmarks/filter_database.py --models 20 --folder /data
"""

import argparse
import itertools
import multiprocessing
import os
import resource
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
    """Measure every layer of every model."""
    for model in read_models(path):
        for layer in model.stream_layers():
            measure_layer(layer)


def seconds_of(function, path: Path, cached: bool) -> tuple[float, float]:
    """Seconds of a function, and the most memory of its process before and while it runs, in MB."""
    if not cached:
        forget(path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    function(path)
    return time.perf_counter() - start, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=6)
    parser.add_argument("--folder", type=Path, help="where the file is made; the temporary folder unless given")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        path = Path(folder, "dataset.h5")
        write_models(path, arguments.models)
        megabytes = path.stat().st_size / 1e6
        found = {}
        context = multiprocessing.get_context("spawn")
        for _ in range(arguments.repeats):
            for name, function, cached in (
                ("file", read, False),
                ("stream", stream, False),
                ("measures", measure, False),
                ("file, cached", read, True),
                ("stream, cached", stream, True),
            ):
                # Each in a process of its own, whose memory is its alone.
                with context.Pool(1) as pool:
                    found.setdefault(name, []).append(pool.apply(seconds_of, (function, path, cached)))
        rates = {name: megabytes / np.median([seconds for seconds, _ in runs]) for name, runs in found.items()}
        memory = {name: max(used for _, used in runs) for name, runs in found.items()}
    rows = [
        harness.row("filters streamed / the file read", rates["stream"], rates["file"], "MB/s"),
        harness.row("the same, in the system's cache", rates["stream, cached"], rates["file, cached"], "MB/s"),
        harness.row("filters streamed and measured / the file read", rates["measures"], rates["file"], "MB/s"),
        harness.row("most memory, streamed / the file", memory["stream"], megabytes, "MB"),
        harness.row("most memory, streamed and measured / the file", memory["measures"], megabytes, "MB"),
    ]
    notes = (
        f"{arguments.models} models of the shape of a WideResNet-34-10 in float64; memory is what is added to Python's "
        "with its libraries; the file is read from the disk but where it says cached."
    )
    harness.publish("filters of a data set", rows, notes)


if __name__ == "__main__":
    main()
