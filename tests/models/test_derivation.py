import sys
from types import ModuleType

import pytest
import torch
from records import edit_json, record_of
from torch import nn

from filterfreq.frequencies.masks import bandwidth_mask, filter_frequencies
from filterfreq.models.checkpoints import load_checkpoint, save_checkpoint
from filterfreq.models.classifier import Classifier
from filterfreq.models.derivation import derive
from filterfreq.models.registry import build
from filterfreq.models.surgery import registry
from filterfreq.models.surgery.decomposition import decompose
from filterfreq.models.surgery.low_pass_kernels import low_pass_kernels
from filterfreq.models.surgery.smooth_kernels import smooth_kernels
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import sha256

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
    made, record, changed = derive(source / "run.json", {"run": RUN, "derived": {"from": "v", **changes}}, "code")
    save_checkpoint(source.with_name("low"), made, record)
    loaded, loaded_record = load_checkpoint(source.with_name("low") / "run.json")
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
    made, _, loaded, record = derived(source, **both)
    alone = low_pass_kernels(load_checkpoint(source / "run.json")[0], **both["low_pass_kernels"])
    band = bandwidth_mask(16, 16, "low", 9) & ~bandwidth_mask(16, 16, "low", 3)
    alone.front_end = nn.Sequential()

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
    made, record, _ = derive(source / "run.json", {"run": RUN, "derived": {"from": "v"}}, "code")
    record["derived"]["low_pass_kernels"] = {"bellow": 2}
    save_checkpoint(source.with_name("low"), made, record)
    with pytest.raises(
        InputError, match=r"low/run\.json names a model that cannot be built .*: take the environment and "
    ):
        load_checkpoint(source.with_name("low") / "run.json")


def test_the_modules_are_those_of_the_changes():
    assert registry.surgery_modules({"from": "plain", "low_pass_kernels": {}}) == [low_pass_kernels.__module__]
    assert registry.surgery_modules({"from": "plain"}) == []
