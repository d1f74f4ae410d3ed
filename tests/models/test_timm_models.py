import subprocess
import sys

import pytest
import torch
from records import record_of
from torch import nn

from filterfreq.models import timm_models
from filterfreq.models.checkpoints import load_checkpoint, save_checkpoint
from filterfreq.models.classifier import Classifier
from filterfreq.models.registry import build, check_architecture
from filterfreq.models.surgery.decomposition import DCTConv2d, decompose
from filterfreq.runtime.errors import InputError
from filterfreq.training.interventions.penalty import frequency_penalty

IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


@pytest.mark.parametrize("name", ["timm_resnet18", "timm_convnext_tiny", "lowres_efficientnet_b0"])
def test_a_decomposed_classifier_trains_at_64_x_64(name):
    torch.manual_seed(0)
    classifier = Classifier(decompose(build(name, 10), "weight"), **IMAGENET).train()
    logits = classifier(torch.rand(2, 3, 64, 64))
    (logits.logsumexp(1).sum() + frequency_penalty(classifier, "highest", 0.01, "all")).backward()

    layers = [module for module in classifier.modules() if isinstance(module, DCTConv2d)]
    assert all(layer.coefficients.grad.isfinite().all() for layer in layers)
    assert all(layer.coefficients.grad.any() for layer in layers)


def test_the_low_resolution_efficientnet():
    """Published are 5.3 million parameters, 5,288,548, at 1,000 classes of 1,280 weights and a bias each."""
    model = build("lowres_efficientnet_b0", 10).eval()
    sides = []
    model.conv_stem.register_forward_hook(lambda _module, _inputs, output: sides.append(output.shape[-1]))
    for stage in model.blocks:
        stage.register_forward_hook(lambda _module, _inputs, output: sides.append(output.shape[-1]))
    model(torch.rand(1, 3, 32, 32))
    normalisations = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]

    assert sides == [32, 32, 16, 8, 4, 4, 2, 2]
    assert sum(parameter.numel() for parameter in model.parameters()) == 5_288_548 - 990 * 1281
    assert {(module.eps, module.momentum) for module in normalisations} == {(1e-3, 0.01)}
    assert model.drop_rate == 0.2
    assert not torch.equal(*(model.train()(torch.ones(2, 3, 32, 32))))


def test_a_checkpoint_of_a_network_with_same_padding_comes_back(tmp_path):
    torch.manual_seed(0)
    classifier = Classifier(decompose(build("lowres_efficientnet_b0", 10), "weight"), **IMAGENET).eval()
    settings = {"architecture": "lowres_efficientnet_b0", "num_classes": 10, "decomposition": "weight"}
    save_checkpoint(tmp_path, classifier, record_of(settings | IMAGENET))
    loaded, _ = load_checkpoint(tmp_path / "run.json")
    images = torch.rand(1, 3, 32, 32)

    assert torch.equal(loaded(images), classifier(images))


@pytest.mark.slow
def test_the_names_are_those_that_timm_lists():
    # In a process of its own: RobustBench, where it was imported, has added models.
    command = [sys.executable, "-c", "import timm; print(*timm.list_models())"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()

    assert timm_models.timm_names() == tuple(sorted(listed))


@pytest.mark.slow
def test_the_tags_are_those_that_timm_lists():
    command = [sys.executable, "-c", "import timm; print(*timm.list_pretrained())"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    tags = timm_models.timm_tags()
    for name in listed:
        timm_models.check_timm_weights(name)
    spelt_out = [name for name in listed if name.partition(".")[2] in tags.get(name.partition(".")[0], ())]

    assert len(spelt_out) > 0.98 * len(listed)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet50.a1_in2k", "unknown weights 'resnet50.a1_in2k', timm's resnet50 has the tags .*a1_in1k"),
        ("resnt50.a1_in1k", "timm has no 'resnt50'"),
    ],
)
def test_unknown_weights_are_refused(name, message):
    with pytest.raises(InputError, match=message):
        timm_models.check_timm_weights(name)


def test_weights_are_drawn_anew():
    weights = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        weights.append(build("timm_resnet18", 10).conv1.weight)

    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("timm_resnt18", "unknown model 'timm_resnt18', timm has no 'resnt18': did you mean timm_resnet18 or "),
        ("timm_zzzzzzzz", "timm has no 'zzzzzzzz': timm.list_models() lists what it has"),
        ("timm_", "unknown model 'timm_'"),
        ("timm_resnet18.a1_in1k", "did you mean 'timm_resnet18'?"),
    ],
)
def test_an_unknown_name_is_refused_and_close_ones_are_offered(name, message):
    for call in (check_architecture, lambda name: build(name, 10)):
        with pytest.raises(InputError) as refusal:
            call(name)
        assert message in str(refusal.value)


def test_where_timm_is_missing_names_cannot_be_checked(monkeypatch):
    monkeypatch.setattr(timm_models, "timm_names", lambda: ())

    assert timm_models.check_timm_name("anything")


def test_checking_a_name_imports_neither_timm_nor_torch():
    code = (
        "import sys; from filterfreq.models.registry import check_architecture; "
        "check_architecture('timm_resnet18'); sys.exit('timm' in sys.modules or 'torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": "scripts"})
