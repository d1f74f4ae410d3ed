"""Filters of some models, as the rule `show_filters` keeps them for figures. No matplotlib."""

from collections.abc import Mapping
from itertools import takewhile
from typing import Any

import numpy as np

from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import reading, verify_checksum, verify_zip

RunKey = tuple[str, str, int]
"""Model, variant and seed."""
ShownFilters = Mapping[RunKey, Mapping[str, np.ndarray]]
"""By run, the arrays of `filterfreq.evaluation.filters.layers.first_filters` and, where a data set has images that were
attacked, of `filterfreq.evaluation.filters.first_layer.measure_first_layer`."""


def read_shown_filters(files: Any) -> ShownFilters:
    """Read the filters of some models of a data set.

    Args:
        files: the one file of `reads="shown_filters"`.

    Raises:
        InputError: it is missing or damaged, or was changed since it was written.
    """
    [path] = files
    shown: dict[RunKey, dict[str, np.ndarray]] = {}
    with reading(path, "delete it and run again"):
        verify_zip(path)
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            for name in arrays.files:
                model, variant, seed, what = name.split("/")
                shown.setdefault((model, variant, int(seed)), {})[what] = arrays[name]
    verify_checksum(path)
    return shown


def run_labels(shown: ShownFilters, labels: Mapping[str, str]) -> dict[RunKey, str]:
    """Return what the shown runs are called: by their variant and, where several have it, by what tells them apart.

    Args:
        shown: see `read_shown_filters`.
        labels: display labels of the variants by name; runs of others are left out.

    Raises:
        InputError: there is no run of any variant.
    """
    runs = [run for run in shown if run[1] in labels]
    if not runs:
        raise InputError(f"there are no filters of the variants {', '.join(labels)}: delete their file, run again")
    named = {}
    for model, variant, seed in runs:
        same = [run for run in runs if run[1] == variant]
        models = list(dict.fromkeys(run[0] for run in same))
        # Of names such as robustbench_cifar10_Linf_..., what all begin with tells nothing.
        words = zip(*(name.split("_") for name in models), strict=False)
        common = sum(1 for _ in takewhile(lambda places: len(set(places)) == 1, words))
        parts = ["_".join(model.split("_")[common:]) or model] if len(models) > 1 else []
        parts += [f"seed {seed}"] if len({run[2] for run in same if run[0] == model}) > 1 else []
        named[model, variant, seed] = labels[variant] + (f" ({', '.join(parts)})" if parts else "")
    return named
