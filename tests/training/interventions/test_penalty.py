import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from oracles.decomposition import penalty as oracle
from torch import nn

from filterfreq.frequencies.dct import dct_matrix
from filterfreq.models.surgery.decomposition import DCTConv2d
from filterfreq.runtime.errors import InputError
from filterfreq.training.interventions.penalty import DCT_KINDS, frequency_penalty, intervention, smoothness_penalty

FIXTURES = Path(__file__).parents[2] / "models" / "fixtures"
# The released code's parameter, by which it divides the number of layers.
LAYERS = {1: "all", 2: "half", 3: "third"}
GOLDEN = Path(__file__).parents[4] / "shared" / "golden"


def model_of(*coefficients):
    """Return a model in double precision with one DCT layer for each array [O, I, N, N], in that order."""
    layers = []
    for array in coefficients:
        tensor = torch.as_tensor(array, dtype=torch.float64)
        layer = DCTConv2d(tensor.shape[1], tensor.shape[0], tensor.shape[2], dtype=torch.float64)
        layer.coefficients = nn.Parameter(tensor.clone())
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers)


def check_golden(folder):
    rows = json.loads((folder / "filter_frequency.json").read_text())["regulariser"]
    values = np.load(folder / "filter_frequency.npz")
    assert len(rows) == 2 * 5 * 3
    for row in rows:
        model = model_of(*(values[f"reg_{row['layer']}_{index}"] for index in range(7)))
        penalty = frequency_penalty(model, row["mode"], row["l2_lambda"], LAYERS[row["depth"]])
        penalty.backward()
        gradients = [layer.coefficients.grad for layer in model if isinstance(layer, DCTConv2d)]
        norms = [0.0 if gradient is None else gradient.norm().item() for gradient in gradients]

        assert penalty.shape == ()
        assert penalty.item() == pytest.approx(row["value"], rel=0, abs=1e-10), row
        assert norms == pytest.approx(row["grad_norm_per_layer"], rel=0, abs=1e-10), row


def test_values_and_gradients_equal_the_released_ones():
    check_golden(FIXTURES)


def test_values_and_gradients_equal_every_published_golden_value():
    if not GOLDEN.is_dir():
        pytest.skip(f"the full golden values are not at {GOLDEN}; the fixtures hold a part of them")
    check_golden(GOLDEN)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("kind", DCT_KINDS)
def test_values_and_gradients_follow_the_definition(kind, memory_format):
    rng = np.random.default_rng(0)
    model = model_of(*(rng.normal(size=(4, 3, n, n)) for n in (3, 5, 3, 7))).to(memory_format=memory_format)
    layers = [layer.coefficients for layer in model if isinstance(layer, DCTConv2d)]

    expected = oracle(model, kind, 0.5)
    penalty = frequency_penalty(model, kind, 0.5, "all")

    assert expected > 0
    assert penalty.item() == pytest.approx(expected.item(), rel=0, abs=1e-10)
    gradients = (torch.autograd.grad(value, layers) for value in (penalty, expected))
    for gradient, defined in zip(*gradients, strict=True):
        torch.testing.assert_close(gradient, defined, rtol=0, atol=1e-10)


def test_the_weights_of_seven_by_seven_kernels():
    """The lowest ((N - 1) / 2)^2 coefficients are free of `all`, and the lowest ((N + 1) / 2)^2 of `highest`."""
    weights = {"all": np.zeros((7, 7)), "highest": np.zeros((7, 7))}
    for (i, j), kind in itertools.product(np.ndindex(7, 7), weights):
        unit = np.zeros((2, 2, 7, 7))
        unit[1, 0, i, j] = -1
        weights[kind][i, j] = frequency_penalty(model_of(unit), kind, 1.0, "all").item()

    expected_all = [
        [0, 0, 0, 9, 16, 25, 36],
        [0, 0, 0, 10, 17, 26, 37],
        [0, 0, 0, 13, 20, 29, 40],
        [9, 10, 13, 18, 25, 34, 45],
        [16, 17, 20, 25, 32, 41, 52],
        [25, 26, 29, 34, 41, 50, 61],
        [36, 37, 40, 45, 52, 61, 72],
    ]
    expected_highest = [[0, 0, 0, 0, 4, 5, 6]] * 4 + [[4] * 5 + [5, 6], [5] * 6 + [6], [6] * 7]
    np.testing.assert_allclose(weights["all"], expected_all, rtol=1e-14)
    np.testing.assert_allclose(weights["highest"], expected_highest, rtol=1e-14)


@pytest.mark.parametrize(
    ("number", "layers", "counted"),
    [(7, "all", 7), (7, "half", 4), (7, "third", 3), (1, "all", 1), (1, "third", 1), (2, "half", 2), (7, "first", 1)],
)
def test_the_first_layers_count(number, layers, counted):
    model = model_of(*([np.ones((1, 1, 3, 3))] * number))
    frequency_penalty(model, "highest", 1.0, layers).backward()

    gradients = [layer.coefficients.grad for layer in model if isinstance(layer, DCTConv2d)]
    assert [gradient is not None for gradient in gradients] == [True] * counted + [False] * (number - counted)


@pytest.mark.parametrize("kind", DCT_KINDS)
def test_the_gradient_is_finite_where_norms_are_zero(kind):
    model = model_of(np.zeros((2, 2, 3, 3)), np.zeros((2, 2, 5, 5)))
    frequency_penalty(model, kind, 1.0, "all").backward()

    for layer in (model[0], model[2]):
        assert torch.equal(layer.coefficients.grad, torch.zeros_like(layer.coefficients))


@pytest.mark.parametrize("kind", DCT_KINDS)
def test_a_one_by_one_kernel_has_no_penalty(kind):
    assert frequency_penalty(model_of(np.ones((2, 2, 1, 1))), kind, 1.0, "all").item() == 0


def test_strength_zero_gives_zero():
    assert frequency_penalty(model_of(np.ones((2, 2, 3, 3))), "all", 0.0, "all").item() == 0


def test_the_constants_serve_training_after_inference_mode():
    model = model_of(np.ones((1, 1, 9, 9)))  # a size that no other test has cached
    with torch.inference_mode():
        frequency_penalty(model, "all", 1.0, "all")
        frequency_penalty(model, "diff_all", 1.0, "all")

    frequency_penalty(model, "all", 1.0, "all").backward()
    frequency_penalty(model, "diff_all", 1.0, "all").backward()
    assert model[0].coefficients.grad.isfinite().all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("higest", 0.1, "all"), "unknown penalty kind 'higest': did you mean 'highest'?"),
        (("x", 0.1, "all"), "choose one of highest, all, highest+diff, all+diff, diff_all"),
        (("all", -0.1, "all"), "strength is -0.1"),
        (("all", float("nan"), "all"), "strength is nan"),
        (("all", float("inf"), "all"), "strength is inf"),
        (("all", 0.1, 1), "unknown layers of the penalty '1'"),
        (("all", 0.1, "thrid"), "did you mean 'third'"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(InputError) as refusal:
        frequency_penalty(model_of(np.ones((1, 1, 3, 3))), *arguments)
    assert message in str(refusal.value)


def test_a_model_without_dct_layers_is_refused():
    with pytest.raises(InputError, match="has none"):
        frequency_penalty(nn.Sequential(nn.Conv2d(3, 4, 3)), "highest", 0.1, "all")


def squared_differences(planes):
    """The squared differences of neighbours of planes [..., H, W], one after the other."""
    found = 0.0
    for plane in planes.reshape(-1, *planes.shape[-2:]):
        for i, j in np.ndindex(plane.shape):
            found += (plane[i, j] - plane[i + 1, j]) ** 2 if i + 1 < plane.shape[0] else 0
            found += (plane[i, j] - plane[i, j + 1]) ** 2 if j + 1 < plane.shape[1] else 0
    return found


def plain_model():
    torch.manual_seed(0)
    oblong, pointwise = nn.Conv2d(4, 6, (1, 3), groups=2), nn.Conv2d(6, 6, 1)
    return nn.Sequential(nn.Conv2d(3, 4, 5), oblong, pointwise, nn.Conv2d(6, 2, 3), nn.Conv2d(2, 2, 3)).double()


# Of four convolutions with a side above 1, so many count.
@pytest.mark.parametrize(
    ("layers", "counted"), [("all", [0, 1, 3, 4]), ("half", [0, 1, 3]), ("third", [0, 1]), ("first", [0])]
)
def test_rough_kernels_are_penalised_by_their_neighbours_differences(layers, counted):
    model = plain_model()
    penalty = smoothness_penalty(model, 0.5, layers)
    penalty.backward()
    expected = 0.5 * sum(squared_differences(model[number].weight.detach().numpy()) for number in counted)
    assert penalty.shape == ()
    assert penalty.item() == pytest.approx(expected, rel=1e-12)
    assert [number for number, layer in enumerate(model) if layer.weight.grad is not None] == counted


@pytest.mark.parametrize("size", [3, 5, 7])
def test_rough_kernels_are_those_of_high_frequencies(size):
    """The closed form: neighbours' differences are diagonal in the orthonormal DCT-II."""
    weight = torch.randn(2, 3, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    layer = nn.Conv2d(3, 2, size, dtype=torch.float64)
    layer.weight = nn.Parameter(weight)
    matrix = dct_matrix(size)
    factors = 4 * torch.sin(torch.pi * torch.arange(size, dtype=torch.float64) / (2 * size)) ** 2
    expected = ((factors[:, None] + factors) * (matrix @ weight @ matrix.T) ** 2).sum()
    assert smoothness_penalty(nn.Sequential(layer), 1.0, "all").item() == pytest.approx(expected.item(), rel=1e-12)


def test_of_dct_layers_the_composed_kernels_are_penalised():
    rng = np.random.default_rng(0)
    model = model_of(*(rng.normal(size=(4, 3, n, n)) for n in (3, 5)))
    expected = sum(squared_differences(layer.plain_layer().weight.detach().numpy()) for layer in (model[0], model[2]))
    penalty = intervention({"kind": "smooth", "strength": 2.0, "layers": "all"}).penalty(model)
    penalty.backward()
    assert penalty.item() == pytest.approx(2 * expected, rel=1e-12)
    gradient = model[0].coefficients.grad
    # To the rounding of the basis, which is single precision.
    assert gradient[..., 0, 0].abs().max() < 1e-5
    assert gradient[..., 2, 2].abs().min() > 1e-3


def test_constant_kernels_have_no_penalty_and_a_gradient_of_zero():
    layer = nn.Conv2d(3, 2, 3, bias=False)
    nn.init.constant_(layer.weight, 0.7)
    smoothness_penalty(nn.Sequential(layer), 1.0, "all").backward()
    assert not layer.weight.grad.any()


def test_a_model_without_neighbouring_weights_is_refused():
    with pytest.raises(InputError, match="'smooth' needs a kernel larger than 1 x 1 and the model has none"):
        smoothness_penalty(nn.Sequential(nn.Conv2d(3, 2, 1)), 1.0, "all")
