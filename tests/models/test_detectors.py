"""torchvision's detectors from files, without what a file could run."""

import pickle

import pytest
import torch
import torchvision

from filterfreq.evaluation.detection.registry import DETECTORS
from filterfreq.models.detectors import load_detector, num_categories
from filterfreq.runtime.errors import InputError

pytestmark = pytest.mark.slow

NAME = "retinanet_resnet50_fpn"


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    """Random weights of a detector of two categories."""
    torch.manual_seed(0)
    return torchvision.models.get_model(NAME, weights=None, weights_backbone=None, num_classes=2).state_dict()


@pytest.mark.parametrize("name", DETECTORS)
def test_the_weights_are_those_that_torchvision_has(name):
    assert [weights.name for weights in torchvision.models.get_model_weights(name)] == list(DETECTORS[name])


def test_weights_of_a_file_are_loaded_and_say_how_many_categories_there_are(state, tmp_path):
    file = tmp_path / "detector.pt"
    # As those that were trained from a frozen backbone.
    torch.save({key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}, file)
    detector, weights = load_detector(NAME, {"source": "file", "path": str(file)})
    assert num_categories(detector) == 2
    assert not detector.training
    assert weights.startswith("the only ones of the file")
    loaded = detector.state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in state.items())


def test_downloaded_weights_are_read_from_their_folder(state, tmp_path):
    torch.save(state, tmp_path / "d-00000000.pt")
    source = {"source": "file", "url": "https://127.0.0.1/d-00000000.pt"}
    detector, _ = load_detector(NAME, source, tmp_path)
    key = "head.classification_head.cls_logits.weight"
    assert torch.equal(detector.state_dict()[key], state[key])


def test_what_does_not_fit_is_refused(state, tmp_path):
    file = tmp_path / "detector.pt"
    source = {"source": "file", "path": str(file)}
    torch.save({"conv1.weight": torch.zeros(3)}, file)
    with pytest.raises(InputError, match=rf"detector.pt does not fit {NAME} \(no head.classification_head"):
        load_detector(NAME, source)
    torch.save({key: value for key, value in state.items() if key != "backbone.body.conv1.weight"}, file)
    with pytest.raises(InputError, match=r"does not fit .* with 2 categories \(no backbone.body.conv1.weight"):
        load_detector(NAME, source)
    torch.save({**state, "backbone.body.conv1.weight": torch.full((64, 3, 7, 7), torch.nan)}, file)
    with pytest.raises(InputError, match="are not all finite"):
        load_detector(NAME, source)
    file.write_bytes(pickle.dumps({"a": print}))
    with pytest.raises(InputError, match=r"detector\.pt"):
        load_detector(NAME, source)
