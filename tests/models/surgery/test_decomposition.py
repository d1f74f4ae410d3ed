import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from oracles.decomposition import TwoStage, two_stage
from timm.layers import Conv2dSame
from torch import nn
from torch.nn import functional as F

from filterfreq.models.registry import build
from filterfreq.models.surgery.composition import compose
from filterfreq.models.surgery.decomposition import DCTConv2d, decompose
from filterfreq.runtime.errors import InputError

FIXTURES = Path(__file__).parents[1] / "fixtures"
GOLDEN = Path(__file__).parents[4] / "shared" / "golden"
CASES = json.loads((FIXTURES / "filter_frequency.json").read_text())["convolutions"]
DECOMPOSITIONS = {"WD": "weight", "SD": "signal"}
SETTINGS = [
    {"kernel_size": 3, "padding": 1},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": 5, "stride": (1, 2), "padding": (2, 0)},
    {"kernel_size": 3, "padding": "same", "dilation": 2},
    {"kernel_size": 3, "padding": "valid", "groups": 4},
    {"kernel_size": 5, "padding": 2, "groups": 2},
]


def layer_of(case, coefficients):
    arguments = {key: case[key] for key in ("stride", "padding", "dilation", "groups")}
    layer = DCTConv2d(
        case["in_channels"],
        case["out_channels"],
        case["kernel_size"],
        **arguments,
        decomposition=DECOMPOSITIONS[case["layer"]],
    ).double()
    with torch.no_grad():
        layer.coefficients.copy_(torch.from_numpy(coefficients))
    return layer


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['layer']}-{case['case']}")
def test_outputs_equal_the_released_layers(case):
    values = np.load(FIXTURES / "filter_frequency.npz")
    layer = layer_of(case, values[f"{case['case']}_coef"])

    outputs = layer(torch.from_numpy(values[f"{case['case']}_x"]))

    torch.testing.assert_close(outputs, torch.from_numpy(values[f"{case['case']}_y"]), rtol=0, atol=1e-10)


def test_outputs_equal_every_published_golden_value():
    if not GOLDEN.is_dir():
        pytest.skip(f"the full golden values are not at {GOLDEN}; the fixtures hold a part of them")
    cases = json.loads((GOLDEN / "filter_frequency.json").read_text())["convolutions"]
    values = np.load(GOLDEN / "filter_frequency.npz")

    assert len(cases) == 12
    for case in cases:
        layer = layer_of(case, values[f"{case['case']}_coef"])
        outputs = layer(torch.from_numpy(values[f"{case['case']}_x"]))
        torch.testing.assert_close(outputs, torch.from_numpy(values[f"{case['case']}_y"]), rtol=0, atol=1e-10)


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
@pytest.mark.parametrize("decomposition", ["weight", "signal"])
def test_one_convolution_equals_the_two_stage_form_with_gradients(setting, decomposition):
    torch.manual_seed(0)
    layer = DCTConv2d(4, 8, **setting, decomposition=decomposition).double()
    oracle = TwoStage(layer)
    images = torch.randn(2, 4, 9, 11, dtype=torch.float64, requires_grad=True)
    oracle_images = images.detach().clone().requires_grad_()

    outputs, expected = layer(images), oracle(oracle_images)
    direction = torch.randn_like(outputs)
    (outputs * direction).sum().backward()
    (expected * direction).sum().backward()

    torch.testing.assert_close(outputs, expected, rtol=0, atol=1e-10)
    torch.testing.assert_close(layer.coefficients.grad, oracle.coefficients.grad, rtol=0, atol=1e-10)
    torch.testing.assert_close(images.grad, oracle_images.grad, rtol=0, atol=1e-10)


def trained(model, steps=4):
    """Return the parameters after a few steps of SGD on the same random batches."""
    generator = torch.Generator().manual_seed(1)
    dtype = next(model.parameters()).dtype
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(steps):
        images = torch.rand(8, 3, 16, 16, generator=generator).to(dtype)
        labels = torch.randint(10, (8,), generator=generator)
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()
    return dict(model.named_parameters())


def seeded(decomposition):
    torch.manual_seed(2)
    return decompose(build("resnet_8_4", 10), decomposition)


def test_equal_seeds_give_the_two_decompositions_equal_training():
    before = dict(seeded("weight").named_parameters())
    weight, signal = trained(seeded("weight")), trained(seeded("signal"))

    assert weight.keys() == signal.keys()
    for name in weight:
        assert torch.equal(weight[name], signal[name]), name
    assert not torch.equal(before["conv1.coefficients"], weight["conv1.coefficients"])


def test_training_equals_the_training_of_the_two_stage_form():
    model = seeded("signal").double()
    oracle = two_stage(copy.deepcopy(model))

    parameters, expected = trained(model), trained(oracle)

    assert parameters.keys() == expected.keys()
    for name in parameters:
        torch.testing.assert_close(parameters[name], expected[name], rtol=0, atol=1e-10)


@pytest.mark.parametrize("decomposition", ["weight", "signal"])
@pytest.mark.parametrize(("groups", "bound"), [(1, 1 / 12), (4, 1 / 6), (16, 1 / 3)])
def test_initial_coefficients_are_uniform(decomposition, groups, bound):
    torch.manual_seed(0)
    coefficients = DCTConv2d(16, 256, 3, groups=groups, decomposition=decomposition).coefficients.detach()

    assert coefficients.shape == (256, 16 // groups, 3, 3)
    assert coefficients.abs().max() <= bound
    assert coefficients.abs().max() > 0.99 * bound
    assert coefficients.std().item() == pytest.approx(bound / 3**0.5, rel=0.03)


def test_the_state_holds_the_coefficients_alone():
    assert list(DCTConv2d(3, 4, 3).state_dict()) == ["coefficients"]


def test_the_layer_describes_itself():
    text = repr(DCTConv2d(3, 4, 3, stride=2, decomposition="signal"))

    assert text.startswith("DCTConv2d(3, 4, kernel_size=(3, 3), stride=2")
    assert "decomposition=signal" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"decomposition": "wieght"}, "unknown decomposition 'wieght': did you mean 'weight'?"),
        ({"decomposition": "x"}, "choose one of weight, signal"),
        ({"kernel_size": 4}, "4 x 4 kernel"),
        ({"kernel_size": (3, 5)}, "3 x 5 kernel"),
        ({"kernel_size": -1}, "-1 x -1 kernel"),
        ({"groups": 3}, "3 groups"),
        ({"groups": 0}, "0 groups"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(InputError) as refusal:
        DCTConv2d(**{"in_channels": 4, "out_channels": 8, "kernel_size": 3} | arguments)
    assert message in str(refusal.value)


def test_decompose_replaces_all_large_convolutions_in_place():
    model = build("resnet_8_4", 10)

    assert decompose(model, "weight") is model
    kinds = {name: type(module) for name, module in model.named_modules()}
    assert kinds["conv1"] is kinds["layer3.0.conv2"] is DCTConv2d
    assert kinds["layer2.0.shortcut.0"] is nn.Conv2d
    assert sum(kind is DCTConv2d for kind in kinds.values()) == 7
    assert model(torch.rand(2, 3, 16, 16)).shape == (2, 10)


def test_decompose_keeps_the_geometry_dtype_mode_and_sharing():
    old = nn.Conv2d(4, 8, 5, stride=2, padding=3, dilation=2, groups=2, dtype=torch.float64)
    old.weight.requires_grad_(False)
    model = nn.ModuleDict({"one": old, "two": nn.Sequential(old)}).eval()
    decompose(model, "signal")
    new = model["one"]

    assert new is model["two"][0]
    assert isinstance(new, DCTConv2d)
    assert new.decomposition == "signal"
    assert new.basis.dtype == new.coefficients.dtype == torch.float64
    assert not new.training
    assert not new.coefficients.requires_grad
    images = torch.rand(1, 4, 20, 20, dtype=torch.float64)
    assert new(images).shape == old(images).shape


def test_decompose_leaves_smaller_kernels_and_their_biases():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, (1, 3)), nn.Conv2d(4, 4, 5))
    decompose(model, "weight", min_kernel_size=5)

    assert [type(layer) for layer in model] == [nn.Conv2d, nn.Conv2d, DCTConv2d]
    assert model[0].bias is not None


def test_decompose_says_when_there_is_nothing_to_decompose():
    model = nn.Sequential(nn.Conv2d(3, 4, (1, 3)), nn.Conv2d(4, 4, 1), nn.Linear(2, 2))

    with pytest.raises(InputError, match=r"nothing to decompose: .* both kernel sides >= 3, train it without"):
        decompose(model, "weight")


def test_decompose_returns_the_new_layer_for_a_model_that_is_a_convolution():
    convolution = nn.Conv2d(3, 4, 3)

    assert isinstance(decompose(convolution, "weight"), DCTConv2d)
    assert type(convolution) is nn.Conv2d


@pytest.mark.parametrize("side", [31, 32, 33])
@pytest.mark.parametrize(("kernel_size", "stride", "dilation"), [(3, 1, 1), (3, 2, 1), (5, 2, 1), (5, 3, 2), (3, 4, 1)])
def test_same_padding_is_that_of_tensorflow(kernel_size, stride, dilation, side):
    torch.manual_seed(0)
    old = Conv2dSame(2, 4, kernel_size, stride, dilation=dilation, groups=2, bias=False).double().eval()
    new = decompose(old, "weight")
    images = torch.randn(1, 2, side, side + 4, dtype=torch.float64)
    with torch.no_grad():
        old.weight.copy_(new[1].composed_weight())

    assert not new[1].training
    torch.testing.assert_close(new(images), old(images), rtol=0, atol=1e-12)
    assert new(images).shape[2:] == (-(-side // stride), -(-(side + 4) // stride))
    assert torch.equal(compose(new)(images), new(images))


def test_decompose_leaves_patch_embeddings():
    model = nn.Sequential(nn.Conv2d(3, 4, 4, 4), nn.Conv2d(4, 4, 3, 3), nn.Conv2d(4, 4, 16, 16))
    decompose(model, "weight")

    assert [type(layer) for layer in model] == [nn.Conv2d, DCTConv2d, nn.Conv2d]


class PaddedConv2d(nn.Conv2d):
    def forward(self, images):
        return super().forward(F.pad(images, (1, 1, 1, 1)))


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (nn.Conv2d(3, 4, (3, 5)), "layer 1.0 cannot be decomposed: a 3 x 5 kernel"),
        (nn.Conv2d(3, 4, 4), "layer 1.0 cannot be decomposed: a 4 x 4 kernel"),
        (nn.Conv2d(3, 4, 4, 2), "layer 1.0 cannot be decomposed: a 4 x 4 kernel"),
        (nn.Conv2d(3, 4, 4, 4, padding=1), "layer 1.0 cannot be decomposed: a 4 x 4 kernel"),
        (nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect"), "layer 1.0 cannot be decomposed: its padding mode"),
        (PaddedConv2d(3, 4, 3), "layer 1.0 cannot be decomposed: it is a PaddedConv2d"),
    ],
)
def test_decompose_names_the_layer_it_cannot_replace_and_changes_nothing(layer, message):
    model = nn.Sequential(nn.Conv2d(3, 3, 3), nn.Sequential(layer))

    with pytest.raises(InputError) as refusal:
        decompose(model, "weight")
    assert str(refusal.value).startswith(message)
    assert type(model[0]) is nn.Conv2d


def test_decompose_refuses_an_unknown_decomposition_even_without_convolutions():
    with pytest.raises(InputError, match="did you mean 'signal'"):
        decompose(nn.Linear(2, 2), "signals")


@pytest.mark.parametrize("decomposition", ["weight", "signal"])
def test_compose_gives_plain_convolutions_with_the_same_outputs(decomposition):
    torch.manual_seed(0)
    model = decompose(build("resnet_14_4", 10), decomposition).eval()
    images = torch.rand(4, 3, 32, 32)
    state = torch.get_rng_state()
    plain = compose(model)

    assert torch.equal(torch.get_rng_state(), state)
    assert not any(isinstance(module, DCTConv2d) for module in plain.modules())
    assert isinstance(model.conv1, DCTConv2d)
    assert plain.state_dict().keys() == build("resnet_14_4", 10).state_dict().keys()
    assert torch.equal(plain(images), model(images))
    plain.conv1.weight.data.zero_()
    assert not torch.equal(plain(images), model(images))


def test_compose_handles_a_model_that_is_a_layer_and_one_without_any():
    layer = DCTConv2d(4, 6, 5, stride=2, padding="valid", dilation=2, groups=2, dtype=torch.float64).eval()
    plain = compose(layer)
    images = torch.rand(1, 4, 12, 12, dtype=torch.float64)

    assert type(plain) is nn.Conv2d
    assert not plain.training
    assert torch.equal(plain(images), layer(images))
    linear = nn.Linear(2, 2)
    assert compose(linear) is not linear
