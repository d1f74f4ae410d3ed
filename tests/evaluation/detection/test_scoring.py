"""Mean average precisions that are known in closed form."""

import math

import numpy as np
import pandas as pd
import pytest
from evaluation.detection.objects import BOX, SETTINGS, annotations, found

from filterfreq.evaluation.detection.registry import DETECTION, passes
from filterfreq.evaluation.detection.scoring import (
    better_images,
    image_precisions,
    index_objects,
    mean_average_precisions,
    score,
)
from filterfreq.evaluation.reading import read_results
from filterfreq.evaluation.results import write_results

FOUR = annotations(*((image, 1, BOX) for image in (1, 2, 3, 4)))
# 51 of 101 recalls, 0 to .5, are reached where half of the objects are found and nothing else is.
HALF = 51 / 101


def measured(objects: dict, detections: np.ndarray) -> dict[str, float]:
    return mean_average_precisions(index_objects(objects), detections)


def moved(share: float) -> tuple:
    """A box of the same size whose intersection over union with BOX is `share`."""
    left, top, width, height = BOX
    return (left + width * (1 - share) / (1 + share), top, width, height)


def test_perfect_boxes_have_a_precision_of_one():
    assert measured(FOUR, found(*((image, 1, BOX, 0.9) for image in (1, 2, 3, 4)))) == {
        "mAP": pytest.approx(1),
        "mAP_50": pytest.approx(1),
        "mAP_75": pytest.approx(1),
        "mAP_small": pytest.approx(math.nan, nan_ok=True),
        "mAP_medium": pytest.approx(1),
        "mAP_large": pytest.approx(math.nan, nan_ok=True),
    }


def test_half_of_the_objects_missed_are_half_of_the_recalls():
    values = measured(FOUR, found((1, 1, BOX, 0.9), (3, 1, BOX, 0.8)))
    assert values["mAP"] == values["mAP_50"] == values["mAP_75"] == pytest.approx(HALF)


@pytest.mark.parametrize(("share", "thresholds"), [(0.51, 1), (0.62, 3), (0.77, 6), (0.97, 10), (0.49, 0)])
def test_a_box_that_is_off_counts_at_the_thresholds_that_it_reaches(share, thresholds):
    values = measured(FOUR, found(*((image, 1, moved(share), 0.9) for image in (1, 2, 3, 4))))
    assert values["mAP"] == pytest.approx(thresholds / 10)
    assert values["mAP_50"] == pytest.approx(float(share > 0.5))
    assert values["mAP_75"] == pytest.approx(float(share > 0.75))


def test_what_is_found_and_not_there_lowers_the_precision_by_its_score():
    objects = annotations((1, 1, BOX))
    wrong = (200.0, 20.0, 40.0, 40.0)
    assert measured(objects, found((1, 1, BOX, 0.9), (1, 1, wrong, 0.5)))["mAP"] == pytest.approx(1)
    assert measured(objects, found((1, 1, BOX, 0.5), (1, 1, wrong, 0.9)))["mAP"] == pytest.approx(0.5)


def test_categories_count_alike_and_nothing_found_is_zero():
    objects = annotations((1, 1, BOX), (2, 1, BOX), (3, 1, BOX), (1, 2, BOX))
    one_of_two = found(*((image, 1, BOX, 0.9) for image in (1, 2, 3)))
    assert measured(objects, one_of_two)["mAP"] == pytest.approx(0.5)
    assert measured(objects, found())["mAP"] == 0
    assert measured(objects, found((1, 1, BOX, 0.9)) * [0, 1, 1, 1, 1, 1, 1] + [4, 0, 0, 0, 0, 0, 0])["mAP"] == 0


def test_sizes_are_those_of_the_annotations_areas():
    small, large = (5.0, 5.0, 10.0, 10.0), (0.0, 0.0, 200.0, 200.0)
    objects = annotations((1, 1, small), (2, 1, large))
    values = measured(objects, found((1, 1, small, 0.9)))
    assert values["mAP_small"] == pytest.approx(1)
    assert values["mAP_large"] == 0
    assert math.isnan(values["mAP_medium"])


def test_the_image_map_is_of_the_image_alone_and_of_its_categories():
    objects = annotations((1, 1, BOX), (1, 2, BOX), (2, 1, BOX), (3, 1, BOX))
    detections = found((1, 1, BOX, 0.9), (2, 1, moved(0.77), 0.9), (2, 2, BOX, 0.99), (4, 1, BOX, 0.9))
    precisions = image_precisions(index_objects(objects), detections)
    assert precisions[1] == pytest.approx(0.5)  # one of two categories
    assert precisions[2] == pytest.approx(0.6)  # the spoon, of which there is none, does not count
    assert precisions[3] == 0
    assert math.isnan(precisions[4])
    # It is what all images have, where there is one.
    alone = annotations((1, 1, BOX), (1, 2, BOX), images=1)
    assert measured(alone, detections[:1])["mAP"] == pytest.approx(precisions[1])


def test_crowds_count_neither_way():
    objects = annotations((1, 1, BOX), (1, 1, (100.0, 100.0, 90.0, 90.0)), (2, 1, BOX))
    objects["annotations"][1]["iscrowd"] = 1
    objects["annotations"][2]["iscrowd"] = 1
    # One in the crowd, with the highest score, and one found.
    detections = found((1, 1, (110.0, 110.0, 20.0, 20.0), 0.99), (1, 1, BOX, 0.5))
    assert measured(objects, detections)["mAP"] == pytest.approx(1)
    precisions = image_precisions(index_objects(objects), detections)
    assert precisions[1] == pytest.approx(1)
    assert math.isnan(precisions[2])


def test_rows_and_images_that_are_better_on_a_component(tmp_path):
    objects = annotations((1, 1, BOX), (2, 1, BOX), (3, 2, BOX))
    original = found((1, 1, BOX, 0.9), (2, 1, moved(0.62), 0.9))
    low = found((1, 1, moved(0.77), 0.9), (2, 1, BOX, 0.95), (3, 2, moved(0.62), 0.9))
    settings = {**SETTINGS, "mask": "non_strict", "clip": True}
    rows, image_map = score(objects, {"original": original, "low-4": low}, settings)
    assert image_map["original"].tolist() == pytest.approx([1, 0.3, 0])  # image 4 has no objects
    assert image_map["low-4"].tolist() == pytest.approx([0.6, 1, 0.3])
    better = better_images(objects, image_map, passes(settings["components"])[1:])
    assert better.columns.tolist() == ["pass", "radius", "image_id", "file_name", "objects", "original", "component"]
    assert better.iloc[:, :5].to_numpy().tolist() == [["low", 4, 2, "2.png", 1], ["low", 4, 3, "3.png", 1]]
    assert better[["original", "component"]].to_numpy() == pytest.approx(np.array([[0.3, 1], [0, 0.3]]))

    file = tmp_path / "results.csv"
    write_results(file, {"dataset": "made", "model": "net", "variant": "one", "seed": 0}, "detection", rows)
    table = read_results([file], suite="detection", known=DETECTION)
    [share] = table[table["metric"] == "better_than_original"].to_dict("records")
    assert (share["value"], share["n"]) == (pytest.approx(2 / 3), 3)
    assert share["ci_low"] < 2 / 3 < share["ci_high"]
    of_images = table[table["metric"] == "image_mAP"]
    assert of_images[["pass", "image"]].to_numpy().tolist() == [
        *(["original", number] for number in "123"),
        *(["low", number] for number in "123"),
    ]
    assert of_images["value"].tolist() == pytest.approx([1, 0.3, 0, 0.6, 1, 0.3])
    of_low = table[(table["pass"] == "low") & (table["metric"] == "mAP")].iloc[0]
    assert of_low[["radius", "mask", "rescale", "clip", "n"]].tolist() == [4, "non_strict", "none", "true", 4]
    # Of category 1 one box at ten thresholds and one at six, of category 2 one at three.
    assert of_low["value"] == pytest.approx(((6 + 4 * HALF) / 10 + 0.3) / 2)
    assert pd.isna(table[table["metric"] == "mAP_large"]["value"]).all()
    assert set(table[table["metric"] == "mAP_large"]["n"]) == {0}


def test_nothing_is_better_where_nothing_is_found():
    rows, image_map = score(FOUR, {"original": found(), "low-4": found()}, SETTINGS)
    assert better_images(FOUR, image_map, passes(SETTINGS["components"])[1:]).empty
    assert [row["value"] for row in rows if row["metric"] == "better_than_original"] == [0]
