import math

import numpy as np
import pytest
import torch
from torch import nn

from filterfreq.data.batches import to_images
from filterfreq.data.shifted.imagenet_categories import CATEGORIES
from filterfreq.evaluation.categories import CategoryClassifier
from filterfreq.evaluation.accuracy import evaluate_before
from filterfreq.evaluation.suites.clean import evaluate_clean
from filterfreq.evaluation.suites.corruption import evaluate_corruption
from filterfreq.evaluation.suites.cue_conflict import evaluate_cue_conflict
from filterfreq.evaluation.prediction import inference, predict, predict_with_confidence
from filterfreq.runtime.errors import InputError


class ReadsPixels(nn.Module):
    """Predicts the class that equals the images' grey level (0 to 9)."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return -(((255 * images.mean(dim=(1, 2, 3)))[:, None] - torch.arange(10.0)) ** 2)


def images_of(classes: np.ndarray) -> np.ndarray:
    return np.broadcast_to(np.asarray(classes, dtype=np.uint8)[:, None, None, None], (len(classes), 8, 8, 3)).copy()


@pytest.fixture
def stateful() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Dropout(0.5), nn.Flatten(), nn.Linear(288, 10))


@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
def test_predict_returns_the_class_of_each_image_in_order(batch_size, tmp_path):
    classes = np.array([3, 1, 4, 1, 5, 9, 2])
    np.save(tmp_path / "images.npy", images_of(classes))
    predictions = predict(ReadsPixels(), np.load(tmp_path / "images.npy", mmap_mode="r"), batch_size, "cpu")
    assert predictions.dtype == np.int64
    assert predictions.tolist() == classes.tolist()


def test_predict_evaluates_and_leaves_the_model_as_it_was(stateful):
    stateful.train()
    stateful[1].eval()
    stateful[0].weight.requires_grad_(False)
    before = {name: value.clone() for name, value in stateful.state_dict().items()}
    images = np.random.default_rng(0).integers(0, 256, (16, 8, 8, 3), dtype=np.uint8)
    assert np.array_equal(predict(stateful, images, 4, "cpu"), predict(stateful, images, 16, "cpu"))
    assert [module.training for module in stateful] == [True, False, True, True, True]
    assert not stateful[0].weight.requires_grad
    assert stateful[4].weight.requires_grad
    assert all(torch.equal(value, before[name]) for name, value in stateful.state_dict().items())


def test_inference_restores_the_model_after_an_error(stateful):
    def fail() -> None:
        with inference(stateful, "cpu"):
            assert not any(module.training for module in stateful.modules())
            assert not any(parameter.requires_grad for parameter in stateful.parameters())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert all(module.training for module in stateful.modules())
    assert all(parameter.requires_grad for parameter in stateful.parameters())


def test_confidence_is_the_probability_of_the_predicted_class(stateful):
    images = np.random.default_rng(0).integers(0, 256, (10, 8, 8, 3), dtype=np.uint8)
    with torch.no_grad():
        logits = stateful.eval()(torch.from_numpy(images).float().div(255).permute(0, 3, 1, 2)).double().numpy()
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    predictions, confidences = predict_with_confidence(stateful, images, 4, "cpu")
    np.testing.assert_array_equal(predictions, probabilities.argmax(axis=1))
    np.testing.assert_allclose(confidences, probabilities.max(axis=1), rtol=1e-5)


def test_evaluate_clean_counts_correct_images():
    row, _ = evaluate_clean(ReadsPixels(), images_of([0, 1, 2, 3]), np.array([0, 1, 2, 9]), 3, "cpu")
    assert (row["metric"], row["parameter"], row["value"], row["n"]) == ("accuracy", "split=test", 0.75, 4)
    assert 0 < row["ci_low"] < 0.75 < row["ci_high"] < 1


def test_evaluate_clean_measures_calibration():
    """Every image has the logits of the squared distances 0, 1, 4 ... 81, so all are equally confident."""
    _, row = evaluate_clean(ReadsPixels(), images_of([0, 0, 0, 0]), np.array([0, 0, 0, 9]), 3, "cpu")
    confidence = 1 / np.exp(-(np.arange(10.0) ** 2)).sum()
    assert (row["metric"], row["parameter"], row["n"]) == ("expected_calibration_error", "split=test", 4)
    assert row["value"] == pytest.approx(0.75 - confidence, abs=1e-4)
    assert math.isnan(row["ci_low"])


def test_images_whose_confidence_is_no_number_have_no_calibration():
    class Broken(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.full((len(images), 10), torch.nan)

    accuracy, calibration = evaluate_clean(Broken(), images_of([0, 1]), np.array([0, 1]), 2, "cpu")
    assert accuracy["n"] == 2
    assert calibration["n"] == 0
    assert math.isnan(calibration["value"])


def test_images_before_an_attack_are_measured_like_clean_ones_under_other_names():
    images, labels = images_of([0, 1, 2, 3]), np.array([0, 1, 2, 9])
    accuracy, calibration = evaluate_before(ReadsPixels(), images, labels, 3, "cpu")
    assert (accuracy["metric"], accuracy["parameter"]) == ("clean_accuracy", "split=test;images=4")
    assert (calibration["metric"], calibration["parameter"]) == ("clean_calibration_error", "split=test;images=4")
    for found, expected in zip(
        (accuracy, calibration), evaluate_clean(ReadsPixels(), images, labels, 3, "cpu"), strict=True
    ):
        assert [found[key] for key in ("value", "n")] == [expected[key] for key in ("value", "n")]


def test_evaluate_corruption_reads_severity_blocks():
    labels = np.array([0, 1, 2, 3])
    fog = np.concatenate([np.where(np.arange(4) < severity, labels, 9) for severity in (4, 3, 2, 1, 0)])
    frost = np.tile(labels, 5)
    rows = evaluate_corruption(ReadsPixels(), {"fog": images_of(fog), "frost": images_of(frost)}, labels, 7, "cpu")
    of = {metric: [row for row in rows if row["metric"] == metric] for metric in {row["metric"] for row in rows}}
    assert of.keys() == {"accuracy", "expected_calibration_error"}
    for its_rows in of.values():
        assert [row["parameter"] for row in its_rows] == [
            f"corruption={corruption};severity={severity};origin=generated"
            for corruption in ("fog", "frost")
            for severity in range(1, 6)
        ]
        assert {row["n"] for row in its_rows} == {4}
    assert [row["value"] for row in of["accuracy"]] == [1, 0.75, 0.5, 0.25, 0, 1, 1, 1, 1, 1]
    # Each block by itself is a test set.
    for block in range(5):
        alone = evaluate_clean(ReadsPixels(), images_of(fog[4 * block : 4 * block + 4]), labels, 7, "cpu")[1]
        assert of["expected_calibration_error"][block]["value"] == pytest.approx(alone["value"])
    assert len({row["value"] for row in of["expected_calibration_error"]}) > 4


def test_evaluate_corruption_names_an_array_of_the_wrong_length():
    with pytest.raises(InputError, match="fog"):
        evaluate_corruption(ReadsPixels(), {"fog": images_of(np.zeros(19))}, np.zeros(4, dtype=np.int64), 7, "cpu")


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


class Fixed(nn.Module):
    """Gives the image of grey level i the i-th of some logits."""

    def __init__(self, logits: np.ndarray) -> None:
        super().__init__()
        self.logits = torch.from_numpy(logits).float()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.logits[(255 * images[:, 0, 0, 0]).round().long()]


def test_a_categorys_probability_is_the_mean_over_its_classes():
    logits = np.random.default_rng(0).normal(0, 3, (20, 1000))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = np.stack([probabilities[:, list(classes)].mean(axis=1) for classes in CATEGORIES.values()], axis=1)
    model = CategoryClassifier(Fixed(logits), CATEGORIES.values())
    with torch.no_grad():
        answered = model(to_images(images_of(np.arange(20)), "cpu")).exp()
    np.testing.assert_allclose(answered, expected, rtol=1e-4)
    assert predict(model, images_of(np.arange(20)), 7, "cpu").tolist() == expected.argmax(axis=1).tolist()


def test_a_category_of_many_classes_has_no_advantage():
    """One knife of probability 0.3 outweighs all dogs together with 0.6; the class outside all categories, 0.1."""
    logits = np.full((1, 1000), -1000.0)
    logits[0, CATEGORIES["knife"][0]] = math.log(0.3)
    logits[0, list(CATEGORIES["dog"])] = math.log(0.6 / len(CATEGORIES["dog"]))
    logits[0, 0] = math.log(0.1)
    model = CategoryClassifier(Fixed(logits), CATEGORIES.values())
    (answer,) = predict(model, images_of([0]), 1, "cpu")
    assert list(CATEGORIES)[answer] == "knife"


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
