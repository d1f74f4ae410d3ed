from pathlib import Path

import pytest
import safetensors.torch
import torch
from records import edit_json, record_of

from filterfreq.models import checkpoints
from filterfreq.models.checkpoints import load_checkpoint, save_checkpoint
from filterfreq.models.classifier import Classifier
from filterfreq.models.registry import build
from filterfreq.models.surgery.decomposition import DCTConv2d, decompose
from filterfreq.models.surgery.front_end import add_front_end
from filterfreq.runtime import files
from filterfreq.runtime.errors import InputError

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)


def make(decomposition=None):
    """Return a classifier in eval mode whose every tensor differs from a new one's, and its record."""
    torch.manual_seed(0)
    backbone = build("resnet_8_4", 10)
    if decomposition:
        decompose(backbone, decomposition)
    classifier = Classifier(backbone, MEAN, STD)
    classifier.train()(torch.rand(8, 3, 16, 16))
    settings = {"architecture": "resnet_8_4", "num_classes": 10, "mean": list(MEAN), "std": list(STD)}
    record = record_of({**settings, "decomposition": decomposition})
    return classifier.eval(), record


@pytest.fixture
def saved(tmp_path):
    classifier, record = make("weight")
    save_checkpoint(tmp_path, classifier, record)
    return tmp_path


def rewrite(folder, change):
    edit_json(folder / "run.json", change)


def rewrite_weights(folder, content):
    """Replace the weights and record the new checksum."""
    (folder / "model.safetensors").write_bytes(content)
    checksum = files.sha256(folder / "model.safetensors")
    rewrite(folder, lambda record: record["checkpoint"].update(sha256=checksum))


def refusal(folder):
    with pytest.raises(InputError) as caught:
        load_checkpoint(folder / "run.json")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("decomposition", [None, "weight", "signal"])
@pytest.mark.parametrize("compose", [True, False])
def test_a_checkpoint_comes_back(tmp_path, decomposition, compose):
    classifier, record = make(decomposition)
    save_checkpoint(tmp_path / "new", classifier, record)
    loaded, loaded_record = load_checkpoint(tmp_path / "new" / "run.json", compose=compose)
    images = torch.rand(4, 3, 32, 32)

    assert torch.equal(loaded(images), classifier(images))
    assert not any(module.training for module in loaded.modules())
    kept = [module for module in loaded.modules() if isinstance(module, DCTConv2d)]
    assert len(kept) == (7 if decomposition and not compose else 0)
    assert {module.decomposition for module in kept} <= {decomposition}
    checkpoint = loaded_record.pop("checkpoint")
    assert loaded_record == record
    assert checkpoint == {"file": "model.safetensors", "sha256": files.sha256(tmp_path / "new" / "model.safetensors")}


def test_a_model_that_was_trained_with_a_front_end_comes_back_with_it(tmp_path):
    classifier, record = make("weight")
    images = torch.rand(4, 3, 32, 32)
    without = classifier(images)
    add_front_end(classifier, "low", 5)
    record["classifier"]["front_end"] = {"band": "low", "bandwidth": 5}
    save_checkpoint(tmp_path, classifier, record)
    loaded, _ = load_checkpoint(tmp_path / "run.json")

    assert torch.equal(loaded(images), classifier(images))
    assert not torch.allclose(loaded(images), without)


def test_the_file_holds_the_raw_coefficients_under_the_architectures_names(saved):
    state = safetensors.torch.load_file(saved / "model.safetensors")
    classifier, _ = make("weight")

    assert "conv1.coefficients" in state
    assert "layer2.0.shortcut.0.weight" in state
    assert state.keys() == classifier.backbone.state_dict().keys()
    assert sorted(path.name for path in saved.iterdir()) == ["model.safetensors", "run.json"]


def test_equal_weights_give_equal_bytes_in_any_memory_format(tmp_path):
    classifier, record = make()
    save_checkpoint(tmp_path / "a", classifier, record)
    save_checkpoint(tmp_path / "b", classifier.to(memory_format=torch.channels_last), record)

    for name in ("model.safetensors", "run.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_full_disk_leaves_the_old_checkpoint(saved, monkeypatch):
    before = {path.name: path.read_bytes() for path in saved.iterdir()}
    classifier, record = make("signal")

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match=r"no space left while writing .*model\.safetensors"):
        save_checkpoint(saved, classifier, record)
    monkeypatch.undo()
    assert {path.name: path.read_bytes() for path in saved.iterdir()} == before


def test_missing_weights(saved):
    (saved / "model.safetensors").unlink()

    assert "model.safetensors is missing" in refusal(saved)


def test_truncated_weights(saved):
    content = (saved / "model.safetensors").read_bytes()
    (saved / "model.safetensors").write_bytes(content[:-1])

    assert "model.safetensors is truncated or was changed" in refusal(saved)


def test_one_changed_bit(saved):
    content = bytearray((saved / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (saved / "model.safetensors").write_bytes(content)

    assert "SHA-256 is not the one in" in refusal(saved)


def test_a_file_of_another_format_with_the_right_checksum(saved):
    rewrite_weights(saved, b"no tensors")

    assert "model.safetensors is damaged or not what it should be (SafetensorError" in refusal(saved)


def test_wrong_names_and_shapes(saved):
    state = safetensors.torch.load_file(saved / "model.safetensors")
    state["conv1.weight"] = state.pop("conv1.coefficients")
    state["fc.bias"] = torch.zeros(9)
    rewrite_weights(saved, safetensors.torch.save(state))

    text = refusal(saved)
    assert "does not fit resnet_8_4" in text
    assert "no conv1.coefficients" in text
    assert "unknown conv1.weight" in text
    assert "fc.bias of shape [9] instead of [10]" in text


def test_weights_of_another_architecture(saved):
    rewrite(saved, lambda record: record["classifier"].update(architecture="resnet_8_8"))

    text = refusal(saved)
    assert "conv1.coefficients of shape [4, 3, 3, 3] instead of [8, 3, 3, 3]" in text
    assert "more)" in text


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"architecture": "resnet_21"}, "run.json names a model that cannot be built: unknown model 'resnet_21'"),
        ({"decomposition": "wait"}, "classifier.decomposition: 'wait' is none of None, weight, signal): delete it and"),
        ({"num_classes": 0}, "classifier.num_classes: 0 is out of range, it must be at least 2): delete it and run"),
        ({"num_classes": 10.0}, "classifier.num_classes: 10.0 has a point, it must be a whole number"),
        ({"mean": [0.5, 0.5]}, "classifier.mean: has 2 values, it must have at least 3"),
        ({"std": [0.5, 0.5, 0]}, "classifier.std.2: 0 is out of range, it must be greater than 0"),
        ({"std": [0.5, 0.5, "0.5"]}, "classifier.std.2: '0.5' is text, it must be a number: write 0.5"),
    ],
)
def test_a_record_of_a_model_that_does_not_exist(saved, changed, message):
    rewrite(saved, lambda record: record["classifier"].update(changed))

    assert message in refusal(saved)


@pytest.mark.parametrize("key", ["run", "classifier", "checkpoint"])
def test_a_record_without_a_part(saved, key):
    rewrite(saved, lambda record: record.pop(key))

    assert f"run.json is damaged or not what it should be (it: '{key}' is missing)" in refusal(saved)


def test_a_record_with_a_part_of_the_wrong_type(saved):
    rewrite(saved, lambda record: record.update(classifier="resnet"))

    assert "not what it should be (classifier: 'resnet' is text, it must be a mapping" in refusal(saved)


def test_a_record_names_no_file_elsewhere(saved, tmp_path):
    rewrite(saved, lambda record: record["checkpoint"].update(file="../model.safetensors"))

    assert "(checkpoint.file: '../model.safetensors' is not 'model.safetensors')" in refusal(saved)


@pytest.mark.parametrize("given", ["model.safetensors", "", "dataset.json", "nowhere/weights.pt"])
def test_what_is_no_record_is_not_called_damaged(saved, given):
    """The weights are whole: nobody is told to delete them."""
    (saved / "dataset.json").write_text("{}")
    with pytest.raises(InputError) as caught:
        load_checkpoint(saved / given)
    right = (saved / given).with_name("run.json") if given else saved / "run.json"
    assert str(caught.value) == (
        f"{saved / given} is not the record of a run: give {right}, which names the weights beside it; a model of "
        "others is an entry of the config's checkpoints, with source: file"
    )


def test_weights_that_are_whole_are_kept(saved):
    """With the checksum that was recorded they are those that were written, whatever the record says of them."""
    rewrite(saved, lambda record: record["classifier"].update(architecture="resnet_8_2"))
    said = refusal(saved)
    assert said.endswith(
        "the weights are whole, put back the run.json that was written with them, or have the run made again"
    )
    (saved / "model.safetensors").unlink()
    assert refusal(saved).endswith("names it: put it back, or have the run made again")


def test_a_library_that_fails_is_no_damage(saved, monkeypatch):
    monkeypatch.setattr(checkpoints.registry, "build", lambda *_: 1 / 0)
    assert refusal(saved).endswith(
        "names a model that cannot be built (ZeroDivisionError: division by zero): take the environment and the "
        "version of the code that wrote it"
    )


def test_one_digit_of_the_normalisation(saved):
    """With another mean the accuracy would be another, too."""
    path = saved / "run.json"
    text = path.read_text()
    assert "0.4," in text
    path.write_text(text.replace("0.4,", "0.3,"))
    assert "run.json was changed since it was written" in refusal(saved)

    rewrite(saved, lambda record: None)
    assert load_checkpoint(path)[1]["classifier"]["mean"] == [0.5, 0.3, 0.3]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers(saved, value):
    state = safetensors.torch.load_file(saved / "model.safetensors")
    state["fc.bias"][3] = value
    rewrite_weights(saved, safetensors.torch.save(state))
    assert "model.safetensors has numbers that are not finite, in fc.bias: delete it and run again" in refusal(saved)

    classifier, record = make()
    with torch.no_grad():
        classifier.backbone.fc.bias[3] = value
    with pytest.raises(InputError, match=r"numbers that are not finite, in fc\.bias: train with a lower learning_rate"):
        save_checkpoint(saved / "new", classifier, record)
    assert not (saved / "new").exists()


def test_a_record_that_is_missing_or_no_json(saved):
    (saved / "run.json").write_text("{")
    assert "run.json is damaged or not what it should be (JSONDecodeError" in refusal(saved)
    (saved / "run.json").unlink()
    assert "run.json is missing" in refusal(saved)


def test_file_names_are_the_contracts():
    assert (checkpoints.WEIGHTS_FILE, checkpoints.RECORD_FILE) == ("model.safetensors", "run.json")
