import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from filterfreq.errors import InputError
from filterfreq.models.dct import DCTConv2d
from filterfreq.models.penalty import KINDS, frequency_penalty

FIXTURES = Path(__file__).parent / "fixtures"
GOLDEN = Path(__file__).parents[3] / "shared" / "golden"


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
        penalty = frequency_penalty(model, row["mode"], row["l2_lambda"], row["depth"])
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


def as_defined(norms, kind):
    """Compute one layer's penalty from its norms, word for word as the definition."""
    n = len(norms)
    if kind == "diff_all":
        diagonals = [[norms[i, j] for i in range(n) for j in range(n) if i + j == p] for p in range(2 * n - 1)]
        return sum(max(0, b - a) for p in range(1, 2 * n - 1) for a in diagonals[p - 1] for b in diagonals[p])
    total = 0.0
    for i in range(n):
        for j in range(n):
            m = max(i, j)
            if kind.startswith("highest") and m > n / 2:
                total += m * norms[i, j]
            if kind.startswith("all") and m >= (n - 1) / 2:
                total += (i**2 + j**2) * norms[i, j]
    if kind.endswith("+diff"):
        total += sum(max(0, norms[place] - norms[0, 0]) for place in ((0, 1), (1, 0), (1, 1)))
    return total


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [3, 5, 7])
def test_values_and_gradients_follow_the_definition(kind, n):
    coefficients = np.random.default_rng(n).normal(size=(4, 3, n, n))
    model = model_of(coefficients)
    penalty = frequency_penalty(model, kind, 0.5, 1)
    penalty.backward()

    def value(array):
        return 0.5 * as_defined(np.sqrt((array**2).sum(axis=(0, 1))), kind)

    assert value(coefficients) > 0
    assert penalty.item() == pytest.approx(value(coefficients), abs=1e-10)
    step = 1e-5  # rounding and truncation both stay below 1e-7
    for place in [(0, 0, 0, 0), (1, 2, 0, 1), (3, 0, n - 1, 0), (2, 1, n - 1, n - 1)]:
        offset = np.zeros_like(coefficients)
        offset[place] = step
        slope = (value(coefficients + offset) - value(coefficients - offset)) / (2 * step)
        assert model[0].coefficients.grad[place].item() == pytest.approx(slope, abs=1e-7)


@pytest.mark.parametrize(
    ("layers", "depth", "counted"), [(7, 1, 7), (7, 2, 4), (7, 3, 3), (1, 1, 1), (1, 3, 1), (2, 2, 2)]
)
def test_the_first_layers_count(layers, depth, counted):
    model = model_of(*([np.ones((1, 1, 3, 3))] * layers))
    frequency_penalty(model, "highest", 1.0, depth).backward()

    gradients = [layer.coefficients.grad for layer in model if isinstance(layer, DCTConv2d)]
    assert [gradient is not None for gradient in gradients] == [True] * counted + [False] * (layers - counted)


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_is_finite_where_norms_are_zero(kind):
    model = model_of(np.zeros((2, 2, 3, 3)), np.zeros((2, 2, 5, 5)))
    frequency_penalty(model, kind, 1.0, 1).backward()

    for layer in (model[0], model[2]):
        assert torch.equal(layer.coefficients.grad, torch.zeros_like(layer.coefficients))


@pytest.mark.parametrize("kind", KINDS)
def test_a_one_by_one_kernel_has_no_penalty(kind):
    assert frequency_penalty(model_of(np.ones((2, 2, 1, 1))), kind, 1.0, 1).item() == 0


def test_strength_zero_gives_zero():
    assert frequency_penalty(model_of(np.ones((2, 2, 3, 3))), "all", 0.0, 1).item() == 0


def test_the_constants_serve_training_after_inference_mode():
    model = model_of(np.ones((1, 1, 9, 9)))  # a size that no other test has cached
    with torch.inference_mode():
        frequency_penalty(model, "all", 1.0, 1)
        frequency_penalty(model, "diff_all", 1.0, 1)

    frequency_penalty(model, "all", 1.0, 1).backward()
    frequency_penalty(model, "diff_all", 1.0, 1).backward()
    assert model[0].coefficients.grad.isfinite().all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("higest", 0.1, 1), "unknown penalty kind 'higest': did you mean 'highest'?"),
        (("x", 0.1, 1), "choose one of highest, all, highest+diff, all+diff, diff_all"),
        (("all", -0.1, 1), "strength is -0.1"),
        (("all", float("nan"), 1), "strength is nan"),
        (("all", float("inf"), 1), "strength is inf"),
        (("all", 0.1, 0), "depth is 0"),
        (("all", 0.1, 4), "depth is 4"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(InputError) as refusal:
        frequency_penalty(model_of(np.ones((1, 1, 3, 3))), *arguments)
    assert message in str(refusal.value)


def test_a_model_without_dct_layers_is_refused():
    with pytest.raises(InputError, match="has none"):
        frequency_penalty(nn.Sequential(nn.Conv2d(3, 4, 3)), "highest", 0.1, 1)
