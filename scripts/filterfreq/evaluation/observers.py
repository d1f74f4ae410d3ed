"""Published answers of observers to cue-conflict stimuli, and how far two observers make the same errors.

Imports no torch.
"""

import re
from pathlib import Path

import pandas as pd

from filterfreq.data.shifted.imagenet_categories import CATEGORIES
from filterfreq.runtime.csv_files import read_csv
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.text import is_one_line

RESPONSE_COLUMNS: tuple[str, ...] = ("observer", "stimulus", "response", "shape", "texture")

_PUBLISHED_COLUMNS = ("subj", "object_response", "category", "imagename")
_EXPERIMENT = "style-transfer-512-nomask-experiment"
_NO_RESPONSE = "na"
# "0003_s5n_s01_0_dog_00_dog10-bicycle1.png" or "dog10-bicycle1.png": the shape of a dog, the texture of a bicycle.
_STIMULUS = re.compile(r"(?:.*_)?((?P<shape>[a-z]+)\d+-(?P<texture>[a-z]+)\d+)(?:\.png)?")


def parse_stimulus(name: str) -> tuple[str, str, str]:
    """Return the stimulus, its shape and its texture from the name of an image of Geirhos et al. (ICLR 2019).

    Args:
        name: such as "cat7-bicycle1.png", with or without what a trial puts before it.

    Returns:
        Such as ("cat7-bicycle1", "cat", "bicycle").

    Raises:
        InputError: the name has another form, or names something else than the 16 categories.
    """
    match = _STIMULUS.fullmatch(name)
    if not match or match["shape"] not in CATEGORIES or match["texture"] not in CATEGORIES:
        raise InputError(
            f"{name!r} is no name of a cue-conflict stimulus: it should read like cat7-bicycle1.png, "
            "with two of the 16 categories"
        )
    return match[1], match["shape"], match["texture"]


def response_files(folder: str | Path) -> list[str]:
    """Return the files of answers to the cue-conflict stimuli, sorted, in a folder or anywhere below.

    In the repository rgeirhos/texture-vs-shape they are raw-data/style-transfer-512-nomask-experiment/*.csv.

    Raises:
        InputError: there are none, or one's name is more than a line.
    """
    found = sorted(str(path) for path in Path(folder).expanduser().rglob(f"{_EXPERIMENT}_*.csv"))
    if not found:
        raise InputError(f"there is no {_EXPERIMENT}_*.csv in {folder}: give raw-data of rgeirhos/texture-vs-shape")
    for path in found:
        if not is_one_line(path):
            raise InputError(f"{path} has a control character or a second line in its name: rename it")
    return found


def read_responses(path: str | Path) -> pd.DataFrame:
    """Read one observer's published answers (repository rgeirhos/texture-vs-shape, raw-data).

    Args:
        path: a CSV with the columns subj, object_response, category (the shape) and imagename, one row per trial.

    Returns:
        One row per trial, in the file's order, with `RESPONSE_COLUMNS`: `stimulus` such as "cat7-bicycle1", `shape` and
        `texture` its categories, `response` the category that was answered, missing where the observer gave none.
        `filterfreq.evaluation.shape_bias.shape_bias` takes it as it is.

    Raises:
        InputError: the file is missing, lacks columns or rows, shows a stimulus twice, or holds an answer or a
            stimulus outside the 16 categories.
    """
    path = Path(path)
    remedy = "download the published responses again"
    table = read_csv(path, remedy, _PUBLISHED_COLUMNS)
    missing = [column for column in _PUBLISHED_COLUMNS if column not in table]
    if missing:
        raise InputError(f"{path} lacks the columns {', '.join(missing)}: give a file of one observer's responses")
    try:
        stimuli = [parse_stimulus(name) for name in table["imagename"]]
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    responses = pd.DataFrame(stimuli, columns=["stimulus", "shape", "texture"])
    responses.insert(0, "observer", table["subj"])
    responses["response"] = table["object_response"].where(table["object_response"] != _NO_RESPONSE)
    problems = {
        # What separates the parts of a parameter in the results.
        "holds a name of an observer that is none": ~responses["observer"].map(
            lambda name: bool(name) and is_one_line(name) and not {"=", ";"} & set(name)
        ),
        "shows a stimulus twice": responses["stimulus"].duplicated(),
        "holds a category that is not the stimulus's shape": responses["shape"] != table["category"],
        "holds a response outside the 16 categories": ~(
            responses["response"].isin(list(CATEGORIES)) | responses["response"].isna()
        ),
    }
    for problem, rows in problems.items():
        if rows.any():
            raise InputError(f"{path} {problem} in trial {rows.idxmax() + 1}: {remedy}")
    return responses[list(RESPONSE_COLUMNS)]


def error_consistency(first: pd.DataFrame, second: pd.DataFrame) -> float:
    """Return Cohen's kappa of whether two observers, people or models, answer correctly, stimulus by stimulus.

    kappa = (c_obs - c_exp) / (1 - c_exp), where c_obs is the share of stimuli that both answer correctly or both
    answer wrongly, and c_exp = p1 p2 + (1 - p1)(1 - p2) what independent observers of their accuracies p1 and p2 would
    share. Correct is the shape, also where the cues agree. Geirhos, Meding, Wichmann, Beyond Accuracy: Quantifying
    Trial-by-trial Behaviour of CNNs and Humans by Measuring Error Consistency, NeurIPS 2020.

    Args:
        first: one row per stimulus, columns `stimulus`, `response` and `shape`, as `read_responses` returns them; a
            missing response is wrong.
        second: the same of the other observer. Only stimuli that both were shown count.

    Returns:
        At most 1, which is for equal errors; 0 is chance; NaN where both are always right or both always wrong, so
        that nothing could differ.

    Raises:
        InputError: no stimulus was shown to both, one was shown twice, or its shape is not the same for both.
    """
    for responses in (first, second):
        if responses["stimulus"].duplicated().any():
            raise InputError("responses to compare hold a stimulus twice: give one observer at a time")
    both = first.merge(second, on="stimulus", suffixes=("_1", "_2"))
    if both.empty:
        raise InputError("responses to compare have no stimulus in common: give answers to the same images")
    if (both["shape_1"] != both["shape_2"]).any():
        raise InputError("responses to compare disagree about a stimulus's shape: give answers to the same images")
    correct_1, correct_2 = (both[f"response_{i}"] == both[f"shape_{i}"] for i in (1, 2))
    p1, p2 = correct_1.mean(), correct_2.mean()
    expected = p1 * p2 + (1 - p1) * (1 - p2)
    if expected == 1:
        return float("nan")
    return float(((correct_1 == correct_2).mean() - expected) / (1 - expected))
