import math

import numpy as np
import torch
from evaluation.simple_models import Fixed, images_of

from filterfreq.data.batches import to_images
from filterfreq.data.shifted.imagenet_categories import CATEGORIES
from filterfreq.evaluation.categories import CategoryClassifier
from filterfreq.evaluation.prediction import predict


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
