"""Shape bias (Geirhos et al. 2019), overall and by the class of the shape.

It is the fraction of shapes among the answers that name the shape or the texture of a cue-conflict image.
"""

import pandas as pd

from filterfreq.publishing.means import dataset_phrase, means_table
from filterfreq.publishing.measures import SHAPE_BIAS, run_column, shape_biases
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.table import Table

PRODUCT = Product(title="Shape bias", needs=["cue_conflict"], takes=["labels"], note="")


def tabulate(results: pd.DataFrame, labels: dict[str, str]) -> Table:
    """Show the shape bias overall and per category, and how often each cue was named; variants are columns.

    Where it was measured, also how far each variant errs on the same images as an observer.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of cue conflict.
    """
    frame = select(results, labels, ["cue_conflict"])
    columns = sorted(shape_biases(frame), key=lambda found: found.key != SHAPE_BIAS)
    answers = frame[frame["metric"] == "accuracy"]
    columns += [
        run_column(("answers", cue), "answers", cue, cue_rows, direction="none")
        for cue, cue_rows in answers.groupby("cue")
    ]
    consistencies = frame[frame["metric"] == "error_consistency"].groupby("observer")
    columns += [
        run_column(("error_consistency", observer), "error consistency", observer, rows, direction="none")
        for observer, rows in consistencies
    ]
    meaning = " Error consistency: Cohen's kappa of right and wrong answers with an observer's, times 100."
    return means_table(
        columns,
        present_variants(frame, labels),
        f"Shape bias of models of {dataset_phrase(frame)} on cue-conflict images: shape answers among those that name "
        "the shape or the texture. Answers: the share of all images whose shape, or texture, was named."
        + (meaning if len(consistencies) else ""),
        across=True,
    )
