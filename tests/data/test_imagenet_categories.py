"""The mapping against WordNet's numbers and names of the classes, as timm lists them."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from filterfreq.data.shifted.imagenet_categories import CATEGORIES

INFO = Path(find_spec("timm").submodule_search_locations[0], "data", "_info")
# The released lists of WordNet numbers, of which the mapping holds those that ILSVRC 2012 has.
RELEASED = {
    "airplane": "n02690373 n03955296 n13861050 n13941806",
    "bear": "n02132136 n02133161 n02134084 n02134418",
    "bicycle": "n02835271 n03792782",
    "boat": "n02951358 n03344393 n03662601 n04273569 n04612373 n04612504",
    "bottle": "n02823428 n03937543 n03983396 n04557648 n04560804 n04579145 n04591713",
    "car": "n02814533 n03100240 n03100346 n13419325 n04285008",
    "cat": "n02122878 n02123045 n02123159 n02126465 n02123394 n02123597 n02124075 n02125311",
    "chair": "n02791124 n03376595 n04099969 n00605023 n04429376",
    "clock": "n02708093 n03196217 n04548280",
    "elephant": "n02504013 n02504458",
    "keyboard": "n03085013 n04505470",
    "knife": "n03041632",
    "oven": "n03259401 n04111414 n04111531",
    "truck": "n03345487 n03417042 n03770679 n03796401 n00319176 n01016201 n03930630 n03930777 n05061003 n06547832 "
    "n10432053 n03977966 n04461696 n04467665",
}
EXCLUDED_BIRDS = {"cock", "ostrich", "jay", "kite", "peacock", "quail", "partridge", "drake", "crane", "albatross"}
EXCLUDED_DOGS = {
    *("Chihuahua", "cairn", "Lhasa", "kelpie", "boxer", "dalmatian", "Samoyed", "chow", "Cardigan"),
}


@pytest.fixture(scope="module")
def synsets() -> list[str]:
    return (INFO / "imagenet_synsets.txt").read_text().split()


@pytest.fixture(scope="module")
def names(synsets) -> list[str]:
    lines = (INFO / "imagenet_synset_to_lemma.txt").read_text().splitlines()
    lemmas = dict(line.split("\t") for line in lines)
    return [lemmas[synset].split(",")[0] for synset in synsets]


def test_there_are_16_categories_of_207_classes_and_no_class_is_in_two():
    assert len(CATEGORIES) == 16
    assert list(CATEGORIES) == sorted(CATEGORIES)
    classes = [index for indices in CATEGORIES.values() for index in indices]
    assert len(classes) == len(set(classes)) == 207
    assert max(classes) < 1000


@pytest.mark.parametrize("category", RELEASED)
def test_a_category_holds_what_its_wordnet_numbers_name(category, synsets):
    assert {synsets[index] for index in CATEGORIES[category]} == set(RELEASED[category].split()) & set(synsets)


def test_birds_and_dogs_are_all_but_the_excluded_ones(names):
    """ImageNet has its 59 birds at 7 to 24, 80 to 100 and 127 to 146, and its 118 breeds of dogs at 151 to 268."""
    birds = [*range(7, 25), *range(80, 101), *range(127, 147)]
    dogs = range(151, 269)
    assert {names[index] for index in set(birds) - set(CATEGORIES["bird"])} == EXCLUDED_BIRDS
    assert {names[index] for index in set(dogs) - set(CATEGORIES["dog"])} == EXCLUDED_DOGS
    assert set(CATEGORIES["bird"]) < set(birds)
    assert set(CATEGORIES["dog"]) < set(dogs)
