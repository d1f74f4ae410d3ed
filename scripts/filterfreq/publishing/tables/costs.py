"""What training the runs of experiment *{experiment}* on *{dataset}* cost.

Parameters, seconds per epoch and peak memory, mean over seeds.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import order_variants
from filterfreq.publishing.table import TextTable
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.schemas import read_record

PRODUCT = Product(title="Costs", takes=["labels"], reads="records", when="trained", note="")


def read(files: Sequence[str]) -> list[dict]:
    """Read the `run.json` of every run.

    Raises:
        InputError: one is missing or damaged, or lacks something.
    """
    return [read_record(file, "run") for file in files]


def tabulate(records: Sequence[Mapping], labels: dict[str, str]) -> TextTable:
    """Show what training each variant cost: parameters, seconds per epoch, peak memory.

    Args:
        records: the `run.json` of every run on one data set.
        labels: display labels of the variants by name, in order.

    Returns:
        One row per model, variant and device, means over seeds; memory is that of the process on a CPU, that of the
        tensors on a GPU.

    Raises:
        InputError: there is no record of the variants.
    """
    rows = [
        {
            "model": record["run"]["model"],
            "variant": record["run"]["variant"],
            "device": record["provenance"]["device"],
            "parameters": record["metrics"]["parameters"],
            "seconds_per_epoch": record["provenance"]["seconds"] / record["training"]["epochs"],
            "peak_memory_mb": record["provenance"]["peak_memory_mb"],
        }
        for record in records
        if record["run"]["variant"] in labels
    ]
    if not rows:
        raise InputError(f"there are no runs of the variants {', '.join(labels)}: train them first")
    dataset = records[0]["run"]["dataset"]
    frame = order_variants(pd.DataFrame(rows), labels)
    groups = frame.groupby(["model", "variant", "device"], observed=True)
    numbers = groups.mean().assign(seeds=groups.size()).reset_index()
    cells = pd.DataFrame(
        {
            "model": numbers["model"],
            "variant": numbers["variant"].map(labels),
            "device": numbers["device"],
            "parameters": numbers["parameters"].map("{:,.0f}".format),
            "seconds per epoch": numbers["seconds_per_epoch"].map("{:,.2f}".format),
            "peak memory (MiB)": numbers["peak_memory_mb"].map("{:,.0f}".format),
            "seeds": numbers["seeds"],
        }
    )
    caption = (
        f"What training on {dataset} cost, mean over seeds. An evaluation costs the same for all variants of a model, "
        "whose filters are composed once."
    )
    return TextTable(numbers, cells.astype(str), caption, right=4)
