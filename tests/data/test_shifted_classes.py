import json

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score
from timm.data import ImageNetInfo
from torch import nn

from filterfreq.data.registry import get_dataset
from filterfreq.data.shifted.classes import class_targets, classes_of
from filterfreq.data.shifted.imagenet_categories import CATEGORIES
from filterfreq.data.shifted.prepared import PreparedShift, save_shifted
from filterfreq.evaluation.suites.out_of_distribution import evaluate_out_of_distribution
from filterfreq.runtime.errors import InputError


class FromPixels(nn.Module):
    """Logits that are the image's first pixels."""

    def __init__(self, classes: int):
        super().__init__()
        self.classes = classes

    def forward(self, images):
        return 10 * images.flatten(1)[:, : self.classes]


def shifted(folder, classes, folders="classes") -> PreparedShift:
    images = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
    labels = np.arange(40) % len(classes)
    identity = {"name": "some", "shift_of": "any", "folders": folders}
    save_shifted(folder, identity, list(classes), labels, images, {})
    return PreparedShift(folder)


def test_imagenets_classes_are_timms():
    info = ImageNetInfo()
    assert get_dataset("imagenet").classes == tuple(info.index_to_label_name(i) for i in range(1000))
    assert get_dataset("imagenet").classes[0] == "n01440764"


def test_classes_are_found_by_name_index_or_category(tmp_path):
    base = ("ant", "bee", "cat", "dog")
    assert class_targets(shifted(tmp_path / "a", ["cat", "bee"]), base) == [[2], [1]]
    assert class_targets(shifted(tmp_path / "b", ["0", "3", "2"], "indices"), base) == [[0], [3], [2]]
    targets = class_targets(shifted(tmp_path / "c", ["bear", "knife"], "categories"), get_dataset("imagenet").classes)
    assert targets == [list(CATEGORIES["bear"]), [499]]
    for name, folders in (("cow", "classes"), ("4", "indices"), ("cat", "indices"), ("cow", "categories")):
        with pytest.raises(InputError, match=rf"set some has the class '{name}', which is none of the"):
            class_targets(shifted(tmp_path / "d", [name, f"no {name}"], folders), base)


def test_only_the_sets_classes_can_be_answered(tmp_path):
    """Hendrycks et al. (CVPR 2021): the logits of ImageNet-A's 200 classes alone are compared."""
    base = [f"c{i}" for i in range(9)]
    part = shifted(tmp_path, ["c7", "c2", "c4"])
    images, labels = part.images(), part.labels()
    sets = {"some": (images, labels, class_targets(part, base))}
    accuracy, calibration = evaluate_out_of_distribution(FromPixels(9), sets, batch_size=7, device="cpu")
    assert accuracy["parameter"] == calibration["parameter"] == "set=some"
    assert accuracy["n"] == 40
    # torch orders pixels by channel, so the first nine are of red.
    logits = images[:, 0, :9, 0][:, [7, 2, 4]] / 255 * 10
    assert accuracy["value"] == accuracy_score(labels, logits.argmax(axis=1))
    assert accuracy["ci_low"] < accuracy["value"] < accuracy["ci_high"]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    bins = np.ceil(probabilities.max(axis=1) * 15)
    correct = logits.argmax(axis=1) == labels
    gaps = [abs((correct[bins == b] - probabilities.max(axis=1)[bins == b]).sum()) for b in np.unique(bins)]
    assert calibration["value"] == pytest.approx(sum(gaps) / 40, abs=1e-5)


def test_categories_are_answered_by_the_mean_probability_of_their_classes(tmp_path):
    part = shifted(tmp_path, list(CATEGORIES), "categories")
    sets = {"some": (part.images(), part.labels(), class_targets(part, get_dataset("imagenet").classes))}
    accuracy, _ = evaluate_out_of_distribution(FromPixels(1000), sets, batch_size=16, device="cpu")
    logits = torch.tensor(part.images().transpose(0, 3, 1, 2) / 255).flatten(1)[:, :1000] * 10
    means = torch.stack([logits.softmax(1)[:, list(c)].mean(1) for c in CATEGORIES.values()], dim=1)
    assert accuracy["value"] == (means.argmax(1).numpy() == part.labels()).mean()


def test_a_model_of_other_classes_is_refused(tiny_dataset):
    record = {"run": {"model": "resnet_8"}, "classifier": {"num_classes": 4}}
    assert classes_of("tiny", record, tiny_dataset) == tiny_dataset.classes
    with pytest.raises(InputError, match="resnet_8 has 4 classes, but imagenet has 1000"):
        classes_of("imagenet", record, None)


def test_the_record_is_json(tmp_path):
    shifted(tmp_path, ["a", "b"])
    assert json.loads((tmp_path / "set.json").read_text())["labels"][:3] == [0, 1, 0]
