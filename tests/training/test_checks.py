from types import SimpleNamespace

import numpy as np
import pytest
import torch

from filterfreq.runtime.errors import InputError
from filterfreq.training import loop
from filterfreq.training.state import StateFile
from filterfreq.training.untrained import build_classifier

FREE = {"attack": "free", "norm": "linf", "epsilon": "4/255", "replays": 1}


def train(spec: dict, model: str, count: int, size: int, folder, variant=None, **training) -> None:
    images = np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)
    dataset = SimpleNamespace(
        images=lambda split: images,
        labels=lambda split: np.arange(count) % 2,
        num_classes=2,
        classes=["a", "b"],
        mean=[0.5] * 3,
        std=[0.25] * 3,
    )
    settings = {**spec["training"], "epochs": 1, "augmentation": "none", **training}
    spec = {"run": {**spec["run"], "model": model}, "variant": variant or {}, "training": settings}
    execution, state_file = loop.Execution(torch.device("cpu")), StateFile(folder / "state.pt", "")
    loop.Trainer(build_classifier(spec, dataset), spec, dataset, execution, state_file).train()


@pytest.mark.parametrize(
    ("count", "training", "variant", "remedy"),
    [
        (9, {"batch_size": 4}, {}, "set it to 5, say"),
        (21, {"batch_size": 4}, {}, "set it to 6, say"),
        (9, {"batch_size": 2, "accumulate": 2}, {}, "set it to 3, say"),
        (3, {"batch_size": 1}, {}, "set it to 3, say"),
        (1, {"batch_size": 4}, {}, "take more images"),
        (9, {"batch_size": 4}, {"mixup": 0.5}, "set it to 5, say"),
        (9, {"batch_size": 4}, {"adversarial_training": FREE}, "set it to 5, say"),
    ],
    ids=str,
)
def test_a_batch_of_one_image_that_cannot_be_normalised_is_refused(
    tiny_spec, tmp_path, monkeypatch, count, training, variant, remedy
):
    """Four pixels a side become one; torch would refuse it at the end of the epoch."""
    sentence = f"one of the {count} images of tiny, on which resnet_8_4 cannot be trained at 4 x 4 pixels.*: {remedy}"
    with pytest.raises(InputError, match=rf"batch_size {training['batch_size']} under training leaves.*{sentence}"):
        train(tiny_spec, "resnet_8_4", count, 4, tmp_path, variant, **training)
    monkeypatch.setattr(loop, "check_trainable", lambda *_: None)
    with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        train(tiny_spec, "resnet_8_4", count, 4, tmp_path, variant, **training)


@pytest.mark.parametrize(
    ("model", "count", "size", "variant"),
    [
        ("resnet_8_4", 8, 4, {}),
        ("resnet_8_4", 10, 4, {}),
        ("resnet_8_4", 9, 5, {}),
        ("resnet_8_4", 9, 4, {"augmentation_policy": "augmix", "jensen_shannon": 12}),
        ("torchvision_squeezenet1_1", 9, 32, {}),
    ],
    ids=str,
)
def test_other_batches_are_trained_on(tiny_spec, tmp_path, model, count, size, variant):
    train(tiny_spec, model, count, size, tmp_path, variant, batch_size=4, learning_rate=1e-6)


def test_an_image_size_that_a_model_does_not_take_is_refused(tiny_spec, tmp_path):
    with pytest.raises(InputError, match="torchvision_alexnet does not take the images of tiny, 32 x 32 pixels"):
        train(tiny_spec, "torchvision_alexnet", 8, 32, tmp_path)
    assert not list(tmp_path.iterdir())
