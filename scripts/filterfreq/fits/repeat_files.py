"""The files of one repeat, of those that were trained with it as one net. Imports no torch."""

from pathlib import Path
from typing import Any

from filterfreq.evaluation.columns import COLUMNS
from filterfreq.evaluation.reading import read_results
from filterfreq.evaluation.results import write_table
from filterfreq.fits.registry import FITS
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import read_json, write_json


def take_repeat(
    together: tuple[str | Path, str | Path], alone: tuple[str | Path, str | Path], spec: dict[str, Any]
) -> None:
    """Write the results of one repeat, and its record, which says of the training what that of all repeats does.

    Args:
        together: the results and the record of all repeats, as `filterfreq.fits.job.run_fit` writes them.
        alone: where those of the one go, each file whole or not at all.
        spec: of the one repeat, as `filterfreq.study.fits.Fits.spec` makes it.

    Raises:
        InputError: a file is missing or damaged, or lacks the repeat.
    """
    results, record = together
    table = read_results([results], suite=spec["kind"], known=FITS)
    rows = table.loc[table["seed"] == spec["run"]["seed"], list(COLUMNS)]
    if rows.empty:
        raise InputError(f"{results} has no rows of seed {spec['run']['seed']}: delete it and run again")
    made = read_json(record)
    write_table(alone[0], rows)
    write_json(alone[1], {**spec, "provenance": {**made["provenance"], "seeds": made["seeds"]}})
