import sys
from types import ModuleType

import numpy as np
import pytest
import safetensors.torch
import torch
from records import edit_json, record_of
from torch import nn

from filterfreq.data.labels import load_labels, save_labels
from filterfreq.data.stored_indices import load_indices, save_indices
from filterfreq.frequencies.masks import bandwidth_mask, filter_frequencies
from filterfreq.models.checkpoints import load_checkpoint, save_checkpoint
from filterfreq.models.classifier import Classifier
from filterfreq.models.derivation import changed_tensors, derive
from filterfreq.models.registry import build
from filterfreq.models.surgery import registry
from filterfreq.models.surgery.decomposition import decompose
from filterfreq.models.surgery.low_pass_kernels import low_pass_kernels
from filterfreq.models.surgery.smooth_kernels import smooth_kernels
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import sha256, write_json

RUN = {"dataset": "d", "model": "resnet_8_4", "variant": "low", "seed": 1}
IMAGES = torch.linspace(0, 1, 2 * 3 * 16 * 16).view(2, 3, 16, 16)


@pytest.fixture
def source(tmp_path):
    """The folder of a model with DCT layers."""
    torch.manual_seed(0)
    settings = {"architecture": "resnet_8_4", "num_classes": 10, "mean": [0.5] * 3, "std": [0.25] * 3}
    backbone = decompose(build("resnet_8_4", 10), "weight")
    save_checkpoint(tmp_path / "v", Classifier(backbone, settings["mean"], settings["std"]), {
        **record_of({**settings, "decomposition": "weight"}), "assumed": {
            "weights": "w", "normalisation": "n", "may_also_be": []
        },
    })  # fmt: skip
    return tmp_path / "v"


def derived(source, **changes):
    """Derive, save and read again: the model that was made, and what is read."""
    spec, folder = {"run": RUN, "derived": {"from": "v", **changes}}, source.with_name("low")
    made, record, changed = derive(source / "run.json", spec, "code", folder)
    save_checkpoint(folder, made, record, changed)
    loaded, loaded_record = load_checkpoint(folder / "run.json")
    return made, changed, loaded, loaded_record


@pytest.fixture
def surgery(monkeypatch):
    """Registers a function as a change of models."""

    def register(key, function):
        module = ModuleType(f"surgery_{key}")
        module.change = function
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(registry.SURGERY, key, f"{module.__name__}:change")

    return register


def test_a_derived_model_is_the_sources_with_the_change(source):
    before = {path.name: path.read_bytes() for path in source.iterdir()}
    made, changed, loaded, record = derived(source, low_pass_kernels={"below": 2, "layers": "first"})
    original, source_record = load_checkpoint(source / "run.json")

    assert changed == ["conv1.weight"]
    assert not torch.equal(made(IMAGES), original(IMAGES))
    assert torch.equal(loaded(IMAGES), made(IMAGES))
    assert torch.equal(low_pass_kernels(original, below=2, layers="first")(IMAGES), made(IMAGES))
    assert record["run"] == RUN
    assert record["derived"] == {"from": "v", "low_pass_kernels": {"below": 2, "layers": "first"}}
    assert record["classifier"] == {**source_record["classifier"], "decomposition": None}
    assert record["metrics"] == {"parameters": sum(tensor.numel() for tensor in made.parameters())}
    checksum = sha256(source / "model.safetensors")
    assert record["provenance"]["from"] == {"run": source_record["run"], "sha256": checksum}
    assert record["provenance"]["code"] == "code"
    assert record["checkpoint"]["unchanged_in"] == {"record": "../v/run.json", "sha256": checksum}
    assert safetensors.torch.load_file(source.with_name("low") / "model.safetensors").keys() == {"conv1.weight"}
    assert not {"source", "assumed"} & record.keys()
    assert {path.name: path.read_bytes() for path in source.iterdir()} == before


def test_all_frequencies_leave_the_model(source):
    made, _, _, _ = derived(source, low_pass_kernels={"below": 3, "layers": "all"})
    torch.testing.assert_close(made(IMAGES), load_checkpoint(source / "run.json")[0](IMAGES), rtol=1e-5, atol=1e-5)


def test_the_composed_kernels_are_smoothed(source):
    made, changed, loaded, _ = derived(source, smooth_kernels={"rho": 0.5, "layers": "all"})
    original, _ = load_checkpoint(source / "run.json")
    assert len(changed) == sum(isinstance(layer, nn.Conv2d) for layer in original.modules()) - 2  # 1 x 1
    assert torch.equal(loaded(IMAGES), made(IMAGES))
    assert torch.equal(smooth_kernels(original, rho=0.5, layers="all")(IMAGES), made(IMAGES))


def test_a_front_end_comes_before_that_of_the_source(source):
    """A band is left that is in both; the low pass comes from the source's record."""
    both = {"low_pass_kernels": {"below": 2, "layers": "first"}, "front_end": {"band": "complement", "bandwidth": 3}}
    edit_json(
        source / "run.json",
        lambda record: record["classifier"].update(front_end={"band": "low", "bandwidth": 9}),
    )
    made, changed, loaded, record = derived(source, **both)
    alone = low_pass_kernels(load_checkpoint(source / "run.json")[0], **both["low_pass_kernels"])
    band = bandwidth_mask(16, 16, "low", 9) & ~bandwidth_mask(16, 16, "low", 3)
    alone.front_end = nn.Sequential()

    assert changed == ["conv1.weight"]
    assert record["classifier"]["front_end"] == {"band": "low", "bandwidth": 9}
    assert torch.equal(loaded(IMAGES), made(IMAGES))
    torch.testing.assert_close(loaded(IMAGES), alone(filter_frequencies(IMAGES, band)), rtol=1e-5, atol=1e-5)
    assert not torch.allclose(loaded(IMAGES), alone(IMAGES), atol=1e-3)


def test_a_change_may_add_layers_which_a_reader_makes_anew(source, surgery):
    def scale(classifier, factor):
        layer = nn.Conv2d(3, 3, 1, bias=False)
        nn.init.constant_(layer.weight, factor)
        classifier.backbone = nn.Sequential(layer, classifier.backbone)
        return classifier

    surgery("scale", scale)
    made, changed, loaded, _ = derived(source, scale={"factor": 0.5})
    assert "0.weight" in changed
    assert torch.equal(loaded(IMAGES), made(IMAGES))


def test_several_changes_follow_the_order_of_the_registry(source, surgery):
    @torch.no_grad()
    def double(classifier, by):
        classifier.backbone.fc.bias.mul_(2).add_(by)
        return classifier

    @torch.no_grad()
    def clear(classifier):
        classifier.backbone.fc.bias.zero_()
        return classifier

    surgery("clear", clear)
    surgery("aaa_double", double)
    made, changed, _, _ = derived(source, aaa_double={"by": 3}, clear={})
    assert changed == ["fc.bias"]
    assert made.backbone.fc.bias.tolist() == [3] * 10


def test_a_change_that_is_not_possible_says_so(source, surgery):
    def refuse(classifier):
        raise InputError("no such layer: take another")

    surgery("refuse", refuse)
    with pytest.raises(InputError, match="no such layer: take another"):
        derived(source, refuse={})


def test_settings_in_a_record_that_no_change_takes_are_of_another_version(source):
    derived(source, smooth_kernels={"rho": 1})
    edit_json(
        source.with_name("low") / "run.json",
        lambda record: record["derived"].update(low_pass_kernels={"bellow": 2}),
    )
    with pytest.raises(
        InputError, match=r"low/run\.json names a model that cannot be built .*: take the environment and "
    ):
        load_checkpoint(source.with_name("low") / "run.json")


def test_what_changes_no_weight_has_a_file_without_any(source):
    made, changed, loaded, _ = derived(source, front_end={"band": "low", "bandwidth": 9})
    assert changed == []
    assert safetensors.torch.load_file(source.with_name("low") / "model.safetensors") == {}
    assert torch.equal(loaded(IMAGES), made(IMAGES))
    assert not torch.equal(made(IMAGES), load_checkpoint(source / "run.json")[0](IMAGES))


def test_a_layer_that_is_taken_away_is_not_missed(source, surgery):
    def take_away(classifier):
        classifier.backbone.layer3 = nn.Sequential()
        classifier.backbone.fc = nn.Linear(8, 10).requires_grad_(False)
        nn.init.constant_(classifier.backbone.fc.weight, 0.5)
        nn.init.zeros_(classifier.backbone.fc.bias)
        return classifier

    surgery("take_away", take_away)
    made, changed, loaded, _ = derived(source, take_away={})
    assert changed == ["fc.weight", "fc.bias"]
    assert torch.equal(loaded(IMAGES), made(IMAGES))


def test_tensors_are_compared_bit_by_bit():
    before = {
        "kept": torch.tensor([0.0, float("nan")]),
        "signed": torch.tensor([0.0]),
        "shaped": torch.zeros(2, 1),
        "converted": torch.zeros(2),
        "counter": torch.tensor(3),
    }
    after = {
        **{name: tensor.clone() for name, tensor in before.items()},
        "signed": torch.tensor([-0.0]),
        "shaped": torch.zeros(1, 2),
        "converted": torch.zeros(2, dtype=torch.int32),
        "new": torch.zeros(1),
    }
    assert changed_tensors(before, after) == ["signed", "shaped", "converted", "new"]
    assert changed_tensors(before, before | {"counter": torch.tensor(4)}) == ["counter"]


def test_a_run_that_has_all_its_tensors_is_read_without_its_source(source):
    """As runs were written before they shared tensors with their sources."""
    made, _, _, record = derived(source, smooth_kernels={"rho": 1})
    del record["checkpoint"]
    save_checkpoint(source.with_name("low"), made, record)
    source.rename(source.with_name("elsewhere"))
    loaded, _ = load_checkpoint(source.with_name("low") / "run.json")
    assert torch.equal(loaded(IMAGES), made(IMAGES))


CIRCLE = {"unchanged_in": {"record": "../low/run.json", "sha256": "0" * 64}}


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (
            lambda source: (source / "run.json").unlink(),
            r"^\S+/v/run\.json is missing, of whose model \S+/low/run\.json has only what differs: put it back, or ",
        ),
        (
            lambda source: (source / "model.safetensors").unlink(),
            r"^\S+/v/model\.safetensors is missing, though \S+/v/run\.json names it: put it back, or have ",
        ),
        (
            lambda source: (source / "model.safetensors").write_bytes(b"0"),
            r"^\S+/v/model\.safetensors is truncated or was changed, .*: delete it and run again$",
        ),
        (
            lambda source: put_other_weights(source),
            r"^\S+/v/model\.safetensors is not what \S+/low/run\.json was made of, its SHA-256 is another: delete "
            r"\S+/low/run\.json and run again$",
        ),
        (
            lambda source: edit_json(source / "run.json", lambda record: record["checkpoint"].update(CIRCLE)),
            r"^\S+/low/run\.json is made of \S+/v/run\.json, which has only what differs from a third run: have it ",
        ),
    ],
    ids=["no record", "no weights", "damaged", "others", "a circle"],
)
def test_a_source_that_is_not_what_it_was_is_one_sentence(source, spoil, sentence):
    derived(source, low_pass_kernels={"below": 2, "layers": "first"})
    spoil(source)
    with pytest.raises(InputError, match=sentence):
        load_checkpoint(source.with_name("low") / "run.json")


def put_other_weights(source):
    """Put other weights of the same model there."""
    classifier, record = load_checkpoint(source / "run.json", compose=False)
    with torch.no_grad():
        classifier.backbone.fc.bias.add_(1)
    save_checkpoint(source, classifier, record)


def test_the_labels_are_those_beside_the_source(source):
    labels, own = np.array([2, 0, 1]), np.array([0, 1, 2])
    found = save_labels(source, labels)
    write_json(source / "run.json", load_checkpoint(source / "run.json")[1] | {"labels": found})
    _, _, _, record = derived(source, smooth_kernels={"rho": 1})
    assert record["labels"] == {"file": "../v/train_labels.npy", "sha256": found["sha256"]}
    assert sorted(path.name for path in source.with_name("low").iterdir()) == ["model.safetensors", "run.json"]
    assert load_labels(source.with_name("low"), record, own).tolist() == labels.tolist()


def test_the_images_are_those_beside_the_source(source):
    found = {key: save_indices(source, key, np.array([0, 2])) for key in ("trained_on", "validated_with")}
    write_json(source / "run.json", load_checkpoint(source / "run.json")[1] | found)
    _, _, _, record = derived(source, smooth_kernels={"rho": 1})
    assert record["validated_with"]["file"] == "../v/validation_images.npy"
    assert load_indices(source.with_name("low"), record, "trained_on", 3).tolist() == [0, 2]


def test_the_modules_are_those_of_the_changes():
    assert registry.surgery_modules({"from": "plain", "low_pass_kernels": {}}) == [low_pass_kernels.__module__]
    assert registry.surgery_modules({"from": "plain"}) == []
