import numpy as np
import pytest
import torch
from evaluation.simple_models import ReadsPixels, images_of
from torch import nn

from filterfreq.evaluation.prediction import batches, inference, predict, predict_with_confidence
from filterfreq.models.classifier import Classifier
from filterfreq.models.stochastic import StochasticClassifier, draw_normal


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


class Drawing(StochasticClassifier):
    """Adds noise to each image's values, from its own seed."""

    def __init__(self):
        super().__init__(Classifier(nn.Flatten(), (0.5,) * 3, (0.2,) * 3))

    def forward(self, images):
        seeds = self.count_call().seeds(range(len(images)), 0, 1)
        return super().forward(images + draw_normal(seeds, images.shape[1:], images.device)[:, 0])


def test_what_a_stochastic_model_answers_depends_on_its_seed_and_not_on_the_batches():
    images = np.full((7, 2, 2, 3), 127, np.uint8)
    model = Drawing()

    def answers(batch_size, seed):
        model.seed_draws(seed)
        return predict(nn.Sequential(model), images, batch_size, "cpu").tolist()

    assert answers(7, 1) == answers(2, 1) == answers(3, 1)
    assert answers(7, 1) != answers(7, 2)
    assert len(set(answers(7, 1))) > 1


def test_batches_are_those_of_the_images():
    assert list(batches(5, 2)) == [slice(0, 2), slice(2, 4), slice(4, 5)]
