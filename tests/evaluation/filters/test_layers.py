import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import fx, nn
from torch.nn import functional as F

from filterfreq.evaluation.filters.filter_layer import FilterLayer
from filterfreq.evaluation.filters.layers import filter_layers, first_filters, read_filter_layers
from filterfreq.evaluation.filters.metrics import measure_layer
from filterfreq.models import registry
from filterfreq.models.surgery.decomposition import DCTConv2d, decompose
from filterfreq.runtime.errors import InputError

SHARED = Path(__file__).parents[4] / "shared"
GOLDEN = SHARED / "golden" / "filter_lens.json"
SIDE = 16


def build(name: str) -> nn.Module:
    """An architecture whose weights are whatever the memory holds, which takes no time to draw."""
    with torch.device("meta"):
        model = registry.build(name, 10)
    return model.to_empty(device="cpu")


def depths(layers: list[FilterLayer]) -> dict[str, int]:
    return {layer.name: layer.conv_depth for layer in layers}


def conv(in_channels: int = 4, out_channels: int = 4, side: int = 3, **settings) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, side, padding=side // 2, **settings)


class Network(nn.Module):
    """Layers, and a function of them and an image as the forward pass."""

    def __init__(self, forward, **layers: nn.Module) -> None:
        super().__init__()
        self.function = forward
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, images):
        return self.function(self, images)


@pytest.mark.parametrize(
    ("name", "size", "convolutions", "expected", "filters"),
    [
        ("wideresnet_34_10", 8, 34, range(31), 5_097_008),
        ("preact_resnet_18", 8, 20, range(17), 1_220_800),
        # The stem of 7 x 7 has the depth 0.
        ("timm_resnet18", 32, 20, range(1, 17), 1_220_608),
        ("torchvision_resnet18", 32, 20, range(1, 17), 1_220_608),
        ("timm_resnet50", 32, 53, range(2, 49, 3), 1_257_472),
        ("torchvision_wide_resnet50_2", 32, 53, range(2, 49, 3), 5_029_888),
    ],
)
def test_architectures_have_the_published_counts(name, size, convolutions, expected, filters):
    model = build(name)
    found = filter_layers(model, size)
    assert sum(isinstance(module, nn.Conv2d) for module in model.modules()) == convolutions
    assert [layer.conv_depth for layer in found] == list(expected)
    assert [layer.index for layer in found] == list(range(len(expected)))
    assert sum(layer.weights.shape[0] * layer.weights.shape[1] for layer in found) == filters
    assert found[-1].conv_depth_norm == (1 if "50" not in name else 47 / 48)


def fx_depths(model: nn.Module) -> dict[str, int]:
    """The ranks of the convolutions' depths in the graph of torch.fx, where each call is a node."""
    length, convolutions = {}, {}
    modules = dict(model.named_modules())
    for node in fx.symbolic_trace(model).graph.nodes:
        length[node] = 1 + max((length[before] for before in node.all_input_nodes), default=-1)
        if node.op == "call_module" and isinstance(modules[node.target], nn.Conv2d):
            convolutions[node.target] = length[node]
    ranks = sorted(set(convolutions.values()))
    return {name: ranks.index(depth) for name, depth in convolutions.items() if modules[name].kernel_size == (3, 3)}


@pytest.mark.parametrize(
    "name", ["resnet_8", "resnet_14_2_dw", "wideresnet_10_1", "torchvision_squeezenet1_1", "torchvision_densenet121"]
)
def test_depths_are_those_of_the_graph_of_torch_fx(name):
    model = build(name)
    assert depths(filter_layers(model, 32)) == fx_depths(model)


def test_all_convolutions_count_for_the_depth_and_those_of_3_x_3_are_returned():
    model = nn.Sequential(conv(3, 4, 7), nn.ReLU(), conv(4, 4, 3), conv(4, 4, 1), nn.Conv2d(4, 4, (3, 1)), conv())
    layers = filter_layers(model, SIDE)
    assert [(layer.name, layer.index, layer.conv_depth, layer.conv_depth_norm) for layer in layers] == [
        ("2", 0, 1, 1 / 4),
        ("5", 1, 4, 1),
    ]
    assert layers[1].weights.shape == (4, 4, 3, 3)
    torch.testing.assert_close(torch.from_numpy(layers[1].weights), model[5].weight.detach())


def test_a_single_convolution_has_the_depth_0():
    [layer] = filter_layers(conv(3), SIDE)
    assert (layer.name, layer.conv_depth, layer.conv_depth_norm) == ("", 0, 0)


def test_convolutions_side_by_side_share_a_depth_and_the_longest_path_counts():
    def forward(model, images):
        start = model.start(images)
        left = model.left2(model.left1(start))
        right = F.avg_pool2d(model.right(start), 1)
        return model.end(torch.cat([start, left, right], 1))

    model = Network(forward, start=conv(3), right=conv(), left1=conv(), left2=conv(), end=conv(12))
    assert depths(filter_layers(model, SIDE)) == {"start": 0, "left1": 1, "left2": 2, "right": 1, "end": 3}


def test_another_function_before_one_of_them_makes_it_deeper():
    def forward(model, images):
        return model.plain(images) + model.pooled(F.avg_pool2d(images, 1))

    assert depths(filter_layers(Network(forward, plain=conv(3), pooled=conv(3)), SIDE)) == {"plain": 0, "pooled": 1}


def test_batch_normalisation_after_a_convolution_and_dropout_are_no_nodes():
    """As in the graph that is exported to ONNX, where the other branch lies as deep."""

    def forward(model, images):
        return model.a2(model.norm(model.a1(images))) + model.b2(model.b1(model.dropout(images)))

    layers = {name: conv(3, 3) for name in ("a1", "a2", "b1", "b2")}
    model = Network(forward, norm=nn.BatchNorm2d(3), dropout=nn.Dropout(), **layers)
    assert depths(filter_layers(model, SIDE)) == {"a1": 0, "a2": 1, "b1": 0, "b2": 1}


def test_batch_normalisation_elsewhere_is_a_node():
    def forward(model, images):
        return model.a2(model.norm(torch.relu(model.a1(images)))) + model.b2(torch.relu(model.b1(images)))

    model = Network(forward, norm=nn.BatchNorm2d(3), **{name: conv(3, 3) for name in ("a1", "a2", "b1", "b2")})
    assert depths(filter_layers(model, SIDE)) == {"a1": 0, "a2": 2, "b1": 0, "b2": 1}


@pytest.mark.parametrize(
    "condition",
    [
        lambda images: images.sum() > -1,
        lambda images: images.mean().item() == 0,
        lambda images: bool(images.numpy().max() < 1),
    ],
)
def test_a_forward_pass_that_branches_by_numbers_is_followed(condition):
    def forward(model, images):
        images = model.first(images)
        return model.second(images) if condition(0 * images) else images

    model = Network(forward, first=conv(3), second=conv(), third=conv())
    assert depths(filter_layers(model, SIDE)) == {"first": 0, "second": 1}


def test_a_forward_pass_that_branches_by_shapes_is_followed():
    def forward(model, images):
        images = model.first(images)
        for _ in range(images.shape[-1] // 8):
            images = model.again(images)
        return model.last(images) if images.size(1) == 4 else images

    model = Network(forward, first=conv(3), again=conv(), last=conv())
    layers = filter_layers(model, SIDE)
    # The one that is used twice counts where that is first.
    assert depths(layers) == {"first": 0, "again": 1, "last": 3}
    assert layers[-1].conv_depth_norm == 1


def test_convolutions_that_no_image_meets_are_left_out():
    model = Network(lambda model, images: model.used(images), unused=conv(3), used=conv(3))
    assert depths(filter_layers(model, SIDE)) == {"used": 0}


def test_what_is_written_into_a_tensor_is_followed():
    def forward(model, images):
        images = model.first(images)
        joined = torch.zeros(images.shape, device=images.device)
        joined[:, :2] = model.second(images)
        return model.third(joined)

    model = Network(forward, first=conv(3), second=conv(4, 2), third=conv())
    assert depths(filter_layers(model, SIDE)) == {"first": 0, "second": 1, "third": 2}


class Extension(nn.Module):
    """Computes with no function of torch."""

    def forward(self, images):
        return torch.from_numpy(2 * images.numpy())


def test_a_module_of_an_extension_is_a_node():
    model = nn.Sequential(conv(3), Extension(), conv())
    assert depths(filter_layers(model, SIDE)) == {"0": 0, "2": 1}


def test_what_cannot_be_followed_is_refused_by_the_name_of_the_layer():
    def forward(model, images):
        return model.second(torch.from_numpy(model.first(images).numpy()))

    with pytest.raises(InputError, match=r"^layer second takes what cannot be followed.*: leave"):
        filter_layers(Network(forward, first=conv(3), second=conv()), SIDE)


@pytest.mark.parametrize("decomposition", ["weight", "signal"])
def test_dct_layers_count_as_the_convolutions_that_they_compose(decomposition):
    model = decompose(nn.Sequential(conv(3), conv(side=1), conv(side=5), conv()), decomposition)
    layers = filter_layers(model, SIDE)
    assert depths(layers) == {"0": 0, "3": 3}
    assert isinstance(model[0], DCTConv2d)
    for layer in layers:
        expected = model.get_submodule(layer.name).composed_weight().detach()
        torch.testing.assert_close(torch.from_numpy(layer.weights), expected)


@pytest.mark.filterwarnings("ignore:.*weight_norm. is deprecated")
def test_weights_that_are_computed_are_read():
    model = nn.Sequential(nn.utils.parametrizations.weight_norm(conv(3)), nn.utils.weight_norm(conv()))
    expected = [layer.weight.detach().clone() for layer in model]
    for layer, weight in zip(filter_layers(model, SIDE), expected, strict=True):
        torch.testing.assert_close(torch.from_numpy(layer.weights), weight)


def test_weights_of_half_precision_are_read():
    [layer] = filter_layers(conv(3).bfloat16(), SIDE)
    assert layer.weights.dtype == np.float32
    [layer] = filter_layers(conv(3).half(), SIDE)
    assert layer.weights.dtype == np.float16


class Caching(nn.Module):
    """Keeps what it computes for a size of images."""

    def __init__(self) -> None:
        super().__init__()
        self.shift = None

    def forward(self, images):
        if self.shift is None:
            self.shift = torch.zeros_like(images)
        return images + self.shift


def test_a_model_is_left_as_it_is():
    model = nn.Sequential(conv(3), nn.BatchNorm2d(4), Caching(), nn.Dropout(), conv())
    model[1].eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    filter_layers(model, SIDE, fold_batch_norm=True)
    assert [module.training for module in model.modules()] == modes
    assert model[2].shift is None
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=0)
    model(torch.rand(2, 3, SIDE, SIDE))


def test_weights_share_the_memory_of_the_models():
    model = nn.Sequential(conv(3), conv())
    for layer, module in zip(read_filter_layers(model, SIDE), model, strict=True):
        assert np.shares_memory(layer.weights, module.weight.detach().numpy())


def trained_norm(channels: int = 4, **settings) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(channels, **settings)
    norm.running_var.uniform_(0.1, 4)
    if norm.affine:
        nn.init.uniform_(norm.weight, -2, 2)
        nn.init.normal_(norm.bias)
    return norm


def folded(model: nn.Module) -> dict[str, bool]:
    """Whether each layer's weights are changed by folding."""
    plain, changed = filter_layers(model, SIDE), filter_layers(model, SIDE, fold_batch_norm=True)
    assert depths(plain) == depths(changed)
    return {
        layer.name: not np.array_equal(layer.weights, other.weights)
        for layer, other in zip(plain, changed, strict=True)
    }


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("groups", [1, 2])
def test_a_folded_convolution_computes_what_it_does_with_its_batch_normalisation(affine, groups):
    model = nn.Sequential(conv(3), conv(groups=groups), trained_norm(affine=affine)).double().eval()
    layer = filter_layers(model, SIDE, fold_batch_norm=True)[1]
    images = torch.rand(1, 3, SIDE, SIDE, dtype=torch.float64)
    plain = F.conv2d(model[0](images), torch.from_numpy(layer.weights), padding=1, groups=groups)
    # What is left is a constant of each channel.
    difference = (model(images) - plain).flatten(2)
    torch.testing.assert_close(difference, difference[..., :1].expand_as(difference))


def test_only_batch_normalisation_that_alone_and_directly_follows_is_folded():
    def forward(model, images):
        images = model.followed_norm(model.followed(images))
        images = model.activated_norm(torch.relu(model.activated(images)))
        used = model.used_twice(images)
        images = model.used_twice_norm(used) + used
        shared = model.shared_norm(model.shared(model.shared_norm(model.shared(images))))
        return model.last(shared)

    names = ("activated", "used_twice", "shared", "last")
    layers = {name: conv() for name in names}
    norms = {f"{name}_norm": trained_norm() for name in ("followed", *names[:-1])}
    model = Network(forward, followed=conv(3), **layers, **norms)
    assert folded(model) == {"followed": True} | dict.fromkeys(names, False)


def test_batch_normalisation_without_running_statistics_is_not_folded():
    model = nn.Sequential(conv(3), trained_norm(track_running_stats=True), conv(), nn.BatchNorm2d(4))
    model[3].running_mean = model[3].running_var = None
    model[3].track_running_stats = False
    assert folded(model) == {"0": True, "2": False}


def test_batch_normalisation_by_the_statistics_of_the_images_is_not_folded():
    def forward(model, images):
        images = F.batch_norm(model.own(images), model.norm.running_mean, model.norm.running_var, training=True)
        return F.batch_norm(model.running(images), model.norm.running_mean, model.norm.running_var)

    assert folded(Network(forward, own=conv(3), running=conv(), norm=trained_norm())) == {"own": False, "running": True}


@pytest.mark.skipif(not GOLDEN.exists(), reason="needs the golden values in ../shared")
def test_folded_layers_of_a_trained_network_have_the_golden_values():
    golden = json.loads(GOLDEN.read_text())
    path = SHARED / "data" / "checkpoints" / "resnet20-12fca82f.th"
    state = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
    model = registry.build("resnet_20_option_a", 10)
    model.load_state_dict({name.removeprefix("module."): tensor for name, tensor in state.items()}, strict=False)
    layers = filter_layers(model, 32, fold_batch_norm=True)
    separate = filter_layers(model, 32)
    for index, (layer, entry) in enumerate(zip(layers, golden["layers"], strict=True)):
        assert layer.name == entry["name"]
        assert (layer.index, layer.conv_depth) == (index, entry["conv_depth"])
        assert layer.conv_depth_norm == pytest.approx(entry["conv_depth_norm"])
        found, expected = measure_layer(layer), entry["folded"]
        assert found.num_sparse == expected["num_sparse"]
        for name in ("sparsity", "variance_entropy", "orthogonality"):
            assert getattr(found, name) == pytest.approx(expected[name], abs=1e-9)
        products = (layer.weights * separate[index].weights).sum(axis=(1, 2, 3))
        assert (products < 0).sum() == expected["negative_scales"]
    found = [measure_layer(layer) for layer in layers]
    assert sum(layer.num_clean for layer in found) == golden["model_folded"]["num_clean"]


def test_a_model_without_convolutions_of_3_x_3_is_refused():
    with pytest.raises(InputError, match=r"^the model has no convolution of 3 x 3 .*: leave"):
        filter_layers(nn.Sequential(conv(3, 4, 1), conv(4, 4, 5), nn.ConvTranspose2d(4, 4, 3)), SIDE)
    with pytest.raises(InputError, match=r"^the model has no convolution of 3 x 3 .*: leave"):
        filter_layers(nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE * SIDE, 2)), SIDE)


def test_a_model_of_other_images_is_refused():
    with pytest.raises(InputError, match=r"^the model does not take an image of 16 x 16 pixels \(.*\): give the size"):
        filter_layers(nn.Sequential(conv(3), nn.Flatten(), nn.Linear(10, 2)), SIDE)


def test_pictures_show_the_first_filters_of_each_layer_in_the_order_of_the_weights():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 1), nn.Conv2d(5, 9, 3))
    found = first_filters(network, 8)
    assert found["conv_depths"].tolist() == [0, 2]
    assert found["first_filters"].shape == (2, 32, 3, 3)
    first, last = (layer.weight.detach().numpy() for layer in (network[0], network[2]))
    assert np.array_equal(found["first_filters"][0, 3:6], first[1])
    assert np.isnan(found["first_filters"][0, 12:]).all()
    assert np.array_equal(found["first_filters"][1, 30:], last[6, :2])
    assert np.array_equal(found["first_kernels"], first.reshape(-1, 3, 3))


@pytest.mark.parametrize("is_decomposed", [False, True])
def test_pictures_show_the_kernels_of_the_first_layer_whatever_their_size(is_decomposed):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 16, 5), nn.Conv2d(16, 4, 3))
    network = decompose(network, "weight") if is_decomposed else network
    layer = network[0].plain_layer() if is_decomposed else network[0]
    found = first_filters(network, 16)
    assert np.array_equal(found["first_kernels"], layer.weight.detach().numpy().reshape(48, 5, 5)[:32])
    assert found["conv_depths"].tolist() == [1]
