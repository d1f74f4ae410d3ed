"""After how many epochs the runs of experiment *{experiment}* on *{dataset}* first reach a test accuracy.

Mean over seeds; where some seeds never reach it, over those that do, with their number.
"""

import pandas as pd

from filterfreq.publishing.histories import read_histories, select_histories
from filterfreq.publishing.numbers import percent_text
from filterfreq.publishing.registry import Product
from filterfreq.publishing.table import TextTable

PRODUCT = Product(title="Speed of training", takes=["labels"], reads="history", when="trained")

LEVELS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""The accuracies; shown are those that some run reaches, and not every run after its first epoch."""
_GROUP = ["model", "variant"]
_RUN = [*_GROUP, "seed"]

read = read_histories


def tabulate(histories: pd.DataFrame, labels: dict[str, str]) -> TextTable:
    """Show the first epoch at which the test accuracy is at least a level, for each level that tells runs apart.

    It may fall below the level afterwards. An epoch of one variant can take longer than one of another, see
    `filterfreq.publishing.tables.costs`.

    Args:
        histories: columns model, variant, seed, epoch (from 1) and test_accuracy, in [0, 1].
        labels: display labels of the variants by name, in order.

    Returns:
        Its numbers have a row for each model, variant and level: `epochs`, the mean over the seeds that reach it,
        `reached`, how many these are, and `seeds`. A row without a level has the accuracy after the last epoch as
        `value`.

    Raises:
        InputError: a column is missing, or no variant has a history.
    """
    frame = select_histories(histories, labels, ["test_accuracy"])
    runs = frame.groupby(_RUN, observed=True)
    first = {
        level: frame[frame["test_accuracy"] >= level].groupby(_RUN, observed=True)["epoch"].min() for level in LEVELS
    }
    ends = runs["test_accuracy"].last()
    shown = {
        level: epochs.reindex(ends.index)
        for level, epochs in first.items()
        if len(epochs) and not (len(epochs) == len(ends) and (epochs == 1).all())
    }
    seeds = ends.groupby(level=_GROUP, observed=True).size()
    accuracies = ends.groupby(level=_GROUP, observed=True).mean()
    numbers, cells = [], {}
    for level, epochs in shown.items():
        groups = epochs.groupby(level=_GROUP, observed=True)
        found = pd.DataFrame({"level": level, "epochs": groups.mean(), "reached": groups.count(), "seeds": seeds})
        numbers.append(found.reset_index())
        cells[f"epochs to {percent_text(level, '.0f')} %"] = [_cell(*row) for row in found.itertuples(index=False)]
    numbers.append(accuracies.rename("value").to_frame().assign(seeds=seeds).reset_index())
    table = pd.DataFrame(
        {
            **{name: accuracies.index.get_level_values(name) for name in _GROUP},
            **cells,
            "last accuracy (%)": accuracies.map(percent_text).tolist(),
            "seeds": seeds.tolist(),
        }
    )
    table["variant"] = table["variant"].map(labels)
    caption = (
        f"Epochs until the test accuracy on {histories['dataset'].iloc[0]} first reaches a level, mean over seeds; in "
        "brackets how many of them reach it, where not all do. The last accuracy is that after the last epoch."
    )
    return TextTable(pd.concat(numbers, ignore_index=True), table.astype(str), caption, right=len(cells) + 2)


def _cell(level: float, epochs: float, reached: int, seeds: int) -> str:
    if not reached:
        return "–"
    return f"{epochs:.1f}" if reached == seeds else f"{epochs:.1f} ({reached} of {seeds})"
