"""Accuracy of the models of experiment *{experiment}* on *{dataset}* under attacks through whatever defends them.

Success is judged after each attack, over fresh draws of a classifier that has any. Each cell is an accuracy in percent
with its 95 % Wilson interval. Below are four signs that gradients mislead; where one holds, the numbers of attacks
along gradients are marked (!), and are not to be trusted as robustness.
"""

from collections.abc import Mapping

import pandas as pd

from filterfreq.analysis.masking import SIGNS
from filterfreq.publishing.attacks import attack_label
from filterfreq.publishing.masking_rows import signs_of_run
from filterfreq.publishing.means import dataset_phrase
from filterfreq.publishing.norms import norm_label
from filterfreq.publishing.numbers import interval_text, percent_text
from filterfreq.publishing.phrases import images_phrase
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import RUN, present_variants, select
from filterfreq.publishing.table import TextTable
from filterfreq.training.epsilon import parse_epsilon

PRODUCT = Product(title="Signs of gradient masking", needs=["adaptive"], takes=["labels"])

MARK = "(!)"
_MISSING = "–"
_ANSWERS = {True: "yes", False: "no", None: "not measured"}
_LABELS = {
    "adaptive": "worst along gradients",
    "square_eot": "Square over draws",
    "noise": "random noise",
    "transfer": "worst transferred",
    "worst": "worst of all",
}
# In the order of the specification of such evaluations: what sees least of the defence first, the worst case last.
_ORDER = ("transfer-fgsm", "transfer-pgd", "transfer", "noise", "fgsm", "pgd", "apgd", "adaptive", "square", "worst")


def tabulate(results: pd.DataFrame, labels: dict[str, str]) -> TextTable:
    """Show each attack at each epsilon in a row, then the signs; models are columns.

    Args:
        results: tidy results of one data set.
        labels: display labels of the variants by name, in order.

    Returns:
        Its numbers have a row for each accuracy and for each sign of each run.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of the suite.
    """
    frame = select(results, labels, ["adaptive"])
    runs = _run_labels(frame, present_variants(frame, labels))
    attacked = frame[frame["metric"] == "accuracy"]
    numbers, cells, marked = [], {}, []
    for run, rows in attacked.groupby(RUN, observed=True, sort=True):
        signs = signs_of_run(rows)
        heading = runs[run]
        for row in _with_clean(rows, frame, run):
            where = (row.norm, row.epsilon)
            held = [sign for sign, holds in signs.get(where, {}).items() if holds]
            is_marked = bool(held) and _is_along_gradients(row.attack)
            text = f"{percent_text(row.value)} {interval_text(100 * row.ci_low, 100 * row.ci_high, '.1f')}"
            cells.setdefault((*where, row.attack), {})[heading] = f"{text} {MARK}" if is_marked else text
            numbers.append((*run, *where, row.attack, row.value, row.ci_low, row.ci_high, row.n, ""))
        for where, found in signs.items():
            for sign, holds in found.items():
                cells.setdefault((*where, sign), {})[heading] = _ANSWERS[holds]
                numbers.append((*run, *where, sign, None, None, None, None, _ANSWERS[holds]))
        marked += [heading] if any(holds for found in signs.values() for holds in found.values()) else []
    columns = [*RUN, "norm", "epsilon", "attack or sign", "accuracy", "ci_low", "ci_high", "images", "holds"]
    table = pd.DataFrame(numbers, columns=columns).astype({"images": "Int64"})
    return TextTable(table, _arranged(cells, list(runs.values())), _caption(frame, attacked, marked), right=len(runs))


def _run_labels(frame: pd.DataFrame, labels: Mapping[str, str]) -> dict[tuple, str]:
    """The heading of each run: the variant's label, with model and seed where there are several."""
    runs = frame[RUN].drop_duplicates().sort_values(RUN)
    several = {name: len(runs[name].unique()) > 1 for name in ("model", "seed")}
    found = {}
    for model, variant, seed in runs.itertuples(index=False, name=None):
        parts = [
            labels[variant],
            *([str(model)] if several["model"] else []),
            *([f"seed {seed}"] if several["seed"] else []),
        ]
        found[model, variant, seed] = ", ".join(parts)
    return found


def _with_clean(rows: pd.DataFrame, frame: pd.DataFrame, run: tuple) -> list:
    """The accuracies of one run, that of its images without attack first."""
    clean = frame[(frame["metric"] == "clean_accuracy") & (frame[RUN] == list(run)).all(axis="columns")]
    clean = clean.assign(attack="clean", norm="", epsilon="0")
    return [*clean.itertuples(index=False), *rows.itertuples(index=False)]


def _is_along_gradients(attack: str) -> bool:
    return attack == "adaptive" or attack.startswith(("fgsm", "pgd-", "apgd-"))


def _arranged(cells: Mapping[tuple[str, str, str], Mapping[str, str]], headings: list[str]) -> pd.DataFrame:
    """The rows in order: without attack, then by norm and epsilon the attacks, and the signs below them."""
    shown = []
    for norm, epsilon, name in sorted(cells, key=_place):
        where = f"{norm_label(norm)} {epsilon}" if norm else ""
        row = cells[norm, epsilon, name]
        shown.append([_label(name), where, *(row.get(heading, _MISSING) for heading in headings)])
    return pd.DataFrame(shown, columns=["attack, or sign of masking", "ε", *headings])


def _place(key: tuple[str, str, str]) -> tuple:
    norm, epsilon, name = key
    kinds = [number for number, kind in enumerate(_ORDER) if name.startswith(kind)]
    is_sign = name in SIGNS
    return norm, parse_epsilon(epsilon), is_sign, [*SIGNS].index(name) if is_sign else min(kinds, default=-1), name


def _label(name: str) -> str:
    if name in SIGNS:
        return f"sign: {SIGNS[name]}"
    if name == "clean":
        return "without attack"
    attack = name.removeprefix("transfer-")
    label = _LABELS.get(attack) or attack_label(attack)
    return label if attack == name else f"{label}, transferred"


def _caption(frame: pd.DataFrame, attacked: pd.DataFrame, marked: list[str]) -> str:
    draws = " or ".join(str(int(count)) for count in sorted(attacked["draws"].dropna().unique()))
    caption = (
        f"Accuracy on {dataset_phrase(frame)} under attacks through whatever defends a model, in percent, with 95 % "
        f"Wilson intervals ({images_phrase(attacked['n'])}). Success is judged after each attack; of a classifier that "
        f"draws at random, by that of the mean log-probability over {draws} fresh draws. Worst: image by image. "
    )
    if marked:
        return caption + (
            f"Signs of gradient masking hold for {', '.join(marked)}: the numbers marked {MARK}, of attacks along "
            "gradients, are not to be trusted, and are no measure of robustness."
        )
    return f"{caption}No sign of gradient masking that was measured holds."
