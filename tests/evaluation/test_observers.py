import itertools
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

from filterfreq.data.shifted.imagenet_categories import CATEGORIES
from filterfreq.evaluation.observers import error_consistency, parse_stimulus, read_responses, response_files
from filterfreq.evaluation.shape_bias import shape_bias
from filterfreq.runtime.errors import InputError

PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "cue_conflict"
needs_published = pytest.mark.skipif(not PUBLISHED.is_dir(), reason=f"the published responses are not in {PUBLISHED}")
OBSERVERS = ("subject-01", "subject-02", "subject-03", "alexnet", "resnet50", "vgg16")

HEADER = "subj,session,trial,rt,object_response,category,condition,imagename"
TRIALS = (
    "subject-01,1,1,1.1,bird,bird,0,0001_s5n_s01_0_bird_00_bird3-bird2.png",
    "subject-01,1,2,0.9,na,bird,0,0002_s5n_s01_0_bird_00_bird10-clock3.png",
    "subject-01,1,3,NaN,cat,dog,0,0003_s5n_s01_0_dog_00_dog1-cat2.png",
)


def responses_of(observer: str) -> pd.DataFrame:
    (path,) = (PUBLISHED / "responses").glob(f"*_{observer}_session*.csv")
    return read_responses(path)


def answers(correct: np.ndarray, stimuli: list[str] | None = None) -> pd.DataFrame:
    stimuli = stimuli or [f"cat{i}-dog{i}" for i in range(len(correct))]
    return pd.DataFrame({"stimulus": stimuli, "response": np.where(correct, "cat", "dog"), "shape": "cat"})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cat7-bicycle1.png", ("cat7-bicycle1", "cat", "bicycle")),
        ("0003_s5n_s01_0_dog_00_dog10-bicycle1.png", ("dog10-bicycle1", "dog", "bicycle")),
        ("knife1-oven2", ("knife1-oven2", "knife", "oven")),
    ],
)
def test_a_stimulus_is_read_from_its_name(name, expected):
    assert parse_stimulus(name) == expected


@pytest.mark.parametrize("name", ["cat7.png", "cat7-bicycle.png", "cat7-horse1.png", "cat7-bicycle1.jpg", ""])
def test_other_names_are_refused(name):
    with pytest.raises(InputError, match=f"'{name}'"):
        parse_stimulus(name)


def test_responses_by_hand(tmp_path):
    path = tmp_path / "responses.csv"
    path.write_text("\n".join([HEADER, *TRIALS]) + "\n")
    table = read_responses(path)
    assert list(table.columns) == ["observer", "stimulus", "response", "shape", "texture"]
    assert table["stimulus"].tolist() == ["bird3-bird2", "bird10-clock3", "dog1-cat2"]
    assert table["response"].isna().tolist() == [False, True, False]
    assert set(table["observer"]) == {"subject-01"}
    # The cues of the first agree, the second has no answer, the third is answered by its texture.
    assert shape_bias(table).overall == 0


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("", "EmptyDataError"),
        ("\0", "damaged"),
        (HEADER, "no rows"),
        ("\n".join([HEADER, *TRIALS]).replace(",1,3,", ",1,3,4,"), "damaged"),
        ("\n".join([HEADER, *TRIALS]).replace("subject-01", "a;b=1"), "a name of an observer that is none in trial 1"),
        ("\n".join([HEADER, *TRIALS]).replace("subject-01", ""), "a name of an observer that is none in trial 1"),
        (
            "\n".join([HEADER, *TRIALS]).replace("subject-01", "a\x1b[2J"),
            "a name of an observer that is none in trial 1",
        ),
        ("\n".join([HEADER.replace("imagename", "image"), *TRIALS]), "imagename"),
        ("\n".join([HEADER, *TRIALS, TRIALS[1]]), "stimulus twice in trial 4"),
        ("\n".join([HEADER, *TRIALS]).replace(",cat,dog", ",horse,dog"), "response outside .* in trial 3"),
        ("\n".join([HEADER, *TRIALS]).replace(",cat,dog", ",cat,cat"), "not the stimulus's shape in trial 3"),
        ("\n".join([HEADER, *TRIALS]).replace("dog1-cat2", "dog1"), "no name of a cue-conflict stimulus"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, content, named):
    path = tmp_path / "responses.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=rf"responses\.csv.*{named}"):
        read_responses(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"lost\.csv is missing"):
        read_responses(tmp_path / "lost.csv")


def test_a_file_whose_name_is_more_than_a_line_is_refused(tmp_path):
    (tmp_path / "style-transfer-512-nomask-experiment_a.csv").touch()
    assert len(response_files(tmp_path)) == 1
    (tmp_path / "style-transfer-512-nomask-experiment_a\nerror: all is lost.csv").touch()
    with pytest.raises(InputError, match=r"experiment_a\\nerror: all is lost\.csv has a control character"):
        response_files(tmp_path)


@needs_published
@pytest.mark.parametrize("observer", OBSERVERS)
def test_the_published_responses_are_to_the_whole_set(observer):
    """1,280 stimuli, 80 of each shape, five of which have a texture of the same category."""
    table = responses_of(observer)
    assert len(table) == 1280
    assert table["shape"].value_counts().tolist() == [80] * 16
    assert table["shape"][table["shape"] == table["texture"]].value_counts().tolist() == [5] * 16
    assert set(table["shape"]) == set(table["texture"]) == set(CATEGORIES)
    stimuli = {path.stem for path in (PUBLISHED / "stimuli").rglob("*.png")}
    assert len(stimuli) == 160
    assert stimuli < set(table["stimulus"])


@needs_published
@pytest.mark.parametrize(("model", "percent"), [("resnet50", 22.1), ("alexnet", 25.3), ("vgg16", 9.2)])
def test_models_have_the_published_shape_bias(model, percent):
    assert round(100 * shape_bias(responses_of(model)).overall, 1) == percent


@needs_published
def test_people_decide_by_shape():
    """Geirhos et al., ICLR 2019, Figure 4: all people are far beyond all networks, in every category."""
    people = [responses_of(f"subject-{number:02d}") for number in (1, 2, 3)]
    assert round(100 * shape_bias(pd.concat(people)).overall) == 96
    assert min(shape_bias(person).overall for person in people) > 0.94
    per_category = shape_bias(pd.concat(people)).per_category
    assert list(per_category.index) == list(CATEGORIES)
    assert per_category.min() > 0.85


@needs_published
def test_error_consistency_of_the_published_responses_is_scikit_learns_kappa():
    tables = {observer: responses_of(observer) for observer in OBSERVERS}
    found = {}
    for one, other in itertools.combinations(OBSERVERS, 2):
        aligned = tables[other].set_index("stimulus").loc[tables[one]["stimulus"]].reset_index()
        correct = [table["response"] == table["shape"] for table in (tables[one], aligned)]
        found[one, other] = error_consistency(tables[one], tables[other])
        assert found[one, other] == pytest.approx(cohen_kappa_score(*correct), abs=1e-12)
    # The paper's findings: networks agree with each other, people with each other, and the two hardly.
    networks = [kappa for pair, kappa in found.items() if not any("subject" in name for name in pair)]
    people = [kappa for pair, kappa in found.items() if all("subject" in name for name in pair)]
    mixed = [kappa for kappa in found.values() if kappa not in networks + people]
    assert max(mixed) < 0.15 < min(networks + people)


def test_error_consistency_has_its_closed_form():
    """The table (both right 40, first alone 10, second alone 20, neither 30): (0.7 - 0.5) / (1 - 0.5)."""
    first = answers(np.repeat([True, True, False, False], [40, 10, 20, 30]))
    second = answers(np.repeat([True, False, True, False], [40, 10, 20, 30]))
    assert error_consistency(first, second) == pytest.approx(0.4)
    assert error_consistency(second, first) == pytest.approx(0.4)
    assert error_consistency(first, first) == 1


def test_opposite_errors_and_independent_ones():
    right = np.arange(8) < 4
    assert error_consistency(answers(right), answers(~right)) == -1
    assert error_consistency(answers(right), answers(np.arange(8) % 2 == 0)) == 0


def test_stimuli_are_paired_by_name_and_only_common_ones_count():
    rng = np.random.default_rng(0)
    first, second = answers(rng.random(50) < 0.6), answers(rng.random(50) < 0.7)
    expected = error_consistency(first.iloc[:30], second.iloc[:30])
    assert error_consistency(first.sample(frac=1, random_state=0), second.iloc[:30]) == pytest.approx(expected)


def test_without_any_difference_to_explain_it_is_unknown():
    always = answers(np.ones(4, dtype=bool))
    assert math.isnan(error_consistency(always, always))
    assert error_consistency(always, answers(np.arange(4) < 2)) == 0


def test_answers_that_cannot_be_compared_are_refused():
    one = answers(np.ones(2, dtype=bool))
    with pytest.raises(InputError, match="no stimulus in common"):
        error_consistency(one, answers(np.ones(2, dtype=bool), ["cat8-dog8", "cat9-dog9"]))
    with pytest.raises(InputError, match="twice"):
        error_consistency(one, pd.concat([one, one]))
    with pytest.raises(InputError, match="shape"):
        error_consistency(one, one.assign(shape="dog"))
