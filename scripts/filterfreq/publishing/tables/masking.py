"""Accuracy of the models of experiment *{experiment}* on *{dataset}* under attacks through whatever defends them.

Success is judged after each attack, over fresh draws of a classifier that has any. Each cell is an accuracy in percent,
with its 95 % Wilson interval, or over several seeds Student's; the CSV has each run's. Of a classifier that draws, the
rows "over n draws" show how the accuracy falls with the draws that each gradient is a mean over. Below are signs that
gradients mislead; where one holds, the numbers of attacks along gradients are marked (!), and are not to be trusted as
robustness.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from filterfreq.analysis.intervals import mean_difference
from filterfreq.analysis.masking import SIGNS
from filterfreq.publishing.attacks import attack_label
from filterfreq.publishing.masking_rows import signs_of_run
from filterfreq.publishing.means import dataset_phrase
from filterfreq.publishing.norms import norm_label
from filterfreq.publishing.numbers import interval_text, percent_text
from filterfreq.publishing.phrases import images_phrase, is_one_seed, seeds_phrase
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import RUN, present_variants, select
from filterfreq.publishing.table import TextTable
from filterfreq.training.epsilon import parse_epsilon

PRODUCT = Product(title="Signs of gradient masking", needs=["adaptive"], takes=["labels"])

MARK = "(!)"
_MISSING = "–"
# Before the name of a sign, for one of them is called as an attack is.
_SIGN = "sign: "
# Between the name of an attack and the number of draws that its gradients are means over.
_OVER = " over "
_ANSWERS = {True: "yes", False: "no", None: "not measured"}
_LABELS = {
    "adaptive": "worst along gradients",
    "square_eot": "Square over draws",
    "noise": "random noise",
    "deepfool": "DeepFool",
    "carlini_wagner": "Carlini-Wagner",
    "transfer": "worst transferred",
    "worst": "worst of all",
}
# In the order of the specification of such evaluations: what sees least of the defence first, the worst case last.
_ORDER = (
    *("transfer-fgsm", "transfer-pgd", "transfer-deepfool", "transfer-carlini_wagner", "transfer"),
    *("noise", "fgsm", "pgd", "apgd", "adaptive", "square", "worst"),
)


def tabulate(results: pd.DataFrame, labels: dict[str, str]) -> TextTable:
    """Show each attack at each epsilon in a row, then the signs; variants are columns.

    Args:
        results: tidy results of one data set.
        labels: display labels of the variants by name, in order.

    Returns:
        Its numbers have a row for each accuracy and for each sign of each run.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of the suite.
    """
    frame = select(results, labels, ["adaptive"])
    frame = frame if "eot" in frame else frame.assign(eot=np.nan)
    attacked = frame[frame["metric"] == "accuracy"]
    numbers, found = [], {}
    for run, rows in attacked.groupby(RUN, observed=True, sort=True):
        cells = found.setdefault(run[:2], {})
        for row in _accuracies_of_run(rows, frame, run):
            where = (row.norm, row.epsilon, row.attack)
            cells.setdefault(where, []).append(row)
            numbers.append((*run, *where, row.value, row.ci_low, row.ci_high, row.n, row.eot, ""))
        for where, signs in signs_of_run(rows).items():
            for sign, holds in signs.items():
                cells.setdefault((*where, f"{_SIGN}{sign}"), []).append(holds)
                numbers.append((*run, *where, sign, None, None, None, None, None, _ANSWERS[holds]))
    measured = ["accuracy", "ci_low", "ci_high", "images", "draws a step"]
    columns = [*RUN, "norm", "epsilon", "attack or sign", *measured, "holds"]
    table = pd.DataFrame(numbers, columns=columns).astype({"images": "Int64", "draws a step": "Int64"})
    shown = {heading: found[key] for key, heading in _headings(frame, present_variants(frame, labels)).items()}
    cells = _arranged(shown)
    said = [_marked_phrase([heading for heading, cells in shown.items() if _places_of_signs(cells)])]
    # Of an undefended model there is nothing to transfer from.
    signs = [sign for sign in SIGNS if sign != "transfer" or "transfer" in attacked["attack"].array]
    if unmeasured := [SIGNS[sign] for sign in signs if f"{_SIGN}{SIGNS[sign]}" not in cells.iloc[:, 0].array]:
        said.append(f"Not measured: {', '.join(unmeasured)}.")
    return TextTable(table, cells, " ".join([_caption(frame, attacked), *said]), right=len(shown))


def _headings(frame: pd.DataFrame, labels: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """The heading of each model and variant: the variant's label, with the model where there are several."""
    keys = frame[["model", "variant"]].drop_duplicates().sort_values(["model", "variant"])
    several = len(keys["model"].unique()) > 1
    return {
        (model, variant): f"{labels[variant]}, {model}" if several else labels[variant]
        for model, variant in keys.itertuples(index=False, name=None)
    }


def _places_of_signs(cells: Mapping[tuple[str, str, str], list]) -> set[tuple[str, str]]:
    """The norms and epsilons at which a sign holds for a seed."""
    return {
        (norm, epsilon) for (norm, epsilon, name), values in cells.items() if name.startswith(_SIGN) and True in values
    }


def _accuracies_of_run(rows: pd.DataFrame, frame: pd.DataFrame, run: tuple) -> list:
    """The accuracies of one run: of its images without attack, under attacks, and under these by draws a step."""
    clean = frame[(frame["metric"] == "clean_accuracy") & (frame[RUN] == list(run)).all(axis="columns")]
    clean = clean.assign(attack="clean", norm="", epsilon="0", eot=None)
    found = [clean, rows.assign(eot=None)]
    by_draws = frame[(frame["metric"] == "accuracy_by_eot") & (frame[RUN] == list(run)).all(axis="columns")]
    if (by_draws["eot"] > 1).any():
        names = by_draws["attack"].astype(str) + _OVER + by_draws["eot"].astype(int).astype(str)
        found.append(by_draws.assign(attack=names))
    return [row for part in found for row in part.itertuples(index=False)]


def _is_along_gradients(attack: str) -> bool:
    return attack == "adaptive" or attack.startswith(("fgsm", "pgd-", "apgd-"))


def _arranged(shown: Mapping[str, Mapping[tuple[str, str, str], list]]) -> pd.DataFrame:
    """The rows in order: without attack, then by norm and epsilon the attacks, and the signs below them."""
    places = {where for cells in shown.values() for where in cells}
    measured = {name for cells in shown.values() for (*_, name), values in cells.items() if values.count(None) == 0}
    rows = []
    for norm, epsilon, name in sorted(places, key=_place):
        if name in measured:
            cells = (_cell(cells, (norm, epsilon, name)) for cells in shown.values())
            rows.append([_label(name), f"{norm_label(norm)} {epsilon}" if norm else "", *cells])
    return pd.DataFrame(rows, columns=["attack, or sign of masking", "ε", *shown])


def _cell(cells: Mapping[tuple[str, str, str], list], where: tuple[str, str, str]) -> str:
    """What is shown of all seeds of a variant in one row."""
    *place, name = where
    values = cells.get(where)
    if values is None:
        return _MISSING
    if name.startswith(_SIGN):
        held = values.count(True)
        return f"{held} of {len(values)}" if 0 < held < len(values) else _ANSWERS[values[0]]
    mark = f" {MARK}" if _is_along_gradients(name) and tuple(place) in _places_of_signs(cells) else ""
    if len(values) > 1:
        estimate = mean_difference([np.array([row.value for row in values])], min(row.n for row in values))
        low, high = np.clip(estimate.interval(), 0, 1)
        mean = estimate.mean
    else:
        mean, low, high = values[0].value, values[0].ci_low, values[0].ci_high
    seeds = max(len(of_row) for of_row in cells.values())
    # Not every seed's attacks go on to the most draws.
    some = f" ({len(values)} of {seeds} seeds)" if len(values) < seeds else ""
    return f"{percent_text(mean)} {interval_text(100 * low, 100 * high, '.1f')}{some}{mark}"


def _place(key: tuple[str, str, str]) -> tuple:
    norm, epsilon, name = key
    kinds = [number for number, kind in enumerate(_ORDER) if name.startswith(kind)]
    attack, _, draws = name.partition(_OVER)
    sign = name.removeprefix(_SIGN) if name.startswith(_SIGN) else None
    return (
        norm,
        parse_epsilon(epsilon),
        sign is not None,
        [*SIGNS].index(sign) if sign else min(kinds, default=-1),
        attack,
        int(draws or 0),
    )


def _label(name: str) -> str:
    if name.startswith(_SIGN):
        return f"{_SIGN}{SIGNS[name.removeprefix(_SIGN)]}"
    if name == "clean":
        return "without attack"
    attacker, _, draws = name.partition(_OVER)
    if draws:
        return f"{attack_label(attacker)}, over {draws} draw{'s' if draws != '1' else ''}"
    attack = name.removeprefix("transfer-")
    label = _LABELS.get(attack) or attack_label(attack)
    return label if attack == name else f"{label}, transferred"


def _caption(frame: pd.DataFrame, attacked: pd.DataFrame) -> str:
    seeds = attacked.groupby(["model", "variant"], observed=True)["seed"].nunique()
    spread = "with 95 % Wilson intervals"
    if not is_one_seed(seeds):
        spread = f"mean over {seeds_phrase(seeds)} with Student's 95 % interval over these"
        spread += ", of one its 95 % Wilson interval" if seeds.min() == 1 else ""
    draws = " or ".join(str(int(count)) for count in sorted(attacked["draws"].dropna().unique()))
    return (
        f"Accuracy on {dataset_phrase(frame)} under attacks through whatever defends a model, in percent, {spread} "
        f"({images_phrase(attacked['n'])}). Success is judged after each attack; of a classifier that draws at random, "
        f"by that of the mean log-probability over {draws} fresh draws. Worst: image by image.{_draws_sentence(frame)}"
    )


def _draws_sentence(frame: pd.DataFrame) -> str:
    """What rows of an attack over some draws show, where there are any."""
    if not (frame["eot"] > 1).any():
        return ""
    return (
        " Over n draws: what is left of the attack's images when each of its gradients is a mean over so many draws, "
        "and over fewer before; a dash where no more were tried."
    )


def _marked_phrase(marked: list[str]) -> str:
    if not marked:
        return "No sign of gradient masking that was measured holds."
    return (
        f"Signs of gradient masking hold for {', '.join(marked)}: the numbers marked {MARK}, of attacks along "
        "gradients, are not to be trusted, and are no measure of robustness."
    )
