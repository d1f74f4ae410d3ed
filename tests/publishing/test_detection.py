"""The table and the figure of detection."""

from types import SimpleNamespace

import numpy as np
import pytest
from evaluation.detection.objects import BOX, SETTINGS, annotations, found

from filterfreq.evaluation.detection.scoring import score
from filterfreq.evaluation.results import write_results
from filterfreq.publishing.figures import detection as figure
from filterfreq.publishing.tables import detection as table
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import replacing_with_checksum

OBJECTS = annotations((1, 1, BOX), (2, 1, BOX), images=3)
SEEN = {"original": found((1, 1, BOX, 0.9)), "low-4": found((1, 1, BOX, 0.9), (2, 1, BOX, 0.9))}


@pytest.fixture
def files(tmp_path) -> SimpleNamespace:
    """What a detection has measured, and one example."""
    rows, _ = score(OBJECTS, SEEN, SETTINGS)
    run = {"dataset": "made", "model": "net", "variant": "one", "seed": 0}
    write_results(tmp_path / "results.csv", run, "detection", rows)
    with replacing_with_checksum(tmp_path / "examples.npz") as temporary, open(temporary, "wb") as file:
        np.savez(file, **make_examples(1, ["original", "low-4"]))
    return SimpleNamespace(results=tmp_path / "results.csv", examples=tmp_path / "examples.npz")


def make_examples(rows: int, passes: list[str], boxes: int = 1) -> dict[str, np.ndarray]:
    """Examples of different proportions, each with one object."""
    arrays = {"passes": np.array(passes), "categories": np.array([1]), "names": np.array(["$dining_table"])}
    for row in range(rows):
        arrays |= {f"{row}/file_name": np.array("a.png"), f"{row}/truth": np.array([[2, 3, 30, 20, 1.0]])}
        for name in passes:
            arrays |= {
                f"{row}/{name}/pixels": np.full((40 + 60 * row, 90, 3), 128, np.uint8),
                f"{row}/{name}/boxes": np.array([[4, 5, 30, 20, 1, 0.9 - 0.01 * n] for n in range(boxes)]),
                f"{row}/{name}/precision": np.array(0.25),
            }
    return arrays


def test_the_table_shows_each_pass_in_percent(files):
    made = table.tabulate(table.read(files), {})
    assert made.cells.to_numpy().tolist() == [
        ["original", "50.5", "50.5", "50.5", "–", "50.5", "–", "–"],
        ["low, r = 4", "100.0", "100.0", "100.0", "–", "100.0", "–", "50.0"],
    ]
    assert made.caption.startswith("Detection of objects by net on 3 images of made: ")
    assert made.caption.endswith("Mask: strict; rescaled: none; clipped: no.")
    assert "50.5" in made.to_latex()
    assert set(made.tidy()["metric"]) >= {"mAP", "better_than_original"}


def test_the_caption_says_what_the_images_say_of_claims(files):
    """On one of two images nothing is found in the whole image, and all on its low component: 0 and 1 of difference."""
    passes = [{"suite": "detection", "metric": "image_mAP", "where": [{"pass": kind}]} for kind in ("low", "original")]
    claim = {"statement": "It is so.", "source": "nobody", "direction": "higher", "smallest_effect": 0.01}
    claim |= {"over": "images", "measure": passes[0], "control_measure": passes[1]}
    unmeasured = claim | {"control_measure": passes[1] | {"where": [{"pass": "high"}]}}
    caption = table.tabulate(table.read(files), {"c": claim, "d": unmeasured}).caption
    assert caption.endswith(
        ' clipped: no. Claim: "It is so." Too few pairs: +50.0 points [−585.3, +685.3] of image mAP, 2 images. '
        'Claim: "It is so." Not measured.'
    )


def test_the_figure_shows_an_example_in_a_row_with_its_boxes(files):
    drawn = figure.draw(figure.read(files))
    assert [axes.get_title() for axes in drawn.axes] == ["original: mAP 25.0 %", "low, r = 4: mAP 25.0 %"]
    for axes in drawn.axes:
        assert [patch.get_linestyle() for patch in axes.patches] == ["--", "-"]
        assert [text.get_text() for text in axes.texts] == ["$dining table 0.90"]


def test_more_passes_and_boxes_than_there_is_room_for_are_left_out():
    drawn = figure.draw(make_examples(2, ["original", "low-4", "low-8", "high-4", "high-8"], boxes=12))
    assert len(drawn.axes) == 2 * 4
    assert {len(axes.patches) for axes in drawn.axes} == {1 + 10}


def test_examples_that_were_changed_are_refused(files):
    np.savez(files.examples, **make_examples(2, ["original"]))
    with pytest.raises(InputError, match=r"examples\.npz"):
        figure.read(files)
