"""What training the runs of experiment *{experiment}* on *{dataset}* cost.

Parameters, seconds per epoch and peak memory, mean over seeds, and how many times those of the baseline the last two
are.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from filterfreq.publishing.numbers import number_texts
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import order_variants
from filterfreq.publishing.table import TextTable
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.schemas import read_record

PRODUCT = Product(title="Costs", takes=["labels", "baseline"], reads="records", when="trained", note="")


def read(files: Sequence[str]) -> list[dict]:
    """Read the `run.json` of every run.

    Raises:
        InputError: one is missing or damaged, or lacks something.
    """
    return [read_record(file, "run") for file in files]


_GROUP = ["model", "device"]  # what the baseline's costs are compared within


def tabulate(records: Sequence[Mapping], labels: dict[str, str], baseline: str) -> TextTable:
    """Show what training each variant cost: parameters, seconds per epoch, peak memory.

    Args:
        records: the `run.json` of every run on one data set.
        labels: display labels of the variants by name, in order.
        baseline: the variant whose costs the others' are compared with.

    Returns:
        One row per model, variant and device, means over seeds; memory is that of the process on a CPU, that of the
        tensors on a GPU. Ratios are of these means, to the baseline of the same model and device, NaN where it has not
        been trained.

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
    for cost, ratio in (("seconds_per_epoch", "time_ratio"), ("peak_memory_mb", "memory_ratio")):
        of_baseline = numbers[numbers["variant"] == baseline].set_index(_GROUP)[cost]
        numbers[ratio] = numbers[cost] / of_baseline.reindex(pd.MultiIndex.from_frame(numbers[_GROUP])).to_numpy()
    cells = pd.DataFrame(
        {
            "model": numbers["model"],
            "variant": numbers["variant"].map(labels),
            "device": numbers["device"],
            "parameters": numbers["parameters"].map("{:,.0f}".format),
            "seconds per epoch": numbers["seconds_per_epoch"].map("{:,.2f}".format),
            "time ratio": number_texts(numbers["time_ratio"], ".2f"),
            "peak memory (MiB)": numbers["peak_memory_mb"].map("{:,.0f}".format),
            "memory ratio": number_texts(numbers["memory_ratio"], ".2f"),
            "seeds": numbers["seeds"],
        }
    )
    caption = (
        f"What training on {dataset} cost, mean over seeds. Ratios are to {labels.get(baseline, baseline)}, of the "
        "same model and device. An evaluation of decomposed filters, which are composed once, costs what one of plain "
        "filters does."
    )
    return TextTable(numbers, cells.astype(str), caption, right=6)
